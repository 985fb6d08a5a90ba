//! What a threshold does: the same answers decided by values around the one that counts.

use serde::Serialize;

use super::super::anew::{Anew, Lines, Redecided};
use super::super::recorded::{Recorded, RecordedRule};

/// A threshold of the constitution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Below the prior by this share a precondition does not hold.
    RejectBelowPrior,
    /// Above the prior by this share of the rest it holds.
    AcceptAbovePrior,
    /// It holds when M falls by this without its objects.
    RegionDrop,
    /// A rule is judged above this cosine.
    Relevance,
}

impl Threshold {
    /// All that can be tried on a run.
    pub const ALL: [Self; 4] =
        [Self::RejectBelowPrior, Self::AcceptAbovePrior, Self::RegionDrop, Self::Relevance];

    /// Its key in YAML.
    pub fn key(self) -> &'static str {
        match self {
            Self::RejectBelowPrior => "reject_below_prior",
            Self::AcceptAbovePrior => "accept_above_prior",
            Self::RegionDrop => "region_drop",
            Self::Relevance => "relevance",
        }
    }

    /// What a rule has it set to now; of relevance, what was recorded.
    pub fn now(self, rule: &RecordedRule) -> Option<f64> {
        let thresholds = rule.lines.thresholds;
        match self {
            Self::RejectBelowPrior => Some(thresholds.reject_below_prior),
            Self::AcceptAbovePrior => Some(thresholds.accept_above_prior),
            Self::RegionDrop => Some(thresholds.region_drop),
            Self::Relevance => rule
                .lines
                .relevance
                .or_else(|| rule.cases.iter().find_map(|case| Some(case.relevance?.threshold))),
        }
    }

    /// The lines with this threshold at another value.
    pub fn at(self, value: f64, mut lines: Lines) -> Lines {
        match self {
            Self::RejectBelowPrior => lines.thresholds.reject_below_prior = value,
            Self::AcceptAbovePrior => lines.thresholds.accept_above_prior = value,
            Self::RegionDrop => lines.thresholds.region_drop = value,
            Self::Relevance => lines.relevance = Some(value),
        }
        lines
    }

    /// Values on both sides of one, which is among them.
    fn around(self, now: f64) -> Vec<f64> {
        let (step, lowest) = match self {
            Self::Relevance => (0.02, -1.0),
            _ => (0.1, 0.0),
        };
        let mut values: Vec<f64> = (-2..=2)
            .map(|steps| now + f64::from(steps) * step)
            // Written as people write it: 0.7, not 0.7000000000000001, and 0, not -0.
            .map(|value| (value * 1e6).round() / 1e6 + 0.0)
            .filter(|value| (lowest..=1.0).contains(value))
            .collect();
        values.dedup();
        values
    }
}

/// What a rule comes to over all images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Images that violate it.
    pub violated: usize,
    /// Images that do not.
    pub clear: usize,
    /// Images that it has nothing to do with.
    pub irrelevant: usize,
    /// Images of which neither could be said.
    pub undetermined: usize,
    /// Images of which the run does not know enough.
    pub needs_asking: usize,
    /// Preconditions that go to reasoning; at most, where a region would have to be asked about.
    pub escalations: usize,
}

impl Tally {
    pub(super) fn add(&mut self, decided: &Redecided) {
        let count = match decided.outcome {
            Anew::Violated => &mut self.violated,
            Anew::Clear => &mut self.clear,
            Anew::Irrelevant => &mut self.irrelevant,
            Anew::Undetermined => &mut self.undetermined,
            Anew::NeedsAsking => &mut self.needs_asking,
        };
        *count += 1;
        self.escalations += decided.preconditions.iter().filter(|one| one.escalated).count();
    }

    /// Counts a rule's cases by some lines.
    pub fn of(rule: &RecordedRule, lines: &Lines) -> Self {
        let mut tally = Self::default();
        for case in &rule.cases {
            tally.add(&case.decide(lines));
        }
        tally
    }

    /// Images of which the rule's preconditions were asked.
    pub fn asked(&self) -> usize {
        self.violated + self.clear + self.undetermined + self.needs_asking
    }
}

/// What all images come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageTally {
    /// Images that violate at least one rule.
    #[serde(rename = "unsafe")]
    pub flagged: usize,
    /// Images that violate none as far as is known.
    pub undetermined: usize,
    /// Images that violate none.
    pub safe: usize,
    /// Images of which the run does not know enough.
    pub needs_asking: usize,
    /// Preconditions that go to reasoning.
    pub escalations: usize,
}

/// A threshold and what its values would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep<Counts> {
    /// Which threshold.
    pub threshold: Threshold,
    /// What it is now; nothing where the rules differ.
    pub now: Option<f64>,
    /// Its values from low to high, and what each would do.
    pub rows: Vec<(f64, Counts)>,
}

/// Tries values of every threshold on one rule.
pub(super) fn of_rule(rule: &RecordedRule) -> Vec<Sweep<Tally>> {
    let of = |threshold: Threshold| {
        let now = threshold.now(rule)?;
        let row = |value| (value, Tally::of(rule, &threshold.at(value, rule.lines)));
        let rows = threshold.around(now).into_iter().map(row).collect();
        Some(Sweep { threshold, now: Some(now), rows })
    };
    Threshold::ALL.into_iter().filter_map(of).collect()
}

/// What all images come to by lines for each rule.
pub(super) fn images(recorded: &Recorded, lines: impl Fn(&RecordedRule) -> Lines) -> ImageTally {
    let mut tally = ImageTally::default();
    let by: Vec<Lines> = recorded.rules.iter().map(lines).collect();
    for (index, image) in recorded.images.iter().enumerate() {
        let decide = |(rule, lines): (&RecordedRule, &Lines)| rule.cases[index].decide(lines);
        let decided: Vec<Redecided> = recorded.rules.iter().zip(&by).map(decide).collect();
        let any = |outcome| decided.iter().any(|rule| rule.outcome == outcome);
        let count = if any(Anew::Violated) {
            &mut tally.flagged
        } else if any(Anew::NeedsAsking) {
            &mut tally.needs_asking
        } else if any(Anew::Undetermined) || image.cut {
            &mut tally.undetermined
        } else {
            &mut tally.safe
        };
        *count += 1;
        let preconditions = decided.iter().flat_map(|rule| &rule.preconditions);
        tally.escalations += preconditions.filter(|one| one.escalated).count();
    }
    tally
}

/// Tries values of every threshold on all rules together, around the value that most rules have.
pub(super) fn of_images(recorded: &Recorded) -> Vec<Sweep<ImageTally>> {
    let of = |threshold: Threshold| {
        let now: Vec<f64> = recorded.rules.iter().filter_map(|rule| threshold.now(rule)).collect();
        let most = most_frequent(&now)?;
        let row = |value| (value, images(recorded, |rule| threshold.at(value, rule.lines)));
        let rows = threshold.around(most).into_iter().map(row).collect();
        let agree = now.iter().all(|value| value.total_cmp(&most).is_eq());
        Some(Sweep { threshold, now: agree.then_some(most), rows })
    };
    Threshold::ALL.into_iter().filter_map(of).collect()
}

fn most_frequent(values: &[f64]) -> Option<f64> {
    let count = |one: f64| values.iter().filter(|value| value.total_cmp(&one).is_eq()).count();
    values.iter().copied().max_by_key(|value| count(*value))
}
