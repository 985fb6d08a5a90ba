//! Rules that leave many images undetermined: which precondition is to blame, and what would
//! settle it.

use super::super::{PreconditionTuning, Tally, Threshold};
use super::{Facts, IN_LOCK, Suggestion, SuggestionKind, in_constitution, two_digits};
use crate::eval::share_of;
use crate::units::percent;
use crate::verdict::Holds;
use crate::workbench::anew::Anew;
use crate::workbench::recorded::images;

/// A share of undetermined images that is worth a word.
const MANY_OPEN: f64 = 0.05;

const UNDECIDED: &str = "the rule's `settings: undecided:` in the constitution";

fn line(at: Option<f64>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| format!("{at:.2}"))
}

/// Which threshold of a precondition M does not reach, and how that is said.
fn wanting(tuned: &PreconditionTuning, above: bool) -> (Threshold, String) {
    let (threshold, side, at) = if above {
        (Threshold::AcceptAbovePrior, "above", line(tuned.accepts_above))
    } else {
        (Threshold::RejectBelowPrior, "below", line(tuned.rejects_below))
    };
    let lies = format!("{side} what it is without an image, but not {side} the line ({at})");
    (threshold, lies)
}

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
        let (own, lies) = wanting(culprit, above >= below);
        let suggestion = Suggestion {
            precondition: Some(culprit.statement.clone()),
            reason: format!(
                "{} of the {} that it was asked about stay undetermined, most of all because of \
                 `{}`: in {} of {} M lies {lies}",
                percent(share, 0),
                images(self.asked()),
                culprit.statement,
                above.max(below),
                above + below,
            ),
            key: UNDECIDED.to_owned(),
            advice: "no threshold near the present one settles many of them: leave reasoning on, \
                     let a person look at them, or set `undecided: lean` to take the nearer side"
                .to_owned(),
            example: self.first(|_, decided| decided.outcome == Anew::Undetermined),
            ..self.suggestion(SuggestionKind::Undetermined, open)
        };
        let Some((threshold, value, then)) = self.settling() else { return Some(suggestion) };
        let by = if threshold == own { "" } else { "; it clears them by other preconditions" };
        Some(Suggestion {
            key: in_constitution(threshold),
            value: Some(value),
            advice: format!(
                "set `{}: {value}`: {} would stay undetermined instead of {open}, and {} be \
                 flagged instead of {}{by}",
                threshold.key(),
                then.undetermined,
                then.violated,
                self.tuned.now.violated,
            ),
            ..suggestion
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
    /// that settles most, if that is a quarter at least. Values far from the paper's are not tried:
    /// what they settle they settle by chance.
    fn settling(&self) -> Option<(Threshold, f64, Tally)> {
        let open = self.tuned.now.undetermined;
        let mut tried: Vec<(Threshold, f64, Tally)> = Vec::new();
        for step in 1..=4 {
            for (threshold, least) in
                [(Threshold::AcceptAbovePrior, 0.4), (Threshold::RejectBelowPrior, 0.1)]
            {
                let value = two_digits(threshold.now(self.rule)? - 0.1 * f64::from(step));
                if value >= least {
                    tried.push((threshold, value, self.tally(threshold, value)));
                }
            }
        }
        let half = tried.iter().find(|(.., then)| then.undetermined * 2 <= open);
        let most = || tried.iter().min_by_key(|(.., then)| then.undetermined);
        let best = half.or_else(most).copied()?;
        (best.2.undetermined * 4 <= open * 3).then_some(best)
    }

    fn unanswered(&self, culprit: &PreconditionTuning, share: f64) -> Suggestion {
        Suggestion {
            precondition: Some(culprit.statement.clone()),
            reason: format!(
                "{} of the {} that it was asked about stay undetermined, because the model gives \
                 no usable answer to `{}`",
                percent(share, 0),
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
