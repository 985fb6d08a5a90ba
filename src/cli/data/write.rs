//! `praetor data write`: a labelled dataset in UnsafeBench's own layout.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;

use crate::cli::dataset::DatasetArgs;
use crate::cli::{Ending, Failure, Outcome, report};
use crate::dataset::survey::Found;
use crate::dataset::{ParquetWriter, WriteError};
use crate::imaging::shown;

/// Write a dataset as Parquet in UnsafeBench's layout: image, `safety_label`, category, source, text
///
/// Image files go in as they are. Rows that can't be used, images without a label and files that
/// can't be read are left out and told of, with exit code 1.
#[derive(Debug, Args)]
pub(super) struct Write {
    #[command(flatten)]
    dataset: DatasetArgs,
    /// The file to write; one that is there already is left alone
    #[arg(short, long, value_name = "PARQUET", help_heading = "Output")]
    out: PathBuf,
    /// No progress bar
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

impl Write {
    pub(super) fn run(self) -> Outcome {
        let dataset = self.dataset.open(None)?;
        if self.out.exists() {
            return Err(Failure::Input(miette::miette!(
                help = "name another, or remove it first",
                "`{}` is there already, and is not overwritten",
                shown(&self.out)
            )));
        }
        // Only a whole file gets its name.
        let unfinished = self.out.with_extension("parquet.unfinished");
        let mut writer = ParquetWriter::new(fs_err::File::create(&unfinished)?)?;
        let bar = if self.quiet {
            indicatif::ProgressBar::hidden()
        } else {
            report::progress_bar(dataset.count())
        };
        let mut left_out = Found::default();
        for row in dataset.examples()? {
            bar.inc(1);
            match row.map(|example| writer.add(&example)) {
                Ok(Ok(())) => {}
                Ok(Err(error @ WriteError::Parquet(_))) => return Err(error.into()),
                Ok(Err(error)) => left_out.add(|| error.to_string()),
                Err(error) => left_out.add(|| error.to_string()),
            }
        }
        bar.finish_and_clear();
        let written = writer.finish()?;
        fs_err::rename(&unfinished, &self.out)?;
        let mut err = io::stderr().lock();
        writeln!(err, "{written} images in {}", shown(&self.out))?;
        if left_out.count == 0 {
            return Ok(Ending::Done);
        }
        writeln!(err, "{} were left out:", left_out.count)?;
        for first in &left_out.first {
            writeln!(err, "  {}", shown(first))?;
        }
        Ok(Ending::Unsettled)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::unopened(&error, None)
    }
}
