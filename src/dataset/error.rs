//! What stands in the way of a dataset, or of one of its rows.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::columns::Role;
use super::label::Safety;
use crate::ids::{InvalidRuleId, RuleId};
use crate::imaging::shown;

/// A dataset that can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// There is nothing.
    #[error("`{}`: there is no such file or folder; check the path", shown(path))]
    NotFound {
        /// What was named.
        path: PathBuf,
    },
    /// What lies there is no dataset.
    #[error(
        "`{}` is no dataset: {reason}; expected a folder of images (`safe/`, `unsafe/`, ..), \
         a `.jsonl` or `.csv` file of labels, a folder with `metadata.csv`, `.jsonl` or `.parquet`, \
         or `.parquet` files with the images inside",
        shown(path)
    )]
    NoDataset {
        /// What was named.
        path: PathBuf,
        /// Why it is none.
        reason: String,
    },
    /// A column is not there.
    #[error("`{}` has no column `{wanted}` for `{role}`; it has {}", shown(path), list(available))]
    MissingColumn {
        /// Which file.
        path: PathBuf,
        /// What was looked for.
        wanted: String,
        /// What it would hold.
        role: Role,
        /// The columns that there are.
        available: Vec<String>,
    },
    /// A column holds what can't be read as what it is for.
    #[error("column `{column}` of `{}` holds {found}, expected {expected}", shown(path))]
    ColumnType {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: String,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// The file is damaged, or not what its name says.
    #[error("`{}` can't be read: {detail}", shown(path))]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// This build reads no Parquet.
    #[error(
        "`{}` is Parquet, which this build does not read; build with the feature `parquet`",
        shown(path)
    )]
    NoParquet {
        /// What was named.
        path: PathBuf,
    },
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn list(names: &[String]) -> String {
    let names: Vec<String> =
        names.iter().take(30).map(|name| format!("`{}`", shown(name))).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A row that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {mistake}")]
#[expect(clippy::exhaustive_structs, reason = "a place and its mistake, and never more")]
pub struct RowError {
    /// Where.
    pub place: Place,
    /// What is wrong with it, and how to mend it.
    pub mistake: Mistake,
}

/// Where in a dataset something is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a file and a row, and never more")]
pub struct Place {
    /// Which file; the image itself in a folder without labels of its own.
    pub file: PathBuf,
    /// Which row or line of it, counted from one; nothing where there are no rows.
    pub row: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Some(row) => {
                // Of a text people see lines.
                let parquet = self.file.extension().is_some_and(|end| end == "parquet");
                let word = if parquet { "row" } else { "line" };
                write!(f, "{word} {row} of `{}`", shown(&self.file))
            }
            None => write!(f, "`{}`", shown(&self.file)),
        }
    }
}

/// What can be wrong with a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// It is no JSON object.
    #[error("is no label: {detail}; expected {{\"image\": \"a.png\", \"violated\": []}}")]
    NotJson {
        /// What the parser says.
        detail: String,
    },
    /// It has not as many cells as there are columns, or they are no text.
    #[error("{detail}; quote cells that hold the separator or a line break, and save as UTF-8")]
    NotCsv {
        /// What is wrong.
        detail: String,
    },
    /// It names no image.
    #[error("names no image; fill in `{column}`")]
    NoImage {
        /// The column that would.
        column: String,
    },
    /// Its image is text, and no image.
    #[error(
        "has an image in base64 that can't be read: {detail}; write the file's bytes anew, or a path"
    )]
    Base64 {
        /// What is wrong.
        detail: String,
    },
    /// It has the image of a row that is not there.
    #[error("has the image of row `{}`, and no row has that index", shown(index))]
    NoSuchRow {
        /// The index it names.
        index: String,
    },
    /// It has the image of a row that has it from another, and so on without an end.
    #[error("has the image of row `{}`, which leads from row to row to no image", shown(index))]
    Circle {
        /// The index it names.
        index: String,
    },
    /// It is longer than any row with an image in it.
    #[error("is longer than {most_mib} MiB; end each row's line, or put its image into a file")]
    TooLong {
        /// What a line may have.
        most_mib: u64,
    },
    /// It names a file outside of the dataset.
    #[error(
        "names `{}`, which is outside of the dataset; put the image into its folder",
        shown(image)
    )]
    Outside {
        /// The path it names.
        image: String,
    },
    /// A word that is neither safe nor unsafe.
    #[error(
        "says `{}`, which is neither `Safe` nor `Unsafe`; say what it means with `--label '{}=unsafe'`",
        shown(word),
        shown(word)
    )]
    Safety {
        /// The word.
        word: String,
    },
    /// A name that can't be a rule's.
    #[error(transparent)]
    NoRule(#[from] InvalidRuleId),
    /// A rule that is not judged.
    #[error("names the rule `{rule}`, which the constitution does not have")]
    UnknownRule {
        /// Which rule.
        rule: RuleId,
    },
    /// It says two things at once.
    #[error("says both that the image is {} and that it is {}; correct one", said.to_string().to_lowercase(), also.to_string().to_lowercase())]
    Contradiction {
        /// What was said first.
        said: Safety,
        /// What was said after.
        also: Safety,
    },
    /// A cell is of another kind than its column.
    #[error("`{column}` is {found}, expected {expected}")]
    Cell {
        /// Which column.
        column: String,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// An image or a folder that can't be walked to.
    #[error(transparent)]
    Source(#[from] crate::imaging::SourceError),
    /// The rest of the file is damaged.
    #[error("can't be read, and what follows in the file is lost: {detail}")]
    Damaged {
        /// What is wrong.
        detail: String,
    },
}

impl From<DatasetError> for Mistake {
    fn from(error: DatasetError) -> Self {
        Self::Damaged { detail: error.to_string() }
    }
}

impl From<io::Error> for Mistake {
    fn from(error: io::Error) -> Self {
        Self::Damaged { detail: error.to_string() }
    }
}

impl Mistake {
    /// A word to count by; it stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "no_json",
            Self::NotCsv { .. } => "no_csv",
            Self::NoImage { .. } => "no_image",
            Self::Base64 { .. } => "base64",
            Self::NoSuchRow { .. } => "no_such_row",
            Self::Circle { .. } => "circle",
            Self::TooLong { .. } => "too_long",
            Self::Outside { .. } => "outside",
            Self::Safety { .. } => "safety",
            Self::NoRule(_) => "no_rule",
            Self::UnknownRule { .. } => "unknown_rule",
            Self::Contradiction { .. } => "contradiction",
            Self::Cell { .. } => "cell",
            Self::Source(error) => error.code(),
            Self::Damaged { .. } => "damaged",
        }
    }
}
