//! What the numbers of a run suggest, in words for whoever writes the policy.
//!
//! Suggestions are made without labels: they say where a rule can't decide, where a threshold would
//! settle it, and where a precondition does nothing. Whether the images that would change are
//! unsafe nobody but a person can say, so that each names what would change, and an image to look at.

mod chain;
mod open;

use serde::Serialize;

use super::{RuleTuning, Tally, Threshold};
use crate::eval::share_of;
use crate::ids::RuleId;
use crate::units::percent;
use crate::workbench::anew::{Anew, Case, Redecided};
use crate::workbench::recorded::{Image, RecordedRule, images};

/// Images below which a share says nothing.
const FEW: usize = 20;

/// Something to try, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// For which rule.
    pub rule: RuleId,
    /// What it is about.
    pub kind: SuggestionKind,
    /// The precondition it is about, where it is about one.
    pub precondition: Option<String>,
    /// What the numbers show.
    pub reason: String,
    /// The key in YAML, and in which of the two files.
    pub key: String,
    /// The value to try, where it is a number.
    pub value: Option<f64>,
    /// What to do, and what would come of it.
    pub advice: String,
    /// An image to look at first.
    pub example: Option<String>,
    /// How many images it concerns.
    pub images: usize,
}

/// What a suggestion is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SuggestionKind {
    /// Too many images stay undetermined.
    Undetermined,
    /// Reasoning is asked much and nearly always says the same.
    ReasoningForNothing,
    /// No image comes near a violation.
    NothingNear,
    /// Nearly every image is flagged.
    NearlyAll,
    /// A precondition that decides nothing.
    DecidesNothing,
    /// A precondition that the model answers the same whatever it sees.
    StrongPrior,
    /// The relevance scan never lets the rule through.
    NeverRelevant,
    /// The relevance scan could leave out more.
    RelevanceToSpare,
}

/// One rule and what is known of it.
struct Facts<'run> {
    rule: &'run RecordedRule,
    decided: &'run [Redecided],
    tuned: &'run RuleTuning,
    images: &'run [Image],
}

/// All suggestions on one rule.
pub(super) fn on(
    rule: &RecordedRule,
    decided: &[Redecided],
    tuned: &RuleTuning,
    images: &[Image],
) -> Vec<Suggestion> {
    let facts = Facts { rule, decided, tuned, images };
    let mut found: Vec<Suggestion> = [
        facts.never_relevant(),
        facts.undetermined(),
        facts.nothing_near(),
        facts.nearly_all(),
        facts.relevance_to_spare(),
    ]
    .into_iter()
    .flatten()
    .collect();
    for (place, precondition) in tuned.preconditions.iter().enumerate() {
        found.extend(facts.decides_nothing(place, precondition));
        found.extend(facts.strong_prior(precondition));
        found.extend(facts.reasoning_for_nothing(precondition));
    }
    found
}

