//! What people say of the images, found by the file however it was named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::{Failure, style};
use crate::constitution::Policy;
use crate::dataset::{Dataset, Label, Mistake, Options};
use crate::robustness::Known;

/// What people say, by the file's full path.
#[derive(Debug)]
pub(super) struct Labels(BTreeMap<PathBuf, Known>);

impl Labels {
    /// Reads a dataset. A row that can't be used has no label; one that names a rule which the policy does
    /// not have ends the run, since it could never be found violated.
    pub(super) fn read(path: &Path, policy: &Policy) -> Result<Self, Failure> {
        let rules = Some(policy.rules.iter().map(|rule| rule.id.clone()).collect());
        let dataset = Dataset::open(path, &Options { rules, ..Options::default() })?;
        let mut labels = Self(BTreeMap::new());
        let mut first_bad = None;
        for row in dataset.examples()? {
            match row {
                Ok(example) => {
                    labels.0.insert(full(&example.name), known(example.label));
                }
                Err(error) if matches!(error.mistake, Mistake::UnknownRule { .. }) => {
                    return Err(Failure::mistake(&error, None));
                }
                Err(error) => {
                    first_bad.get_or_insert(error);
                }
            }
        }
        match first_bad {
            Some(error) if labels.0.is_empty() => Err(Failure::mistake(&error, None)),
            Some(error) => {
                style::notes(&[format!(
                    "some rows of the labels can't be used; the first: {error}"
                )])?;
                Ok(labels)
            }
            None => Ok(labels),
        }
    }

    /// What is said of an image; nothing where nobody has looked.
    pub(super) fn of(&self, image: &str) -> Known {
        self.0.get(&full(image)).cloned().unwrap_or_default()
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
