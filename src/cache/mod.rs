//! What models have answered, kept on disk, so that no question is asked twice.
//!
//! A run that is made again asks nothing, and after an edit only what changed is asked: that makes
//! `praetor impact` quick. Wrappers around the models ([`crate::vlm`], [`crate::encoder`]) look
//! here first; no stage knows of it.
//!
//! ```text
//! <cache folder>/answers-1/          1: this layout; another one gets another folder
//!   answers.redb                     one table a kind of answer
//!     key    16 bytes   hash of everything that moves the numbers (see `Key`)
//!     value   4 bytes   minute of last use, since 2020, for eviction
//!             …         the answer, as its wrapper writes it
//! ```
//!
//! What is in a key: the view's hash (pixels, or what the view was made of), the model's fingerprint
//! (weights, prompts, batch shape), the question as it is asked. What is not, and why: threads, since
//! they move nothing beyond rounding; which other questions were asked with it, for the same reason;
//! thresholds, since they decide on answers and do not change them.
//!
//! Only answers are kept: what could not be had is asked again. Answers are written in batches, so
//! that a run that is killed loses at most the last second of them, and the file is whole
//! whatever happens. A broken file is put aside and an empty one begun; while another process has
//! the file, there is no cache. Losing it loses time and nothing else.

mod file;
mod fill;
mod prune;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use redb::Database;

use crate::ids::Hash;

pub use self::fill::Kept;
pub use self::prune::{Pruned, Stats};

/// The file may grow to this unless another bound is set: two gibibytes, some thirty million
/// answers.
pub const DEFAULT_LIMIT_BYTES: u64 = 2 << 30;

/// The version of the layout; also in the folder's name.
const LAYOUT: u32 = 1;

/// Answers wait so long, and so many, before they are written.
const WAITING_AT_MOST: Duration = Duration::from_secs(1);
const MOST_WAITING: usize = 4_096;

/// An answer that is used again is marked so only when the mark is older than this many minutes:
/// reading should seldom write.
const MARK_AFTER_MINUTES: u32 = 3 * 24 * 60;

/// What kind of answer; each has a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// How much of the first token was Yes, and how much No.
    Answer,
    /// What was said in a conversation.
    Reply,
    /// A vector of a dual encoder.
    Embedding,
    /// Boxes that a localizer found.
    Boxes,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Answer, Self::Reply, Self::Embedding, Self::Boxes];

    /// Its name, which its table bears.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer => "answers",
            Self::Reply => "replies",
            Self::Embedding => "embeddings",
            Self::Boxes => "boxes",
        }
    }
}

/// Answers on disk. Its methods take `&self`, and any thread may call them.
///
/// ```
/// use praetor::cache::{Cache, Kind};
/// use praetor::ids::Hash;
/// let cache = Cache::in_memory().unwrap();
/// let key = Hash::of(b"view, model, question");
/// assert_eq!(cache.get(Kind::Answer, &[key]), [None]);
/// cache.put(Kind::Answer, key, b"yes".to_vec());
/// assert_eq!(cache.get(Kind::Answer, &[key]), [Some(b"yes".to_vec())]);
/// ```
#[derive(Debug)]
pub struct Cache {
    /// The file; nothing for a cache in memory.
    path: Option<PathBuf>,
    limit_bytes: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Nothing once writing has failed: what is answered then is asked again another time.
    database: Option<Database>,
    waiting: HashMap<(Kind, Hash), Vec<u8>>,
    written: Instant,
}

impl Cache {
    /// Opens the answers in a folder, making it if it is not there, and prunes what is beyond
    /// `limit_bytes`.
    ///
    /// # Errors
    /// [`CacheError::Busy`] while another process has them open, [`CacheError::Unusable`] when the
    /// folder can't be written. A broken file is put aside and is no error.
    pub fn open(folder: &Path, limit_bytes: u64) -> Result<Self, CacheError> {
        let path = file::path_in(folder);
        let database = file::open(&path)?;
        let cache = Self::of(Some(path), limit_bytes, database);
        cache.keep_within_limit();
        Ok(cache)
    }

    /// Answers that are kept as long as the value lives.
    ///
    /// # Errors
    /// None is known.
    pub fn in_memory() -> Result<Self, CacheError> {
        let database = Database::builder()
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .map_err(|error| CacheError::Unusable { detail: error.to_string() })?;
        Ok(Self::of(None, u64::MAX, database))
    }

    fn of(path: Option<PathBuf>, limit_bytes: u64, database: Database) -> Self {
        let inner =
            Inner { database: Some(database), waiting: HashMap::new(), written: Instant::now() };
        Self { path, limit_bytes, inner: Mutex::new(inner) }
    }

