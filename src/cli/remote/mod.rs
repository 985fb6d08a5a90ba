//! Models behind servers: how they are named, what they may be sent, and what they cost.
//!
//! `file` reads `models.yaml`, `server` finds the server that a name stands for, `open` makes the
//! model, `guard` keeps images here, `cost` says what a run will cost and has, `leaving` when a model goes;
//! `behind` has all of that while it judges.

mod behind;
mod cost;
mod file;
mod guard;
mod leaving;
#[cfg(feature = "remote")]
mod open;
mod server;

pub(super) use self::behind::Remote;
pub(super) use self::cost::Bill;
pub(super) use self::guard::{Guarded, LocalOnly};
pub(super) use self::leaving::Leaving;
#[cfg(feature = "remote")]
pub(super) use self::open::open_chat;
pub(super) use self::server::{Named, Server, ServerArgs, how};

use std::path::PathBuf;

use clap::Args;

use super::number::at_least_one;

/// Answers that may take a day, for half the price.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server")]
pub(in crate::cli) struct BatchArgs {
    /// Hand questions in by OpenAI's or Azure's Batch API, for half the price and within a day. What is waited for
    /// is undetermined; run the same command again until nothing is. The folder holds questions,
    /// pixels and all, until they are answered
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["record", "replay"])]
    pub(super) batch: Option<PathBuf>,
    /// Wait for what was handed in before judging again
    #[arg(long, requires = "batch")]
    pub(super) batch_wait: bool,
}

/// What a model on another machine may be sent, and what it may cost.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct GuardArgs {
    /// Let images be sent to a model on another machine; without it only servers of this machine are
    /// asked
    #[arg(long)]
    pub(super) allow_remote: bool,
    /// Never send images whose path matches: a folder, a file or a glob such as 'private/**'; they end
    /// undetermined. May be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(super) local_only: Vec<String>,
    /// Stop after so many questions that the server's content filter blocked, which can cost the
    /// account
    #[arg(long, value_name = "N", default_value = "10", value_parser = at_least_one::<u64>)]
    pub(super) max_blocks: u64,
    /// Stop when so much is spent, at the prices in the file of models; and do not begin a run that is
    /// estimated to cost more
    #[arg(long, value_name = "COST", value_parser = cost::amount)]
    pub(super) max_cost: Option<f64>,
    /// Keep every raw answer of the server in this file, or in `answers.jsonl` in this folder; the
    /// answer cache is left out
    #[arg(long, value_name = "FILE|FOLDER", conflicts_with = "replay")]
    pub(super) record: Option<PathBuf>,
    /// Send nothing: take the answers from where `--record` has kept them
    #[arg(long, value_name = "FILE|FOLDER")]
    pub(super) replay: Option<PathBuf>,
    /// Whether what has no answer is handed in for later; `judge` alone can.
    #[arg(skip)]
    pub(super) batch: BatchArgs,
}
