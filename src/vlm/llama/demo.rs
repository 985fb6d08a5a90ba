//! The demo model that praetor carries: a tiny vision-language model of pictograms.
//!
//! llama.cpp loads from files, so the two embedded files are written to a cache folder once and
//! found there again.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use super::LlamaOptions;
use crate::ids::Hash;

const MODEL: &[u8] = include_bytes!("../../../models/demo/demo.gguf");
const PROJECTOR: &[u8] = include_bytes!("../../../models/demo/demo-mmproj.gguf");

/// The name by which the demo model is chosen and named in verdicts.
pub const NAME: &str = "demo";

/// Writes the embedded model into `folder` unless it is there already, and says how to load it.
///
/// # Errors
/// When the folder can't be written.
pub fn unpack(folder: &Path) -> std::io::Result<LlamaOptions> {
    let model = place(folder, "demo", MODEL)?;
    let projector = place(folder, "demo-mmproj", PROJECTOR)?;
    Ok(LlamaOptions { name: NAME.to_owned(), ..LlamaOptions::new(model, projector) })
}

/// The file's name holds the content's hash, so that another version never meets an old file; it
/// is written beside its place under a name that nobody else has, and renamed, so that a
/// half-written one is never found.
fn place(folder: &Path, stem: &str, content: &[u8]) -> std::io::Result<PathBuf> {
    let path = folder.join(format!("{stem}-{}.gguf", Hash::of(content)));
    let in_place = || fs_err::read(&path).is_ok_and(|found| found == content);
    if in_place() {
        return Ok(path);
    }
    fs_err::create_dir_all(folder)?;
    let unique = RandomState::new().hash_one(std::process::id());
    let partial = folder.join(format!("{stem}-{unique:016x}.partial"));
    let written = fs_err::write(&partial, content).and_then(|()| fs_err::rename(&partial, &path));
    if written.is_err() {
        // Leftovers must not fill the cache; the error that counts is the first.
        let _ = fs_err::remove_file(&partial);
    }
    match written {
        // Another process was quicker, where a file in use can't be replaced.
        Err(error) if !in_place() => Err(error),
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_and_a_damaged_file_all_end_with_the_right_content() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = unpack(folder.path()).unwrap();
        fs_err::write(&unpacked.model, vec![0; MODEL.len()]).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| unpack(folder.path()).unwrap());
            }
        });
        assert_eq!(fs_err::read(&unpacked.model).unwrap(), MODEL);
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 2);
    }
}
