//! Reading a model's JSON as it comes: in a code fence, with prose around, with keys in any case.
//!
//! Backends that can't hold a model to a schema return such things, and little is gained by asking
//! again for what can be read. What the values must be is not lenient at all; see `answer`.

use serde_json::{Map, Value};

use crate::constitution::one_line;

/// Braces that are tried as the beginning of the answer.
const MOST_BRACES: usize = 64;

/// Where a reasoning model ends its thinking, if its server leaves that in the text.
const THOUGHT: &str = "</think>";

/// The first object in a text that has a key, with its keys in lower case.
pub(super) fn object(text: &str, key: &str) -> Result<Map<String, Value>, String> {
    let text = text.rsplit(THOUGHT).next().unwrap_or_default();
    let mut found = None;
    for (at, _) in text.match_indices('{').take(MOST_BRACES) {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        let Some(Ok(Value::Object(map))) = values.next() else { continue };
        let map: Map<String, Value> = lower(map);
        if map.contains_key(key) {
            return Ok(map);
        }
        found = found.or(Some(map));
    }
    Err(match found {
        Some(_) => format!("it has no key \"{key}\""),
        None => "it is not a JSON object".to_owned(),
    })
}

fn lower(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().map(|(key, value)| (key.trim().to_lowercase(), value)).collect()
}

/// A whole number, also one in quotes or as `8/10` or `8.0`.
pub(super) fn number(value: &Value) -> Option<i64> {
    let written = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let written = written.strip_suffix("/10").unwrap_or(&written).trim_end();
    let whole = written.split_once('.').map_or(written, |(whole, rest)| {
        if rest.bytes().all(|digit| digit == b'0') { whole } else { written }
    });
    whole.parse().ok()
}

/// Yes or no, also in words.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A text on one line.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(one_line)
}

/// The texts of a list; one text alone is a list of itself, and nothing is an empty one.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(one) => Some(vec![one_line(one)]),
        Value::Array(items) => items.iter().map(text).collect(),
        _ => None,
    }
}

/// The beginning of a text, if it is longer than so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_found_wherever_it_stands() {
        for text in [
            r#"{"rating": 8}"#,
            "Sure! Here {it} is:\n```json\n{\"Rating\": 8, \"why\": \"{\"}\n```\nAnything else?",
            r#"<think>{"rating": 3}? No, {"rating": 5}</think> {"note": 1} {" RATING ": 8}"#,
        ] {
            assert_eq!(object(text, "rating").unwrap()["rating"], 8, "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_is_said() {
        assert_eq!(object("{\"score\": 8}", "rating"), Err("it has no key \"rating\"".to_owned()));
        for text in ["", "{", "}{", "8", "[8]", "{rating: 8}", &"{".repeat(100_000)] {
            assert_eq!(object(text, "rating"), Err("it is not a JSON object".to_owned()));
        }
    }

    #[test]
    fn values_are_read_as_they_were_meant() {
        for value in [json!(8), json!("8"), json!(" 8/10"), json!(8.0), json!("8.0")] {
            assert_eq!(number(&value), Some(8), "{value}");
        }
        for value in [json!(8.5), json!("eight"), json!([8]), json!(null), json!("8-9")] {
            assert_eq!(number(&value), None, "{value}");
        }
        assert_eq!((truth(&json!("Yes")), truth(&json!(1))), (Some(true), None));
        assert_eq!(texts(&json!("a  b")), Some(vec!["a b".to_owned()]));
        assert_eq!(texts(&json!([1])), None);
    }
}
