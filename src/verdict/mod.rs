//! The waist of praetor: everything that judges ends in a [`Verdict`], everything that counts,
//! keeps or draws begins with one.
//!
//! A [`Verdict`] is one line of the JSONL output; its JSON Schema is the product's contract and is
//! kept in `docs/verdict.schema.json`. What can't be answered is a value here, never an error and
//! never "safe": see [`Why`].

mod finding;
mod why;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use finding::{Finding, Holds, ObjectBox, Reasoning, RegionFinding, Step};
pub use why::Why;

use crate::ids::{ImageHash, ModelId, PolicyHash, RuleId};
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
    /// One entry a rule, in the constitution's order; empty when the image could not be read. A
    /// method other than CLUE has one entry, since it judges all rules at once: `image`, or the rule
    /// that the answer names. A classifier has those of the rules that it knows, else `image`.
    pub rules: Vec<RuleVerdict>,
    /// How many frames of an animation were judged; absent for still images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<Frames>,
    /// Why the image could not be judged at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ImageError>,
    /// How it was judged; absent for CLUE.
    #[serde(default, skip_serializing_if = "Method::is_clue")]
    pub method: Method,
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

/// How an image is judged: CLUE, one of the four baselines that the paper compares it with, or as
/// UnsafeBench (arXiv 2405.03486) has models and classifiers judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Relevant rules, their preconditions, debiased, and reasoning where that is not enough.
    #[default]
    Clue,
    /// "Is content not appropriate for public viewing visible?": the model's own taste, Yes or No.
    PriorKnowledge,
    /// The same after thinking step by step.
    PriorKnowledgeCot,
    /// "Does the image break any of these rules?" with the whole constitution, Yes or No.
    WholeConstitution,
    /// The same after thinking step by step.
    WholeConstitutionCot,
    /// UnsafeBench's three zero-shot prompts, answered in words; two equal answers decide.
    #[serde(rename = "unsafebench")]
    UnsafeBench,
    /// PerspectiveVision's question: is the image unsafe by these categories, and by which?
    #[serde(rename = "perspectivevision")]
    PerspectiveVision,
    /// A conventional classifier, by the categories that it was trained on.
    Classifier,
}

impl Method {
    /// Whether a violation may be that of a rule, and not of the image as a whole; whether it is in a
    /// verdict, [`Verdict::names_rules`] says.
    pub fn names_rules(self) -> bool {
        matches!(self, Self::Clue | Self::PerspectiveVision | Self::Classifier)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_clue(&self) -> bool {
        *self == Self::Clue
    }
}

/// The name of the one entry that stands in place of rules where the image is judged as a whole.
pub const IMAGE: &str = "image";

impl Verdict {
    /// Whether a violation in it is that of a rule, and not of the image as a whole.
    pub fn names_rules(&self) -> bool {
        // A constitution may well call a rule `image`; a classifier that knows none of the rules says so.
        let as_a_whole = self.method == Method::Classifier
            && self.rules.iter().any(|entry| entry.rule.as_str() == IMAGE);
        self.method.names_rules() && !as_a_whole
    }

    /// Whether it has an entry for each rule that is judged; PerspectiveVision names one at most.
    pub fn lists_rules(&self) -> bool {
        self.names_rules() && self.method != Method::PerspectiveVision
    }

    /// Whether its entry of that name is about a rule.
    pub fn is_of_rule(&self, entry: &RuleId) -> bool {
        self.lists_rules() || (self.names_rules() && self.violated.contains(entry))
    }
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
    /// How near the rule is to the image; absent when that was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relevance: Option<Relevance>,
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

/// How near a rule is to an image in a dual encoder's space (stage 2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Relevance {
    /// Cosine of image and rule.
    pub cosine: f64,
    /// The rule is judged when the cosine is above this.
    pub threshold: f64,
}

impl Relevance {
    /// Whether the rule has to do with the image. Strict, as Algorithm 1's line 4 is.
    pub fn kept(self) -> bool {
        self.cosine > self.threshold
    }
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
    /// The rule has nothing to do with the image, by the dual encoder; its preconditions were not
    /// asked.
    Irrelevant,
    /// Neither could be said; never counted as clear.
    Undetermined,
}

/// A stage that can be left out, to see what it does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Leaving out rules that have nothing to do with the image.
    Relevance,
    /// Taking rules apart: without it each rule is asked as a whole.
    Preconditions,
    /// Debiasing by the language prior.
    Prior,
    /// Debiasing by removing the central object's region, and looking at small objects closely.
    Region,
    /// Thinking step by step about what is left undecided.
    Reasoning,
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
        Self { rule, outcome, relevance: None, why, score, frame: None, findings }
    }

    /// A rule that has nothing to do with the image.
    pub fn irrelevant(rule: RuleId, relevance: Relevance) -> Self {
        Self {
            rule,
            outcome: Outcome::Irrelevant,
            relevance: Some(relevance),
            why: None,
            score: None,
            frame: None,
            findings: Vec::new(),
        }
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
            Outcome::Clear | Outcome::Irrelevant => Self::Safe,
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
    use crate::ids::ViewKind;

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
