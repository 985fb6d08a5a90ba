//! `praetor audit read`: what the labels of a sheet tell of the run.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::text;
use crate::cli::judging::Format;
use crate::cli::{Ending, Failure, Outcome, style, tune};
use crate::constitution::Policy;
use crate::imaging::shown;
use crate::store::Run;
use crate::workbench::audit::filled::{self, Mistake, SheetError};
use crate::workbench::audit::sheet::{Plan, plan_path};
use crate::workbench::audit::{AuditError, Population, audit};
use crate::workbench::recorded::Recorded;

/// Mistakes of a sheet that are shown at most.
const SHOWN: usize = 20;

/// Read a sheet that was labelled: how much is unsafe, how much of it was found, and how surely
///
/// Rows may be left blank, sorted or taken out. With `-c` and a run made with `--trace` thresholds are
/// tried on the labelled images too.
#[derive(Debug, Args)]
pub(in crate::cli) struct Read {
    /// The sheet, as `praetor audit sample` wrote it and people filled it in
    #[arg(value_name = "SHEET")]
    sheet: PathBuf,
    /// The file that says how it was drawn [default: the sheet's name with `.audit.json`]
    #[arg(long, value_name = "JSON")]
    plan: Option<PathBuf>,
    /// The run folder, if it has moved since
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    /// The constitution, to try thresholds on the labelled images
    #[arg(short, long, value_name = "YAML")]
    constitution: Option<PathBuf>,
    /// Its lock [default: the constitution's name with `.lock.yaml`]
    #[arg(long, value_name = "YAML", requires = "constitution")]
    lock: Option<PathBuf>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Read {
    pub(in crate::cli) fn run(self) -> Outcome {
        let plan = self.plan()?;
        let sheet = fs_err::read(&self.sheet)
            .map_err(|error| Failure::unopened(&error, Some("check the path")))?;
        let run = Run::open(self.run.as_ref().unwrap_or(&plan.run)).map_err(|error| {
            Failure::unopened(&error, Some("say where the run is with `--run`"))
        })?;
        let population = Population::read(&run)?;
        let (labels, mut notes) = filled::read(&sheet, &plan, &population.rules())
            .map_err(|error| refused(&self.sheet, &error))?;
        notes.extend(population.notes());
        let recorded = self.recorded(&run, &mut notes)?;
        let mut found = audit(&plan, &labels, (&run, &population), recorded.as_ref())?;
        notes.append(&mut found.notes);
        found.notes = notes;
        let text = match self.format {
            Format::Text => {
                style::notes(&found.notes)?;
                text::found(&found)
            }
            Format::Json => tune::json(&found)?,
        };
        io::stdout().lock().write_all(text.as_bytes())?;
        Ok(Ending::Done)
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let path = self.plan.clone().unwrap_or_else(|| plan_path(&self.sheet));
        let help = "it lies beside the sheet that `praetor audit sample` wrote; if the sheet was \
                    renamed, name it with `--plan`";
        let text = fs_err::read(&path).map_err(|error| Failure::unopened(&error, Some(help)))?;
        let plan: Result<Plan, _> = serde_json::from_slice(&text);
        plan.ok().filter(Plan::is_sound).ok_or_else(|| {
            Failure::Input(miette::miette!(
                help = help,
                "`{}` does not say how a sheet was drawn",
                shown(&path)
            ))
        })
    }

    fn recorded(&self, run: &Run, notes: &mut Vec<String>) -> Result<Option<Recorded>, Failure> {
        let Some(constitution) = &self.constitution else { return Ok(None) };
        let policy = Policy::load(constitution, self.lock.as_deref()).map_err(Failure::input)?;
        match Recorded::read(run, &policy, None) {
            Ok(mut recorded) => {
                notes.append(&mut recorded.notes);
                Ok(Some(recorded))
            }
            // The labels can be read without it.
            Err(error) => {
                notes.push(format!("no thresholds are tried: {error}"));
                Ok(None)
            }
        }
    }
}

/// All mistakes at once, with their places, so that a sheet is mended in one go.
fn refused(sheet: &Path, error: &SheetError) -> Failure {
    let SheetError::Mistakes { mistakes } = error else {
        return Failure::Input(miette::miette!(
            help = "save it from the spreadsheet as CSV, with its first line as it was",
            "`{}`: {error}",
            shown(sheet)
        ));
    };
    let mut text = format!("{error}: `{}`", shown(sheet));
    for Mistake { line, column, what, help } in mistakes.iter().take(SHOWN) {
        let _ = write!(text, "\nline {line}, column `{column}`: {}; {}", shown(what), shown(help));
    }
    if mistakes.len() > SHOWN {
        let _ = write!(text, "\nand {} more", mistakes.len() - SHOWN);
    }
    Failure::Input(miette::miette!(
        code = "praetor::audit::cells",
        help = "nothing was counted; mend the cells and read the sheet again",
        "{text}"
    ))
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        let help = match error {
            AuditError::NoLabels => "fill in the column `unsafe?`: `yes`, `no` or `unsure`",
            AuditError::OtherRun { .. } | AuditError::Missing { .. } => {
                "name the run that it was drawn from with `--run`, or draw a new sample"
            }
        };
        Self::mistake(&error, Some(help))
    }
}
