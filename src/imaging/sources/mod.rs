//! From command-line inputs to image files, one at a time.
//!
//! Order is that of the inputs; within a folder it is by name, so that two runs see the same
//! sequence. Memory does not grow with the number of files: at most one folder's entries a level
//! are held, since sorting needs them.

mod folder;
mod list;

use std::collections::HashSet;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::vec;

use folder::{Filter, Folder, Pattern};
use list::List;

use super::source::{Source, shown};

/// The images that command-line inputs name, as a lazy iterator.
///
/// | input | what it gives |
/// | --- | --- |
/// | a file | itself, whatever it is; decoding tells if it is no image |
/// | a folder | the images in it and below, by name; hidden files and folders are skipped |
/// | `*`, `?`, `[..]`, `**` that name no file | the images that match, by name; hidden ones only if the pattern has the dot; a final `**` means all below |
/// | `-` | the files and folders that a list names, one a line, or NUL-separated if its first block has a NUL |
///
/// In folders and patterns a file counts as an image if its extension is one of an image, or else
/// if its first bytes are. Extensions come first because they cost nothing; the bytes are read so
/// that renaming a file can't keep it from being judged. Images in formats that praetor does not
/// read count as well: decoding them says so, where passing over them in silence would look like
/// judging them. [`Sources::skipped`] counts the rest.
///
/// Symbolic links are followed, and a link to a folder above itself is passed over. An input given
/// twice is taken once; a file that is reached by two different inputs comes twice, because
/// remembering every path would not stay flat in memory, and its answers are cached.
///
/// An input that can't be used is an item of its own and does not end the iteration.
///
/// ```
/// use praetor::imaging::Sources;
/// let mut sources = Sources::new(["no such file.png"], std::io::empty());
/// assert_eq!(sources.next().unwrap().unwrap_err().code(), "not_found");
/// assert!(sources.next().is_none());
/// ```
pub struct Sources {
    inputs: Vec<PathBuf>,
    waiting: vec::IntoIter<PathBuf>,
    list: Box<dyn BufRead + Send>,
    current: Option<Current>,
    skipped: u64,
}

/// The input that is being walked.
enum Current {
    Folder(Folder),
    Pattern(Pattern),
    /// A list, and the folder that it named last.
    List(List, Option<Folder>),
}

impl Sources {
    /// Takes inputs as they were typed; `list` is what `-` reads, usually
    /// `BufReader::new(stdin())`; nothing is read before its turn.
    pub fn new(
        inputs: impl IntoIterator<Item = impl Into<PathBuf>>,
        list: impl BufRead + Send + 'static,
    ) -> Self {
        let mut seen = HashSet::new();
        let inputs: Vec<PathBuf> = inputs
            .into_iter()
            .map(Into::into)
            .filter(|input: &PathBuf| seen.insert(input.clone()))
            .collect();
        let waiting = inputs.clone().into_iter();
        Self { inputs, waiting, list: Box::new(list), current: None, skipped: 0 }
    }

    /// How many items the inputs give, errors included, found by walking them once for that;
    /// `None` if they hold a list, which can be read only once. On a slow file system call it from
    /// a thread of its own.
    pub fn count_ahead(&self) -> Option<u64> {
        if self.inputs.iter().any(|input| is_list(input)) {
            return None;
        }
        let again = Self::new(self.inputs.iter().cloned(), io::empty());
        u64::try_from(again.count()).ok()
    }

    /// Files in folders and patterns that were passed over so far because they are no images.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Opens an input: gives its only item at once, or sets `current` and gives nothing.
    fn open(&mut self, input: &Path) -> Option<Result<Source, SourceError>> {
        if is_list(input) {
            let list = std::mem::replace(&mut self.list, Box::new(io::empty()));
            self.current = Some(Current::List(List::new(list), None));
            return None;
        }
        match entry(input) {
            Ok(Entry::File(source)) => Some(Ok(source)),
            Ok(Entry::Folder(folder)) => {
                self.current = Some(Current::Folder(folder));
                None
            }
            Err(SourceError::NotFound { path }) => match Pattern::new(&path) {
                Some(Ok(pattern)) => {
                    self.current = Some(Current::Pattern(pattern));
                    None
                }
                Some(Err(error)) => Some(Err(error)),
                None => Some(Err(SourceError::NotFound { path })),
            },
            Err(error) => Some(Err(error)),
        }
    }
}

