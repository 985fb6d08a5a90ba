//! The command line: one file a command.
//!
//! The only room that prints, reads flags or the environment, chooses a backend, and joins
//! judging with files.

mod audit;
mod cache;
mod classifier;
mod compare;
mod constitution;
mod data;
mod dataset;
mod doctor;
mod encoders;
mod eval;
mod exit;
mod explain;
mod gpu;
mod impact;
mod inputs;
mod jobs;
mod judge;
mod judging;
mod model;
mod models;
mod number;
mod page;
mod policy;
mod relevance;
mod remote;
mod report;
mod robustness;
mod stages;
mod style;
mod summary;
mod table;
mod tree;
mod tune;
mod way;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::exit::Failure;

/// Judges images by a constitution you write: no labels, no training, no cloud.
///
/// Write rules in YAML, and praetor says of any image which of them it violates, why, and how sure
/// it is. The judging follows CLUE (arXiv 2501.00192) on a vision-language model that runs on this
/// machine; a demo model of pictograms is built in.
#[derive(Debug, Parser)]
#[command(name = "praetor", version, about, long_about, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Show what the engine says (repeat for more); for filters set `PRAETOR_LOG`
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = style::When::Auto)]
    color: style::When,
}

#[derive(Debug, Subcommand)]
enum Command {
    Judge(judge::Judge),
    Explain(explain::Explain),
    Relevance(relevance::RelevanceCommand),
    Data(data::Data),
    Eval(eval::Eval),
    Report(page::ReportCommand),
    Impact(impact::ImpactCommand),
    Compare(compare::Compare),
    Robustness(robustness::RobustnessCommand),
    Tune(tune::Tune),
    #[command(subcommand)]
    Audit(audit::Command),
    #[command(subcommand)]
    Constitution(constitution::Command),
    Doctor(doctor::Doctor),
    #[command(subcommand)]
    Models(models::Command),
    #[command(subcommand)]
    Cache(cache::Command),
}

/// Runs the command that the arguments name, and says how it ended.
///
/// Exit codes: 0 done, 1 some images undetermined or not readable, 2 usage or constitution error,
/// 3 the model or the input could not be opened.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    style::install(cli.global.color);
    log_to_stderr(cli.global.verbose);
    keep_decoders_quiet();
    let outcome = match cli.command {
        Command::Judge(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Relevance(command) => command.run(),
        Command::Data(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Impact(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Robustness(command) => command.run(),
        Command::Tune(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Constitution(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Cache(command) => command.run(),
    };
    exit::code(outcome)
}

/// llama.cpp's and clip's own lines arrive as events of the target `llama-cpp-2`; they are the
/// engine's business until somebody asks for them.
fn log_to_stderr(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let by_flag = match verbose {
        0 => "error,llama-cpp-2=off",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("PRAETOR_LOG").unwrap_or_else(|_| EnvFilter::new(by_flag));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}

/// A decoder that panics on a bad image is caught and becomes that image's error; its backtrace
/// would only look as if praetor had fallen over.
fn keep_decoders_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() == Some(crate::pipeline::stream::DECODING) {
            tracing::debug!("a decoder panicked: {panic}");
        } else {
            usual(panic);
        }
    }));
}

/// What a command ends with when it does not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Everything was answered.
    Done,
    /// Some images are undetermined or could not be read; or there are warnings.
    Unsettled,
    /// What the user wrote has mistakes, which are reported already.
    Mistaken,
    /// The model can't be trusted, which is reported already.
    Unfit,
}

type Outcome = Result<Ending, Failure>;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Two flags of one name, in parts that a command is put together from, take each other's values; clap
    /// looks for them in builds with assertions alone.
    fn flags_are_told_apart(command: &clap::Command) {
        let mut seen = std::collections::BTreeSet::new();
        for flag in command.get_arguments() {
            assert!(seen.insert(flag.get_id()), "{}: {}", command.get_name(), flag.get_id());
        }
        command.get_subcommands().for_each(flags_are_told_apart);
    }

    #[test]
    fn no_command_has_two_flags_of_one_name() {
        flags_are_told_apart(&Cli::command());
    }
}
