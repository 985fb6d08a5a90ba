//! A policy joined with what judges by it.

use super::remote::Guarded;
use crate::imaging::{Decoded, View};
use crate::pipeline::{JudgeError, Judging, Pipeline, Signature, Spent};
use crate::verdict::{ImageError, RuleVerdict, Verdict};

/// A policy joined with the models.
pub(super) enum Way<'models> {
    Clue(Box<Pipeline<'models>>),
    Baseline(Box<dyn Judging + 'models>),
    /// One of them, that is not shown some images.
    Guarded(Box<Guarded<Way<'models>>>),
}

impl Way<'_> {
    pub(super) fn judging(&self) -> &dyn Judging {
        match self {
            Self::Clue(pipeline) => &**pipeline,
            Self::Baseline(baseline) => &**baseline,
            Self::Guarded(guarded) => &**guarded,
        }
    }

    /// How many different questions an image is asked at most, of the whole.
    pub(super) fn questions(&self) -> u64 {
        match self {
            Self::Clue(pipeline) => pipeline.questions() as u64,
            Self::Baseline(_) => 1,
            Self::Guarded(guarded) => guarded.inner().questions(),
        }
    }

    /// What reasoning has cost; a baseline has no budget.
    pub(super) fn spent(&self) -> Option<Spent> {
        match self {
            Self::Clue(pipeline) => Some(pipeline.spent()),
            Self::Baseline(_) => None,
            Self::Guarded(guarded) => guarded.inner().spent(),
        }
    }

    /// CLUE itself, where it judges.
    pub(super) fn clue(&self) -> Option<&Pipeline<'_>> {
        match self {
            Self::Clue(pipeline) => Some(pipeline),
            Self::Baseline(_) => None,
            Self::Guarded(guarded) => guarded.inner().clue(),
        }
    }
}

impl Judging for Way<'_> {
    fn signature(&self) -> &Signature {
        self.judging().signature()
    }

    fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
        self.judging().judge_view(view)
    }

    fn names_rules(&self) -> bool {
        self.judging().names_rules()
    }

    fn judge_image(
        &self,
        image: String,
        decoded: Result<Decoded, ImageError>,
    ) -> Result<Verdict, JudgeError> {
        self.judging().judge_image(image, decoded)
    }
}
