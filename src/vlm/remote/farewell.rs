//! What a server says of the end of a model or of the address it is asked at.
//!
//! OpenAI's models have a `shutdown_date` (`GET /models/NAME`); a `Sunset` header (RFC 8594) is the day
//! after which an address may no longer answer, a `Deprecation` header (RFC 9745) that it should no longer
//! be used. What can't be read is not said.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{RemoteOptions, address, line, outcome};

/// Longer than this nobody waits for a word that may not come.
const PATIENCE: Duration = Duration::from_secs(5);

/// That a model goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Farewell {
    /// It answers until then.
    Ends {
        /// When.
        at: SystemTime,
        /// In which field or header it was said.
        by: &'static str,
    },
    /// It should no longer be used; nobody has said until when it answers.
    Deprecated {
        /// Since when, or from when on.
        since: Option<SystemTime>,
    },
}

impl Farewell {
    /// Reads an answer: its body, and its headers. Of several the one that names the end counts.
    pub(super) fn of(headers: &HeaderMap, body: Option<&Value>) -> Option<Self> {
        let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let field = body.and_then(shutdown_date);
        let field = field.map(|at| Self::Ends { at, by: "the field `shutdown_date`" });
        let sunset = || {
            let at = outcome::http_date(header("sunset")?)?;
            Some(Self::Ends { at, by: "the header `Sunset`" })
        };
        let deprecated = || {
            let said = header("deprecation").filter(|said| !said.eq_ignore_ascii_case("false"))?;
            Some(Self::Deprecated { since: since(said) })
        };
        field.or_else(sunset).or_else(deprecated)
    }

    /// What a server says of its model. One short request, whose failure is no matter.
    pub fn of_model(options: &RemoteOptions) -> Option<Self> {
        let options = RemoteOptions { timeout: PATIENCE, ..options.clone() };
        let mut url = address::endpoint(&options.address, "models", &options.query).ok()?;
        url.path_segments_mut().ok()?.push(&options.model);
        let client = line::client(&options, &url).ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async {
            let mut response = client.get(url).send().await.ok()?;
            let headers = response.headers().clone();
            let body = if response.status().is_success() {
                line::bytes_of(&mut response).await.ok().flatten()
            } else {
                None
            };
            let body = body.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            Self::of(&headers, body.as_ref())
        })
    }
}

/// A date, a date with a time, or the seconds since 1970.
fn shutdown_date(body: &Value) -> Option<SystemTime> {
    match body.get("shutdown_date")? {
        Value::String(text) => {
            let day = || humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
            humantime::parse_rfc3339(text).or_else(|_| day()).ok()
        }
        Value::Number(seconds) => at(seconds.as_u64()?),
        _ => None,
    }
}

/// `@1688169599`, or as drafts of the RFC had it a date of HTTP, or nothing but `true`.
fn since(said: &str) -> Option<SystemTime> {
    match said.strip_prefix('@') {
        Some(seconds) => at(seconds.parse().ok()?),
        None => outcome::http_date(said),
    }
}

/// A moment up to the year 9999: a later one has no date that could be written, and is most likely no
/// number of seconds.
fn at(seconds: u64) -> Option<SystemTime> {
    const YEAR_10000: u64 = 253_402_300_800;
    let said = (seconds < YEAR_10000).then_some(Duration::from_secs(seconds))?;
    SystemTime::UNIX_EPOCH.checked_add(said)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(headers: &[(&'static str, &str)], body: &Value) -> Option<Farewell> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Farewell::of(&map, Some(body))
    }

    fn seconds(farewell: Option<Farewell>) -> u64 {
        let at = match farewell {
            Some(Farewell::Ends { at, .. } | Farewell::Deprecated { since: Some(at) }) => at,
            other => panic!("{other:?}"),
        };
        at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
    }

    #[test]
    fn the_end_is_read_where_it_is_said() {
        // 2027-01-14 is 20,832 days after 1970.
        let day = 20_832 * 86_400;
        for date in [json!("2027-01-14"), json!("2027-01-14T00:00:00Z"), json!(day)] {
            assert_eq!(seconds(read(&[], &json!({ "shutdown_date": date }))), day);
        }
        let sunset = ("sunset", "Thu, 14 Jan 2027 00:00:00 GMT");
        let deprecation = ("deprecation", "@1688169599");
        assert_eq!(seconds(read(&[sunset, deprecation], &json!({}))), day, "the end counts");
        assert_eq!(seconds(read(&[deprecation], &json!({}))), 1_688_169_599);
        let drafted = read(&[("deprecation", "true")], &json!({}));
        assert_eq!(drafted, Some(Farewell::Deprecated { since: None }));
    }

    #[test]
    fn what_says_nothing_is_not_said() {
        for body in
            [json!({}), json!({ "shutdown_date": null }), json!({ "shutdown_date": "soon" })]
        {
            assert_eq!(read(&[("sunset", "tomorrow"), ("deprecation", "false")], &body), None);
        }
        // Milliseconds, and the first second of the year 10000.
        for late in [1_799_884_800_000_u64, 253_402_300_800] {
            assert_eq!(read(&[], &json!({ "shutdown_date": late })), None);
            let since = read(&[("deprecation", &format!("@{late}"))], &json!({}));
            assert_eq!(since, Some(Farewell::Deprecated { since: None }));
        }
        let last = json!({ "shutdown_date": 253_402_300_799_u64 });
        assert_eq!(seconds(read(&[], &last)), 253_402_300_799);
    }
}
