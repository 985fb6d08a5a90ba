//! Parquet with the images inside, as the Hugging Face hub keeps them: `image` is a struct of
//! `bytes` and `path`, or the bytes alone, or a text: a path beside the file, base64, or the index of
//! another row.
//!
//! Rows come in batches of [`ROWS_AT_ONCE`], so that memory does not grow with the file. Classes
//! that are stored as numbers get the names that the file's metadata has for them.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};

use super::columns::Role;
use super::error::Place;
use super::inline::{self, Written, written};
use super::references::References;
use super::row::{Cells, Reach, is_split};
use super::{Content, DatasetError, Example, Examples, Mistake, Options, Reading, RowError, cells};

/// Rows that are held at once; a picture may be some megabytes.
const ROWS_AT_ONCE: usize = 8;

/// Rows of all files, by their metadata.
pub(super) fn count(files: &[PathBuf]) -> Option<u64> {
    files.iter().try_fold(0, |sum: u64, file| {
        let (_, metadata) = open(file).ok()?;
        let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).ok()?;
        sum.checked_add(rows)
    })
}

/// The rows of all files, in their order.
pub(super) fn read(
    files: &[PathBuf],
    options: &Arc<Options>,
    reading: Reading,
) -> Result<Examples, DatasetError> {
    // Each file is looked at now, so that none turns out to have no images after hours of judging.
    let all: Arc<[PathBuf]> = files.into();
    let shards: Result<Vec<_>, _> =
        files.iter().map(|file| Shard::open(file, &all, options, reading)).collect();
    Ok(Box::new(shards?.into_iter().flat_map(Shard::rows)))
}

fn open(path: &Path) -> Result<(File, ArrowReaderMetadata), DatasetError> {
    let (file, _) = fs_err::File::open(path)?.into_parts();
    let damaged = |detail: String| DatasetError::Damaged { path: path.to_owned(), detail };
    // The arrow types that a writer left are not needed: without them texts are texts.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = catch_unwind(AssertUnwindSafe(|| ArrowReaderMetadata::load(&file, options)))
        .map_err(|_| damaged("its metadata is no metadata".to_owned()))?
        .map_err(|error| damaged(error.to_string()))?;
    Ok((file, metadata))
}

/// One file of a dataset.
struct Shard {
    path: PathBuf,
    /// All files of the dataset, in which rows may lie that others refer to.
    all: Arc<[PathBuf]>,
    options: Arc<Options>,
    reading: Reading,
    /// Which column holds what.
    columns: BTreeMap<Role, String>,
    /// The names of classes that are stored as numbers, by column.
    classes: BTreeMap<String, Vec<String>>,
    /// The split that the file's name or folder says.
    set: Option<String>,
}

impl Shard {
    fn open(
        path: &Path,
        all: &Arc<[PathBuf]>,
        options: &Arc<Options>,
        reading: Reading,
    ) -> Result<Self, DatasetError> {
        let (_, metadata) = open(path)?;
        let schema = metadata.schema();
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let has = |name: &str| names.iter().any(|one| one == name);
        if let Some((role, wanted)) = options.columns.missing(has) {
            let path = path.to_owned();
            return Err(DatasetError::MissingColumn { path, wanted, role, available: names });
        }
        let find = |role: Role| Some((role, options.columns.find(role, has)?.to_owned()));
        let mut columns: BTreeMap<Role, String> = Role::ALL.into_iter().filter_map(find).collect();
        // A column that is called so by chance, such as one of fractions, is no index.
        columns.retain(|role, column| {
            let kind = schema.field_with_name(column).ok().map(Field::data_type);
            *role != Role::Index || kind.is_some_and(cells::is_text)
        });
        for (role, column) in &columns {
            check(path, schema, *role, column)?;
        }
        let classes = class_names(&metadata);
        let (options, set) = (Arc::clone(options), split_of(path));
        let (path, all) = (path.to_owned(), Arc::clone(all));
        Ok(Self { path, all, options, reading, columns, classes, set })
    }

    /// The file's rows. It is opened at its turn, so that a thousand shards are not open at once.
    fn rows(self) -> Examples {
        match self.reader() {
            Ok(reader) => Box::new(Rows {
                shard: self,
                reader: Some(reader),
                batch: None,
                row: 0,
                references: References::new(),
            }),
            Err(error) => {
                let mistake = Mistake::Damaged { detail: error.to_string() };
                Box::new(std::iter::once(Err(self.error(None, mistake))))
            }
        }
    }

