//! `praetor eval`: verdicts held against labels, and the ablation of the stages.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use super::cache::Answers;
use super::inputs::{LimitArgs, task};
use super::model::ModelArgs;
use super::policy::PolicyArgs;
use super::stages::{Models, StageArgs};
use super::{Ending, Failure, Outcome, style};
use crate::constitution::Policy;
use crate::eval::ablation::{Row, VARIANTS, Variant, table};
use crate::eval::{Counts, LabelError, Labelled, Labels};
use crate::imaging::Source;
use crate::pipeline::stream::judge_all;
use crate::vlm::counted::CountedVlm;

/// Hold verdicts against labels: recall, accuracy, F1, and what judging costs
///
/// LABELS has one JSON object a line with `image`, a path relative to the file, `violated`, a list of
/// rules that is empty when the image is safe, and if you like `set`, a group that is counted apart.
/// An undetermined image is never counted as right.
#[derive(Debug, Args)]
pub(super) struct Eval {
    /// The labels, a file of JSON lines
    #[arg(value_name = "LABELS")]
    labels: PathBuf,
    /// Compare CLUE with the paper's baselines, and with itself without each of its stages
    #[arg(long)]
    ablation: bool,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    stages: StageArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

impl Eval {
    pub(super) fn run(self) -> Outcome {
        let policy = self.policy.load()?;
        let rules: Vec<_> = policy.rules.iter().map(|rule| &rule.id).collect();
        let labels = Labels::load(&self.labels, &rules)?;
        let variants = if self.ablation { VARIANTS.to_vec() } else { vec![self.stages.variant()] };
        let models = self.load(&variants)?;
        let bar = progress(labels.images.len() * variants.len());
        let mut rows = Vec::new();
        for variant in &variants {
            for set in labels.sets() {
                let images: Vec<&Labelled> =
                    labels.images.iter().filter(|image| image.set == set).collect();
                rows.push((
                    set,
                    self.measure(*variant, (&policy, &models), &images, || bar.inc(1))?,
                ));
            }
        }
        bar.finish_and_clear();
        style::notes(&models.bill())?;
        show(&labels, &rows)
    }

    /// No answer comes from the cache, since what judging costs is measured too. An ablation needs the models of every variant, whichever stages were left out by flags.
    fn load(&self, variants: &[Variant]) -> Result<Models, Failure> {
        if variants.len() > 1 {
            self.stages.load_all(&self.model, Answers::default())
        } else {
            self.stages.load(&self.model, Answers::default())
        }
    }

    fn measure(
        &self,
        variant: Variant,
        (policy, models): (&Policy, &Models),
        images: &[&Labelled],
        judged: impl Fn(),
    ) -> Result<Row, Failure> {
        let counted = CountedVlm::new(&*models.vlm);
        let way = self.stages.join_variant(variant, policy, models, &counted)?;
        let limits = self.limits.limits();
        let tasks: Vec<_> =
            images.iter().map(|image| task(Ok(Source::new(&image.path)), limits.clone())).collect();
        let mut counts = Counts::default();
        let mut took_ms = 0;
        let mut labels = images.iter();
        judge_all(way.judging(), tasks.into_iter(), |verdict| {
            if let Some(label) = labels.next() {
                counts.add(label, &verdict);
            }
            took_ms += verdict.took_ms;
            judged();
            ControlFlow::Continue(())
        })?;
        let asked = counted.asked();
        Ok(Row {
            variant,
            counts,
            questions: asked.questions,
            escalations: asked.conversations,
            took: std::time::Duration::from_millis(took_ms),
        })
    }
}

/// One table a set, in Markdown, so that it can go into a document as it is.
fn show(labels: &Labels, rows: &[(&str, Row)]) -> Outcome {
    let mut out = io::stdout().lock();
    for set in labels.sets() {
        let of_set: Vec<Row> =
            rows.iter().filter(|(name, _)| *name == set).map(|(_, row)| *row).collect();
        let images = of_set.first().map_or(0, |row| row.counts.images.images());
        let name = if set.is_empty() { "all" } else { set };
        writeln!(out, "{}\n", style::bold(&format!("{name}: {images} images")))?;
        writeln!(out, "{}", table(&of_set))?;
    }
    Ok(Ending::Done)
}

fn progress(judgings: usize) -> ProgressBar {
    super::report::progress_bar(Some(judgings as u64))
}

impl From<LabelError> for Failure {
    fn from(error: LabelError) -> Self {
        match error {
            LabelError::Unreadable(error) => Self::unopened(&error, Some("check the path")),
            error => Self::Input(miette::miette!("{error}")),
        }
    }
}
