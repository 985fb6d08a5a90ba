//! Labelled images, wherever they lie: a folder, a manifest, a Hugging Face dataset, Parquet.
//!
//! A [`Dataset`] is opened once and read as often as one likes; each reading is a lazy row of
//! [`Example`]s. Memory stays flat: files are named and not read, and of Parquet only a few rows
//! are held at a time. A row that can't be used is an item of its own, a [`RowError`] with its
//! number and how to mend it, and never the end of the reading.
//!
//! | format | what lies there |
//! | --- | --- |
//! | [`Format::Folder`] | images in folders whose names say what they are: `safe/`, `unsafe/`, a rule, a category, a split |
//! | [`Format::Jsonl`], [`Format::Csv`] | a file of labels that names the images, or holds them in base64 |
//! | [`Format::ImageFolder`] | `metadata.csv`, `.jsonl` or `.parquet` with `file_name` beside the images |
//! | [`Format::Parquet`] | one file or several, the images inside |
//!
//! ```
//! use praetor::dataset::{Dataset, Options, Safety};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("labels.jsonl");
//! std::fs::write(&path, r#"{"image": "a.png", "violated": ["weapons.child"]}"#)?;
//! let dataset = Dataset::open(&path, &Options::default())?;
//! let example = dataset.examples()?.next().unwrap()?;
//! assert_eq!(example.label.safety, Some(Safety::Unsafe));
//! # Ok(()) }
//! ```

#[cfg(feature = "parquet")]
mod cells;
mod columns;
mod error;
mod folder;
mod inline;
mod label;
mod lines;
mod manifest;
mod metadata;
#[cfg(feature = "parquet")]
mod parquet;
mod recognise;
mod references;
mod row;
pub mod survey;
#[cfg(feature = "parquet")]
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::columns::{Columns, Role};
pub use self::error::{DatasetError, Mistake, Place, RowError};
pub use self::label::{BadMeaning, Label, Meaning, Safety};
pub use self::recognise::Format;
#[cfg(feature = "parquet")]
pub use self::write::{ParquetWriter, WriteError};
use crate::ids::{Hash, ImageHash, RuleId};
use crate::imaging::{
    DecodeError, Decoded, Limits, Problem, Source, decode, decode_bytes, file_bytes, file_hash,
};

/// One image and what people say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers with images of their own make examples")]
pub struct Example {
    /// How verdicts name it: the file's path, or for an image that is in the dataset the dataset's with
    /// the row or line and, where it is known, the name inside, such as `test.parquet#17/cat.png`. Unique within a dataset that
    /// names no file twice.
    pub name: String,
    /// Where the image is.
    pub content: Content,
    /// What people say of it.
    pub label: Label,
}

/// Where an example's image is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an image is in a file or in the dataset")]
pub enum Content {
    /// In a file, which has not been looked at.
    File(Source),
    /// In the dataset: the bytes of an image file.
    Bytes(Arc<[u8]>),
}

impl Example {
    /// Reads and decodes the image.
    ///
    /// # Errors
    /// As [`decode`] and [`decode_bytes`] give them.
    pub fn decode(&self, limits: &Limits) -> Result<Decoded, DecodeError> {
        match &self.content {
            Content::File(source) => decode(source, limits),
            Content::Bytes(bytes) => decode_bytes(&Source::new(&self.name), bytes, limits),
        }
    }

    /// Hash of the image file's bytes, by which the same image is found again. Of a file a block is held at
    /// a time.
    ///
    /// # Errors
    /// As [`file_hash`] gives them.
    pub fn hash(&self) -> Result<ImageHash, DecodeError> {
        match &self.content {
            Content::File(source) => file_hash(source),
            Content::Bytes(bytes) => Ok(Hash::of(bytes)),
        }
    }

