//! From a text back to the file: which bytes of the YAML a word of the decoded text came from.
//!
//! YAML folds lines, strips indents and undoes escapes; what it never does is to reorder. So the
//! visible characters of the text and of the file are walked side by side, and white space is left
//! out of both. Where they don't match there is no way back, and the caller points at the key.

use miette::SourceSpan;

/// Where each visible character of a text stands in the file.
pub(super) struct Places {
    /// Byte in the text, byte in the file, bytes it takes in the file.
    at: Vec<(usize, usize, usize)>,
    /// One past the text's last byte.
    end: usize,
}

impl Places {
    /// Matches a text with what is written in the file from byte `start` on.
    pub(super) fn new(text: &str, written: &str, start: usize) -> Option<Self> {
        [literal, single_quoted, double_quoted].iter().find_map(|decode| {
            let units = decode(written)?;
            let mut units = units.into_iter().filter(|unit| !unit.0.is_whitespace());
            let mut at = Vec::new();
            for (offset, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
                let (decoded, begin, length) = units.next()?;
                if decoded != c {
                    return None;
                }
                at.push((offset, start + begin, length));
            }
            units.next().is_none().then_some(Self { at, end: text.len() })
        })
    }

    /// The place of the text's bytes from `start` to `end`.
    ///
    /// It ends where the last visible character does, unless another begins at `end` and `whole` is
    /// asked for: then it reaches up to that one, over the white space between.
    pub(super) fn span(&self, start: usize, end: usize, whole: bool) -> Option<SourceSpan> {
        let first = self.at.partition_point(|(offset, ..)| *offset < start);
        let next = self.at.partition_point(|(offset, ..)| *offset < end);
        let (_, begin, _) = *self.at.get(first)?;
        let (_, last, length) = *self.at.get(next.checked_sub(1)?)?;
        let stop = match self.at.get(next) {
            Some((offset, after, _)) if whole && *offset == end && end < self.end => *after,
            _ => last + length,
        };
        (begin < stop).then(|| (begin, stop - begin).into())
    }
}

/// A decoded character, and where and how long it is written.
type Unit = (char, usize, usize);

/// Plain texts and blocks: every character stands for itself.
#[expect(clippy::unnecessary_wraps, reason = "one of three that may fail")]
fn literal(written: &str) -> Option<Vec<Unit>> {
    Some(written.char_indices().map(|(at, c)| (c, at, c.len_utf8())).collect())
}

/// `'it''s'`
fn single_quoted(written: &str) -> Option<Vec<Unit>> {
    let inside = written.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut units = Vec::new();
    let mut characters = inside.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let doubled = c == '\'' && characters.next_if(|(_, next)| *next == '\'').is_some();
        units.push((c, at + 1, if doubled { 2 } else { c.len_utf8() }));
    }
    Some(units)
}

/// `"a \"word\""`
fn double_quoted(written: &str) -> Option<Vec<Unit>> {
    let inside = written.strip_prefix('"')?.strip_suffix('"')?;
    let mut units = Vec::new();
    let mut rest = inside;
    while let Some(c) = rest.chars().next() {
        let at = inside.len() - rest.len() + 1;
        let (decoded, length) = if c == '\\' { escape(rest)? } else { (c, c.len_utf8()) };
        units.push((decoded, at, length));
        rest = rest.get(length..)?;
    }
    Some(units)
}

/// What an escape stands for, and its length; white space of whatever kind is a space.
fn escape(rest: &str) -> Option<(char, usize)> {
    let kind = rest.chars().nth(1)?;
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '0' => return Some(('\0', 2)),
        'a' => return Some(('\u{7}', 2)),
        'b' => return Some(('\u{8}', 2)),
        'e' => return Some(('\u{1b}', 2)),
        '"' | '\\' | '/' => return Some((kind, 2)),
        _ => return Some((' ', 1 + kind.len_utf8())),
    };
    let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    Some((char::from_u32(code)?, 2 + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written in the file where a word of the text came from.
    fn written<'a>(text: &str, file: &'a str, word: &str) -> Option<&'a str> {
        let start = text.find(word).unwrap();
        let span = Places::new(text, file, 0)?.span(start, start + word.len(), false)?;
        file.get(span.offset()..span.offset() + span.len())
    }

    #[test]
    fn words_are_found_however_the_text_is_written() {
        assert_eq!(written("a big dog", "a big dog", "big"), Some("big"));
        assert_eq!(
            written("a big dog\n", "a\n    big\n    dog\n", "big dog"),
            Some("big\n    dog")
        );
        assert_eq!(written("it's big", "'it''s\n  big'", "it's"), Some("it''s"));
        assert_eq!(written("a \"big\" é", r#""a \"big\" \u00e9""#, "é"), Some(r"\u00e9"));
        assert_eq!(written("a big dog", "\"a \\\n  big dog\"", "big"), Some("big"));
        assert_eq!(written("über", "über", "über"), Some("über"));
        assert_eq!(written("\"Guns\" are", "\"Guns\"\n  are", "Guns"), Some("Guns"));
    }

    #[test]
    fn a_text_that_is_not_what_is_written_has_no_places() {
        assert!(Places::new("a", "b", 0).is_none());
        assert!(Places::new("a", "ab", 0).is_none());
        assert!(Places::new("ab", "a", 0).is_none());
    }

    #[test]
    fn a_place_can_reach_up_to_the_next_word() {
        let places = Places::new("a big dog", "a big\n  dog", 0).unwrap();
        assert_eq!(places.span(2, 6, true), Some((2, 6).into()));
        assert_eq!(places.span(2, 5, false), Some((2, 3).into()));
        assert_eq!(places.span(9, 9, true), None);
    }
}