    fn reader(&self) -> Result<ParquetRecordBatchReader, DatasetError> {
        let images = self.reading == Reading::Images;
        let roles = Role::ALL.into_iter().filter(|role| match role {
            Role::Image => images,
            Role::Index => false,
            _ => true,
        });
        self.columns_of(&roles.collect::<Vec<_>>(), None)
    }

    /// Some of the columns, of all rows or of one.
    fn columns_of(
        &self,
        roles: &[Role],
        row: Option<usize>,
    ) -> Result<ParquetRecordBatchReader, DatasetError> {
        let (file, metadata) = open(&self.path)?;
        let wanted = |at: &usize| {
            let column = metadata.parquet_schema().column(*at);
            let root = column.path().parts().first();
            let role = self.columns.iter().find(|(_, name)| Some(*name) == root);
            role.is_some_and(|(role, _)| roles.contains(role))
        };
        let leaves: Vec<usize> =
            (0..metadata.parquet_schema().num_columns()).filter(wanted).collect();
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), leaves);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(mask)
            .with_batch_size(ROWS_AT_ONCE);
        if let Some(row) = row {
            let selection = vec![RowSelector::skip(row), RowSelector::select(1)];
            builder = builder.with_row_selection(RowSelection::from(selection));
        }
        builder.build().map_err(|error| DatasetError::Damaged {
            path: self.path.clone(),
            detail: error.to_string(),
        })
    }

    fn error(&self, row: Option<u64>, mistake: Mistake) -> RowError {
        RowError { place: Place { file: self.path.clone(), row }, mistake }
    }

    fn example(
        &self,
        batch: &RecordBatch,
        (at, row): (usize, u64),
        references: &mut References<(usize, usize)>,
    ) -> Result<Example, Mistake> {
        let text = |role: Role| match self.columns.get(&role) {
            Some(column) => cells::text(batch, column, at, self.classes.get(column)),
            None => Ok(None),
        };
        let violated = match self.columns.get(&Role::Violated) {
            Some(column) => cells::rules(batch, column, at)?,
            None => None,
        };
        let label = Cells {
            safety: text(Role::Safety)?,
            violated,
            classes: text(Role::Class)?.into_iter().collect(),
            category: text(Role::Category)?,
            source: text(Role::Source)?,
            set: text(Role::Set)?.or_else(|| self.set.clone()),
            text: text(Role::Text)?,
        };
        let label = label.label(&self.options)?;
        let (name, content) = self.image(batch, (at, row), references)?;
        Ok(Example { name, content, label })
    }

    /// How the row's image is called, and where it is.
    fn image(
        &self,
        batch: &RecordBatch,
        (at, row): (usize, u64),
        references: &mut References<(usize, usize)>,
    ) -> Result<(String, Content), Mistake> {
        let numbered = format!("{}#{row}", self.path.to_string_lossy());
        if self.reading == Reading::Labels {
            return Ok((numbered, Content::Bytes(Arc::from([]))));
        }
        let (written, inside) = self.written(batch, at)?;
        let name = match (&written, inside) {
            (Written::Image(Content::File(source)), _) => {
                source.path().to_string_lossy().into_owned()
            }
            (_, Some(inside)) => format!("{numbered}/{inside}"),
            (_, None) => numbered,
        };
        Ok((name, references.content(written, self)?))
    }

    /// What the cell of a row's image says, and what the image is called inside.
    fn written(
        &self,
        batch: &RecordBatch,
        at: usize,
    ) -> Result<(Written, Option<String>), Mistake> {
        let column = self.columns.get(&Role::Image).map_or("image", String::as_str);
        match cells::image(batch, column, at) {
            (Some(bytes), path) => Ok((Written::Image(Content::Bytes(bytes)), path)),
            (None, Some(text)) => {
                let folder = self.path.parent().unwrap_or_else(|| Path::new(""));
                let indexed = self.columns.contains_key(&Role::Index);
                let place = inline::Place { folder, reach: Reach::Within, indexed };
                Ok((written(&text, place)?, None))
            }
            (None, None) => Err(Mistake::NoImage { column: column.to_owned() }),
        }
    }

    /// Another file of the dataset.
    fn shard(&self, file: usize) -> Result<Self, DatasetError> {
        let path = self.all.get(file).unwrap_or(&self.path);
        Self::open(path, &self.all, &self.options, self.reading)
    }
}

/// Rows are found by their file and their number in it, both from zero.
impl super::references::Rows for Shard {
    type At = (usize, usize);