    /// The image file's bytes.
    ///
    /// # Errors
    /// As [`file_bytes`] gives them; bytes in the dataset are held to the same limit.
    pub fn bytes(&self, limits: &Limits) -> Result<Arc<[u8]>, DecodeError> {
        let limit_bytes = limits.file_bytes;
        match &self.content {
            Content::File(source) => file_bytes(source, limits).map(Into::into),
            Content::Bytes(bytes) if u64::try_from(bytes.len()).is_ok_and(|n| n <= limit_bytes) => {
                Ok(Arc::clone(bytes))
            }
            Content::Bytes(_) => {
                let problem = Problem::TooLarge { limit_bytes };
                Err(DecodeError { path: self.name.clone().into(), problem })
            }
        }
    }
}

/// How a dataset is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers choose by its fields")]
pub struct Options {
    /// The format; recognised by what lies there when it isn't given.
    pub format: Option<Format>,
    /// Columns with names of their own.
    pub columns: Columns,
    /// Words of folders, classes, sets, sources and categories that mean something else.
    pub meanings: BTreeMap<String, Meaning>,
    /// The policy's rules: folders and classes of their names are violations, and a label that
    /// names another rule is a mistake, since it could never be found violated.
    pub rules: Option<BTreeSet<RuleId>>,
}

/// Labelled images that can be read one by one.
#[derive(Clone, Debug)]
pub struct Dataset {
    path: PathBuf,
    options: Options,
    format: Format,
    files: Vec<PathBuf>,
}

/// The examples of a dataset, in its order.
pub type Examples = Box<dyn Iterator<Item = Result<Example, RowError>> + Send>;

impl Dataset {
    /// Looks at what lies at `path` and how it is to be read; of files with columns the names are
    /// read too. No image is.
    ///
    /// # Errors
    /// [`DatasetError`] when there is nothing, nothing that can be read as a dataset, or no column
    /// that names or holds the images.
    pub fn open(path: &Path, options: &Options) -> Result<Self, DatasetError> {
        let (format, files) = recognise::recognise(path, options.format)?;
        let options = options.clone();
        let dataset = Self { path: path.to_owned(), options, format, files };
        // What has no columns that could be used is told of before anything is judged.
        drop(dataset.read(Reading::Labels)?);
        Ok(dataset)
    }

    /// What was recognised, or chosen.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that hold the labels, or for folders the folder itself.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// How many rows there are, bad ones included, where that can be known without reading images.
    pub fn count(&self) -> Option<u64> {
        match self.format {
            #[cfg(feature = "parquet")]
            Format::Parquet => parquet::count(&self.files),
            _ => u64::try_from(self.read(Reading::Labels).ok()?.count()).ok(),
        }
    }

    /// All examples, lazily.
    ///
    /// # Errors
    /// When a file can't be opened any more.
    pub fn examples(&self) -> Result<Examples, DatasetError> {
        self.read(Reading::Images)
    }

    /// The labels alone, which costs no reading of images.
    ///
    /// # Errors
    /// When a file can't be opened any more.
    pub fn labels(
        &self,
    ) -> Result<impl Iterator<Item = Result<Label, RowError>> + Send + use<>, DatasetError> {
        Ok(self.read(Reading::Labels)?.map(|example| example.map(|example| example.label)))
    }

    fn read(&self, reading: Reading) -> Result<Examples, DatasetError> {
        let options = Arc::new(self.options.clone());
        match self.format {
            Format::Folder => Ok(Box::new(folder::read(&self.path, options))),
            Format::Jsonl | Format::Csv => {
                let files = self.files.iter().cloned();
                // A list that its user has made names what it likes.
                let how = (row::Reach::Anywhere, reading);
                let made: Result<Vec<_>, _> = files
                    .map(|file| manifest::read(&file, self.format, Arc::clone(&options), how))
                    .collect();
                Ok(Box::new(made?.into_iter().flatten()))
            }
            Format::ImageFolder => metadata::read(&self.path, &self.files, &options),
            #[cfg(feature = "parquet")]
            Format::Parquet => parquet::read(&self.files, &options, reading),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => Err(DatasetError::NoParquet { path: self.path.clone() }),
        }
    }
}

/// What of the rows is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Names and labels; images that are in the dataset are left out.
    Labels,
    /// All of them.
    Images,
}
