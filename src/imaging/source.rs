//! Where a picture came from, and how such names are shown to people.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The path of an image file, or the name under which its bytes were given.
///
/// Keeps paths that are not UTF-8 as they are. Cheap to clone.
///
/// ```
/// use praetor::imaging::Source;
/// let source = Source::new("inbox/\u{1b}[31mcat.png");
/// assert_eq!(source.to_string(), "inbox/\\u{1b}[31mcat.png");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(Arc<Path>);

impl Source {
    /// Takes a path or a name as it is; nothing is looked up.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().into())
    }

    /// The path, unchanged.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown(&*self.0).fmt(f)
    }
}

/// Shows a path or any other foreign text in a terminal or a log: control characters and those
/// that turn the writing direction are written as escapes, and what is not UTF-8 as `�`.
pub fn shown<T: AsRef<OsStr>>(text: T) -> Shown<T> {
    Shown(text)
}

/// Text made safe for terminals; see [`shown`].
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(T);

impl<T: AsRef<OsStr>> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        self.0.as_ref().to_string_lossy().chars().try_for_each(|c| {
            if c.is_control() || turns_direction(c) {
                write!(f, "{}", c.escape_default())
            } else {
                f.write_char(c)
            }
        })
    }
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_safe_from_names() {
        let name = "a\u{1b}]0;owned\u{7}\nb\u{202e}gpj.exe ä 猫";
        assert_eq!(shown(name).to_string(), "a\\u{1b}]0;owned\\u{7}\\nb\\u{202e}gpj.exe ä 猫");
    }

    #[cfg(unix)]
    #[test]
    fn paths_survive_that_are_not_utf8() {
        use std::os::unix::ffi::OsStrExt as _;
        let raw = OsStr::from_bytes(b"a\xFFb.png");
        let source = Source::new(raw);
        assert_eq!(source.path().as_os_str(), raw);
        assert_eq!(source.to_string(), "a\u{fffd}b.png");
    }
}
