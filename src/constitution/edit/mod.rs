//! Edits in a YAML file's text, one item of `rules:` at a time, that leave every other byte alone.
//!
//! People's comments, order and layout are theirs, so a file is never written anew from its value.
//! The places come from the same tree that the file is read by; an edit cuts whole lines out and
//! puts whole lines in. Where `rules:` is not a plain list of one `- ` a rule, nothing is touched.
//! Who edits reads the result back and compares, since only that proves an edit right.

use std::ops::Range;

use crate::constitution::tree::{Entry, Kind, Node};

/// A layout that can't be edited by whole lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsafe {
    /// The line that shows it, counted from one.
    pub(super) line: usize,
}

/// The items of `rules:` as ranges of whole lines.
pub(super) struct Items<'text> {
    text: &'text str,
    tree: &'text Node,
    ranges: Vec<Range<usize>>,
    /// Where the dashes stand.
    pub(super) column: usize,
}

impl<'text> Items<'text> {
    /// Finds the items of a text and its tree.
    pub(super) fn find(text: &'text str, tree: &'text Node) -> Result<Self, Unsafe> {
        let rules = tree.get("rules").ok_or(Unsafe { line: 1 })?;
        let at = rules.key_span.offset();
        if line_start(text, at) != at {
            return Err(unsafe_at(text, at));
        }
        let mut starts = Vec::new();
        let mut column = None;
        for item in tree.items("rules") {
            let key = item.span.offset();
            let start = line_start(text, key);
            let dash = dash_before(&text[start..key]).filter(|_| matches!(item.kind, Kind::Map(_)));
            let dash = dash.ok_or_else(|| unsafe_at(text, key))?;
            let in_order = starts.last().is_none_or(|last| *last < start) && start > at;
            if *column.get_or_insert(dash) != dash || !in_order {
                return Err(unsafe_at(text, key));
            }
            starts.push(start);
        }
        let column = column.ok_or_else(|| unsafe_at(text, at))?;
        let end = section_end(text, tree, at);
        let ends = starts.iter().copied().skip(1).chain([end]);
        let ranges =
            starts.iter().zip(ends).map(|(start, end)| own_lines(text, *start..end, column));
        Ok(Self { text, tree, ranges: ranges.collect(), column })
    }

    /// The lines of an item.
    pub(super) fn lines(&self, index: usize) -> &'text str {
        &self.text[self.ranges[index].clone()]
    }

    /// The text with an item replaced.
    pub(super) fn replace(&self, index: usize, lines: &str) -> String {
        self.splice(self.ranges[index].clone(), lines)
    }

    /// The text with an item put in after another one; with a blank line between them if the file
    /// has such.
    pub(super) fn insert_after(&self, index: usize, lines: &str) -> String {
        let end = self.ranges[index].end;
        self.splice(end..end, &format!("{}{lines}", self.blank()))
    }

    /// As [`insert_after`](Self::insert_after), before another one and the comments right above it.
    pub(super) fn insert_before(&self, index: usize, lines: &str) -> String {
        let mut start = self.ranges[index].start;
        for line in self.text[..start].split_inclusive('\n').rev() {
            let content = line.trim_start_matches(' ');
            if !content.starts_with('#') || line.len() - content.len() != self.column {
                break;
            }
            start -= line.len();
        }
        self.splice(start..start, &format!("{lines}{}", self.blank()))
    }

    /// What stands between two items.
    fn blank(&self) -> &'static str {
        let airy = self.ranges.len() < 2
            || self.text[self.ranges[0].end..self.ranges[1].start]
                .lines()
                .any(|line| line.trim().is_empty());
        if airy { "\n" } else { "" }
    }

    /// The text with the lines of one key of an item set, put in after another key, or removed.
    pub(super) fn set_key(
        &self,
        index: usize,
        (key, after): (&str, &str),
        lines: Option<&str>,
    ) -> Result<String, Unsafe> {
        let item = &self.tree.items("rules")[index];
        let lines = lines.unwrap_or_default();
        if let Some(entry) = item.get(key) {
            return Ok(self.splice(self.key_lines(index, entry)?, lines));
        }
        let after = item.get(after).ok_or_else(|| unsafe_at(self.text, item.span.offset()))?;
        let end = self.key_lines(index, after)?.end;
        Ok(self.splice(end..end, lines))
    }

    /// The lines of a key and its value; the first key of an item stands behind its dash.
    fn key_lines(&self, index: usize, entry: &Entry) -> Result<Range<usize>, Unsafe> {
        let Kind::Map(entries) = &self.tree.items("rules")[index].kind else {
            return Err(unsafe_at(self.text, entry.key_span.offset()));
        };
        let column = self.key_column(index, entries)?;
        let at = entry.key_span.offset();
        let next = entries.iter().map(|other| other.key_span.offset()).find(|other| *other > at);
        let end = next.map_or(self.ranges[index].end, |next| line_start(self.text, next));
        Ok(own_lines(self.text, line_start(self.text, at)..end, column))
    }

    /// Where the keys of an item stand; each on a line of its own.
    fn key_column(&self, index: usize, entries: &[Entry]) -> Result<usize, Unsafe> {
        let mut columns = entries.iter().map(|entry| {
            let at = entry.key_span.offset();
            (at, at - line_start(self.text, at))
        });
        let Some((_, column)) = columns.next() else {
            return Err(unsafe_at(self.text, self.ranges[index].start));
        };
        for (at, found) in columns {
            let before = &self.text[line_start(self.text, at)..at];
            if found != column || before.bytes().any(|byte| byte != b' ') {
                return Err(unsafe_at(self.text, at));
            }
        }
        Ok(column)
    }

    /// Where a new key of an item would stand.
    pub(super) fn keys(&self, index: usize) -> usize {
        let at = self.tree.items("rules")[index].span.offset();
        at - line_start(self.text, at)
    }

    /// Puts lines in the place of a range, with the line ends that the file has.
    fn splice(&self, range: Range<usize>, lines: &str) -> String {
        let (before, after) = (&self.text[..range.start], &self.text[range.end..]);
        let windows = self.text.contains("\r\n");
        let lines = if windows { lines.replace('\n', "\r\n") } else { lines.to_owned() };
        let open = !before.is_empty() && !before.ends_with('\n') && !lines.is_empty();
        let line_end = match (open, windows) {
            (false, _) => "",
            (true, false) => "\n",
            (true, true) => "\r\n",
        };
        [before, line_end, &lines, after].concat()
    }
}

