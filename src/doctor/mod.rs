//! Examines a model before anybody trusts it with images.
//!
//! Model cards do not say whether a pair of files, a build of the engine and its settings answer a
//! Yes/No question at all, look at the picture, and give one answer whatever else is asked beside
//! it. [`examine`] finds out on any [`Vlm`], with small pictures that praetor carries: a few hundred
//! questions. It says nothing of how well the model judges photographs; only labels do (`praetor
//! eval`).
//!
//! A room of its own and not part of `vlm`, since it holds answers to the lines by which verdicts
//! are decided (`judge::decision`), and thinks as judging does (`reason`). The model must be bare: a
//! cache between it and the doctor would answer for it.
//!
//! A later check leans on what an earlier one has found: where the same question gets two answers,
//! no difference is blamed on order or on another picture.

mod answers;
mod hostile;
mod patient;
mod pictures;
mod report;
mod room;
mod same;
mod sight;
mod speed;
mod talking;

pub use self::report::{Check, Concern, Grade, Report};

use self::patient::Patient;
use crate::prompts::PromptError;
use crate::vlm::{Vlm, VlmError};

/// What is known of a model beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// Tokens of context it was loaded with; a statement of more words must not fit. 0 where nobody
    /// knows: what fits is then not looked at.
    pub context_tokens: u32,
    /// What it can be expected to see.
    pub knows: Knows,
}

/// What a model can be expected to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knows {
    /// Whatever people know.
    Everything,
    /// The demo model's pictograms, and neither colours nor shapes.
    Pictograms,
}

type Run = fn(&Patient<'_>) -> Result<Check, VlmError>;

/// Every check, in the order in which they run.
const CHECKS: [(Concern, Run); 11] = [
    (Concern::Answers, answers::mass),
    (Concern::Determinism, same::determinism),
    (Concern::Picture, sight::picture),
    (Concern::Order, same::order),
    (Concern::Contamination, same::contamination),
    (Concern::Content, sight::content),
    (Concern::Injection, hostile::injection),
    (Concern::Talking, talking::talking),
    (Concern::Priors, answers::priors),
    (Concern::Room, room::room),
    (Concern::Throughput, speed::throughput),
];

/// Examines a model, and tells of each check as it ends.
///
/// ```
/// use praetor::doctor::{Concern, Given, Grade, Knows, examine};
/// // It says the same whatever it is shown.
/// let model = praetor::vlm::scripted::ScriptedVlm::new(0.2);
/// let given = Given { context_tokens: 64, knows: Knows::Everything };
/// let report = examine(&model, given, |_| {})?;
/// let picture = report.checks.iter().find(|check| check.id == Concern::Picture);
/// assert_eq!(picture.map(|check| check.verdict), Some(Grade::Fail));
/// # Ok::<(), praetor::doctor::DoctorError>(())
/// ```
///
/// # Errors
/// [`DoctorError`] when what praetor carries can't be used. That the backend fails is a finding: the
/// check during which it stopped fails, and those after it do not run.
pub fn examine(
    model: &dyn Vlm,
    given: Given,
    mut tell: impl FnMut(&Check),
) -> Result<Report, DoctorError> {
    let patient = Patient::new(model, given)?;
    let mut checks = Vec::new();
    let mut stopped: Option<Concern> = None;
    for (id, run) in CHECKS {
        let check = match stopped {
            Some(during) => not_run(id, during),
            None => run(&patient).unwrap_or_else(|error| {
                stopped = Some(id);
                stopped_during(id, &error)
            }),
        };
        tell(&check);
        checks.push(check);
    }
    Ok(Report::of(Some(model.model().clone()), checks))
}

fn stopped_during(id: Concern, error: &VlmError) -> Check {
    let meaning = "The backend can't go on: a run would end here. Run again with --verbose to see \
                   what it said last; not enough memory is the usual cause.";
    Check::new(id, Grade::Fail, error.to_string(), meaning)
}

fn not_run(id: Concern, because_of: Concern) -> Check {
    let found = format!("not looked at, since `{}` failed", because_of.name());
    Check::new(id, Grade::NotRun, found, "Mend that first and run the doctor again.")
}

/// What praetor carries for an examination can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoctorError {
    /// An embedded picture does not decode.
    #[error("the embedded picture `{name}` can't be decoded: {detail}")]
    Picture {
        /// What is on it.
        name: &'static str,
        /// What the decoder said.
        detail: String,
    },
    /// A built-in template does not render.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}