    fn places(&self) -> Result<BTreeMap<String, (usize, usize)>, Mistake> {
        let mut places = BTreeMap::new();
        for file in 0..self.all.len() {
            let shard = self.shard(file)?;
            let Some(column) = shard.columns.get(&Role::Index) else { continue };
            let mut row = 0;
            let mut reader = shard.columns_of(&[Role::Index], None)?;
            while let Some(batch) = next_batch(&mut reader) {
                let batch = batch?;
                for at in 0..batch.num_rows() {
                    if let Some(index) = cells::text(&batch, column, at, None)? {
                        places.entry(index).or_insert((file, row));
                    }
                    row += 1;
                }
            }
        }
        Ok(places)
    }

    fn image(&self, (file, row): &(usize, usize)) -> Result<Written, Mistake> {
        let shard = self.shard(*file)?;
        let mut reader = shard.columns_of(&[Role::Image], Some(*row))?;
        match next_batch(&mut reader) {
            Some(batch) => Ok(shard.written(&batch?, 0)?.0),
            None => Err(Mistake::Damaged { detail: "it has become shorter".to_owned() }),
        }
    }
}

/// The next rows; a damaged file must not end the run: decoders of pages have panicked before.
fn next_batch(reader: &mut ParquetRecordBatchReader) -> Option<Result<RecordBatch, Mistake>> {
    let damaged = |detail: String| Mistake::Damaged { detail };
    match catch_unwind(AssertUnwindSafe(|| reader.next())) {
        Ok(read) => Some(read?.map_err(|error| damaged(error.to_string()))),
        Err(_) => Some(Err(damaged("its pages are no pages".to_owned()))),
    }
}

/// The rows of one file that are still to come.
struct Rows {
    shard: Shard,
    /// Nothing once the file has turned out to be damaged.
    reader: Option<ParquetRecordBatchReader>,
    batch: Option<(RecordBatch, usize)>,
    row: u64,
    references: References<(usize, usize)>,
}

impl Iterator for Rows {
    type Item = Result<Example, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((batch, at)) = &mut self.batch
                && *at < batch.num_rows()
            {
                self.row += 1;
                let example = self.shard.example(batch, (*at, self.row), &mut self.references);
                *at += 1;
                return Some(example.map_err(|mistake| self.shard.error(Some(self.row), mistake)));
            }
            match next_batch(self.reader.as_mut()?)? {
                Ok(batch) => self.batch = Some((batch, 0)),
                Err(mistake) => {
                    self.reader = None;
                    self.batch = None;
                    return Some(Err(self.shard.error(Some(self.row + 1), mistake)));
                }
            }
        }
    }
}

/// Whether a column can hold what it is for.
fn check(path: &Path, schema: &Schema, role: Role, column: &str) -> Result<(), DatasetError> {
    let Ok(field) = schema.field_with_name(column) else { return Ok(()) };
    let (fits, expected) = match role {
        Role::Image => (
            cells::is_image(field.data_type()),
            "an image: a struct of `bytes` and `path`, bytes, or a text (a path or base64)",
        ),
        Role::Violated => (cells::is_rules(field.data_type()), "rules: a list of texts, or a text"),
        _ => (cells::is_text(field.data_type()), "a text, a class or a number"),
    };
    if fits {
        return Ok(());
    }
    Err(DatasetError::ColumnType {
        path: path.to_owned(),
        column: column.to_owned(),
        found: kind(field.data_type()),
        expected,
    })
}

fn kind(found: &DataType) -> String {
    let text = found.to_string();
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { format!("{short}..") } else { short }
}

/// The names of classes by column, from what the `datasets` library writes into the file:
/// `{"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}`.
fn class_names(metadata: &ArrowReaderMetadata) -> BTreeMap<String, Vec<String>> {
    let pairs = metadata.metadata().file_metadata().key_value_metadata();
    let written = pairs.into_iter().flatten().find(|pair| pair.key == "huggingface");
    let written = written.and_then(|pair| pair.value.as_ref());
    let read = written.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let features = read.as_ref().and_then(|read| read["info"]["features"].as_object());
    let names = features.into_iter().flatten().filter_map(|(column, feature)| {
        let names = feature["names"].as_array()?.iter();
        let names: Option<Vec<String>> =
            names.map(|name| Some(name.as_str()?.to_owned())).collect();
        Some((column.clone(), names?))
    });
    names.collect()
}

/// The split of `train-00000-of-00003.parquet`, `test.parquet`, `validation/0000.parquet`.
fn split_of(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_string_lossy();
    let first = name.split('-').next()?.to_owned();
    let folder = path.parent().and_then(Path::file_name);
    let folder = folder.map(|name| name.to_string_lossy().into_owned());
    [Some(first), folder].into_iter().flatten().find(|word| is_split(word))
}
