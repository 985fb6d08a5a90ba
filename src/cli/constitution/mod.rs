//! `praetor constitution`: the policy team's own commands.

mod diff;
mod probe;
mod schema;

use clap::Subcommand;

use super::Outcome;

/// Work on a constitution
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    Diff(diff::DiffCommand),
    Probe(Box<probe::Probe>),
    Schema(schema::Schema),
}

impl Command {
    pub(in crate::cli) fn run(self) -> Outcome {
        match self {
            Self::Diff(command) => command.run(),
            Self::Probe(command) => command.run(),
            Self::Schema(command) => command.run(),
        }
    }
}
