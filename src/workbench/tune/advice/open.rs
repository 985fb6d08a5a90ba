//! Rules that leave many images undetermined: which precondition is to blame, and what would
//! settle it.

use super::super::{PreconditionTuning, Tally, Threshold};
use super::{Facts, IN_LOCK, Suggestion, SuggestionKind, in_constitution, percent, two_digits};
use crate::eval::share_of;
use crate::verdict::Holds;
use crate::workbench::anew::Anew;
use crate::workbench::recorded::images;

/// A share of undetermined images that is worth a word.
const MANY_OPEN: f64 = 0.05;

impl Facts<'_> {
    pub(super) fn undetermined(&self) -> Option<Suggestion> {
        let open = self.tuned.now.undetermined;
        let share = share_of(open, self.asked());
        if share < MANY_OPEN || open < 3 {
            return None;
        }
        let culprit = self
            .tuned
            .preconditions
            .iter()
            .max_by_key(|one| one.settled.open + one.settled.unanswered)?;
        let place = self.tuned.preconditions.iter().position(|one| one == culprit)?;
        let (above, below) = self.sides_of_the_open(place);
        if above + below == 0 {
            return Some(self.unanswered(culprit, share));
        }
        let (threshold, side) = if above >= below {
            (Threshold::AcceptAbovePrior, "above what the model says without an image")
        } else {
            (Threshold::RejectBelowPrior, "below what the model says without an image")
        };
        let (value, then) = self.settling(threshold)?;
        Some(Suggestion {
            precondition: Some(culprit.statement.clone()),
            reason: format!(
                "{} of the {} that it was asked about stay undetermined, most of all because of \
                 `{}`: in {} of {} the model leans {side}, but not far enough to count",
                percent(share),
                images(self.asked()),
                culprit.statement,
                above.max(below),
                above + below,
            ),
            key: in_constitution(threshold),
            value: Some(value),
            advice: format!(
                "set `{}: {value}`: {} would stay undetermined instead of {open}, and {} be \
                 flagged instead of {}",
                threshold.key(),
                then.undetermined,
                then.violated,
                self.tuned.now.violated
            ),
            example: self.first(|_, decided| decided.outcome == Anew::Undetermined),
            ..self.suggestion(SuggestionKind::Undetermined, open)
        })
    }

    /// Of the images that a precondition leaves open, those with M above and below the prior.
    fn sides_of_the_open(&self, place: usize) -> (usize, usize) {
        let mut sides = (0, 0);
        for (case, decided) in self.rule.cases.iter().zip(self.decided) {
            let settled = decided.preconditions.get(place);
            let open = settled.is_some_and(|one| one.decision.holds == Holds::Unknown);
            let trail =
                case.trails.get(place).filter(|_| open && decided.outcome == Anew::Undetermined);
            match trail.and_then(|trail| Some(trail.m? >= trail.prior?)) {
                Some(true) => sides.0 += 1,
                Some(false) => sides.1 += 1,
                None => {}
            }
        }
        sides
    }

    /// The value nearest to the present one that settles half of what is undetermined, else the one
    /// that settles most.
    fn settling(&self, threshold: Threshold) -> Option<(f64, Tally)> {
        let now = threshold.now(self.rule)?;
        let open = self.tuned.now.undetermined;
        let steps = (1..=9).map(|step| two_digits(now - 0.1 * f64::from(step)));
        let tried: Vec<(f64, Tally)> = steps
            .take_while(|value| *value >= 0.0)
            .map(|value| (value, self.tally(threshold, value)))
            .filter(|(_, then)| then.undetermined < open)
            .collect();
        let half = tried.iter().find(|(_, then)| then.undetermined * 2 <= open);
        half.or_else(|| tried.iter().min_by_key(|(_, then)| then.undetermined)).copied()
    }

    fn unanswered(&self, culprit: &PreconditionTuning, share: f64) -> Suggestion {
        Suggestion {
            precondition: Some(culprit.statement.clone()),
            reason: format!(
                "{} of the {} that it was asked about stay undetermined, because the model gives \
                 no usable answer to `{}`",
                percent(share),
                images(self.asked()),
                culprit.statement
            ),
            key: IN_LOCK.to_owned(),
            advice: "say it in shorter and plainer words, or try another model".to_owned(),
            example: self.first(|_, decided| decided.outcome == Anew::Undetermined),
            ..self.suggestion(SuggestionKind::Undetermined, self.tuned.now.undetermined)
        }
    }
}
