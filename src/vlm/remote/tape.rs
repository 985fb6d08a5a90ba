//! Answers of a server kept as they came, and answered from: so that a judge that is gone next year
//! can be compared with still.
//!
//! A tape is a file of JSON lines, one an answer:
//!
//! ```json
//! {"key":"5c0e…","at":"2026-11-24T20:00:00Z","path":"chat/completions",
//!  "request":{"model":"m","messages":[…"view:9f0c…"…]},"status":200,"response":{…}}
//! ```
//!
//! The key is a hash of what was asked, in the words praetor begins with and not in those that a
//! server made it use, with each view by its own hash: the same question about the same pixels finds
//! its answer whatever the server understood. The address is no part of it. `request` is what was
//! sent, for people; pixels and the key to the server are in neither. Later lines stand above earlier
//! ones.
//!
//! Only what is an answer is kept: what the model said, a refusal, a content filter. What may be
//! otherwise next time is not.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Desk;
use crate::ids::Hash;

/// The tape's name in a folder.
pub(super) const IN_FOLDER: &str = "answers.jsonl";

/// Whether answers are kept, taken from where they were kept, or waited for.
#[derive(Clone, Debug, Default)]
pub enum Tape {
    /// None of these.
    #[default]
    Off,
    /// Every answer is kept.
    Record(Recorder),
    /// Nothing is sent; every answer comes from here.
    Replay(Recording),
    /// Nothing is sent now: what has no answer here is written down, to be handed in.
    Batch(Desk),
}

/// Writes answers down.
#[derive(Clone, Debug)]
pub struct Recorder {
    path: PathBuf,
    file: Arc<Mutex<fs_err::File>>,
}

/// Answers that were written down.
#[derive(Clone, Debug)]
pub struct Recording {
    path: PathBuf,
    answers: Arc<HashMap<Hash, (u16, String)>>,
}

/// One answer, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) key: Hash,
    pub(super) at: String,
    pub(super) path: String,
    pub(super) request: Value,
    pub(super) status: u16,
    /// As JSON where it is, else as a text.
    pub(super) response: Value,
}

/// A tape that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TapeError {
    /// A line is no answer.
    #[error("line {number} of `{}` is no recorded answer: {detail}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from one.
        number: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// The system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The file that a path stands for: itself, or one in the folder that it is.
pub(super) fn file_of(path: &Path) -> PathBuf {
    let folder = path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/');
    if folder { path.join(IN_FOLDER) } else { path.to_owned() }
}

impl Recorder {
    /// Goes on with a tape, or begins one; a path that is a folder, or ends in `/`, stands for
    /// `answers.jsonl` in it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let path = file_of(path);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(&path)?;
        // A run that was cut off may have left half a line.
        let before = fs_err::read(&path)?;
        if !before.is_empty() && !before.ends_with(b"\n") {
            file.write_all(b"\n")?;
        }
        Ok(Self { path, file: Arc::new(Mutex::new(file)) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps an answer; handed to the system at once.
    pub(super) fn keep(&self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text)
    }
}

impl Line {
    /// An answer to a question, now.
    pub(super) fn now(key: Hash, path: &str, request: Value, status: u16, response: &str) -> Self {
        let response =
            serde_json::from_str(response).unwrap_or_else(|_| Value::String(response.to_owned()));
        let at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        Self { key, at, path: path.to_owned(), request, status, response }
    }

    /// What it answers, with which status and body.
    pub(super) fn answer(self) -> (Hash, (u16, String)) {
        let body = match self.response {
            Value::String(text) => text,
            json => json.to_string(),
        };
        (self.key, (self.status, body))
    }
}

impl Recording {
    /// Reads a tape. Half a line, where a run was cut off, is left out.
    ///
    /// # Errors
    /// When it can't be read, or a line is no answer.
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let path = file_of(path);
        let text = fs_err::read_to_string(&path)?;
        let mut answers = HashMap::new();
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str::<Line>(line) {
                Ok(line) => answers.extend([line.answer()]),
                // serde calls a text that stops too early the end of a file.
                Err(error) if error.is_eof() => {}
                Err(error) => {
                    let (number, detail) = (index + 1, error.to_string());
                    return Err(TapeError::Line { path, number, detail });
                }
            }
        }
        Ok(Self { path, answers: Arc::new(answers) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many answers there are.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// All answers: the status and body of each.
    pub(super) fn into_answers(self) -> HashMap<Hash, (u16, String)> {
        Arc::unwrap_or_clone(self.answers)
    }

    /// The status and body of an answer.
    pub(super) fn find(&self, key: &Hash) -> Option<(u16, &str)> {
        self.answers.get(key).map(|(status, body)| (*status, body.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_kept_is_found_and_the_last_of_a_key_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape/");
        let recorder = Recorder::open(&folder.path().join("tape/")).unwrap();
        assert!(recorder.path().ends_with("tape/answers.jsonl"));
        let key = Hash::of(b"question");
        for said in ["<html>", r#"{"choices": 1}"#] {
            recorder.keep(&Line::now(key, "x", json!({}), 200, said)).unwrap();
        }
        // Cut off, and gone on with.
        recorder.file.lock().unwrap().write_all(b"{\"key\": \"5c").unwrap();
        let again = Recorder::open(&path).unwrap();
        again.keep(&Line::now(Hash::of(b"other"), "x", json!({}), 400, "no")).unwrap();
        let recording = Recording::open(&path).unwrap();
        assert_eq!(recording.len(), 2);
        assert_eq!(recording.find(&key), Some((200, r#"{"choices":1}"#)));
        assert_eq!(recording.find(&Hash::of(b"other")), Some((400, "no")));
        assert_eq!(recording.find(&Hash::of(b"third")), None);
    }

    #[test]
    fn a_file_that_is_no_tape_says_which_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        fs_err::write(&path, "\n{\"key\": 3}\n").unwrap();
        let error = Recording::open(&path).unwrap_err();
        assert!(matches!(error, TapeError::Line { number: 2, .. }), "{error}");
        assert!(matches!(Recording::open(&folder.path().join("b")), Err(TapeError::Io(_))));
    }
}
