//! What the labels of a sample say of the whole run.
//!
//! Every image of a part stands for size / labelled images of it. An undetermined image is never
//! counted as safe: it is a column of its own, is not flagged when recall is counted, and is part of
//! the whole when the share of unsafe images is.

use serde::Serialize;

use super::filled::{Answer, Label};
use super::sheet::Plan;
use super::strata::Member;
use crate::eval::stratified::{Shares, Stratum};
use crate::eval::{Estimate, rogan_gladen, share_of};
use crate::verdict::Conclusion;

/// The seed of the resampling, so that the same labels give the same intervals.
const SEED: u64 = 20_251_124;

/// What all images come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageEstimates {
    /// Share of unsafe images in the run.
    pub prevalence: Option<Estimate>,
    /// The same if every image labelled `unsure` were safe, and if each were unsafe; absent without
    /// such labels.
    pub prevalence_if_unsure: Option<(f64, f64)>,
    /// Share of the images that the run flags, counted and not estimated.
    pub flagged: f64,
    /// The share of unsafe images computed back from it by sensitivity and specificity.
    pub corrected: Option<Estimate>,
    /// Why it can't be.
    pub not_corrected: Option<String>,
    /// Share of the flagged images that are unsafe.
    pub precision: Option<Estimate>,
    /// Share of the unsafe images that are flagged: sensitivity.
    pub recall: Option<Estimate>,
    /// Share of the unsafe images that are flagged or left to a person.
    pub recall_with_review: Option<Estimate>,
    /// Share of the safe images that are not flagged.
    pub specificity: Option<Estimate>,
    /// One row a conclusion.
    pub conclusions: Vec<ConclusionEstimate>,
}

impl ImageEstimates {
    /// Images of which praetor could not say.
    pub fn undetermined(&self) -> usize {
        let open = self.conclusions.iter().find(|one| one.conclusion == Conclusion::Undetermined);
        open.map_or(0, |one| one.images)
    }
}

/// The images of one conclusion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConclusionEstimate {
    /// Which.
    pub conclusion: Conclusion,
    /// How many images have it.
    pub images: usize,
    /// How many of them are labelled `yes` or `no`.
    pub labelled: usize,
    /// How many of these are unsafe.
    pub labelled_unsafe: usize,
    /// The share of unsafe images among all of them.
    pub share_unsafe: Option<Estimate>,
}

/// The labelled parts of a run.
#[derive(Clone, Debug)]
pub struct Parts {
    strata: Vec<(Stratum, Conclusion)>,
    /// For each part of the plan, the one above that stands for it.
    stands_for: Vec<Option<usize>>,
    /// Images of parts that no labelled part can stand for.
    pub uncovered: usize,
    /// Parts without labels that another of the same conclusion stands for.
    pub merged: usize,
}

impl Parts {
    /// Counts the labels; `unsure` is what becomes of images nobody is sure of.
    pub fn count(plan: &Plan, labels: &[Label], unsure: Option<bool>) -> Self {
        let mut counts = vec![(0, 0); plan.strata.len()];
        for (image, label) in plan.sample.iter().zip(labels) {
            if let Some(positive) = is_unsafe(label, unsure) {
                counts[image.stratum].0 += 1;
                counts[image.stratum].1 += usize::from(positive);
            }
        }
        let stands_in: Vec<Option<usize>> =
            (0..plan.strata.len()).map(|part| stand_in(plan, &counts, part)).collect();
        let labelled: Vec<usize> =
            (0..plan.strata.len()).filter(|part| counts[*part].0 > 0).collect();
        let place = |part: usize| labelled.iter().position(|one| *one == part);
        let strata = labelled.iter().map(|&part| {
            let stood_for = (0..plan.strata.len()).filter(|one| stands_in[*one] == Some(part));
            let size = stood_for.map(|one| plan.strata[one].images).sum();
            let (labelled, positive) = counts[part];
            let key = &plan.strata[part].key;
            // Alike are parts of one conclusion and band, and all of a conclusion without bands.
            let group = key.conclusion as usize * 8 + key.band.map_or(7, |band| band.min(6));
            (Stratum { size, labelled, positive, group }, key.conclusion)
        });
        let alone = |part: &usize| stands_in[*part].is_none();
        Self {
            strata: strata.collect(),
            stands_for: stands_in.iter().map(|part| part.and_then(place)).collect(),
            uncovered: (0..plan.strata.len())
                .filter(alone)
                .map(|one| plan.strata[one].images)
                .sum(),
            merged: (0..plan.strata.len())
                .filter(|part| stands_in[*part].is_some_and(|other| other != *part))
                .count(),
        }
    }

    /// How many images a labelled image of a part of the plan stands for.
    pub fn weight(&self, stratum: usize) -> Option<f64> {
        let (part, _) = self.strata[self.stands_for[stratum]?];
        Some(share_of(part.size, part.labelled))
    }

