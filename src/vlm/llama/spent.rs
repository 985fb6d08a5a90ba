//! Where the time of a view's questions goes, stage by stage; measured always, since reading a
//! clock costs nothing beside any stage.

use std::time::Duration;

/// Time that questions have taken since the model was loaded, by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spent {
    /// Images cut into tiles, resized and normalised, and the words around them made tokens.
    pub prepare: Duration,
    /// Images in the vision encoder.
    pub encode: Duration,
    /// Images as tokens in the language model, with the words before them.
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
    pub fn stages(self) -> [(&'static str, Duration); 6] {
        [
            ("prepare", self.prepare),
            ("encode", self.encode),
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
            encode: self.encode.saturating_sub(earlier.encode),
            image: self.image.saturating_sub(earlier.image),
            shared: self.shared.saturating_sub(earlier.shared),
            own: self.own.saturating_sub(earlier.own),
            read: self.read.saturating_sub(earlier.read),
        }
    }
}
