//! One file of the cache: looked up, written in batches, kept within its limit.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use redb::Database;

use super::prune::{self, Keep, Pruned, Stats};
use super::{CacheError, Kind, file};
use crate::ids::Hash;

/// Values wait so long, so many and so large before they are written. What is large waits longer, since
/// a write takes as long as several images of a small model, and what is lost by a kill was seen, not
/// said: it costs time to have it again and nothing else.
const WAITING_AT_MOST: Duration = Duration::from_secs(1);
const LARGE_WAITING_AT_MOST: Duration = Duration::from_secs(30);
const MOST_WAITING: usize = 4_096;
const MOST_BYTES_WAITING: usize = 8 << 20;

/// An answer that is used again is marked so only when the mark is older than this many minutes:
/// reading should seldom write.
const MARK_AFTER_MINUTES: u32 = 3 * MINUTES_A_DAY;

const MINUTES_A_DAY: u32 = 24 * 60;

/// What happens when what is stored has grown to the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// What was used longest ago goes: a quarter, so that it is not pruned at every turn.
    ForgetOldest,
    /// Nothing more is kept until the file is opened again, when half of it goes if none fits in.
    KeepNoMore,
}

impl WhenFull {
    fn waiting_at_most(self) -> Duration {
        match self {
            Self::ForgetOldest => WAITING_AT_MOST,
            Self::KeepNoMore => LARGE_WAITING_AT_MOST,
        }
    }
}

/// What a shelf is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holds {
    pub(super) kinds: &'static [Kind],
    pub(super) when_full: WhenFull,
}

/// A file and what waits to be written to it.
#[derive(Debug)]
pub(super) struct Shelf {
    /// The file; nothing for one in memory.
    path: Option<PathBuf>,
    limit_bytes: u64,
    holds: Holds,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Nothing once writing has failed: what is answered then is asked again another time.
    database: Option<Database>,
    /// About what all values take, those that wait among them.
    stored_bytes: u64,
    waiting: HashMap<(Kind, Hash), Vec<u8>>,
    waiting_bytes: usize,
    written: Instant,
}

impl Shelf {
    /// Opens a file, making it if it is not there, and prunes what is beyond `limit_bytes`.
    pub(super) fn open(path: PathBuf, holds: Holds, limit_bytes: u64) -> Result<Self, CacheError> {
        let database = file::open(&path)?;
        let shelf = Self::of(Some(path), holds, limit_bytes, database);
        let is_full = shelf.is_full(&shelf.inner());
        if is_full {
            shelf.forget_oldest();
        }
        Ok(shelf)
    }

    pub(super) fn in_memory(holds: Holds) -> Result<Self, CacheError> {
        let database = Database::builder()
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .map_err(|error| CacheError::Unusable { detail: error.to_string() })?;
        Ok(Self::of(None, holds, u64::MAX, database))
    }

    fn of(path: Option<PathBuf>, holds: Holds, limit_bytes: u64, database: Database) -> Self {
        let inner = Inner {
            stored_bytes: stored_bytes(&database, holds.kinds),
            database: Some(database),
            waiting: HashMap::new(),
            waiting_bytes: 0,
            written: Instant::now(),
        };
        Self { path, limit_bytes, holds, inner: Mutex::new(inner) }
    }

