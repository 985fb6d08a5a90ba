//! What a dataset holds, counted in one reading: labels, duplicates, contradictions, images that
//! can't be read.
//!
//! Remembers a hundred bytes or so an image, to find the same image again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::{Content, Example, Label, RowError, Safety};
use crate::ids::{Hash, ImageHash};

/// Bad rows, duplicates and the like that are named one by one.
pub const NAMED: usize = 5;

/// Labels of one category and source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Images labelled safe.
    pub safe: usize,
    /// Images labelled unsafe.
    #[serde(rename = "unsafe")]
    pub unsafe_: usize,
    /// Images without a label.
    pub unlabelled: usize,
}

impl Cell {
    fn add(&mut self, safety: Option<Safety>) {
        *match safety {
            Some(Safety::Safe) => &mut self.safe,
            Some(Safety::Unsafe) => &mut self.unsafe_,
            None => &mut self.unlabelled,
        } += 1;
    }

    /// All of them.
    pub fn images(self) -> usize {
        self.safe + self.unsafe_ + self.unlabelled
    }
}

/// Something that was found so many times, and the first few in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// How often.
    pub count: usize,
    /// The first of them, at most [`NAMED`].
    pub first: Vec<String>,
}

impl Found {
    /// Takes note of one.
    pub fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(what());
        }
    }
}

/// What was counted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Survey {
    /// Rows, bad ones included.
    pub rows: usize,
    /// All labels.
    pub labels: Cell,
    /// Images in files of their own.
    pub in_files: usize,
    /// Images in the dataset, as bytes or base64, those included that a row has from another.
    pub inside: usize,
    /// Labels by set; empty for images without one.
    pub sets: BTreeMap<String, Cell>,
    /// Labels by category and source; empty for images without one.
    #[serde(serialize_with = "cells_as_list")]
    pub cells: BTreeMap<(String, String), Cell>,
    /// Images by the rules that they violate.
    pub violations: BTreeMap<String, usize>,
    /// Rows that can't be used.
    pub bad_rows: Found,
    /// Images whose bytes an earlier row has too, with the same label or in another category.
    pub duplicates: Found,
    /// Images whose bytes an earlier row of the category has too, with another label.
    pub contradictions: Found,
    /// Images that can't be read, or decoded where that was asked for.
    pub unreadable: Found,
    /// The first row of each image.
    #[serde(skip)]
    seen: HashMap<ImageHash, u32>,
    /// What was first said of an image in a category, and in which row.
    #[serde(skip)]
    said: HashMap<Hash, (Hash, u32)>,
    /// What was first said otherwise.
    #[serde(skip)]
    otherwise: HashMap<Hash, (Hash, u32)>,
}

/// What of the labels of an image must agree within a category; nothing where there is no label. Another
/// category is no contradiction: an image may be collected for two, and be unsafe by one of them.
fn judgement(label: &Label) -> Option<Hash> {
    if label.safety.is_none() && label.violated.is_none() {
        return None;
    }
    let rules = label.violated.iter().flatten().map(|rule| rule.as_str().as_bytes());
    let known: &[u8] = if label.violated.is_some() { b"rules" } else { b"" };
    let safety = label.safety.map(|safety| safety.to_string()).unwrap_or_default();
    Some(Hash::of_parts([safety.as_bytes(), known].into_iter().chain(rules)))
}

impl Survey {
    /// Counts a row, and says what of its image stands in the way, where something does.
    pub fn add(&mut self, row: &Result<Example, RowError>, trouble: Option<String>) {
        self.rows += 1;
        let example = match row {
            Ok(example) => example,
            Err(error) => return self.bad_rows.add(|| error.to_string()),
        };
        self.count(&example.label);
        *match &example.content {
            Content::File(_) => &mut self.in_files,
            Content::Bytes(_) => &mut self.inside,
        } += 1;
        if let Some(trouble) = trouble {
            return self.unreadable.add(|| trouble);
        }
        match example.hash() {
            Ok(hash) => self.compare(example, hash),
            Err(error) => self.unreadable.add(|| error.to_string()),
        }
    }

    fn count(&mut self, label: &Label) {
        self.labels.add(label.safety);
        self.sets.entry(label.set.clone()).or_default().add(label.safety);
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let cell = (word(&label.category), word(&label.source));
        self.cells.entry(cell).or_default().add(label.safety);
        for rule in label.violated.iter().flatten() {
            *self.violations.entry(rule.to_string()).or_default() += 1;
        }
    }

