//! Rule by rule: who flags what.

use serde::Serialize;

use super::pair::{SEED, category};
use super::panel::{Panel, Row};
use super::truth::Truths;
use crate::eval::Estimate;
use crate::eval::agreement::Ratings;
use crate::ids::RuleId;
use crate::verdict::Outcome;

/// What the judges that go by rules said of one rule, on the images that all have judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RuleComparison {
    /// Which rule.
    pub rule: RuleId,
    /// One entry a judge; nothing for a judge that does not go by rules, or has no such rule.
    pub judges: Vec<Option<RuleCount>>,
    /// Images that every judge who has the rule calls a violation of it.
    pub all: usize,
    /// Images that some of them do and some don't.
    pub some: usize,
    /// Each two of them.
    pub pairs: Vec<RulePair>,
    /// Images that violate it by their label, where labels name rules.
    pub labelled: Option<usize>,
}

/// One judge on one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleCount {
    /// Images that violate it.
    pub violated: usize,
    /// Images on which it could not be settled.
    pub undetermined: usize,
    /// Violations that the label names too, where labels name rules.
    pub right: Option<usize>,
}

/// Two judges on one rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RulePair {
    /// The first of the two, as a place among the judges.
    pub first: usize,
    /// The second.
    pub second: usize,
    /// Images on which both say the same: violated, not violated, or undetermined.
    pub agreed: usize,
    /// Images that both call a violation.
    pub both: usize,
    /// Images that only the first does.
    pub first_only: usize,
    /// Images that only the second does.
    pub second_only: usize,
    /// Cohen's kappa; nothing where chance would agree on everything, and where fewer than [`FEW`] images
    /// violate the rule to either of them: a rare rule's kappa is that of a handful of images.
    pub kappa: Option<Estimate>,
}

/// Images that a rule must be violated in, to one judge at least, for its kappa to be given.
pub const FEW: usize = 5;

impl RulePair {
    /// Images that at least one of them calls a violation.
    pub fn flagged(&self) -> usize {
        self.both + self.first_only + self.second_only
    }
}

/// Every rule of the panel that at least one judge goes by.
pub(super) fn compare(
    panel: &Panel,
    common: &[&Row],
    truths: Option<&Truths>,
) -> Vec<RuleComparison> {
    let rules = panel.rules.iter().enumerate();
    rules.map(|(place, rule)| compare_one(place, rule, (panel, common), truths)).collect()
}

fn compare_one(
    place: usize,
    rule: &RuleId,
    (panel, common): (&Panel, &[&Row]),
    truths: Option<&Truths>,
) -> RuleComparison {
    // One entry an image: what each judge said of the rule.
    let said: Vec<Vec<Option<Outcome>>> = common
        .iter()
        .map(|row| row.opinions.iter().map(|one| one.as_ref()?.of_rule(place)).collect())
        .collect();
    let has_it: Vec<usize> = (0..panel.seats.len())
        .filter(|judge| said.iter().any(|marks| marks[*judge].is_some()))
        .collect();
    let labels: Vec<Option<bool>> = common
        .iter()
        .map(|row| {
            let truth = truths?.of(&row.image, row.hash)?;
            Some(truth.violated.as_ref()?.contains(rule))
        })
        .collect();
    let judges = (0..panel.seats.len())
        .map(|judge| has_it.contains(&judge).then(|| count(judge, &said, &labels)));
    let flags = said.iter().map(|marks| {
        let flagging = has_it.iter().filter(|judge| is_violated(marks[**judge]));
        flagging.count()
    });
    let flags: Vec<usize> = flags.collect();
    let labelled = labels.iter().any(Option::is_some);
    RuleComparison {
        rule: rule.clone(),
        judges: judges.collect(),
        all: flags.iter().filter(|flags| **flags > 0 && **flags == has_it.len()).count(),
        some: flags.iter().filter(|flags| (1..has_it.len()).contains(*flags)).count(),
        pairs: pairs(&has_it).map(|pair| compare_pair(pair, &said)).collect(),
        labelled: labelled.then(|| labels.iter().filter(|label| **label == Some(true)).count()),
    }
}

fn pairs(judges: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let each = judges.iter().enumerate();
    each.flat_map(|(at, first)| judges[at + 1..].iter().map(|second| (*first, *second)))
}

fn count(judge: usize, said: &[Vec<Option<Outcome>>], labels: &[Option<bool>]) -> RuleCount {
    let of = |outcome| {
        let those = said.iter().filter_map(|marks| marks[judge]);
        those.filter(|said| *said == outcome).count()
    };
    let right = said
        .iter()
        .zip(labels)
        .filter(|(marks, label)| is_violated(marks[judge]) && **label == Some(true));
    RuleCount {
        violated: of(Outcome::Violated),
        undetermined: of(Outcome::Undetermined),
        right: labels.iter().any(Option::is_some).then(|| right.count()),
    }
}

fn compare_pair((first, second): (usize, usize), said: &[Vec<Option<Outcome>>]) -> RulePair {
    let mut ratings = Ratings::new(2, 3);
    for marks in said {
        if let (Some(one), Some(other)) = (marks[first], marks[second]) {
            // To whoever looks at the image, a rule that is irrelevant is clear.
            ratings.add(&[one, other].map(|outcome| category(outcome.into())));
        }
    }
    let mut pair = RulePair {
        first,
        second,
        agreed: ratings.agreed(),
        both: ratings.of(0, 0),
        first_only: ratings.of(0, 1) + ratings.of(0, 2),
        second_only: ratings.of(1, 0) + ratings.of(2, 0),
        kappa: None,
    };
    if pair.flagged() >= FEW {
        pair.kappa = ratings.estimate(Ratings::cohen, SEED);
    }
    pair
}

fn is_violated(outcome: Option<Outcome>) -> bool {
    outcome == Some(Outcome::Violated)
}
