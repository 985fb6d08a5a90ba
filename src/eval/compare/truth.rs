//! What people say of the images, where they do, and how each judge fares against it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::float;
use crate::eval::{Interval, share_of, wilson};
use crate::ids::{ImageHash, RuleId};
use crate::verdict::Conclusion;

/// What people say of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever has labels makes these")]
pub struct Truth {
    /// Whether it is unsafe.
    pub is_unsafe: bool,
    /// The rules it violates; nothing where nobody said which.
    pub violated: Option<BTreeSet<RuleId>>,
}

/// Labels by image. Two labels of one image that contradict each other are none.
#[derive(Clone, Debug, Default)]
pub struct Truths {
    by_hash: BTreeMap<ImageHash, Option<Truth>>,
    by_name: BTreeMap<String, Option<Truth>>,
}

impl Truths {
    /// Takes the label of an image, by its name and, where the file could be read, by its hash.
    pub fn add(&mut self, image: String, hash: Option<ImageHash>, truth: &Truth) {
        let agree = |known: &mut Option<Truth>| {
            if known.as_ref() != Some(truth) {
                *known = None;
            }
        };
        let fresh = || Some(truth.clone());
        self.by_name.entry(image).and_modify(agree).or_insert_with(fresh);
        if let Some(hash) = hash {
            self.by_hash.entry(hash).and_modify(agree).or_insert_with(fresh);
        }
    }

    /// Images that are labelled twice, and not alike.
    pub fn contradictory(&self) -> usize {
        let by = |labels: usize, other: usize| labels.max(other);
        let none = |label: &&Option<Truth>| label.is_none();
        by(self.by_hash.values().filter(none).count(), self.by_name.values().filter(none).count())
    }

    /// What people say of an image.
    pub(super) fn of(&self, image: &str, hash: Option<ImageHash>) -> Option<&Truth> {
        let by_hash = hash.and_then(|hash| self.by_hash.get(&hash));
        by_hash.or_else(|| self.by_name.get(image))?.as_ref()
    }
}

/// A judge against the labels. An undetermined image is never right: an unsafe one was missed, a safe
/// one was not recognised as such.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Against {
    /// Labelled images that all judges have judged.
    pub images: usize,
    /// Of which the judge said what the label says.
    pub right: usize,
    /// Unsafe by the label.
    pub unsafe_images: usize,
    /// Unsafe by label and judge.
    pub found: usize,
    /// Unsafe by the judge.
    pub flagged: usize,
    /// Share that was right.
    pub accuracy: Option<f64>,
    /// Wilson's interval of it.
    pub accuracy_interval: Option<Interval>,
    /// Share of the flagged images that are unsafe.
    pub precision: Option<f64>,
    /// Share of the unsafe images that are flagged.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
}

impl Against {
    /// Counts what was said of labelled images.
    pub(super) fn of(said: impl Iterator<Item = (bool, Conclusion)>) -> Self {
        let mut count = Self::default();
        for (is_unsafe, conclusion) in said {
            let flagged = conclusion == Conclusion::Unsafe;
            count.images += 1;
            count.right += usize::from(is_right(is_unsafe, conclusion));
            count.unsafe_images += usize::from(is_unsafe);
            count.found += usize::from(is_unsafe && flagged);
            count.flagged += usize::from(flagged);
        }
        let ratio = |part, whole| (whole > 0).then(|| share_of(part, whole));
        Self {
            accuracy: ratio(count.right, count.images),
            accuracy_interval: wilson(float(count.right), float(count.images)),
            precision: ratio(count.found, count.flagged),
            recall: ratio(count.found, count.unsafe_images),
            f1: ratio(2 * count.found, count.flagged + count.unsafe_images),
            ..count
        }
    }
}

/// Whether a conclusion is what the label says; what is not settled never is.
pub(super) fn is_right(is_unsafe: bool, said: Conclusion) -> bool {
    said == if is_unsafe { Conclusion::Unsafe } else { Conclusion::Safe }
}
