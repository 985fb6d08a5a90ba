//! The summary of a reasoning turn: the form it is held to, and how it is read.
//!
//! The paper asks for `{"rating": "Yes" | "No", "rationale": str}` and does not say what becomes of
//! another answer; here that is no rating.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::verdict::{Holds, Why};

/// Characters of a rationale at most.
const LONGEST_RATIONALE: usize = 300;

/// The JSON Schema of the summary.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "rating": { "enum": ["Yes", "No"] },
            "rationale": { "type": "string", "maxLength": LONGEST_RATIONALE },
        },
        "required": ["rating", "rationale"],
        "additionalProperties": false,
    })
}

/// A summary that could be read.
#[derive(Debug, PartialEq)]
pub(super) struct Rated {
    pub(super) rating: Holds,
    pub(super) rationale: String,
}

#[derive(Deserialize)]
struct Summary {
    rating: String,
    #[serde(default)]
    rationale: String,
}

/// Reads a summary. Backends that can't hold a model to the schema put it in a code fence or a
/// sentence, so that the outermost braces count.
pub(super) fn parse(text: &str) -> Result<Rated, Why> {
    let unparsable = || Why::Unparsable { detail: format!("no rating in `{}`", shortened(text)) };
    let braces = text.find('{').zip(text.rfind('}')).filter(|(open, close)| open < close);
    let (open, close) = braces.ok_or_else(unparsable)?;
    let summary: Summary = serde_json::from_str(&text[open..=close]).map_err(|_| unparsable())?;
    let rating = match summary.rating.trim().to_ascii_lowercase().as_str() {
        "yes" => Holds::Yes,
        "no" => Holds::No,
        _ => return Err(unparsable()),
    };
    Ok(Rated { rating, rationale: summary.rationale.trim().to_owned() })
}

fn shortened(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_are_read_and_nothing_else_is() {
        let rating = |text: &str| parse(text).map(|rated| rated.rating);
        assert_eq!(rating(r#"{"rating": "Yes", "rationale": "a dog"}"#), Ok(Holds::Yes));
        assert_eq!(rating("Here:\n```json\n{\"rating\": \"no\"}\n```"), Ok(Holds::No));
        for bad in ["", "Yes", "}{", r#"{"rating": "maybe"}"#, r#"{"rating": true}"#, "{", "{}"] {
            assert!(matches!(rating(bad), Err(Why::Unparsable { .. })), "{bad}");
        }
    }

    #[test]
    fn a_long_answer_is_quoted_in_part() {
        let Err(Why::Unparsable { detail }) = parse(&"ä".repeat(500)) else {
            panic!("unparsable")
        };
        assert!(detail.chars().count() < 100, "{detail}");
    }
}
