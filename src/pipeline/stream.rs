//! Many images in a row, with bounded memory: decoding runs ahead of the models on a thread of its own,
//! and several images may be judged at a time. Verdicts come in the images' order all the same.
//!
//! ```text
//! decode    park.gif ─► …        goes on when it is granted another image
//!              │ decoded
//!              ▼
//! caller    hands images to ───► judge, judge, …
//!           `each` in order ◄─────────┘  verdicts, as they are ready
//! ```

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{JudgeError, Judging};
use crate::imaging::Decoded;
use crate::verdict::{ImageError, Verdict};
use crate::vlm::VlmError;

/// Decoded images beside those that are judged: enough to hide a slow file, few enough that large
/// pictures don't fill the memory.
const AHEAD: usize = 3;

/// Verdicts that wait for an earlier one at most, for each image that is judged at a time.
const WAITING: usize = 64;

/// Name of the thread that decodes: a panic there is one bad image, caught and reported as such.
pub const DECODING: &str = "decode";

/// What the main thread of a program has, and judges were written for.
const STACK_BYTES: usize = 8 << 20;

/// An image's name and how to decode it; called on the decoding thread.
pub struct Task<Decode> {
    /// How verdicts name the image.
    pub image: String,
    /// Reads and decodes it.
    pub decode: Decode,
}

/// Judges images, so many at a time, and hands each verdict to `each` in the images' order; `each` may
/// stop the run.
///
/// At most three decoded files are in memory beside those that are judged, however many there are.
///
/// # Errors
/// When the model is gone. Images that can't be read are verdicts with errors.
pub fn judge_all<Decode>(
    way: &dyn Judging,
    at_once: NonZeroUsize,
    tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
    mut each: impl FnMut(Verdict) -> ControlFlow<()>,
) -> Result<(), JudgeError>
where
    Decode: FnOnce() -> Result<Decoded, ImageError> + 'static,
{
    let judge = |_, image, decoded| way.judge_image(image, decoded);
    in_order(at_once, tasks, judge, |verdict| Ok(each(verdict)))
}

/// An image in its place among all.
struct Item {
    place: usize,
    image: String,
    decoded: Result<Decoded, ImageError>,
}

/// What the threads tell the caller's.
enum Event<Worked> {
    Decoded(Item),
    /// No image comes any more: there is none, or looking for them panicked.
    NoMore,
    Worked(usize, Result<Worked, JudgeError>),
    /// Work on an image panicked.
    Panicked(Box<dyn Any + Send>),
}

/// Works on images, so many at a time, and hands on what comes of each in the images' order; `each` may
/// stop the run. `work` is told an image's place among all, the first 0, and its name.
///
/// # Errors
/// The first that `work` or `each` gives, in that order.
pub fn in_order<Decode, Worked>(
    at_once: NonZeroUsize,
    tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
    work: impl Fn(usize, String, Result<Decoded, ImageError>) -> Result<Worked, JudgeError> + Sync,
    each: impl FnMut(Worked) -> Result<ControlFlow<()>, JudgeError>,
) -> Result<(), JudgeError>
where
    Decode: FnOnce() -> Result<Decoded, ImageError> + 'static,
    Worked: Send + 'static,
{
    let (events, inbox) = mpsc::channel();
    let (grants, granted) = mpsc::channel();
    let to_caller = events.clone();
    let decoding = thread::Builder::new()
        .name(DECODING.to_owned())
        .spawn(move || decode(tasks, &granted, &to_caller))
        .map_err(|_| VlmError::Gone)?;
    let (jobs, waiting) = mpsc::channel();
    let waiting = Mutex::new(waiting);
    let went = thread::scope(|scope| {
        for _ in 0..at_once.get() {
            let (events, waiting, work) = (events.clone(), &waiting, &work);
            thread::Builder::new()
                .name("judge".to_owned())
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, move || judge(waiting, &events, work))
                .map_err(|_| VlmError::Gone)?;
        }
        // When the desk closes, the judges go home and the decoder is granted nothing more.
        Desk { at_once: at_once.get(), inbox, grants, jobs }.run(each)
    })?;
    if went.is_break() {
        // The decoder is not joined: it may be waiting for a list that never ends.
        return Ok(());
    }
    // A walk that panicked must not look like the end of the images.
    if let Err(panic) = decoding.join() {
        resume_unwind(panic);
    }
    Ok(())
}

