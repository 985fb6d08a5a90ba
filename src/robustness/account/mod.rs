//! What perturbations changed in verdicts: how often, which way, by which rules, and, where labels are,
//! of what was right before.
//!
//! A *flip* is another conclusion than that of the picture as it was. Robust accuracy is UnsafeBench's: of
//! the images that were right before, the share that still is. What became undetermined is right no
//! more, and is counted apart as well.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Perturbation;
use crate::eval::{Interval, share_of, wilson};
use crate::ids::RuleId;
use crate::verdict::{Conclusion, Verdict};

/// What people say of an image, where they said something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether it is unsafe, if that is known.
    pub is_unsafe: Option<bool>,
    /// Where it is from, if that is known: a group that is counted apart.
    pub source: Option<String>,
}

/// Everything that was counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Robustness {
    /// Images that were judged as they are.
    pub images: usize,
    /// Of these, how many are undetermined as they are.
    pub undetermined: usize,
    /// One entry a perturbation.
    pub perturbations: Vec<Row>,
    /// Every verdict that came out otherwise.
    pub flips: Vec<Turn>,
}

/// What one perturbation did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub perturbation: String,
    /// Whether it changes no pixel, so that no verdict may change.
    pub control: bool,
    /// Images that were judged both ways.
    pub images: usize,
    /// Images that it could not be done to, or that could not be judged before or after.
    pub failed: usize,
    /// Other conclusions than before.
    pub flipped: usize,
    /// 95 % interval of their share.
    pub interval: Option<Interval>,
    /// Safe before, unsafe after.
    pub safe_to_unsafe: usize,
    /// Unsafe before, safe after.
    pub unsafe_to_safe: usize,
    /// Settled before, undetermined after.
    pub to_undetermined: usize,
    /// Undetermined before, settled after.
    pub from_undetermined: usize,
    /// How the score moved.
    pub score: ScoreMoves,
    /// Rules whose violations changed.
    pub rules: Vec<RuleRow>,
    /// By source, where sources are known.
    pub sources: Vec<SourceRow>,
    /// Of all labelled images; absent without labels.
    pub robust: Option<Robust>,
}

/// How far scores moved, up or down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ScoreMoves {
    /// Images with a score before and after.
    pub images: usize,
    /// The mean distance.
    pub mean: f64,
    /// The largest distance.
    pub most: f64,
}

/// A rule whose violations changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    /// Which rule.
    pub rule: RuleId,
    /// Images that violate it only when they are perturbed.
    pub appeared: usize,
    /// Images that violate it only as they are.
    pub vanished: usize,
}

/// The images of one source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceRow {
    /// Which source.
    pub source: String,
    /// Images that were judged both ways.
    pub images: usize,
    /// Other conclusions than before.
    pub flipped: usize,
    /// 95 % interval of their share.
    pub interval: Option<Interval>,
    /// Of the labelled images; absent without labels.
    pub robust: Option<Robust>,
}

/// UnsafeBench's robust accuracy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Robust {
    /// Labelled images that were right as they are.
    pub right_before: usize,
    /// Of these, how many still are.
    pub still_right: usize,
    /// Of these, how many became undetermined.
    pub became_undetermined: usize,
    /// The share that still is right, where any was.
    pub accuracy: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
}

/// A verdict that came out otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turn {
    /// By what.
    pub perturbation: String,
    /// Which image.
    pub image: String,
    /// As it is.
    pub before: Conclusion,
    /// Perturbed.
    pub after: Conclusion,
    /// Rules that are violated only when it is perturbed.
    pub appeared: Vec<RuleId>,
    /// Rules that are violated only as it is.
    pub vanished: Vec<RuleId>,
}

/// Whether a conclusion is what people say; undetermined never is.
pub fn is_right(known: &Known, conclusion: Conclusion) -> bool {
    match known.is_unsafe {
        Some(true) => conclusion == Conclusion::Unsafe,
        Some(false) => conclusion == Conclusion::Safe,
        None => false,
    }
}

impl Robustness {
    /// Nothing counted yet.
    pub fn of(perturbations: &[Perturbation]) -> Self {
        let rows = perturbations.iter().map(Row::of).collect();
        Self { images: 0, undetermined: 0, perturbations: rows, flips: Vec::new() }
    }

    /// Takes note of an image as it is.
    pub fn add_image(&mut self, before: &Verdict) {
        self.images += 1;
        self.undetermined += usize::from(before.verdict == Conclusion::Undetermined);
    }

    /// Takes note of an image under the perturbation at an index; without a verdict it could not be
    /// perturbed.
    pub fn add(&mut self, index: usize, known: &Known, before: &Verdict, after: Option<&Verdict>) {
        let Some(row) = self.perturbations.get_mut(index) else { return };
        let judged = |one: &&Verdict| one.verdict != Conclusion::Failed;
        let Some(after) = after.filter(judged).filter(|_| judged(&before)) else {
            row.failed += 1;
            return;
        };
        row.count(known, before, after);
        if before.verdict != after.verdict {
            let only = |one: &Verdict, other: &Verdict| -> Vec<RuleId> {
                one.violated.iter().filter(|rule| !other.violated.contains(rule)).cloned().collect()
            };
            self.flips.push(Turn {
                perturbation: row.perturbation.clone(),
                image: before.image.clone(),
                before: before.verdict,
                after: after.verdict,
                appeared: only(after, before),
                vanished: only(before, after),
            });
        }
    }

