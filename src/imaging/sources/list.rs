//! Paths from a list such as `find` writes: one a line, or separated by NUL.

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;

use super::SourceError;

/// Longest entry, in bytes; system limits on paths lie far below.
const LONGEST_ENTRY: u64 = 64 * 1024;

/// A list that is read as its entries are asked for.
pub(super) struct List {
    reader: Box<dyn BufRead + Send>,
    /// Decided by the first block that is read.
    separator: Option<u8>,
    number: u64,
    done: bool,
}

impl List {
    pub(super) fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self { reader, separator: None, number: 0, done: false }
    }

    fn separator(&mut self) -> io::Result<u8> {
        if let Some(separator) = self.separator {
            return Ok(separator);
        }
        let has_nul = loop {
            match self.reader.fill_buf() {
                Ok(block) => break block.contains(&0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        Ok(*self.separator.insert(if has_nul { 0 } else { b'\n' }))
    }

    /// The next entry without its separator; `None` at the end.
    fn entry(&mut self) -> io::Result<Option<Vec<u8>>> {
        let separator = self.separator()?;
        let mut entry = Vec::new();
        let mut limited = self.reader.by_ref().take(LONGEST_ENTRY);
        if limited.read_until(separator, &mut entry)? == 0 {
            return Ok(None);
        }
        if entry.last() == Some(&separator) {
            entry.pop();
            if separator == b'\n' && entry.last() == Some(&b'\r') {
                entry.pop();
            }
        }
        Ok(Some(entry))
    }

    fn bad(&self, reason: &'static str) -> SourceError {
        SourceError::BadEntry { number: self.number, reason }
    }
}

impl Iterator for List {
    type Item = Result<PathBuf, SourceError>;

    /// Passes over empty lines. Ends after an entry too long to be a path, since what is read is
    /// no list then.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let entry = match self.entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(source) => {
                    self.done = true;
                    return Some(Err(SourceError::List { number: self.number, source }));
                }
            };
            self.number += 1;
            if u64::try_from(entry.len()).is_ok_and(|length| length >= LONGEST_ENTRY) {
                self.done = true;
                return Some(Err(self.bad("is longer than any path")));
            }
            if entry.contains(&0) {
                return Some(Err(self.bad("holds a NUL")));
            }
            if !entry.is_empty() {
                let path = path(entry);
                return Some(path.ok_or_else(|| self.bad("is not UTF-8")));
            }
        }
        self.done = true;
        None
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not every entry is a path")]
fn path(entry: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(std::ffi::OsString::from_vec(entry).into())
}

#[cfg(not(unix))]
fn path(entry: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(entry).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static [u8]) -> Vec<Result<String, &'static str>> {
        let list = List::new(Box::new(text));
        list.map(|entry| match entry {
            Ok(path) => Ok(path.to_string_lossy().into_owned()),
            Err(error) => Err(error.code()),
        })
        .collect()
    }

    #[test]
    fn lines_and_nul_are_told_apart() {
        let plain = |text: &str| Ok(text.to_owned());
        assert_eq!(read(b"a.png\r\n\nb c.png"), [plain("a.png"), plain("b c.png")]);
        assert_eq!(read(b"a\nb.png\0c.png\0"), [plain("a\nb.png"), plain("c.png")]);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn what_is_no_list_ends_early() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let items: Vec<_> = List::new(Box::new(endless)).collect();
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].as_ref().unwrap_err().code(), "bad_entry");
    }
}
