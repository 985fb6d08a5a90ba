//! What is known of a model behind a server while it judges.

use std::time::SystemTime;

use super::leaving::ADVICE;
#[cfg(feature = "remote")]
use super::leaving::Day;
use super::{Bill, Leaving, LocalOnly};
use crate::cli::exit::Failure;
#[cfg(feature = "remote")]
use crate::cli::style;
use crate::store::Settings;
#[cfg(feature = "remote")]
use crate::vlm::remote::Farewell;

/// What is known of a model behind a server.
#[derive(Debug)]
pub(in crate::cli) struct Remote {
    pub(in crate::cli) bill: Bill,
    /// Whether it writes, which reasoning takes.
    pub(in crate::cli) talks: bool,
    /// Whether its raw answers are recorded or replayed, so that no other cache may stand between.
    pub(in crate::cli) taped: bool,
    /// Images that it is never sent.
    pub(in crate::cli) local_only: LocalOnly,
    /// What it is called, with how it is talked to.
    pub(in crate::cli) shown: String,
    /// When it goes, where that is known.
    pub(in crate::cli) leaving: Option<Leaving>,
    /// Where questions are handed in that may take a day.
    #[cfg(feature = "remote")]
    pub(in crate::cli) batches: Option<crate::vlm::remote::Batches>,
}

impl Remote {
    /// What to know before it is asked: that it goes soon, or is gone.
    pub(in crate::cli) fn leaves(&self) -> Option<String> {
        let note = self.leaving.as_ref()?.note(&self.shown, SystemTime::now())?;
        Some(self.with_advice(note))
    }

    /// What it was asked and has cost so far, and what its answers have said of its end.
    pub(in crate::cli) fn told(&self) -> Vec<String> {
        std::iter::once(self.bill.told()).chain(self.farewell()).collect()
    }

    /// What its answers have said of its end, unless that was known before.
    #[cfg(feature = "remote")]
    pub(in crate::cli) fn farewell(&self) -> Option<String> {
        if self.leaves().is_some() {
            return None;
        }
        let note = match self.bill.farewell()? {
            Farewell::Ends { at, by } => {
                Leaving::told(at, by).note(&self.shown, SystemTime::now())?
            }
            Farewell::Deprecated { since: Some(since) } => {
                format!("the server calls `{}` deprecated since {}", self.shown, Day::of(since))
            }
            _ => format!("the server calls `{}` deprecated", self.shown),
        };
        Some(self.with_advice(note))
    }

    /// Without servers nothing is said.
    #[cfg(not(feature = "remote"))]
    #[expect(clippy::unused_self, reason = "the other build needs it")]
    pub(in crate::cli) fn farewell(&self) -> Option<String> {
        None
    }

    fn with_advice(&self, note: String) -> String {
        if self.taped { note } else { format!("{note}; {ADVICE}") }
    }

    /// By name, for a run's manifest.
    pub(in crate::cli) fn settings(&self) -> Settings {
        let day = self.leaving.iter().map(|leaving| leaving.day().to_string());
        day.map(|day| ("shutdown_date".to_owned(), day)).collect()
    }

    /// Hands in what has no answer yet, and says how that stands.
    #[cfg(feature = "remote")]
    pub(in crate::cli) fn hand_in(&self) -> Result<Option<String>, Failure> {
        let Some(batches) = &self.batches else { return Ok(None) };
        let standing = batches.send()?;
        let folder = batches.desk().folder().display();
        Ok(Some(match standing.under_way {
            0 => format!("every question is answered; the answers are in {folder}"),
            under_way => {
                let wait = if standing.requests == 1 { "waits" } else { "wait" };
                let batches = match under_way {
                    1 => "1 batch".to_owned(),
                    many => format!("{many} batches"),
                };
                format!(
                    "{} {wait} in {batches}: run the same command again, with `--batch-wait` to wait \
                     for what is under way",
                    style::counted(standing.requests as u64, "question"),
                )
            }
        }))
    }

    /// Without servers there are no batches.
    #[cfg(not(feature = "remote"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the other build needs it")]
    pub(in crate::cli) fn hand_in(&self) -> Result<Option<String>, Failure> {
        Ok(None)
    }
}
