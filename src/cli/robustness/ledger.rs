//! What is counted and kept of images in all their forms.

use serde::Serialize;

use super::bench::Changed;
use super::runs::Runs;
use crate::cli::Failure;
use crate::robustness::{Attacks, Drawn, Known, Perturbation, Robustness};
use crate::verdict::Verdict;

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

/// Counts images in their order, and keeps their verdicts where they are to be kept.
pub(super) struct Ledger<'a> {
    pub(super) perturbations: &'a [Perturbation],
    pub(super) seeds: Vec<Under>,
    pub(super) runs: Option<Runs>,
}

impl Ledger<'_> {
    /// Keeps the verdict of an image as it is.
    pub(super) fn keep_as_it_is(&mut self, before: &Verdict) -> Result<(), Failure> {
        self.runs.as_mut().map_or(Ok(()), |runs| runs.append(None, None, before))
    }

    /// Counts an image that was judged in its other forms, under every seed that takes it, and keeps their
    /// verdicts.
    pub(super) fn count(
        &mut self,
        known: &Known,
        before: &Verdict,
        changed: &Changed,
    ) -> Result<(), Failure> {
        for at in &changed.seeds {
            self.seeds[*at].robustness.add_image(before);
        }
        for form in &changed.forms {
            let after = form.verdict.as_ref();
            for at in &form.seeds {
                self.seeds[*at].robustness.add(form.perturbation, known, before, after);
            }
            if let (Some(runs), Some(after)) = (&mut self.runs, after) {
                let seed = form.seeds.first().map(|at| self.seeds[*at].seed);
                runs.append(Some(&self.perturbations[form.perturbation]), seed, after)?;
            }
        }
        for (at, came_to) in &changed.attacks {
            match (&mut self.seeds[*at].attack, came_to) {
                (Some(attacks), Ok(attacked)) => attacks.add(known, attacked),
                (Some(attacks), Err(why)) => attacks.spare(*why),
                (None, _) => {}
            }
        }
        Ok(())
    }
}
