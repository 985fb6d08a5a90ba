//! The flags that choose a policy and the stages that apply it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::Failure;
use crate::constitution::Policy;
use crate::judge::decision::PAPER;
use crate::pipeline::Switches;

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
        Policy::load(&self.constitution, self.lock.as_deref(), PAPER).map_err(Failure::input)
    }

    pub(super) fn switches(&self) -> Switches {
        Switches { prior: !self.without.contains(&Stage::Prior) }
    }

    /// The stages left out, for the run's manifest.
    pub(super) fn without(&self) -> String {
        let names = self.without.iter().filter_map(Stage::to_possible_value);
        names.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(",")
    }
}
