//! Where the time of a view's questions goes, stage by stage; measured always, since reading a
//! clock costs nothing beside any stage.

use std::time::{Duration, Instant};

use llama_cpp_2::mtmd::MtmdInputChunkType;

use super::engine::Engine;
use crate::imaging::View;
use crate::verdict::Why;

/// Time that questions have taken since the model was loaded, by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spent {
    /// Images cut into tiles, resized and normalised, and the words around them made tokens.
    pub prepare: Duration,
    /// Images in the vision encoder and then, as tokens, in the language model.
    pub image: Duration,
    /// Words that a view's questions share, in the language model.
    pub shared: Duration,
    /// What is each question's own, in the language model, all questions as one batch.
    pub own: Duration,
    /// Yes and No read off the whole vocabulary.
    pub read: Duration,
}

impl Spent {
    /// All stages in their order, by name.
    pub fn stages(self) -> [(&'static str, Duration); 5] {
        [
            ("prepare", self.prepare),
            ("image", self.image),
            ("shared words", self.shared),
            ("own words", self.own),
            ("read", self.read),
        ]
    }

    /// What was spent since an earlier look.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            prepare: self.prepare.saturating_sub(earlier.prepare),
            image: self.image.saturating_sub(earlier.image),
            shared: self.shared.saturating_sub(earlier.shared),
            own: self.own.saturating_sub(earlier.own),
            read: self.read.saturating_sub(earlier.read),
        }
    }
}

impl Engine<'_> {
    /// How long the vision encoder alone takes for a view; nothing is kept of it. llama.cpp does not
    /// tell it from the language model's part of an image.
    pub(super) fn encode_alone(&mut self, view: &View, head: &str) -> Result<Duration, Why> {
        let chunks = self.chunks(Some(view), head)?;
        let Some(eyes) = &mut self.eyes else { return Ok(Duration::ZERO) };
        let began = Instant::now();
        for chunk in (0..chunks.len()).filter_map(|index| chunks.get(index)) {
            if chunk.chunk_type() == MtmdInputChunkType::Image {
                eyes.mtmd.encode_chunk(&chunk).map_err(Why::failed)?;
            }
        }
        Ok(began.elapsed())
    }
}
