//! Images in folders whose names say what they are: `safe/a.png`, `test/unsafe/Violence/b.png`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Place;
use super::row::{Cells, is_split};
use super::{Content, Example, Options, RowError};
use crate::imaging::{Source, Sources};

/// The images in a folder and below, by name; hidden files are passed over.
pub(super) fn read(
    root: &Path,
    options: Arc<Options>,
) -> impl Iterator<Item = Result<Example, RowError>> + Send + use<> {
    let root = root.to_owned();
    Sources::new([root.clone()], io::empty()).map(move |source| match source {
        Ok(source) => example(&root, source, &options),
        Err(error) => Err(error_at(root.clone(), error.into())),
    })
}

fn example(root: &Path, source: Source, options: &Options) -> Result<Example, RowError> {
    let inside = source.path().strip_prefix(root).unwrap_or(source.path());
    let folders = inside.parent().into_iter().flat_map(Path::components);
    let words: Vec<String> =
        folders.map(|folder| folder.as_os_str().to_string_lossy().into_owned()).collect();
    let splits = |word: &String| is_split(word) && !options.meanings.contains_key(word);
    let (splits, classes) = words.into_iter().partition::<Vec<_>, _>(splits);
    let cells = Cells { classes, set: splits.into_iter().next(), ..Cells::default() };
    match cells.label(options) {
        Ok(label) => Ok(Example {
            name: source.path().to_string_lossy().into_owned(),
            content: Content::File(source),
            label,
        }),
        Err(mistake) => Err(error_at(source.path().to_owned(), mistake)),
    }
}

fn error_at(file: PathBuf, mistake: super::Mistake) -> RowError {
    RowError { place: Place { file, row: None }, mistake }
}
