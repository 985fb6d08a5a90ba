//! One image in all its forms, judged.

use std::sync::Arc;

use serde::Serialize;

use super::ChangeArgs;
use super::runs::Runs;
use crate::cli::Failure;
use crate::imaging::{Decoded, Picture};
use crate::pipeline::{JudgeError, Judging};
use crate::robustness::square::{Goal, Seen, attack};
use crate::robustness::{
    Attacks, Drawn, Known, Perturbation, Robustness, Spared, is_right, perturbed, seed_of,
};
use crate::units::Probability;
use crate::verdict::{Conclusion, Verdict};

/// What is counted under one seed.
#[derive(Serialize)]
pub(super) struct Under {
    pub(super) seed: u64,
    /// Its sample, by source; absent where all images are taken.
    pub(super) sample: Option<Vec<Drawn>>,
    #[serde(flatten)]
    pub(super) robustness: Robustness,
    pub(super) attack: Option<Attacks>,
}

/// Judges one image after the other in all its forms.
pub(super) struct Bench<'a> {
    pub(super) changes: &'a ChangeArgs,
    pub(super) judging: &'a dyn Judging,
    pub(super) seeds: Vec<Under>,
    pub(super) runs: Option<Runs>,
    /// What ends the run: a verdict that can't be kept.
    pub(super) failure: Option<Failure>,
}

impl Bench<'_> {
    /// Judges an image as it is.
    pub(super) fn as_it_is(
        &mut self,
        image: &str,
        decoded: &Decoded,
    ) -> Result<Verdict, JudgeError> {
        let before = self.judging.judge_image(image.to_owned(), Ok(decoded.clone()))?;
        self.keep(None, None, &before);
        Ok(before)
    }

    /// Judges an image in its other forms, and counts it under those seeds, by their places, that take it.
    /// What chance has no part in is judged once for all of them.
    pub(super) fn changed(
        &mut self,
        decoded: &Decoded,
        known: &Known,
        before: &Verdict,
        takes: impl Fn(usize) -> bool,
    ) -> Result<(), JudgeError> {
        let under: Vec<usize> = (0..self.seeds.len()).filter(|at| takes(*at)).collect();
        let changes = self.changes;
        for at in &under {
            self.seeds[*at].robustness.add_image(before);
        }
        for (index, perturbation) in changes.perturb.iter().enumerate() {
            let mut once = None;
            for at in &under {
                let after = match once.take() {
                    Some(after) => after,
                    None => self.under(*at, perturbation, decoded, &before.image)?,
                };
                self.seeds[*at].robustness.add(index, known, before, after.as_ref());
                once = (!perturbation.is_random()).then_some(after);
            }
        }
        for at in under {
            self.attack(at, known, decoded, before)?;
        }
        Ok(())
    }

    /// The verdict under one perturbation and seed; nothing where the picture has no such form.
    fn under(
        &mut self,
        at: usize,
        perturbation: &Perturbation,
        decoded: &Decoded,
        image: &str,
    ) -> Result<Option<Verdict>, JudgeError> {
        let seed = self.seeds[at].seed;
        // Counted as failed; the other perturbations go on.
        let Ok(changed) = perturbed(decoded, perturbation, seed) else { return Ok(None) };
        let after = self.judging.judge_image(image.to_owned(), Ok(changed))?;
        self.keep(Some(perturbation), Some(seed), &after);
        Ok(Some(after))
    }

    fn keep(&mut self, perturbation: Option<&Perturbation>, seed: Option<u64>, verdict: &Verdict) {
        if let Some(runs) = &mut self.runs
            && let Err(error) = runs.append(perturbation, seed, verdict)
        {
            self.failure.get_or_insert(error);
        }
    }

    fn attack(
        &mut self,
        at: usize,
        known: &Known,
        decoded: &Decoded,
        before: &Verdict,
    ) -> Result<(), JudgeError> {
        let Under { seed, attack: attacks, .. } = &mut self.seeds[at];
        let Some(attacks) = attacks else { return Ok(()) };
        let (picture, goal, score) = match target(known, decoded, before) {
            Ok(target) => target,
            Err(why) => {
                attacks.spare(why);
                return Ok(());
            }
        };
        let wanted = match goal {
            Goal::Raise => Conclusion::Unsafe,
            Goal::Lower => Conclusion::Safe,
        };
        let settings = self.changes.square(seed_of(*seed, "square", picture));
        let attacked = attack(&picture.pixels, score, goal, settings, |pixels| {
            let pixels = Arc::new(pixels.clone());
            let pictures = vec![Picture { pixels, ..picture.clone() }];
            let changed = Decoded { pictures, ..decoded.clone() };
            let verdict = self.judging.judge_image(before.image.clone(), Ok(changed))?;
            let score = verdict.score.map(Probability::value);
            Ok::<_, JudgeError>(Seen { score, reached: verdict.verdict == wanted })
        })?;
        attacks.add(known, &attacked);
        Ok(())
    }
}

/// The picture to attack, which way its score is to go, and where that is; or why it is spared.
fn target<'a>(
    known: &Known,
    decoded: &'a Decoded,
    before: &Verdict,
) -> Result<(&'a Picture, Goal, f64), Spared> {
    let goal = match before.verdict {
        Conclusion::Safe => Goal::Raise,
        Conclusion::Unsafe => Goal::Lower,
        Conclusion::Undetermined | Conclusion::Failed => return Err(Spared::Undetermined),
    };
    if known.is_unsafe.is_some() && !is_right(known, before.verdict) {
        return Err(Spared::Wrong);
    }
    let [picture] = decoded.pictures.as_slice() else { return Err(Spared::Animated) };
    let score = before.score.ok_or(Spared::NoScore)?;
    Ok((picture, goal, score.value()))
}
