//! Quantities that have a range, and how people read them.
//!
//! The judging rooms compute in plain `f64`; a number that crosses a room as a
//! probability is a [`Probability`], so that its range is a fact of its type.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number in `0.0..=1.0`.
///
/// ```
/// use praetor::units::Probability;
/// assert!(Probability::new(1.2).is_none());
/// assert_eq!(Probability::new(0.25).unwrap().to_string(), "0.250");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// Certainty that something is not so.
    pub const ZERO: Self = Self(0.0);
    /// Certainty that something is so.
    pub const ONE: Self = Self(1.0);

    /// Takes a number that is finite and within `0.0..=1.0`, and nothing else.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// Clamps into the range; not a number becomes zero.
    pub fn saturating(value: f64) -> Self {
        if value.is_nan() { Self::ZERO } else { Self(value.clamp(0.0, 1.0)) }
    }

    /// Logistic function of log-odds: `0.0` gives one half.
    pub fn from_log_odds(log_odds: f64) -> Self {
        Self::saturating(1.0 / (1.0 + (-log_odds).exp()))
    }

    /// Log-odds, kept finite: probabilities nearer than `1e-9` to an end count as that near.
    pub fn log_odds(self) -> f64 {
        let inside = self.0.clamp(1e-9, 1.0 - 1e-9);
        (inside / (1.0 - inside)).ln()
    }

    /// The number itself.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        Self::new(value).ok_or(OutOfRange { value })
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> f64 {
        probability.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl JsonSchema for Probability {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0.0, "maximum": 1.0 })
    }
}

/// A number that was to be a probability and is outside `0.0..=1.0`.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("`{value}` is not a probability: expected a number from 0 to 1")]
pub struct OutOfRange {
    /// The number that was given.
    pub value: f64,
}

/// A box within an image, in shares of its sides: `0.0` is the left or upper edge, `1.0` the right
/// or lower one. Never empty.
///
/// ```
/// use praetor::units::Region;
/// let region = Region::new(0.25, 0.5, 0.75, 1.0).unwrap();
/// assert_eq!(region.area(), 0.25);
/// assert!(Region::new(0.5, 0.0, 0.5, 1.0).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Sides")]
pub struct Region {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// A box as it stands in a file.
#[derive(Deserialize, JsonSchema)]
struct Sides {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Region {
    /// Takes a box that lies within the image and is not empty, and nothing else.
    pub fn new(left: f64, top: f64, right: f64, bottom: f64) -> Option<Self> {
        let within = 0.0..=1.0;
        let inside = [left, top, right, bottom].iter().all(|side| within.contains(side));
        (inside && left < right && top < bottom).then_some(Self { left, top, right, bottom })
    }

    /// The part of a box that lies within the image; nothing when there is none.
    pub fn clamped(left: f64, top: f64, right: f64, bottom: f64) -> Option<Self> {
        let [left, top, right, bottom] =
            [left, top, right, bottom].map(|side| side.clamp(0.0, 1.0));
        Self::new(left, top, right, bottom)
    }

    /// The left edge, from `0.0` to `1.0`.
    pub fn left(self) -> f64 {
        self.left
    }

    /// The upper edge, from `0.0` to `1.0`.
    pub fn top(self) -> f64 {
        self.top
    }

    /// The right edge, greater than the left.
    pub fn right(self) -> f64 {
        self.right
    }

    /// The lower edge, greater than the upper.
    pub fn bottom(self) -> f64 {
        self.bottom
    }

    /// Share of the image that the box covers.
    pub fn area(self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// Share of the two boxes' union that they have in common.
    pub fn overlap(self, other: Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let common = width.max(0.0) * height.max(0.0);
        common / (self.area() + other.area() - common)
    }

    /// The box with `share` of its own sides added on each side, as far as the image goes.
    #[must_use]
    pub fn widened(self, share: f64) -> Self {
        let (across, down) =
            ((self.right - self.left) * share.max(0.0), (self.bottom - self.top) * share.max(0.0));
        Self {
            left: (self.left - across).max(0.0),
            top: (self.top - down).max(0.0),
            right: (self.right + across).min(1.0),
            bottom: (self.bottom + down).min(1.0),
        }
    }
}

impl TryFrom<Sides> for Region {
    type Error = OutsideImage;

    fn try_from(sides: Sides) -> Result<Self, OutsideImage> {
        Self::new(sides.left, sides.top, sides.right, sides.bottom).ok_or(OutsideImage)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [left, top, right, bottom] =
            [self.left, self.top, self.right, self.bottom].map(|side| side * 100.0);
        write!(f, "{left:.0}-{right:.0} % across, {top:.0}-{bottom:.0} % down")
    }
}

/// A box that is empty or reaches beyond the image.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "not a box within the image: its sides are shares from 0 to 1, left below right and top below bottom"
)]
pub struct OutsideImage;

/// A share as people read it, with so many digits after the point: `12.5 %`.
pub fn percent(share: f64, digits: usize) -> String {
    format!("{:.digits$} %", share * 100.0)
}

/// Milliseconds as people read them: `850 ms`, `12.3 s`, `4 min 05 s`.
pub fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
        _ => format!("{} min {:02} s", milliseconds / 60_000, milliseconds % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_odds_turn_back_into_the_probability() {
        for value in [0.01, 0.3, 0.5, 0.99] {
            let there = Probability::new(value).unwrap().log_odds();
            assert!((Probability::from_log_odds(there).value() - value).abs() < 1e-12);
        }
        assert!(Probability::ZERO.log_odds().is_finite());
        assert_eq!(Probability::from_log_odds(f64::INFINITY), Probability::ONE);
    }

    #[test]
    fn not_a_number_is_no_probability() {
        assert!(Probability::new(f64::NAN).is_none());
        assert_eq!(Probability::saturating(f64::NAN), Probability::ZERO);
    }

    #[test]
    fn boxes_stay_within_the_image() {
        assert!(Region::new(-0.1, 0.0, 0.5, 0.5).is_none());
        assert!(Region::new(f64::NAN, 0.0, 0.5, 0.5).is_none());
        let corner = Region::clamped(-0.5, -0.5, 0.5, 0.5).unwrap();
        assert_eq!(corner, Region::new(0.0, 0.0, 0.5, 0.5).unwrap());
        assert_eq!(corner.widened(2.0), Region::new(0.0, 0.0, 1.0, 1.0).unwrap());
        assert!(Region::clamped(1.5, 0.0, 2.0, 1.0).is_none());
    }

    #[test]
    fn overlap_is_common_over_union() {
        let left = Region::new(0.0, 0.0, 0.5, 1.0).unwrap();
        let middle = Region::new(0.25, 0.0, 0.75, 1.0).unwrap();
        assert!((left.overlap(middle) - 1.0 / 3.0).abs() < 1e-12);
        assert!((left.overlap(left) - 1.0).abs() < 1e-12);
        let right = Region::new(0.5, 0.0, 1.0, 1.0).unwrap();
        assert!(left.overlap(right).abs() < 1e-12);
    }

    #[test]
    fn shares_have_as_many_digits_as_are_wanted() {
        assert_eq!(percent(0.125, 1), "12.5 %");
        assert_eq!(percent(0.126, 0), "13 %");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(850), "850 ms");
        assert_eq!(duration(12_345), "12.3 s");
        assert_eq!(duration(245_000), "4 min 05 s");
    }
}
