//! `praetor models list`: the catalogue.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::{hub, human};
use crate::cli::judging::Format;
use crate::cli::{Ending, Outcome, style};
use crate::hub::Hub;
use crate::models::{CATALOGUE, Entry, ModelName, find};
use crate::prompts::QuestionForm;

/// List models by short name, with size and licence, and which are on this machine
///
/// The catalogue is part of praetor; nobody is asked. A size is left out where it is not known for
/// sure: `praetor models show NAME` asks the hub.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A model of the catalogue.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    repository: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    licence: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    notes: &'static str,
    question_form: &'static str,
    in_cache: bool,
}

impl List {
    pub(in crate::cli) fn run(self) -> Outcome {
        let hub = hub();
        let rows: Vec<Row> = CATALOGUE.iter().map(|entry| row(entry, &hub)).collect();
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?,
            Format::Text => text(&mut out, &rows)?,
        }
        Ok(Ending::Done)
    }
}

fn row(entry: &'static Entry, hub: &Hub) -> Row {
    let found = entry.name.parse::<ModelName>().ok().and_then(|name| find(&name, hub).ok());
    Row {
        name: entry.name,
        repository: entry.repository,
        bytes: entry.size(),
        licence: entry.licence,
        notes: entry.notes,
        question_form: QuestionForm::of_name(entry.repository).name(),
        in_cache: found.is_some(),
    }
}

fn text(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in rows {
        let size = row.bytes.map_or_else(|| "?".to_owned(), human);
        let here = if row.in_cache { "here" } else { "" };
        let notes = if row.notes.is_empty() { "" } else { "; " };
        let name = style::bold(&format!("{:<width$}", row.name));
        let rest = format!("{}{notes}{}", row.licence, row.notes);
        writeln!(out, "{name}  {size:>9}  {here:<4}  {rest}")?;
    }
    writeln!(
        out,
        "\nAny other GGUF repository of the hub is `hf:OWNER/NAME[@REVISION][:QUANT]`. Fetch a model with \
         `praetor models pull NAME`,\nthen judge with `--model NAME`."
    )
}
