//! Answers in words, as UnsafeBench (arXiv 2405.03486) asks for them: what is asked, and what is kept.
//!
//! The likeliest word each time (the paper's temperature 0) and at most [`MOST_TOKENS`]. The paper has
//! a trained model turn free text into a label, and a label of chance where that is unsure. Here an
//! answer is read by a rule, and what the rule does not fit is no answer: see [`label`] and
//! [`super::perspectivevision`].

pub(super) mod label;

use super::JudgeError;
use crate::ids::ViewKind;
use crate::imaging::View;
use crate::prompts::labels::Category;
use crate::verdict::{Finding, Holds, Reasoning, Step, Why};
use crate::vlm::Vlm;
use crate::vlm::chat::{Form, Generate, Reply, Turn};

/// Tokens of an answer at most, as in the paper. There a longer answer is cut off and read all the
/// same; here it is none, since nobody knows what it was coming to.
const MOST_TOKENS: u32 = 512;

/// Characters of an answer that are quoted where it does not fit.
const QUOTED: usize = 80;

/// What a policy forbids, as the questions have it: the rules' own texts, under their ids.
pub(super) fn categories(policy: &crate::constitution::Policy) -> Vec<Category> {
    let category = |rule: &crate::constitution::PolicyRule| Category {
        name: rule.id.to_string(),
        definition: rule.text.clone(),
    };
    policy.rules.iter().map(category).collect()
}

/// Asks questions about one view, each in a conversation of its own; the answers in their order.
pub(super) fn ask(
    model: &dyn Vlm,
    view: &View,
    questions: &[String],
) -> Result<Vec<Result<String, Why>>, JudgeError> {
    let conversations: Vec<Vec<Turn>> =
        questions.iter().map(|question| vec![Turn::User(question.clone())]).collect();
    let generate = Generate { most_tokens: MOST_TOKENS, form: Form::Free };
    let mut replies = model.chat(Some(view), &conversations, &generate)?.into_iter();
    let heard = |reply: Option<Reply>| match reply {
        Some(Reply::Said(said)) if said.trim().is_empty() => Err(Why::Empty),
        Some(Reply::Said(said)) => Ok(said),
        Some(Reply::Unavailable(why)) => Err(why),
        None => Err(Why::failed("the model gave fewer replies than it was asked for")),
    };
    Ok(questions.iter().map(|_| heard(replies.next())).collect())
}

/// What is known of one question: the whole answer, and the label that it states.
pub(super) fn finding(
    about: &str,
    answer: Result<String, Why>,
    read: impl FnOnce(&str) -> Option<Holds>,
) -> Finding {
    let open = Finding::open(about, ViewKind::Whole);
    let said = match answer {
        Ok(said) => said,
        Err(why) => return Finding { why: Some(why), ..open },
    };
    let stated = read(&said);
    let rating = stated.unwrap_or(Holds::Unknown);
    let why = stated.is_none().then(|| Why::Unparsable { detail: quoted(&said) });
    let by = stated.map(|_| Step::Stated);
    let reasoning = Reasoning { thoughts: said, rating, rationale: String::new() };
    Finding { reasoning: Some(reasoning), holds: rating, by, why, ..open }
}

/// The beginning of an answer that does not fit, on one line.
fn quoted(said: &str) -> String {
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = line.chars().take(QUOTED).collect();
    let more = if start.len() < line.len() { "…" } else { "" };
    format!("no label in `{start}{more}`")
}
