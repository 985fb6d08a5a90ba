//! A text as words, and phrases found among them.
//!
//! Words are compared in lower case, without a possessive `'s`. A phrase is words one after another
//! with nothing but white space between; a word of it that ends in `*` stands for every word that
//! begins so. Words in double quotes are text that is seen in the image, and match nothing.

use miette::SourceSpan;

use super::place::Places;
use crate::constitution::tree::{Kind, Node};

/// A text, its words, and the way back to the file.
pub(super) struct Text {
    pub(super) content: String,
    pub(super) words: Vec<Word>,
    places: Option<Places>,
    /// Where to point when there is no way back.
    fallback: SourceSpan,
}

/// A word and where it stands in the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    /// In lower case.
    pub(super) plain: String,
    quoted: bool,
}

/// A phrase that was found: its first word, one past its last, and which phrase it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) first: usize,
    pub(super) after: usize,
    pub(super) phrase: usize,
}

impl Text {
    /// Takes a text from the tree; `file` is what the tree was read from.
    pub(super) fn new(node: &Node, fallback: SourceSpan, file: &str) -> Option<Self> {
        let Kind::Text(content) = &node.kind else { return None };
        let start = node.written.offset();
        let written = file.get(start..start + node.written.len());
        let places = written.and_then(|written| Places::new(content, written, start));
        Some(Self { content: content.clone(), words: words(content), places, fallback })
    }

    /// A text that is in no file.
    #[cfg(test)]
    pub(super) fn of(content: &str) -> Self {
        let places = Places::new(content, content, 0);
        Self { content: content.to_owned(), words: words(content), places, fallback: (0, 0).into() }
    }

    /// The text from one word to before another, on one line.
    pub(super) fn between(&self, first: usize, after: usize) -> String {
        let (start, end) = self.bytes(first, after);
        super::one_line(self.content.get(start..end).unwrap_or_default())
    }

    /// The place in the file of the words from `first` to before `after`.
    pub(super) fn at(&self, first: usize, after: usize) -> SourceSpan {
        let (start, end) = self.bytes(first, after);
        self.place(start, end, false).unwrap_or(self.fallback)
    }

    /// The place in the file of some bytes of the text, if there is a way back.
    pub(super) fn place(&self, start: usize, end: usize, whole: bool) -> Option<SourceSpan> {
        self.places.as_ref()?.span(start, end, whole)
    }

    /// The place in the file of all of the text.
    pub(super) fn whole(&self) -> SourceSpan {
        self.place(0, self.content.len(), false).unwrap_or(self.fallback)
    }

    /// The bytes of the words from `first` to before `after`.
    fn bytes(&self, first: usize, after: usize) -> (usize, usize) {
        let start = self.words.get(first).map_or(0, |word| word.start);
        let end = after.checked_sub(1).and_then(|last| self.words.get(last));
        (start, end.map_or(start, |word| word.end.max(start)))
    }

