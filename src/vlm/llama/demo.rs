//! The demo model that praetor carries: a tiny vision-language model of pictograms.
//!
//! llama.cpp loads from files, so the two embedded files are written to a cache folder once and
//! found there again.

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

/// The file's name holds the content's hash, so that another version never meets an old file, and
/// it is renamed into place, so that a half-written one is never found.
fn place(folder: &Path, stem: &str, content: &[u8]) -> std::io::Result<PathBuf> {
    let path = folder.join(format!("{stem}-{}.gguf", Hash::of(content)));
    let complete = fs_err::metadata(&path).is_ok_and(|found| found.len() == content.len() as u64);
    if !complete {
        fs_err::create_dir_all(folder)?;
        let partial = folder.join(format!("{stem}-{}.partial", std::process::id()));
        fs_err::write(&partial, content)?;
        fs_err::rename(&partial, &path)?;
    }
    Ok(path)
}
