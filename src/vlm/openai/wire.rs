//! What is sent, and what comes back, as leniently as compatible servers need it.
//!
//! Only what is used is named: servers leave out, add and misspell the rest.

use serde_json::{Map, Value, json};

use super::dialect::{Dialect, JsonForm, Limit, Probabilities, Room, Temperature};
use crate::vlm::chat::{Form, Generate, Turn};

/// Tokens that a model may think before it answers, where the server counts those too.
const THINKING_TOKENS: u32 = 8_192;
/// Tokens of an answer of Yes or No that may be longer than one.
const FEW_TOKENS: u32 = 16;

/// What is wanted of the model.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// A reply.
    Say(Generate),
    /// Yes or No, and how probable either is.
    YesNo,
}

/// The turns as messages; the picture stands before the first.
pub(super) fn messages(picture: Option<&str>, turns: &[Turn]) -> Vec<Value> {
    let mut picture = picture;
    let message = |turn: &Turn| match (turn, picture) {
        (Turn::User(text), Some(url)) => {
            picture = None;
            json!({ "role": "user", "content": [
                { "type": "image_url", "image_url": { "url": url } },
                { "type": "text", "text": text },
            ] })
        }
        (Turn::User(text), None) => json!({ "role": "user", "content": text }),
        (Turn::Assistant(text), _) => json!({ "role": "assistant", "content": text }),
    };
    turns.iter().map(message).collect()
}

/// A whole request; what `extra` says stands above everything else.
pub(super) fn request(
    model: &str,
    messages: &[Value],
    wish: &Wish,
    dialect: Dialect,
    extra: &Map<String, Value>,
) -> Value {
    let mut request = json!({ "model": model, "messages": messages });
    match dialect.limit {
        Limit::Tokens => request["max_tokens"] = room(wish, dialect).into(),
        Limit::CompletionTokens => {
            request["max_completion_tokens"] = room(wish, dialect).into();
        }
    }
    if dialect.temperature == Temperature::Zero {
        request["temperature"] = 0.into();
    }
    match wish {
        Wish::YesNo => {
            let most = match dialect.probabilities {
                Probabilities::Twenty => Some(20),
                Probabilities::Five => Some(5),
                Probabilities::None => None,
            };
            if let Some(most) = most {
                request["logprobs"] = true.into();
                request["top_logprobs"] = most.into();
            }
        }
        Wish::Say(generate) => {
            if let Form::Json(schema) = &generate.form {
                hold_to(&mut request, schema, dialect.form);
            }
        }
    }
    for (key, value) in extra {
        request[key.as_str()] = value.clone();
    }
    request
}

/// Tokens of the reply at most.
fn room(wish: &Wish, dialect: Dialect) -> u32 {
    // Who wants the newer name thinks first, and the thoughts are counted.
    let thinks = dialect.limit == Limit::CompletionTokens;
    match (wish, dialect.room) {
        (Wish::YesNo, Room::One) => 1,
        (Wish::YesNo, Room::Few) => FEW_TOKENS + if thinks { THINKING_TOKENS } else { 0 },
        (Wish::Say(generate), _) => {
            generate.most_tokens.saturating_add(if thinks { THINKING_TOKENS } else { 0 })
        }
    }
}

fn hold_to(request: &mut Value, schema: &Value, form: JsonForm) {
    match form {
        JsonForm::Schema => {
            let named = json!({ "name": "answer", "strict": true, "schema": strict(schema) });
            request["response_format"] = json!({ "type": "json_schema", "json_schema": named });
        }
        JsonForm::Object => request["response_format"] = json!({ "type": "json_object" }),
        JsonForm::Words => {}
    }
}

/// A schema without what OpenAI's strict mode refuses: lengths of texts.
fn strict(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| {
                !(["minLength", "maxLength"].contains(&key.as_str()) && value.is_number())
            });
            Value::Object(kept.map(|(key, value)| (key.clone(), strict(value))).collect())
        }
        Value::Array(items) => items.iter().map(strict).collect(),
        other => other.clone(),
    }
}

/// What is read of an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    /// The text; nothing when there is no message at all.
    pub(super) text: Option<String>,
    /// That the model declined, in its own words.
    pub(super) refusal: bool,
    /// That it has thought before it answered.
    pub(super) thought: bool,
    /// Why it ended.
    pub(super) finish: String,
    /// For each token of the text, the likeliest at its place and their logarithms of probability;
    /// empty where the server tells none.
    pub(super) tokens: Vec<Place>,
}

/// What stood at one place of a reply.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    pub(super) chosen: String,
    /// The likeliest tokens; the chosen one alone where no others are told.
    pub(super) top: Vec<(String, f64)>,
}