impl Facts<'_> {
    fn suggestion(&self, kind: SuggestionKind, images: usize) -> Suggestion {
        Suggestion {
            rule: self.rule.rule.id.clone(),
            kind,
            precondition: None,
            reason: String::new(),
            key: String::new(),
            value: None,
            advice: String::new(),
            example: None,
            images,
        }
    }

    fn asked(&self) -> usize {
        self.tuned.now.asked()
    }

    /// The first image whose rule came out in some way.
    fn first(&self, want: impl Fn(&Case, &Redecided) -> bool) -> Option<String> {
        let cases = self.rule.cases.iter().zip(self.decided).zip(self.images);
        let mut found = cases.filter(|((case, decided), _)| want(case, decided));
        found.next().map(|(_, image)| image.name.clone())
    }

    fn tally(&self, threshold: Threshold, value: f64) -> Tally {
        Tally::of(self.rule, &threshold.at(value, self.rule.lines))
    }

    fn never_relevant(&self) -> Option<Suggestion> {
        let nearest = self.rule.cases.iter().filter_map(|case| Some(case.relevance?.cosine));
        let nearest = nearest.max_by(f64::total_cmp)?;
        let now = Threshold::Relevance.now(self.rule)?;
        let none = self.asked() == 0 && self.tuned.now.irrelevant >= FEW;
        none.then(|| {
            let value = two_digits(nearest - 0.01);
            Suggestion {
                reason: format!(
                    "the rule was asked about none of {}: the nearest has a relevance of \
                     {nearest:.2}, and the threshold is {now:.2}",
                    images(self.tuned.now.irrelevant)
                ),
                key: in_constitution(Threshold::Relevance),
                value: Some(value),
                advice: format!(
                    "set `relevance: {value}` and judge again; if nothing violates the rule in \
                     these images all is well"
                ),
                ..self.suggestion(SuggestionKind::NeverRelevant, self.tuned.now.irrelevant)
            }
        })
    }

    fn nothing_near(&self) -> Option<Suggestion> {
        let greatest = *self.tuned.scores.quantiles.last()?;
        let now = self.tuned.now;
        let nothing = now.violated + now.undetermined + now.needs_asking == 0;
        if !nothing || self.asked() < FEW || greatest >= 0.5 {
            return None;
        }
        // The precondition that clears most images by itself.
        let culprit = self.tuned.preconditions.iter().max_by_key(|one| one.settled.first_no)?;
        let nearest =
            self.first(|case, _| case.score.is_some_and(|score| score.value() >= greatest));
        Some(Suggestion {
            precondition: Some(culprit.statement.clone()),
            reason: format!(
                "none of {} comes near: the highest score is {greatest:.2}, and 0.5 means that an \
                 image changes nothing. Either nothing here violates the rule, or the model can't \
                 see it: `{}` was found not to hold in {} of them",
                images(self.asked()),
                culprit.statement,
                culprit.settled.first_no
            ),
            key: IN_LOCK.to_owned(),
            advice: "try an image that you know to violate it with `praetor explain IMAGE`; if it \
                     is not found either, say the precondition in plainer words, or name what can \
                     be seen instead of what it means"
                .to_owned(),
            example: nearest,
            ..self.suggestion(SuggestionKind::NothingNear, self.asked())
        })
    }

    fn nearly_all(&self) -> Option<Suggestion> {
        let (flagged, asked) = (self.tuned.now.violated, self.asked());
        (asked >= FEW && share_of(flagged, asked) >= 0.9).then(|| Suggestion {
            reason: format!(
                "{} of the {} that it was asked about are flagged: the rule tells hardly any two \
                 apart",
                percent(share_of(flagged, asked), 0),
                images(asked)
            ),
            key: IN_LOCK.to_owned(),
            advice: "look at a few of them; if they are allowed, a precondition is missing that \
                     tells the forbidden from the allowed"
                .to_owned(),
            example: self.first(|_, decided| decided.outcome == Anew::Violated),
            ..self.suggestion(SuggestionKind::NearlyAll, flagged)
        })
    }

    fn relevance_to_spare(&self) -> Option<Suggestion> {
        let now = Threshold::Relevance.now(self.rule)?;
        let flagged = self.rule.cases.iter().zip(self.decided).filter(|(_, decided)| {
            matches!(decided.outcome, Anew::Violated | Anew::Undetermined | Anew::NeedsAsking)
        });
        let cosines: Vec<f64> =
            flagged.filter_map(|(case, _)| Some(case.relevance?.cosine)).collect();
        let least = cosines.iter().copied().min_by(f64::total_cmp)?;
        let value = two_digits(least - 0.03);
        let spared = self.asked().saturating_sub(self.tally(Threshold::Relevance, value).asked());
        let worth = cosines.len() >= FEW && value > now && spared * 5 >= self.asked();
        worth.then(|| Suggestion {
            reason: format!(
                "all {} that it flags or leaves open have a relevance of at least {least:.2}, and \
                 the threshold is {now:.2}",
                images(cosines.len())
            ),
            key: in_constitution(Threshold::Relevance),
            value: Some(value),
            advice: format!(
                "set `relevance: {value}` to ask about {spared} of {} fewer, at the same flags here",
                images(self.asked())
            ),
            ..self.suggestion(SuggestionKind::RelevanceToSpare, 0)
        })
    }
}

const IN_LOCK: &str = "the rule's `preconditions:` in the lock";

fn in_constitution(threshold: Threshold) -> String {
    format!("the rule's `settings: thresholds: {}:` in the constitution", threshold.key())
}

fn two_digits(value: f64) -> f64 {
    // Adding zero turns a minus zero into a plain one.
    (value * 100.0).round() / 100.0 + 0.0
}
