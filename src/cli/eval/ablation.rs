//! `praetor eval --ablation`: every way of judging on the same images, in tables by set.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;

use super::Eval;
use crate::cli::cache::Answers;
use crate::cli::dataset::tasks;
use crate::cli::stages::Models;
use crate::cli::{Ending, Failure, Outcome, report, style};
use crate::constitution::Policy;
use crate::dataset::Dataset;
use crate::eval::Counts;
use crate::eval::ablation::{Row, VARIANTS, Variant, table};
use crate::pipeline::stream::judge_all;
use crate::vlm::counted::{Asked, CountedVlm};

/// Rows by set, in the order in which sets first come.
type Sets = Vec<(String, Vec<Row>)>;

/// Judges the dataset in every way. No answer comes from the cache, since what judging costs is
/// measured too, and the models of all stages are loaded, whichever were left out by flags.
pub(super) fn run(eval: &Eval, policy: &Policy, dataset: &Dataset, rows: u64) -> Outcome {
    let models = eval.judging.stages.load_all(&eval.judging.model, Answers::default())?;
    let judgings = u64::try_from(VARIANTS.len()).unwrap_or(1).saturating_mul(rows);
    let bar = report::progress_bar(Some(judgings));
    let mut sets = Sets::new();
    let mut bad_rows = 0;
    for variant in VARIANTS {
        let (rows, bad) = measure(eval, variant, (policy, &models, dataset), || bar.inc(1))?;
        for (set, row) in rows {
            match sets.iter_mut().find(|(name, _)| *name == set) {
                Some((_, rows)) => rows.push(row),
                None => sets.push((set, vec![row])),
            }
        }
        bad_rows = bad;
    }
    bar.finish_and_clear();
    show(&sets)?;
    if bad_rows > 0 {
        style::notes(&[format!("{bad_rows} rows could not be used; `praetor data` shows them")])?;
    }
    Ok(if bad_rows > 0 { Ending::Unsettled } else { Ending::Done })
}

/// Judges all images in one way, and counts them by set.
fn measure(
    eval: &Eval,
    variant: Variant,
    (policy, models, dataset): (&Policy, &Models, &Dataset),
    judged: impl Fn(),
) -> Result<(Vec<(String, Row)>, usize), Failure> {
    let counted = CountedVlm::new(&*models.vlm);
    let way = eval.judging.stages.join_variant(variant, policy, models, &counted)?;
    let (tasks, mut labels) = tasks(dataset.examples()?, eval.judging.limits.limits());
    let mut rows: Vec<(String, Row)> = Vec::new();
    let mut before = counted.asked();
    // What each image costs is counted between two verdicts, so that they are judged one by one.
    judge_all(way.judging(), NonZeroUsize::MIN, tasks, |verdict| {
        let now = counted.asked();
        if let Some(label) = labels.next() {
            let row = row_of(&mut rows, &label.set, variant);
            row.counts.add(&label, &verdict);
            row.questions += now.questions - before.questions;
            row.escalations += now.conversations - before.conversations;
            row.took += Duration::from_millis(verdict.took_ms);
        }
        before = now;
        judged();
        ControlFlow::Continue(())
    })?;
    while labels.next().is_some() {}
    Ok((rows, labels.bad.count))
}

fn row_of<'rows>(
    rows: &'rows mut Vec<(String, Row)>,
    set: &str,
    variant: Variant,
) -> &'rows mut Row {
    let at = rows.iter().position(|(name, _)| name == set).unwrap_or_else(|| {
        let Asked { questions, conversations } = Asked::default();
        let counts = Counts::default();
        let row =
            Row { variant, counts, questions, escalations: conversations, took: Duration::ZERO };
        rows.push((set.to_owned(), row));
        rows.len() - 1
    });
    &mut rows[at].1
}

/// One table a set, in Markdown, so that it can go into a document as it is.
fn show(sets: &Sets) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for (set, rows) in sets {
        let images = rows.first().map_or(0, |row| row.counts.images.images());
        let name = if set.is_empty() { "all" } else { set };
        writeln!(out, "{}\n", style::bold(&format!("{name}: {images} images")))?;
        writeln!(out, "{}", table(rows))?;
    }
    Ok(())
}
