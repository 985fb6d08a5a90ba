//! Preconditions that do little: they hold wherever the others do, the model answers them the same
//! whatever it sees, or reasoning about them always ends the same way.

use super::super::{PreconditionTuning, Threshold};
use super::{FEW, Facts, IN_LOCK, Suggestion, SuggestionKind, in_constitution, two_digits};
use crate::eval::share_of;
use crate::units::percent;
use crate::verdict::Holds;
use crate::workbench::recorded::images;

impl Facts<'_> {
    pub(super) fn decides_nothing(
        &self,
        place: usize,
        tuned: &PreconditionTuning,
    ) -> Option<Suggestion> {
        if self.tuned.preconditions.len() < 2 {
            return None;
        }
        // Where all the others hold, this one alone can decide.
        let alone = self.decided.iter().filter_map(|decided| {
            let mut others =
                decided.preconditions.iter().enumerate().filter(|(at, _)| *at != place);
            let hold = others.all(|(_, one)| one.decision.holds == Holds::Yes && !one.needs_asking);
            decided.preconditions.get(place).filter(|_| hold)
        });
        let alone: Vec<_> = alone.collect();
        let holds = alone.iter().all(|one| one.decision.holds == Holds::Yes);
        (alone.len() >= 5 && holds).then(|| Suggestion {
            precondition: Some(tuned.statement.clone()),
            reason: format!(
                "`{}` decides nothing: it holds in all {} where the other preconditions hold",
                tuned.statement,
                images(alone.len())
            ),
            key: IN_LOCK.to_owned(),
            advice:
                "keep it if it is there for images that this run did not have; else take it out \
                     of the chain, which saves a question an image"
                    .to_owned(),
            ..self.suggestion(SuggestionKind::DecidesNothing, 0)
        })
    }

    pub(super) fn strong_prior(&self, tuned: &PreconditionTuning) -> Option<Suggestion> {
        let prior = tuned.prior?.value();
        let open = share_of(tuned.in_band, tuned.m.count);
        if (0.05..=0.95).contains(&prior) || open < 0.3 || tuned.m.count < FEW {
            return None;
        }
        let (word, line) = if prior > 0.5 {
            ("Yes", format!("above {:.3}", tuned.accepts_above?))
        } else {
            ("No", format!("below {:.3}", tuned.rejects_below?))
        };
        Some(Suggestion {
            precondition: Some(tuned.statement.clone()),
            reason: format!(
                "the model says {word} to `{}` even without an image (prior {prior:.2}), so that \
                 only an M {line} would count as such; {} of {} are left between the lines",
                tuned.statement,
                percent(open, 0),
                images(tuned.m.count)
            ),
            key: IN_LOCK.to_owned(),
            advice:
                "say it in other words: name the thing that must be seen, in one short sentence"
                    .to_owned(),
            ..self.suggestion(SuggestionKind::StrongPrior, tuned.in_band)
        })
    }

    pub(super) fn reasoning_for_nothing(&self, tuned: &PreconditionTuning) -> Option<Suggestion> {
        let (yes, no) = (tuned.settled.reasoning_yes, tuned.settled.reasoning_no);
        let all = yes + no;
        if all < FEW || share_of(all, self.asked()) < 0.1 || share_of(yes.max(no), all) < 0.9 {
            return None;
        }
        let (word, threshold) = if no > yes {
            ("No", Threshold::RejectBelowPrior)
        } else {
            ("Yes", Threshold::AcceptAbovePrior)
        };
        let value = two_digits(threshold.now(self.rule)? / 2.0);
        let then = self.tally(threshold, value);
        let now = self.tuned.now;
        Some(Suggestion {
            precondition: Some(tuned.statement.clone()),
            reason: format!(
                "`{}` goes to reasoning in {} of {}, which says {word} to {} of {all}",
                tuned.statement,
                all,
                images(self.asked()),
                yes.max(no)
            ),
            key: in_constitution(threshold),
            value: Some(value),
            advice: format!(
                "set `{}: {value}` to reason about {} preconditions instead of {}; {} would be \
                 flagged instead of {}",
                threshold.key(),
                then.escalations,
                now.escalations,
                then.violated,
                now.violated
            ),
            ..self.suggestion(SuggestionKind::ReasoningForNothing, all)
        })
    }
}
