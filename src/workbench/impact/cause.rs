//! Why a rule's outcome on an image changed: which precondition, or which threshold.

use std::fmt;

use serde::Serialize;

use crate::units::Probability;
use crate::verdict::{Finding, Holds, Outcome, Relevance, RuleVerdict, Step};

/// One thing that made the difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The rule is new.
    RuleAdded,
    /// The rule is gone.
    RuleRemoved,
    /// A precondition that is asked now.
    NowAsked {
        /// What is asked.
        statement: String,
        /// Whether it holds.
        holds: Holds,
        /// M, where it was answered.
        m: Option<Probability>,
        /// The step that decided.
        by: Option<Step>,
    },
    /// A precondition that is asked no more.
    NoLongerAsked {
        /// What was asked.
        statement: String,
        /// Whether it held.
        holds: Holds,
        /// M, where it was answered.
        m: Option<Probability>,
        /// The step that decided.
        by: Option<Step>,
    },
    /// The same precondition, decided otherwise: by another threshold, or another central object.
    DecidedOtherwise {
        /// What is asked.
        statement: String,
        /// Whether it held.
        before: Holds,
        /// Whether it holds.
        after: Holds,
        /// M before, which differs where it was read off a crop.
        m_before: Option<Probability>,
        /// M after.
        m_after: Option<Probability>,
        /// The step that decided before.
        by_before: Option<Step>,
        /// The step that decided after.
        by_after: Option<Step>,
    },
    /// The rule has come to be, or ceased to be, relevant for the image.
    Relevance {
        /// Nearness by the old edition.
        before: Option<Relevance>,
        /// Nearness by the new one.
        after: Option<Relevance>,
    },
}

/// What made the difference between two outcomes of a rule on one image.
pub(super) fn causes(before: Option<&RuleVerdict>, after: Option<&RuleVerdict>) -> Vec<Cause> {
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (None, Some(_)) => return vec![Cause::RuleAdded],
        (Some(_), None) => return vec![Cause::RuleRemoved],
        (None, None) => return Vec::new(),
    };
    let irrelevant = |rule: &RuleVerdict| rule.outcome == Outcome::Irrelevant;
    if irrelevant(before) != irrelevant(after) {
        return vec![Cause::Relevance { before: before.relevance, after: after.relevance }];
    }
    // What keeps a rule from being violated is what does not hold; so that is what has come or gone.
    let mut causes = Vec::new();
    for is in &after.findings {
        match asked(&before.findings, is) {
            None => causes.push(Cause::NowAsked {
                statement: is.precondition.clone(),
                holds: is.holds,
                m: is.m,
                by: is.by,
            }),
            Some(was) if was.holds != is.holds => causes.push(Cause::DecidedOtherwise {
                statement: is.precondition.clone(),
                before: was.holds,
                after: is.holds,
                m_before: was.m,
                m_after: is.m,
                by_before: was.by,
                by_after: is.by,
            }),
            Some(_) => {}
        }
    }
    for was in &before.findings {
        if asked(&after.findings, was).is_none() {
            causes.push(Cause::NoLongerAsked {
                statement: was.precondition.clone(),
                holds: was.holds,
                m: was.m,
                by: was.by,
            });
        }
    }
    let came_free = after.outcome == Outcome::Violated;
    let mattered: Vec<Cause> =
        causes.iter().filter(|cause| cause.matters(came_free)).cloned().collect();
    if mattered.is_empty() { causes } else { mattered }
}

fn asked<'a>(findings: &'a [Finding], of: &Finding) -> Option<&'a Finding> {
    findings.iter().find(|finding| finding.precondition == of.precondition)
}

impl Cause {
    /// Whether it bears on the way the rule went: towards violated (`came_free`), what had stood in
    /// the way must have gone; away from it, something must have come in the way.
    fn matters(&self, came_free: bool) -> bool {
        match self {
            Self::NowAsked { holds, .. } => !came_free && *holds != Holds::Yes,
            Self::NoLongerAsked { holds, .. } => came_free && *holds != Holds::Yes,
            Self::DecidedOtherwise { .. }
            | Self::RuleAdded
            | Self::RuleRemoved
            | Self::Relevance { .. } => true,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RuleAdded => f.write_str("the rule is new"),
            Self::RuleRemoved => f.write_str("the rule is gone"),
            Self::NowAsked { statement, holds, m, by } => {
                write!(f, "now asks whether {statement}: {}", told(*holds, *m, *by))
            }
            Self::NoLongerAsked { statement, holds, m, by } => {
                write!(f, "asks no longer whether {statement} ({})", told(*holds, *m, *by))
            }
            Self::DecidedOtherwise {
                statement,
                before,
                after,
                m_before,
                m_after,
                by_before,
                by_after,
            } => {
                let was = told(*before, *m_before, *by_before);
                write!(f, "{statement}: {was}; now {}", told(*after, *m_after, *by_after))
            }
            Self::Relevance { before, after } => {
                let relevant = after.is_some_and(Relevance::kept);
                let near = |relevance: &Option<Relevance>| match relevance {
                    None => "not scanned".to_owned(),
                    Some(one) => format!("{:.3}, judged above {:.3}", one.cosine, one.threshold),
                };
                let word = if relevant { "has become" } else { "is no longer" };
                let (before, after) = (near(before), near(after));
                write!(f, "the rule {word} relevant for the image (nearness {before}; now {after})")
            }
        }
    }
}

/// An answer with what stands behind it: `no by reasoning, M 0.896`.
fn told(holds: Holds, m: Option<Probability>, by: Option<Step>) -> String {
    let answer = match holds {
        Holds::Yes => "yes",
        Holds::No => "no",
        Holds::Unknown => "not settled",
    };
    let by = match by {
        Some(Step::Region) => " by its region",
        Some(Step::Reasoning) => " by reasoning",
        Some(Step::Lean) => " by leaning",
        Some(Step::Word) => " by its word",
        Some(Step::Prior | Step::PlainCut | Step::Stated | Step::Score) | None => "",
    };
    let m = m.map_or_else(String::new, |m| format!(", M {m}"));
    format!("{answer}{by}{m}")
}
