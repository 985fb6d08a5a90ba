//! What of OpenAI's language a server understands, found out by its complaints and remembered.

use crate::vlm::chat::{Form, Generate};

/// How requests are written. Begins with everything; what a server refuses is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) form: JsonForm,
    pub(super) limit: Limit,
    pub(super) temperature: Temperature,
}

/// How a reply is held to JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum JsonForm {
    /// By a schema.
    #[default]
    Schema,
    /// It is to be an object.
    Object,
    /// By the words of the question alone.
    Words,
}

/// What the limit of tokens is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Limit {
    /// `max_tokens`, which every server knows but OpenAI's for its newer models.
    #[default]
    Tokens,
    /// `max_completion_tokens`, which those want.
    CompletionTokens,
}

/// Whether the temperature is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Temperature {
    /// 0: the likeliest word each time.
    #[default]
    Zero,
    /// Not at all: OpenAI's reasoning models take none.
    Unsaid,
}

impl Dialect {
    /// What to try next after an answer that complains of the request's form; nothing if it does
    /// not, or if all has been tried.
    pub(super) fn simpler(self, status: u16, body: &str, generate: &Generate) -> Option<Self> {
        if !matches!(status, 400 | 422) || body.contains("content_filter") {
            return None;
        }
        let body = body.to_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| body.contains(word));
        if self.limit == Limit::Tokens && names(&["max_completion_tokens"]) {
            return Some(Self { limit: Limit::CompletionTokens, ..self });
        }
        if self.temperature == Temperature::Zero && names(&["temperature"]) {
            return Some(Self { temperature: Temperature::Unsaid, ..self });
        }
        let form = ["response_format", "json_schema", "json_object", "schema", "grammar", "guided"];
        if matches!(generate.form, Form::Json(_)) && names(&form) {
            return match self.form {
                JsonForm::Schema => Some(Self { form: JsonForm::Object, ..self }),
                JsonForm::Object => Some(Self { form: JsonForm::Words, ..self }),
                JsonForm::Words => None,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_complaint_is_heeded_once_and_then_no_more() {
        let json = Generate { most_tokens: 9, form: Form::Json(serde_json::json!({})) };
        let next = |dialect: Dialect, body: &str| dialect.simpler(400, body, &json);
        let refuses = "response_format: json_schema is not supported";
        let object = next(Dialect::default(), refuses).unwrap();
        assert_eq!(object.form, JsonForm::Object);
        let words = next(object, refuses).unwrap();
        assert_eq!((words.form, next(words, refuses)), (JsonForm::Words, None));
        let limit = "Use 'max_completion_tokens' instead of 'max_tokens'";
        let renamed = next(Dialect::default(), limit).unwrap();
        assert_eq!((renamed.limit, next(renamed, limit)), (Limit::CompletionTokens, None));
        assert!(next(Dialect::default(), "'temperature' does not support 0").is_some());
        assert_eq!(next(Dialect::default(), "prompt is too long"), None);
        assert_eq!(next(Dialect::default(), "content_filter: temperature"), None);
        assert_eq!(Dialect::default().simpler(500, refuses, &json), None);
        let free = Generate { most_tokens: 9, form: Form::Free };
        assert_eq!(Dialect::default().simpler(400, refuses, &free), None);
    }
}
