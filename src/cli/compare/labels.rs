//! From labels on disk to what a comparison wants to know of an image.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::Failure;
use crate::cli::dataset::{ReadingArgs, read_labels};
use crate::dataset::Example;
use crate::eval::compare::{Truth, Truths};
use crate::ids::RuleId;
use crate::store::Run;

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
            let hash = example.hash().ok();
            let Example { name, label, .. } = example;
            truths.add(name, hash, &Truth { is_unsafe, violated: label.violated });
        }
    })?;
    Ok(truths)
}

/// Every rule that a judge has judged, since a label that names another can never be found; nothing
/// where all look at the image as a whole.
fn rules(runs: &[Run]) -> Result<Option<BTreeSet<RuleId>>, Failure> {
    let mut rules = BTreeSet::new();
    for run in runs {
        for verdict in run.verdicts()? {
            let verdict = verdict?;
            if verdict.lists_rules() {
                rules.extend(verdict.rules.into_iter().map(|rule| rule.rule));
            }
        }
    }
    Ok((!rules.is_empty()).then_some(rules))
}
