//! The language prior M(None, c): what the model says with the image removed.
//!
//! CLUE, section "Debiased Token Probability", strategy 1. It depends on the model and the
//! question only, so each statement is asked once for a whole run.

use crate::vlm::{Answer, Vlm, VlmError};

/// The prior of every statement of a policy, in the order of the statements.
#[derive(Clone, Debug)]
pub struct Priors {
    answers: Vec<Answer>,
}

impl Priors {
    /// Asks all statements without an image, as one batch.
    ///
    /// # Errors
    /// When the model is gone.
    pub fn ask(model: &dyn Vlm, statements: &[&str]) -> Result<Self, VlmError> {
        Ok(Self { answers: model.visible(None, statements)? })
    }

    /// The prior of the statement at `index`, counted as they were asked.
    pub fn get(&self, index: usize) -> &Answer {
        &self.answers[index]
    }
}
