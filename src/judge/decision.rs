//! Algorithm 1's decisions on one precondition.
//!
//! Source: "MLLM-as-a-Judge for Image Safety without Human Labeling" (CLUE, arXiv 2501.00192),
//! section "Debiased Token Probability" and Algorithm 1, lines 12-23; the constants are in
//! [`paper`](crate::paper). Everything here is arithmetic on a few numbers: no model, no image, no
//! file. `docs/judging.md` works the rules through by hand, and its tables are the test's cases.

use crate::constitution::Thresholds;
use crate::units::Probability;
use crate::verdict::{Holds, Step, Why};

/// The cut of a judge that knows no prior: the paper's baseline, and ours with `--without prior`.
pub const PLAIN_CUT: f64 = 0.5;

/// Below this share of the first token, Yes and No together are not an answer: the model was about
/// to say something else, a refusal perhaps, and the ratio of two accidents means nothing.
///
/// praetor's own; the paper takes the ratio whatever the model says. It holds for questions with
/// an image only: without one many models begin with "I", and the prior is a ratio all the same.
pub const LEAST_MASS: f64 = 0.1;

/// What a model has said that gave Yes and No too little of its first token; nothing when it
/// answered.
pub fn not_an_answer(mass: Probability) -> Option<Why> {
    let detail = || format!("Yes and No are {:.2} % of the first token", mass.value() * 100.0);
    (mass.value() < LEAST_MASS).then(|| Why::Unparsable { detail: detail() })
}

/// The two values of M between which strategy 1 decides nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Below this the content is not visible: M(None, c) + α1.
    pub rejects_below: f64,
    /// Above this the content is visible: M(None, c) + α2.
    pub accepts_above: f64,
}

impl Band {
    /// The band for a prior M(None, c): Algorithm 1's two differences, solved for M(x, c).
    ///
    /// ```
    /// use praetor::constitution::Thresholds;
    /// use praetor::judge::decision::Band;
    /// use praetor::units::Probability;
    /// let band = Band::around(Probability::new(0.5).unwrap(), Thresholds::PAPER);
    /// assert_eq!((band.rejects_below, band.accepts_above), (0.35, 0.9));
    /// ```
    pub fn around(prior: Probability, thresholds: Thresholds) -> Self {
        let prior = prior.value();
        let alpha1 = -thresholds.reject_below_prior * prior;
        let alpha2 = thresholds.accept_above_prior * (1.0 - prior);
        Self { rejects_below: prior + alpha1, accepts_above: prior + alpha2 }
    }

    /// The band of zero width at one half.
    pub const PLAIN: Self = Self { rejects_below: PLAIN_CUT, accepts_above: PLAIN_CUT };

    /// Strategy 1: both comparisons are strict, as in the paper, so that a score on an edge stays
    /// undecided.
    fn holds(self, m: Probability) -> Holds {
        if m.value() < self.rejects_below {
            Holds::No
        } else if m.value() > self.accepts_above {
            Holds::Yes
        } else {
            Holds::Unknown
        }
    }
}

/// What was decided, by which step, and if nothing was, why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Whether the precondition holds.
    pub holds: Holds,
    /// The step that decided.
    pub by: Option<Step>,
    /// What stands in the way of an unknown.
    pub why: Option<Why>,
}

impl Decision {
    fn made(holds: Holds, by: Step) -> Self {
        Self { holds, by: Some(by), why: None }
    }

    fn none() -> Self {
        Self { holds: Holds::Unknown, by: None, why: Some(Why::Undecided) }
    }
}

/// Strategy 1 of Algorithm 1 (lines 12-17): M(x, c) against the prior M(None, c). Between the
/// thresholds it decides nothing.
pub fn by_prior(m: Probability, band: Band) -> Decision {
    match band.holds(m) {
        Holds::Unknown => Decision::none(),
        decided => Decision::made(decided, Step::Prior),
    }
}

