//! The waist of praetor: everything that judges ends in a [`Verdict`], everything that counts,
//! keeps or draws begins with one.
//!
//! A [`Verdict`] is one line of the JSONL output; its JSON Schema is the product's contract and is
//! kept in `docs/verdict.schema.json`. What can't be answered is a value here, never an error and
//! never "safe": see [`Why`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ImageHash, ModelId, PolicyHash, RuleId, ViewKind};
use crate::units::Probability;

/// What praetor says of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "praetor verdict", description = "One line of praetor's JSONL output.")]
pub struct Verdict {
    /// The image's path, as it was given or found.
    pub image: String,
    /// Hash of the file's bytes; absent when the file could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<ImageHash>,
    /// What was concluded for the image as a whole.
    pub verdict: Conclusion,
    /// How strongly the image looks like a violation of the most suspected rule; for ranking and
    /// thresholds, absent when no rule could be scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Probability>,
    /// Ids of the violated rules, in the constitution's order.
    pub violated: Vec<RuleId>,
    /// One entry a rule, in the constitution's order; empty when the image could not be read.
    pub rules: Vec<RuleVerdict>,
    /// How many frames of an animation were judged; absent for still images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<Frames>,
    /// Why the image could not be judged at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ImageError>,
    /// Stages that were left out on purpose; absent when all ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Stage>,
    /// Which policy judged: changes with any rule, precondition or setting.
    pub policy: PolicyHash,
    /// Which model answered.
    pub model: ModelId,
    /// Time spent on this image in the stages, in milliseconds.
    pub took_ms: u64,
}

/// The JSON Schema of a [`Verdict`], as kept in `docs/verdict.schema.json`.
pub fn verdict_schema() -> serde_json::Value {
    schemars::schema_for!(Verdict).into()
}

/// The four things that can be said of an image.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Every rule was answered and none is violated.
    Safe,
    /// No rule is known to be violated, and at least one could not be settled.
    Undetermined,
    /// At least one rule is violated.
    Unsafe,
    /// The image could not be read; see `error`.
    Failed,
}

/// One rule's part of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleVerdict {
    /// Which rule.
    pub rule: RuleId,
    /// What was concluded.
    pub outcome: Outcome,
    /// For an undetermined rule, what stood in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// The weakest precondition's score, since all must hold; absent when none was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Probability>,
    /// The frame of an animation on which this rule was decided, counted from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<u32>,
    /// Every number behind the outcome, one entry a precondition; written with `--trace`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// What can be said of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Every precondition holds.
    Violated,
    /// At least one precondition does not hold.
    Clear,
    /// Neither could be said; never counted as clear.
    Undetermined,
}

/// Everything known about one precondition of one rule on one view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The statement that was asked.
    pub precondition: String,
    /// Which part of the picture it was asked of.
    pub view: ViewKind,
    /// The paper's M(x, c): P(Yes) of P(Yes) + P(No) with the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m: Option<Probability>,
    /// The paper's M(None, c): the same with the image removed, which is the language prior.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Probability>,
    /// Share of the model's first token that was Yes or No at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass: Option<Probability>,
    /// Below this M the precondition does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects_below: Option<f64>,
    /// Above this M the precondition holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts_above: Option<f64>,
    /// M freed of the prior: one half means that the image changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Probability>,
    /// The decision.
    pub holds: Holds,
    /// Which step took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Step>,
    /// For an unknown, what stood in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// Whether a precondition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// The content is visible.
    Yes,
    /// The content is not visible.
    No,
    /// Not known.
    Unknown,
}

/// The step that decided a precondition.
///
/// Region debiasing and cascaded reasoning will be steps of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Strategy 1 of Algorithm 1: M against the language prior.
    Prior,
    /// M against one half; only with `--without prior`.
    PlainCut,
    /// The side of the prior on which M falls; only with `undecided: lean`.
    Lean,
}

