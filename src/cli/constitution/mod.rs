//! `praetor constitution`: the policy team's own commands.

mod compile;
mod schema;

use clap::Subcommand;

use super::Outcome;

/// Work on a constitution
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    Compile(compile::Compile),
    Schema(schema::Schema),
}

impl Command {
    pub(in crate::cli) fn run(self) -> Outcome {
        match self {
            Self::Compile(command) => command.run(),
            Self::Schema(command) => command.run(),
        }
    }
}
