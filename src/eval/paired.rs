//! The change of a share between two judgings of the same images.

use super::intervals::Z;
use super::{Estimate, Interval};

/// How a share has changed on the same `images`, of which `gained` have come to count and `lost`
/// have ceased to: the difference, with a 95 % interval that takes the pairing into account.
///
/// Agresti and Min (2005), "Simple improved confidence intervals for comparing matched
/// proportions": Wald's interval with half an image added to each of the four cells, which covers
/// well with few changes too. Without images there is none.
///
/// ```
/// let change = praetor::eval::paired::change(100, 8, 2).unwrap();
/// assert!((change.value - 0.06).abs() < 1e-12);
/// assert!(change.interval.low < 0.0 && change.interval.high > 0.11);
/// ```
#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
pub fn change(images: usize, gained: usize, lost: usize) -> Option<Estimate> {
    if images == 0 {
        return None;
    }
    let value = (gained as f64 - lost as f64) / images as f64;
    let (all, gained, lost) = (images as f64 + 2.0, gained as f64 + 0.5, lost as f64 + 0.5);
    let middle = (gained - lost) / all;
    let variance = (gained + lost) - (gained - lost).powi(2) / all;
    let half = Z * variance.max(0.0).sqrt() / all;
    let interval = Interval { low: (middle - half).max(-1.0), high: (middle + half).min(1.0) };
    Some(Estimate { value, interval })
}

/// A change in words: `-3.1 points (-5.5 to -0.7)`.
pub fn points(change: Estimate) -> String {
    let [value, low, high] = [change.value, change.interval.low, change.interval.high]
        .map(|share| format!("{:+.1}", share * 100.0));
    format!("{value} points ({low} to {high})")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Agresti, "Categorical Data Analysis", section 10.1: of 1,600 people 794 approved twice, 150
    /// at first only and 86 later only; the book's interval is -0.06 to -0.02.
    #[test]
    fn the_approval_of_the_prime_minister() {
        let change = change(1_600, 86, 150).unwrap();
        assert!((change.value + 0.04).abs() < 1e-12);
        assert!((change.interval.low + 0.06).abs() < 2e-3, "{:?}", change.interval);
        assert!((change.interval.high + 0.02).abs() < 2e-3, "{:?}", change.interval);
    }

    #[test]
    fn no_change_is_no_proof_of_none() {
        let none = change(50, 0, 0).unwrap();
        assert!(none.value.abs() < 1e-12);
        assert!(none.interval.low < -0.01 && none.interval.high > 0.01);
        assert!(change(0, 0, 0).is_none());
    }
}
