//! What was measured, as it is kept in `target/peers/measured.json`, and what follows from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agreement::Agreement;
use crate::ceiling::Ceiling;
use crate::drivers::Way;
use crate::machine::Machine;
use crate::measure::{Image, Timing, median};
use crate::memory::Memory;
use crate::tune::Best;

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    pub(crate) quick: bool,
    pub(crate) minutes: f64,
    pub(crate) shapes: Vec<Measured>,
}

/// One model.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) rounds: usize,
    pub(crate) large_rounds: usize,
    pub(crate) chat: Best,
    pub(crate) array: Best,
    /// How many settings of the server were tried.
    pub(crate) tried: usize,
    pub(crate) naive_flags: String,
    pub(crate) timings: Vec<Timing>,
    pub(crate) agreements: BTreeMap<Way, Agreement>,
    pub(crate) ceilings: Vec<Ceiling>,
    pub(crate) memory: Memory,
}

/// Seconds, and whether they were measured or follow from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds {
    pub(crate) seconds: f64,
    pub(crate) reckoned: bool,
}

impl Measured {
    /// The median, if so many questions were asked so.
    fn measured(&self, way: Way, count: usize, image: Image) -> Option<f64> {
        let asked =
            |timing: &&Timing| (timing.way, timing.count, timing.image) == (way, count, image);
        self.timings.iter().find(asked).map(|timing| median(&timing.seconds))
    }

    /// How long so many questions take: measured, or reckoned from what was.
    pub(crate) fn seconds(&self, way: Way, count: usize, image: Image) -> Option<Seconds> {
        if let Some(seconds) = self.measured(way, count, image) {
            return Some(Seconds { seconds, reckoned: false });
        }
        let seconds = match (way, image) {
            // Each question costs as much as the first.
            (Way::Naive | Way::OneByOne, _) => {
                let (asked, seconds) = self.plainly_asked(way)?;
                seconds / ratio(asked) * ratio(count)
            }
            // A server has nothing of an image from another run.
            (Way::Server | Way::Array, Image::Kept) => return self.seconds(way, count, Image::New),
            (_, Image::Known) => return None,
            _ => self.image(way, image)? + self.measured(way, count, Image::Known)?,
        };
        Some(Seconds { seconds, reckoned: true })
    }

    /// What the image alone costs, where the same number of questions was asked of it when it was
    /// such and when it was known.
    fn image(&self, way: Way, image: Image) -> Option<f64> {
        let cost = |timing: &Timing| {
            let known = self.measured(way, timing.count, Image::Known)?;
            let such = (timing.way, timing.image) == (way, image);
            such.then(|| median(&timing.seconds) - known)
        };
        self.timings.iter().find_map(cost)
    }

    fn plainly_asked(&self, way: Way) -> Option<(usize, f64)> {
        let asked = self.timings.iter().filter(|timing| timing.way == way);
        asked.map(|timing| (timing.count, median(&timing.seconds))).max_by_key(|asked| asked.0)
    }

    /// What one more question costs, from one question to `count`.
    pub(crate) fn added_question(&self, way: Way, count: usize) -> Option<f64> {
        let image =
            if matches!(way, Way::Naive | Way::OneByOne) { Image::New } else { Image::Known };
        let [one, many] = [1, count].map(|count| self.seconds(way, count, image));
        Some((many?.seconds - one?.seconds) / ratio(count - 1))
    }

    /// How many times as long another way takes.
    pub(crate) fn times_as_long(&self, way: Way, count: usize, image: Image) -> Option<f64> {
        let ours = self.seconds(Way::Praetor, count, image)?;
        Some(self.seconds(way, count, image)?.seconds / ours.seconds)
    }

    /// How many times as long the server takes with a new image as praetor would if its questions took
    /// no time: the image has to be seen by both.
    pub(crate) fn most_of_new(&self, count: usize) -> Option<f64> {
        let server = self.seconds(Way::Server, count, Image::New)?.seconds;
        Some(server / self.image(Way::Praetor, Image::New)?)
    }

    /// How many times as long the server takes with a known image as praetor would if it computed its
    /// tokens as quickly as llama-bench.
    pub(crate) fn most_of_known(&self, count: usize) -> Option<f64> {
        let ceiling = self.ceilings.iter().find(|ceiling| ceiling.questions == count)?;
        Some(self.times_as_long(Way::Server, count, Image::Known)? / ceiling.share())
    }
}

impl Ceiling {
    /// praetor's share of llama-bench's tokens a second.
    pub(crate) fn share(&self) -> f64 {
        median(&self.praetor) / median(&self.bench)
    }
}

/// Growth with each image after the first.
pub(crate) fn per_image(resident: &[f64]) -> f64 {
    match (resident.first(), resident.last()) {
        (Some(first), Some(last)) if resident.len() > 1 => {
            (last - first) / ratio(resident.len() - 1)
        }
        _ => f64::NAN,
    }
}

/// A small count as a factor.
#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
pub(crate) fn ratio(count: usize) -> f64 {
    count as f64
}
