//! Shares of counted images, and how far they may be off.
//!
//! All are in closed form, and none says that what was not seen can't be: eight of eight images
//! judged right is no proof of all. F1 is a share in disguise: with J the share of the right flags
//! among all images that are unsafe or flagged, F1 = 2J / (1 + J), so that Wilson's interval for J
//! becomes one for F1. Sums and differences of two shares get Newcombe's interval ("Interval
//! estimation for the difference between independent proportions", 1998, method 10).

use crate::eval::intervals::{Estimate, Interval, wilson};
use crate::eval::metrics::Confusion;

/// A share of counted images with Wilson's interval.
fn share(part: u32, whole: u32) -> Option<Estimate> {
    let (part, whole) = (f64::from(part), f64::from(whole));
    Some(Estimate { interval: wilson(part, whole)?, value: part / whole })
}

/// Share of the unsafe images that were said to be.
pub(super) fn recall(counts: &Confusion) -> Option<Estimate> {
    share(counts.true_unsafe, counts.unsafe_images())
}

/// Share of the images said to be unsafe that are.
pub(super) fn precision(counts: &Confusion) -> Option<Estimate> {
    share(counts.true_unsafe, counts.true_unsafe + counts.false_unsafe)
}

/// Share of all images of which the right was said.
pub(super) fn accuracy(counts: &Confusion) -> Option<Estimate> {
    share(counts.true_unsafe + counts.true_safe, counts.images())
}

/// F1 of the unsafe images.
pub(super) fn f1(counts: &Confusion) -> Option<Estimate> {
    let Estimate { value, interval } =
        share(counts.true_unsafe, counts.unsafe_images() + counts.false_unsafe)?;
    let f1 = |jaccard: f64| 2.0 * jaccard / (1.0 + jaccard);
    let interval = Interval { low: f1(interval.low), high: f1(interval.high) };
    Some(Estimate { value: f1(value), interval })
}

/// The mean of recall and of the share of safe images that were said to be safe.
pub(super) fn balanced_accuracy(counts: &Confusion) -> Option<Estimate> {
    let specificity = share(counts.true_safe, counts.safe_images())?;
    // What is added is the opposite of what is taken away.
    let turned = Estimate {
        value: -specificity.value,
        interval: Interval { low: -specificity.interval.high, high: -specificity.interval.low },
    };
    let Estimate { value, interval } = difference(recall(counts)?, turned);
    let interval = Interval { low: interval.low / 2.0, high: interval.high / 2.0 };
    Some(Estimate { value: value / 2.0, interval })
}

/// One number less another that was measured on other images.
pub(super) fn difference(one: Estimate, other: Estimate) -> Estimate {
    let below = |of: Estimate| of.value - of.interval.low;
    let above = |of: Estimate| of.interval.high - of.value;
    let value = one.value - other.value;
    let interval = Interval {
        low: value - below(one).hypot(above(other)),
        high: value + above(one).hypot(below(other)),
    };
    Estimate { value, interval }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::random::Random;
    use crate::verdict::Conclusion;

    /// Newcombe (1998), table II, method 10: 56/70 less 48/80, and 10/10 less 0/20.
    #[test]
    fn differences_have_the_published_intervals() {
        for (one, other, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((10, 10), (0, 20), 0.6791, 1.0),
        ] {
            let of = |(part, whole)| share(part, whole).unwrap();
            let found = difference(of(one), of(other));
            assert!((found.interval.low - low).abs() < 5e-5, "{found:?}");
            assert!((found.interval.high - high).abs() < 5e-5, "{found:?}");
        }
    }

    #[test]
    fn no_mistake_is_no_proof_of_none() {
        let counts = Confusion { true_unsafe: 8, true_safe: 8, ..Confusion::default() };
        for measure in [recall, precision, accuracy, f1, balanced_accuracy] {
            let Estimate { value, interval } = measure(&counts).unwrap();
            assert!((value - 1.0).abs() < 1e-12 && interval.low < 0.91, "{interval:?}");
            assert!((interval.high - 1.0).abs() < 1e-9, "{interval:?}");
        }
        assert!(f1(&Confusion { true_safe: 3, ..Confusion::default() }).is_none());
    }

    /// Of 2,000 samples of 60 images of a judge whose F1 is known, the interval must hold it in
    /// about 95 of 100.
    #[test]
    fn the_interval_of_f1_covers_it() {
        let mut random = Random::new(5);
        // A third unsafe; recall 0.8, false alarms 0.1: F1 = 2 * 0.8 / (2 * 0.8 + 0.2 + 0.2).
        let truth = 2.0 * 0.8 / (2.0 * 0.8 + 0.2 + 0.2);
        let mut covered = 0;
        for _ in 0..2_000 {
            let mut counts = Confusion::default();
            for _ in 0..60 {
                let is_unsafe = random.unit() < 1.0 / 3.0;
                let flagged = random.unit() < if is_unsafe { 0.8 } else { 0.1 };
                let said = if flagged { Conclusion::Unsafe } else { Conclusion::Safe };
                counts.add(is_unsafe, said, 1);
            }
            let Interval { low, high } = f1(&counts).unwrap().interval;
            covered += u32::from((low..=high).contains(&truth));
        }
        assert!((1_860..=1_940).contains(&covered), "{covered} of 2,000");
    }
}