/// A stage that can be left out, to see what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Debiasing by the language prior.
    Prior,
}

/// Why an answer can't be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// M lies between the thresholds and no later stage settled it.
    Undecided,
    /// The model declined to answer.
    Refused,
    /// A content filter stood between the model and the answer.
    Filtered,
    /// The model answered something that is neither Yes nor No.
    Unparsable {
        /// What came instead.
        detail: String,
    },
    /// The question does not fit the model's context.
    TooLong {
        /// Tokens the question needs with its image.
        needed: u32,
        /// Tokens there is room for.
        limit: u32,
    },
    /// The model would not end its reply.
    Overlong {
        /// Tokens after which it was stopped.
        limit: u32,
    },
    /// The model said the same over and over.
    Looping,
    /// The run's budget for reasoning was spent, or this image's.
    BudgetSpent,
    /// Something broke on the way to this answer.
    Failed {
        /// What broke.
        detail: String,
    },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Undecided => write!(f, "M lies between the thresholds"),
            Self::Refused => write!(f, "the model refused to answer"),
            Self::Filtered => write!(f, "a content filter blocked the answer"),
            Self::Unparsable { detail } => write!(f, "not an answer: {detail}"),
            Self::TooLong { needed, limit } => {
                write!(f, "needs {needed} tokens, and the context has room for {limit}")
            }
            Self::Overlong { limit } => write!(f, "the reply did not end within {limit} tokens"),
            Self::Looping => write!(f, "the reply went round in circles"),
            Self::BudgetSpent => write!(f, "the budget for reasoning was spent"),
            Self::Failed { detail } => write!(f, "{detail}"),
        }
    }
}

/// The frames of an animation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frames {
    /// Frames that were judged: those that differ from every earlier one, up to the limit.
    pub judged: u32,
    /// Whether the limit left frames out.
    pub cut: bool,
}

/// Why a file could not be judged at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageError {
    /// A stable word to count by, such as `unsupported` or `too_large`.
    pub code: String,
    /// What, where and how to mend it, for people.
    pub message: String,
}

impl Finding {
    /// A precondition of which nothing is known yet.
    pub fn open(precondition: impl Into<String>, view: ViewKind) -> Self {
        Self {
            precondition: precondition.into(),
            view,
            m: None,
            prior: None,
            mass: None,
            rejects_below: None,
            accepts_above: None,
            score: None,
            holds: Holds::Unknown,
            by: None,
            why: None,
        }
    }
}

impl RuleVerdict {
    /// Concludes from the findings on a rule's whole chain: all must hold for a violation, one
    /// that does not hold clears the rule, and otherwise it stays undetermined (Algorithm 1,
    /// lines 9-27, read as a whole so that the chain's order can't matter).
    pub fn from_findings(rule: RuleId, findings: Vec<Finding>) -> Self {
        let any = |holds| findings.iter().any(|finding| finding.holds == holds);
        let outcome = if any(Holds::No) {
            Outcome::Clear
        } else if findings.is_empty() || any(Holds::Unknown) {
            Outcome::Undetermined
        } else {
            Outcome::Violated
        };
        let why = (outcome == Outcome::Undetermined)
            .then(|| findings.iter().find_map(|finding| finding.why.clone()))
            .flatten();
        let score = lowest(findings.iter().filter_map(|finding| finding.score));
        Self { rule, outcome, why, score, frame: None, findings }
    }

    /// How grave this is beside the same rule on another frame: outcome first, then score.
    fn gravity(&self) -> (Conclusion, f64) {
        (self.outcome.into(), self.score.map_or(-1.0, Probability::value))
    }
}

impl From<Outcome> for Conclusion {
    /// What a rule's outcome says of the image it stands alone in.
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Violated => Self::Unsafe,
            Outcome::Undetermined => Self::Undetermined,
            Outcome::Clear => Self::Safe,
        }
    }
}

