//! What an answer that is none means: a failure of this question, one that passes, or one after
//! which nothing more can be answered.
//!
//! Telling these apart is what keeps a run honest: a content filter is never asked again, since it
//! would answer the same and take offence; a rate limit is; a wrong key ends the run.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{Heard, RemoteOptions};
use crate::verdict::Why;
use crate::vlm::VlmError;

/// Characters of a server's words that are repeated.
const LONGEST_DETAIL: usize = 200;

/// Why there is no reply.
#[derive(Debug)]
pub(in crate::vlm) enum Snag {
    /// It may be there next time.
    Passing {
        detail: String,
        /// How long the server wants to be left alone.
        wait: Option<Duration>,
    },
    /// The server wants the question in other words, which are known by now; where there are no
    /// others, this is why there is no answer.
    Rephrase(Why),
    /// Not in this conversation.
    Final(Why),
    /// Not in any.
    Fatal(VlmError),
}

/// What is read of an error: its codes and kinds, and its words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    codes: Vec<String>,
    message: String,
    /// Tokens that the question has, and those there is room for.
    too_long: Option<(u32, u32)>,
}

/// A word of our own for errors that name no code.
const FILTER: &str = "content_filter";

impl Fault {
    /// Reads an error in any of the shapes that servers give it; nothing when the body is none.
    pub(super) fn of(body: &Value) -> Option<Self> {
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
        let mut codes: Vec<String> =
            ["code", "type", "param"].into_iter().filter_map(word).collect();
        codes.extend(holder.pointer("/innererror/code").and_then(Value::as_str).map(str::to_owned));
        // OpenRouter's moderation names no code.
        if holder.pointer("/metadata/reasons").is_some_and(Value::is_array) {
            codes.push(FILTER.to_owned());
        }
        let count =
            |key: &str| holder.get(key)?.as_u64().and_then(|count| u32::try_from(count).ok());
        let too_long = count("n_prompt_tokens").zip(count("n_ctx"));
        Some(Self { codes, message: message.unwrap_or_default(), too_long })
    }

    fn has(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|found| codes.contains(&found.as_str()))
    }
}

impl Heard<'_> {
    /// Whether the status says that it went well.
    pub(in crate::vlm) fn is_well(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The beginning of a server's words, without the key, should it repeat that.
    pub(in crate::vlm) fn words(&self, text: &str) -> String {
        let key = self.options.key.as_ref();
        shortened(&key.map_or_else(|| text.to_owned(), |key| key.hidden_in(text)))
    }

    /// What an answer means in which the reader has found no reply.
    pub(in crate::vlm) fn snag(&self) -> Snag {
        let Some(json) = &self.json else {
            let detail = self.words(&self.text);
            if self.is_well() {
                let detail = format!("the server's answer is not JSON: `{detail}`");
                return Snag::Final(Why::Unparsable { detail });
            }
            return self.refused(self.status, &Fault { message: detail, ..Fault::default() });
        };
        match (self.is_well(), Fault::of(json)) {
            // Routers answer 200 and put the failing server's own status inside.
            (true, Some(fault)) => {
                let inner = fault.codes.iter().find_map(|code| code.parse().ok());
                self.refused(inner.unwrap_or(500), &fault)
            }
            (true, None) => {
                let words = self.words(&self.text);
                let detail = format!("the server's answer holds no message: `{words}`");
                Snag::Final(Why::Unparsable { detail })
            }
            (false, fault) => {
                let mut fault = fault.unwrap_or_default();
                if fault.message.is_empty() {
                    fault.message.clone_from(&self.text);
                }
                self.refused(self.status, &fault)
            }
        }
    }

    /// What an error means.
    fn refused(&self, status: u16, fault: &Fault) -> Snag {
        let detail = self.words(&fault.message);
        let said = || format!("the server answered {status}: {detail}");
        let policy = ["content_policy_violation", "image_content_policy_violation"];
        let azure = ["ResponsibleAIPolicyViolation"];
        if fault.has(&[FILTER]) || fault.has(&policy) || fault.has(&azure) {
            return Snag::Final(Why::Filtered);
        }
        if let Some((needed, limit)) = fault.too_long {
            return Snag::Final(Why::TooLong { needed, limit });
        }
        if fault.has(&["insufficient_quota", "billing_hard_limit_reached"]) || status == 402 {
            return Snag::Fatal(VlmError::Quota { detail });
        }
        if fault.has(&["model_not_found"]) {
            return Snag::Fatal(self.no_model(status, detail));
        }
        match status {
            300..=399 => {
                let detail = format!("it answered {status}, a redirection, and none is followed");
                let address = self.options.address.clone();
                Snag::Fatal(VlmError::Unreachable { address, detail })
            }
            401 | 403 => Snag::Fatal(VlmError::Denied { status, detail }),
            404 | 405 => Snag::Fatal(self.no_model(status, detail)),
            408 | 409 | 425 | 429 | 500 | 502..=599 => {
                Snag::Passing { detail: said(), wait: self.wait }
            }
            501 => Snag::Fatal(VlmError::Unfit { address: self.options.address.clone(), detail }),
            _ => Snag::Final(Why::Failed { detail: said() }),
        }
    }

    fn no_model(&self, status: u16, detail: String) -> VlmError {
        let (model, address) = (self.options.model.clone(), self.options.address.clone());
        VlmError::NoModel { model, address, status, detail }
    }
}

