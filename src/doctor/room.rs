//! What fits the context, and what becomes of a question that does not.
//!
//! A backend that refuses says how many tokens were needed, so that two refusals tell how large a
//! picture and a question are, whatever tokenizer counts them.

use super::patient::{APART, Patient, furthest, shown_gap};
use super::pictures::{PHOTOGRAPH, fresh};
use super::report::{Check, Concern, Grade};
use crate::imaging::View;
use crate::verdict::Why;
use crate::vlm::{Answer, VlmError};

/// A statement of ordinary length.
const ORDINARY: &str = "a knife is visible or a gun is visible";
/// Its words.
const ORDINARY_WORDS: u64 = 9;
/// What an overlong statement repeats; each word is a token at least.
const WORD: &str = " knife";

/// Fewer questions beside a picture than this make judging slow.
const FEW: u64 = 32;

/// A statement longer than the context, with a picture and without.
pub(super) fn room(patient: &Patient<'_>) -> Result<Check, VlmError> {
    if patient.given.context_tokens == 0 {
        let found = "the server does not say how large its context is";
        let meaning =
            "A question that does not fit ends undetermined, with the server's own words.";
        return Ok(Check::new(Concern::Room, Grade::Info, found.to_owned(), meaning));
    }
    let view = patient.picture(0);
    let before = patient.settled(view)?;
    let photograph = view.and_then(|view| fresh(view, 1).pop());
    let photograph = photograph.as_ref();
    if let Some(Answer::Unavailable(why)) = patient.ask(photograph, &[ORDINARY])?.first() {
        let found =
            format!("a picture of {} x {} can't be asked about: {why}", PHOTOGRAPH.0, PHOTOGRAPH.1);
        let meaning = "Photographs of this size would end undetermined: give more room with \
                       `--context`, if the model was trained on more, or shrink them.";
        return Ok(Check::new(Concern::Room, Grade::Warning, found, meaning));
    }
    let words = u64::from(patient.given.context_tokens) + 1;
    let seen = Refusal::of(patient, photograph, words)?;
    let unseen = Refusal::of(patient, None, words)?;
    let twice = Refusal::of(patient, None, words * 2)?;
    let moved = furthest(&before, &patient.settled(view)?);
    if moved > f64::max(patient.rounding(), APART) {
        let found = format!(
            "after a statement that was too long, the others' log-odds move by {}",
            shown_gap(moved)
        );
        let meaning = "One overlong rule would spoil the rules beside it. Do not use this backend.";
        return Ok(Check::new(Concern::Room, Grade::Fail, found, meaning));
    }
    let (Some(seen), Some(unseen), Some(twice)) = (seen, unseen, twice) else {
        let found = format!("a statement of {words} words got no refusal that names the context");
        let meaning = "The backend takes more than it was given room for, or cuts what is too long \
                       without a word; a rule's end may then never be read. Keep rules short.";
        return Ok(Check::new(Concern::Room, Grade::Warning, found, meaning));
    };
    Ok(counted(words, seen, unseen, twice))
}

/// What a refusal says.
#[derive(Clone, Copy)]
struct Refusal {
    needed: u64,
    limit: u64,
}

impl Refusal {
    fn of(
        patient: &Patient<'_>,
        view: Option<&View>,
        words: u64,
    ) -> Result<Option<Self>, VlmError> {
        let statement = WORD.repeat(usize::try_from(words).unwrap_or(usize::MAX));
        Ok(match patient.ask(view, &[&statement])?.first() {
            Some(Answer::Unavailable(Why::TooLong { needed, limit })) => {
                Some(Self { needed: u64::from(*needed), limit: u64::from(*limit) })
            }
            _ => None,
        })
    }
}

/// Works sizes out of three refusals.
fn counted(words: u64, seen: Refusal, unseen: Refusal, twice: Refusal) -> Check {
    let by_words = twice.needed.saturating_sub(unseen.needed);
    let question = unseen.needed.saturating_sub(by_words);
    let picture = seen.needed.saturating_sub(unseen.needed);
    // Rounded up, so that the number of questions is one that is sure to fit.
    let one = question + (by_words * ORDINARY_WORDS).div_ceil(words.max(1));
    let fit = seen.limit.saturating_sub(picture) / one.max(1);
    let (grade, meaning) = if fit == 0 {
        (
            Grade::Fail,
            "A picture leaves no room for a question: give more room with `--context`, if the model \
             was trained on more.",
        )
    } else if fit < FEW {
        (
            Grade::Warning,
            "A picture's questions need several batches, which is slower: give more room with \
             `--context`, if the model was trained on more.",
        )
    } else {
        (
            Grade::Pass,
            "What does not fit is refused with its numbers and ends undetermined; more questions \
             than fit are asked batch by batch.",
        )
    };
    let found = format!(
        "the context has {} tokens; a picture of {} x {} takes {picture} and a question such as \
         \"{ORDINARY}\" {one}, so that {fit} fit beside it",
        seen.limit, PHOTOGRAPH.0, PHOTOGRAPH.1
    );
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Check::new(Concern::Room, grade, found, meaning)
        .count("context_tokens", number(seen.limit))
        .count("picture_tokens", number(picture))
        .count("question_tokens", number(one))
        .count("questions_that_fit", number(fit))
}
