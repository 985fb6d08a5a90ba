//! Models that will leave: on which day, and who says so.

use std::fmt;
use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::Deserialize;

/// A note of what is written down is given when the day is so near; what a server says is passed on.
const NEAR: Duration = Duration::from_hours(90 * 24);

const DAY: Duration = Duration::from_hours(24);

/// Snapshots whose last day at OpenAI is known, as its page of deprecations has it
/// (<https://platform.openai.com/docs/deprecations>, announced on 14 October 2026), and the names that stand
/// for them.
const AT_OPENAI: [(&str, &str); 6] = [
    ("gpt-4o-2024-05-13", "2026-10-23"),
    ("gpt-4o-2024-08-06", "2027-01-14"),
    ("gpt-4o-2024-11-20", "2027-01-14"),
    ("gpt-4o-mini-2024-07-18", "2027-01-14"),
    ("gpt-4o", "2027-01-14"),
    ("gpt-4o-mini", "2027-01-14"),
];

/// A day of the calendar, in UTC, such as `2027-01-14`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("format" = "date"))]
pub(in crate::cli) struct Day(SystemTime);

impl Day {
    /// The day that a moment lies in.
    #[cfg(feature = "remote")]
    pub(super) fn of(moment: SystemTime) -> Self {
        Self(moment)
    }

    /// When a day that is written down is over.
    fn end(self) -> SystemTime {
        self.0 + DAY
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let day = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
        day.map(Self).map_err(|_| format!("`{text}` is no day; write it as `2027-01-14`"))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = humantime::format_rfc3339_seconds(self.0).to_string();
        f.write_str(text.get(..10).unwrap_or(&text))
    }
}

/// The last day on which a model answers, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Leaving {
    day: Day,
    /// From when on it answers no more, as far as that is known.
    end: SystemTime,
    said_by: &'static str,
    /// How long before it is worth saying.
    near: Duration,
}

impl Leaving {
    /// As the file of models has it.
    pub(super) fn written(day: Day) -> Self {
        Self { day, end: day.end(), said_by: "the file of models", near: NEAR }
    }

    /// As praetor knows it of a model at OpenAI.
    pub(super) fn known_at_openai(model: &str) -> Option<Self> {
        let (_, day) = AT_OPENAI.into_iter().find(|(name, _)| *name == model)?;
        let day = Day::try_from(day.to_owned()).ok()?;
        let said_by = "OpenAI's page of deprecations";
        Some(Self { day, end: day.end(), said_by, near: NEAR })
    }

    /// As the server itself says it.
    #[cfg(feature = "remote")]
    pub(super) fn told(at: SystemTime, said_by: &'static str) -> Self {
        Self { day: Day::of(at), end: at, said_by, near: Duration::MAX }
    }

    /// The day, for a run's manifest.
    pub(in crate::cli) fn day(&self) -> Day {
        self.day
    }

    /// What to say of it, when it is near or past.
    pub(in crate::cli) fn note(&self, model: &str, now: SystemTime) -> Option<String> {
        let Self { day, end, said_by, near } = self;
        if now >= *end {
            return Some(format!("`{model}` was to leave on {day} ({said_by})"));
        }
        let left = day.0.duration_since(now).unwrap_or_default();
        if left > *near {
            return None;
        }
        let when = match left.as_secs().div_ceil(DAY.as_secs()) {
            0 => "today".to_owned(),
            days => format!("in {}", crate::cli::style::counted(days, "day")),
        };
        Some(format!("`{model}` leaves on {day}, {when} ({said_by})"))
    }
}

/// What to do about it.
pub(super) const ADVICE: &str = "keep its answers with `--record FILE`: next year's judges can be compared \
                                 with what was recorded (`--replay`), and with nothing else";

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_day_is_read_and_shown_and_nothing_else_is_one() {
        assert_eq!(day("2027-01-14").to_string(), "2027-01-14");
        for bad in ["14.1.2027", "2027-13-01", "2027-01-14T00:00:00Z", ""] {
            assert!(Day::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_said_when_it_is_near_or_past() {
        let leaving = Leaving::written(day("2027-01-14"));
        let note = |now: &str| leaving.note("gpt", day(now).0);
        assert_eq!(note("2026-10-15"), None, "91 days");
        assert!(note("2026-10-16").unwrap().contains("leaves on 2027-01-14, in 90 days"));
        assert!(note("2027-01-13").unwrap().contains("in 1 day ("));
        let noon = leaving.note("gpt", day("2027-01-14").0 + DAY / 2);
        assert!(noon.unwrap().contains("leaves on 2027-01-14, today (the file of"));
        assert!(note("2027-01-15").unwrap().contains("was to leave on 2027-01-14 (the file of"));
    }

    #[test]
    fn every_known_day_is_one() {
        for (name, _) in AT_OPENAI {
            assert!(Leaving::known_at_openai(name).is_some(), "{name}");
        }
        assert_eq!(Leaving::known_at_openai("gpt-4.1"), None);
    }
}
