//! The calls of llama.cpp that its safe binding lacks: an image's embedding is taken out of the
//! vision encoder, kept, and put into the language model another day. The only unsafe code here.
//!
//! llama-cpp-2 loads models, tokenizes and samples. Its contexts keep their pointers to themselves,
//! so that a context ([`Context`]) and a projector ([`Projector`]) are owned by this module.
//!
//! What holds for every call:
//!
//! - **Lifetimes.** Both borrow the model that they were made from, and free what they own once, when
//!   they are dropped. What C++ owns is only lent, for as long as nobody may change it (`&self`).
//! - **Threads.** Both hold raw pointers, and stay on the thread that made them.
//! - **Lengths.** Whatever C++ reads through a pointer is as long as it reads; where the length comes
//!   from outside, it is compared first.
//! - **Aborts.** llama.cpp ends the process where another library returns an error. Sequences, batches
//!   and embeddings are held against what the context was made with before a call; the comments
//!   name the assertion.
#![expect(unsafe_code, reason = "llama.cpp is C++")]

mod context;
mod projector;

use std::ptr::NonNull;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;

pub(super) use self::context::{Batch, Context, Settings};
pub(super) use self::projector::{ImagePiece, Piece, Pieces, Projector, Wiring};

/// What llama.cpp would not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NativeError {
    /// A context could not be made.
    #[error("no context could be made")]
    NoContext,
    /// A projector could not be made.
    #[error("its projector could not be made")]
    NoProjector,
    /// More than the context was made for.
    #[error("{what} {asked} is beyond {limit}")]
    Beyond {
        /// What of.
        what: &'static str,
        /// What was asked for.
        asked: usize,
        /// What there is.
        limit: usize,
    },
    /// A token belongs nowhere.
    #[error("a token has no sequence")]
    NoSequence,
    /// A text holds a zero byte, which C takes for its end.
    #[error("the text holds a zero byte")]
    ZeroByte,
    /// A prompt could not be split around its image.
    #[error("the prompt and its image can't be made tokens (code {0})")]
    NotTokenized(i32),
    /// The vision encoder failed.
    #[error("the vision encoder failed (code {0})")]
    NotEncoded(i32),
    /// The language model failed.
    #[error("the language model failed (code {0})")]
    NotDecoded(i32),
}

/// The model that a safe handle owns, for reading.
fn pointer_of(model: &LlamaModel) -> NonNull<sys::llama_model> {
    const { assert!(size_of::<LlamaModel>() == size_of::<NonNull<sys::llama_model>>()) }
    // SAFETY: `LlamaModel` is `repr(transparent)` over one pointer that is never null (model.rs and
    // ptr.rs of llama-cpp-2 0.1.160, the version that Cargo.toml demands).
    unsafe { *std::ptr::from_ref(model).cast() }
}
