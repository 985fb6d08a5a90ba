//! From labels on disk to what a comparison wants to know of an image.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::dataset::{ReadingArgs, UNKNOWN_RULE};
use crate::cli::inputs::Unread;
use crate::cli::{Failure, style};
use crate::dataset::{Dataset, Example, Mistake};
use crate::eval::compare::{Truth, Truths};
use crate::ids::RuleId;
use crate::imaging::shown;
use crate::store::Run;

/// Reads labels; an image is known by the hash of its file, where it is there, and by its name. Rows that
/// can't be used are noted and left out.
pub(super) fn read(
    path: &Path,
    reading: &ReadingArgs,
    runs: &[Run],
    quiet: bool,
) -> Result<Truths, Failure> {
    let dataset = Dataset::open(path, &reading.options(rules(runs)?))?;
    let mut truths = Truths::default();
    let mut unread = Unread::default();
    for row in dataset.examples()? {
        match row {
            Ok(example) => {
                if let Some(is_unsafe) = example.label.is_unsafe() {
                    let hash = example.hash().ok();
                    let Example { name, label, .. } = example;
                    truths.add(name, hash, &Truth { is_unsafe, violated: label.violated });
                }
            }
            Err(error) if matches!(error.mistake, Mistake::UnknownRule { .. }) => {
                return Err(Failure::mistake(&error, Some(UNKNOWN_RULE)));
            }
            Err(error) => unread.note(shown(&error.to_string()).to_string()),
        }
    }
    if !quiet {
        style::notes(&unread.notes())?;
    }
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
