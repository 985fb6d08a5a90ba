//! Reasons in a line: why an image came out as it did, and what stood in the way of an answer.

use serde::Serialize;

use crate::imaging::shown;
use crate::report::words::{self, Asked};
use crate::units::Probability;
use crate::verdict::{Conclusion, Finding, Holds, Outcome, RuleVerdict, Step, Verdict, Why};

/// Something that stands between an image and its answer, as reports count it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Obstacle {
    /// A stable word for links; error codes of files begin with `file:`.
    pub(super) key: String,
    /// The same for people.
    pub(super) label: String,
}

impl Obstacle {
    fn named(key: &str, label: &str) -> Self {
        Self { key: key.to_owned(), label: label.to_owned() }
    }

    /// What stood in the way of a rule's answer.
    pub(super) fn of_rule(why: Option<&Why>) -> Self {
        let (key, label) = match why {
            None => ("unsaid", "not said"),
            Some(Why::Undecided) => ("undecided", "M lies between the thresholds"),
            Some(Why::Refused) => ("refused", "the model refused to answer"),
            Some(Why::Filtered) => ("filtered", "a content filter blocked the answer"),
            Some(Why::Unparsable { .. }) => ("unparsable", "the reply was no answer"),
            Some(Why::TooLong { .. }) => ("too_long", "the question did not fit the context"),
            Some(Why::Empty) => ("empty", "the reply was empty"),
            Some(Why::Overlong { .. }) => ("overlong", "the reply did not end"),
            Some(Why::Looping) => ("looping", "the reply went round in circles"),
            Some(Why::BudgetSpent) => ("budget_spent", "the budget for reasoning was spent"),
            Some(Why::KeptLocal) => ("kept_local", "kept on this machine, the model is on another"),
            Some(Why::NotRecorded) => ("not_recorded", "the recording holds no answer"),
            Some(Why::Waiting) => ("waiting", "the answer is waited for from a batch"),
            Some(Why::Failed { .. }) => ("failed", "something broke on the way"),
        };
        Self::named(key, label)
    }

    /// Frames that no one looked at.
    pub(super) fn frames() -> Self {
        Self::named("frames", "frames beyond the limit were not judged")
    }

    /// A file that could not be read, by its error's code.
    pub(super) fn of_file(code: &str) -> Self {
        let code = shown(code);
        Self { key: format!("file:{code}"), label: format!("not read: {code}") }
    }

    /// What can be done about it, where something can.
    pub(super) fn advice(&self) -> &'static str {
        match self.key.as_str() {
            "undecided" => {
                "A person decides. praetor tune shows where rules hesitate and what other \
                 thresholds would do."
            }
            "refused" | "filtered" => {
                "A person decides, or another model; a model on this machine has no filter before it."
            }
            "unparsable" => {
                "praetor doctor shows whether the model is asked in the form it was trained on."
            }
            "too_long" => "A larger --context, if the model has one.",
            "empty" | "overlong" | "looping" => "A person decides, or another model.",
            "budget_spent" => "A larger --budget or --max-escalations.",
            "kept_local" => "A model on this machine, or a person.",
            "not_recorded" => "Ask the model itself, without --replay.",
            "waiting" => "Run praetor judge --batch again.",
            "failed" => "Judge these again; the example says what broke.",
            "frames" => "A larger --max-frames.",
            _ => "",
        }
    }
}

/// Whether what a model said, and what it met, may be quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// All of it.
    Full,
    /// Only the policy's words, numbers, and words of praetor's own.
    Redacted,
}

/// Why the image came out as it did, in a line; empty where there is nothing to say.
pub(super) fn of_image(verdict: &Verdict, quoting: Quoting) -> String {
    let asked = Asked::of(verdict);
    let worst = |outcome| strongest(verdict.rules.iter().filter(move |one| one.outcome == outcome));
    let several = |outcome| verdict.rules.iter().filter(|one| one.outcome == outcome).count() > 1;
    let named = |rule: &RuleVerdict, outcome| {
        let reason = of_rule(rule, asked, quoting);
        if several(outcome) { format!("{}: {reason}", rule.rule) } else { reason }
    };
    match (verdict.verdict, &verdict.error) {
        (Conclusion::Failed, Some(error)) if quoting == Quoting::Full => {
            format!("{}: {}", shown(&error.code), shown(&error.message))
        }
        (Conclusion::Failed, error) => {
            error.as_ref().map(|error| shown(&error.code).to_string()).unwrap_or_default()
        }
        (Conclusion::Unsafe, _) => {
            worst(Outcome::Violated).map(|rule| named(rule, Outcome::Violated)).unwrap_or_default()
        }
        (Conclusion::Undetermined, _) => match worst(Outcome::Undetermined) {
            Some(rule) => named(rule, Outcome::Undetermined),
            None => Obstacle::frames().label,
        },
        (Conclusion::Safe, _) => match strongest(verdict.rules.iter()) {
            Some(rule) if rule.score.is_some() => {
                format!("nearest to {}: {}", rule.rule, of_rule(rule, asked, quoting))
            }
            _ => "no rule has to do with it".to_owned(),
        },
    }
}

