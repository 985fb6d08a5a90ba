//! The way through the images: all of them once, or those of the samples.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use indicatif::ProgressBar;

use super::bench::Bench;
use super::ledger::{Ledger, Under};
use super::sample::{Sample, Taken};
use crate::cli::Failure;
use crate::cli::inputs::{Decode, Unread};
use crate::imaging::Decoded;
use crate::pipeline::JudgeError;
use crate::pipeline::stream::{Task, in_order};
use crate::robustness::{Known, is_right};
use crate::verdict::{Conclusion, ImageError, Verdict};

/// What is needed on it.
pub(super) struct Walk<'a> {
    pub(super) bench: Bench<'a>,
    /// Images that are judged at a time.
    pub(super) at_once: NonZeroUsize,
    pub(super) ledger: Ledger<'a>,
    pub(super) unread: Unread,
    pub(super) bar: ProgressBar,
}

impl Walk<'_> {
    /// Judges every image in all its forms.
    pub(super) fn all(
        &mut self,
        tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
    ) -> Result<(), Failure> {
        let bench = self.bench;
        let judge = |_, image: &str, decoded: &Decoded| {
            let before = bench.as_it_is(image, decoded)?;
            let known = bench.known(image);
            let changed = bench.changed(decoded, &known, &before, |_| true)?;
            Ok((known, before, changed))
        };
        self.each(tasks, judge, |ledger, _, (known, before, changed)| {
            ledger.keep_as_it_is(&before)?;
            ledger.count(&known, &before, &changed)
        })
    }

    /// Judges images as they are until every seed has its sample, and the samples in all their forms. An
    /// image that several seeds come upon is judged once as it is.
    pub(super) fn sample(&mut self, sample: &mut Sample) -> Result<(), Failure> {
        let bench = self.bench;
        loop {
            let missing = sample.missing();
            if missing.is_empty() {
                break;
            }
            self.bar.inc_length(missing.len() as u64);
            let mut right = Vec::new();
            let judge = |_, image: &str, decoded: &Decoded| bench.as_it_is(image, decoded);
            self.each(sample.tasks(&missing), judge, |ledger, nth, before| {
                ledger.keep_as_it_is(&before)?;
                if fits(bench, &before) {
                    right.push((missing[nth], before));
                }
                Ok(())
            })?;
            sample.judged(&missing, right);
        }
        for (under, drawn) in self.ledger.seeds.iter_mut().zip(sample.drawn()) {
            under.sample = Some(drawn);
        }
        let taken = sample.taken();
        let places: Vec<usize> = taken.iter().map(|taken| taken.place).collect();
        self.bar.inc_length(places.len() as u64);
        let judge = |nth: usize, image: &str, decoded: &Decoded| {
            let Taken { before, seeds, .. } = &taken[nth];
            let known = bench.known(image);
            let changed = bench.changed(decoded, &known, before, |seed| seeds[seed])?;
            Ok((known, changed))
        };
        self.each(sample.tasks(&places), judge, |ledger, nth, (known, changed): (Known, _)| {
            ledger.count(&known, &taken[nth].before, &changed)
        })
    }

    /// What was counted, and what could not be read.
    pub(super) fn end(self) -> Result<(Vec<Under>, Unread), Failure> {
        self.bar.finish_and_clear();
        let judged = self.ledger.seeds.iter().map(|under| under.robustness.images).sum();
        self.unread.unless_read(judged)?;
        Ok((self.ledger.seeds, self.unread))
    }

    /// Judges those images that can be read, each with its number in the row, and takes note of what comes
    /// of them in their order; a verdict that can't be kept ends it.
    fn each<Judged: Send + 'static>(
        &mut self,
        tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
        judge: impl Fn(usize, &str, &Decoded) -> Result<Judged, JudgeError> + Sync,
        mut take: impl FnMut(&mut Ledger<'_>, usize, Judged) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let judge = |nth, image: String, decoded: Result<Decoded, ImageError>| match decoded {
            Ok(decoded) => Ok(Ok((nth, judge(nth, &image, &decoded)?))),
            Err(error) => Ok(Err((image, error))),
        };
        let mut failure = None;
        in_order(self.at_once, tasks, judge, |judged| {
            self.bar.inc(1);
            match judged {
                Ok((nth, judged)) => failure = take(&mut self.ledger, nth, judged).err(),
                Err((image, error)) => self.unread.add(&image, &error),
            }
            let goes_on = failure.is_none();
            Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        failure.map_or(Ok(()), Err)
    }
}

/// Whether a sample may have an image: right by its label or, without labels, judged at all.
fn fits(bench: Bench<'_>, before: &Verdict) -> bool {
    match bench.labels {
        Some(_) => is_right(&bench.known(&before.image), before.verdict),
        None => before.verdict != Conclusion::Failed,
    }
}
