//! What an answer of a server means: a reply, a failure of this conversation, one that passes, or
//! one after which nothing more can be answered.
//!
//! Telling these apart is what keeps a run honest: a content filter is never asked again, since it
//! would answer the same and take offence; a rate limit is; a wrong key ends the run.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::OpenAiOptions;
use super::wire::{self, Fault, Said};
use crate::verdict::Why;
use crate::vlm::VlmError;
use crate::vlm::chat::Reply;

/// Characters of a server's words that are repeated.
const LONGEST_DETAIL: usize = 200;

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum Snag {
    /// It may be there next time.
    Passing {
        detail: String,
        /// How long the server wants to be left alone.
        wait: Option<Duration>,
    },
    /// Not in this conversation.
    Final(Why),
    /// Not in any.
    Fatal(VlmError),
}

/// What was asked.
pub(super) struct Asked<'a> {
    pub(super) options: &'a OpenAiOptions,
    /// Tokens of the reply at most.
    pub(super) limit: u32,
}

impl Asked<'_> {
    /// The beginning of a server's words, without the key, should it repeat that.
    fn words(&self, text: &str) -> String {
        let key = self.options.key.as_ref();
        shortened(&key.map_or_else(|| text.to_owned(), |key| key.hidden_in(text)))
    }
}

/// What an answer means.
pub(super) fn of(
    asked: &Asked<'_>,
    status: u16,
    wait: Option<Duration>,
    body: &str,
) -> Result<Reply, Snag> {
    let Ok(json) = serde_json::from_str::<Value>(body) else {
        let detail = asked.words(body);
        return match status {
            200..=299 => Err(Snag::Final(Why::Unparsable {
                detail: format!("the server's answer is not JSON: `{detail}`"),
            })),
            _ => Err(refused(asked, status, wait, &Fault { codes: Vec::new(), message: detail })),
        };
    };
    if (200..300).contains(&status) {
        match (wire::said(&json), wire::fault(&json)) {
            (Some(said), _) => return reply(asked, said),
            // Routers answer 200 and put the failing server's own status inside.
            (None, Some(fault)) => {
                let inner = fault.codes.iter().find_map(|code| code.parse().ok());
                return Err(refused(asked, inner.unwrap_or(500), wait, &fault));
            }
            (None, None) => {
                let detail =
                    format!("the server's answer holds no message: `{}`", asked.words(body));
                return Err(Snag::Final(Why::Unparsable { detail }));
            }
        }
    }
    let fault = wire::fault(&json).unwrap_or_default();
    let message = if fault.message.is_empty() { body.to_owned() } else { fault.message };
    let fault = Fault { message, codes: fault.codes };
    Err(refused(asked, status, wait, &fault))
}

fn reply(asked: &Asked<'_>, said: Said) -> Result<Reply, Snag> {
    let why = match said.finish.as_str() {
        _ if said.refusal => Why::Refused,
        "content_filter" => Why::Filtered,
        "length" => Why::Overlong { limit: asked.limit },
        _ => match said.text {
            Some(text) => return Ok(Reply::Said(text.trim().to_owned())),
            None => Why::Unparsable { detail: "the server's message is no text".to_owned() },
        },
    };
    Err(Snag::Final(why))
}

/// What an error means.
fn refused(asked: &Asked<'_>, status: u16, wait: Option<Duration>, fault: &Fault) -> Snag {
    let has = |code: &str| fault.codes.iter().any(|found| found == code);
    let detail = asked.words(&fault.message);
    let options = asked.options;
    let said = || format!("the server answered {status}: {detail}");
    if has("content_filter") || has("content_policy_violation") {
        return Snag::Final(Why::Filtered);
    }
    if has("insufficient_quota") || has("billing_hard_limit_reached") || status == 402 {
        return Snag::Fatal(VlmError::Quota { detail });
    }
    if has("model_not_found") {
        return Snag::Fatal(no_model(options, status, detail));
    }
    match status {
        300..=399 => {
            let detail = format!("it answered {status}, a redirection, and none is followed");
            Snag::Fatal(VlmError::Unreachable { address: options.address.clone(), detail })
        }
        401 | 403 => Snag::Fatal(VlmError::Denied { status, detail }),
        404 | 405 => Snag::Fatal(no_model(options, status, detail)),
        408 | 409 | 425 | 429 | 500..=599 => Snag::Passing { detail: said(), wait },
        _ => Snag::Final(Why::Failed { detail: said() }),
    }
}

