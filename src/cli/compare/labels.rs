//! From labels on disk to what a comparison wants to know of an image.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::Failure;
use crate::cli::dataset::{ReadingArgs, read_labels};
use crate::dataset::{Content, Example};
use crate::eval::compare::{Truth, Truths};
use crate::ids::{Hash, ImageHash, RuleId};
use crate::store::Run;
use crate::verdict::Method;

/// Reads labels; an image is known by the hash of its file, where it is there, and by its name. Rows that
/// can't be used are noted and left out.
pub(super) fn read(
    path: &Path,
    reading: &ReadingArgs,
    runs: &[Run],
    quiet: bool,
) -> Result<Truths, Failure> {
    let mut truths = Truths::default();
    read_labels(path, &reading.options(rules(runs)?), quiet, |example| {
        if let Some(is_unsafe) = example.label.is_unsafe() {
            let hash = hash(&example);
            let Example { name, label, .. } = example;
            truths.add(name, hash, &Truth { is_unsafe, violated: label.violated });
        }
    })?;
    Ok(truths)
}

fn hash(example: &Example) -> Option<ImageHash> {
    match &example.content {
        Content::File(source) => fs_err::read(source.path()).ok().map(|bytes| Hash::of(&bytes)),
        Content::Bytes(bytes) => Some(Hash::of(bytes)),
    }
}

/// Every rule that a judge has judged, since a label that names another can never be found; nothing
/// where all look at the image as a whole.
fn rules(runs: &[Run]) -> Result<Option<BTreeSet<RuleId>>, Failure> {
    let mut rules = BTreeSet::new();
    for run in runs {
        for verdict in run.verdicts()? {
            let verdict = verdict?;
            if verdict.method == Method::Clue {
                rules.extend(verdict.rules.into_iter().map(|rule| rule.rule));
            }
        }
    }
    Ok((!rules.is_empty()).then_some(rules))
}
