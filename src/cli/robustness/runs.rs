//! A run folder for the pictures as they are, and one for each perturbation, so that whatever reads runs
//! reads these.

use std::path::Path;
use std::time::SystemTime;

use super::super::Failure;
use crate::constitution::Policy;
use crate::ids::ModelId;
use crate::robustness::Perturbation;
use crate::store::{RunFolder, RunManifest, Settings};
use crate::verdict::Verdict;

/// The folder of the pictures as they are.
const AS_IS: &str = "as-is";

/// The folders, that of the pictures as they are first.
pub(super) struct Runs(Vec<RunFolder>);

impl Runs {
    /// Makes the folders under `path`.
    pub(super) fn create(
        path: &Path,
        perturbations: &[Perturbation],
        (policy, model): (&Policy, &ModelId),
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let create = |name: String| -> Result<RunFolder, Failure> {
            let mut settings = settings.clone();
            settings.insert("perturbation".to_owned(), name.clone());
            settings.insert("trace".to_owned(), true.to_string());
            let manifest = RunManifest {
                praetor: env!("CARGO_PKG_VERSION").to_owned(),
                started: started.clone(),
                constitution: policy.name.clone(),
                policy: policy.hash,
                model: model.clone(),
                settings,
                machine: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            };
            Ok(RunFolder::create(&path.join(folder_name(&name)), &manifest)?)
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
