//! The model under examination: asking it, and holding answers against each other.

use std::cell::Cell;

use super::pictures::{Shown, pictograms};
use super::{DoctorError, Given};
use crate::constitution::Thresholds;
use crate::imaging::View;
use crate::judge::decision::{Band, by_prior};
use crate::prompts::{Prompts, Topic};
use crate::verdict::{Holds, Why};
use crate::vlm::{Answer, Vlm, VlmError};

/// Largest difference in log-odds that counts as rounding: evaluating questions as one batch sums
/// in another order than one by one. Ours: real families on random weights stay below 0.007.
pub(super) const ROUNDING: f64 = 0.05;

/// Above this difference in log-odds two answers are not the same answer: 0.50 has become 0.62.
pub(super) const APART: f64 = 0.5;

/// Statements of many kinds: true and false of the pictograms, with priors on both sides.
pub(super) const STATEMENTS: [&str; 9] = [
    "a knife is visible",
    "a child is visible",
    "a dog is visible",
    "fire is visible",
    "a weapon is visible",
    "a cake is visible",
    "a car is visible or a house is visible",
    "blood is visible",
    "a person is visible",
];

/// A model, what it is shown, and what has been found out about it so far.
pub(super) struct Patient<'model> {
    pub(super) model: &'model dyn Vlm,
    pub(super) given: Given,
    pub(super) prompts: Prompts,
    /// The question of a judge without rules, in praetor's own words.
    pub(super) unfit: String,
    pub(super) pictograms: Vec<Shown>,
    /// Difference in log-odds between two answers to the same question.
    noise: Cell<f64>,
    /// Whether the picture was found not to matter.
    blind: Cell<bool>,
}

impl<'model> Patient<'model> {
    pub(super) fn new(model: &'model dyn Vlm, given: Given) -> Result<Self, DoctorError> {
        let (prompts, pictograms) = (Prompts::built_in()?, pictograms()?);
        let unfit = prompts.question(&Topic::Unfit)?;
        let (noise, blind) = (Cell::new(0.0), Cell::new(false));
        Ok(Self { model, given, prompts, unfit, pictograms, noise, blind })
    }

    /// One of the pictograms; the same for the same number.
    pub(super) fn picture(&self, number: usize) -> Option<&View> {
        // Any number is one of them, and a set without pictures shows none.
        self.pictograms.get(number % self.pictograms.len().max(1)).map(|shown| &shown.view)
    }

    /// Asks whether statements are visible. A backend that breaks its promise of one answer each is
    /// found out here.
    pub(super) fn ask(
        &self,
        view: Option<&View>,
        statements: &[&str],
    ) -> Result<Vec<Answer>, VlmError> {
        let answers = self.model.visible(view, statements)?;
        if answers.len() == statements.len() {
            return Ok(answers);
        }
        let detail = format!("{} answers to {} questions", answers.len(), statements.len());
        Ok(vec![Answer::Unavailable(Why::Failed { detail }); statements.len()])
    }

    /// Asks the statements of [`STATEMENTS`].
    pub(super) fn ask_all(&self, view: Option<&View>) -> Result<Vec<Answer>, VlmError> {
        self.ask(view, &STATEMENTS)
    }

    /// Asks after the same was asked already, so that what came before is the same view.
    pub(super) fn settled(&self, view: Option<&View>) -> Result<Vec<Answer>, VlmError> {
        self.ask_all(view)?;
        self.ask_all(view)
    }

    /// Asks for the decision on each statement, by its own prior and the paper's lines.
    pub(super) fn decide(
        &self,
        view: Option<&View>,
        statements: &[&str],
    ) -> Result<Vec<Option<Holds>>, VlmError> {
        let (priors, answers) = (self.ask(None, statements)?, self.ask(view, statements)?);
        Ok(answers.iter().zip(&priors).map(|(answer, prior)| decision(answer, prior)).collect())
    }

    pub(super) fn has_noise(&self, noise: f64) {
        self.noise.set(noise);
    }

    pub(super) fn is_blind(&self) {
        self.blind.set(true);
    }

    pub(super) fn found_blind(&self) -> bool {
        self.blind.get()
    }

    /// Whether the same question gets the same answer, so that another answer has a cause.
    pub(super) fn is_steady(&self) -> bool {
        self.noise.get() <= ROUNDING
    }

    /// Differences up to this are rounding, or the patient's own scatter, of which another draw may
    /// be half as large again.
    pub(super) fn rounding(&self) -> f64 {
        if self.is_steady() { ROUNDING } else { self.noise.get() * 1.5 }
    }
}

/// What strategy 1 decides; nothing without both answers.
pub(super) fn decision(answer: &Answer, prior: &Answer) -> Option<Holds> {
    match (answer, prior) {
        (Answer::Seen(answer), Answer::Seen(prior)) => {
            let band = Band::around(prior.m(), Thresholds::PAPER);
            Some(by_prior(answer.m(), band).holds)
        }
        _ => None,
    }
}

/// Difference of two answers in log-odds; infinite when only one could be had.
pub(super) fn apart(one: &Answer, other: &Answer) -> f64 {
    match (one, other) {
        (Answer::Seen(one), Answer::Seen(other)) => {
            (one.m().log_odds() - other.m().log_odds()).abs()
        }
        (Answer::Said(one), Answer::Said(other)) if one == other => 0.0,
        (Answer::Unavailable(_), Answer::Unavailable(_)) => 0.0,
        _ => f64::INFINITY,
    }
}

/// The largest difference between answers to the same questions.
pub(super) fn furthest(some: &[Answer], others: &[Answer]) -> f64 {
    some.iter().zip(others).map(|(one, other)| apart(one, other)).fold(0.0, f64::max)
}

/// A difference as people read it.
pub(super) fn shown_gap(difference: f64) -> String {
    match difference {
        0.0 => "0".to_owned(),
        f64::INFINITY => "an answer that could be had only once".to_owned(),
        0.0..0.01 => format!("{difference:.1e}"),
        _ => format!("{difference:.2}"),
    }
}

/// M, if there is an answer.
pub(super) fn m(answer: &Answer) -> Option<f64> {
    match answer {
        Answer::Seen(answer) => Some(answer.m().value()),
        Answer::Said(yes) => Some(f64::from(u8::from(*yes))),
        Answer::Unavailable(_) => None,
    }
}