    /// What is known of each key, in their order.
    pub fn get(&self, kind: Kind, keys: &[Hash]) -> Vec<Option<Vec<u8>>> {
        let mut inner = self.inner();
        let now = minute_now();
        let known = match &inner.database {
            Some(database) => file::read(database, kind, keys).unwrap_or_else(|error| {
                tracing::warn!("the answer cache can't be read: {error}");
                vec![None; keys.len()]
            }),
            None => vec![None; keys.len()],
        };
        let mut found = Vec::with_capacity(keys.len());
        for (key, known) in keys.iter().zip(known) {
            let waiting = inner.waiting.get(&(kind, *key));
            let value = waiting.cloned().or(known).filter(|value| value.len() >= file::STAMP);
            if let Some(value) = &value
                && now.saturating_sub(file::stamp_of(value)) > MARK_AFTER_MINUTES
            {
                let marked = file::stamped(now, &value[file::STAMP..]);
                inner.waiting.insert((kind, *key), marked);
            }
            found.push(value.map(|mut value| value.split_off(file::STAMP)));
        }
        found
    }

    /// Keeps an answer.
    pub fn put(&self, kind: Kind, key: Hash, value: impl AsRef<[u8]>) {
        let mut inner = self.inner();
        if inner.database.is_none() {
            return;
        }
        inner.waiting.insert((kind, key), file::stamped(minute_now(), value.as_ref()));
        let due = inner.written.elapsed() > WAITING_AT_MOST || inner.waiting.len() >= MOST_WAITING;
        if due {
            inner.write();
            drop(inner);
            self.keep_within_limit();
        }
    }

    /// Writes what waits.
    pub fn flush(&self) {
        self.inner().write();
    }

    /// Forgets everything, and gives the space back.
    ///
    /// # Errors
    /// [`CacheError::Unusable`] when the file can't be written.
    pub fn clear(&self) -> Result<Pruned, CacheError> {
        self.prune(prune::Keep::Nothing)
    }

    /// Forgets what was not used since so many days.
    ///
    /// # Errors
    /// As [`clear`](Self::clear).
    pub fn prune_older_than(&self, days: u32) -> Result<Pruned, CacheError> {
        let minutes = days.saturating_mul(24 * 60);
        self.prune(prune::Keep::Since(minute_now().saturating_sub(minutes)))
    }

    /// Forgets what was used longest ago until the answers take at most so many bytes.
    ///
    /// # Errors
    /// As [`clear`](Self::clear).
    pub fn prune_to(&self, bytes: u64) -> Result<Pruned, CacheError> {
        self.prune(prune::Keep::Newest { bytes })
    }

    fn prune(&self, keep: prune::Keep) -> Result<Pruned, CacheError> {
        let mut inner = self.inner();
        inner.write();
        let Some(database) = &mut inner.database else { return Ok(Pruned::default()) };
        prune::prune(database, keep)
            .map_err(|error| CacheError::Unusable { detail: error.to_string() })
    }

    /// What is kept, by kind.
    ///
    /// # Errors
    /// [`CacheError::Unusable`] when the file can't be read.
    pub fn stats(&self) -> Result<Stats, CacheError> {
        let mut inner = self.inner();
        inner.write();
        let Some(database) = &inner.database else { return Ok(Stats::default()) };
        let file_bytes = self.file_bytes().unwrap_or(0);
        prune::stats(database, file_bytes)
            .map_err(|error| CacheError::Unusable { detail: error.to_string() })
    }

    /// Where the answers lie; nothing for a cache in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn file_bytes(&self) -> Option<u64> {
        Some(fs_err::metadata(self.path.as_deref()?).ok()?.len())
    }

    /// A file that has grown too large loses a quarter of what may be kept, so that it is not
    /// pruned at every turn.
    fn keep_within_limit(&self) {
        if self.file_bytes().is_some_and(|bytes| bytes > self.limit_bytes)
            && let Err(error) = self.prune_to(self.limit_bytes / 4 * 3)
        {
            tracing::warn!("the answer cache can't be pruned: {error}");
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A thread that panicked between two answers has left none half written.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Inner {
    fn write(&mut self) {
        self.written = Instant::now();
        let Some(database) = self.database.as_ref().filter(|_| !self.waiting.is_empty()) else {
            return;
        };
        if let Err(error) = file::write(database, &self.waiting) {
            tracing::warn!("the answer cache can't be written, and is left alone: {error}");
            self.database = None;
        }
        self.waiting.clear();
    }
}

/// Minutes since 2020 began; four bytes last until the year 10186.
fn minute_now() -> u32 {
    const DAYS_TO_2020: u64 = 18_262;
    let minutes = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() / 60;
    u32::try_from(minutes.saturating_sub(DAYS_TO_2020 * 24 * 60)).unwrap_or(u32::MAX)
}

/// There is no cache to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Another process has it.
    #[error("another praetor is using the answer cache")]
    Busy,
    /// The folder or the file can't be used.
    #[error("the answer cache can't be used: {detail}")]
    Unusable {
        /// What the system or the database said.
        detail: String,
    },
}

#[cfg(test)]
mod tests;