    /// Estimates the share of unsafe images alone.
    pub fn prevalence(&self) -> Option<Estimate> {
        Shares::of(&self.stratum_list(), SEED).estimate(|shares| self.ratio(shares, |_| true))
    }

    fn stratum_list(&self) -> Vec<Stratum> {
        self.strata.iter().map(|(stratum, _)| *stratum).collect()
    }

    /// The share of unsafe images among those with some conclusions.
    fn ratio(&self, shares: &[f64], of: impl Fn(Conclusion) -> bool) -> Option<f64> {
        divided(self.total(shares, &of), self.total(&vec![1.0; shares.len()], &of))
    }

    fn total(&self, shares: &[f64], of: impl Fn(Conclusion) -> bool) -> f64 {
        let parts = self.strata.iter().zip(shares).filter(|((_, conclusion), _)| of(*conclusion));
        parts.map(|((stratum, _), share)| share_of(stratum.size, 1) * share).sum()
    }
}

/// Which part stands for a part: itself if it has labels, else the one of the same conclusion that
/// is nearest to it, by band and then by the number of labels.
fn stand_in(plan: &Plan, counts: &[(usize, usize)], part: usize) -> Option<usize> {
    if counts[part].0 > 0 {
        return Some(part);
    }
    let key = &plan.strata[part].key;
    let others = (0..plan.strata.len()).filter(|other| {
        counts[*other].0 > 0 && plan.strata[*other].key.conclusion == key.conclusion
    });
    others.max_by_key(|other| (plan.strata[*other].key.band == key.band, counts[*other].0))
}

fn is_unsafe(label: &Label, unsure: Option<bool>) -> Option<bool> {
    match label.answer? {
        Answer::Yes => Some(true),
        Answer::No => Some(false),
        Answer::Unsure => unsure,
    }
}

fn divided(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| (part / whole).clamp(0.0, 1.0))
}

/// Estimates everything that is said of images.
pub fn images(plan: &Plan, labels: &[Label], members: &[Member]) -> ImageEstimates {
    let parts = Parts::count(plan, labels, None);
    let drawn = Shares::of(&parts.stratum_list(), SEED);
    let is = |wanted: Conclusion| move |conclusion: Conclusion| conclusion == wanted;
    let flags = is(Conclusion::Unsafe);
    let caught = |one: Conclusion| one != Conclusion::Safe;
    let of_unsafe = |shares: &[f64], of: &dyn Fn(Conclusion) -> bool| {
        divided(parts.total(shares, of), parts.total(shares, |_| true))
    };
    let specificity = |shares: &[f64]| {
        let safe: Vec<f64> = shares.iter().map(|share| 1.0 - share).collect();
        divided(parts.total(&safe, |one| one != Conclusion::Unsafe), parts.total(&safe, |_| true))
    };
    let flagged = share_of(of(members, Conclusion::Unsafe), members.len());
    let back = |shares: &[f64]| {
        let (sensitivity, specificity) = (of_unsafe(shares, &flags)?, specificity(shares)?);
        Some(rogan_gladen(flagged, sensitivity, specificity))
    };
    let observed = drawn.observed();
    ImageEstimates {
        prevalence: drawn.estimate(|shares| parts.ratio(shares, |_| true)),
        prevalence_if_unsure: if_unsure(plan, labels),
        flagged,
        corrected: drawn.estimate(|shares| back(shares)?.ok()),
        not_corrected: match back(observed) {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(error.to_string()),
            None => Some("can't be said: no unsafe or no safe image is labelled".to_owned()),
        },
        precision: drawn.estimate(|shares| parts.ratio(shares, flags)),
        recall: drawn.estimate(|shares| of_unsafe(shares, &flags)),
        recall_with_review: drawn.estimate(|shares| of_unsafe(shares, &caught)),
        specificity: drawn.estimate(specificity),
        conclusions: [Conclusion::Unsafe, Conclusion::Undetermined, Conclusion::Safe]
            .into_iter()
            .map(|conclusion| {
                let own = || parts.strata.iter().filter(|(_, one)| *one == conclusion);
                ConclusionEstimate {
                    conclusion,
                    images: of(members, conclusion),
                    labelled: own().map(|(stratum, _)| stratum.labelled).sum(),
                    labelled_unsafe: own().map(|(stratum, _)| stratum.positive).sum(),
                    share_unsafe: drawn.estimate(|shares| parts.ratio(shares, is(conclusion))),
                }
            })
            .collect(),
    }
}

fn of(members: &[Member], conclusion: Conclusion) -> usize {
    members.iter().filter(|member| member.conclusion == conclusion).count()
}

fn if_unsure(plan: &Plan, labels: &[Label]) -> Option<(f64, f64)> {
    labels.iter().find(|label| label.answer == Some(Answer::Unsure))?;
    let share = |unsure| Some(Parts::count(plan, labels, Some(unsure)).prevalence()?.value);
    Some((share(false)?, share(true)?))
}
