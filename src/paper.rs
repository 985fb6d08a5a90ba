//! Every constant of the paper, with the place it stands at.
//!
//! "MLLM-as-a-Judge for Image Safety without Human Labeling" (CLUE, arXiv 2501.00192v2). The same
//! numbers for every model, as the authors use them. A constitution can set each of them
//! (`settings: thresholds:`); what praetor adds of its own stands where it is used and says so.

/// Objectiveness, of 10, that a rule must reach in stage 1 (section "Objectifying Rules").
pub const LEAST_OBJECTIVENESS: u8 = 9;

/// t: a rule is judged when the cosine of image and rule is above this, with CLIP ViT-B/16 (section
/// "Relevance Scanning"; Algorithm 1, line 4). Other encoders have thresholds of their own.
pub const RELEVANCE_CLIP: f64 = 0.22;

/// α1 is minus this share of M(None, c): below it the content is not visible (section "Debiased
/// Token Probability", strategy 1; Algorithm 1, line 13).
pub const REJECT_BELOW_PRIOR: f64 = 0.3;

/// α2 is this share of 1 - M(None, c): above it the content is visible (strategy 1; Algorithm 1,
/// line 15).
pub const ACCEPT_ABOVE_PRIOR: f64 = 0.8;

/// β: the content is visible when M falls by more than this once the central object's region is
/// removed (strategy 2; Algorithm 1, line 18).
pub const REGION_DROP: f64 = 0.6;

/// Boxes of OWLv2 count above this score (strategy 2). Other localizers have gates of their own.
pub const REGION_SCORE: f64 = 0.05;

/// A box of less than this share of the image is cropped, and the crop takes the image's place in
/// strategy 1 and in reasoning (Algorithm 1, lines 13, 15 and 22).
pub const SMALL_OBJECT_AREA: f64 = 0.01;
