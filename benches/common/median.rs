//! The middle of several times.

use std::time::Duration;

/// The middle one, or the later of the two in the middle; nothing of none.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
