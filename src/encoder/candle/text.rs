//! Texts to tokens, as each family's own tokenizer does it.

use serde::Deserialize;
use tokenizers::{PostProcessor, Tokenizer, TruncationDirection};

use super::super::EncoderError;
use super::super::error::shown;
use super::files::{Files, TOKENIZER, TOKENIZER_CONFIG};

/// What is done to a text before it is cut into tokens, beside what `tokenizer.json` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Canonical {
    AsWritten,
    /// Lower case: SigLIP 2, whose `tokenizer.json` is Gemma's and leaves the case alone.
    Lower,
    /// Lower case, without punctuation, one space between words: SigLIP's `canonicalize_text`.
    LowerBare,
}

/// Cuts texts into tokens.
pub(super) struct TextReader {
    tokenizer: Tokenizer,
    canonical: Canonical,
    /// Tokens of a text, at most.
    length: usize,
    vocabulary: usize,
    pad: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
struct TokenizerConfig {
    tokenizer_class: Option<String>,
    pad_token: Option<Token>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Token {
    Plain(String),
    Added { content: String },
}

impl TextReader {
    /// Reads `tokenizer.json`, for a tower of so many positions and words.
    pub(super) fn load(
        files: &Files,
        length: usize,
        vocabulary: usize,
    ) -> Result<Self, EncoderError> {
        let mut tokenizer =
            parse(&files.required(TOKENIZER)?).map_err(|error| files.damaged(TOKENIZER, error))?;
        let pad = tokenizer.get_padding().map(|padding| padding.pad_id);
        // Cutting and padding are done below.
        tokenizer
            .with_padding(None)
            .with_truncation(None)
            .map_err(|error| files.damaged(TOKENIZER, error))?;
        let marks = tokenizer.get_post_processor().map_or(0, |post| post.added_tokens(false));
        if marks >= length {
            return Err(files.damaged(TOKENIZER, "adds more tokens than the model has places for"));
        }
        let said: TokenizerConfig = match files.optional(TOKENIZER_CONFIG)? {
            Some(json) => serde_json::from_slice(&json)
                .map_err(|error| files.damaged(TOKENIZER_CONFIG, error))?,
            None => TokenizerConfig::default(),
        };
        let named = said.pad_token.and_then(|token| {
            let (Token::Plain(content) | Token::Added { content }) = token;
            tokenizer.token_to_id(&content)
        });
        let canonical = match said.tokenizer_class.as_deref() {
            Some("SiglipTokenizer" | "SiglipTokenizerFast") => Canonical::LowerBare,
            _ => Canonical::AsWritten,
        };
        Ok(Self { tokenizer, canonical, length, vocabulary, pad: named.or(pad) })
    }

    /// Lowers the case of every text; what removes more stays.
    pub(super) fn lowered(mut self) -> Self {
        if self.canonical == Canonical::AsWritten {
            self.canonical = Canonical::Lower;
        }
        self
    }

    /// The token that fills up a text, as the tokenizer's files name it.
    pub(super) fn pad(&self) -> Option<u32> {
        self.pad
    }

    /// How many tokens of a text are read.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// How many tokens a text has, with those that mark its begin and end.
    pub(super) fn count(&self, text: &str) -> Result<usize, EncoderError> {
        let marks = self.tokenizer.get_post_processor().map_or(0, |post| post.added_tokens(false));
        Ok(self.bare(text)?.len() + marks)
    }

    /// A text's tokens, cut at its end so that all marks fit; neither empty nor padded.
    pub(super) fn tokens(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        let refused = |error: tokenizers::Error| refused(text, error);
        let marks = self.tokenizer.get_post_processor().map_or(0, |post| post.added_tokens(false));
        let mut bare = self.bare(text)?;
        bare.truncate(self.length - marks, 0, TruncationDirection::Right);
        let whole = self.tokenizer.post_process(bare, None, true).map_err(refused)?;
        let tokens = whole.get_ids().to_vec();
        if tokens.is_empty() || tokens.len() > self.length {
            return Err(refused("gives no tokens or too many".into()));
        }
        match tokens.iter().find(|&&token| token as usize >= self.vocabulary) {
            Some(token) => Err(refused(
                format!("token {token} is not among the model's {} words", self.vocabulary).into(),
            )),
            None => Ok(tokens),
        }
    }

    fn bare(&self, text: &str) -> Result<tokenizers::Encoding, EncoderError> {
        if text.trim().is_empty() {
            return Err(EncoderError::EmptyText);
        }
        let text = match self.canonical {
            Canonical::AsWritten => text.to_owned(),
            Canonical::Lower => text.to_lowercase(),
            Canonical::LowerBare => bare_words(&text.to_lowercase()),
        };
        self.tokenizer.encode(text.as_str(), false).map_err(|error| refused(&text, error))
    }
}

/// Reads a tokenizer. The crate panics on some files that are damaged; that is caught, as the image
/// decoders' panics are.
fn parse(json: &[u8]) -> Result<Tokenizer, tokenizers::Error> {
    // What is no JSON at all is told apart first, by a parser that says where.
    serde_json::from_slice::<serde::de::IgnoredAny>(json)?;
    std::panic::catch_unwind(|| Tokenizer::from_bytes(json))
        .unwrap_or_else(|_| Err("its parts contradict each other".into()))
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn refused(text: &str, error: tokenizers::Error) -> EncoderError {
    EncoderError::Text { text: shown(text), detail: shown(&error.to_string()) }
}

/// A text without ASCII punctuation and with single spaces.
fn bare_words(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_as_siglip_has_them() {
        assert_eq!(bare_words("a  knife, or\ta gun - (any)!"), "a knife or a gun any");
    }
}
