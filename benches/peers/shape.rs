//! Which models are measured, and how thoroughly: what takes milliseconds is asked in full and
//! often, what takes seconds only where it tells something new.

use std::path::{Path, PathBuf};

use praetor::vlm::llama::demo;

use crate::Outcome;

/// Questions an image.
pub(crate) const COUNTS: [usize; 4] = [1, 8, 32, 128];
/// The number of questions that the aims are stated for, and that settings are tuned at.
pub(crate) const AIM: usize = 32;

/// One pair of files, and how to measure it.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// What it is, for the document.
    pub(crate) about: &'static str,
    pub(crate) model: PathBuf,
    pub(crate) projector: PathBuf,
    /// Pictures four times as wide as high: an overview and four tiles with SmolVLM.
    pub(crate) strip: bool,
    pub(crate) plan: Plan,
}

/// How thoroughly.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Rounds in which the largest count is asked.
    pub(crate) large_rounds: usize,
    /// Counts that are also asked of an image nobody has seen; the others are reckoned.
    pub(crate) fresh: Vec<usize>,
    /// Questions that are really asked where each costs as much as the first; `None`: all.
    pub(crate) plain: Option<usize>,
    /// Tries for each setting of the server; with one, doubling slots stops where it is slower.
    pub(crate) tries: usize,
    pub(crate) slots: Vec<usize>,
    /// Images for the curve of memory.
    pub(crate) images: usize,
}

impl Plan {
    fn cheap() -> Self {
        Self {
            rounds: 9,
            large_rounds: 9,
            fresh: COUNTS.to_vec(),
            plain: None,
            tries: 5,
            slots: vec![1, 2, 4, 8],
            images: 32,
        }
    }

    fn dear() -> Self {
        Self {
            rounds: 3,
            large_rounds: 1,
            fresh: vec![AIM],
            plain: Some(1),
            tries: 1,
            slots: vec![1, 2, 4, 8],
            images: 4,
        }
    }

    /// To see that everything works, not to believe the figures.
    fn quick(self) -> Self {
        Self {
            rounds: 1,
            large_rounds: usize::from(self.plain.is_none()),
            tries: 1,
            slots: if self.plain.is_some() { vec![1] } else { vec![1, 2] },
            images: self.images.min(2),
            ..self
        }
    }
}

/// The demo model, and the random pairs that `tools/random-models/shapes.py` has written.
pub(crate) fn all(random: &Path, scratch: &Path, quick: bool) -> Outcome<Vec<Shape>> {
    let options = demo::unpack(&scratch.join("demo"))?;
    let plan = |plan: Plan| if quick { plan.quick() } else { plan };
    let projector = options.projector.ok_or("the demo model has a projector")?;
    let demo = Shape {
        name: "demo",
        about: "the demo model of 1.4 million parameters",
        model: options.model,
        projector,
        strip: false,
        plan: plan(Plan::cheap()),
    };
    let written = |name: &'static str, about: &'static str, strip: bool| Shape {
        name,
        about,
        model: random.join(format!("{name}.gguf")),
        projector: random.join(format!("{name}-mmproj.gguf")),
        strip,
        plan: plan(Plan::dear()),
    };
    Ok(vec![
        demo,
        written(
            "smolvlm-256m",
            "random weights in the shape of SmolVLM-256M-Instruct, Q8_0; pictures four times as \
             wide as high, which make five tiles",
            true,
        ),
        written(
            "gemma-3-4b-half",
            "random weights in the shape of Gemma 3 4B, Q4_0, with 18 of its 34 language layers and \
             14 of its 27 vision layers",
            false,
        ),
    ])
}