/// Decodes an image for every grant, until there are no more of either.
fn decode<Decode, Worked>(
    tasks: impl Iterator<Item = Task<Decode>>,
    granted: &Receiver<()>,
    caller: &Sender<Event<Worked>>,
) where
    Decode: FnOnce() -> Result<Decoded, ImageError>,
{
    /// Says that no more images come, even when looking for them panics.
    struct Farewell<'a, Worked>(&'a Sender<Event<Worked>>);
    impl<Worked> Drop for Farewell<'_, Worked> {
        fn drop(&mut self) {
            // Nobody listens after a run that was stopped.
            let _ = self.0.send(Event::NoMore);
        }
    }
    let farewell = Farewell(caller);
    for (place, Task { image, decode }) in tasks.enumerate() {
        let decoded = |()| Event::Decoded(Item { place, image, decoded: decode() });
        let sent = granted.recv().ok().map(decoded).map(|event| farewell.0.send(event));
        if !matches!(sent, Some(Ok(()))) {
            break;
        }
    }
}

/// Works on one image after another as long as there are any.
fn judge<Worked>(
    waiting: &Mutex<Receiver<Item>>,
    caller: &Sender<Event<Worked>>,
    work: &(impl Fn(usize, String, Result<Decoded, ImageError>) -> Result<Worked, JudgeError> + Sync),
) {
    // Only waiting is done under the lock, which can't panic.
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    while let Some(Item { place, image, decoded }) = next() {
        let event = match catch_unwind(AssertUnwindSafe(|| work(place, image, decoded))) {
            Ok(worked) => Event::Worked(place, worked),
            Err(panic) => Event::Panicked(panic),
        };
        if caller.send(event).is_err() {
            break;
        }
    }
}

/// The caller's thread: images go out from here, and come back to be put in order.
struct Desk<Worked> {
    at_once: usize,
    inbox: Receiver<Event<Worked>>,
    grants: Sender<()>,
    jobs: Sender<Item>,
}

