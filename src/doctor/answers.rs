//! Whether the first token is Yes or No, and what it is without a picture.

use super::patient::{Patient, m};
use super::report::{Check, Concern, Grade};
use crate::judge::decision::LEAST_MASS;
use crate::units::percent;
use crate::vlm::{Answer, VlmError};

/// Below this share of the first token something else is likelier than Yes and No together.
const HALF: f64 = 0.5;

/// Up to this share of questions may go unanswered; judging leaves them undetermined.
const MOST_UNANSWERED: f64 = 0.1;

/// A prior outside these leaves next to no room on one side of the paper's band.
const EXTREME: (f64, f64) = (0.05, 0.95);

/// Up to this share of priors may be extreme.
const MOST_EXTREME: f64 = 0.25;

/// Statements that ordinary pictures may or may not bear out.
const NEUTRAL: [&str; 10] = [
    "a person is visible",
    "a tree is visible",
    "a car is visible",
    "a house is visible",
    "an animal is visible",
    "a child is visible",
    "a knife is visible",
    "fire is visible",
    "a flower is visible",
    "a weapon is visible or a drug is visible",
];

/// How much of the first token Yes and No are, with pictures and without.
pub(super) fn mass(patient: &Patient<'_>) -> Result<Check, VlmError> {
    let mut answers = Vec::new();
    for shown in &patient.pictograms {
        answers.extend(patient.ask_all(Some(&shown.view))?);
        answers.extend(patient.model.answers(Some(&shown.view), &[&patient.unfit])?);
    }
    let without = patient.ask_all(None)?;
    Ok(graded(&Masses::of(&answers), &Masses::of(&without)))
}

/// Shares of the first token, in ascending order.
struct Masses {
    had: Vec<f64>,
    asked: usize,
    unavailable: Option<String>,
}

impl Masses {
    fn of(answers: &[Answer]) -> Self {
        let mut had = Vec::new();
        let mut unavailable = None;
        for answer in answers {
            match answer {
                Answer::Seen(answer) => had.push(answer.mass().value()),
                Answer::Said(_) => {
                    unavailable = Some("the answer came without a probability".to_owned());
                }
                Answer::Unavailable(why) => unavailable = Some(why.to_string()),
            }
        }
        had.sort_by(f64::total_cmp);
        Self { had, asked: answers.len(), unavailable }
    }

    fn lowest(&self) -> f64 {
        self.had.first().copied().unwrap_or(0.0)
    }

    fn median(&self) -> f64 {
        self.had.get(self.had.len() / 2).copied().unwrap_or(0.0)
    }

    /// How many are no answer by the line that judging draws.
    fn unanswered(&self) -> usize {
        let answered = self.had.iter().filter(|mass| **mass >= LEAST_MASS).count();
        self.asked.saturating_sub(answered)
    }
}

fn graded(with: &Masses, without: &Masses) -> Check {
    let unanswered = with.unanswered();
    let (grade, meaning) = if share(unanswered, with.asked) > MOST_UNANSWERED {
        (
            Grade::Fail,
            "The model is about to say something else, and below 10 % praetor counts no answer: most \
             rules would end undetermined. Check that the files are an instruction-tuned model \
             with its own chat template; a model that thinks aloud first can't judge by its first \
             token.",
        )
    } else if unanswered > 0 || with.lowest() < HALF {
        (
            Grade::Warning,
            "Some first tokens are mostly something else. Below 10 % praetor counts no answer, and \
             such a rule ends undetermined: try your own rules with `praetor explain` and see how \
             often.",
        )
    } else if without.median() < LEAST_MASS {
        (
            Grade::Warning,
            "Without a picture the model hardly says Yes or No, so that its prior is a ratio of two \
             accidents: compare with `--without prior`.",
        )
    } else {
        (Grade::Pass, "The model answers in its first token, which is where praetor reads.")
    };
    let found = format!(
        "Yes and No are {} of the first token (median; lowest {}) in {} answers on pictures, and {} \
         without a picture; {} below 10 %",
        percent(with.median(), 1),
        percent(with.lowest(), 1),
        with.asked,
        percent(without.median(), 1),
        if unanswered == 0 { "none".to_owned() } else { unanswered.to_string() },
    );
    let details = [&with.unavailable, &without.unavailable].into_iter().flatten();
    Check::new(Concern::Answers, grade, found, meaning)
        .with_details(details.map(|why| format!("no answer: {why}")).collect())
        .with("lowest_mass", with.lowest())
        .with("median_mass", with.median())
        .with("median_mass_without_picture", without.median())
        .count("answers", with.asked)
        .count("unanswered", unanswered)
}

/// Whether the priors of neutral statements leave room on both sides.
pub(super) fn priors(patient: &Patient<'_>) -> Result<Check, VlmError> {
    let answers = patient.ask(None, &NEUTRAL)?;
    let priors: Vec<Option<f64>> = answers.iter().map(m).collect();
    let known: Vec<f64> = priors.iter().flatten().copied().collect();
    let low = known.iter().filter(|prior| **prior < EXTREME.0).count();
    let high = known.iter().filter(|prior| **prior > EXTREME.1).count();
    let missing = NEUTRAL.len() - known.len();
    let many = |count| share(count, NEUTRAL.len()) > MOST_EXTREME;
    let (grade, meaning) = if missing > 0 {
        (Grade::Fail, "Without a prior a rule ends undetermined: use `--without prior`.")
    } else if many(high) {
        (
            Grade::Warning,
            "Without a picture the model says Yes to nearly everything. Content is accepted only \
             above 0.8 + 0.2 M0, and rejected below 0.7 M0: violations tend to stay undecided. Set \
             `accept_above_prior` by `praetor tune`, or compare with `--without prior`.",
        )
    } else if many(low) {
        (
            Grade::Warning,
            "Without a picture the model says No to nearly everything. Content is rejected only \
             below 0.7 M0, which is then a few hundredths: absent content tends to stay undecided and \
             costs reasoning. Set `reject_below_prior` by `praetor tune`, or compare with \
             `--without prior`.",
        )
    } else {
        (
            Grade::Pass,
            "The paper's lines, 0.7 M0 below and 0.8 + 0.2 M0 above, leave room on both sides.",
        )
    };
    let (least, most) = known
        .iter()
        .fold((1.0, 0.0), |(least, most), prior| (f64::min(least, *prior), f64::max(most, *prior)));
    let found = format!(
        "{} of {} neutral statements have an extreme prior M0 ({low} below {}, {high} above {}); they \
         run from {least:.3} to {most:.3}",
        low + high,
        NEUTRAL.len(),
        EXTREME.0,
        EXTREME.1
    );
    let named = |(statement, prior): (&&str, &Option<f64>)| {
        let prior = (*prior)?;
        let extreme = !(EXTREME.0..=EXTREME.1).contains(&prior);
        extreme.then(|| format!("{statement}: {prior:.4}"))
    };
    Ok(Check::new(Concern::Priors, grade, found, meaning)
        .with_details(NEUTRAL.iter().zip(&priors).filter_map(named).collect())
        .count("below", low)
        .count("above", high)
        .count("statements", NEUTRAL.len()))
}

#[expect(clippy::cast_precision_loss, reason = "counts of questions are far below 2^52")]
fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}
