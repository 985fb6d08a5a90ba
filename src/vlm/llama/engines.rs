//! Several engines of one model, so that several views are looked at at a time: the weights of the
//! language model are shared, and each engine has a KV cache, a projector and threads of its own.
//!
//! What is asked of a view goes to the engine that has seen it, since that holds its prefix.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use image::RgbImage;

use super::LoadError;
use super::engine::{Engine, TRUNKS};
use super::worker::{Plan, Worker, start};
use crate::imaging::View;

/// The engines of a model.
#[derive(Debug)]
pub(super) struct Engines {
    workers: Vec<Worker>,
    seats: Mutex<Seats>,
}

/// Who works on what.
#[derive(Debug)]
struct Seats {
    /// How many wait for each engine or are served by it.
    busy: Vec<usize>,
    /// Which engine has seen which pixels, the latest last. While these are held no other image can
    /// have their address, and no pixel is kept alive by it.
    seen: Vec<(Weak<RgbImage>, usize)>,
}

impl Seats {
    fn new(engines: usize) -> Self {
        Self { busy: vec![0; engines], seen: Vec::new() }
    }

    /// Takes a seat at the engine that has seen the pixels, or at one with the fewest waiting.
    fn take(&mut self, pixels: Option<&Arc<RgbImage>>) -> usize {
        let weak = pixels.map(Arc::downgrade);
        let same =
            |(seen, _): &(Weak<RgbImage>, usize)| weak.as_ref().is_some_and(|it| it.ptr_eq(seen));
        let known = self.seen.iter().position(same).map(|at| self.seen.remove(at).1);
        let least = || (0..self.busy.len()).min_by_key(|engine| self.busy[*engine]);
        let engine = known.or_else(least).unwrap_or(0);
        if let Some(weak) = weak {
            self.seen.retain(|(seen, _)| seen.strong_count() > 0);
            if self.seen.len() >= self.busy.len() * TRUNKS as usize {
                self.seen.remove(0);
            }
            self.seen.push((weak, engine));
        }
        self.busy[engine] += 1;
        engine
    }

    fn leave(&mut self, engine: usize) {
        self.busy[engine] -= 1;
    }
}

impl Engines {
    /// Loads the model and starts so many engines, one after another.
    pub(super) fn start(mut plan: Plan) -> Result<Self, LoadError> {
        let engines = plan.options.engines;
        let share = plan.options.threads.get() / engines.get();
        plan.options.threads = NonZeroUsize::new(share).unwrap_or(NonZeroUsize::MIN);
        let plan = Arc::new(plan);
        let (first, model) = start(&plan, None)?;
        let mut workers = vec![first];
        while workers.len() < engines.get() {
            workers.push(start(&plan, Some(Arc::clone(&model)))?.0);
        }
        Ok(Self { workers, seats: Mutex::new(Seats::new(engines.get())) })
    }

    /// Runs work on the engine of a view and waits for its result; nothing when its thread has stopped.
    pub(super) fn run<Result: Send + 'static>(
        &self,
        view: Option<&View>,
        work: impl FnOnce(&mut Engine<'_>) -> Result + Send + 'static,
    ) -> Option<Result> {
        let engine = self.seats().take(view.map(View::pixels));
        let result = self.workers[engine].run(work);
        self.seats().leave(engine);
        result
    }

    /// Runs the same on every engine, one after another.
    pub(super) fn on_each<Result: Send + 'static>(
        &self,
        work: impl Fn(&mut Engine<'_>) -> Result + Clone + Send + 'static,
    ) -> Option<Vec<Result>> {
        self.workers.iter().map(|worker| worker.run(work.clone())).collect()
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        // Nothing that is done under the lock can panic half way.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels() -> Arc<RgbImage> {
        Arc::new(RgbImage::new(1, 1))
    }

    #[test]
    fn a_view_goes_where_it_was_seen_and_a_new_one_where_fewest_wait() {
        let mut seats = Seats::new(3);
        let (one, two, three) = (pixels(), pixels(), pixels());
        assert_eq!(seats.take(Some(&one)), 0);
        assert_eq!(seats.take(Some(&two)), 1);
        assert_eq!(seats.take(Some(&one)), 0, "although the third is free");
        assert_eq!(seats.take(None), 2);
        seats.leave(1);
        assert_eq!(seats.take(Some(&three)), 1);
        (0..3).for_each(|engine| seats.leave(engine));
        assert_eq!(seats.take(Some(&three)), 1);
        assert_eq!(seats.take(Some(&two)), 1);
    }

    #[test]
    fn views_that_are_gone_are_forgotten_and_not_too_many_remembered() {
        let mut seats = Seats::new(1);
        seats.take(Some(&pixels()));
        let kept: Vec<_> = (0..20).map(|_| pixels()).collect();
        for pixels in &kept {
            seats.take(Some(pixels));
        }
        assert_eq!(seats.seen.len(), TRUNKS as usize);
        assert!(seats.seen.iter().all(|(seen, _)| seen.strong_count() > 0));
    }
}
