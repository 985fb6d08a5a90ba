//! Images in a folder and those that match a pattern.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::{Source, SourceError};
use crate::imaging::format::{MAGIC_BYTES, begins_an_image, is_image_extension};

/// Takes images and counts what is none.
pub(super) struct Filter<'s> {
    pub(super) skipped: &'s mut u64,
}

impl Filter<'_> {
    fn takes(&mut self, path: &Path) -> bool {
        let taken = has_image_extension(path) || begins_as_image(path);
        *self.skipped += u64::from(!taken);
        taken
    }
}

fn has_image_extension(path: &Path) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(is_image_extension)
}

/// Files that can't be opened count as images: decoding them says why, and silence would not.
fn begins_as_image(path: &Path) -> bool {
    let Ok(file) = fs_err::File::open(path) else { return true };
    let mut start = Vec::with_capacity(MAGIC_BYTES);
    let most = u64::try_from(MAGIC_BYTES).unwrap_or(u64::MAX);
    match file.take(most).read_to_end(&mut start) {
        Ok(_) => begins_an_image(&start),
        Err(_) => true,
    }
}

/// The walk over a folder.
pub(super) struct Folder {
    path: PathBuf,
    walk: Box<dyn Iterator<Item = walkdir::Result<DirEntry>> + Send>,
    skipped: u64,
    found: bool,
    done: bool,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        let walk = WalkDir::new(path)
            .follow_links(true)
            .max_open(16)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry));
        let path = path.to_owned();
        Self { path, walk: Box::new(walk), skipped: 0, found: false, done: false }
    }

    pub(super) fn next(&mut self, filter: &mut Filter<'_>) -> Option<Result<Source, SourceError>> {
        if self.done {
            return None;
        }
        let before = *filter.skipped;
        let item = self.walk.by_ref().find_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) if !entry.file_type().is_file() => {
                *filter.skipped += 1;
                None
            }
            Ok(entry) => filter.takes(entry.path()).then(|| Ok(Source::new(entry.path()))),
            Err(error) if error.loop_ancestor().is_some() => None,
            Err(error) => Some(Err(unwalkable(&self.path, error))),
        });
        self.skipped += *filter.skipped - before;
        self.found |= item.is_some();
        if item.is_none() {
            self.done = true;
            if !self.found {
                let path = self.path.clone();
                return Some(Err(SourceError::NoImages { path, skipped: self.skipped }));
            }
        }
        item
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn unwalkable(folder: &Path, error: walkdir::Error) -> SourceError {
    let path = error.path().unwrap_or(folder).to_owned();
    let source = error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links"));
    SourceError::from_io(&path, source)
}

/// The files that match a pattern.
pub(super) struct Pattern {
    text: String,
    paths: glob::Paths,
    skipped: u64,
    found: bool,
    done: bool,
}

impl Pattern {
    /// `None` if the path has nothing of a pattern, or is not UTF-8.
    pub(super) fn new(path: &Path) -> Option<Result<Self, SourceError>> {
        let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']))?.to_owned();
        // By itself `**` matches folders only.
        let whole = if pattern.ends_with("**") { format!("{pattern}/*") } else { pattern.clone() };
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        Some(match glob::glob_with(&whole, options) {
            Ok(paths) => Ok(Self { text: pattern, paths, skipped: 0, found: false, done: false }),
            Err(error) => Err(SourceError::BadPattern { pattern, reason: error.msg }),
        })
    }

    pub(super) fn next(&mut self, filter: &mut Filter<'_>) -> Option<Result<Source, SourceError>> {
        if self.done {
            return None;
        }
        let before = *filter.skipped;
        let item = self.paths.by_ref().find_map(|path| match path {
            Ok(path) if path.is_file() => filter.takes(&path).then(|| Ok(Source::new(path))),
            Ok(_) => None,
            Err(error) => {
                let path = error.path().to_owned();
                Some(Err(SourceError::from_io(&path, error.into())))
            }
        });
        self.skipped += *filter.skipped - before;
        self.found |= item.is_some();
        if item.is_none() {
            self.done = true;
            if !self.found {
                let pattern = self.text.clone();
                return Some(Err(SourceError::NoMatch { pattern, skipped: self.skipped }));
            }
        }
        item
    }
}
