//! Counting verdicts against labels.
//!
//! What was not settled is never counted as right: an undetermined image that is unsafe was missed,
//! one that is safe was not recognised as such.

use serde::Serialize;

use crate::dataset::Label;
use crate::verdict::{Conclusion, Verdict};

/// Images by what they are and what was said of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
    /// Counts one image, `times` over: resampling draws some more than once.
    pub fn add(&mut self, is_unsafe: bool, said: Conclusion, times: u32) {
        let count = match (is_unsafe, said) {
            (true, Conclusion::Unsafe) => &mut self.true_unsafe,
            (false, Conclusion::Unsafe) => &mut self.false_unsafe,
            (true, Conclusion::Safe) => &mut self.false_safe,
            (false, Conclusion::Safe) => &mut self.true_safe,
            (true, Conclusion::Undetermined | Conclusion::Failed) => &mut self.open_unsafe,
            (false, Conclusion::Undetermined | Conclusion::Failed) => &mut self.open_safe,
        };
        *count += times;
    }

    /// All images.
    pub fn images(&self) -> u32 {
        self.unsafe_images() + self.safe_images()
    }

    /// Images that are unsafe.
    pub fn unsafe_images(&self) -> u32 {
        self.true_unsafe + self.false_safe + self.open_unsafe
    }

    /// Images that are safe.
    pub fn safe_images(&self) -> u32 {
        self.false_unsafe + self.true_safe + self.open_safe
    }

    /// Share of the unsafe images that were said to be.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.true_unsafe, self.unsafe_images())
    }

    /// Share of the safe images that were said to be.
    pub fn specificity(&self) -> Option<f64> {
        ratio(self.true_safe, self.safe_images())
    }

    /// Share of the images said to be unsafe that are.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_unsafe, self.true_unsafe + self.false_unsafe)
    }

    /// Share of all images of which the right was said.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.true_unsafe + self.true_safe, self.images())
    }

    /// Mean of recall and specificity: a half for whoever says the same of all images.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        Some(f64::midpoint(self.recall()?, self.specificity()?))
    }

    /// Harmonic mean of precision and recall, of the unsafe images.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
    /// Counts one image. An image without a label is not counted, and one that nobody has looked at
    /// rule by rule not by rules.
    pub fn add(&mut self, label: &Label, verdict: &Verdict) {
        if let Some(is_unsafe) = label.is_unsafe() {
            self.images.add(is_unsafe, verdict.verdict, 1);
        }
        let Some(violated) = &label.violated else { return };
        self.violations += count(violated.len());
        let found = verdict.violated.iter().filter(|rule| violated.contains(*rule)).count();
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
            counted.add(true, said, 1);
        }
        counted.add(false, Conclusion::Unsafe, 1);
        counted.add(false, Conclusion::Undetermined, 1);
        counted.add(false, Conclusion::Safe, 4);
        assert_eq!(counted.recall(), Some(0.5));
        assert_eq!(counted.specificity(), Some(2.0 / 3.0));
        assert_eq!(counted.precision(), Some(2.0 / 3.0));
        assert_eq!(counted.accuracy(), Some(0.6));
        assert_eq!(counted.f1(), Some(4.0 / 7.0));
        assert_eq!(counted.undetermined(), Some(0.2));
        assert_eq!(Confusion::default().recall(), None);
    }
}
