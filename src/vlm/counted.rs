//! A model whose questions are counted, to say what a way of judging costs.

use std::cell::Cell;

use super::chat::{Generate, Reply, Turn};
use super::{Answer, Chat, Vlm, VlmError};
use crate::ids::ModelId;
use crate::imaging::View;

/// Hands everything on to another model, and counts.
pub struct CountedVlm<'model> {
    inner: &'model dyn Vlm,
    asked: Cell<Asked>,
}

/// What has been asked so far. Priors, which have no image, are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Yes/No questions about views.
    pub questions: u64,
    /// Conversations begun.
    pub conversations: u64,
}

impl<'model> CountedVlm<'model> {
    /// Counts what `inner` is asked.
    pub fn new(inner: &'model dyn Vlm) -> Self {
        Self { inner, asked: Cell::default() }
    }

    /// What has been asked so far.
    pub fn asked(&self) -> Asked {
        self.asked.get()
    }

    fn count(&self, view: Option<&View>, questions: &[&str]) {
        if view.is_some() {
            let Asked { questions: before, conversations } = self.asked.get();
            self.asked.set(Asked { questions: before + questions.len() as u64, conversations });
        }
    }
}

impl Vlm for CountedVlm<'_> {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.count(view, statements);
        self.inner.visible(view, statements)
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.count(view, questions);
        self.inner.answers(view, questions)
    }
}

impl Chat for CountedVlm<'_> {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        let begun = conversations.iter().filter(|turns| turns.len() == 1).count() as u64;
        let Asked { questions, conversations: before } = self.asked.get();
        self.asked.set(Asked { questions, conversations: before + begun });
        self.inner.chat(view, conversations, generate)
    }

    fn model(&self) -> &ModelId {
        self.inner.model()
    }

    fn leaves_machine(&self) -> bool {
        self.inner.leaves_machine()
    }
}