/// The rule of the highest score, the first of those that have none.
pub(super) fn strongest<'a>(
    rules: impl Iterator<Item = &'a RuleVerdict>,
) -> Option<&'a RuleVerdict> {
    let score = |rule: &RuleVerdict| rule.score.map_or(-1.0, Probability::value);
    rules.reduce(|best, next| if score(next) > score(best) { next } else { best })
}

/// Why a rule came out as it did, in a line.
pub(super) fn of_rule(rule: &RuleVerdict, asked: Asked, quoting: Quoting) -> String {
    match rule.outcome {
        Outcome::Violated if rule.findings.is_empty() => "all that it asks for holds".to_owned(),
        Outcome::Violated => {
            let held = rule.findings.iter().map(|finding| held(finding, quoting));
            held.collect::<Vec<_>>().join("; ")
        }
        Outcome::Undetermined => open(rule, quoting),
        Outcome::Clear => match words::cleared_by(rule) {
            Some(finding) => {
                format!("{}: {}", asked.answer(Holds::No), with_m(finding))
            }
            None => "clear".to_owned(),
        },
        Outcome::Irrelevant => "has nothing to do with it".to_owned(),
    }
}

fn held(finding: &Finding, quoting: Quoting) -> String {
    let statement = shown(&finding.precondition);
    match finding.by {
        Some(Step::Region) => {
            let without = finding.region.as_ref().and_then(|found| found.m_without);
            let without = without.map(|m| format!("M falls to {m} without it"));
            format!("{statement} ({})", without.as_deref().unwrap_or("M falls without it"))
        }
        Some(Step::Reasoning) => {
            let said = finding.reasoning.as_ref().map(|said| said.rationale.trim());
            match said.filter(|said| !said.is_empty() && quoting == Quoting::Full) {
                Some(said) => format!("{statement} (by reasoning: “{}”)", shown(said)),
                None => format!("{statement} (by reasoning)"),
            }
        }
        _ => with_m(finding),
    }
}

/// The statement and M, which stay on one line.
fn with_m(finding: &Finding) -> String {
    let statement = shown(&finding.precondition);
    finding.m.map_or_else(|| statement.to_string(), |m| format!("{statement} (M\u{a0}{m})"))
}

fn open(rule: &RuleVerdict, quoting: Quoting) -> String {
    let why = match (&rule.why, quoting) {
        (Some(why), Quoting::Full) => shown(why.to_string()).to_string(),
        (why, _) => Obstacle::of_rule(why.as_ref()).label,
    };
    match rule.findings.iter().find(|finding| finding.holds == Holds::Unknown) {
        Some(finding) => format!("{why}: {}", with_m(finding)),
        None => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RuleId, ViewKind};
    use crate::verdict::{Reasoning, RegionFinding};

    fn finding(holds: Holds, by: Step, m: f64) -> Finding {
        let m = Probability::new(m);
        Finding {
            m,
            score: m,
            holds,
            by: Some(by),
            ..Finding::open("a knife is visible", ViewKind::Whole)
        }
    }

    fn line(findings: Vec<Finding>) -> String {
        let rule = RuleVerdict::from_findings(RuleId::new("r").unwrap(), findings);
        of_rule(&rule, Asked::Visible, Quoting::Full)
    }

    #[test]
    fn each_step_that_decided_has_its_words() {
        let prior = finding(Holds::Yes, Step::Prior, 0.93);
        assert_eq!(line(vec![prior.clone()]), "a knife is visible (M\u{a0}0.930)");
        let region =
            RegionFinding { boxes: Vec::new(), m_whole: None, m_without: Probability::new(0.04) };
        let by_region = Finding { region: Some(region), ..finding(Holds::Yes, Step::Region, 0.7) };
        assert_eq!(
            line(vec![prior, by_region]),
            "a knife is visible (M\u{a0}0.930); a knife is visible (M falls to 0.040 without it)"
        );
        let clear = finding(Holds::No, Step::Prior, 0.1);
        assert_eq!(line(vec![clear]), "not visible: a knife is visible (M\u{a0}0.100)");
    }

    #[test]
    fn what_a_model_said_is_quoted_only_where_it_may_be() {
        let reasoning = Reasoning {
            thoughts: String::new(),
            rating: Holds::Yes,
            rationale: "Anna holds\u{202e} it.".to_owned(),
        };
        let thought =
            Finding { reasoning: Some(reasoning), ..finding(Holds::Yes, Step::Reasoning, 0.6) };
        let rule = RuleVerdict::from_findings(RuleId::new("r").unwrap(), vec![thought]);
        assert_eq!(
            of_rule(&rule, Asked::Visible, Quoting::Full),
            "a knife is visible (by reasoning: “Anna holds\\u{202e} it.”)"
        );
        let redacted = of_rule(&rule, Asked::Visible, Quoting::Redacted);
        assert_eq!(redacted, "a knife is visible (by reasoning)");
        let why = Why::Failed { detail: "/home/anna/x.png".to_owned() };
        let open = Finding { why: Some(why), ..Finding::open("c", ViewKind::Whole) };
        let rule = RuleVerdict::from_findings(RuleId::new("r").unwrap(), vec![open]);
        assert_eq!(of_rule(&rule, Asked::Visible, Quoting::Full), "/home/anna/x.png: c");
        let redacted = of_rule(&rule, Asked::Visible, Quoting::Redacted);
        assert_eq!(redacted, "something broke on the way: c");
    }
}
