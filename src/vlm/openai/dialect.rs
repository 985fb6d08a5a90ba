//! What of OpenAI's language a server understands, found out by its complaints and remembered.

use std::sync::{Mutex, PoisonError};

use super::wire::Wish;
use crate::vlm::chat::Form;

/// How requests are written. Begins with everything; what a server refuses is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) form: JsonForm,
    pub(super) limit: Limit,
    pub(super) temperature: Temperature,
    pub(super) probabilities: Probabilities,
    pub(super) room: Room,
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

/// How many of the first token's alternatives come back with their probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Probabilities {
    /// 20, OpenAI's most.
    #[default]
    Twenty,
    /// 5, the most of some others.
    Five,
    /// None: the answer is a word and no more.
    None,
}

/// How long an answer of Yes or No may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Room {
    /// One token, which is all that is read.
    #[default]
    One,
    /// A few, for models that begin with white space, that think first, or that tell no
    /// probabilities.
    Few,
}

impl Dialect {
    /// What to try next after an answer that complains of the request's form; nothing if it does
    /// not, or if all has been tried.
    pub(super) fn simpler(self, status: u16, body: &str, wish: &Wish) -> Option<Self> {
        if !matches!(status, 400 | 422) || body.contains("content_filter") {
            return None;
        }
        let body = body.to_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| body.contains(word));
        if self.limit == Limit::Tokens && names(&["max_completion_tokens"]) {
            return Some(Self { limit: Limit::CompletionTokens, ..self });
        }
        match wish {
            Wish::YesNo if names(&["logprob"]) => match self.probabilities {
                Probabilities::Twenty if names(&["top_logprobs"]) => {
                    return Some(Self { probabilities: Probabilities::Five, ..self });
                }
                Probabilities::Twenty | Probabilities::Five => {
                    return Some(Self {
                        probabilities: Probabilities::None,
                        room: Room::Few,
                        ..self
                    });
                }
                Probabilities::None => {}
            },
            Wish::Say(generate) if matches!(generate.form, Form::Json(_)) => {
                let form = [
                    "response_format",
                    "json_schema",
                    "json_object",
                    "schema",
                    "grammar",
                    "guided",
                ];
                if names(&form) {
                    return match self.form {
                        JsonForm::Schema => Some(Self { form: JsonForm::Object, ..self }),
                        JsonForm::Object => Some(Self { form: JsonForm::Words, ..self }),
                        JsonForm::Words => None,
                    };
                }
            }
            Wish::YesNo | Wish::Say(_) => {}
        }
        let unsaid = Temperature::Unsaid;
        (self.temperature == Temperature::Zero && names(&["temperature"]))
            .then_some(Self { temperature: unsaid, ..self })
    }
}

/// A dialect that all questions learn together.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<Dialect>);

impl Learned {
    pub(super) fn now(&self) -> Dialect {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what was found out by a question written in `before`; another that was written
    /// meanwhile may know more.
    pub(super) fn learn(&self, before: Dialect, after: Dialect) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == before {
            tracing::debug!("the server does not understand {before:?}, trying {after:?}");
            *now = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vlm::chat::Generate;

    #[test]
    fn every_complaint_is_heeded_once_and_then_no_more() {
        let json = Wish::Say(Generate { most_tokens: 9, form: Form::Json(serde_json::json!({})) });
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
        let free = Wish::Say(Generate { most_tokens: 9, form: Form::Free });
        assert_eq!(Dialect::default().simpler(400, refuses, &free), None);
    }

    #[test]
    fn probabilities_are_asked_for_in_smaller_numbers_and_then_not_at_all() {
        let next = |dialect: Dialect, body: &str| dialect.simpler(400, body, &Wish::YesNo);
        let five = next(Dialect::default(), "top_logprobs must be at most 5").unwrap();
        assert_eq!(five.probabilities, Probabilities::Five);
        let none = next(five, "top_logprobs must be at most 0").unwrap();
        assert_eq!((none.probabilities, none.room), (Probabilities::None, Room::Few));
        let reasons = "You are not allowed to request logprobs from this model";
        assert_eq!(next(Dialect::default(), reasons), Some(none));
        assert_eq!(next(none, reasons), None);
    }

    #[test]
    fn what_another_question_has_learned_meanwhile_stays() {
        let learned = Learned::default();
        let first = Dialect::default();
        let second = Dialect { room: Room::Few, ..first };
        learned.learn(first, second);
        learned.learn(first, Dialect { limit: Limit::CompletionTokens, ..first });
        assert_eq!(learned.now(), second);
    }
}
