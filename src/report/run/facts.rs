//! What the report says of itself: its finding, how it was made, and what it can't say.

use serde::Serialize;

use super::counts::Counts;
use crate::eval::{Interval, share_of};
use crate::imaging::shown;
use crate::report::words;
use crate::store::RunManifest;
use crate::units::percent;
use crate::verdict::{Conclusion, Method};

/// A line on how the run was made.
#[derive(Debug, Serialize)]
pub(super) struct Fact {
    name: String,
    value: String,
    /// Whether the value is a name or a hash rather than words.
    code: bool,
}

/// A count as people read it: `12,345`.
pub(super) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 image`, `2,000 images`.
pub(super) fn images(count: usize) -> String {
    if count == 1 { "1 image".to_owned() } else { format!("{} images", thousands(count)) }
}

/// A share in per cent, with as many digits as a small one needs: `12.5 %`, `0.02 %`.
pub(super) fn share(part: usize, whole: usize) -> String {
    let share = share_of(part, whole);
    match part {
        0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        _ if share * 100.0 < 0.01 => "below 0.01 %".to_owned(),
        _ if share * 100.0 < 1.0 => percent(share, 2),
        _ => percent(share, 1),
    }
}

/// An interval of shares in per cent, with digits as [`share`] has them.
pub(super) fn range(interval: Interval) -> String {
    if interval.high < 0.01 {
        format!("{:.2}–{:.2} %", interval.low * 100.0, interval.high * 100.0)
    } else {
        interval.to_string()
    }
}

/// The finding in one sentence, without a full stop.
pub(super) fn finding(counts: &Counts) -> String {
    let (found, all) = (counts.of(Conclusion::Unsafe), counts.images());
    let verb = |one: &'static str, several| if found == 1 { one } else { several };
    let by_rules = counts.method == Method::Clue;
    match (found, by_rules) {
        (0, true) => format!("None of {} was found to violate the constitution", images(all)),
        (0, false) => format!("None of {} was judged unsafe", images(all)),
        (_, true) => format!(
            "{} of {} {} the constitution",
            thousands(found),
            images(all),
            verb("violates", "violate")
        ),
        (_, false) => {
            format!("{} of {} {} judged unsafe", thousands(found), images(all), verb("is", "are"))
        }
    }
}

/// What is left for people, in a sentence.
pub(super) fn rest(counts: &Counts) -> String {
    let [open, failed] =
        [Conclusion::Undetermined, Conclusion::Failed].map(|conclusion| counts.of(conclusion));
    let more = if counts.of(Conclusion::Unsafe) > 0 { " more" } else { "" };
    let person = match open {
        0 => "No image is left undetermined".to_owned(),
        1 => format!("1{more} could not be settled and needs a person"),
        _ => format!("{}{more} could not be settled and need a person", thousands(open)),
    };
    match failed {
        0 => format!("{person}."),
        _ => format!("{person}; {} could not be read.", thousands(failed)),
    }
}

/// An RFC 3339 time as people read it: `24 November 2026, 06:00 UTC`; what is none stays as it is.
pub(super) fn day(time: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let read = || {
        let (date, clock) = time.split_once('T')?;
        let mut parts = date.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        let day: u8 = day.parse().ok()?;
        clock.strip_suffix('Z')?;
        Some(format!("{day} {month} {}, {} UTC", shown(year), shown(clock.get(..5)?)))
    };
    read().unwrap_or_else(|| shown(time).to_string())
}

/// How the run was made, by name. Without names, settings that look like files are left out.
pub(super) fn facts(manifest: &RunManifest, counts: &Counts, redacted: bool) -> Vec<Fact> {
    let words = |name: &str, value: String| Fact { name: name.to_owned(), value, code: false };
    let code = |name: &str, value: String| Fact { name: name.to_owned(), value, code: true };
    let mut facts = vec![
        words("Begun", day(&manifest.started)),
        words("Constitution", shown(&manifest.constitution).to_string()),
        code("Policy hash", manifest.policy.to_string()),
        words("Model", model(manifest, redacted)),
        code("Model fingerprint", manifest.model.fingerprint.to_string()),
        words("Method", words::method(counts.method).to_owned()),
    ];
    if !counts.without.is_empty() {
        let stages: Vec<&str> = counts.without.iter().map(|one| words::left_out(*one)).collect();
        facts.push(words("Stages left out", stages.join("; ")));
    }
    facts.push(words("praetor", shown(&manifest.praetor).to_string()));
    facts.push(words("Machine", shown(&manifest.machine).to_string()));
    facts
}

/// The model's name; of a path the last part where names are left out.
pub(super) fn model(manifest: &RunManifest, redacted: bool) -> String {
    let name = manifest.model.name.as_str();
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    shown(if redacted { last } else { name }).to_string()
}

/// The run's settings as they were given.
pub(super) fn settings(manifest: &RunManifest, redacted: bool) -> Vec<Fact> {
    let names_a_file = |value: &str| value.contains(['/', '\\']) || value.contains(".yaml");
    let kept = manifest
        .settings
        .iter()
        .filter(|(_, value)| !(value.is_empty() || redacted && names_a_file(value)));
    kept.map(|(name, value)| Fact {
        name: shown(name).to_string(),
        value: shown(value).to_string(),
        code: true,
    })
    .collect()
}

/// What this report can't say, most important first.
pub(super) fn limits(manifest: &RunManifest, counts: &Counts) -> Vec<String> {
    let mut limits = vec![
        "A verdict is what a model saw in the light of a written policy. It is not a finding of \
         fact, and people decide."
            .to_owned(),
        "Nobody has looked at these images for this report. The shares are shares of verdicts, not \
         of violations: how often verdicts are right is measured on a sample that people label \
         (praetor audit)."
            .to_owned(),
        "The 95 % intervals say how far such shares would vary among other images drawn as these \
         were. They do not cover the model's mistakes, and they say nothing of images from \
         elsewhere."
            .to_owned(),
    ];
    let open = counts.of(Conclusion::Undetermined);
    if open > 0 {
        limits.push(format!(
            "Undetermined is not safe: {} may or may not violate a rule.",
            images(open)
        ));
    }
    if manifest.model.name == "demo" {
        limits.push(
            "The demo model knows pictograms only. On photographs its verdicts mean nothing."
                .to_owned(),
        );
    }
    if counts.method != Method::Clue {
        limits.push(
            "This run was judged by a baseline, which asks about the image as a whole: it says \
             nothing of single rules."
                .to_owned(),
        );
    }
    if counts.cut > 0 {
        limits.push(format!(
            "Of {} not every frame was judged (--max-frames).",
            if counts.cut == 1 {
                "1 animation".to_owned()
            } else {
                format!("{} animations", counts.cut)
            }
        ));
    }
    limits.push(
        "Scores rank images; they are not the probability of a violation, and scores of other \
         models or policies do not compare."
            .to_owned(),
    );
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_shares_keep_their_digits() {
        let shares = [(0, 9), (9, 9), (1, 8), (2, 10_000), (1, 1_000_000), (9_897, 10_000)];
        assert_eq!(
            shares.map(|(part, whole)| share(part, whole)),
            ["0 %", "100 %", "12.5 %", "0.02 %", "below 0.01 %", "99.0 %"]
        );
        assert_eq!(range(Interval { low: 0.000_5, high: 0.001_8 }), "0.05–0.18 %");
        assert_eq!(range(Interval { low: 0.28, high: 0.72 }), "28.0–72.0 %");
    }

    #[test]
    fn counts_and_days_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(day("2026-11-24T06:00:00Z"), "24 November 2026, 06:00 UTC");
        for strange in ["", "yesterday", "2026-13-01T06:00:00Z", "2026-11-24T06:00:00+01:00"] {
            assert_eq!(day(strange), strange);
        }
    }
}