/// Whether an item's lines hold a comment: a `#…` without which they say the same.
pub(super) fn has_comment<T: PartialEq>(lines: &str, read: impl Fn(&str) -> Option<T>) -> bool {
    let value = read(lines);
    lines.match_indices('#').any(|(at, _)| {
        let opens = lines[..at].chars().next_back().is_none_or(char::is_whitespace);
        let end = lines[at..].find(['\r', '\n']).map_or(lines.len(), |length| at + length);
        opens && read(&[&lines[..at], &lines[end..]].concat()) == value
    })
}

/// Where the dash of `  - ` stands.
fn dash_before(before: &str) -> Option<usize> {
    let column = before.find('-')?;
    let after = &before[column + 1..];
    let spaces = |text: &str| text.bytes().all(|byte| byte == b' ');
    (spaces(&before[..column]) && spaces(after) && !after.is_empty()).then_some(column)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

fn unsafe_at(text: &str, at: usize) -> Unsafe {
    Unsafe { line: text[..at].matches('\n').count() + 1 }
}

/// Where `rules:`, whose key stands at `at`, ends: at the next key, the document's end, or the
/// file's.
fn section_end(text: &str, tree: &Node, at: usize) -> usize {
    let next_key = match &tree.kind {
        Kind::Map(entries) => {
            entries.iter().map(|entry| entry.key_span.offset()).find(|other| *other > at)
        }
        _ => None,
    };
    let mut end = next_key.map_or(text.len(), |next| line_start(text, next));
    for marker in ["\n---", "\n..."] {
        if let Some(found) = text[at..end].find(marker) {
            end = at + found + 1;
        }
    }
    end
}

/// A block without the blank lines and comments that follow it: those are nobody's, or belong to
/// what comes next. Lines further in than `column` are the block's own.
fn own_lines(text: &str, range: Range<usize>, column: usize) -> Range<usize> {
    let mut end = range.end;
    let lines: Vec<&str> = text[range.clone()].split_inclusive('\n').collect();
    for line in lines.iter().skip(1).rev() {
        let content = line.trim_start_matches(' ');
        let foreign = content.starts_with('#') && line.len() - content.len() <= column;
        if !line.trim().is_empty() && !foreign {
            break;
        }
        end -= line.len();
    }
    range.start..end
}

#[cfg(test)]
mod tests;
