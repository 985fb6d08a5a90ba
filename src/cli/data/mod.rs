//! `praetor data`: what a labelled dataset holds, and whether it can be used.

mod text;
mod write;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use self::write::{Copy, Written};
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
pub(super) struct Data {
    #[command(flatten)]
    dataset: DatasetArgs,
    /// Check that labels name only rules of this constitution, and take folders of their names for
    /// violations
    #[arg(short, long, value_name = "YAML", help_heading = "Policy")]
    constitution: Option<PathBuf>,
    /// Decode every image as well, to know that it can be judged
    #[arg(long, help_heading = "Dataset")]
    decode: bool,
    /// Rows that are shown
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Output")]
    first: usize,
    /// Write it as Parquet in UnsafeBench's layout as well: image, `safety_label`, category, source,
    /// text. Image files go in as they are; what can't be used is left out
    #[arg(long, value_name = "PARQUET", help_heading = "Output")]
    write: Option<PathBuf>,
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

/// What was found.
struct Findings {
    survey: Survey,
    first: Vec<Shown>,
    written: Option<Written>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<&'all Written>,
}

impl Data {
    pub(super) fn run(self) -> Outcome {
        let policy = match &self.constitution {
            Some(yaml) => Some(Policy::load(yaml, None).map_err(Failure::input)?),
            None => None,
        };
        let dataset = self.dataset.open(policy.as_ref())?;
        let found = self.look(&dataset)?;
        self.show(&dataset, &found)?;
        let survey = &found.survey;
        let left_out = found.written.as_ref().map_or(0, |written| written.left_out.count);
        let troubles = [&survey.bad_rows, &survey.contradictions, &survey.unreadable];
        let sound = left_out == 0 && troubles.iter().all(|trouble| trouble.count == 0);
        Ok(if sound { Ending::Done } else { Ending::Unsettled })
    }

    fn look(&self, dataset: &Dataset) -> Result<Findings, Failure> {
        let (mut survey, mut first) = (Survey::default(), Vec::new());
        let limits = self.limits.limits();
        let mut copy = self.write.as_deref().map(|out| Copy::begin(out, &limits)).transpose()?;
        let bar = if self.quiet {
            indicatif::ProgressBar::hidden()
        } else {
            super::report::progress_bar(dataset.count())
        };
        for row in dataset.examples()? {
            let trouble = row.as_ref().ok().and_then(|example| self.trouble(example));
            if let Some(copy) = &mut copy {
                copy.add(&row, trouble.as_deref())?;
            }
            survey.add(&row, trouble);
            first.extend(show(&row).filter(|_| first.len() < self.first));
            bar.inc(1);
        }
        bar.finish_and_clear();
        let written = copy.map(Copy::finish).transpose()?;
        Ok(Findings { survey, first, written })
    }

    /// Why an image can't be decoded, where that is asked for.
    fn trouble(&self, example: &Example) -> Option<String> {
        let decoded = self.decode.then(|| example.decode(&self.limits.limits()))?;
        decoded.err().map(|error| error.to_string())
    }

    fn show(&self, dataset: &Dataset, found: &Findings) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Text => write!(out, "{}", text::all(dataset, found))?,
            Format::Json => {
                let document = Document {
                    dataset: dataset.path().display().to_string(),
                    format: dataset.format(),
                    files: dataset.files().iter().map(|file| file.display().to_string()).collect(),
                    survey: &found.survey,
                    decoded: self.decode,
                    first: &found.first,
                    written: found.written.as_ref(),
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