/// What a connection that does not hold means.
pub(super) fn broken(options: &RemoteOptions, error: reqwest::Error) -> Snag {
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

/// How long a server wants to be left alone, if it says so: in seconds, in milliseconds, or until
/// when.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let milliseconds = number("retry-after-ms").map(|count| count / 1_000.0);
    match milliseconds.or_else(|| number("retry-after")) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => until(text("retry-after")?, SystemTime::now()),
    }
}

/// How long it is until HTTP's date; nothing left when it is past.
fn until(date: &str, now: SystemTime) -> Option<Duration> {
    Some(http_date(date)?.duration_since(now).unwrap_or_default())
}

/// HTTP's date, such as `Tue, 01 Jan 2030 00:00:00 GMT`.
pub(super) fn http_date(date: &str) -> Option<SystemTime> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let words: Vec<&str> = date.split_ascii_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? / 3 + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day:0>2}T{time}Z")).ok()
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
    use serde_json::json;

    use super::*;

    fn snag(status: u16, body: &str) -> Snag {
        let options = RemoteOptions::new("m");
        let json = serde_json::from_str(body).ok();
        let text = body.to_owned();
        Heard { options: &options, status, wait: None, text, json }.snag()
    }

    #[test]
    fn what_passes_is_told_from_what_ends_the_run() {
        let passes = |status, body: &str| matches!(snag(status, body), Snag::Passing { .. });
        for status in [408, 429, 500, 502, 503, 529] {
            assert!(passes(status, "{}") && passes(status, "<html>"), "{status}");
        }
        assert!(passes(200, r#"{"error": {"code": 429, "message": "slow down"}}"#));
        let ends = |status, body: &str| matches!(snag(status, body), Snag::Fatal(_));
        for status in [301, 401, 402, 403, 404, 501] {
            assert!(ends(status, "{}"), "{status}");
        }
        assert!(ends(429, r#"{"error": {"code": "insufficient_quota"}}"#));
        assert!(ends(400, r#"{"error": {"code": "model_not_found"}}"#));
    }

    #[test]
    fn a_filter_is_one_by_whatever_name_and_whatever_status() {
        for (status, body) in [
            (400, json!({ "error": { "code": "content_filter", "message": "filtered" } })),
            (400, json!({ "error": { "code": "image_content_policy_violation" } })),
            (
                400,
                json!({ "error": { "code": null,
                "innererror": { "code": "ResponsibleAIPolicyViolation" } } }),
            ),
            (
                403,
                json!({ "error": { "code": 403, "message": "flagged",
                "metadata": { "reasons": ["violence"] } } }),
            ),
            (429, json!({ "error": { "code": "content_filter" } })),
        ] {
            let snag = snag(status, &body.to_string());
            assert!(matches!(snag, Snag::Final(Why::Filtered)), "{body}: {snag:?}");
        }
    }

    #[test]
    fn a_context_that_is_too_small_says_by_how_much() {
        let body = json!({ "error": { "code": 400, "type": "exceed_context_size_error",
            "message": "too long", "n_prompt_tokens": 9_000, "n_ctx": 4_096 } });
        let Snag::Final(why) = snag(400, &body.to_string()) else { panic!("final") };
        assert_eq!(why, Why::TooLong { needed: 9_000, limit: 4_096 });
    }

    #[test]
    fn errors_are_read_in_many_shapes() {
        for body in [
            json!({ "error": { "message": "no", "code": "x" } }),
            json!({ "error": "no" }),
            json!({ "detail": "no" }),
            json!({ "object": "error", "message": "no" }),
        ] {
            assert_eq!(Fault::of(&body).unwrap().message, "no", "{body}");
        }
        assert_eq!(Fault::of(&json!({ "choices": [] })), None);
    }

    #[test]
    fn servers_say_how_long_to_wait() {
        let of = |name: &'static str, value: &'static str| {
            wait(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
        };
        assert_eq!(of("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(of("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(of("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
        for odd in ["-3", "soon", "NaN", "1e300", "Tue, 01 Foo 2030 00:00:00 GMT"] {
            assert_eq!(of("retry-after", odd), None, "{odd}");
        }
    }

    #[test]
    fn a_date_is_so_long_away() {
        let now = humantime::parse_rfc3339("2026-11-24T20:00:00Z").unwrap();
        let date = "Tue, 24 Nov 2026 20:01:30 GMT";
        assert_eq!(until(date, now), Some(Duration::from_secs(90)));
    }
}
