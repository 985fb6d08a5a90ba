//! Everything behind one decision: the numbers, the boxes, the thoughts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Why;
use crate::ids::ViewKind;
use crate::units::{Probability, Region};

/// Everything known about one precondition of one rule on one view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The statement that was asked.
    pub precondition: String,
    /// Which part of the picture it was asked of: a crop where the central object is small.
    pub view: ViewKind,
    /// The paper's M(x, c): P(Yes) of P(Yes) + P(No) with the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m: Option<Probability>,
    /// The paper's M(None, c): the same with the image removed, which is the language prior.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Probability>,
    /// The model said Yes or No without a probability: there is no M, nothing is debiased, and the
    /// word is the decision.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discrete: bool,
    /// Share of the model's first token that was Yes or No at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass: Option<Probability>,
    /// Below this M the precondition does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects_below: Option<f64>,
    /// Above this M the precondition holds; for a classifier, at this score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts_above: Option<f64>,
    /// M freed of the prior: one half means that the image changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Probability>,
    /// Strategy 2: the central objects' boxes, and M with them removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionFinding>,
    /// What the model said when it was asked to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Strategy 1 of Algorithm 1: M against the language prior.
    Prior,
    /// Strategy 2: M falls once the central object's region is removed.
    Region,
    /// Cascaded reasoning: the rating after thinking step by step.
    Reasoning,
    /// M against one half; only with `--without prior`.
    PlainCut,
    /// The side of the prior on which M falls; only with `undecided: lean`.
    Lean,
    /// The model's own Yes or No, where it tells no probabilities.
    Word,
    /// The label that the model's answer states in words; only with the methods of UnsafeBench.
    Stated,
    /// A conventional classifier's score against its threshold.
    Score,
}

/// Where the central objects of a precondition are, and what their removal does to M.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionFinding {
    /// Boxes above the localizer's threshold, best first. All are removed together; the best is
    /// cropped when it is small.
    pub boxes: Vec<ObjectBox>,
    /// M of the whole picture, where M itself was read off a crop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m_whole: Option<Probability>,
    /// M with the boxes removed; absent when strategy 1 had decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m_without: Option<Probability>,
}

/// An object that the localizer has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectBox {
    /// The word it was looked for by.
    pub object: String,
    /// Where it is.
    pub region: Region,
    /// How sure the localizer is.
    pub score: Probability,
}

/// A turn of thinking and its summary. What probability the model gives its rating after having
/// thought is no measure of anything, and is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reasoning {
    /// What it thought, step by step.
    pub thoughts: String,
    /// Its rating; unknown when the summary could not be had.
    pub rating: Holds,
    /// Its reason for the rating, in short.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rationale: String,
}

impl Finding {
    /// A precondition of which nothing is known yet.
    pub fn open(precondition: impl Into<String>, view: ViewKind) -> Self {
        Self {
            precondition: precondition.into(),
            view,
            m: None,
            prior: None,
            discrete: false,
            mass: None,
            rejects_below: None,
            accepts_above: None,
            score: None,
            region: None,
            reasoning: None,
            holds: Holds::Unknown,
            by: None,
            why: None,
        }
    }
}
