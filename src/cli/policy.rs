//! The flags that choose a policy.

use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use crate::constitution::{Policy, lock_path};
use crate::store::Settings;

/// By what is judged, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policy")]
pub(super) struct PolicyArgs {
    /// The constitution: a YAML file of rules
    #[arg(short, long, value_name = "YAML")]
    constitution: PathBuf,
    /// Its compiled form [default: the constitution's name with `.lock.yaml`]
    #[arg(long, value_name = "YAML")]
    lock: Option<PathBuf>,
}

impl PolicyArgs {
    /// The policy of a command that does not always need one.
    pub(super) fn new(constitution: PathBuf, lock: Option<PathBuf>) -> Self {
        Self { constitution, lock }
    }

    /// Reads the constitution and its lock; a stale lock is an error.
    pub(super) fn load(&self) -> Result<Policy, Failure> {
        Policy::load(&self.constitution, self.lock.as_deref()).map_err(Failure::input)
    }

    /// The same; a judge that knows rules by their names alone needs no lock where there is none.
    pub(super) fn load_for(&self, names_only: bool) -> Result<Policy, Failure> {
        let locked = self.lock.is_some() || lock_path(&self.constitution).exists();
        if locked || !names_only {
            return self.load();
        }
        Policy::of_names(&self.constitution).map_err(Failure::input)
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        let lock = self.lock.clone().unwrap_or_else(|| lock_path(&self.constitution));
        [
            ("constitution", self.constitution.display().to_string()),
            ("lock", lock.display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
