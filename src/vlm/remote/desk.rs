//! Questions that are handed in by the thousand and answered within a day, at half the price: what
//! waits, what is on its way, and what has been answered, in one folder.
//!
//! ```text
//! FOLDER/
//!   answers.jsonl   a tape of all answers so far; `--replay` reads it too
//!   0001.jsonl      requests that wait or are on their way, with their pixels; gone when answered
//!   0001.json       what became of them: the server's names for file and batch
//! ```
//!
//! A run looks every question up here. What has no answer yet is written down and ends
//! [`Why::Waiting`](crate::verdict::Why::Waiting); the same run made again finds the answers, and
//! writes down what follows from them (a reasoning, a region). A run that is killed loses nothing:
//! every step is on disk before the next.

use std::collections::{HashMap, HashSet};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::tape::{self, Recorder, Recording, TapeError};
use crate::ids::Hash;

/// OpenAI takes 50,000 requests and 200 MB in one file.
const MOST_REQUESTS: usize = 50_000;
const MOST_BYTES: u64 = 190_000_000;

/// What begins every line of requests; its name for a question follows.
const LINE_START: &str = "{\"custom_id\":\"";

/// A folder of questions and answers.
#[derive(Clone, Debug)]
pub struct Desk {
    folder: PathBuf,
    /// What stands before a method's name in a line of requests.
    methods: &'static str,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    answers: HashMap<Hash, (u16, String)>,
    waiting: HashSet<Hash>,
    open: Option<OpenFile>,
    most_requests: usize,
}

/// The file of requests that is being written.
#[derive(Debug)]
struct OpenFile {
    number: u32,
    file: BufWriter<fs_err::File>,
    requests: usize,
    bytes: u64,
}

/// What became of a file of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The server's name for the file, once it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    /// The server's name for the batch, once it is begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<String>,
    /// The server's word for how it stands, when it was last asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<String>,
    /// Requests that were handed in.
    #[serde(default)]
    pub(super) requests: usize,
}

/// A file of requests that has not been answered.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) state: State,
}

impl Desk {
    /// Opens a folder, making it if it is not there.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn open(folder: &Path) -> Result<Self, TapeError> {
        Self::with_files_of(folder, MOST_REQUESTS)
    }

    /// As [`open`](Self::open), with so many requests in a file at most.
    fn with_files_of(folder: &Path, most_requests: usize) -> Result<Self, TapeError> {
        fs_err::create_dir_all(folder)?;
        let answers = if tape::file_of(folder).is_file() {
            Recording::open(folder)?.into_answers()
        } else {
            HashMap::new()
        };
        let inner = Inner { answers, waiting: HashSet::new(), open: None, most_requests };
        let (folder, inner) = (folder.to_owned(), Arc::new(Mutex::new(inner)));
        let desk = Self { folder, methods: "/v1/", inner };
        for shard in desk.shards()? {
            // A run that was killed may have left half a line, which no server could read.
            let text = fs_err::read(&shard.path)?;
            let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            if whole < text.len() {
                fs_err::write(&shard.path, &text[..whole])?;
            }
            desk.inner()
                .waiting
                .extend(text[..whole].split(|byte| *byte == b'\n').filter_map(named));
        }
        Ok(desk)
    }

    /// The same, with methods named as Azure has them: `/chat/completions`, where OpenAI has a `/v1` before
    /// it.
    #[must_use]
    pub fn for_azure(self) -> Self {
        Self { methods: "/", ..self }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Questions without an answer.
    pub fn waiting(&self) -> usize {
        self.inner().waiting.len()
    }

    /// The status and body of an answer.
    pub(super) fn find(&self, key: &Hash) -> Option<(u16, String)> {
        self.inner().answers.get(key).cloned()
    }

    /// Writes a request down, unless it waits already. An answer that its question could not use is
    /// forgotten: the question is put otherwise.
    pub(super) fn gather(&self, key: Hash, path: &str, body: &Value) -> std::io::Result<()> {
        let mut inner = self.inner();
        if !inner.waiting.insert(key) {
            return Ok(());
        }
        inner.answers.remove(&key);
        let rest =
            json!({ "method": "POST", "url": format!("{}{path}", self.methods), "body": body });
        let rest = rest.to_string();
        let line = format!("{LINE_START}{key}\",{}\n", rest.trim_start_matches('{'));
        let length = line.len() as u64;
        let most = inner.most_requests;
        let full = |open: &OpenFile| open.requests >= most || open.bytes + length > MOST_BYTES;
        if inner.open.as_ref().is_none_or(full) {
            inner.open = None;
            let number = self.last_number()? + 1;
            let file = fs_err::File::create_new(self.requests_path(number))?;
            inner.open =
                Some(OpenFile { number, file: BufWriter::new(file), requests: 0, bytes: 0 });
        }
        if let Some(open) = &mut inner.open {
            open.file.write_all(line.as_bytes())?;
            open.requests += 1;
            open.bytes += length;
        }
        Ok(())
    }

    /// Closes the file that is being written, so that it can be handed in.
    pub(super) fn close(&self) -> Result<(), TapeError> {
        match self.inner().open.take() {
            Some(mut open) => {
                tracing::debug!("{} requests in file {}", open.requests, open.number);
                Ok(open.file.flush()?)
            }
            None => Ok(()),
        }
    }

    /// The files of requests without answers, the oldest first.
    pub(super) fn shards(&self) -> Result<Vec<Shard>, TapeError> {
        let mut shards = Vec::new();
        for number in 1..=self.last_number()? {
            let path = self.requests_path(number);
            if path.is_file() {
                shards.push(Shard { number, path, state: self.state(number)? });
            }
        }
        Ok(shards)
    }

    /// Writes down what became of a file; whole or not at all.
    pub(super) fn keep_state(&self, number: u32, state: &State) -> Result<(), TapeError> {
        let path = self.state_path(number);
        let aside = path.with_extension("new");
        fs_err::write(
            &aside,
            serde_json::to_string_pretty(state).map_err(std::io::Error::from)? + "\n",
        )?;
        Ok(fs_err::rename(aside, path)?)
    }

    /// Takes the answers to a file of requests in. Whatever has none is no longer waited for, and is
    /// written down anew by the next run; the requests, pixels and all, are deleted.
    pub(super) fn take(&self, shard: &Shard, answers: Vec<tape::Line>) -> Result<usize, TapeError> {
        let recorder = Recorder::open(&self.folder.join(tape::IN_FOLDER))?;
        let count = answers.len();
        for line in &answers {
            recorder.keep(line)?;
        }
        let mut inner = self.inner();
        for key in fs_err::read(&shard.path)?.split(|byte| *byte == b'\n').filter_map(named) {
            inner.waiting.remove(&key);
        }
        inner.answers.extend(answers.into_iter().map(tape::Line::answer));
        fs_err::remove_file(&shard.path)?;
        Ok(count)
    }

    fn state(&self, number: u32) -> Result<State, TapeError> {
        let path = self.state_path(number);
        if !path.is_file() {
            return Ok(State::default());
        }
        serde_json::from_slice(&fs_err::read(&path)?).map_err(|error| TapeError::Line {
            path,
            number: error.line(),
            detail: error.to_string(),
        })
    }

    /// The number of the newest file, answered or not.
    fn last_number(&self) -> std::io::Result<u32> {
        let mut last = 0;
        for entry in fs_err::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let stem = name.to_string_lossy();
            let number = stem.split_once('.').and_then(|(stem, _)| stem.parse().ok());
            last = last.max(number.unwrap_or(0));
        }
        Ok(last)
    }

    fn requests_path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number:04}.jsonl"))
    }

    fn state_path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number:04}.json"))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The question that a line of requests puts.
