//! Lines and records of bounded length, so that a file without an end of line can't fill the memory.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// Bytes of the longest line or record. An image of 64 MiB, the largest that is judged where nobody says
/// otherwise, has 86 MiB in base64.
pub(super) const LONGEST: u64 = 128 << 20;

/// A line, or what there is in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end.
    Whole(Vec<u8>),
    /// One that is longer than may be; the rest of it is passed over.
    TooLong,
}

/// The lines of a file, each with the byte that it begins at.
pub(super) struct Lines<From> {
    from: From,
    longest: u64,
    at: u64,
    /// Whether the rest of a line is to be passed over first.
    within: bool,
}

impl<From: BufRead> Lines<From> {
    /// From the beginning of a file.
    pub(super) fn new(from: From, longest: u64) -> Self {
        Self { from, longest, at: 0, within: false }
    }

    /// Passes over the rest of a line, a block at a time.
    fn leave_line(&mut self) -> io::Result<()> {
        loop {
            let block = self.from.fill_buf()?;
            let end = block.iter().position(|byte| *byte == b'\n');
            let (passed, left) = match (end, block.is_empty()) {
                (Some(end), _) => (end + 1, true),
                (None, is_empty) => (block.len(), is_empty),
            };
            self.from.consume(passed);
            self.at += passed as u64;
            if left {
                return Ok(());
            }
        }
    }
}

impl<From: BufRead> Iterator for Lines<From> {
    type Item = io::Result<(u64, Line)>;

    fn next(&mut self) -> Option<Self::Item> {
        // Only now, so that of a line that never ends is told before its end is looked for.
        if std::mem::take(&mut self.within)
            && let Err(error) = self.leave_line()
        {
            return Some(Err(error));
        }
        let at = self.at;
        let mut line = Vec::new();
        let read = (&mut self.from).take(self.longest + 1).read_until(b'\n', &mut line);
        match read {
            Err(error) => return Some(Err(error)),
            Ok(0) => return None,
            Ok(read) => self.at += read as u64,
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() as u64 > self.longest {
            self.within = true;
            return Some(Ok((at, Line::TooLong)));
        }
        Some(Ok((at, Line::Whole(line))))
    }
}

/// A reader that fails where more is read for one record than may be; whoever reads says when the next
/// begins.
#[derive(Debug)]
pub(super) struct Records<From> {
    from: From,
    /// Bytes read since the record began.
    of_record: u64,
    longest: u64,
    /// What was read last, and the byte that it begins at.
    last: (u64, Vec<u8>),
}

impl<From> Records<From> {
    /// From the beginning of a file.
    pub(super) fn new(from: From, longest: u64) -> Self {
        Self { from, of_record: 0, longest, last: (0, Vec::new()) }
    }

    /// A record begins.
    pub(super) fn begin(&mut self) {
        self.of_record = 0;
    }

    /// Whether the byte before this one, of what was read last, ends a line.
    pub(super) fn ends_line(&self, before: u64) -> bool {
        let (first, bytes) = &self.last;
        let at = before.checked_sub(first + 1).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| bytes.get(at)) == Some(&b'\n')
    }
}

impl<From: Read> Read for Records<From> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        if read > 0 {
            let (first, bytes) = &mut self.last;
            *first += bytes.len() as u64;
            bytes.clear();
            bytes.extend_from_slice(&buffer[..read]);
        }
        let of_record = self.of_record;
        self.of_record += read as u64;
        if of_record > self.longest {
            let detail = format!(
                "a record is longer than {} MiB; look for a quotation mark that is never closed",
                self.longest >> 20
            );
            return Err(io::Error::other(detail));
        }
        Ok(read)
    }
}

impl<From: Seek> Seek for Records<From> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.from.seek(to)?;
        self.last = (at, Vec::new());
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &str, longest: u64) -> Vec<(u64, Line)> {
        let small = BufReader::with_capacity(3, text.as_bytes());
        Lines::new(small, longest).map(Result::unwrap).collect()
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
        let whole = |line: &str| Line::Whole(line.as_bytes().to_vec());
        assert_eq!(
            lines("abc\nabcdef\n\nab", 4),
            [(0, whole("abc")), (4, Line::TooLong), (11, whole("")), (12, whole("ab"))]
        );
        assert_eq!(lines("abcd\nabcde", 4), [(0, whole("abcd")), (5, Line::TooLong)]);
        assert_eq!(lines("", 4), []);
    }

    #[test]
    fn a_line_without_an_end_is_told_of_before_its_end_is_looked_for() {
        let endless = BufReader::new(io::repeat(b'x'));
        let mut lines = Lines::new(endless, 1 << 16);
        assert_eq!(lines.next().unwrap().unwrap(), (0, Line::TooLong));
    }

    #[test]
    fn a_record_without_an_end_is_an_error() {
        let endless = io::Cursor::new(b"image\n\"".to_vec()).chain(io::repeat(b'x'));
        let mut reader = csv::Reader::from_reader(Records::new(endless, 1 << 16));
        let first = reader.records().next().unwrap();
        assert!(first.unwrap_err().to_string().contains("never closed"));
    }
}
