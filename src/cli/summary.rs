//! What a run came to: counted as it goes, shown as a table at its end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::style;
use super::{Ending, Outcome};
use crate::constitution::Policy;
use crate::ids::RuleId;
use crate::imaging::shown;
use crate::pipeline::Spent;
use crate::units;
use crate::verdict::{Conclusion, Outcome as RuleOutcome, Verdict};

/// Counts of a run.
#[derive(Debug)]
pub(super) struct Summary {
    order: Vec<RuleId>,
    images: u64,
    conclusions: BTreeMap<Conclusion, u64>,
    rules: BTreeMap<RuleId, RuleCount>,
    errors: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct RuleCount {
    violated: u64,
    undetermined: u64,
}

impl Summary {
    pub(super) fn new(policy: &Policy) -> Self {
        Self {
            order: policy.rules.iter().map(|rule| rule.id.clone()).collect(),
            images: 0,
            conclusions: BTreeMap::new(),
            rules: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    pub(super) fn count(&mut self, verdict: &Verdict) {
        self.images += 1;
        *self.conclusions.entry(verdict.verdict).or_default() += 1;
        for rule in &verdict.rules {
            let count = self.rules.entry(rule.rule.clone()).or_default();
            count.violated += u64::from(rule.outcome == RuleOutcome::Violated);
            count.undetermined += u64::from(rule.outcome == RuleOutcome::Undetermined);
        }
        if let Some(error) = &verdict.error {
            *self.errors.entry(error.code.clone()).or_default() += 1;
        }
    }

    fn of(&self, conclusion: Conclusion) -> u64 {
        self.conclusions.get(&conclusion).copied().unwrap_or(0)
    }

    /// Whether every image was settled. When none could even be read, nothing was opened.
    pub(super) fn ending(&self) -> Outcome {
        let unsettled = self.of(Conclusion::Undetermined) + self.of(Conclusion::Failed);
        if self.of(Conclusion::Failed) == self.images {
            return Err(super::Failure::Unopened(miette::miette!(
                code = "praetor::images::none_read",
                help = "each line of the output says why; without lines, no image was named",
                "not one image could be read"
            )));
        }
        Ok(if unsettled == 0 { Ending::Done } else { Ending::Unsettled })
    }

    /// The table.
    pub(super) fn table(&self, took: Duration, spent: Option<Spent>) -> String {
        let mut text = String::new();
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let _ = writeln!(
            text,
            "\n{} in {} ({})",
            style::bold(&style::counted(self.images, "image")),
            units::duration(took_ms),
            rate(self.images, took)
        );
        for conclusion in
            [Conclusion::Unsafe, Conclusion::Undetermined, Conclusion::Safe, Conclusion::Failed]
        {
            let count = self.of(conclusion);
            if count > 0 || matches!(conclusion, Conclusion::Unsafe | Conclusion::Safe) {
                let share = share(count, self.images);
                let _ =
                    writeln!(text, "  {} {count:>7}  {share}", style::conclusion(conclusion, 24));
            }
        }
        if let Some(spent) = spent {
            reasoning_line(&mut text, &spent);
        }
        self.rule_lines(&mut text);
        for (code, count) in &self.errors {
            let _ = writeln!(text, "  {:<24} {count:>7}  not read", shown(code).to_string());
        }
        text
    }

    fn rule_lines(&self, text: &mut String) {
        let counted = self.order.iter().filter_map(|id| Some((id, self.rules.get(id)?)));
        let seen: Vec<_> =
            counted.filter(|(_, count)| count.violated + count.undetermined > 0).collect();
        if seen.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n  {:<24} {:>7} {:>13}", "rule", "violated", "undetermined");
        for (id, count) in seen {
            let _ = writeln!(text, "  {id:<24} {:>8} {:>13}", count.violated, count.undetermined);
        }
    }
}

/// What was reasoned about, and what the budget left out; nothing when nothing was open.
fn reasoning_line(text: &mut String, spent: &Spent) {
    if spent.questions + spent.left_out == 0 {
        return;
    }
    let time = units::duration(u64::try_from(spent.time.as_millis()).unwrap_or(u64::MAX));
    let questions = style::counted(spent.questions as u64, "precondition");
    let images = style::counted(spent.escalated as u64, "image");
    let _ = writeln!(text, "\n  reasoned about {questions} of {images} in {time}");
    if spent.left_out > 0 {
        let left = style::counted(spent.left_out as u64, "precondition");
        let _ = writeln!(text, "  {}", style::yellow(&format!("{left} left out by the budget")));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn rate(images: u64, took: Duration) -> String {
    let rate = images as f64 / took.as_secs_f64().max(1e-9);
    format!("{rate:.1} images a second")
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn share(count: u64, of: u64) -> String {
    if of == 0 { String::new() } else { format!("{:.1} %", count as f64 * 100.0 / of as f64) }
}
