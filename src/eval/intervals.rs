//! How far a share that was counted on a few images may be from the truth.
//!
//! Simple shares get Wilson's score interval, which stays within 0 and 1 and says something useful
//! of none in ten and of ten in ten. Weighted shares get the same on Kish's effective number of
//! images; what is put together of strata is resampled, see [`super::stratified`]. All are 95 %.

use serde::Serialize;

/// The two-sided 95 % point of the normal distribution.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// The range in which the truth lies in 95 of 100 audits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A range of shares in per cent: `1.5–6.3 %`.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1}–{:.1} %", self.low * 100.0, self.high * 100.0)
    }
}

/// A number with what it may be off by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The best guess.
    pub value: f64,
    /// Where the truth may lie.
    pub interval: Interval,
}

/// Wilson's score interval (1927) for a share of `trials`; nothing without trials.
///
/// Both may be broken numbers, as an effective number of images is.
///
/// ```
/// let interval = praetor::eval::wilson(0.0, 20.0).unwrap();
/// assert_eq!(format!("{:.4} {:.4}", interval.low, interval.high), "0.0000 0.1611");
/// ```
pub fn wilson(successes: f64, trials: f64) -> Option<Interval> {
    if trials <= 0.0 {
        return None;
    }
    let share = (successes / trials).clamp(0.0, 1.0);
    let shrink = 1.0 + Z * Z / trials;
    let middle = (share + Z * Z / (2.0 * trials)) / shrink;
    let inside = share * (1.0 - share) / trials + Z * Z / (4.0 * trials * trials);
    let half = Z * inside.sqrt() / shrink;
    Some(Interval {
        low: (middle - half).clamp(0.0, share),
        high: (middle + half).clamp(share, 1.0),
    })
}

/// A weighted share, as (weight, whether it counts), with Wilson's interval on Kish's effective
/// number, the square of the weights' sum by the sum of their squares: weights that differ make a
/// sample worth less. Nothing without weight.
pub fn weighted_share(items: &[(f64, bool)]) -> Option<Estimate> {
    let all: f64 = items.iter().map(|(weight, _)| weight).sum();
    let squares: f64 = items.iter().map(|(weight, _)| weight * weight).sum();
    if squares <= 0.0 {
        return None;
    }
    let counting: f64 = items.iter().filter(|(_, counts)| *counts).map(|(weight, _)| weight).sum();
    let value = (counting / all).clamp(0.0, 1.0);
    let effective = all * all / squares;
    Some(Estimate { value, interval: wilson(value * effective, effective)? })
}

/// The middle 95 % of numbers, by linear interpolation between order statistics (Hyndman and Fan's
/// type 7, as numpy and R do by default), stretched where that leaves the estimate itself out.
pub fn middle_of(mut values: Vec<f64>, estimate: f64) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    let low = quantile(&values, 0.025)?;
    let high = quantile(&values, 0.975)?;
    Some(Interval { low: low.min(estimate), high: high.max(estimate) })
}

/// A quantile of sorted numbers (type 7); nothing of none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place within a list in memory, never negative"
)]
pub fn quantile(sorted: &[f64], at: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = at.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}

/// A share of a count, zero where there is nothing to have a share of.
#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
pub fn share_of(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method
    /// 3; and `statsmodels.stats.proportion.proportion_confint(.., method="wilson")` on the last.
    #[test]
    fn wilson_gives_the_published_intervals() {
        for (successes, trials, low, high) in [
            (81.0, 263.0, 0.2553, 0.3662),
            (15.0, 148.0, 0.0624, 0.1605),
            (0.0, 20.0, 0.0000, 0.1611),
            (1.0, 29.0, 0.0061, 0.1718),
            (15.0, 20.0, 0.531_299_122, 0.888_138_298),
        ] {
            let interval = wilson(successes, trials).unwrap();
            assert!((interval.low - low).abs() < 5e-5, "{successes}/{trials}: {interval:?}");
            assert!((interval.high - high).abs() < 5e-5, "{successes}/{trials}: {interval:?}");
        }
        assert_eq!(wilson(0.0, 0.0), None);
    }

    #[test]
    fn equal_weights_are_no_weights_and_unequal_ones_widen() {
        let even: Vec<_> = (0..20).map(|index| (3.0, index < 15)).collect();
        let estimate = weighted_share(&even).unwrap();
        assert_eq!(format!("{:.4}", estimate.interval.low), "0.5313");
        let uneven = [(90.0, true), (1.0, true), (1.0, false), (1.0, true)];
        let estimate = weighted_share(&uneven).unwrap();
        assert!((estimate.value - 92.0 / 93.0).abs() < 1e-12);
        assert!(estimate.interval.low < 0.25, "one image speaks for nearly all: {estimate:?}");
        assert_eq!(weighted_share(&[]), None);
    }

    /// `numpy.quantile([1, 2, 4, 8], [.025, .5, .975])`: 1.075, 3.0, 7.7.
    #[test]
    fn quantiles_are_numpys() {
        let values = [1.0, 2.0, 4.0, 8.0];
        for (at, expected) in [(0.025, 1.075), (0.5, 3.0), (0.975, 7.7)] {
            assert!((quantile(&values, at).unwrap() - expected).abs() < 1e-12);
        }
        assert_eq!(quantile(&[], 0.5), None);
        let stretched = middle_of(vec![0.2, 0.3], 0.1).unwrap();
        assert!((stretched.low - 0.1).abs() < 1e-12);
    }
}
