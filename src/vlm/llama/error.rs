//! Why a model can't be loaded, in words that say how to mend it.

use std::path::PathBuf;

use super::devices;

/// Why a model can't be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file is missing or can't be read.
    #[error("can't read the model: {detail}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A file is not in llama.cpp's format.
    #[error("`{}` is not a GGUF file; convert the model with llama.cpp or download a GGUF pair", path.display())]
    NotGguf {
        /// Which file.
        path: PathBuf,
    },
    /// llama.cpp refused the language model.
    #[error("llama.cpp can't load `{}`: {detail}; run again with --verbose for its own words", path.display())]
    Model {
        /// Which file.
        path: PathBuf,
        /// What the binding said.
        detail: String,
    },
    /// llama.cpp refused the projector.
    #[error("llama.cpp can't load `{}` as the model's projector: {detail}; both files must come from the same model; run again with --verbose for its own words", path.display())]
    Projector {
        /// Which file.
        path: PathBuf,
        /// What the binding said.
        detail: String,
    },
    /// A model that is to see has no projector.
    #[error("`{}` was named without its projector, so that it can't see", path.display())]
    NoProjector {
        /// The language model.
        path: PathBuf,
    },
    /// The projector is for sound.
    #[error("`{}` can't see: it is not a projector for images", path.display())]
    NoVision {
        /// Which file.
        path: PathBuf,
    },
    /// Token probability needs the answer in one token.
    #[error(
        "the model has no single token for `{word}`, so its answers can't be read off the first token; choose another model"
    )]
    NoAnswerToken {
        /// `Yes` or `No`.
        word: &'static str,
    },
    /// The question's template can't be used.
    #[error("{detail}")]
    Prompt {
        /// What is wrong with it.
        detail: String,
    },
    /// The chat template can't carry a question.
    #[error("the model's chat template can't be used: {detail}")]
    ChatTemplate {
        /// What it does wrong.
        detail: String,
    },
    /// The binary was built for newer processors.
    #[error(
        "this processor has no {feature}, which llama.cpp was built to use; build praetor on this machine with `make native`, or for all with `make portable`"
    )]
    Processor {
        /// What it lacks.
        feature: &'static str,
    },
    /// A GPU was asked for, and there is none.
    #[error("{}", devices::no_gpu(backends))]
    NoGpu {
        /// The GPU backends of this build.
        backends: Vec<&'static str>,
    },
    /// No GPU has the name.
    #[error("there is no GPU `{name}`; this machine has {}", known.join(", "))]
    UnknownDevice {
        /// The name that was asked for.
        name: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// On a GPU the model's answers could be wrong without a sign of it.
    #[error("`{}` must not be on a GPU: llama.cpp makes the breaks between the rows of a Pixtral image from memory that it never wrote, and there wrong answers can come of it unnoticed; `--gpu-layers 0` computes on the processor, where such an answer fails", path.display())]
    UnsafeOnGpu {
        /// The projector.
        path: PathBuf,
    },
    /// Not enough memory, or llama.cpp refused the settings.
    #[error("llama.cpp can't make a context: {detail}")]
    Context {
        /// What the binding said.
        detail: String,
    },
}