/// Reads an answer; nothing when it is none.
pub(super) fn said(body: &Value) -> Option<Said> {
    let choice = body.get("choices")?.get(0)?;
    let message = choice.get("message")?;
    let text_of = |holder: &Value, key: &str| {
        holder.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let part = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
    let text = match message.get("content") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(parts)) => Some(parts.iter().filter_map(part).collect()),
        Some(Value::Null) | None => Some(String::new()),
        Some(_) => None,
    };
    let thoughts = ["reasoning_content", "reasoning"];
    let counted = body.pointer("/usage/completion_tokens_details/reasoning_tokens");
    let thought = thoughts.iter().any(|key| !text_of(message, key).is_empty())
        || counted.and_then(Value::as_u64).is_some_and(|count| count > 0);
    let places = choice.pointer("/logprobs/content").and_then(Value::as_array);
    Some(Said {
        text,
        refusal: !text_of(message, "refusal").is_empty(),
        thought,
        finish: text_of(choice, "finish_reason"),
        tokens: places.into_iter().flatten().filter_map(place).collect(),
    })
}

fn place(token: &Value) -> Option<Place> {
    let one = |token: &Value| {
        let text = token.get("token")?.as_str()?;
        Some((text.to_owned(), token.get("logprob")?.as_f64()?))
    };
    let (chosen, logprob) = one(token)?;
    let others = token.get("top_logprobs").and_then(Value::as_array);
    let mut top: Vec<(String, f64)> = others.into_iter().flatten().filter_map(one).collect();
    if top.is_empty() {
        top.push((chosen.clone(), logprob));
    }
    Some(Place { chosen, top })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_form() -> Wish {
        let schema = json!({
            "type": "object",
            "properties": { "maxLength": { "type": "string", "maxLength": 9 } },
        });
        Wish::Say(Generate { most_tokens: 9, form: Form::Json(schema) })
    }

    fn keys(request: &Value) -> Vec<&str> {
        request.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn a_request_says_what_the_dialect_has_words_for() {
        let turns = [Turn::User("a".to_owned()), Turn::Assistant("b".to_owned())];
        let messages = messages(None, &turns);
        let none = Map::new();
        let full = request("m", &messages, &json_form(), Dialect::default(), &none);
        assert_eq!((&full["temperature"], &full["max_tokens"]), (&json!(0), &json!(9)));
        let schema = &full["response_format"]["json_schema"]["schema"];
        assert_eq!(schema["properties"], json!({ "maxLength": { "type": "string" } }));
        let poor = Dialect {
            form: JsonForm::Words,
            limit: Limit::CompletionTokens,
            temperature: Temperature::Unsaid,
            probabilities: Probabilities::None,
            room: Room::Few,
        };
        let said = request("m", &messages, &json_form(), poor, &none);
        assert_eq!(keys(&said), ["model", "messages", "max_completion_tokens"]);
        let asked = request("m", &messages, &Wish::YesNo, poor, &none);
        assert_eq!(asked["max_completion_tokens"], FEW_TOKENS + THINKING_TOKENS);
        assert_eq!(keys(&asked), ["model", "messages", "max_completion_tokens"]);
    }

    #[test]
    fn yes_or_no_is_one_token_with_its_alternatives() {
        let extra = json!({ "temperature": 1, "reasoning_effort": "none" });
        let extra = extra.as_object().unwrap();
        let asked = request("m", &[], &Wish::YesNo, Dialect::default(), extra);
        assert_eq!(
            asked,
            json!({ "model": "m", "messages": [], "max_tokens": 1, "temperature": 1,
                "logprobs": true, "top_logprobs": 20, "reasoning_effort": "none" })
        );
    }

    #[test]
    fn the_picture_stands_before_the_first_turn_and_only_there() {
        let turns = ["a", "b"].map(|text| Turn::User(text.to_owned()));
        let messages = messages(Some("data:x"), &turns);
        assert_eq!(messages[0]["content"][0]["image_url"]["url"], "data:x");
        assert_eq!(messages[1]["content"], "b");
    }

    #[test]
    fn answers_are_read_in_many_shapes() {
        let text = |content: Value| {
            said(&json!({ "choices": [{ "message": { "content": content } }] })).unwrap().text
        };
        assert_eq!(text(json!("a")), Some("a".to_owned()));
        assert_eq!(text(json!([{ "type": "text", "text": "a" }, {}])), Some("a".to_owned()));
        assert_eq!(text(Value::Null), Some(String::new()));
        assert_eq!(text(json!(3)), None);
        assert_eq!(said(&json!({ "choices": [] })), None);
        let alone = json!({ "choices": [{ "message": {}, "logprobs": { "content": [
            { "token": "Yes", "logprob": -0.5 }, { "token": 3 },
        ] } }] });
        let place = Place { chosen: "Yes".to_owned(), top: vec![("Yes".to_owned(), -0.5)] };
        assert_eq!(said(&alone).unwrap().tokens, [place]);
    }
}
