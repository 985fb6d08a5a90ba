//! Whether the model can reason in words and sum up as JSON.

use serde_json::{Value, json};

use super::patient::Patient;
use super::report::{Check, Concern, Grade};
use crate::prompts::Topic;
use crate::reason::{MOST_THOUGHT, Reasoned, reason};
use crate::verdict::Why;
use crate::vlm::VlmError;
use crate::vlm::chat::{Form, Generate, Reply, Turn};

/// Tokens of a JSON reply at most.
const MOST_JSON: u32 = 128;

const ABOUT: &str = "Name three things that a kitchen has.";
const AS_JSON: &str = "Is a knife a tool? Answer in JSON: {\"answer\": \"Yes\" or \"No\"}";

/// Reasoning as judging does it, and a talk about nothing that is shown.
pub(super) fn talking(patient: &Patient<'_>) -> Result<Check, VlmError> {
    let problems = with_picture(patient)?;
    let alone = without_picture(patient)?;
    let (grade, meaning) = if problems.is_empty() && alone.is_empty() {
        (Grade::Pass, "What the numbers leave undecided can be reasoned about.")
    } else if problems.is_empty() {
        (
            Grade::Warning,
            "Judging works. Without a picture the model can't hold a talk, so that another one has \
             to help with writing policies.",
        )
    } else if problems.iter().all(|problem| problem.cramped) {
        (
            Grade::Warning,
            "There is no room to think beside a picture: give more with `--context`, if the model \
             was trained on more, or use `--without reasoning`.",
        )
    } else {
        (
            Grade::Warning,
            "What the numbers leave undecided can't be reasoned about, and would end undetermined \
             after a long wait: use `--without reasoning`.",
        )
    };
    let word = |problems: &[Problem]| if problems.is_empty() { "works" } else { "fails" };
    let found = format!(
        "reasoning about a picture, summed up as JSON, {}; a talk without a picture {}",
        word(&problems),
        word(&alone)
    );
    Ok(Check::new(Concern::Talking, grade, found, meaning)
        .count("problems_with_picture", problems.len())
        .count("problems_without_picture", alone.len())
        .with_details(problems.into_iter().chain(alone).map(|problem| problem.line).collect()))
}

/// Something that could not be said.
struct Problem {
    line: String,
    /// For want of room in the context.
    cramped: bool,
}

fn with_picture(patient: &Patient<'_>) -> Result<Vec<Problem>, VlmError> {
    let topics = ["a knife is visible", "a car is visible"]
        .map(|statement| Topic::Visible { statement: statement.to_owned() });
    let Some(view) = patient.picture(0) else { return Ok(Vec::new()) };
    let reasoned = reason(patient.model, &patient.prompts, view, &topics)?;
    let problem = |reasoned: &Reasoned| {
        let why = reasoned.why.as_ref()?;
        let turn = if reasoned.reasoning.is_some() { "the summary" } else { "the thoughts" };
        let cramped = matches!(why, Why::TooLong { .. });
        Some(Problem { line: format!("with a picture, {turn}: {why}"), cramped })
    };
    Ok(reasoned.iter().filter_map(problem).collect())
}

fn without_picture(patient: &Patient<'_>) -> Result<Vec<Problem>, VlmError> {
    let schema = json!({
        "type": "object",
        "properties": { "answer": { "enum": ["Yes", "No"] } },
        "required": ["answer"],
        "additionalProperties": false,
    });
    let free = Generate { most_tokens: MOST_THOUGHT, form: Form::Free };
    let held = Generate { most_tokens: MOST_JSON, form: Form::Json(schema) };
    let mut problems = Vec::new();
    for (name, text, generate) in [("a free reply", ABOUT, &free), ("JSON", AS_JSON, &held)] {
        let replies = patient.model.chat(None, &[vec![Turn::User(text.to_owned())]], generate)?;
        let wrong = match replies.first() {
            Some(Reply::Said(said)) if said.is_empty() => "the reply was empty".to_owned(),
            Some(Reply::Said(said)) if name == "JSON" && !is_answer(said) => {
                format!("`{}` is not what the schema allows", said.escape_debug())
            }
            Some(Reply::Said(_)) => continue,
            Some(Reply::Unavailable(why)) => why.to_string(),
            None => "there was no reply".to_owned(),
        };
        let line = format!("without a picture, {name}: {wrong}");
        problems.push(Problem { line, cramped: false });
    }
    Ok(problems)
}

fn is_answer(said: &str) -> bool {
    let value: Option<Value> = serde_json::from_str(said).ok();
    let answer = value.as_ref().and_then(|value| value.get("answer")).and_then(Value::as_str);
    answer.is_some_and(|answer| ["Yes", "No"].contains(&answer))
}
