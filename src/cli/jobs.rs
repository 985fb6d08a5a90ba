//! How many images are judged at a time.

use std::num::NonZeroUsize;

use clap::Args;

use super::number::at_least_one;

/// The flag of commands that judge several images at a time.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct JobsArgs {
    /// Images judged at a time. A model on this machine is given room for each, and they share its
    /// threads; a server gets no more requests at a time than `--parallel` allows
    #[arg(short, long, value_name = "N", default_value = "1", help_heading = "Model",
          value_parser = at_least_one::<NonZeroUsize>)]
    jobs: NonZeroUsize,
}

impl Default for JobsArgs {
    fn default() -> Self {
        Self { jobs: NonZeroUsize::MIN }
    }
}

impl JobsArgs {
    pub(super) fn at_once(self) -> NonZeroUsize {
        self.jobs
    }
}
