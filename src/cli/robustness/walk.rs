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
use crate::verdict::{ImageError, Verdict};

/// What is needed on it.
pub(super) struct Walk<'a> {
    pub(super) bench: Bench<'a>,
    /// Images that are judged at a time.
    pub(super) at_once: NonZeroUsize,
    pub(super) ledger: Ledger<'a>,
    pub(super) unread: Unread,
    /// How often an image was judged, whatever was said of it.
    pub(super) judged: usize,
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
            let before = match bench.as_it_is(image, decoded)? {
                Ok(before) => before,
                Err(error) => return Ok(Err(error)),
            };
            let known = bench.known(image);
            let changed = bench.changed(decoded, &known, &before, |_| true)?;
            Ok(Ok((known, before, changed)))
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
            Ok(Ok((known, changed)))
        };
        self.each(sample.tasks(&places), judge, |ledger, nth, (known, changed): (Known, _)| {
            ledger.count(&known, &taken[nth].before, &changed)
        })
    }

    /// What was counted, and what could not be read.
    pub(super) fn end(self) -> Result<(Vec<Under>, Unread), Failure> {
        self.bar.finish_and_clear();
        self.unread.unless_read(self.judged)?;
        Ok((self.ledger.seeds, self.unread))
    }

    /// Judges those images that can be read, each with its number in the row, and takes note of what comes
    /// of them in their order, and of those that can't be judged; a verdict that can't be kept ends it.
    fn each<Judged: Send + 'static>(
        &mut self,
        tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
        judge: impl Fn(usize, &str, &Decoded) -> Result<Result<Judged, ImageError>, JudgeError> + Sync,
        mut take: impl FnMut(&mut Ledger<'_>, usize, Judged) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let judge = |nth, image: String, decoded: Result<Decoded, ImageError>| match decoded {
            Ok(decoded) => match judge(nth, &image, &decoded)? {
                Ok(judged) => Ok(Ok((nth, judged))),
                Err(error) => Ok(Err((image, error))),
            },
            Err(error) => Ok(Err((image, error))),
        };
        let mut failure = None;
        in_order(self.at_once, tasks, judge, |judged| {
            self.bar.inc(1);
            match judged {
                Ok((nth, judged)) => {
                    self.judged += 1;
                    failure = take(&mut self.ledger, nth, judged).err();
                }
                Err((image, error)) => self.unread.add(&image, &error),
            }
            let goes_on = failure.is_none();
            Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        failure.map_or(Ok(()), Err)
    }
}

/// Whether a sample may have an image: right by its label; any without labels.
fn fits(bench: Bench<'_>, before: &Verdict) -> bool {
    match bench.labels {
        Some(_) => is_right(&bench.known(&before.image), before.verdict),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::inputs::tasks_of;
    use crate::cli::robustness::ChangeArgs;
    use crate::encoder::EncoderError;
    use crate::ids::{Hash, ModelId};
    use crate::imaging::{Limits, Source, View};
    use crate::pipeline::{Judging, Signature};
    use crate::verdict::{Method, RuleVerdict};

    #[derive(clap::Parser)]
    struct Flags {
        #[command(flatten)]
        changes: ChangeArgs,
    }

    /// Can't judge a dark picture, and finds nothing in another.
    struct AfraidOfTheDark(Signature);

    impl Judging for AfraidOfTheDark {
        fn signature(&self) -> &Signature {
            &self.0
        }

        fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
            let dark = view.pixels().get_pixel(0, 0).0[0] == 0;
            if dark {
                Err(JudgeError::Encoder(EncoderError::EmptyImage { width: 8, height: 8 }))
            } else {
                Ok(Vec::new())
            }
        }
    }

    #[test]
    fn an_image_that_can_not_be_judged_as_it_is_counts_as_one_that_can_not_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = [("dark.png", 0), ("light.png", 200)].map(|(name, grey)| {
            let path = folder.path().join(name);
            image::RgbImage::from_pixel(8, 8, image::Rgb([grey; 3])).save(&path).unwrap();
            Source::new(path)
        });
        let model = ModelId { name: "afraid".to_owned(), fingerprint: Hash::of(b"afraid") };
        let (policy, without) = (Hash::of(b"policy"), Vec::new());
        let signature = Signature { method: Method::Clue, without, policy, model };
        let judge = AfraidOfTheDark(signature);
        let Flags { changes } = Flags::parse_from(["robustness", "--perturb", "png,mirror"]);
        let seeds = vec![changes.under(2023)];
        let mut walk = Walk {
            bench: Bench { changes: &changes, judging: &judge, control: &judge, labels: None },
            at_once: NonZeroUsize::MIN,
            ledger: Ledger { perturbations: &changes.perturb, seeds, runs: None },
            unread: Unread::default(),
            judged: 0,
            bar: ProgressBar::hidden(),
        };
        let tasks = files.map(|file| tasks_of(Ok(file), &Limits::default()));
        walk.all(tasks.into_iter().flatten()).unwrap();
        let (seeds, unread) = walk.end().unwrap();
        let counted = &seeds[0].robustness;
        assert_eq!((counted.images, counted.any_failed()), (1, false));
        assert!(counted.perturbations.iter().all(|row| (row.images, row.flipped) == (1, 0)));
        let notes = unread.notes();
        assert!(notes.len() == 1 && notes[0].contains("dark.png"), "{notes:?}");
    }
}
