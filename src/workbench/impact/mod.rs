//! What an edit of a constitution does to images, without labels.
//!
//! The same images are judged by both editions; an [`Impact`] counts what became of each, and a
//! [`Flip`] is an image that came out otherwise, with the rules and preconditions that made it so.

mod cause;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::constitution::Policy;
use crate::eval::paired;
use crate::eval::{Estimate, Interval, wilson};
use crate::ids::RuleId;
use crate::units::Probability;
use crate::verdict::{Conclusion, Outcome, RuleVerdict, Verdict};

pub use self::cause::Cause;

/// What an edit does to a collection of images.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Impact {
    /// Images that both editions have judged.
    pub images: usize,
    /// Images that could not be read; they count nowhere else.
    pub failed: usize,
    /// How many images went from one conclusion to another, or stayed.
    pub turns: Vec<Turn>,
    /// What each rule came to, in the new edition's order, then those that are gone.
    pub rules: Vec<RuleImpact>,
    /// The images that came out otherwise, in their order.
    pub flips: Vec<Flip>,
}

/// How many images had one conclusion before and one after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Turn {
    /// The conclusion by the old edition.
    pub before: Conclusion,
    /// The conclusion by the new one.
    pub after: Conclusion,
    /// Images.
    pub images: usize,
}

/// What became of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleImpact {
    /// Which rule.
    pub rule: RuleId,
    /// Images that violated it before.
    pub before: usize,
    /// Images that violate it now.
    pub after: usize,
    /// Images that violate it now and did not.
    pub gained: usize,
    /// Images that violated it and do not now.
    pub lost: usize,
    /// Images on which it was undetermined before.
    pub open_before: usize,
    /// Images on which it is now.
    pub open_after: usize,
}

impl RuleImpact {
    /// Whether the rule's verdict changed on any image.
    pub fn changed(&self) -> bool {
        self.gained + self.lost > 0 || self.open_before != self.open_after
    }
}

/// An image that comes out otherwise: another conclusion, or other violated rules.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Flip {
    /// The image.
    pub image: String,
    /// Its conclusion by the old edition.
    pub before: Conclusion,
    /// Its conclusion by the new one.
    pub after: Conclusion,
    /// Its score by the old edition.
    pub score_before: Option<Probability>,
    /// Its score by the new one.
    pub score_after: Option<Probability>,
    /// The rules whose outcome changed, with what changed it.
    pub rules: Vec<RuleFlip>,
}

/// A rule whose outcome changed on an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RuleFlip {
    /// Which rule.
    pub rule: RuleId,
    /// Its outcome by the old edition; nothing where the rule is new.
    pub before: Option<Outcome>,
    /// Its outcome by the new one; nothing where the rule is gone.
    pub after: Option<Outcome>,
    /// What made the difference.
    pub causes: Vec<Cause>,
}

/// How many images are so before and after, as shares with 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rate {
    /// Images before.
    pub before: usize,
    /// Images after.
    pub after: usize,
    /// Wilson's interval of the share before.
    pub interval_before: Option<Interval>,
    /// Wilson's interval of the share after.
    pub interval_after: Option<Interval>,
    /// The change of the share, with the interval of a paired difference.
    pub change: Option<Estimate>,
}

/// Whether an image comes out otherwise: by another conclusion, or by other rules.
pub fn is_flip(before: &Verdict, after: &Verdict) -> bool {
    before.verdict != after.verdict || before.violated != after.violated
}

impl Impact {
    /// Nothing has been judged yet by these two.
    pub fn between(before: &Policy, after: &Policy) -> Self {
        let ids = |policy: &Policy| -> Vec<RuleId> {
            policy.rules.iter().map(|rule| rule.id.clone()).collect()
        };
        let mut order = ids(after);
        order.extend(
            ids(before).into_iter().filter(|id| after.rules.iter().all(|rule| rule.id != *id)),
        );
        let rules = order.into_iter().map(|rule| RuleImpact {
            rule,
            before: 0,
            after: 0,
            gained: 0,
            lost: 0,
            open_before: 0,
            open_after: 0,
        });
        Self { rules: rules.collect(), ..Self::default() }
    }

