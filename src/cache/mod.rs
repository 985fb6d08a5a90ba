//! What models have answered, kept on disk, so that no question is asked twice.
//!
//! A run that is made again asks nothing, and after an edit only what changed is asked: that makes
//! `praetor impact` quick. Wrappers around the models ([`crate::vlm`], [`crate::encoder`]) look
//! here first; no stage knows of it.
//!
//! ```text
//! <cache folder>/answers-1/          1: this layout; another one gets another folder
//!   answers.redb                     one table a kind of answer
//!     key    16 bytes   hash of everything that moves the numbers
//!     value   4 bytes   minute of last use, since 2020, for eviction
//!             …         the answer, as its wrapper writes it
//!   features.redb                    the same, of what localizers have seen of images
//!   images.redb                      the same, of what vision encoders have made of images
//! ```
//!
//! What is in a key: the view's hash (pixels, or what the view was made of), the model's fingerprint
//! (weights, prompts, batch shape, the GPU if one computes), the question as it is asked. What is not,
//! and why: threads, since they move nothing beyond rounding; which other questions were asked with it,
//! for the same reason; thresholds, since they decide on answers and do not change them.
//!
//! Only answers are kept: what could not be had is asked again. Answers are written in batches, so
//! that a run that is killed loses at most the last second of them (the last half minute of features and
//! images), and the file is whole whatever happens. Features and images are thousands of times larger
//! than answers and have files of their own, each of which may take a quarter of the disk that the cache
//! may take: answers then never make room for them, and when one is full no more are kept in it, rather
//! than those of one image for those of the next. A broken file is put aside and an empty one begun;
//! while another process has the files, there is no cache. Losing it loses time and nothing else.

mod file;
mod fill;
mod prune;
mod shelf;

use std::path::Path;

use self::shelf::{Holds, Shelf, WhenFull};
use crate::ids::Hash;

pub use self::fill::Kept;
pub use self::prune::{Pruned, Stats};

/// What the cache may take unless another bound is set: two gibibytes, half of it for some fifteen
/// million answers, a quarter for the features of some thousand images (of the demo's localizer), a
/// quarter for the embeddings of some five hundred (of SmolVLM with five tiles).
pub const DEFAULT_LIMIT_BYTES: u64 = 2 << 30;

/// The files, and what they hold.
const ANSWERS: &str = "answers";
const OF_ANSWERS: Holds = Holds {
    kinds: &[Kind::Answer, Kind::Reply, Kind::Embedding, Kind::Boxes],
    when_full: WhenFull::ForgetOldest,
};
const FEATURES: &str = "features";
const OF_FEATURES: Holds = Holds { kinds: &[Kind::Features], when_full: WhenFull::KeepNoMore };
const IMAGES: &str = "images";
const OF_IMAGES: Holds = Holds { kinds: &[Kind::Image], when_full: WhenFull::KeepNoMore };

/// The version of the layout; also in the folder's name.
const LAYOUT: u32 = 1;

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
    /// What a localizer has seen of an image, whatever it looks for.
    Features,
    /// What a vision encoder has made of an image, for a language model.
    Image,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Answer, Self::Reply, Self::Embedding, Self::Boxes, Self::Features, Self::Image];

    /// Its name, which its table bears.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer => "answers",
            Self::Reply => "replies",
            Self::Embedding => "embeddings",
            Self::Boxes => "boxes",
            Self::Features => "features",
            Self::Image => "images",
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
    answers: Shelf,
    features: Shelf,
    images: Shelf,
}

impl Cache {
    /// Opens the answers in a folder, making it if it is not there, and prunes what is beyond
    /// `limit_bytes`.
    ///
    /// # Errors
    /// [`CacheError::Busy`] while another process has them open, [`CacheError::Unusable`] when the
    /// folder can't be written. A broken file is put aside and is no error.
    pub fn open(folder: &Path, limit_bytes: u64) -> Result<Self, CacheError> {
        let Shares { answers, features, images } = Shares::of(limit_bytes);
        let open = |name, holds, limit| Shelf::open(file::path_in(folder, name), holds, limit);
        Ok(Self {
            answers: open(ANSWERS, OF_ANSWERS, answers)?,
            features: open(FEATURES, OF_FEATURES, features)?,
            images: open(IMAGES, OF_IMAGES, images)?,
        })
    }

