//! What an examination found: a grade and two sentences a check, and a verdict over all.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ids::ModelId;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Pass,
    /// A number to know; there is no right or wrong.
    Info,
    /// It could not be looked at, since another check failed.
    NotRun,
    /// Praetor works, and a person should know.
    Warning,
    /// The model's verdicts can't be trusted.
    Fail,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// Whether the backend can be loaded at all.
    Loading,
    /// Whether the first token is Yes or No.
    Answers,
    /// Whether the same question gets the same answer.
    Determinism,
    /// Whether the picture matters.
    Picture,
    /// Whether other questions beside a question, or their order, matter.
    Order,
    /// Whether a picture leaves a trace in the answers about another.
    Contamination,
    /// Whether what is plain to see is seen.
    Content,
    /// Whether text in a statement can do harm.
    Injection,
    /// Whether the model can reason in words, and sum up as JSON.
    Talking,
    /// Whether the priors leave room for the paper's bands.
    Priors,
    /// What fits the context, and what becomes of a question that does not.
    Room,
    /// How quick it is.
    Throughput,
}

impl Concern {
    /// One word, as in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Answers => "answers",
            Self::Determinism => "determinism",
            Self::Picture => "picture",
            Self::Order => "order",
            Self::Contamination => "contamination",
            Self::Content => "content",
            Self::Injection => "injection",
            Self::Talking => "talking",
            Self::Priors => "priors",
            Self::Room => "room",
            Self::Throughput => "throughput",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub id: Concern,
    /// How it ended.
    pub verdict: Grade,
    /// What was seen, with its numbers.
    pub found: String,
    /// What that means in plain words, and what to do about it.
    pub meaning: String,
    /// The cases that were not as they should be, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// The numbers by name, for programs; what is infinite is null.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<&'static str, f64>,
}

impl Check {
    /// A check without details.
    pub fn new(id: Concern, verdict: Grade, found: impl Into<String>, meaning: &str) -> Self {
        Self {
            id,
            verdict,
            found: found.into(),
            meaning: meaning.to_owned(),
            details: Vec::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// With the cases that were not as they should be.
    #[must_use]
    pub(super) fn with_details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    /// With a number.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, number: f64) -> Self {
        self.numbers.insert(name, number);
        self
    }

    /// With a count.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of questions are far below 2^52")]
    pub(super) fn count(self, name: &'static str, count: usize) -> Self {
        self.with(name, count as f64)
    }
}

/// An examination.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Which model was examined; nothing when it did not load.
    pub model: Option<ModelId>,
    /// The worst of the checks; a number to know is as good as a pass.
    pub verdict: Grade,
    /// Every check, in the order in which they ran.
    pub checks: Vec<Check>,
}

impl Report {
    /// Sums the checks up.
    ///
    /// ```
    /// use praetor::doctor::{Check, Concern, Grade, Report};
    /// let check = |grade| Check::new(Concern::Order, grade, "", "");
    /// let report = Report::of(None, vec![check(Grade::Info), check(Grade::Warning)]);
    /// assert_eq!(report.verdict, Grade::Warning);
    /// assert_eq!(Report::of(None, vec![check(Grade::Info)]).verdict, Grade::Pass);
    /// ```
    pub fn of(model: Option<ModelId>, checks: Vec<Check>) -> Self {
        let worst = checks.iter().map(|check| check.verdict).max().unwrap_or(Grade::Pass);
        let verdict = if worst < Grade::Warning { Grade::Pass } else { worst };
        Self { model, verdict, checks }
    }

    /// How many checks ended with a grade.
    pub fn count(&self, grade: Grade) -> usize {
        self.checks.iter().filter(|check| check.verdict == grade).count()
    }
}
