//! What is sent, and what comes back, as leniently as compatible servers need it.
//!
//! Only what is used is named: servers leave out, add and misspell the rest.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::dialect::{Dialect, JsonForm, Limit, Temperature};
use crate::imaging::View;
use crate::vlm::chat::{Form, Generate, Turn};

/// Tokens that a model may think before it answers, where the server counts those too.
const THINKING_TOKENS: u32 = 8_192;

/// A view as a PNG in a data URL.
pub(super) fn picture(view: &View) -> Result<String, String> {
    let mut png = Cursor::new(Vec::new());
    let written = view.pixels().write_to(&mut png, image::ImageFormat::Png);
    written.map_err(|error| format!("the view can't be sent: {error}"))?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner())))
}

/// The turns as messages; the picture stands before the first.
pub(super) fn messages(picture: Option<&str>, turns: &[Turn]) -> Value {
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

/// A whole request.
pub(super) fn request(
    model: &str,
    messages: &Value,
    generate: &Generate,
    dialect: Dialect,
) -> Value {
    let mut request = json!({ "model": model, "messages": messages });
    match dialect.limit {
        Limit::Tokens => request["max_tokens"] = generate.most_tokens.into(),
        // Who wants this name thinks first, and the thoughts are counted.
        Limit::CompletionTokens => {
            request["max_completion_tokens"] = (generate.most_tokens + THINKING_TOKENS).into();
        }
    }
    if dialect.temperature == Temperature::Zero {
        request["temperature"] = 0.into();
    }
    if let Form::Json(schema) = &generate.form {
        match dialect.form {
            JsonForm::Schema => {
                let named = json!({ "name": "answer", "strict": true, "schema": strict(schema) });
                request["response_format"] = json!({ "type": "json_schema", "json_schema": named });
            }
            JsonForm::Object => request["response_format"] = json!({ "type": "json_object" }),
            JsonForm::Words => {}
        }
    }
    request
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
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The text; nothing when there is no message at all.
    pub(super) text: Option<String>,
    /// That the model declined, in its own words.
    pub(super) refusal: bool,
    /// Why it ended.
    pub(super) finish: String,
}

/// Reads an answer; nothing when it is none.
pub(super) fn said(body: &Value) -> Option<Said> {
    let choice = body.get("choices")?.get(0)?;
    let message = choice.get("message")?;
    let finish = choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default();
    let refusal = message.get("refusal").and_then(Value::as_str).is_some_and(|why| !why.is_empty());
    let part = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
    let text = match message.get("content") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(parts)) => Some(parts.iter().filter_map(part).collect()),
        Some(Value::Null) | None => Some(String::new()),
        Some(_) => None,
    };
    Some(Said { text, refusal, finish: finish.to_owned() })
}

/// What is read of an error: its code or kind, and its words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) codes: Vec<String>,
    pub(super) message: String,
}

/// Reads an error in any of the shapes that servers give it; nothing when the body is none.
pub(super) fn fault(body: &Value) -> Option<Fault> {
    let error = body.get("error").filter(|error| !error.is_null());
    let holder = error.unwrap_or(body);
    let word = |key: &str| match holder.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let message = match holder {
        Value::String(text) => Some(text.clone()),
        _ => word("message").or_else(|| word("detail")),
    };
    if error.is_none() && message.is_none() {
        return None;
    }
    let codes = ["code", "type", "param"].into_iter().filter_map(word).collect();
    Some(Fault { codes, message: message.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_form() -> Generate {
        let schema = json!({
            "type": "object",
            "properties": { "maxLength": { "type": "string", "maxLength": 9 } },
        });
        Generate { most_tokens: 9, form: Form::Json(schema) }
    }

    #[test]
    fn a_request_says_what_the_dialect_has_words_for() {
        let turns = [Turn::User("a".to_owned()), Turn::Assistant("b".to_owned())];
        let messages = messages(None, &turns);
        let full = request("m", &messages, &json_form(), Dialect::default());
        assert_eq!(full["temperature"], 0);
        assert_eq!(full["max_tokens"], 9);
        let schema = &full["response_format"]["json_schema"]["schema"];
        assert_eq!(schema["properties"], json!({ "maxLength": { "type": "string" } }));
        let poor = Dialect {
            form: JsonForm::Words,
            limit: Limit::CompletionTokens,
            temperature: Temperature::Unsaid,
        };
        let poor = request("m", &messages, &json_form(), poor);
        let keys: Vec<&String> = poor.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["model", "messages", "max_completion_tokens"]);
    }

    #[test]
    fn the_picture_stands_before_the_first_turn_and_only_there() {
        let view = View::whole(image::RgbImage::new(2, 2));
        let url = picture(&view).unwrap();
        let turns = ["a", "b"].map(|text| Turn::User(text.to_owned()));
        let messages = messages(Some(&url), &turns);
        assert!(
            messages[0]["content"][0]["image_url"]["url"]
                .as_str()
                .unwrap()
                .starts_with("data:image/png;base64,iVBOR")
        );
        assert_eq!(messages[1]["content"], "b");
    }

    #[test]
    fn answers_and_errors_are_read_in_many_shapes() {
        let text = |content: Value| {
            said(&json!({ "choices": [{ "message": { "content": content } }] })).unwrap().text
        };
        assert_eq!(text(json!("a")), Some("a".to_owned()));
        assert_eq!(text(json!([{ "type": "text", "text": "a" }, {}])), Some("a".to_owned()));
        assert_eq!(text(Value::Null), Some(String::new()));
        assert_eq!(text(json!(3)), None);
        assert_eq!(said(&json!({ "choices": [] })), None);
        for body in [
            json!({ "error": { "message": "no", "code": "x" } }),
            json!({ "error": "no" }),
            json!({ "detail": "no" }),
            json!({ "object": "error", "message": "no" }),
        ] {
            assert_eq!(fault(&body).unwrap().message, "no", "{body}");
        }
        assert_eq!(fault(&json!({ "choices": [] })), None);
    }
}
