//! `praetor doctor`: can this model be trusted with images at all?

use std::io::{self, Write};
use std::iter;

use clap::Args;
use serde::Serialize;

use super::judging::Format;
use super::model::{self, Loaded, ModelArgs};
use super::{Ending, Failure, Outcome, style};
use crate::doctor::{Check, Concern, Given, Grade, Knows, Report, examine};
use crate::imaging::shown;
use crate::vlm::llama::LoadError;

/// Examine a model before you trust it: does it look, and is one answer one answer?
///
/// Asks a few hundred questions about small pictures that praetor carries: whether the first token
/// is Yes or No, whether the picture matters, whether answers depend on other questions, other
/// pictures or chance, whether what is plain is seen, whether text in a statement can do harm,
/// whether the model can reason, what fits, and how quick it is. The answer cache is not used.
///
/// Exit codes: 0 all passed, 1 warnings, 3 a check failed or the model can't be loaded, 2 usage.
/// What a pass does not say is how well the model judges photographs: that takes labels, and
/// `praetor eval`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    model: ModelArgs,
}

/// The report as a program reads it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// On which processor or GPU; nothing where the one that was asked for is not there.
    computes: Option<String>,
}

/// Columns of a line at most.
const COLUMNS: usize = 98;
/// Where a check's sentences begin.
const INDENT: usize = 24;
/// Cases shown of a check; the JSON has all.
const MOST_DETAILS: usize = 8;

const NOT_LOADED: &str = "Nothing else can be looked at. A model comes as two GGUF files of the same \
                          model: the language model, instruction-tuned and with its chat template, and \
                          its projector (`mmproj`).";

impl Doctor {
    pub(super) fn run(self) -> Outcome {
        // That there is no such GPU is told where the model is loaded.
        let server = self.model.server();
        let computes = match &server {
            Some(server) => Some(server.where_it_is()),
            None => self.model.gpu.told().ok(),
        };
        let mut written = self.tell(|| heading(&self.model.settings(), computes.as_deref()));
        let report = match self.model.try_load(None)? {
            Err(error) => {
                let check = not_loaded(&error);
                written = written.and_then(|()| self.tell(|| lines(&check)));
                Report::of(None, vec![check])
            }
            Ok(Loaded { vlm, .. }) => {
                let knows =
                    if self.model.is_demo() { Knows::Pictograms } else { Knows::Everything };
                // A server does not say how large its context is.
                let context_tokens = if server.is_some() { 0 } else { self.model.context_tokens() };
                let given = Given { context_tokens, knows };
                // Each as it ends: a large model takes minutes.
                let report = examine(&*vlm, given, |check| {
                    if written.is_ok() {
                        written = self.tell(|| lines(check));
                    }
                });
                report.map_err(|error| Failure::unopened(&error, None))?
            }
        };
        written?;
        match self.format {
            Format::Text => self.tell(|| conclusion(&report))?,
            Format::Json => {
                let told = Told { report: &report, computes };
                writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&told)?)?;
            }
        }
        Ok(match report.verdict {
            Grade::Pass | Grade::Info => Ending::Done,
            Grade::Warning => Ending::Unsettled,
            Grade::Fail | Grade::NotRun => Ending::Unfit,
        })
    }

    /// Writes what is for people.
    fn tell(&self, text: impl FnOnce() -> String) -> io::Result<()> {
        match self.format {
            Format::Text => {
                let mut out = io::stdout().lock();
                out.write_all(text().as_bytes())?;
                out.flush()
            }
            Format::Json => Ok(()),
        }
    }
}

fn heading(settings: &crate::store::Settings, computes: Option<&str>) -> String {
    let model = settings.get("model").map_or("", String::as_str);
    let others = settings.iter().filter(|(name, _)| *name != "model");
    let others: Vec<String> =
        others.map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect();
    let patience = "a few hundred questions: a large model takes minutes on a processor";
    let computes = computes.map_or_else(String::new, |computes| format!("computes {computes}\n"));
    format!(
        "{}\n{}{}{}\n\n",
        style::bold(&format!("examining {}", shown(model))),
        style::dim(&format!("{}\n", others.join(", "))),
        style::dim(&computes),
        style::dim(patience)
    )
}

fn not_loaded(error: &LoadError) -> Check {
    let meaning = model::help(error).map_or_else(
        || NOT_LOADED.to_owned(),
        |help| format!("Nothing else can be looked at: {help}."),
    );
    Check::new(Concern::Loading, Grade::Fail, error.to_string(), &meaning)
}

fn lines(check: &Check) -> String {
    let (word, paint): (_, fn(&str) -> String) = match check.verdict {
        Grade::Pass => ("pass", style::green),
        Grade::Info => ("info", style::dim),
        Grade::NotRun => ("not run", style::dim),
        Grade::Warning => ("warning", style::yellow),
        Grade::Fail => ("FAIL", style::red),
    };
    let mut body = wrapped(&format!("{}.", shown(&check.found)));
    for detail in check.details.iter().take(MOST_DETAILS) {
        body.extend(wrapped(&format!("- {}", shown(detail))));
    }
    if check.details.len() > MOST_DETAILS {
        let more = check.details.len() - MOST_DETAILS;
        body.push(format!("- and {more} more: `--format json` has all"));
    }
    let quiet = check.verdict < Grade::Warning;
    let meaning = wrapped(&check.meaning).into_iter();
    body.extend(meaning.map(|line| if quiet { style::dim(&line) } else { line }));
    let head = format!("{}{:<15}", paint(&format!("{word:<9}")), check.id.name());
    let margin = " ".repeat(INDENT);
    let margins = iter::once(head).chain(iter::repeat(margin));
    let lines: Vec<String> =
        margins.zip(body).map(|(margin, line)| margin + &line + "\n").collect();
    lines.concat()
}

fn wrapped(text: &str) -> Vec<String> {
    style::lines(text.split_whitespace(), COLUMNS - INDENT)
}

fn conclusion(report: &Report) -> String {
    let (fails, warnings) = (report.count(Grade::Fail), report.count(Grade::Warning));
    let named = |grade: Grade| {
        let checks = report.checks.iter().filter(|check| check.verdict == grade);
        checks.map(|check| check.id.name()).collect::<Vec<_>>().join(", ")
    };
    let line = match report.verdict {
        Grade::Fail | Grade::NotRun => {
            style::red(&format!("not to be trusted: {fails} failed ({})", named(Grade::Fail)))
        }
        Grade::Warning => style::yellow(&format!(
            "usable, with {warnings} {} ({})",
            if warnings == 1 { "warning" } else { "warnings" },
            named(Grade::Warning)
        )),
        Grade::Pass | Grade::Info => style::green("nothing stands against it"),
    };
    format!("\n{line}\n")
}
