//! A file of labels that names its images, or holds them in base64: JSON lines, or CSV from any spreadsheet.
//!
//! ```text
//! {"image": "trained/000.png", "set": "trained", "violated": ["weapons.child"]}
//! {"image": "trained/001.png", "set": "trained", "violated": []}
//! ```
//!
//! Paths are relative to the file. Keys and columns that praetor does not know are for people and
//! are left alone.

mod json;
mod table;

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::columns::Role;
use super::error::Place;
use super::inline::{self, Written, written};
use super::references::{References, Rows as Referred};
use super::row::{Cells, Reach};
use super::{Content, DatasetError, Example, Format, Mistake, Options, Reading, RowError};

type Rows = Box<dyn Iterator<Item = Result<Example, RowError>> + Send>;

/// Reads a file of labels; `reach` says where its images may lie.
pub(super) fn read(
    file: &Path,
    format: Format,
    options: Arc<Options>,
    (reach, reading): (Reach, Reading),
) -> Result<Rows, DatasetError> {
    let sheet = Sheet { file: file.to_owned(), options, reach, reading };
    match format {
        Format::Csv => table::rows(sheet),
        _ => json::rows(sheet),
    }
}

/// A file of labels.
struct Sheet {
    file: PathBuf,
    options: Arc<Options>,
    reach: Reach,
    reading: Reading,
}

/// What a row says besides its label.
struct Names {
    /// What stands in the cell of the image.
    image: Option<String>,
    /// Whether rows have an index.
    indexed: bool,
}

impl Sheet {
    fn open(&self) -> Result<BufReader<fs_err::File>, DatasetError> {
        Ok(BufReader::new(fs_err::File::open(&self.file)?))
    }

    fn missing(&self, (role, wanted): (Role, String), available: Vec<String>) -> DatasetError {
        DatasetError::MissingColumn { path: self.file.clone(), wanted, role, available }
    }

    fn error(&self, line: u64, mistake: Mistake) -> RowError {
        RowError { place: Place { file: self.file.clone(), row: Some(line) }, mistake }
    }

    /// What the image's cell says.
    fn written(&self, names: Names) -> Result<Written, Mistake> {
        let image = names.image.ok_or_else(|| Mistake::NoImage {
            column: self.options.columns.find(Role::Image, |_| true).unwrap_or("image").to_owned(),
        })?;
        let folder = self.file.parent().unwrap_or_else(|| Path::new(""));
        let (reach, indexed) = (self.reach, names.indexed);
        written(&image, inline::Place { folder, reach, indexed })
    }

    fn example<At: Clone>(
        &self,
        line: u64,
        (names, cells): (Names, Cells),
        references: &mut References<At>,
        rows: &impl Referred<At = At>,
    ) -> Result<Example, Mistake> {
        let numbered = || format!("{}#{line}", self.file.to_string_lossy());
        let label = cells.label(&self.options)?;
        if self.reading == Reading::Labels && names.image.is_some() {
            return Ok(Example { name: numbered(), content: Content::Bytes(Arc::from([])), label });
        }
        let written = self.written(names)?;
        // A file is called by its path, unless another row has named it.
        let name = match &written {
            Written::Image(Content::File(source)) => source.path().to_string_lossy().into_owned(),
            _ => numbered(),
        };
        Ok(Example { name, content: references.content(written, rows)?, label })
    }
}
