//! Hugging Face's `ImageFolder`: `metadata.csv`, `.jsonl` or `.parquet` beside its images, in the
//! folder itself or in one for each split.
//!
//! Such folders come from elsewhere, so that they name only files within themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recognise::extension;
use super::row::{Reach, is_split};
use super::{DatasetError, Example, Examples, Format, Options, Reading, manifest};

/// The rows of all metadata files, in their order.
pub(super) fn read(
    root: &Path,
    files: &[PathBuf],
    options: &Arc<Options>,
) -> Result<Examples, DatasetError> {
    // Images are named in any case, since it is by their paths that they belong to a split.
    let within = (Reach::Within, Reading::Images);
    let of_file = |file: &PathBuf| match extension(file).as_str() {
        "csv" => manifest::read(file, Format::Csv, Arc::clone(options), within),
        #[cfg(feature = "parquet")]
        "parquet" => super::parquet::read(std::slice::from_ref(file), options, Reading::Images),
        #[cfg(not(feature = "parquet"))]
        "parquet" => Err(DatasetError::NoParquet { path: file.clone() }),
        _ => manifest::read(file, Format::Jsonl, Arc::clone(options), within),
    };
    let files: Result<Vec<_>, _> = files.iter().map(of_file).collect();
    let root = root.to_owned();
    let in_its_split = move |example: Example| counted_by_split(&root, example);
    Ok(Box::new(files?.into_iter().flatten().map(move |row| row.map(&in_its_split))))
}

/// An image without a set of its own belongs to the split that it lies in.
fn counted_by_split(root: &Path, mut example: Example) -> Example {
    if example.label.set.is_empty() {
        let inside = Path::new(&example.name).strip_prefix(root).ok();
        let first = inside.and_then(|path| path.components().next());
        let first = first.map(|part| part.as_os_str().to_string_lossy().into_owned());
        example.label.set = first.filter(|word| is_split(word)).unwrap_or_default();
    }
    example
}
