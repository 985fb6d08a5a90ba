//! The language prior M(None, c): what the model says with the image removed.
//!
//! CLUE, section "Debiased Token Probability", strategy 1. It depends on the model and the
//! question only, so each is asked once for a whole run.

use crate::vlm::Answer;

/// The prior of every question of a policy, in the order of the questions.
#[derive(Clone, Debug)]
pub(super) struct Priors {
    answers: Vec<Answer>,
}

impl Priors {
    /// Takes what was answered to all questions without an image.
    pub(super) fn new(answers: Vec<Answer>) -> Self {
        Self { answers }
    }

    /// The prior of the question at `index`, counted as they were asked.
    pub(super) fn get(&self, index: usize) -> &Answer {
        &self.answers[index]
    }
}
