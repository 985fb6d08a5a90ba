//! One image in all its forms, judged.

use std::sync::Arc;

use image::RgbImage;

use super::ChangeArgs;
use super::labels::Labels;
use crate::imaging::{Decoded, Picture};
use crate::pipeline::{JudgeError, Judging};
use crate::robustness::square::{Attacked, Goal, Seen, attack};
use crate::robustness::{Known, Perturbation, Spared, is_right, perturbed, seed_of};
use crate::units::Probability;
use crate::verdict::{Conclusion, ImageError, Verdict};

/// Judges images in all their forms, any number of them at a time.
#[derive(Clone, Copy)]
pub(super) struct Bench<'a> {
    pub(super) changes: &'a ChangeArgs,
    pub(super) judging: &'a dyn Judging,
    /// What judges the control: it looks up no answer of the very same picture, so that a judge that wavers
    /// is seen to.
    pub(super) control: &'a dyn Judging,
    pub(super) labels: Option<&'a Labels>,
}

/// What came of an image in its other forms; seeds go by their places.
pub(super) struct Changed {
    /// The seeds that take it.
    pub(super) seeds: Vec<usize>,
    pub(super) forms: Vec<Form>,
    /// What each seed's attack came to, or why it spared the image; none without `--attack`.
    pub(super) attacks: Vec<(usize, Result<Attacked, Spared>)>,
}

/// An image in one other form.
pub(super) struct Form {
    /// Which perturbation, by its place.
    pub(super) perturbation: usize,
    /// The seeds that it counts under: one, where chance has a part in it.
    pub(super) seeds: Vec<usize>,
    /// Nothing where the picture has no such form.
    pub(super) verdict: Option<Verdict>,
}

impl Bench<'_> {
    /// What people say of an image.
    pub(super) fn known(&self, image: &str) -> Known {
        self.labels.map(|labels| labels.of(image)).unwrap_or_default()
    }

    /// Judges an image as it is. One that can't be judged is no other than one that can't be read: nothing
    /// could be said of its other forms.
    pub(super) fn as_it_is(
        &self,
        image: &str,
        decoded: &Decoded,
    ) -> Result<Result<Verdict, ImageError>, JudgeError> {
        let mut verdict = self.judging.judge_image(image.to_owned(), Ok(decoded.clone()))?;
        Ok(verdict.error.take().map_or(Ok(verdict), Err))
    }

    /// Judges an image in its other forms, under those seeds, by their places, that take it. What chance
    /// has no part in is judged once for all of them.
    pub(super) fn changed(
        &self,
        decoded: &Decoded,
        known: &Known,
        before: &Verdict,
        takes: impl Fn(usize) -> bool,
    ) -> Result<Changed, JudgeError> {
        let seeds: Vec<usize> = (0..self.changes.seed.len()).filter(|at| takes(*at)).collect();
        let mut forms = Vec::new();
        for (index, perturbation) in self.changes.perturb.iter().enumerate() {
            let together = if perturbation.is_random() { 1 } else { seeds.len().max(1) };
            for seeds in seeds.chunks(together) {
                let seed = self.changes.seed[seeds[0]];
                let verdict = self.under(seed, perturbation, decoded, &before.image)?;
                forms.push(Form { perturbation: index, seeds: seeds.to_vec(), verdict });
            }
        }
        let attacks = if self.changes.attack.is_some() { &*seeds } else { &[] };
        let attacks = attacks.iter().map(|at| {
            let seed = self.changes.seed[*at];
            Ok::<_, JudgeError>((*at, self.attack(seed, known, decoded, before)?))
        });
        let attacks = attacks.collect::<Result<_, _>>()?;
        Ok(Changed { seeds, forms, attacks })
    }

    /// The verdict under one perturbation and seed; nothing where the picture has no such form.
    fn under(
        &self,
        seed: u64,
        perturbation: &Perturbation,
        decoded: &Decoded,
        image: &str,
    ) -> Result<Option<Verdict>, JudgeError> {
        // Counted as failed; the other perturbations go on.
        let Ok(changed) = perturbed(decoded, perturbation, seed) else { return Ok(None) };
        let judging = if perturbation.is_control() { self.control } else { self.judging };
        judging.judge_image(image.to_owned(), Ok(changed)).map(Some)
    }

    fn attack(
        &self,
        seed: u64,
        known: &Known,
        decoded: &Decoded,
        before: &Verdict,
    ) -> Result<Result<Attacked, Spared>, JudgeError> {
        let (picture, goal, score) = match target((self.labels.is_some(), known), decoded, before) {
            Ok(target) => target,
            Err(why) => return Ok(Err(why)),
        };
        let wanted = match goal {
            Goal::Raise => Conclusion::Unsafe,
            Goal::Lower => Conclusion::Safe,
        };
        let settings = self.changes.square(seed_of(seed, "square", picture));
        let attacked = attack(&picture.pixels, score, goal, settings, |pixels| {
            let pixels = Arc::new(pixels.clone());
            let pictures = vec![Picture { pixels, ..picture.clone() }];
            let changed = Decoded { pictures, ..decoded.clone() };
            let verdict = self.judging.judge_image(before.image.clone(), Ok(changed))?;
            let score = verdict.score.map(Probability::value);
            Ok::<_, JudgeError>(Seen { score, reached: verdict.verdict == wanted })
        })?;
        // What is counted may wait for many images; pictures don't wait with it.
        Ok(Ok(Attacked { picture: RgbImage::new(0, 0), ..attacked }))
    }
}

/// The picture to attack, which way its score is to go, and where that is; or why it is spared. Where people
/// have said of images what they are, only those are attacked that are right by it.
fn target<'a>(
    (labelled, known): (bool, &Known),
    decoded: &'a Decoded,
    before: &Verdict,
) -> Result<(&'a Picture, Goal, f64), Spared> {
    let goal = match before.verdict {
        Conclusion::Safe => Goal::Raise,
        Conclusion::Unsafe => Goal::Lower,
        Conclusion::Undetermined | Conclusion::Failed => return Err(Spared::Undetermined),
    };
    if labelled && !is_right(known, before.verdict) {
        let unlabelled = known.is_unsafe.is_none();
        return Err(if unlabelled { Spared::Unlabelled } else { Spared::Wrong });
    }
    let [picture] = decoded.pictures.as_slice() else { return Err(Spared::Animated) };
    let score = before.score.ok_or(Spared::NoScore)?;
    Ok((picture, goal, score.value()))
}
