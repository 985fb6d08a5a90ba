//! How a command ends: exit codes, and errors as people read them.

use std::io::{self, Write};
use std::process::ExitCode;

use miette::{Diagnostic, Report};

use super::{Ending, Outcome};
use crate::pipeline::JudgeError;

const UNSETTLED: u8 = 1;
const INPUT: u8 = 2;
const UNOPENED: u8 = 3;

/// Why a command could not go on.
#[derive(Debug)]
pub(super) enum Failure {
    /// What the user wrote is wrong: flags, constitution, lock.
    Input(Report),
    /// The model or a file can't be opened or written.
    Unopened(Report),
    /// Whoever read our output has gone, which is their right.
    Hangup,
}

impl Failure {
    /// A mistake in what the user wrote, with spans where it has them.
    pub(super) fn input(error: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::Input(Report::new(error))
    }

    /// A mistake in what the user asked for that has no place in a file.
    pub(super) fn mistake(error: &dyn std::error::Error, help: Option<&str>) -> Self {
        let mut diagnostic = miette::MietteDiagnostic::new(error.to_string());
        diagnostic.help = help.map(str::to_owned);
        Self::Input(Report::new(diagnostic))
    }

    /// Something that could not be opened or written, and how to mend it.
    pub(super) fn unopened(error: &dyn std::error::Error, help: Option<&str>) -> Self {
        let mut diagnostic = miette::MietteDiagnostic::new(error.to_string());
        diagnostic.help = help.map(str::to_owned);
        Self::Unopened(Report::new(diagnostic))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Hangup;
        }
        Self::unopened(&error, None)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::unopened(&error, None)
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        match error {
            crate::store::StoreError::Io(error) => error.into(),
            error => Self::unopened(&error, None),
        }
    }
}

impl From<crate::vlm::VlmError> for Failure {
    fn from(error: crate::vlm::VlmError) -> Self {
        use crate::vlm::VlmError;
        let help = match &error {
            VlmError::Unreachable { .. } => {
                "start the server, or name its address with `--base-url`; it looks like `http://localhost:8080/v1`"
            }
            VlmError::Denied { .. } => {
                "set OPENAI_API_KEY (AZURE_OPENAI_API_KEY for Azure, `key_env` for a model of your file) to a key of this server"
            }
            VlmError::NoModel { .. } => {
                "name one of the server's models after `openai:`, and check that its address ends as it should, most often in `/v1`; few servers have `/decisions` or `/systemone`"
            }
            VlmError::Quota { .. } => "fill the account up, or use another model",
            VlmError::Unfit { .. } => {
                "`systemone:` wants a decision model with its projector; an ordinary vision model is asked by `openai:NAME`"
            }
            VlmError::Blocked { .. } => {
                "blocked questions can cost the account: keep such images here with `--local-only`, judge them by a local model, or raise `--max-blocks`"
            }
            VlmError::Batch { .. } => {
                "what was handed in before is kept in the folder: run the same command again"
            }
            VlmError::OverBudget { .. } => "allow more with `--max-cost`",
            VlmError::Recording { .. } => "make room on the disk, or record elsewhere",
            _ => "run again with --verbose to see what the engine said last",
        };
        Self::unopened(&error, Some(help))
    }
}

impl From<JudgeError> for Failure {
    fn from(error: JudgeError) -> Self {
        match error {
            JudgeError::Vlm(error) => error.into(),
            JudgeError::Encoder(error) => error.into(),
            error => Self::unopened(&error, None),
        }
    }
}

/// The exit code of an outcome, after its error has been shown.
pub(super) fn code(outcome: Outcome) -> ExitCode {
    let (code, report) = match outcome {
        Ok(Ending::Done) | Err(Failure::Hangup) => return ExitCode::SUCCESS,
        Ok(Ending::Unsettled) => return ExitCode::from(UNSETTLED),
        Ok(Ending::Mistaken) => return ExitCode::from(INPUT),
        Ok(Ending::Unfit) => return ExitCode::from(UNOPENED),
        Err(Failure::Input(report)) => (INPUT, report),
        Err(Failure::Unopened(report)) => (UNOPENED, report),
    };
    // When even stderr is gone there is nobody left to tell.
    let _ = write!(io::stderr(), "{report:?}");
    ExitCode::from(code)
}

/// Help and version go to stdout and are no errors; everything else clap says is one of usage.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(INPUT) } else { ExitCode::SUCCESS }
}
