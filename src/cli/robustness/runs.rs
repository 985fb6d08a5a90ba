//! A run folder for the pictures as they are, and one for each perturbation, so that whatever reads runs
//! reads these.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::Failure;
use crate::robustness::Perturbation;
use crate::store::{RunFolder, RunManifest, Spending};
use crate::verdict::Verdict;

/// The folder of the pictures as they are.
const AS_IS: &str = "as-is";

/// The folders by the name of what was done; under several seeds noise has one for each.
pub(super) struct Runs {
    folders: BTreeMap<String, RunFolder>,
    several_seeds: bool,
}

impl Runs {
    /// Makes the folders under `path`, each with the name of its perturbation and its seeds in its manifest.
    pub(super) fn create(
        path: &Path,
        perturbations: &[Perturbation],
        seeds: &[u64],
        manifest: &RunManifest,
    ) -> Result<Self, Failure> {
        let mut runs = Self { folders: BTreeMap::new(), several_seeds: seeds.len() > 1 };
        let forms = perturbations.iter().flat_map(|one| {
            // One folder for all seeds of what chance has no part in.
            let seeds = if one.is_random() { seeds } else { &seeds[..1] };
            seeds.iter().map(move |seed| (Some(one), Some(*seed)))
        });
        for (perturbation, seed) in std::iter::once((None, None)).chain(forms) {
            let name = runs.name(perturbation, seed);
            let mut manifest = manifest.clone();
            let what = perturbation.map_or_else(|| AS_IS.to_owned(), Perturbation::to_string);
            manifest.settings.insert("perturbation".to_owned(), what);
            if let (Some(seed), true) = (seed, perturbation.is_some_and(Perturbation::is_random)) {
                manifest.settings.insert("seed".to_owned(), seed.to_string());
            }
            let folder = RunFolder::create(&path.join(&name), &manifest)?;
            runs.folders.insert(name, folder);
        }
        Ok(runs)
    }

    /// Keeps a verdict of one run.
    pub(super) fn append(
        &mut self,
        perturbation: Option<&Perturbation>,
        seed: Option<u64>,
        verdict: &Verdict,
    ) -> Result<(), Failure> {
        match self.folders.get_mut(&self.name(perturbation, seed)) {
            Some(folder) => Ok(folder.append(verdict)?),
            None => Ok(()),
        }
    }

    /// Keeps what the run has cost, all forms together, beside the pictures as they are.
    pub(super) fn keep_spending(&self, spending: &Spending) -> Result<(), Failure> {
        match self.folders.get(AS_IS) {
            Some(folder) => Ok(folder.keep_spending(spending)?),
            None => Ok(()),
        }
    }

    /// A folder's name: `as-is`, `jpeg-50`, `noise-0.05-seed-2024`.
    fn name(&self, perturbation: Option<&Perturbation>, seed: Option<u64>) -> String {
        let Some(perturbation) = perturbation else { return AS_IS.to_owned() };
        let name = folder(perturbation);
        match seed {
            Some(seed) if self.several_seeds && perturbation.is_random() => {
                format!("{name}-seed-{seed}")
            }
            _ => name,
        }
    }
}

/// A perturbation's name where only letters, digits and points may stand.
pub(super) fn folder(perturbation: &Perturbation) -> String {
    let allowed = |c: char| c.is_alphanumeric() || c == '.';
    perturbation.to_string().chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}
