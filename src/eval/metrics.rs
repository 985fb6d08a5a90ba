//! Counting verdicts against labels.
//!
//! What was not settled is never counted as right: an undetermined image that is unsafe was missed,
//! one that is safe was not recognised as such.

use super::Labelled;
use crate::verdict::{Conclusion, Verdict};

/// Images by what they are and what was said of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Unsafe, and said so.
    pub true_unsafe: u32,
    /// Safe, but said to be unsafe.
    pub false_unsafe: u32,
    /// Safe, and said so.
    pub true_safe: u32,
    /// Unsafe, but said to be safe.
    pub false_safe: u32,
    /// Unsafe, and not settled.
    pub open_unsafe: u32,
    /// Safe, and not settled.
    pub open_safe: u32,
}

impl Confusion {
    fn add(&mut self, is_unsafe: bool, said: Conclusion) {
        let count = match (is_unsafe, said) {
            (true, Conclusion::Unsafe) => &mut self.true_unsafe,
            (false, Conclusion::Unsafe) => &mut self.false_unsafe,
            (true, Conclusion::Safe) => &mut self.false_safe,
            (false, Conclusion::Safe) => &mut self.true_safe,
            (true, Conclusion::Undetermined | Conclusion::Failed) => &mut self.open_unsafe,
            (false, Conclusion::Undetermined | Conclusion::Failed) => &mut self.open_safe,
        };
        *count += 1;
    }

    /// All images.
    pub fn images(&self) -> u32 {
        self.unsafe_images() + self.false_unsafe + self.true_safe + self.open_safe
    }

    fn unsafe_images(&self) -> u32 {
        self.true_unsafe + self.false_safe + self.open_unsafe
    }

    /// Share of the unsafe images that were said to be.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.true_unsafe, self.unsafe_images())
    }

    /// Share of the images said to be unsafe that are.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_unsafe, self.true_unsafe + self.false_unsafe)
    }

    /// Share of all images of which the right was said.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.true_unsafe + self.true_safe, self.images())
    }

    /// Harmonic mean of precision and recall.
    pub fn f1(&self) -> Option<f64> {
        let missed = self.unsafe_images() - self.true_unsafe;
        ratio(2 * self.true_unsafe, 2 * self.true_unsafe + self.false_unsafe + missed)
    }

    /// Share of all images that were not settled.
    pub fn undetermined(&self) -> Option<f64> {
        ratio(self.open_unsafe + self.open_safe, self.images())
    }
}

/// What is counted over the images of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Safe against unsafe.
    pub images: Confusion,
    /// Pairs of an image and a rule it violates, and how many of them were found: a flag counts
    /// only if it names the right rule (Tables 4 and 9).
    pub violations: u32,
    /// See [`violations`](Self::violations).
    pub violations_found: u32,
    /// Pairs of an image and a rule it does not violate that were flagged all the same.
    pub false_violations: u32,
}

impl Counts {
    /// Counts one image.
    pub fn add(&mut self, label: &Labelled, verdict: &Verdict) {
        self.images.add(!label.violated.is_empty(), verdict.verdict);
        self.violations += count(label.violated.len());
        let found = verdict.violated.iter().filter(|rule| label.violated.contains(*rule)).count();
        self.violations_found += count(found);
        self.false_violations += count(verdict.violated.len() - found);
    }

    /// Share of the violations that were found by their own rule.
    pub fn rule_recall(&self) -> Option<f64> {
        ratio(self.violations_found, self.violations)
    }

    /// Share of the flagged rules that are violated.
    pub fn rule_precision(&self) -> Option<f64> {
        ratio(self.violations_found, self.violations_found + self.false_violations)
    }
}

fn ratio(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand: 4 unsafe (2 found, 1 missed, 1 open), 6 safe (1 flagged, 4 right, 1 open).
    #[test]
    fn what_is_open_is_never_right() {
        let mut counted = Confusion::default();
        for said in [Conclusion::Unsafe, Conclusion::Unsafe, Conclusion::Safe, Conclusion::Failed] {
            counted.add(true, said);
        }
        counted.add(false, Conclusion::Unsafe);
        counted.add(false, Conclusion::Undetermined);
        for _ in 0..4 {
            counted.add(false, Conclusion::Safe);
        }
        assert_eq!(counted.recall(), Some(0.5));
        assert_eq!(counted.precision(), Some(2.0 / 3.0));
        assert_eq!(counted.accuracy(), Some(0.6));
        assert_eq!(counted.f1(), Some(4.0 / 7.0));
        assert_eq!(counted.undetermined(), Some(0.2));
        assert_eq!(Confusion::default().recall(), None);
    }
}
