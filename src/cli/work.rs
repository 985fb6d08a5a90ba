//! How much of the machine, or of a server, is used at a time.

use std::num::NonZeroUsize;

use clap::Args;

use crate::store::Settings;

/// How much is done at a time.
#[derive(Clone, Debug, Args)]
pub(super) struct WorkArgs {
    /// Threads for the model [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Images judged at a time. A model on this machine is given room for each, and they share its
    /// threads; a server gets no more requests at a time than `--parallel` allows
    #[arg(short, long, value_name = "N", default_value = "1")]
    jobs: NonZeroUsize,
}

impl WorkArgs {
    /// Threads in all, where the flag names a number.
    pub(super) fn threads(&self) -> Option<NonZeroUsize> {
        self.threads
    }

    /// Images judged at a time.
    pub(super) fn jobs(&self) -> NonZeroUsize {
        self.jobs
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        let threads = self.threads.map_or_else(|| "all".to_owned(), |count| count.to_string());
        [("threads".to_owned(), threads), ("jobs".to_owned(), self.jobs.to_string())].into()
    }
}