impl<Worked> Desk<Worked> {
    /// Until all images are handed on, or `each` stops the run.
    fn run(
        self,
        mut each: impl FnMut(Worked) -> Result<ControlFlow<()>, JudgeError>,
    ) -> Result<ControlFlow<()>, JudgeError> {
        let mut decoded: VecDeque<Item> = VecDeque::new();
        let mut worked: BTreeMap<usize, Result<Worked, JudgeError>> = BTreeMap::new();
        // Images: granted to the decoder, come from it, handed on; and judges without one.
        let (mut granted, mut come, mut handed_on) = (0, 0, 0);
        let mut idle = self.at_once;
        let mut more = true;
        while more || handed_on < come {
            // Nobody answers after a run that was stopped: what is sent to those who left is lost.
            while granted - handed_on - worked.len() < self.at_once + AHEAD
                && worked.len() < WAITING * self.at_once
            {
                granted += 1;
                let _ = self.grants.send(());
            }
            while idle > 0 && !decoded.is_empty() {
                idle -= 1;
                let _ = decoded.pop_front().map(|item| self.jobs.send(item));
            }
            match self.inbox.recv() {
                Ok(Event::Decoded(item)) => {
                    come += 1;
                    decoded.push_back(item);
                }
                Ok(Event::NoMore) | Err(_) => more = false,
                Ok(Event::Panicked(panic)) => resume_unwind(panic),
                Ok(Event::Worked(place, ready)) => {
                    idle += 1;
                    worked.insert(place, ready);
                    while let Some(ready) = worked.remove(&handed_on) {
                        handed_on += 1;
                        if each(ready?)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::constitution::Policy;
    use crate::ids::Hash;
    use crate::imaging::{Picture, Source};
    use crate::pipeline::Pipeline;
    use crate::verdict::Conclusion;
    use crate::vlm::scripted::ScriptedVlm;

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    fn policy() -> Policy {
        let text = "No dogs.";
        let lock = format!(
            "{{version: 1, constitution: pets, rules: [{{id: dogs, source: {}, objectiveness: 10, \
             objective_text: {text}, reviewed: true, \
             preconditions: [{{statement: a dog is visible, objects: [dog]}}]}}]}}",
            Hash::of(text.as_bytes())
        );
        let yaml = format!("{{name: pets, rules: [{{id: dogs, text: {text}}}]}}");
        Policy::parse(&yaml, &lock).unwrap()
    }

    fn task(index: usize) -> Task<impl FnOnce() -> Result<Decoded, ImageError>> {
        Task {
            image: format!("{index}"),
            decode: move || {
                if index == 1 {
                    let code = "corrupt".to_owned();
                    return Err(ImageError { code, message: "cut short".to_owned() });
                }
                let hash = Hash::of(b"file");
                let pixels = image::RgbImage::new(2, 2).into();
                let picture = Picture { source: Source::new("test"), hash, frame: 0, pixels };
                Ok(Decoded { hash, pictures: vec![picture], cut: false, animated: false })
            },
        }
    }

    #[test]
    fn one_bad_image_never_stops_a_run_and_the_order_stays() {
        let model = ScriptedVlm::new(0.5).saying("a dog is visible", 0.99);
        let pipeline = Pipeline::new(policy(), &model, &[]).unwrap();
        let mut seen = Vec::new();
        judge_all(&pipeline, ONE, (0..4).map(task), |verdict| {
            seen.push((verdict.image, verdict.verdict));
            ControlFlow::Continue(())
        })
        .unwrap();
        let unsafe_ = Conclusion::Unsafe;
        let expected = [unsafe_, Conclusion::Failed, unsafe_, unsafe_];
        assert_eq!(seen, (0..4).map(|i| i.to_string()).zip(expected).collect::<Vec<_>>());
    }

    #[test]
    fn a_run_can_be_stopped_in_the_middle_of_endless_images() {
        let model = ScriptedVlm::new(0.5);
        let pipeline = Pipeline::new(policy(), &model, &[]).unwrap();
        let mut count = 0;
        judge_all(&pipeline, ONE, (2..).map(task), |_| {
            count += 1;
            if count == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        assert_eq!(count, 3);
    }

    #[test]
    fn a_run_that_is_stopped_does_not_wait_for_a_list_that_never_ends() {
        let model = ScriptedVlm::new(0.5);
        let pipeline = Pipeline::new(policy(), &model, &[]).unwrap();
        let (_never_sends, list) = mpsc::channel::<usize>();
        let tasks = std::iter::once(2).chain(std::iter::from_fn(move || list.recv().ok()));
        judge_all(&pipeline, ONE, tasks.map(task), |_| ControlFlow::Break(())).unwrap();
    }

    #[test]
    #[should_panic(expected = "the folder has gone")]
    fn a_walk_that_panics_is_no_short_run() {
        let model = ScriptedVlm::new(0.5);
        let pipeline = Pipeline::new(policy(), &model, &[]).unwrap();
        let tasks =
            (2..).map(|index| if index > 3 { panic!("the folder has gone") } else { task(index) });
        let _ = judge_all(&pipeline, ONE, tasks, |_| ControlFlow::Continue(()));
    }

    /// Images that come in order and are done in another.
    #[test]
    fn many_at_once_are_handed_on_in_their_order() {
        let tasks = (0..200).map(task);
        let work = |place, image: String, _| {
            thread::sleep(std::time::Duration::from_millis(place as u64 * 7 % 5));
            Ok((place, image))
        };
        let mut seen = Vec::new();
        in_order(NonZeroUsize::new(8).unwrap(), tasks, work, |worked| {
            seen.push(worked);
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        assert_eq!(seen, (0..200).map(|i| (i, i.to_string())).collect::<Vec<_>>());
    }

    #[test]
    fn a_slow_image_holds_up_neither_the_others_nor_the_memory() {
        let (decoded, done) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        let counted = Arc::clone(&decoded);
        let tasks = (0..1_000).map(move |index| {
            let (task, counted) = (task(index), Arc::clone(&counted));
            let decode = move || {
                counted.fetch_add(1, Ordering::SeqCst);
                (task.decode)()
            };
            Task { image: task.image, decode }
        });
        // The first is worked on until as many others as may wait for it are done.
        let work = |_, image: String, _| {
            while image == "0" && done.load(Ordering::SeqCst) < 2 * WAITING {
                thread::yield_now();
            }
            done.fetch_add(1, Ordering::SeqCst);
            Ok(decoded.load(Ordering::SeqCst))
        };
        let mut seen = Vec::new();
        in_order(NonZeroUsize::new(2).unwrap(), tasks, work, |decoded| {
            seen.push(decoded);
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        assert_eq!(seen.len(), 1_000);
        assert!(
            seen[0] <= 2 * WAITING + 2 + AHEAD + 1,
            "{} were decoded before the first",
            seen[0]
        );
    }

    #[test]
    #[should_panic(expected = "the judge fell over")]
    fn a_judge_that_panics_is_no_run_that_waits_for_ever() {
        let work = |_, _, _| -> Result<usize, JudgeError> { panic!("the judge fell over") };
        let _ = in_order(NonZeroUsize::new(2).unwrap(), (2..).map(task), work, |_| {
            Ok(ControlFlow::Continue(()))
        });
    }
}