/// Concludes for an image from its rules: a violation outweighs what could not be settled, and
/// that outweighs what is clear. Without rules nothing was answered.
pub fn conclude(rules: &[RuleVerdict]) -> Conclusion {
    rules.iter().map(|rule| rule.outcome.into()).max().unwrap_or(Conclusion::Undetermined)
}

/// The most suspected rule's score.
pub fn image_score(rules: &[RuleVerdict]) -> Option<Probability> {
    let scores = rules.iter().filter_map(|rule| rule.score);
    scores.max_by(|one, other| one.value().total_cmp(&other.value()))
}

/// Joins the verdicts on an animation's frames: each rule is decided by its gravest frame.
///
/// Every frame must have judged the same rules in the same order. `None` without frames.
pub fn gravest(
    frames: impl IntoIterator<Item = (u32, Vec<RuleVerdict>)>,
) -> Option<Vec<RuleVerdict>> {
    let numbered = |(frame, rules): (u32, Vec<RuleVerdict>)| -> Vec<RuleVerdict> {
        rules.into_iter().map(|rule| RuleVerdict { frame: Some(frame), ..rule }).collect()
    };
    frames.into_iter().map(numbered).reduce(|worst, next| {
        let pair = worst.into_iter().zip(next);
        pair.map(|(worst, next)| if next.gravity() > worst.gravity() { next } else { worst })
            .collect()
    })
}

fn lowest(scores: impl Iterator<Item = Probability>) -> Option<Probability> {
    scores.min_by(|one, other| one.value().total_cmp(&other.value()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(holds: Holds, score: f64) -> Finding {
        let why = (holds == Holds::Unknown).then_some(Why::Undecided);
        let score = Probability::new(score);
        Finding { score, holds, why, ..Finding::open("c", ViewKind::Whole) }
    }

    fn rule(findings: &[(Holds, f64)]) -> RuleVerdict {
        let findings = findings.iter().map(|&(holds, score)| finding(holds, score)).collect();
        RuleVerdict::from_findings(RuleId::new("r").unwrap(), findings)
    }

    #[test]
    fn a_chain_is_an_and_of_three_values() {
        use Holds::{No, Unknown, Yes};
        let outcome = |holds: &[Holds]| {
            rule(&holds.iter().map(|&holds| (holds, 0.5)).collect::<Vec<_>>()).outcome
        };
        assert_eq!(outcome(&[Yes, Yes]), Outcome::Violated);
        assert_eq!(outcome(&[Yes, No]), Outcome::Clear);
        assert_eq!(outcome(&[Unknown, No]), Outcome::Clear);
        assert_eq!(outcome(&[Yes, Unknown]), Outcome::Undetermined);
        assert_eq!(outcome(&[]), Outcome::Undetermined);
    }

    #[test]
    fn the_weakest_precondition_scores_a_rule_and_the_strongest_rule_an_image() {
        let weak = rule(&[(Holds::Yes, 0.9), (Holds::No, 0.2)]);
        let strong = rule(&[(Holds::Yes, 0.7)]);
        assert_eq!(weak.score, Probability::new(0.2));
        assert_eq!(image_score(&[weak, strong]), Probability::new(0.7));
    }

    #[test]
    fn each_rule_is_decided_by_its_gravest_frame() {
        let calm = [rule(&[(Holds::No, 0.1)]), rule(&[(Holds::Yes, 0.8)])];
        let wild = [rule(&[(Holds::Unknown, 0.6)]), rule(&[(Holds::Yes, 0.7)])];
        let joined = gravest([(0, calm.to_vec()), (3, wild.to_vec())]).unwrap();
        assert_eq!(joined.iter().map(|rule| rule.frame).collect::<Vec<_>>(), [Some(3), Some(0)]);
        assert_eq!(conclude(&joined), Conclusion::Unsafe);
        assert_eq!(conclude(&joined[..1]), Conclusion::Undetermined);
        assert!(gravest([]).is_none());
    }
}
