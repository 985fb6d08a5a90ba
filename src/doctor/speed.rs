//! How quick a model is: one question a picture, and a policy's worth.

use std::time::{Duration, Instant};

use super::patient::Patient;
use super::pictures::{PHOTOGRAPH, fresh};
use super::report::{Check, Concern, Grade};
use crate::imaging::View;
use crate::vlm::{Answer, VlmError};

/// Questions that a policy of ordinary size asks of a picture.
const POLICY: usize = 32;
/// Pictures asked at most.
const MOST_PICTURES: u8 = 16;
/// No further picture is begun after this time.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

const THINGS: [&str; 8] = ["knife", "gun", "child", "dog", "cat", "fire", "skull", "syringe"];

/// Pictures and questions a second.
pub(super) fn throughput(patient: &Patient<'_>) -> Result<Check, VlmError> {
    let Some(view) = patient.picture(1) else {
        return Ok(Check::new(Concern::Throughput, Grade::Info, "nothing was measured", ""));
    };
    let pictures = fresh(view, MOST_PICTURES);
    let (for_one, for_many) = pictures.split_at(pictures.len() / 2);
    let questions: Vec<String> = (0..POLICY)
        .map(|index| {
            let (one, other) = (THINGS[index % 8], THINGS[(index / 8 + index + 1) % 8]);
            if index < 8 {
                format!("a {one} is visible")
            } else {
                format!("a {one} is visible or a {other} is visible")
            }
        })
        .collect();
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    // Memory that is touched for the first time would be counted otherwise.
    patient.ask(Some(view), &questions)?;
    let one = measure(patient, for_one, &questions[..1])?;
    let many = measure(patient, for_many, &questions)?;
    let size = format!("{} x {}", PHOTOGRAPH.0, PHOTOGRAPH.1);
    if one.unanswered + many.unanswered > 0 {
        let why = one.why.or(many.why).unwrap_or_default();
        let found = format!("it can't be measured on pictures of {size}: {why}");
        return Ok(Check::new(Concern::Throughput, Grade::Info, found, "See `room`."));
    }
    let found = format!(
        "pictures of {size}: {} a second with one question each; {} with {POLICY}, which is {} \
         questions a second",
        rate(one.pictures_a_second()),
        rate(many.pictures_a_second()),
        rate(many.questions_a_second())
    );
    let meaning = "On this machine and with these flags, before any reasoning. The pictures are new \
                   to the model; asked again, they would be quicker.";
    Ok(Check::new(Concern::Throughput, Grade::Info, found, meaning)
        .with("pictures_a_second_1_question", one.pictures_a_second())
        .with("pictures_a_second_32_questions", many.pictures_a_second())
        .with("questions_a_second_32_questions", many.questions_a_second()))
}

struct Measured {
    pictures: u32,
    questions: u32,
    unanswered: usize,
    why: Option<String>,
    took: Duration,
}

impl Measured {
    fn pictures_a_second(&self) -> f64 {
        f64::from(self.pictures) / self.took.as_secs_f64().max(1e-6)
    }

    fn questions_a_second(&self) -> f64 {
        f64::from(self.questions) / self.took.as_secs_f64().max(1e-6)
    }
}

fn measure(
    patient: &Patient<'_>,
    pictures: &[View],
    questions: &[&str],
) -> Result<Measured, VlmError> {
    let mut measured =
        Measured { pictures: 0, questions: 0, unanswered: 0, why: None, took: Duration::ZERO };
    let start = Instant::now();
    for view in pictures {
        let answers = patient.ask(Some(view), questions)?;
        for answer in &answers {
            if let Answer::Unavailable(why) = answer {
                measured.unanswered += 1;
                measured.why = Some(why.to_string());
            }
        }
        measured.pictures += 1;
        measured.questions += u32::try_from(answers.len()).unwrap_or(u32::MAX);
        if start.elapsed() > LONG_ENOUGH {
            break;
        }
    }
    measured.took = start.elapsed();
    Ok(measured)
}

/// Two or three digits that count.
fn rate(number: f64) -> String {
    match number {
        ..1.0 => format!("{number:.2}"),
        1.0..10.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}
