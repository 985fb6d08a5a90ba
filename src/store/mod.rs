//! The run folder: what was judged, by what, and every verdict.
//!
//! ```text
//! runs/2026-11-24/
//!   manifest.json     which policy, model and settings; written before the first image
//!   verdicts.jsonl    one verdict a line, appended and flushed one by one
//!   usage.json        what a server was asked and what it cost; written when the run ends, or stops
//! ```
//!
//! A run that is cut off keeps every line it has written. Verdicts of a finished run are never
//! overwritten. [`Run`] reads a folder back.

mod run;

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::run::{Run, RunError, Verdicts};
use crate::ids::{ModelId, PolicyHash};
use crate::verdict::Verdict;

const MANIFEST: &str = "manifest.json";
const VERDICTS: &str = "verdicts.jsonl";
const USAGE: &str = "usage.json";

/// Settings of a run by name, as people gave them or as they were defaulted.
pub type Settings = BTreeMap<String, String>;

/// What a run was made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    /// praetor's version.
    pub praetor: String,
    /// When the run began, in RFC 3339.
    pub started: String,
    /// The constitution's name.
    pub constitution: String,
    /// Hash of the policy; every verdict carries it too.
    pub policy: PolicyHash,
    /// The model.
    pub model: ModelId,
    /// Settings that were given or defaulted, by name.
    pub settings: Settings,
    /// Operating system and processor family.
    pub machine: String,
}

/// What a run has asked of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// Requests sent, those that were sent again too.
    pub requests: u64,
    /// Answers taken from a recording.
    pub replayed: u64,
    /// Tokens read by the model, as the server counts them.
    pub tokens_in: u64,
    /// Of these, tokens that the server had kept from an earlier request.
    pub tokens_cached: u64,
    /// Tokens written by the model.
    pub tokens_out: u64,
    /// Questions that a content filter blocked.
    pub blocked: u64,
    /// What it has cost at the prices in the file of models, in their currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// A run folder that is being written.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    verdicts: BufWriter<fs_err::File>,
}

impl RunFolder {
    /// Makes the folder and writes the manifest.
    ///
    /// # Errors
    /// [`StoreError::Occupied`] when the folder holds a run already, and whatever writing meets.
    pub fn create(path: &Path, manifest: &RunManifest) -> Result<Self, StoreError> {
        let verdicts = path.join(VERDICTS);
        if verdicts.exists() || path.join(MANIFEST).exists() {
            return Err(StoreError::Occupied { path: path.to_owned() });
        }
        fs_err::create_dir_all(path)?;
        let text = serde_json::to_string_pretty(manifest)?;
        fs_err::write(path.join(MANIFEST), text + "\n")?;
        let verdicts = BufWriter::new(fs_err::File::create_new(verdicts)?);
        Ok(Self { path: path.to_owned(), verdicts })
    }

    /// Appends one verdict and hands it to the system at once.
    ///
    /// # Errors
    /// Whatever writing meets, such as a full disk.
    pub fn append(&mut self, verdict: &Verdict) -> Result<(), StoreError> {
        write_line(&mut self.verdicts, verdict)
    }

    /// Writes down what the run has asked of a server.
    ///
    /// # Errors
    /// Whatever writing meets.
    pub fn keep_spending(&self, spending: &Spending) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(spending)?;
        Ok(fs_err::write(self.path.join(USAGE), text + "\n")?)
    }

    /// Where the verdicts are.
    pub fn verdicts_path(&self) -> PathBuf {
        self.path.join(VERDICTS)
    }
}

/// Writes a verdict as one line of JSON and flushes it.
///
/// # Errors
/// Whatever writing meets; a closed pipe is [`StoreError::Io`] of kind `BrokenPipe`.
pub fn write_line(mut to: impl Write, verdict: &Verdict) -> Result<(), StoreError> {
    let mut line = serde_json::to_vec(verdict)?;
    line.push(b'\n');
    to.write_all(&line)?;
    Ok(to.flush()?)
}

/// A run folder that can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is a run in the folder.
    #[error("`{}` holds a run already; name another folder, so that nothing is overwritten", path.display())]
    Occupied {
        /// Which folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A value has no JSON form.
    #[error("a verdict can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Hash;

    fn manifest() -> RunManifest {
        RunManifest {
            praetor: "0.1.0".to_owned(),
            started: "2026-11-24T06:00:00Z".to_owned(),
            constitution: "pets".to_owned(),
            policy: Hash::of(b"policy"),
            model: ModelId { name: "scripted".to_owned(), fingerprint: Hash::of(b"m") },
            settings: BTreeMap::new(),
            machine: "linux x86_64".to_owned(),
        }
    }

    #[test]
    fn a_run_is_never_written_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        RunFolder::create(&path, &manifest()).unwrap();
        let read: RunManifest =
            serde_json::from_slice(&fs_err::read(path.join(MANIFEST)).unwrap()).unwrap();
        assert_eq!(read, manifest());
        assert!(matches!(RunFolder::create(&path, &manifest()), Err(StoreError::Occupied { .. })));
    }
}
