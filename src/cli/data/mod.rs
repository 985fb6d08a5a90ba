//! `praetor data`: what a labelled dataset holds, and whether it can be used.

mod text;
#[cfg(feature = "parquet")]
mod write;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::dataset::DatasetArgs;
use super::inputs::LimitArgs;
use super::judging::Format;
use super::{Ending, Failure, Outcome};
use crate::constitution::Policy;
use crate::dataset::survey::Survey;
use crate::dataset::{Content, Dataset, Example, Label, RowError};

/// Look at a labelled dataset: what is in it, by which labels, and what is wrong with it
///
/// Reads every row, and every image's bytes to find the same image twice. Exit codes: 0 done, 1 some
/// rows or images can't be used or labels contradict each other, 2 usage or columns, 3 files.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Data {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    look: Option<Look>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "parquet")]
    Write(write::Write),
}

#[derive(Debug, Args)]
struct Look {
    #[command(flatten)]
    dataset: DatasetArgs,
    /// Check that labels name only rules of this constitution, and take folders of their names for
    /// violations
    #[arg(short, long, value_name = "YAML", help_heading = "Policy")]
    constitution: Option<std::path::PathBuf>,
    /// Decode every image as well, to know that it can be judged
    #[arg(long)]
    decode: bool,
    /// Rows that are shown
    #[arg(long, value_name = "N", default_value_t = 5)]
    first: usize,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
    /// No progress bar
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

/// A row that is shown.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    /// Of the image's file; nothing where it can't be read.
    bytes: Option<u64>,
    #[serde(flatten)]
    label: Label,
}

/// What is written as JSON.
#[derive(Serialize)]
struct Document<'all> {
    dataset: String,
    format: crate::dataset::Format,
    files: Vec<String>,
    #[serde(flatten)]
    survey: &'all Survey,
    decoded: bool,
    first: &'all [Shown],
}

impl Data {
    pub(super) fn run(self) -> Outcome {
        match (self.command, self.look) {
            #[cfg(feature = "parquet")]
            (Some(Command::Write(write)), _) => write.run(),
            (_, Some(look)) => look.run(),
            // clap asks for a dataset where no command is.
            (None, None) => Ok(Ending::Mistaken),
        }
    }
}

impl Look {
    fn run(self) -> Outcome {
        let policy = match &self.constitution {
            Some(yaml) => Some(Policy::load(yaml, None).map_err(Failure::input)?),
            None => None,
        };
        let dataset = self.dataset.open(policy.as_ref())?;
        let (survey, first) = self.survey(&dataset)?;
        self.show(&dataset, &survey, &first)?;
        let sound = [&survey.bad_rows, &survey.contradictions, &survey.unreadable]
            .iter()
            .all(|found| found.count == 0);
        Ok(if sound { Ending::Done } else { Ending::Unsettled })
    }

    fn survey(&self, dataset: &Dataset) -> Result<(Survey, Vec<Shown>), Failure> {
        let (mut survey, mut first) = (Survey::default(), Vec::new());
        let bar = if self.quiet {
            indicatif::ProgressBar::hidden()
        } else {
            super::report::progress_bar(dataset.count())
        };
        for row in dataset.examples()? {
            let trouble = row.as_ref().ok().and_then(|example| self.trouble(example));
            survey.add(&row, trouble);
            first.extend(show(&row).filter(|_| first.len() < self.first));
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok((survey, first))
    }

    /// Why an image can't be decoded, where that is asked for.
    fn trouble(&self, example: &Example) -> Option<String> {
        let decoded = self.decode.then(|| example.decode(&self.limits.limits()))?;
        decoded.err().map(|error| error.to_string())
    }

    fn show(&self, dataset: &Dataset, survey: &Survey, first: &[Shown]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Text => write!(out, "{}", text::all(dataset, survey, first))?,
            Format::Json => {
                let document = Document {
                    dataset: dataset.path().display().to_string(),
                    format: dataset.format(),
                    files: dataset.files().iter().map(|file| file.display().to_string()).collect(),
                    survey,
                    decoded: self.decode,
                    first,
                };
                writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
            }
        }
        Ok(())
    }
}

fn show(row: &Result<Example, RowError>) -> Option<Shown> {
    let example = row.as_ref().ok()?;
    let bytes = match &example.content {
        Content::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
        Content::File(source) => fs_err::metadata(source.path()).ok().map(|file| file.len()),
    };
    Some(Shown { name: example.name.clone(), bytes, label: example.label.clone() })
}
