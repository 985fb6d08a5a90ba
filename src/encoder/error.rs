//! Why an encoder could not be had or could not answer.

use std::path::PathBuf;

/// An encoder or localizer that could not be loaded or asked.
///
/// Written as "what, where, how to mend it", free of control characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// A file of the model is not there.
    #[error("`{model}` has no `{file}`; {mend}")]
    Missing {
        /// The folder or repository.
        model: String,
        /// The file that was looked for.
        file: &'static str,
        /// What to do about it.
        mend: &'static str,
    },
    /// A file of the model could not be read.
    #[error("can't read `{path}`: {source}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the model does not hold what it should.
    #[error("`{file}` of `{model}` is not usable: {detail}; download or convert the model again")]
    Damaged {
        /// The folder or repository.
        model: String,
        /// Which file.
        file: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A model of another kind than was asked for.
    #[error("`{model}` is of the kind `{found}`; expected one of {expected}")]
    Kind {
        /// The folder or repository.
        model: String,
        /// `model_type` of its `config.json`.
        found: String,
        /// The kinds that would do.
        expected: &'static str,
    },
    /// A model of a right kind whose settings this encoder can't follow.
    #[error("`{model}` sets {setting}, which is not supported; choose another model")]
    Unsupported {
        /// The folder or repository.
        model: String,
        /// Name and value of the setting.
        setting: String,
    },
    /// A repository that could not be fetched.
    #[error("can't fetch `{repository}`: {detail}")]
    Hub {
        /// `owner/name`, with its revision where one was asked for.
        repository: String,
        /// What stood in the way and what to do about it.
        detail: String,
    },
    /// A text without words.
    #[error("can't encode an empty text; write what is to be found")]
    EmptyText,
    /// A text that the tokenizer refuses.
    #[error("can't encode `{text}`: {detail}")]
    Text {
        /// The text's beginning.
        text: String,
        /// What the tokenizer said.
        detail: String,
    },
    /// An image without pixels.
    #[error("can't encode an image of {width}x{height} pixels; it needs at least one")]
    EmptyImage {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Numbers that don't fit each other, or are none: the weights are damaged.
    #[error("`{model}` can't compute: {detail}")]
    Compute {
        /// The model's name.
        model: String,
        /// What went wrong.
        detail: String,
    },
}

/// A text as it may stand in an error: its first line, short, without control characters.
#[cfg(feature = "candle")]
pub(super) fn shown(text: &str) -> String {
    crate::hub::first_line(text, 200)
}
