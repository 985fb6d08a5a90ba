//! The answer cache: the flags that open it, and `praetor cache`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use indicatif::{HumanBytes, HumanCount};

use super::exit::Failure;
use super::{Ending, Outcome};
use crate::cache::{Cache, CacheError, Pruned};
use crate::imaging::shown;
use crate::store::Settings;

/// What models have answered is kept, so that no question is asked twice.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cache")]
pub(super) struct CacheArgs {
    /// Ask everything anew, and keep no answers; so does the variable `PRAETOR_NO_CACHE`
    #[arg(long)]
    no_cache: bool,
    /// Let the kept answers take so much of the disk; those used longest ago go first
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = bytes)]
    cache_limit: u64,
}

/// An open cache, or why there is none that was wanted.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) note: Option<String>,
}

impl CacheArgs {
    /// Opens the cache; that there is none to be had is no failure.
    pub(super) fn open(&self) -> Answers {
        if self.no_cache || named("PRAETOR_NO_CACHE").is_some() {
            return Answers::default();
        }
        match Cache::open(&cache_folder(), self.cache_limit) {
            Ok(cache) => Answers { cache: Some(Arc::new(cache)), note: None },
            Err(error) => {
                let note = format!("{error}: everything is asked anew, and no answer is kept");
                Answers { cache: None, note: Some(note) }
            }
        }
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        [("cache".to_owned(), (!self.no_cache).to_string())].into()
    }
}

/// Look into the kept answers, or forget them
///
/// praetor keeps what models have answered, so that a run that is made again asks nothing and an
/// edited rule asks only its own questions. Forgetting costs time and nothing else.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show how many answers are kept, and what they take
    Stats,
    /// Forget answers that were not used for long, or until they take less
    #[command(group(clap::ArgGroup::new("how").required(true).multiple(true)))]
    Prune {
        /// Forget what was not used for so many days
        #[arg(long, value_name = "DAYS", group = "how")]
        unused_days: Option<u32>,
        /// Forget what was used longest ago until the rest takes so much, such as `500MiB`
        #[arg(long, value_name = "SIZE", group = "how", value_parser = bytes)]
        to: Option<u64>,
    },
    /// Forget all answers
    Clear,
}

impl Command {
    pub(super) fn run(self) -> Outcome {
        let cache = Cache::open(&cache_folder(), u64::MAX)?;
        let mut out = io::stdout();
        match self {
            Self::Stats => stats(&cache)?,
            Self::Prune { unused_days, to } => {
                let mut pruned = Pruned::default();
                if let Some(days) = unused_days {
                    pruned = cache.prune_older_than(days)?;
                }
                if let Some(bytes) = to {
                    let Pruned { forgotten, kept } = cache.prune_to(bytes)?;
                    pruned = Pruned { forgotten: pruned.forgotten + forgotten, kept };
                }
                writeln!(out, "{}", told(pruned))?;
            }
            Self::Clear => writeln!(out, "{}", told(cache.clear()?))?,
        }
        Ok(Ending::Done)
    }
}

fn told(Pruned { forgotten, kept }: Pruned) -> String {
    format!("forgot {} answers, kept {}", HumanCount(forgotten), HumanCount(kept))
}

fn stats(cache: &Cache) -> Result<(), Failure> {
    let stats = cache.stats()?;
    let mut out = io::stdout().lock();
    for (kind, count, bytes) in &stats.kinds {
        let (count, bytes) = (HumanCount(*count).to_string(), HumanBytes(*bytes).to_string());
        writeln!(out, "{:<12}{count:>12}{bytes:>14}", kind.name())?;
    }
    if let Some(folder) = cache.folder() {
        writeln!(out, "{} in {}", HumanBytes(stats.file_bytes), shown(folder))?;
    }
    Ok(())
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        let help = match error {
            CacheError::Busy => "wait until it has ended",
            _ => "set PRAETOR_CACHE to a folder that can be written",
        };
        Self::unopened(&error, Some(help))
    }
}

/// A size such as `500MiB` or `2GB`.
fn bytes(text: &str) -> Result<u64, String> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" | "k" => 1_024.0,
        "mib" | "m" => 1_048_576.0,
        "gib" | "g" => 1_073_741_824.0,
        "tib" | "t" => 1_099_511_627_776.0,
        _ => return Err("expected a size such as `500MiB` or `2GB`".to_owned()),
    };
    match number.parse::<f64>() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size that is no fraction, at least nothing; what is too large saturates"
        )]
        Ok(number) if number.is_finite() => Ok((number * scale) as u64),
        _ => Err("expected a size such as `500MiB` or `2GB`".to_owned()),
    }
}

/// Where praetor keeps what it can make again: `PRAETOR_CACHE`, the user's cache, or the temporary
/// folder.
pub(super) fn cache_folder() -> PathBuf {
    if let Some(folder) = named("PRAETOR_CACHE") {
        return PathBuf::from(folder);
    }
    let user = named("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| named("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .or_else(|| named("LOCALAPPDATA").map(PathBuf::from));
    user.unwrap_or_else(std::env::temp_dir).join("praetor")
}

fn named(variable: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::DEFAULT_LIMIT_BYTES;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(bytes("2GiB"), Ok(DEFAULT_LIMIT_BYTES));
        assert_eq!(bytes("1.5 kb"), Ok(1_500));
        assert_eq!(bytes("0"), Ok(0));
        for bad in ["", "GiB", "-1", "2 apples", "1e9", "nan"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