    fn compare(&mut self, example: &Example, hash: ImageHash) {
        let row = u32::try_from(self.rows).unwrap_or(u32::MAX);
        let first = *self.seen.entry(hash).or_insert(row);
        let other = judgement(&example.label).and_then(|says| {
            let image = within(hash, &example.label);
            let (said, before) = *self.said.entry(image).or_insert((says, row));
            if said == says {
                return self.otherwise.get(&image).map(|(_, before)| *before);
            }
            self.otherwise.entry(image).or_insert((says, row));
            Some(before)
        });
        if let Some(other) = other {
            let told = || format!("{} is row {other} again, with another label", example.name);
            self.contradictions.add(told);
        } else if first != row {
            self.duplicates.add(|| format!("{} is row {first} again", example.name));
        }
    }

    /// The categories, without that of images that have none.
    pub fn categories(&self) -> BTreeSet<&str> {
        self.cells
            .keys()
            .map(|(category, _)| category.as_str())
            .filter(|one| !one.is_empty())
            .collect()
    }

    /// The sources, without that of images that have none.
    pub fn sources(&self) -> BTreeSet<&str> {
        self.cells.keys().map(|(_, source)| source.as_str()).filter(|one| !one.is_empty()).collect()
    }
}

/// An image within a category.
fn within(image: ImageHash, label: &Label) -> Hash {
    let category = label.category.as_deref().unwrap_or_default();
    Hash::of_parts([image.bytes().as_slice(), category.as_bytes()])
}

fn cells_as_list<S: serde::Serializer>(
    cells: &BTreeMap<(String, String), Cell>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row<'cells> {
        category: &'cells str,
        source: &'cells str,
        #[serde(flatten)]
        cell: Cell,
    }
    serializer.collect_seq(cells.iter().map(|((category, source), cell)| Row {
        category,
        source,
        cell: *cell,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(name: &str, bytes: &[u8], safety: Safety, category: &str) -> Example {
        Example {
            name: name.to_owned(),
            content: Content::Bytes(bytes.into()),
            label: Label {
                safety: Some(safety),
                category: Some(category.to_owned()),
                ..Label::default()
            },
        }
    }

    #[test]
    fn the_same_bytes_are_a_duplicate_or_a_contradiction() {
        let mut survey = Survey::default();
        for row in [
            example("a", b"1", Safety::Safe, "Spam"),
            example("b", b"1", Safety::Safe, "Spam"),
            example("c", b"1", Safety::Unsafe, "Spam"),
            example("d", b"2", Safety::Unsafe, "Spam"),
            example("e", b"1", Safety::Safe, "Hate"),
        ] {
            survey.add(&Ok(row), None);
        }
        assert_eq!(survey.labels, Cell { safe: 3, unsafe_: 2, unlabelled: 0 });
        assert_eq!(survey.duplicates.first, ["b is row 1 again", "e is row 1 again"]);
        assert_eq!(survey.contradictions.first, ["c is row 1 again, with another label"]);
    }

    /// The row that is named has another label, which the first row with those bytes need not have.
    #[test]
    fn a_contradiction_is_to_the_row_that_says_otherwise_and_no_label_is_none() {
        let mut survey = Survey::default();
        let unlabelled = |name: &str| {
            let mut example = example(name, b"1", Safety::Safe, "Spam");
            example.label.safety = None;
            example
        };
        for row in [
            example("a", b"1", Safety::Safe, "Hate"),
            unlabelled("b"),
            example("c", b"1", Safety::Unsafe, "Spam"),
            unlabelled("d"),
            example("e", b"1", Safety::Safe, "Spam"),
            example("f", b"1", Safety::Unsafe, "Spam"),
        ] {
            survey.add(&Ok(row), None);
        }
        let again = ["b is row 1 again", "c is row 1 again", "d is row 1 again"];
        assert_eq!(survey.duplicates.first, again);
        let otherwise =
            ["e is row 3 again, with another label", "f is row 5 again, with another label"];
        assert_eq!(survey.contradictions.first, otherwise);
    }

    #[test]
    fn a_file_that_is_not_there_is_unreadable() {
        let mut survey = Survey::default();
        let row = Ok(Example {
            name: "gone.png".to_owned(),
            content: Content::File(crate::imaging::Source::new("no such folder/gone.png")),
            label: Label::default(),
        });
        survey.add(&row, None);
        assert_eq!((survey.unreadable.count, survey.labels.unlabelled), (1, 1));
    }
}