    /// A word in lower case; nothing where there is none.
    pub(super) fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| &word.plain)
    }

    /// The word before another, if nothing but white space lies between.
    pub(super) fn word_before(&self, index: usize) -> &str {
        match index.checked_sub(1) {
            Some(before) if self.are_adjacent(before) => self.word(before),
            _ => "",
        }
    }

    /// Whether nothing but white space lies between a word and the next.
    pub(super) fn are_adjacent(&self, index: usize) -> bool {
        let (Some(one), Some(next)) = (self.words.get(index), self.words.get(index + 1)) else {
            return false;
        };
        self.content.get(one.end..next.start).is_some_and(|gap| gap.trim().is_empty())
    }

    /// Whether a sentence begins with this word.
    pub(super) fn begins_sentence(&self, index: usize) -> bool {
        let start = self.words.get(index).map_or(0, |word| word.start);
        let before = self.content.get(..start).unwrap_or_default().trim_end();
        before.is_empty() || before.ends_with(['.', '!', '?', ':', ';'])
    }

    /// The phrases in the text, from left to right, the longest first; none overlaps another or one
    /// of the `innocent` ones.
    pub(super) fn find(&self, phrases: &[&str], innocent: &[&str]) -> Vec<Match> {
        let mut found = Vec::new();
        let mut first = 0;
        while first < self.words.len() {
            let longest = self.longest(phrases, first);
            match longest {
                Some(one) if !self.is_within(&one, innocent) => {
                    first = one.after;
                    found.push(one);
                }
                _ => first += 1,
            }
        }
        found
    }

    fn longest(&self, phrases: &[&str], first: usize) -> Option<Match> {
        let matches = phrases.iter().enumerate().filter_map(|(phrase, words)| {
            let after = self.matches(words, first)?;
            Some(Match { first, after, phrase })
        });
        // Of two that are as long, the first one given.
        matches.reduce(|best, one| if one.after > best.after { one } else { best })
    }

    fn is_within(&self, found: &Match, innocent: &[&str]) -> bool {
        let earliest = found.first.saturating_sub(4);
        (earliest..found.after).any(|first| {
            innocent
                .iter()
                .filter_map(|words| self.matches(words, first))
                .any(|after| after > found.first)
        })
    }

    /// One past a phrase's last word, if the phrase begins with this word.
    pub(super) fn matches(&self, phrase: &str, first: usize) -> Option<usize> {
        let mut index = first;
        for pattern in phrase.split(' ') {
            let word = self.words.get(index).filter(|word| !word.quoted)?;
            let fits = match pattern.strip_suffix('*') {
                Some(beginning) => word.plain.starts_with(beginning),
                None => word.plain == pattern,
            };
            if !fits || (index > first && !self.are_adjacent(index - 1)) {
                return None;
            }
            index += 1;
        }
        Some(index)
    }
}

/// The words of a text: letters and digits, joined by hyphens and apostrophes.
fn words(content: &str) -> Vec<Word> {
    let straight = content.matches('"').count().is_multiple_of(2);
    let mut words = Vec::new();
    let (mut start, mut quoted) = (None, false);
    for (at, c) in content.char_indices().chain([(content.len(), ' ')]) {
        if c.is_alphanumeric() || (start.is_some() && matches!(c, '-' | '\'' | '’')) {
            start.get_or_insert(at);
            continue;
        }
        if let Some(start) = start.take() {
            words.extend(word(content, start, at, quoted));
        }
        quoted = match c {
            '"' if straight => !quoted,
            '“' => true,
            '”' => false,
            _ => quoted,
        };
    }
    words
}

fn word(content: &str, start: usize, end: usize, quoted: bool) -> Option<Word> {
    // A hyphen or an apostrophe at the end belongs to no word.
    let written = content.get(start..end)?.trim_end_matches(['-', '\'', '’']);
    let plain = written.to_lowercase().replace('’', "'");
    let plain = plain.strip_suffix("'s").unwrap_or(&plain).to_owned();
    Some(Word { start, end: start + written.len(), plain, quoted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(content: &str, phrases: &[&str], innocent: &[&str]) -> Vec<String> {
        let text = Text::of(content);
        let matches = text.find(phrases, innocent);
        matches.iter().map(|one| text.between(one.first, one.after)).collect()
    }

    #[test]
    fn phrases_are_whole_words_on_one_side_of_a_comma() {
        assert_eq!(found("Close to a fire.", &["close to"], &[]), ["Close to"]);
        assert_eq!(found("near-naked, close, to", &["near", "close to"], &[]), [""; 0]);
        assert_eq!(found("a\n  lot of", &["lot", "a lot of"], &[]), ["a lot of"]);
        assert_eq!(found("the celebrity’s hat", &["celebrity"], &[]), ["celebrity’s"]);
        assert_eq!(found("glorifying war", &["glorif*"], &[]), ["glorifying"]);
    }

    #[test]
    fn innocent_phrases_and_quoted_words_are_passed_over() {
        assert_eq!(found("a graphic novel", &["graphic"], &["graphic novel"]), [""; 0]);
        assert_eq!(found("with or without it", &["without"], &["with or without"]), [""; 0]);
        assert_eq!(found("the word \"stolen\"", &["stolen"], &[]), [""; 0]);
        assert_eq!(found("a 5\" stolen knife", &["stolen"], &[]), ["stolen"]);
    }
}