/// Strategy 2 (lines 18-20): M of the image against M with the central objects' region removed. It
/// can only say that the content is visible.
pub fn by_region(m: Probability, without: Probability, drop: f64) -> Decision {
    if m.value() - without.value() > drop {
        Decision::made(Holds::Yes, Step::Region)
    } else {
        Decision::none()
    }
}

/// The rating after step-by-step reasoning (lines 21-23), taken as it is.
pub fn by_reasoning(rating: Holds) -> Decision {
    match rating {
        Holds::Unknown => Decision::none(),
        rated => Decision::made(rated, Step::Reasoning),
    }
}

/// The side of the prior on which M falls: what becomes of a precondition that no stage has settled
/// where the constitution says `undecided: lean`. praetor's own; the paper always reasons.
pub fn by_lean(m: Probability, prior: Probability) -> Decision {
    Decision::made(if m >= prior { Holds::Yes } else { Holds::No }, Step::Lean)
}

/// What a model says that tells no probability: there is no M to hold against the prior, so that its
/// word is taken as it is, as a rating after reasoning is. praetor's own; the paper has logits.
pub fn by_word(yes: bool) -> Decision {
    Decision::made(if yes { Holds::Yes } else { Holds::No }, Step::Word)
}

/// The plain cut at one half, for comparison: what a judge does that knows no prior.
pub fn by_plain_cut(m: Probability) -> Decision {
    let holds = if m.value() >= PLAIN_CUT { Holds::Yes } else { Holds::No };
    Decision::made(holds, Step::PlainCut)
}

/// M freed of the prior: the log-odds of M less those of the prior, as a probability.
///
/// One half means that the image changed nothing. It is praetor's score for ranking, not the
/// paper's: the paper only compares. It rises with M for any fixed prior.
pub fn debiased(m: Probability, prior: Probability) -> Probability {
    Probability::from_log_odds(m.log_odds() - prior.log_odds())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rank(holds: Holds) -> u8 {
        match holds {
            Holds::No => 0,
            Holds::Unknown => 1,
            Holds::Yes => 2,
        }
    }

    proptest! {
        #[test]
        fn a_higher_m_never_weakens_the_decision(
            low in 0.0..=1.0f64, high in 0.0..=1.0f64, prior in 0.0..=1.0f64,
            reject in 0.0..=1.0f64, accept in 0.0..=1.0f64,
        ) {
            let (low, high) = if low <= high { (low, high) } else { (high, low) };
            let [low, high, prior] = [low, high, prior].map(Probability::saturating);
            let thresholds = Thresholds {
                reject_below_prior: reject,
                accept_above_prior: accept,
                ..Thresholds::PAPER
            };
            let band = Band::around(prior, thresholds);
            prop_assert!(rank(by_prior(low, band).holds) <= rank(by_prior(high, band).holds));
            prop_assert!(rank(by_lean(low, prior).holds) <= rank(by_lean(high, prior).holds));
            prop_assert!(debiased(low, prior) <= debiased(high, prior));
        }

        /// The absolute form in the shared notes and the differences as the paper prints them.
        #[test]
        fn the_band_is_the_papers_two_differences(m in 0.0..=1.0f64, prior in 0.0..=1.0f64) {
            // Rounding may move a score that lies on an edge.
            prop_assume!((m - 0.7 * prior).abs() > 1e-12);
            prop_assume!((m - (0.8 + 0.2 * prior)).abs() > 1e-12);
            let expected = if m - prior < -0.3 * prior {
                Holds::No
            } else if m - prior > 0.8 * (1.0 - prior) {
                Holds::Yes
            } else {
                Holds::Unknown
            };
            let [m, prior] = [m, prior].map(Probability::saturating);
            prop_assert_eq!(Band::around(prior, Thresholds::PAPER).holds(m), expected);
        }
    }

    #[test]
    fn an_image_that_changes_nothing_scores_one_half() {
        for prior in [0.02, 0.5, 0.97].map(Probability::saturating) {
            assert!((debiased(prior, prior).value() - 0.5).abs() < 1e-12);
        }
    }
}
