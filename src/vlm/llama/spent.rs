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
    /// Questions in the language model, all of a view as one batch.
    pub words: Duration,
    /// Yes and No read off the whole vocabulary.
    pub read: Duration,
}

impl Spent {
    /// All stages in their order, by name.
    pub fn stages(self) -> [(&'static str, Duration); 5] {
        [
            ("prepare", self.prepare),
            ("encode", self.encode),
            ("image", self.image),
            ("words", self.words),
            ("read", self.read),
        ]
    }

    /// What was spent since an earlier look.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        self.with(earlier, Duration::saturating_sub)
    }

    /// What both have spent.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        self.with(other, Duration::saturating_add)
    }

    fn with(self, other: Self, of_both: impl Fn(Duration, Duration) -> Duration) -> Self {
        Self {
            prepare: of_both(self.prepare, other.prepare),
            encode: of_both(self.encode, other.encode),
            image: of_both(self.image, other.image),
            words: of_both(self.words, other.words),
            read: of_both(self.read, other.read),
        }
    }
}
