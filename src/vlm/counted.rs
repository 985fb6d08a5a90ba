//! A model whose questions are counted, to say what a way of judging costs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::chat::{Generate, Reply, Turn};
use super::{Answer, Chat, Vlm, VlmError};
use crate::ids::ModelId;
use crate::imaging::View;

/// Hands everything on to another model, and counts.
pub struct CountedVlm<'model> {
    inner: &'model dyn Vlm,
    asked: Mutex<Asked>,
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
        Self { inner, asked: Mutex::default() }
    }

    /// What has been asked so far.
    pub fn asked(&self) -> Asked {
        *self.account()
    }

    fn account(&self) -> MutexGuard<'_, Asked> {
        // It holds counts, each of which is right by itself.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, view: Option<&View>, questions: &[&str]) {
        if view.is_some() {
            self.account().questions += questions.len() as u64;
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
        self.account().conversations += begun;
        self.inner.chat(view, conversations, generate)
    }

    fn model(&self) -> &ModelId {
        self.inner.model()
    }

    fn leaves_machine(&self) -> bool {
        self.inner.leaves_machine()
    }
}
