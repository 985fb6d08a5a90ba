//! `praetor constitution schema`: what editors complete and check by.

use std::io::{self, Write};

use clap::Args;

use crate::cli::{Ending, Outcome};
use crate::constitution::{constitution_schema, lock_schema};

/// Print the JSON Schema by which editors complete and check a constitution
#[derive(Debug, Args)]
pub(in crate::cli) struct Schema {
    /// The schema of the lock beside the constitution instead
    #[arg(long)]
    lock: bool,
}

impl Schema {
    pub(in crate::cli) fn run(self) -> Outcome {
        let schema = if self.lock { lock_schema() } else { constitution_schema() };
        writeln!(io::stdout(), "{schema:#}")?;
        Ok(Ending::Done)
    }
}