    /// Counts an image by its two verdicts, which must have their findings; whether it flipped.
    pub fn add(&mut self, before: &Verdict, after: &Verdict) -> bool {
        if [before, after].iter().any(|verdict| verdict.verdict == Conclusion::Failed) {
            self.failed += 1;
            return false;
        }
        self.images += 1;
        self.count_turn(before.verdict, after.verdict);
        let (old, new) = (by_rule(before), by_rule(after));
        for count in &mut self.rules {
            let outcome =
                |rules: &BTreeMap<&RuleId, &RuleVerdict>| Some(rules.get(&count.rule)?.outcome);
            let (was, is) = (outcome(&old), outcome(&new));
            let violated = |outcome| outcome == Some(Outcome::Violated);
            let open = |outcome| outcome == Some(Outcome::Undetermined);
            count.before += usize::from(violated(was));
            count.after += usize::from(violated(is));
            count.gained += usize::from(violated(is) && !violated(was));
            count.lost += usize::from(violated(was) && !violated(is));
            count.open_before += usize::from(open(was));
            count.open_after += usize::from(open(is));
        }
        let flipped = is_flip(before, after);
        if flipped {
            let order = self.rules.iter().map(|count| &count.rule);
            let rules = order.filter_map(|rule| flip_of(rule, old.get(rule), new.get(rule)));
            self.flips.push(Flip {
                image: after.image.clone(),
                before: before.verdict,
                after: after.verdict,
                score_before: before.score,
                score_after: after.score,
                rules: rules.collect(),
            });
        }
        flipped
    }

    fn count_turn(&mut self, before: Conclusion, after: Conclusion) {
        let known = self.turns.iter_mut().find(|turn| (turn.before, turn.after) == (before, after));
        match known {
            Some(turn) => turn.images += 1,
            None => self.turns.push(Turn { before, after, images: 1 }),
        }
    }

    /// How many images have a conclusion before and after.
    pub fn rate(&self, conclusion: Conclusion) -> Rate {
        let of = |wanted: fn(&Turn, Conclusion) -> bool| -> usize {
            let turns = self.turns.iter().filter(|turn| wanted(turn, conclusion));
            turns.map(|turn| turn.images).sum()
        };
        let before = of(|turn, conclusion| turn.before == conclusion);
        let after = of(|turn, conclusion| turn.after == conclusion);
        let both = of(|turn, conclusion| turn.before == conclusion && turn.after == conclusion);
        Rate {
            before,
            after,
            interval_before: self.share(before),
            interval_after: self.share(after),
            change: paired::change(self.images, after - both, before - both),
        }
    }

    /// Images whose conclusion changed, and its share's interval.
    pub fn flipped(&self) -> (usize, Option<Interval>) {
        let turned = self.turns.iter().filter(|turn| turn.before != turn.after);
        let images = turned.map(|turn| turn.images).sum();
        (images, self.share(images))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
    fn share(&self, images: usize) -> Option<Interval> {
        wilson(images as f64, self.images as f64)
    }
}

fn by_rule(verdict: &Verdict) -> BTreeMap<&RuleId, &RuleVerdict> {
    verdict.rules.iter().map(|rule| (&rule.rule, rule)).collect()
}

/// What changed on one rule, if its outcome did. A rule that was irrelevant and is clear is the
/// same to whoever looks at the image.
fn flip_of(
    rule: &RuleId,
    before: Option<&&RuleVerdict>,
    after: Option<&&RuleVerdict>,
) -> Option<RuleFlip> {
    let outcome = |verdict: Option<&&RuleVerdict>| verdict.map(|verdict| verdict.outcome);
    let (was, is) = (outcome(before), outcome(after));
    let weight = |outcome: Option<Outcome>| outcome.map_or(Conclusion::Safe, Conclusion::from);
    (weight(was) != weight(is)).then(|| RuleFlip {
        rule: rule.clone(),
        before: was,
        after: is,
        causes: cause::causes(before.copied(), after.copied()),
    })
}

#[cfg(test)]
mod tests;