fn no_model(options: &OpenAiOptions, status: u16, detail: String) -> VlmError {
    let (model, address) = (options.model.clone(), options.address.clone());
    VlmError::NoModel { model, address, status, detail }
}

/// What a connection that does not hold means.
pub(super) fn broken(options: &OpenAiOptions, error: reqwest::Error) -> Snag {
    let (connecting, late) = (error.is_connect(), error.is_timeout());
    let detail = causes(&error.without_url());
    if connecting && !late {
        let address = options.address.clone();
        return Snag::Fatal(VlmError::Unreachable { address, detail });
    }
    let detail = if late {
        format!("the server did not answer within {} s", options.timeout.as_secs_f32())
    } else {
        format!("the connection to the server broke: {detail}")
    };
    Snag::Passing { detail, wait: None }
}

/// An error with what lies behind it: reqwest says only "error sending request" itself.
fn causes(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    shortened(&last.to_string())
}

/// How long a server wants to be left alone, if it says so in seconds or milliseconds.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let milliseconds = number("retry-after-ms").map(|count| count / 1_000.0);
    let seconds = milliseconds.or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The beginning of a server's words, on one line.
fn shortened(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = words.char_indices().nth(LONGEST_DETAIL) {
        words.truncate(at);
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_body(status: u16, body: &str) -> Result<Reply, Snag> {
        let options = OpenAiOptions::new("m");
        of(&Asked { options: &options, limit: 7 }, status, None, body)
    }

    fn why(status: u16, body: &str) -> Option<Why> {
        match of_body(status, body) {
            Err(Snag::Final(why)) => Some(why),
            _ => None,
        }
    }

    #[test]
    fn each_way_of_not_answering_is_its_own() {
        let choice = |inner: &str| format!(r#"{{"choices": [{{{inner}}}]}}"#);
        let refusal = choice(r#""message": {"content": null, "refusal": "I can't"}"#);
        assert_eq!(why(200, &refusal), Some(Why::Refused));
        let filtered = choice(r#""finish_reason": "content_filter", "message": {}"#);
        assert_eq!(why(200, &filtered), Some(Why::Filtered));
        let azure = r#"{"error": {"code": "content_filter", "message": "filtered"}}"#;
        assert_eq!(why(400, azure), Some(Why::Filtered));
        let long = choice(r#""finish_reason": "length", "message": {"content": "{"}"#);
        assert_eq!(why(200, &long), Some(Why::Overlong { limit: 7 }));
        assert!(matches!(why(200, "<html>"), Some(Why::Unparsable { .. })));
        assert!(matches!(why(200, r#"{"choices": []}"#), Some(Why::Unparsable { .. })));
        assert!(matches!(why(400, "no"), Some(Why::Failed { .. })));
        let empty = choice(r#""finish_reason": "", "message": {"content": " "}"#);
        assert_eq!(of_body(200, &empty).unwrap(), Reply::Said(String::new()));
    }

    #[test]
    fn what_passes_is_told_from_what_ends_the_run() {
        let passes =
            |status, body: &str| matches!(of_body(status, body), Err(Snag::Passing { .. }));
        for status in [408, 429, 500, 502, 503, 529] {
            assert!(passes(status, "{}") && passes(status, "<html>"), "{status}");
        }
        assert!(passes(200, r#"{"error": {"code": 429, "message": "slow down"}}"#));
        let ends = |status, body: &str| matches!(of_body(status, body), Err(Snag::Fatal(_)));
        for status in [301, 401, 402, 403, 404] {
            assert!(ends(status, "{}"), "{status}");
        }
        assert!(ends(429, r#"{"error": {"code": "insufficient_quota"}}"#));
        assert!(ends(400, r#"{"error": {"code": "model_not_found"}}"#));
    }

    #[test]
    fn servers_say_how_long_to_wait() {
        let of = |name: &'static str, value: &'static str| {
            wait(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
        };
        assert_eq!(of("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(of("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        for odd in ["-3", "soon", "NaN", "1e300", "Tue, 01 Jan 2030 00:00:00 GMT"] {
            assert_eq!(of("retry-after", odd), None, "{odd}");
        }
    }
}
