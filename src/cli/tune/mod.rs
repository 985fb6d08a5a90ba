//! `praetor tune`: what thresholds do to a run, without labels.

mod text;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::judging::Format;
use super::policy::PolicyArgs;
use super::{Ending, Failure, Outcome};
use crate::ids::RuleId;
use crate::store::{Run, RunError};
use crate::workbench::recorded::RecordedError;
use crate::workbench::tune::tune;

/// Show what each rule's thresholds do to a run, without labels, and what to try
///
/// RUN is a folder that `praetor judge --out RUN --trace` has written. Its answers are decided anew
/// by the constitution as it is now and by thresholds around it: no image is judged again, and where
/// the run did not ask what another threshold would need, that is counted and not guessed.
#[derive(Debug, Args)]
pub(super) struct Tune {
    /// The run folder, made with `--trace`
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Show this rule alone
    #[arg(long, value_name = "ID", value_parser = |text: &str| RuleId::new(text))]
    rule: Option<RuleId>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Tune {
    pub(super) fn run(self) -> Outcome {
        let policy = self.policy.load()?;
        let run = Run::open(&self.run)?;
        let tuning = tune(&run, &policy, self.rule.as_ref())?;
        let text = match self.format {
            Format::Text => text::show(&tuning, &run),
            Format::Json => json(&tuning)?,
        };
        io::stdout().lock().write_all(text.as_bytes())?;
        Ok(Ending::Done)
    }
}

/// A value as JSON with an end of line.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(crate::store::StoreError::Json)?;
    Ok(text + "\n")
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Io(error) => error.into(),
            error => Self::unopened(&error, error.help()),
        }
    }
}

impl From<RecordedError> for Failure {
    fn from(error: RecordedError) -> Self {
        match error {
            RecordedError::Run(error) => error.into(),
            error => Self::mistake(&error, error.help()),
        }
    }
}
