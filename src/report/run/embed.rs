//! What a page with a script holds: data as JSON that no markup comes out of, and a policy that lets
//! exactly this script and this style be used.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::report::ReportError;

/// The style of all pages and what this one adds.
const STYLE: &str = concat!(include_str!("../page.css"), include_str!("../run.css"));

/// The page's only script.
const SCRIPT: &str = include_str!("../run.js");

/// The parts of a page that its policy names by their hashes.
#[derive(Debug, Serialize)]
pub(super) struct Shell {
    /// What the page may use, in the words of a Content-Security-Policy; `default-src 'none'` and
    /// its like are the template's.
    policy: String,
    style: &'static str,
    script: &'static str,
}

impl Shell {
    /// The shell of the report.
    pub(super) fn new() -> Self {
        let policy = format!("style-src {}; script-src {}", source(STYLE), source(SCRIPT));
        Self { policy, style: STYLE, script: SCRIPT }
    }
}

/// A text's SHA-256 as a source of a Content-Security-Policy: `'sha256-…'`.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// JSON for a `<script type="application/json">`, in which nothing can end the element or begin a
/// comment, whatever the strings hold.
pub(super) fn json(value: &impl Serialize) -> Result<String, ReportError> {
    let text = serde_json::to_string(value)?;
    // These stand in strings only, where an escape means the same.
    let unsafe_in_html = ['<', '>', '&', '\u{2028}', '\u{2029}'];
    let mut safe = String::with_capacity(text.len());
    for part in text.split_inclusive(unsafe_in_html) {
        match part.char_indices().next_back() {
            Some((end, last)) if unsafe_in_html.contains(&last) => {
                safe.push_str(&part[..end]);
                let _ = write!(safe, "\\u{:04x}", u32::from(last));
            }
            _ => safe.push_str(part),
        }
    }
    Ok(safe)
}

/// The same without what is empty: null, texts and lists without content.
pub(super) fn lean(value: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, lean(value)));
            Value::Object(fields.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(lean).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_in_the_data_ends_its_element() {
        let hostile = "</script><!--<script>&\u{2028}\u{2029}\"\\";
        let text = super::json(&json!({ hostile: hostile })).unwrap();
        for bad in ['<', '>', '&', '\u{2028}', '\u{2029}'] {
            assert!(!text.contains(bad), "{bad:?} came through: {text}");
        }
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back, json!({ hostile: hostile }));
    }

    /// `printf abc | openssl dgst -sha256 -binary | base64`
    #[test]
    fn a_source_is_the_sha256_of_the_text() {
        assert_eq!(source("abc"), "'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='");
    }

    #[test]
    fn neither_script_nor_style_can_end_its_element() {
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains('<'));
        for loads in
            ["url(", "@import", "http:", "https:", "innerHTML", "insertAdjacentHTML", "eval("]
        {
            assert!(!STYLE.contains(loads) && !SCRIPT.contains(loads), "{loads}");
        }
    }

    #[test]
    fn lean_data_has_nothing_empty() {
        let full = json!({ "a": null, "b": [], "c": [{ "d": "" }, 0], "e": false });
        assert_eq!(lean(full), json!({ "c": [{}, 0], "e": false }));
    }
}
