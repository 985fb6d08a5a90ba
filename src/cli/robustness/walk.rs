//! The way through the images: all of them once, or those of the samples.

use std::ops::ControlFlow;

use indicatif::ProgressBar;

use super::bench::{Bench, Under};
use super::labels::Labels;
use super::sample::{Sample, Taken};
use crate::cli::Failure;
use crate::cli::inputs::{Decode, Unread};
use crate::imaging::Decoded;
use crate::pipeline::JudgeError;
use crate::pipeline::stream::{Task, decode_ahead};
use crate::robustness::{Known, is_right};
use crate::verdict::{Conclusion, Verdict};

/// What is needed on it.
pub(super) struct Walk<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) labels: Option<&'a Labels>,
    pub(super) unread: Unread,
    pub(super) bar: ProgressBar,
}

impl Walk<'_> {
    /// Judges every image in all its forms, one after the other.
    pub(super) fn all(
        &mut self,
        tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
    ) -> Result<(), Failure> {
        self.each(tasks, |walk, _, image, decoded| {
            let before = walk.bench.as_it_is(image, decoded)?;
            let known = walk.known(image);
            walk.bench.changed(decoded, &known, &before, |_| true)
        })
    }

    /// Judges images as they are until every seed has its sample, and the samples in all their forms. An
    /// image that several seeds come upon is judged once as it is.
    pub(super) fn sample(&mut self, sample: &mut Sample) -> Result<(), Failure> {
        loop {
            let missing = sample.missing();
            if missing.is_empty() {
                break;
            }
            self.bar.inc_length(missing.len() as u64);
            let mut right = Vec::new();
            self.each(sample.tasks(&missing), |walk, nth, image, decoded| {
                let before = walk.bench.as_it_is(image, decoded)?;
                if walk.fits(image, &before) {
                    right.push((missing[nth], before));
                }
                Ok(())
            })?;
            sample.judged(&missing, right);
        }
        for (under, drawn) in self.bench.seeds.iter_mut().zip(sample.drawn()) {
            under.sample = Some(drawn);
        }
        let taken = sample.taken();
        let places: Vec<usize> = taken.iter().map(|taken| taken.place).collect();
        self.bar.inc_length(places.len() as u64);
        self.each(sample.tasks(&places), |walk, nth, image, decoded| {
            let Taken { before, seeds, .. } = &taken[nth];
            let known = walk.known(image);
            walk.bench.changed(decoded, &known, before, |seed| seeds[seed])
        })
    }

    /// What was counted, and what could not be read.
    pub(super) fn end(self) -> Result<(Vec<Under>, Unread), Failure> {
        self.bar.finish_and_clear();
        let judged = self.bench.seeds.iter().map(|under| under.robustness.images).sum();
        self.unread.unless_read(judged)?;
        Ok((self.bench.seeds, self.unread))
    }

    /// Hands on those images that can be read, each with its number in the row.
    fn each(
        &mut self,
        tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
        mut look: impl FnMut(&mut Self, usize, &str, &Decoded) -> Result<(), JudgeError>,
    ) -> Result<(), Failure> {
        let mut nth = 0;
        decode_ahead(tasks, |image, decoded| {
            match decoded {
                Ok(decoded) => look(self, nth, &image, &decoded)?,
                Err(error) => self.unread.add(&image, &error),
            }
            nth += 1;
            self.bar.inc(1);
            let failed = self.bench.failure.is_some();
            Ok(if failed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        self.bench.failure.take().map_or(Ok(()), Err)
    }

    fn known(&self, image: &str) -> Known {
        self.labels.map(|labels| labels.of(image)).unwrap_or_default()
    }

    /// Whether a sample may have an image: right by its label or, without labels, judged at all.
    fn fits(&self, image: &str, before: &Verdict) -> bool {
        match self.labels {
            Some(_) => is_right(&self.known(image), before.verdict),
            None => before.verdict != Conclusion::Failed,
        }
    }
}