impl Iterator for Sources {
    type Item = Result<Source, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut filter = Filter { skipped: &mut self.skipped };
            let item = match &mut self.current {
                None => {
                    let input = self.waiting.next()?;
                    match self.open(&input) {
                        Some(item) => return Some(item),
                        None => continue,
                    }
                }
                Some(Current::Folder(folder)) => folder.next(&mut filter),
                Some(Current::Pattern(pattern)) => pattern.next(&mut filter),
                Some(Current::List(list, folder)) => next_listed(list, folder, &mut filter),
            };
            if item.is_some() {
                return item;
            }
            self.current = None;
        }
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

fn next_listed(
    list: &mut List,
    folder: &mut Option<Folder>,
    filter: &mut Filter<'_>,
) -> Option<Result<Source, SourceError>> {
    loop {
        if let Some(item) = folder.as_mut().and_then(|folder| folder.next(filter)) {
            return Some(item);
        }
        *folder = None;
        match list.next()?.and_then(|path| entry(&path)) {
            Ok(Entry::File(source)) => return Some(Ok(source)),
            Ok(Entry::Folder(named)) => *folder = Some(named),
            Err(error) => return Some(Err(error)),
        }
    }
}

fn is_list(input: &Path) -> bool {
    input.as_os_str() == "-"
}

/// What a path names.
enum Entry {
    File(Source),
    Folder(Folder),
}

fn entry(path: &Path) -> Result<Entry, SourceError> {
    match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(Entry::Folder(Folder::new(path))),
        Ok(_) => Ok(Entry::File(Source::new(path))),
        Err(error) => Err(SourceError::from_io(path, error)),
    }
}

/// An input that gives no images, or a part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// No file, no folder, and no pattern either.
    #[error("`{}`: there is no such file or folder; check the path", shown(path))]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The folder may not be read, or the file not be reached.
    #[error("`{}`: permission denied; allow praetor to read it", shown(path))]
    Permission {
        /// The path as given or found.
        path: PathBuf,
    },
    /// A pattern that matches no image.
    #[error(
        "`{}`: no image matches; check the pattern, and quote it if the shell should leave it alone",
        shown(pattern)
    )]
    NoMatch {
        /// The pattern as given.
        pattern: String,
        /// Files that match and are no images.
        skipped: u64,
    },
    /// A pattern that can't be read.
    #[error("`{}`: is not a pattern: {reason}; use `*`, `?`, `[..]` and `**`", shown(pattern))]
    BadPattern {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A folder without images.
    #[error(
        "`{}`: there are no images in this folder or below; name another, or name the files",
        shown(path)
    )]
    NoImages {
        /// The folder as given.
        path: PathBuf,
        /// Files in it that are no images.
        skipped: u64,
    },
    /// An entry of a list that can't be a path.
    #[error("entry {number} of the list {reason}; give one path a line, or separate all by NUL")]
    BadEntry {
        /// Which entry, counted from one.
        number: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The list could not be read on.
    #[error("the list could not be read after entry {number}: {source}")]
    List {
        /// The last entry that was read, counted from one.
        number: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The file system failed.
    #[error("`{}`: could not be read: {source}", shown(path))]
    Unreadable {
        /// The path as given or found.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SourceError {
    /// A word to count by; it stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Permission { .. } => "permission",
            Self::NoMatch { .. } => "no_match",
            Self::BadPattern { .. } => "bad_pattern",
            Self::NoImages { .. } => "no_images",
            Self::BadEntry { .. } => "bad_entry",
            Self::List { .. } => "list",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound { path },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            _ => Self::Unreadable { path, source },
        }
    }
}

#[cfg(test)]
mod tests;
