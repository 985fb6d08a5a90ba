//! `praetor audit`: a sample for people to label, and what their labels tell of the run.

mod read;
mod sample;
mod text;

use clap::Subcommand;

use super::Outcome;

/// Check a run with a few labels: draw images to look at, and read what was found
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Sample(sample::Sample),
    Read(read::Read),
}

impl Command {
    pub(super) fn run(self) -> Outcome {
        match self {
            Self::Sample(command) => command.run(),
            Self::Read(command) => command.run(),
        }
    }
}
