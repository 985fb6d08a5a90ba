//! From labels on disk to what a comparison wants to know of an image.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::Failure;
use crate::eval::Labels;
use crate::eval::compare::{Truth, Truths};
use crate::ids::{Hash, RuleId};
use crate::store::Run;
use crate::verdict::Method;

/// Reads labels; an image is known by the hash of its file, where it is still there, and by its path.
pub(super) fn read(path: &Path, runs: &[Run]) -> Result<Truths, Failure> {
    let rules = rules(runs)?;
    let labels = Labels::load(path, &rules.iter().collect::<Vec<_>>())?;
    let mut truths = Truths::default();
    for label in labels.images {
        let hash = fs_err::read(&label.path).ok().map(|bytes| Hash::of(&bytes));
        let truth = Truth { is_unsafe: !label.violated.is_empty(), violated: Some(label.violated) };
        truths.add(label.path.to_string_lossy().into_owned(), hash, &truth);
    }
    Ok(truths)
}

/// Every rule that a judge has judged: a label can name no other, unless all look at the whole image.
fn rules(runs: &[Run]) -> Result<BTreeSet<RuleId>, Failure> {
    let mut rules = BTreeSet::new();
    for run in runs {
        for verdict in run.verdicts()? {
            let verdict = verdict?;
            if verdict.method == Method::Clue {
                rules.extend(verdict.rules.into_iter().map(|rule| rule.rule));
            }
        }
    }
    Ok(rules)
}
