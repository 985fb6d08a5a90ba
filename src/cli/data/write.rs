//! `praetor data --write`: a labelled dataset in UnsafeBench's own layout.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::Failure;
use crate::dataset::survey::Found;
use crate::dataset::{Example, ParquetWriter, RowError, WriteError};
use crate::imaging::{Limits, shown};

/// A file that is being written.
pub(super) struct Copy {
    writer: ParquetWriter<fs_err::File>,
    /// Only a whole file gets its name.
    unfinished: PathBuf,
    out: PathBuf,
    left_out: Found,
}

/// What was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    pub(super) file: String,
    pub(super) images: u64,
    /// Rows that can't be used, images without a label, files that can't be read.
    pub(super) left_out: Found,
}

impl Copy {
    pub(super) fn begin(out: &Path, limits: &Limits) -> Result<Self, Failure> {
        if out.exists() {
            return Err(Failure::Input(miette::miette!(
                help = "name another, or remove it first",
                "`{}` is there already, and is not overwritten",
                shown(out)
            )));
        }
        let unfinished = out.with_extension("parquet.unfinished");
        let writer = ParquetWriter::new(fs_err::File::create(&unfinished)?, limits)?;
        Ok(Self { writer, unfinished, out: out.to_owned(), left_out: Found::default() })
    }

    /// Adds a row, unless something of its image is known to stand in the way.
    pub(super) fn add(
        &mut self,
        row: &Result<Example, RowError>,
        trouble: Option<&str>,
    ) -> Result<(), Failure> {
        if let Some(trouble) = trouble {
            self.left_out.add(|| trouble.to_owned());
            return Ok(());
        }
        match row.as_ref().map(|example| self.writer.add(example)) {
            Ok(Ok(())) => {}
            Ok(Err(error @ WriteError::Parquet(_))) => return Err(error.into()),
            Ok(Err(error)) => self.left_out.add(|| error.to_string()),
            Err(error) => self.left_out.add(|| error.to_string()),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Written, Failure> {
        let images = self.writer.finish()?;
        fs_err::rename(&self.unfinished, &self.out)?;
        let file = shown(&self.out).to_string();
        Ok(Written { file, images, left_out: self.left_out })
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::unopened(&error, None)
    }
}
