//! Vision-language models behind one trait that asks many questions of one image.
//!
//! That shape is what makes judging fast: a backend may encode the image once and share everything
//! before the first differing word. [`llama`] does so in process; [`scripted`] answers from a
//! table, so that a policy can be tested without a model; `openai` and `decisions` (with the
//! feature `remote`) ask servers, and share what is in `remote`.
//!
//! Who only talks needs a [`Chat`], which a language model without eyes is too: the compiler of
//! constitutions takes one.
//!
//! Caching, recording and faults are wrappers around [`Vlm`], never `if`s in a stage.

pub mod cached;
pub mod chat;
pub mod counted;
#[cfg(feature = "remote")]
pub mod decisions;
#[cfg(feature = "llama")]
pub mod llama;
#[cfg(feature = "remote")]
pub mod openai;
#[cfg(feature = "remote")]
pub mod remote;
pub mod scripted;
#[cfg(any(feature = "llama", feature = "remote"))]
mod spelling;

use std::sync::Arc;

use self::chat::{Generate, Reply, Turn};
use crate::ids::ModelId;
use crate::imaging::View;
use crate::units::Probability;
use crate::verdict::Why;

/// A model that can talk, about an image or without one.
///
/// # Contract
/// - The replies come in the order of the conversations and are as many.
/// - What can't be had for one conversation is a [`Reply::Unavailable`]; a [`VlmError`] means that
///   the backend can't go on at all.
/// - Any thread may ask, and several may at the same time.
pub trait Chat: Send + Sync {
    /// Goes on with conversations about one view, or about none, each on its own: what the model
    /// says next in every one. The image stands before the first turn.
    ///
    /// The likeliest word each time, so that the same question gets the same reply.
    ///
    /// # Errors
    /// [`VlmError`] when the backend is gone, so that nothing more can be said.
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError>;

    /// Which model answers.
    fn model(&self) -> &ModelId;

    /// Whether what it is asked leaves this machine. Rules that are `local_only` are then not asked;
    /// a wrapper passes on what the model within says.
    fn leaves_machine(&self) -> bool {
        false
    }
}

/// A model that can be asked whether content is visible on an image, and that can talk about it.
///
/// # Contract
/// - The answers come in the order of the statements and are as many.
/// - An answer does not depend on which other statements are asked with it, beyond rounding.
/// - What can't be answered for one statement is an [`Answer::Unavailable`]; a [`VlmError`] means
///   that the backend can't go on at all.
/// - Nothing is cached here: a wrapper may do so, and must not keep `Unavailable`.
pub trait Vlm: Chat {
    /// Asks of every statement whether it is visible on `view`, or with the image removed when
    /// there is none: the paper's M(None, c).
    ///
    /// # Errors
    /// [`VlmError`] when the backend is gone, so that no further question can be answered.
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError>;

    /// Asks questions in words of their own that want Yes or No, as [`visible`](Self::visible)
    /// asks its own question.
    ///
    /// # Errors
    /// As [`visible`](Self::visible).
    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError>;
}

impl<Model: Chat + ?Sized> Chat for &Model {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        (**self).chat(view, conversations, generate)
    }

    fn model(&self) -> &ModelId {
        (**self).model()
    }

    fn leaves_machine(&self) -> bool {
        (**self).leaves_machine()
    }
}

impl<Model: Vlm + ?Sized> Vlm for &Model {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        (**self).visible(view, statements)
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        (**self).answers(view, questions)
    }
}

impl<Model: Chat + ?Sized> Chat for Arc<Model> {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        (**self).chat(view, conversations, generate)
    }

    fn model(&self) -> &ModelId {
        (**self).model()
    }

    fn leaves_machine(&self) -> bool {
        (**self).leaves_machine()
    }
}

impl<Model: Vlm + ?Sized> Vlm for Arc<Model> {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        (**self).visible(view, statements)
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        (**self).answers(view, questions)
    }
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The model answered Yes or No, and how probable either was.
    Seen(YesNo),
    /// The model said Yes (`true`) or No, and nothing of how probable either was: a discrete answer,
    /// of which nothing can be subtracted.
    Said(bool),
    /// No answer can be had, and why.
    Unavailable(Why),
}

impl Answer {
    /// Why there is none, where there is none.
    pub fn unavailable(&self) -> Option<&Why> {
        match self {
            Self::Unavailable(why) => Some(why),
            Self::Seen(_) | Self::Said(_) => None,
        }
    }
}

/// How much of the first token's probability was Yes, and how much was No.
///
/// Both are sums over the tokenizer's variants (case, leading space) and kept as logarithms, since
/// the smaller one easily underflows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct YesNo {
    /// Natural logarithm of P("Yes") over the whole vocabulary.
    pub ln_yes: f64,
    /// Natural logarithm of P("No") over the whole vocabulary.
    pub ln_no: f64,
}

impl YesNo {
    /// An answer with P(Yes) as given and P(No) all the rest.
    pub fn certain(yes: Probability) -> Self {
        Self { ln_yes: yes.value().ln(), ln_no: (1.0 - yes.value()).ln() }
    }

    /// The paper's M: P("Yes") / (P("Yes") + P("No")).
    ///
    /// ```
    /// use praetor::{units::Probability, vlm::YesNo};
    /// let answer = YesNo { ln_yes: 0.06f64.ln(), ln_no: 0.02f64.ln() };
    /// assert!((answer.m().value() - 0.75).abs() < 1e-12);
    /// ```
    pub fn m(self) -> Probability {
        Probability::from_log_odds(self.ln_yes - self.ln_no)
    }

    /// P("Yes") + P("No"): how much of the answer is an answer at all.
    pub fn mass(self) -> Probability {
        Probability::saturating(self.ln_yes.exp() + self.ln_no.exp())
    }
}

/// The backend can't go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VlmError {
    /// The thread that owns the model has stopped.
    #[error("the model's thread has stopped")]
    Gone,
    /// There is no server at the address, or none that talks.
    #[error("can't reach the server at `{address}`: {detail}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// What the system said.
        detail: String,
    },
    /// The server does not let us in.
    #[error("the server refused the key ({status}): {detail}")]
    Denied {
        /// HTTP's 401 or 403.
        status: u16,
        /// The server's words.
        detail: String,
    },
    /// The server does not know the model, or the address is not that of a chat.
    #[error("the server at `{address}` has no model `{model}` ({status}): {detail}")]
    NoModel {
        /// The model's name.
        model: String,
        /// The server's address.
        address: String,
        /// HTTP's status.
        status: u16,
        /// The server's words.
        detail: String,
    },
    /// There is no money left.
    #[error("the account's quota is used up: {detail}")]
    Quota {
        /// The server's words.
        detail: String,
    },
    /// The server can't do what it is asked to with this model.
    #[error("the server at `{address}` can't do this with the model it serves: {detail}")]
    Unfit {
        /// The server's address.
        address: String,
        /// The server's words.
        detail: String,
    },
    /// A content filter blocked too many questions.
    #[error("stopped after {blocked} questions that the server's content filter blocked")]
    Blocked {
        /// How many.
        blocked: u64,
    },
    /// The run has cost what it was allowed to.
    #[error("stopped at a cost of {spent:.4}, where {most} were allowed")]
    OverBudget {
        /// What it has cost.
        spent: f64,
        /// What was allowed.
        most: f64,
    },
    /// A batch can't be handed in or fetched.
    #[error("the batch is not to be had: {detail}")]
    Batch {
        /// What stood in the way.
        detail: String,
    },
    /// Answers can't be written down.
    #[error("answers can't be recorded: {detail}")]
    Recording {
        /// What the system said.
        detail: String,
    },
}
