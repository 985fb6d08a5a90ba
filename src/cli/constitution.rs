//! `praetor constitution`: the policy team's own commands.

use std::io::{self, Write};

use clap::Subcommand;

use super::{Ending, Outcome};
use crate::constitution::{constitution_schema, lock_schema};

/// Work on a constitution
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the JSON Schema by which editors complete and check a constitution
    Schema {
        /// The schema of the lock beside the constitution instead
        #[arg(long)]
        lock: bool,
    },
}

impl Command {
    pub(super) fn run(self) -> Outcome {
        let Self::Schema { lock } = self;
        let schema = if lock { lock_schema() } else { constitution_schema() };
        writeln!(io::stdout(), "{schema:#}")?;
        Ok(Ending::Done)
    }
}