    pub(super) fn get(&self, kind: Kind, keys: &[Hash]) -> Vec<Option<Vec<u8>>> {
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
                inner.wait((kind, *key), file::stamped(now, &value[file::STAMP..]));
            }
            found.push(value.map(|mut value| value.split_off(file::STAMP)));
        }
        found
    }

    pub(super) fn put(&self, kind: Kind, key: Hash, value: &[u8]) {
        let mut inner = self.inner();
        if inner.database.is_none()
            || (self.holds.when_full == WhenFull::KeepNoMore && self.is_full(&inner))
        {
            return;
        }
        inner.stored_bytes += prune::taken(value.len());
        inner.wait((kind, key), file::stamped(minute_now(), value));
        if inner.is_due(self.holds.when_full.waiting_at_most()) {
            inner.write();
            if self.holds.when_full == WhenFull::ForgetOldest && self.is_full(&inner) {
                drop(inner);
                self.forget_oldest();
            }
        }
    }

    pub(super) fn flush(&self) {
        self.inner().write();
    }

    pub(super) fn prune(&self, keep: Keep) -> Result<Pruned, CacheError> {
        let mut inner = self.inner();
        inner.write();
        let Some(database) = &mut inner.database else { return Ok(Pruned::default()) };
        let pruned = prune::prune(database, self.holds.kinds, keep)
            .map_err(|error| CacheError::Unusable { detail: error.to_string() })?;
        inner.stored_bytes = stored_bytes(database, self.holds.kinds);
        Ok(pruned)
    }

    pub(super) fn stats(&self) -> Result<Stats, CacheError> {
        let mut inner = self.inner();
        inner.write();
        let Some(database) = &inner.database else { return Ok(Stats::default()) };
        prune::stats(database, self.holds.kinds, self.file_bytes().unwrap_or(0))
            .map_err(|error| CacheError::Unusable { detail: error.to_string() })
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn file_bytes(&self) -> Option<u64> {
        Some(fs_err::metadata(self.path.as_deref()?).ok()?.len())
    }

    /// Small answers are bounded by their file. It grows by doubling, which would leave half of the
    /// room for large ones unused, so that these are bounded by what is stored.
    fn is_full(&self, inner: &Inner) -> bool {
        match self.holds.when_full {
            WhenFull::ForgetOldest => {
                self.file_bytes().is_some_and(|bytes| bytes > self.limit_bytes)
            }
            WhenFull::KeepNoMore => inner.stored_bytes > self.limit_bytes,
        }
    }

    fn forget_oldest(&self) {
        let bytes = match self.holds.when_full {
            WhenFull::ForgetOldest => self.limit_bytes / 4 * 3,
            WhenFull::KeepNoMore => self.limit_bytes / 2,
        };
        if let Err(error) = self.prune(Keep::Newest { bytes }) {
            tracing::warn!("the answer cache can't be pruned: {error}");
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A thread that panicked between two answers has left none half written.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn stored_bytes(&self) -> u64 {
        self.inner().stored_bytes
    }

    /// Puts a value that was used at another time.
    #[cfg(test)]
    pub(super) fn put_at(&self, minute: u32, kind: Kind, key: Hash, value: &[u8]) {
        self.inner().wait((kind, key), file::stamped(minute, value));
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Inner {
    fn wait(&mut self, key: (Kind, Hash), value: Vec<u8>) {
        self.waiting_bytes += value.len();
        self.waiting.insert(key, value);
    }

    fn is_due(&self, waiting_at_most: Duration) -> bool {
        self.written.elapsed() > waiting_at_most
            || self.waiting.len() >= MOST_WAITING
            || self.waiting_bytes >= MOST_BYTES_WAITING
    }

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
        self.waiting_bytes = 0;
    }
}

/// About what the values of these kinds take in the file.
fn stored_bytes(database: &Database, kinds: &[Kind]) -> u64 {
    kinds.iter().map(|kind| prune::stored_bytes(database, *kind).unwrap_or(0)).sum()
}

/// Minutes since 2020 began; four bytes last until the year 10186.
fn minute_now() -> u32 {
    const DAYS_TO_2020: u64 = 18_262;
    let minutes = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() / 60;
    u32::try_from(minutes.saturating_sub(DAYS_TO_2020 * 24 * 60)).unwrap_or(u32::MAX)
}

/// The minute so many days ago.
pub(super) fn minute_before(days: u32) -> u32 {
    minute_now().saturating_sub(days.saturating_mul(MINUTES_A_DAY))
}