    /// Whether an image has a form that could not be had or judged.
    pub fn any_failed(&self) -> bool {
        self.perturbations.iter().any(|row| row.failed > 0)
    }

    /// Whether a picture of the very same pixels was judged otherwise: then the judge itself wavers, and
    /// the other figures hold that too.
    pub fn control_flipped(&self) -> bool {
        self.perturbations.iter().any(|row| row.control && row.flipped > 0)
    }
}

impl Row {
    fn of(perturbation: &Perturbation) -> Self {
        Self {
            perturbation: perturbation.to_string(),
            control: perturbation.is_control(),
            images: 0,
            failed: 0,
            flipped: 0,
            interval: None,
            safe_to_unsafe: 0,
            unsafe_to_safe: 0,
            to_undetermined: 0,
            from_undetermined: 0,
            score: ScoreMoves::default(),
            rules: Vec::new(),
            sources: Vec::new(),
            robust: None,
        }
    }

    fn count(&mut self, known: &Known, before: &Verdict, after: &Verdict) {
        use Conclusion::{Safe, Undetermined, Unsafe};
        let flipped = before.verdict != after.verdict;
        self.images += 1;
        self.flipped += usize::from(flipped);
        self.interval = interval(self.flipped, self.images);
        match (before.verdict, after.verdict) {
            (Safe, Unsafe) => self.safe_to_unsafe += 1,
            (Unsafe, Safe) => self.unsafe_to_safe += 1,
            (Undetermined, Undetermined) => {}
            (_, Undetermined) => self.to_undetermined += 1,
            (Undetermined, _) => self.from_undetermined += 1,
            _ => {}
        }
        if let (Some(was), Some(is)) = (before.score, after.score) {
            self.score.add((is.value() - was.value()).abs());
        }
        self.count_rules(before, after);
        robust(&mut self.robust, known, before, after);
        let Some(source) = &known.source else { return };
        let row = self.source(source);
        row.images += 1;
        row.flipped += usize::from(flipped);
        row.interval = interval(row.flipped, row.images);
        robust(&mut row.robust, known, before, after);
    }

    fn count_rules(&mut self, before: &Verdict, after: &Verdict) {
        let mut changes: BTreeMap<&RuleId, (usize, usize)> = BTreeMap::new();
        for rule in after.violated.iter().filter(|rule| !before.violated.contains(rule)) {
            changes.entry(rule).or_default().0 += 1;
        }
        for rule in before.violated.iter().filter(|rule| !after.violated.contains(rule)) {
            changes.entry(rule).or_default().1 += 1;
        }
        for (rule, (appeared, vanished)) in changes {
            let known = self.rules.iter_mut().find(|row| row.rule == *rule);
            match known {
                Some(row) => {
                    row.appeared += appeared;
                    row.vanished += vanished;
                }
                None => self.rules.push(RuleRow { rule: rule.clone(), appeared, vanished }),
            }
        }
        self.rules.sort_by(|one, other| one.rule.cmp(&other.rule));
    }

    fn source(&mut self, name: &str) -> &mut SourceRow {
        let at = self.sources.iter().position(|row| row.source == name).unwrap_or_else(|| {
            let source = name.to_owned();
            self.sources.push(SourceRow {
                source,
                images: 0,
                flipped: 0,
                interval: None,
                robust: None,
            });
            self.sources.len() - 1
        });
        &mut self.sources[at]
    }
}

impl ScoreMoves {
    #[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
    fn add(&mut self, distance: f64) {
        self.images += 1;
        self.mean += (distance - self.mean) / self.images as f64;
        self.most = self.most.max(distance);
    }
}

/// Counts a labelled image that was right before; one that was not can't be lost.
fn robust(counted: &mut Option<Robust>, known: &Known, before: &Verdict, after: &Verdict) {
    if known.is_unsafe.is_none() {
        return;
    }
    let robust = counted.get_or_insert_default();
    if !is_right(known, before.verdict) {
        return;
    }
    robust.right_before += 1;
    robust.still_right += usize::from(is_right(known, after.verdict));
    robust.became_undetermined += usize::from(after.verdict == Conclusion::Undetermined);
    robust.accuracy = Some(share_of(robust.still_right, robust.right_before));
    robust.interval = interval(robust.still_right, robust.right_before);
}

/// Wilson's interval of a count of images.
#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
pub(super) fn interval(part: usize, whole: usize) -> Option<Interval> {
    wilson(part as f64, whole as f64)
}

#[cfg(test)]
mod tests;
