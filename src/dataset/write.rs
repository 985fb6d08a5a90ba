//! Writes UnsafeBench's own layout: Parquet with `image` (a struct of `bytes` and `path`),
//! `safety_label`, `category`, `source` and `text`, as its files on the Hugging Face hub have it.
//!
//! Image files go in as they are, byte by byte. A hundred rows are held at once, or fewer where they are large.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{Example, Safety};
use crate::imaging::{DecodeError, Limits};

/// Rows of a group, as the `datasets` library chooses for images.
const GROUP: usize = 100;

/// Bytes of a group, unless one row has more.
const GROUP_BYTES: usize = 64 << 20;

/// Bytes of the largest image. Offsets in a column have 31 bits, and a group may have other bytes as well.
const LARGEST: u64 = 1 << 30;

/// What the `datasets` library knows the columns by.
const FEATURES: &str = r#"{"info": {"features": {"image": {"_type": "Image"}, "safety_label": {"dtype": "string", "_type": "Value"}, "category": {"dtype": "string", "_type": "Value"}, "source": {"dtype": "string", "_type": "Value"}, "text": {"dtype": "string", "_type": "Value"}}}}"#;

/// A file in UnsafeBench's layout that is being written.
pub struct ParquetWriter<To: Write + Send> {
    writer: ArrowWriter<To>,
    schema: Arc<Schema>,
    rows: Vec<Row>,
    /// Bytes in those rows.
    held: usize,
    limits: Limits,
    written: u64,
}

struct Row {
    bytes: Arc<[u8]>,
    path: String,
    safety: Safety,
    category: Option<String>,
    source: Option<String>,
    text: Option<String>,
}

impl Row {
    fn size(&self) -> usize {
        let texts =
            [Some(&self.path), self.category.as_ref(), self.source.as_ref(), self.text.as_ref()];
        self.bytes.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

/// An example that can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The layout has no place for an image without a label.
    #[error("`{name}` is neither labelled safe nor unsafe; label it, or leave it out")]
    Unlabelled {
        /// Which image.
        name: String,
    },
    /// The image's file can't be read, or is too large.
    #[error(transparent)]
    Image(#[from] DecodeError),
    /// The file can't be written.
    #[error("the Parquet file can't be written: {0}")]
    Parquet(#[from] ParquetError),
}

impl<To: Write + Send> ParquetWriter<To> {
    /// Begins a file. Images are read within the limit on a file's bytes, and at most a gibibyte of each.
    ///
    /// # Errors
    /// When nothing can be written to it.
    pub fn new(to: To, limits: &Limits) -> Result<Self, WriteError> {
        let image = Fields::from(vec![
            Field::new("bytes", DataType::Binary, true),
            Field::new("path", DataType::Utf8, true),
        ]);
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let schema = Arc::new(Schema::new(vec![
            Field::new("image", DataType::Struct(image), true),
            text("safety_label"),
            text("category"),
            text("source"),
            text("text"),
        ]));
        let features = KeyValue::new("huggingface".to_owned(), FEATURES.to_owned());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![features]))
            .build();
        let writer = ArrowWriter::try_new(to, Arc::clone(&schema), Some(properties))?;
        let limits = Limits { file_bytes: limits.file_bytes.min(LARGEST), ..limits.clone() };
        Ok(Self { writer, schema, rows: Vec::new(), held: 0, limits, written: 0 })
    }

    /// Adds an image.
    ///
    /// # Errors
    /// [`WriteError::Unlabelled`] and [`WriteError::Image`] concern this image alone, and the next
    /// can be added all the same.
    pub fn add(&mut self, example: &Example) -> Result<(), WriteError> {
        let label = &example.label;
        let name = || example.name.clone();
        let Some(safety) = label.safety else {
            return Err(WriteError::Unlabelled { name: name() });
        };
        let bytes = example.bytes(&self.limits)?;
        let file = Path::new(&example.name).file_name();
        let path = file.map_or_else(name, |file| file.to_string_lossy().into_owned());
        let (category, source) = (label.category.clone(), label.source.clone());
        let row = Row { bytes, path, safety, category, source, text: label.text.clone() };
        let size = row.size();
        if self.rows.len() == GROUP || self.held + size > GROUP_BYTES {
            self.flush()?;
        }
        self.held += size;
        self.rows.push(row);
        self.written += 1;
        Ok(())
    }

    /// Ends the file and says how many images are in it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> Result<u64, WriteError> {
        self.flush()?;
        self.writer.close()?;
        Ok(self.written)
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.held = 0;
        let batch = self.batch(&rows)?;
        self.writer.write(&batch)?;
        Ok(self.writer.flush()?)
    }

    fn batch(&self, rows: &[Row]) -> Result<RecordBatch, ParquetError> {
        let text = |of: &dyn Fn(&Row) -> Option<String>| {
            let mut column = StringBuilder::new();
            for row in rows {
                column.append_option(of(row));
            }
            Arc::new(column.finish()) as ArrayRef
        };
        let mut bytes = BinaryBuilder::new();
        for row in rows {
            bytes.append_value(&row.bytes);
        }
        let DataType::Struct(parts) = self.schema.field(0).data_type() else {
            return Err(ParquetError::General("the first column is no image".to_owned()));
        };
        let columns =
            vec![Arc::new(bytes.finish()) as ArrayRef, text(&|row| Some(row.path.clone()))];
        let image = StructArray::try_new(parts.clone(), columns, None)?;
        let columns = vec![
            Arc::new(image) as ArrayRef,
            text(&|row| Some(row.safety.to_string())),
            text(&|row| row.category.clone()),
            text(&|row| row.source.clone()),
            text(&|row| row.text.clone()),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl<To: Write + Send> std::fmt::Debug for ParquetWriter<To> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetWriter").field("written", &self.written).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    use super::*;
    use crate::dataset::{Content, Label};

    fn example(bytes: Vec<u8>) -> Example {
        let label = Label { safety: Some(Safety::Safe), ..Label::default() };
        Example { name: "a.png".to_owned(), content: Content::Bytes(bytes.into()), label }
    }

    #[test]
    fn large_rows_make_a_group_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let file = fs_err::File::create(&path).unwrap();
        let mut writer = ParquetWriter::new(file, &Limits::default()).unwrap();
        for mebibytes in [40, 20, 40, 1] {
            writer.add(&example(vec![0; mebibytes << 20])).unwrap();
        }
        let refused = writer.add(&example(vec![0; (64 << 20) + 1])).unwrap_err();
        assert!(refused.to_string().contains("larger than 67108864 bytes"), "{refused}");
        assert_eq!(writer.finish().unwrap(), 4);
        let read =
            SerializedFileReader::new(fs_err::File::open(&path).unwrap().into_file()).unwrap();
        let rows = |group| read.metadata().row_group(group).num_rows();
        assert_eq!(read.metadata().num_row_groups(), 2);
        assert_eq!([rows(0), rows(1)], [2, 2]);
    }
}
