//! Whether an answer depends on nothing but picture and question.
//!
//! llama.cpp has had bugs of each kind: sequences that shared cells, image embeddings left over
//! from the request before, rows of a batch read in another order.

use super::patient::{APART, Patient, STATEMENTS, decision, furthest, shown_gap};
use super::report::{Check, Concern, Grade};
use crate::imaging::View;
use crate::vlm::{Answer, VlmError};

/// Questions asked beside the ones that count, to fill a batch.
const COMPANY: [&str; 12] = [
    "a gun is visible",
    "a cat is visible",
    "smoke is visible",
    "a beer is visible or wine is visible",
    "a man is visible",
    "a woman next to a tree is visible",
    "a pill is visible",
    "a ball is visible",
    "a skull is visible",
    "an apple is visible and a cake is visible",
    "a syringe is visible",
    "a bomb is visible",
];

/// The same twice.
pub(super) fn determinism(patient: &Patient<'_>) -> Result<Check, VlmError> {
    let mut largest = 0.0;
    let mut equal = true;
    for view in [patient.picture(0), patient.picture(1), None] {
        // After a first time, so that what came before is the same as well.
        let (first, again) = (patient.settled(view)?, patient.ask_all(view)?);
        largest = f64::max(largest, furthest(&first, &again));
        equal &= first == again;
    }
    patient.has_noise(largest);
    let (grade, meaning) = if equal {
        (Grade::Pass, "Runs can be repeated, and kept answers are as good as new ones.")
    } else if patient.is_steady() {
        (
            Grade::Warning,
            "Rounding differs from call to call, as on some graphics cards. A score that lies on a \
             line may be decided either way when a run is repeated.",
        )
    } else {
        (
            Grade::Fail,
            "The same question gets different answers, so that no verdict can be repeated. Look for \
             sampling, a sick build (Pixtral in llama.cpp reads memory that nobody wrote), or memory \
             that fails.",
        )
    };
    let found = if equal {
        "asked twice, every answer is the same to the last bit".to_owned()
    } else {
        format!("asked twice, answers differ in log-odds by up to {}", shown_gap(largest))
    };
    Ok(Check::new(Concern::Determinism, grade, found, meaning).with("largest", largest))
}

/// The same questions in another order, alone, and in other company.
pub(super) fn order(patient: &Patient<'_>) -> Result<Check, VlmError> {
    let view = patient.picture(0);
    let priors = patient.settled(None)?;
    let expected = patient.settled(view)?;
    let mut tally = Tally::new(patient, &priors);

    let backwards: Vec<&str> = STATEMENTS.iter().rev().copied().collect();
    let mut answers = patient.ask(view, &backwards)?;
    answers.reverse();
    tally.hold("in reverse order", &expected, &answers);

    for (name, size) in [("alone", 1), ("in twos", 2), ("in fours", 4)] {
        let mut answers = Vec::new();
        for some in STATEMENTS.chunks(size) {
            answers.extend(patient.ask(view, some)?);
        }
        tally.hold(name, &expected, &answers);
    }

    let crowd: Vec<&str> = COMPANY.iter().chain(&STATEMENTS).copied().collect();
    let answers = patient.ask(view, &crowd)?;
    tally.hold("after other questions", &expected, &answers[COMPANY.len()..]);
    let longer: Vec<&str> = crowd.iter().chain(&COMPANY).copied().collect();
    let answers = patient.ask(view, &longer)?;
    tally.hold("among other questions", &expected, &answers[COMPANY.len()..crowd.len()]);
    let bad = "What is asked beside a question changes its answer, so that adding a rule would \
               change the verdict on another. Try `--batch-questions 1`; if that helps, the engine's \
               batches are wrong for this model.";
    Ok(tally.check(Concern::Order, "in another order, alone and in company", bad))
}

/// One picture after another, and none after one.
pub(super) fn contamination(patient: &Patient<'_>) -> Result<Check, VlmError> {
    let (first, second) = (patient.picture(0), patient.picture(1));
    let priors = patient.settled(None)?;
    let one = patient.settled(first)?;
    let other = patient.settled(second)?;
    let mut tally = Tally::new(patient, &priors);

    let order: [(&str, Option<&View>, &[Answer]); 7] = [
        ("a picture after another", first, &one),
        ("the other after it", second, &other),
        ("no picture after one", None, &priors),
        ("a picture after none", first, &one),
        ("interleaved", second, &other),
        ("interleaved", first, &one),
        ("interleaved", second, &other),
    ];
    for (name, view, expected) in order {
        let answers = patient.ask_all(view)?;
        tally.hold(name, expected, &answers);
    }
    // More pictures than the engine keeps.
    for shown in &patient.pictograms {
        patient.ask(Some(&shown.view), &STATEMENTS[..1])?;
        let flipped = image::imageops::flip_horizontal(&**shown.view.pixels());
        patient.ask(Some(&View::whole(flipped)), &STATEMENTS[..1])?;
    }
    let answers = patient.ask_all(first)?;
    tally.hold("after many other pictures", &one, &answers);
    let bad = "A picture leaves a trace in the answers about the next one, so that a verdict depends \
               on what was judged before. Do not use this backend: report it with the model's name.";
    Ok(tally.check(Concern::Contamination, "after other pictures", bad))
}

/// What becomes of the same questions under other circumstances.
struct Tally<'a, 'model> {
    patient: &'a Patient<'model>,
    priors: &'a [Answer],
    largest: f64,
    changed: usize,
    compared: usize,
    details: Vec<String>,
}

impl<'a, 'model> Tally<'a, 'model> {
    fn new(patient: &'a Patient<'model>, priors: &'a [Answer]) -> Self {
        Self { patient, priors, largest: 0.0, changed: 0, compared: 0, details: Vec::new() }
    }

    fn hold(&mut self, name: &str, expected: &[Answer], answers: &[Answer]) {
        let difference = furthest(expected, answers);
        let mut changed = 0;
        for ((expected, answer), prior) in expected.iter().zip(answers).zip(self.priors) {
            changed += usize::from(decision(expected, prior) != decision(answer, prior));
        }
        if difference > self.patient.rounding() || changed > 0 {
            self.details.push(format!(
                "{name}: by up to {}, {changed} decisions changed",
                shown_gap(difference)
            ));
        }
        self.largest = f64::max(self.largest, difference);
        self.changed += changed;
        self.compared += answers.len();
    }

    fn check(self, id: Concern, circumstances: &str, bad: &str) -> Check {
        let Self { patient, largest, changed, compared, mut details, .. } = self;
        let rounding = patient.rounding();
        let (grade, meaning) = if !patient.is_steady() && largest <= rounding {
            details.clear();
            (Grade::Pass, "No more than the model's own scatter, see `determinism`.")
        } else if largest > f64::max(rounding, APART) || (largest > rounding && changed > 0) {
            (Grade::Fail, bad)
        } else if largest > rounding {
            (
                Grade::Warning,
                "More than rounding should do, and no decision changed. Coarse quantisation may do \
                 this: compare with a finer one of the same model.",
            )
        } else if changed > 0 {
            (
                Grade::Warning,
                "Rounding alone, on scores that lie on a line: such a precondition may be decided \
                 either way.",
            )
        } else {
            (Grade::Pass, "An answer depends on its picture and its question alone.")
        };
        let found = format!(
            "{circumstances}, {compared} answers differ in log-odds by up to {}; {changed} decisions \
             changed",
            shown_gap(largest)
        );
        Check::new(id, grade, found, meaning)
            .with_details(details)
            .with("largest", largest)
            .with("tolerance", rounding)
            .count("decisions_changed", changed)
    }
}
