//! The flags that choose a policy and the stages that apply it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::Failure;
use crate::constitution::{Policy, lock_path};
use crate::pipeline::Switches;
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
    /// Leave stages out, to see what each does
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STAGES")]
    without: Vec<Stage>,
}

/// A stage that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Debiasing by the language prior; M is then cut at one half
    Prior,
}

impl PolicyArgs {
    /// Reads the constitution and its lock; a stale lock is an error.
    pub(super) fn load(&self) -> Result<Policy, Failure> {
        Policy::load(&self.constitution, self.lock.as_deref()).map_err(Failure::input)
    }

    pub(super) fn switches(&self) -> Switches {
        Switches { prior: !self.without.contains(&Stage::Prior) }
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        let lock = self.lock.clone().unwrap_or_else(|| lock_path(&self.constitution));
        let without = self.without.iter().filter_map(Stage::to_possible_value);
        let without: Vec<String> = without.map(|value| value.get_name().to_owned()).collect();
        [
            ("constitution", self.constitution.display().to_string()),
            ("lock", lock.display().to_string()),
            ("without", without.join(",")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
