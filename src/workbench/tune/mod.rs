//! What a traced run shows of a constitution without a single label: how every rule's and every
//! precondition's scores are spread, which step settles them, what other thresholds would do, and
//! what that suggests.

mod advice;
mod spread;
mod sweep;

use serde::Serialize;

pub use self::advice::{Suggestion, SuggestionKind};
pub use self::spread::{BINS, QUANTILES, Spread, bin};
pub use self::sweep::{ImageTally, Sweep, Tally, Threshold};
use super::anew::{Anew, Redecided};
use super::recorded::{Recorded, RecordedError, RecordedRule};
use crate::constitution::Policy;
use crate::ids::RuleId;
use crate::judge::decision::Band;
use crate::store::Run;
use crate::units::Probability;
use crate::verdict::{Holds, Step, Why};

/// Everything that tuning shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tuning {
    /// Images that were judged.
    pub images: usize,
    /// What all of them come to now.
    pub now: ImageTally,
    /// What a threshold does when it is set for all rules.
    pub thresholds: Vec<Sweep<ImageTally>>,
    /// The rules, in the constitution's order.
    pub rules: Vec<RuleTuning>,
    /// What to try, the weightiest first.
    pub suggestions: Vec<Suggestion>,
    /// What whoever reads on should know of the run.
    pub notes: Vec<String>,
}

/// One rule over all images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleTuning {
    /// Which rule.
    pub rule: RuleId,
    /// Its text.
    pub text: String,
    /// What it comes to now.
    pub now: Tally,
    /// The rule's scores: its weakest precondition's.
    pub scores: Spread,
    /// Its preconditions, in the chain's order.
    pub preconditions: Vec<PreconditionTuning>,
    /// What its thresholds do.
    pub thresholds: Vec<Sweep<Tally>>,
}

/// One precondition over all images it was asked of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PreconditionTuning {
    /// What is asked.
    pub statement: String,
    /// The model's answer without an image.
    pub prior: Option<Probability>,
    /// Below this M it does not hold.
    pub rejects_below: Option<f64>,
    /// Above this M it holds.
    pub accepts_above: Option<f64>,
    /// How M is spread.
    pub m: Spread,
    /// How M freed of the prior is spread.
    pub scores: Spread,
    /// Images whose M lies between the two lines.
    pub in_band: usize,
    /// What settled it.
    pub settled: Steps,
}

/// Which step settled a precondition, in images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Steps {
    /// Strategy 1, or the plain cut: it holds.
    pub first_yes: usize,
    /// Strategy 1, or the plain cut: it does not hold.
    pub first_no: usize,
    /// Strategy 2: it holds.
    pub region_yes: usize,
    /// Reasoning: it holds.
    pub reasoning_yes: usize,
    /// Reasoning: it does not.
    pub reasoning_no: usize,
    /// Leaning: it holds.
    pub lean_yes: usize,
    /// Leaning: it does not.
    pub lean_no: usize,
    /// Undecided, but another precondition had cleared the rule.
    pub not_needed: usize,
    /// Undecided to the end.
    pub open: usize,
    /// The model gave no answer that could be used.
    pub unanswered: usize,
    /// The run does not know enough: the constitution has changed since.
    pub needs_asking: usize,
}

impl Steps {
    /// How often it was asked.
    pub fn all(&self) -> usize {
        self.first_yes
            + self.first_no
            + self.region_yes
            + self.reasoning_yes
            + self.reasoning_no
            + self.lean_yes
            + self.lean_no
            + self.not_needed
            + self.open
            + self.unanswered
            + self.needs_asking
    }

    fn add(&mut self, settled: &super::anew::Settled, clear: bool) {
        let decision = &settled.decision;
        let count = match (decision.holds, decision.by, &decision.why) {
            _ if settled.needs_asking && !clear => &mut self.needs_asking,
            (Holds::Yes, Some(Step::Region), _) => &mut self.region_yes,
            (Holds::Yes, Some(Step::Reasoning), _) => &mut self.reasoning_yes,
            (Holds::No, Some(Step::Reasoning), _) => &mut self.reasoning_no,
            (Holds::Yes, Some(Step::Lean), _) => &mut self.lean_yes,
            (Holds::No, Some(Step::Lean), _) => &mut self.lean_no,
            (Holds::Yes, ..) => &mut self.first_yes,
            (Holds::No, ..) => &mut self.first_no,
            (Holds::Unknown, ..) if clear => &mut self.not_needed,
            (Holds::Unknown, _, Some(Why::Undecided) | None) => &mut self.open,
            (Holds::Unknown, ..) => &mut self.unanswered,
        };
        *count += 1;
    }
}

/// Reads a run and shows what it says of a constitution; `only` keeps a single rule.
///
/// # Errors
/// When the run can't be read, was made without `--trace`, or asked nothing of the constitution.
pub fn tune(run: &Run, policy: &Policy, only: Option<&RuleId>) -> Result<Tuning, RecordedError> {
    let recorded = Recorded::read(run, policy, only)?;
    let mut suggestions = Vec::new();
    let mut rules = Vec::new();
    for rule in &recorded.rules {
        let decided: Vec<Redecided> =
            rule.cases.iter().map(|case| case.decide(&rule.lines)).collect();
        let tuned = tune_rule(rule, &decided);
        suggestions.extend(advice::on(rule, &decided, &tuned, &recorded.images));
        rules.push(tuned);
    }
    suggestions.sort_by_key(|one| std::cmp::Reverse(one.images));
    Ok(Tuning {
        images: recorded.images.len(),
        now: sweep::images(&recorded, |rule| rule.lines),
        thresholds: if only.is_none() { sweep::of_images(&recorded) } else { Vec::new() },
        rules,
        suggestions,
        notes: recorded.notes,
    })
}

fn tune_rule(rule: &RecordedRule, decided: &[Redecided]) -> RuleTuning {
    let mut now = Tally::default();
    for one in decided {
        now.add(one);
    }
    let scores = rule.cases.iter().filter_map(|case| Some(case.score?.value())).collect();
    RuleTuning {
        rule: rule.rule.id.clone(),
        text: rule.rule.text.clone(),
        now,
        scores: Spread::of(scores),
        preconditions: (0..rule.statements.len())
            .map(|place| tune_precondition(rule, decided, place))
            .collect(),
        thresholds: sweep::of_rule(rule),
    }
}

fn tune_precondition(
    rule: &RecordedRule,
    decided: &[Redecided],
    place: usize,
) -> PreconditionTuning {
    let trails = || rule.cases.iter().filter_map(|case| case.trails.get(place));
    let prior = trails().find_map(|trail| trail.prior);
    let band = prior.map(|prior| Band::around(prior, rule.lines.thresholds));
    let m: Vec<f64> = trails().filter_map(|trail| Some(trail.m?.value())).collect();
    let inside =
        |m: &&f64| band.is_some_and(|band| (band.rejects_below..=band.accepts_above).contains(*m));
    let mut settled = Steps::default();
    for one in decided {
        if let Some(precondition) = one.preconditions.get(place) {
            settled.add(precondition, one.outcome == Anew::Clear);
        }
    }
    PreconditionTuning {
        statement: rule.statements[place].clone(),
        prior,
        rejects_below: band.map(|band| band.rejects_below),
        accepts_above: band.map(|band| band.accepts_above),
        in_band: m.iter().filter(inside).count(),
        m: Spread::of(m),
        scores: Spread::of(trails().filter_map(super::anew::Trail::score).collect()),
        settled,
    }
}

#[cfg(test)]
mod tests;
