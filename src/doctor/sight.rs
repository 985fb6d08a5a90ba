//! Whether the picture matters, and whether what is plain to see is seen.

use super::patient::{Patient, decision, furthest, m, shown_gap};
use super::pictures::{PICTOGRAM_PAIRS, Pair, SHAPE_PAIRS, Shown, shapes};
use super::report::{Check, Concern, Grade};
use super::{Knows, not_run};
use crate::imaging::View;
use crate::verdict::Holds;
use crate::vlm::{Answer, VlmError};

/// Pairs of 100 that must be right.
const LEAST_RIGHT: usize = 80;

/// Two pictures, none, and the same picture again.
pub(super) fn picture(patient: &Patient<'_>) -> Result<Check, VlmError> {
    let (first, second) = (patient.picture(0), patient.picture(1));
    let copy = first.map(|view| View::whole((**view.pixels()).clone()));
    let seen = patient.settled(first)?;
    let same = furthest(&seen, &patient.ask_all(copy.as_ref())?);
    let other = furthest(&seen, &patient.settled(second)?);
    let none = furthest(&seen, &patient.settled(None)?);
    let rounding = patient.rounding();
    let (grade, meaning) = if other <= rounding {
        patient.is_blind();
        (
            Grade::Fail,
            "The model does not look: two different pictures get the same answers. The projector is \
             most often the cause: it must be the one made for this model, and the chat template \
             must take an image.",
        )
    } else if none <= rounding {
        (
            Grade::Fail,
            "With a picture it says what it says without one, so that debiasing has nothing to hold \
             it against. Check that the projector belongs to the model.",
        )
    } else if same > rounding {
        (Grade::Fail, "The same pixels get different answers, so that no verdict can be repeated.")
    } else {
        (Grade::Pass, "Answers change with the picture and with nothing else.")
    };
    let found = format!(
        "log-odds move by up to {} from picture to picture, by {} without one, by {} on a copy",
        shown_gap(other),
        shown_gap(none),
        shown_gap(same)
    );
    Ok(Check::new(Concern::Picture, grade, found, meaning)
        .with("other_picture", other)
        .with("no_picture", none)
        .with("same_picture", same))
}

/// A pair that was asked.
struct Asked {
    pair: Pair,
    /// M with the content, and without.
    m: Option<(f64, f64)>,
    /// Both decided as a person would.
    decided: bool,
}

impl Asked {
    fn is_right(&self) -> bool {
        self.m.is_some_and(|(on, not_on)| on > not_on)
    }

    fn line(&self) -> String {
        let Pair { statement, on, not_on } = self.pair;
        match self.m {
            Some((with, without)) => {
                format!("{statement}: M {with:.3} with it ({on}), {without:.3} without ({not_on})")
            }
            None => format!("{statement}: no answer with it ({on}) or without ({not_on})"),
        }
    }
}

/// Pictures with and without a thing: is M higher with it?
pub(super) fn content(patient: &Patient<'_>) -> Result<Check, VlmError> {
    if patient.found_blind() {
        return Ok(not_run(Concern::Content, Concern::Picture));
    }
    let mut asked = ask_pairs(patient, &patient.pictograms, &PICTOGRAM_PAIRS)?;
    if patient.given.knows == Knows::Everything {
        asked.extend(ask_pairs(patient, &shapes(), &SHAPE_PAIRS)?);
    }
    let right = asked.iter().filter(|asked| asked.is_right()).count();
    let decided = asked.iter().filter(|asked| asked.decided).count();
    let wrong: Vec<String> =
        asked.iter().filter(|asked| !asked.is_right()).map(Asked::line).collect();
    let (grade, meaning) = if right * 100 < asked.len() * LEAST_RIGHT {
        (
            Grade::Fail,
            "The model looks but does not see what is plain: chance alone gets half of the pairs. \
             Either the projector is not this model's, or the model is too weak to judge.",
        )
    } else if right < asked.len() {
        (
            Grade::Pass,
            "It sees most of what is plain, with the slips below. It says nothing of photographs: \
             hold verdicts against labels with `praetor eval`.",
        )
    } else {
        (
            Grade::Pass,
            "It sees what is plain. It says nothing of photographs: hold verdicts against labels \
             with `praetor eval`.",
        )
    };
    let found = format!(
        "M is higher with the content than without in {right} of {} pairs; {decided} of them are \
         decided Yes and not Yes by the paper's lines",
        asked.len()
    );
    Ok(Check::new(Concern::Content, grade, found, meaning)
        .with_details(wrong)
        .count("pairs", asked.len())
        .count("right", right)
        .count("decided", decided))
}

/// Every statement is asked of every picture that needs it, one call a picture.
fn ask_pairs(
    patient: &Patient<'_>,
    shown: &[Shown],
    pairs: &[Pair],
) -> Result<Vec<Asked>, VlmError> {
    let statements: Vec<&str> = pairs.iter().map(|pair| pair.statement).collect();
    let priors = patient.ask(None, &statements)?;
    let mut by_picture: Vec<(&str, Vec<Answer>)> = Vec::new();
    for Shown { name, view } in shown {
        by_picture.push((name, patient.ask(Some(view), &statements)?));
    }
    let answer = |name: &str, index: usize| {
        let (_, answers) = by_picture.iter().find(|(shown, _)| *shown == name)?;
        answers.get(index)
    };
    let look = |(index, pair): (usize, &Pair)| {
        let both = answer(pair.on, index).zip(answer(pair.not_on, index));
        let m = both.and_then(|(on, not_on)| m(on).zip(m(not_on)));
        let decided = both.zip(priors.get(index)).is_some_and(|((on, not_on), prior)| {
            decision(on, prior) == Some(Holds::Yes) && decision(not_on, prior) != Some(Holds::Yes)
        });
        Asked { pair: *pair, m, decided }
    };
    Ok(pairs.iter().enumerate().map(look).collect())
}