    /// Answers that are kept as long as the value lives.
    ///
    /// # Errors
    /// None is known.
    pub fn in_memory() -> Result<Self, CacheError> {
        Ok(Self {
            answers: Shelf::in_memory(OF_ANSWERS)?,
            features: Shelf::in_memory(OF_FEATURES)?,
            images: Shelf::in_memory(OF_IMAGES)?,
        })
    }

    /// What is known of each key, in their order.
    pub fn get(&self, kind: Kind, keys: &[Hash]) -> Vec<Option<Vec<u8>>> {
        self.shelf(kind).get(kind, keys)
    }

    /// Keeps an answer.
    pub fn put(&self, kind: Kind, key: Hash, value: impl AsRef<[u8]>) {
        self.shelf(kind).put(kind, key, value.as_ref());
    }

    /// Writes what waits.
    pub fn flush(&self) {
        for shelf in self.shelves() {
            shelf.flush();
        }
    }

    /// Forgets everything, and gives the space back.
    ///
    /// # Errors
    /// [`CacheError::Unusable`] when the file can't be written.
    pub fn clear(&self) -> Result<Pruned, CacheError> {
        self.prune([prune::Keep::Nothing; 3])
    }

    /// Forgets what was not used since so many days.
    ///
    /// # Errors
    /// As [`clear`](Self::clear).
    pub fn prune_older_than(&self, days: u32) -> Result<Pruned, CacheError> {
        let since = prune::Keep::Since(shelf::minute_before(days));
        self.prune([since; 3])
    }

    /// Forgets what was used longest ago until all takes at most so many bytes, answers half of them,
    /// features and images a quarter each.
    ///
    /// # Errors
    /// As [`clear`](Self::clear).
    pub fn prune_to(&self, bytes: u64) -> Result<Pruned, CacheError> {
        let Shares { answers, features, images } = Shares::of(bytes);
        self.prune([answers, features, images].map(|bytes| prune::Keep::Newest { bytes }))
    }

    fn prune(&self, keep: [prune::Keep; 3]) -> Result<Pruned, CacheError> {
        let mut all = Pruned::default();
        for (shelf, keep) in self.shelves().into_iter().zip(keep) {
            let Pruned { forgotten, kept } = shelf.prune(keep)?;
            all = Pruned { forgotten: all.forgotten + forgotten, kept: all.kept + kept };
        }
        Ok(all)
    }

    /// What is kept, by kind.
    ///
    /// # Errors
    /// [`CacheError::Unusable`] when the file can't be read.
    pub fn stats(&self) -> Result<Stats, CacheError> {
        let mut all = Stats::default();
        for shelf in self.shelves() {
            let Stats { kinds, file_bytes } = shelf.stats()?;
            all.kinds.extend(kinds);
            all.file_bytes += file_bytes;
        }
        Ok(all)
    }

    /// The folder in which the answers lie; nothing for a cache in memory.
    pub fn folder(&self) -> Option<&Path> {
        self.answers.path()?.parent()
    }

    fn shelves(&self) -> [&Shelf; 3] {
        [&self.answers, &self.features, &self.images]
    }

    fn shelf(&self, kind: Kind) -> &Shelf {
        match kind {
            Kind::Features => &self.features,
            Kind::Image => &self.images,
            Kind::Answer | Kind::Reply | Kind::Embedding | Kind::Boxes => &self.answers,
        }
    }
}

/// How the files share the disk that the cache may take.
struct Shares {
    answers: u64,
    features: u64,
    images: u64,
}

impl Shares {
    fn of(bytes: u64) -> Self {
        let quarter = bytes / 4;
        Self { answers: bytes - 2 * quarter, features: quarter, images: quarter }
    }
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
