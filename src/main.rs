//! The `praetor` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    praetor::cli::run(std::env::args_os())
}
