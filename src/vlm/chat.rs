//! The words of a conversation with a model: turns, what may be said next, and what came of it.

use crate::verdict::Why;

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// praetor asked.
    User(String),
    /// The model answered.
    Assistant(String),
}

/// What a reply may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Generate {
    /// A reply that has not ended after so many tokens is none: [`Why::Overlong`].
    pub most_tokens: u32,
    /// Which texts are allowed.
    pub form: Form,
}

/// Which texts a reply may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Any.
    Free,
    /// JSON that this schema allows; the backend holds the model to it where it can.
    Json(serde_json::Value),
}

/// What the model said.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A reply that the model ended itself, without white space around it. It may be empty.
    Said(String),
    /// No reply can be had, and why.
    Unavailable(Why),
}

impl Reply {
    /// Why there is none, where there is none.
    pub fn unavailable(&self) -> Option<&Why> {
        match self {
            Self::Unavailable(why) => Some(why),
            Self::Said(_) => None,
        }
    }
}

/// A block of tokens that comes so often in a row is a loop.
const REPEATS: usize = 4;
/// Loops of fewer tokens than this in all may be emphasis: "no, no, no, no".
const LEAST_LOOP: usize = 24;
/// The longest block that is looked for.
const LONGEST_BLOCK: usize = 64;

/// Whether a text ends in a loop: some block of at most 64 tokens, four times in a row. Greedy
/// decoding never leaves one.
///
/// ```
/// use praetor::vlm::chat::loops;
/// let mut tokens = vec![7, 8, 9];
/// assert!(!loops(&tokens));
/// tokens.extend([1, 2, 3, 4, 5, 6].repeat(4));
/// assert!(loops(&tokens));
/// ```
pub fn loops<Token: PartialEq>(tokens: &[Token]) -> bool {
    (1..=LONGEST_BLOCK.min(tokens.len() / REPEATS)).any(|block| {
        let span = (block * REPEATS).max(LEAST_LOOP);
        tokens.len() >= span && {
            let tail = &tokens[tokens.len() - span..];
            tail.iter().zip(&tail[block..]).all(|(one, next)| one == next)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_over_and_over_is_a_loop_only_when_it_is_long() {
        assert!(!loops(&[5; 23]));
        assert!(loops(&[5; 24]));
    }

    #[test]
    fn a_list_that_goes_on_is_no_loop() {
        let counting: Vec<u32> = (0..40).flat_map(|number| [1, 2, number]).collect();
        assert!(!loops(&counting));
    }
}
