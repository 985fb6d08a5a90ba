//! What people say of the images, where they do, and how each judge fares against it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::eval::{Confusion, Interval, wilson};
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
    pub images: u32,
    /// Of which the judge said what the label says.
    pub right: u32,
    /// Unsafe by the label.
    pub unsafe_images: u32,
    /// Unsafe by label and judge.
    pub found: u32,
    /// Unsafe by the judge.
    pub flagged: u32,
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
        let mut counts = Confusion::default();
        said.for_each(|(is_unsafe, conclusion)| counts.add(is_unsafe, conclusion, 1));
        let right = counts.true_unsafe + counts.true_safe;
        Self {
            images: counts.images(),
            right,
            unsafe_images: counts.unsafe_images(),
            found: counts.true_unsafe,
            flagged: counts.true_unsafe + counts.false_unsafe,
            accuracy: counts.accuracy(),
            accuracy_interval: wilson(right.into(), counts.images().into()),
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
        }
    }
}

/// Whether a conclusion is what the label says; what is not settled never is.
pub(super) fn is_right(is_unsafe: bool, said: Conclusion) -> bool {
    said == if is_unsafe { Conclusion::Unsafe } else { Conclusion::Safe }
}
