//! Many images in a row, with bounded memory: decoding runs ahead of the model on another thread.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use super::{JudgeError, Judging};
use crate::imaging::Decoded;
use crate::verdict::{ImageError, Verdict};
use crate::vlm::VlmError;

/// Decoded images that may wait for the model: enough to hide a slow file, few enough that large
/// pictures don't fill the memory.
const AHEAD: usize = 2;

/// Name of the thread that decodes: a panic there is one bad image, caught and reported as such.
pub const DECODING: &str = "decode";

/// An image's name and how to decode it; called on the decoding thread.
pub struct Task<Decode> {
    /// How verdicts name the image.
    pub image: String,
    /// Reads and decodes it.
    pub decode: Decode,
}

/// Judges images in their order and hands each verdict to `each`, which may stop the run.
///
/// At most four decoded files are in memory at once, however many there are.
///
/// # Errors
/// When the model is gone. Images that can't be read are verdicts with errors.
pub fn judge_all<Decode>(
    way: &dyn Judging,
    tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
    mut each: impl FnMut(Verdict) -> ControlFlow<()>,
) -> Result<(), JudgeError>
where
    Decode: FnOnce() -> Result<Decoded, ImageError> + 'static,
{
    decode_ahead(tasks, |image, decoded| Ok(each(way.judge_image(image, decoded)?)))
}

/// Hands on images in their order, decoded while the one before is looked at; `each` may stop.
///
/// # Errors
/// The first that `each` gives.
pub fn decode_ahead<Decode>(
    tasks: impl Iterator<Item = Task<Decode>> + Send + 'static,
    mut each: impl FnMut(String, Result<Decoded, ImageError>) -> Result<ControlFlow<()>, JudgeError>,
) -> Result<(), JudgeError>
where
    Decode: FnOnce() -> Result<Decoded, ImageError> + 'static,
{
    let (ready, decoded) = mpsc::sync_channel(AHEAD);
    let run_ahead = move || {
        for Task { image, decode } in tasks {
            // The judge has stopped when nobody listens any more.
            if ready.send((image, decode())).is_err() {
                break;
            }
        }
    };
    let decoding = thread::Builder::new()
        .name(DECODING.to_owned())
        .spawn(run_ahead)
        .map_err(|_| VlmError::Gone)?;
    for (image, decoded) in decoded {
        if each(image, decoded)?.is_break() {
            // Not joined: it may be waiting for a list that never ends.
            return Ok(());
        }
    }
    // A walk that panicked must not look like the end of the images.
    if let Err(panic) = decoding.join() {
        std::panic::resume_unwind(panic);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constitution::Policy;
    use crate::ids::Hash;
    use crate::imaging::{Picture, Source};
    use crate::pipeline::Pipeline;
    use crate::verdict::Conclusion;
    use crate::vlm::scripted::ScriptedVlm;

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
        judge_all(&pipeline, (0..4).map(task), |verdict| {
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
        judge_all(&pipeline, (2..).map(task), |_| {
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
        judge_all(&pipeline, tasks.map(task), |_| ControlFlow::Break(())).unwrap();
    }

    #[test]
    #[should_panic(expected = "the folder has gone")]
    fn a_walk_that_panics_is_no_short_run() {
        let model = ScriptedVlm::new(0.5);
        let pipeline = Pipeline::new(policy(), &model, &[]).unwrap();
        let tasks =
            (2..).map(|index| if index > 3 { panic!("the folder has gone") } else { task(index) });
        let _ = judge_all(&pipeline, tasks, |_| ControlFlow::Continue(()));
    }
}
