//! Where the stages draw their lines: the paper's constants, and what a constitution sets instead.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::paper;

/// The thresholds of Algorithm 1 as far as they are set; what is left out keeps its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "thresholds")]
pub struct ThresholdSettings {
    /// A rule is judged when the cosine of its text and the image is above this. From -1 to 1; the
    /// paper takes 0.22 with CLIP, and every encoder has a default of its own: choose by `praetor
    /// relevance`. Lower judges more rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = -1.0, max = 1.0)))]
    #[schemars(range(min = -1.0, max = 1.0))]
    pub relevance: Option<f64>,
    /// A precondition does not hold when the model's M falls below its prior M0 by more than this
    /// share of M0, that is M < (1 - share) * M0. From 0 to 1; the paper takes 0.3. Higher makes
    /// fewer rules clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 0.0, max = 1.0)))]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub reject_below_prior: Option<f64>,
    /// A precondition holds when the model's M exceeds its prior M0 by more than this share of the
    /// way from M0 to 1, that is M > M0 + share * (1 - M0). From 0 to 1; the paper takes 0.8.
    /// Higher makes fewer rules violated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 0.0, max = 1.0)))]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub accept_above_prior: Option<f64>,
    /// An undecided precondition holds when M falls by more than this once its central objects are
    /// removed from the image. From 0 to 1; the paper takes 0.6. Higher sends more to reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 0.0, max = 1.0)))]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub region_drop: Option<f64>,
    /// A box that the localizer has found counts above this score. From 0 to 1; the paper takes
    /// 0.05 with OWLv2, and every localizer has a default of its own. Higher looks at fewer regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 0.0, max = 1.0)))]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub region_score: Option<f64>,
    /// A central object that covers less than this share of the image is looked at in a crop. From 0
    /// to 1; the paper takes 0.01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 0.0, max = 1.0)))]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub small_object_area: Option<f64>,
}

impl ThresholdSettings {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is set here, and `base` where nothing is.
    pub fn over(self, base: Thresholds) -> Thresholds {
        Thresholds {
            relevance: self.relevance.or(base.relevance),
            reject_below_prior: self.reject_below_prior.unwrap_or(base.reject_below_prior),
            accept_above_prior: self.accept_above_prior.unwrap_or(base.accept_above_prior),
            region_drop: self.region_drop.unwrap_or(base.region_drop),
            region_score: self.region_score.or(base.region_score),
            small_object_area: self.small_object_area.unwrap_or(base.small_object_area),
        }
    }
}

/// The thresholds of Algorithm 1, resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The paper's t; nothing means the encoder's own.
    pub relevance: Option<f64>,
    /// The paper's α1 is minus this share of M0: below it the precondition does not hold.
    pub reject_below_prior: f64,
    /// The paper's α2 is this share of 1 - M0: above it the precondition holds.
    pub accept_above_prior: f64,
    /// The paper's β: how far M must fall without the central objects.
    pub region_drop: f64,
    /// The localizer's score above which a box counts; nothing means the localizer's own.
    pub region_score: Option<f64>,
    /// Share of the image below which a box is cropped.
    pub small_object_area: f64,
}

impl Thresholds {
    /// The paper's constants, the same for every model.
    pub const PAPER: Self = Self {
        relevance: None,
        reject_below_prior: paper::REJECT_BELOW_PRIOR,
        accept_above_prior: paper::ACCEPT_ABOVE_PRIOR,
        region_drop: paper::REGION_DROP,
        region_score: None,
        small_object_area: paper::SMALL_OBJECT_AREA,
    };
}
