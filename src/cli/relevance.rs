//! `praetor relevance`: how near each rule is to each image, to choose the threshold by.

use std::io::{self, Write};

use clap::Args;

use super::encoders::EncoderArgs;
use super::inputs::{Inputs, LimitArgs};
use super::model::ModelArgs;
use super::policy::PolicyArgs;
use super::{Ending, Failure, Outcome, style};
use crate::constitution::Policy;
use crate::encoder::DualEncoder;
use crate::imaging::{View, shown};
use crate::relevance::Scan;
use crate::verdict::Relevance;

/// Show how near each rule is to each image, to choose the relevance threshold by
///
/// Prints one row an image with the cosine of every rule, and below what each of a few thresholds
/// would leave of them. Rules that are left out of an image are never asked of the model, so choose
/// a threshold that keeps all that might be violated.
#[derive(Debug, Args)]
pub(super) struct RelevanceCommand {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    encoders: EncoderArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// One JSON object a line instead of a table
    #[arg(long)]
    jsonl: bool,
}

/// Images encoded as one batch.
const BATCH: usize = 16;

/// Thresholds shown on each side of the one that counts.
const SHOWN_BESIDE: i32 = 4;

/// The step between thresholds that are shown.
const STEP: f64 = 0.02;

impl RelevanceCommand {
    pub(super) fn run(self) -> Outcome {
        let policy = self.policy.load()?;
        let (tasks, _) = self.inputs.tasks(&self.limits);
        let encoder = self.encoders.load_dual(self.model.is_demo())?;
        let scan = Scan::new(&policy, &encoder, self.encoders.relevance_threshold)?;
        let mut table = Table::new(&policy, self.jsonl);
        table.heading()?;
        let mut waiting: Vec<(String, View)> = Vec::new();
        for task in tasks {
            match (task.decode)() {
                Ok(decoded) => {
                    let whole = decoded.pictures.into_iter().next();
                    waiting.extend(whole.map(|picture| (task.image, picture.whole())));
                }
                Err(error) => table.unread(&task.image, &error.message)?,
            }
            if waiting.len() >= BATCH {
                table.rows(&scan, &waiting)?;
                waiting.clear();
            }
        }
        table.rows(&scan, &waiting)?;
        let threshold = self.encoders.relevance_threshold;
        table.summary(threshold.unwrap_or_else(|| encoder.default_threshold()))
    }
}

/// The table as it grows.
struct Table<'policy> {
    policy: &'policy Policy,
    jsonl: bool,
    seen: Vec<Vec<Relevance>>,
    unread: bool,
}

impl<'policy> Table<'policy> {
    fn new(policy: &'policy Policy, jsonl: bool) -> Self {
        Self { policy, jsonl, seen: Vec::new(), unread: false }
    }

    /// Rules by number, so that a row fits a line.
    fn heading(&self) -> Result<(), Failure> {
        if self.jsonl {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        for (number, rule) in (1..).zip(&self.policy.rules) {
            writeln!(out, "{number:>4}  {}", rule.id)?;
        }
        let numbers = (1..=self.policy.rules.len()).map(|number| format!("{number:>6}"));
        writeln!(out, "\n{}  image", style::bold(&numbers.collect::<String>()))?;
        Ok(())
    }

    fn rows(&mut self, scan: &Scan<'_>, images: &[(String, View)]) -> Result<(), Failure> {
        let views: Vec<&View> = images.iter().map(|(_, view)| view).collect();
        if views.is_empty() {
            return Ok(());
        }
        let scanned = scan.scan(&views)?;
        let mut out = io::stdout().lock();
        for ((image, _), rules) in images.iter().zip(scanned) {
            if self.jsonl {
                let names = self.policy.rules.iter().map(|rule| rule.id.to_string());
                let cosines = names.zip(&rules).map(|(name, rule)| (name, rule.cosine.into()));
                let cosines: serde_json::Map<_, _> = cosines.collect();
                let line = serde_json::json!({ "image": image, "cosines": cosines });
                writeln!(out, "{line}")?;
            } else {
                let cells = rules.iter().map(|rule| {
                    let cell = format!("{:>6.2}", rule.cosine);
                    if rule.kept() { style::bold(&cell) } else { style::dim(&cell) }
                });
                writeln!(out, "{}  {}", cells.collect::<String>(), shown(image))?;
            }
            self.seen.push(rules);
        }
        Ok(())
    }

    fn unread(&mut self, image: &str, message: &str) -> Result<(), Failure> {
        self.unread = true;
        writeln!(io::stderr(), "{}: {}", shown(image), shown(message))?;
        Ok(())
    }

    /// What thresholds around the one that counts would keep.
    fn summary(&self, threshold: f64) -> Outcome {
        if self.seen.is_empty() {
            return Err(Failure::Unopened(miette::miette!("not one image could be read")));
        }
        if !self.jsonl {
            let mut out = io::stdout().lock();
            writeln!(out, "\nthreshold  rules kept  images with none")?;
            for step in -SHOWN_BESIDE..=SHOWN_BESIDE {
                let at = threshold + f64::from(step) * STEP;
                let line = kept_at(&self.seen, at);
                writeln!(out, "{}", if step == 0 { style::bold(&line) } else { line })?;
            }
        }
        Ok(if self.unread { Ending::Unsettled } else { Ending::Done })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of images and rules are far below 2^52")]
fn kept_at(seen: &[Vec<Relevance>], threshold: f64) -> String {
    let kept = |rules: &Vec<Relevance>| rules.iter().filter(|rule| rule.cosine > threshold).count();
    let all: usize = seen.iter().map(Vec::len).sum();
    let share = seen.iter().map(kept).sum::<usize>() as f64 * 100.0 / all.max(1) as f64;
    let none = seen.iter().filter(|rules| kept(rules) == 0).count();
    format!("{threshold:>9.2}  {share:>8.1} %  {none:>16}")
}
