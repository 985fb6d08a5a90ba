//! `praetor constitution`: the policy team's own commands.

mod check;
mod compile;
mod diff;
mod explain;
mod probe;
mod schema;

use clap::Subcommand;

use super::Outcome;

/// Work on a constitution
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    Check(check::Check),
    Explain(explain::ExplainLint),
    Compile(compile::Compile),
    Diff(diff::DiffCommand),
    Probe(Box<probe::Probe>),
    Schema(schema::Schema),
}

impl Command {
    pub(in crate::cli) fn run(self) -> Outcome {
        match self {
            Self::Check(command) => command.run(),
            Self::Explain(command) => command.run(),
            Self::Compile(command) => command.run(),
            Self::Diff(command) => command.run(),
            Self::Probe(command) => command.run(),
            Self::Schema(command) => command.run(),
        }
    }
}
