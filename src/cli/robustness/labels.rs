//! What people say of the images, found by the file however it was named.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::cli::dataset::{ReadingArgs, read_labels};
use crate::cli::{Failure, style};
use crate::constitution::Policy;
use crate::dataset::Label;
use crate::robustness::Known;

/// What people say, by the file's full path.
#[derive(Debug, Default)]
pub(super) struct Labels {
    by_file: BTreeMap<PathBuf, Known>,
    /// Those that are labelled twice and not alike.
    contradictory: BTreeSet<PathBuf>,
}

impl Labels {
    /// Reads a dataset. A row that can't be used has no label; one that names a rule which the policy does
    /// not have ends the run, since it could never be found violated.
    pub(super) fn read(
        path: &Path,
        reading: &ReadingArgs,
        policy: &Policy,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let rules = policy.rules.iter().map(|rule| rule.id.clone()).collect();
        let mut labels = Self::default();
        read_labels(path, &reading.options(Some(rules)), quiet, |example| {
            labels.add(full(&example.name), known(example.label));
        })?;
        let twice = labels.contradictory.len() as u64;
        if twice > 0 && !quiet {
            let images = style::counted(twice, "image");
            style::notes(&[format!("{images} labelled twice and not alike: taken as unlabelled")])?;
        }
        Ok(labels)
    }

    /// Takes what one row says beside what others did.
    fn add(&mut self, file: PathBuf, said: Known) {
        match self.by_file.entry(file) {
            Entry::Vacant(vacant) => {
                vacant.insert(said);
            }
            Entry::Occupied(mut entry) => {
                let before = entry.get().is_unsafe;
                if before.is_some() && said.is_unsafe.is_some() && before != said.is_unsafe {
                    self.contradictory.insert(entry.key().clone());
                }
                let known = entry.get_mut();
                known.is_unsafe = before.or(said.is_unsafe);
                known.source = known.source.take().or(said.source);
            }
        }
    }

    /// What is said of an image; nothing where nobody has looked, or people say both.
    pub(super) fn of(&self, image: &str) -> Known {
        let file = full(image);
        let known = self.by_file.get(&file).cloned().unwrap_or_default();
        let is_unsafe = known.is_unsafe.filter(|_| !self.contradictory.contains(&file));
        Known { is_unsafe, ..known }
    }
}

/// What a label says, as far as it matters here: the source, or else the set, is counted apart.
fn known(label: Label) -> Known {
    let set = (!label.set.is_empty()).then(|| label.set.clone());
    Known { is_unsafe: label.is_unsafe(), source: label.source.or(set) }
}

/// A path by which an image is known however it was named: its file's, or that of the dataset that it is in,
/// with its row; as it is where there is no such file.
fn full(image: &str) -> PathBuf {
    if let Ok(file) = fs_err::canonicalize(image) {
        return file;
    }
    let inside = image.rsplit_once('#').and_then(|(dataset, row)| {
        let dataset = fs_err::canonicalize(dataset).ok()?;
        Some(dataset.join(row))
    });
    inside.unwrap_or_else(|| PathBuf::from(image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_contradict_each_other_are_none_and_a_row_without_one_erases_none() {
        let mut labels = Labels::default();
        let said = |is_unsafe, source: Option<&str>| Known {
            is_unsafe,
            source: source.map(str::to_owned),
        };
        for (image, is_unsafe, source) in [
            ("both.png", Some(true), Some("a")),
            ("both.png", Some(false), Some("a")),
            ("both.png", Some(true), Some("a")),
            ("alike.png", Some(false), None),
            ("alike.png", None, Some("b")),
            ("later.png", None, None),
            ("later.png", Some(true), Some("c")),
        ] {
            labels.add(full(image), said(is_unsafe, source));
        }
        assert_eq!(labels.contradictory.len(), 1);
        assert_eq!(labels.of("both.png"), said(None, Some("a")));
        assert_eq!(labels.of("alike.png"), said(Some(false), Some("b")));
        assert_eq!(labels.of("later.png"), said(Some(true), Some("c")));
        assert_eq!(labels.of("other.png"), Known::default());
    }
}
