//! A run folder for the pictures as they are, and one for each perturbation, so that whatever reads runs
//! reads these.

use std::path::Path;

use super::super::Failure;
use crate::robustness::Perturbation;
use crate::store::{RunFolder, RunManifest};
use crate::verdict::Verdict;

/// The folder of the pictures as they are.
const AS_IS: &str = "as-is";

/// The folders, that of the pictures as they are first.
pub(super) struct Runs(Vec<RunFolder>);

impl Runs {
    /// Makes the folders under `path`, each with the name of its perturbation in its manifest.
    pub(super) fn create(
        path: &Path,
        perturbations: &[Perturbation],
        manifest: &RunManifest,
    ) -> Result<Self, Failure> {
        let create = |name: String| -> Result<RunFolder, Failure> {
            let folder = path.join(folder_name(&name));
            let mut manifest = manifest.clone();
            manifest.settings.insert("perturbation".to_owned(), name);
            Ok(RunFolder::create(&folder, &manifest)?)
        };
        let names = std::iter::once(AS_IS.to_owned())
            .chain(perturbations.iter().map(Perturbation::to_string));
        Ok(Self(names.map(create).collect::<Result<_, _>>()?))
    }

    /// Keeps a verdict of one run.
    pub(super) fn append(&mut self, run: usize, verdict: &Verdict) -> Result<(), Failure> {
        match self.0.get_mut(run) {
            Some(folder) => Ok(folder.append(verdict)?),
            None => Ok(()),
        }
    }
}

/// A perturbation's name as a folder can have it: `jpeg-50`.
fn folder_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '-' }).collect()
}