fn named(line: &[u8]) -> Option<Hash> {
    let rest = line.strip_prefix(LINE_START.as_bytes())?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    Hash::try_from(String::from_utf8(rest[..end].to_vec()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Hash {
        Hash::of(text.as_bytes())
    }

    fn gather(desk: &Desk, names: &[&str]) {
        for name in names {
            desk.gather(key(name), "chat/completions", &json!({ "model": name })).unwrap();
        }
        desk.close().unwrap();
    }

    #[test]
    fn questions_wait_once_in_files_that_a_server_takes() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::with_files_of(folder.path(), 2).unwrap();
        gather(&desk, &["a", "b", "a", "c"]);
        let shards = desk.shards().unwrap();
        assert_eq!(shards.iter().map(|shard| shard.number).collect::<Vec<_>>(), [1, 2]);
        let text = fs_err::read_to_string(&shards[0].path).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["custom_id"], key("a").to_string());
        assert_eq!(lines[0]["url"], "/v1/chat/completions");
        assert_eq!(lines[1]["body"], json!({ "model": "b" }));
        // Another run, after one that was killed in the middle of a line.
        fs_err::write(&shards[1].path, fs_err::read_to_string(&shards[1].path).unwrap() + "{\"cu")
            .unwrap();
        let again = Desk::with_files_of(folder.path(), 2).unwrap();
        assert_eq!(again.waiting(), 3);
        gather(&again, &["c", "d"]);
        assert_eq!(again.shards().unwrap().len(), 3);
        assert!(fs_err::read_to_string(&shards[1].path).unwrap().ends_with("}\n"));
    }

    #[test]
    fn answers_are_found_and_what_has_none_may_be_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(folder.path()).unwrap();
        gather(&desk, &["a", "b"]);
        let shard = desk.shards().unwrap().remove(0);
        desk.keep_state(shard.number, &State { batch: Some("x".to_owned()), ..State::default() })
            .unwrap();
        assert_eq!(desk.shards().unwrap()[0].state.batch.as_deref(), Some("x"));
        let line = tape::Line::now(key("a"), "chat/completions", json!(null), 200, "{}");
        assert_eq!(desk.take(&shard, vec![line]).unwrap(), 1);
        for desk in [&desk, &Desk::open(folder.path()).unwrap()] {
            assert_eq!(desk.find(&key("a")), Some((200, "{}".to_owned())));
            assert_eq!(desk.waiting(), 0);
            assert!(desk.shards().unwrap().is_empty());
        }
        gather(&desk, &["b"]);
        assert_eq!(desk.shards().unwrap()[0].number, 2, "numbers are never used twice");
    }
}
