//! The demo's example pictures, as files and as tasks.

use std::io;
use std::path::PathBuf;

use praetor::imaging::{Decoded, Limits, Source, decode};
use praetor::pipeline::stream::Task;
use praetor::verdict::ImageError;

/// The examples' paths, in their order.
pub(crate) fn examples() -> io::Result<Vec<PathBuf>> {
    let entries = fs_err::read_dir("models/demo/examples")?;
    let paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    let is_picture = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "png");
    let mut examples: Vec<PathBuf> = paths.into_iter().filter(is_picture).collect();
    examples.sort();
    Ok(examples)
}

/// A picture to be judged.
pub(crate) fn task(path: PathBuf) -> Task<impl FnOnce() -> Result<Decoded, ImageError> + Send> {
    let image = path.display().to_string();
    let decode = move || {
        decode(&Source::new(&path), &Limits::default()).map_err(|error| ImageError {
            code: error.code().to_owned(),
            message: error.to_string(),
        })
    };
    Task { image, decode }
}
