//! Stage 4 of CLUE: what the numbers leave undecided is thought about.
//!
//! Section "Cascaded Reasoning": a turn of free thinking, step by step, then a turn that sums it up
//! as JSON, held to a schema where the backend can. All topics of a view are thought about in
//! parallel, and the view's image is most often still in the model's cache from the judging.
//!
//! A rating is taken as it is. How probable the model finds its own rating after having thought is
//! no measure of anything and is not asked.

mod answer;

use self::answer::{Rated, parse};
use crate::imaging::View;
use crate::prompts::{Prompts, Topic};
use crate::verdict::{Holds, Reasoning, Why};
use crate::vlm::chat::{Form, Generate, Reply, Turn};
use crate::vlm::{Vlm, VlmError};

/// Tokens of thinking at most. praetor's own; a text that is not done by then hardly ends.
pub const MOST_THOUGHT: u32 = 512;

/// Tokens of the summary at most.
const MOST_SUMMARY: u32 = 256;

/// What came of thinking about one topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Reasoned {
    /// What was said, as far as it was.
    pub reasoning: Option<Reasoning>,
    /// Why there is no rating; nothing when there is one.
    pub why: Option<Why>,
}

impl Reasoned {
    fn failed(why: Why) -> Self {
        Self { reasoning: None, why: Some(why) }
    }

    /// The rating, or unknown.
    pub fn rating(&self) -> Holds {
        self.reasoning.as_ref().map_or(Holds::Unknown, |reasoning| reasoning.rating)
    }
}

/// Thinks about topics on one view; what came of each, in their order.
///
/// # Errors
/// When the model is gone. A reply that can't be had, is empty, does not end, goes round in
/// circles or is no rating is a [`Reasoned`] without one.
pub fn reason(
    model: &dyn Vlm,
    prompts: &Prompts,
    view: &View,
    topics: &[Topic],
) -> Result<Vec<Reasoned>, VlmError> {
    let first = |topic: &Topic| Ok(vec![Turn::User(prompts.reason(topic).map_err(Why::failed)?)]);
    let opened = topics.iter().map(first).collect();
    let thought =
        say(model, view, opened, &Generate { most_tokens: MOST_THOUGHT, form: Form::Free })?;

    let second = |(topic, thought): (&Topic, Result<Conversation, Why>)| {
        let Conversation { mut turns, said } = thought?;
        turns.push(Turn::Assistant(said));
        turns.push(Turn::User(prompts.rating(topic).map_err(Why::failed)?));
        Ok(turns)
    };
    let going_on: Vec<Result<Vec<Turn>, Why>> = topics.iter().zip(thought).map(second).collect();
    let summary = Generate { most_tokens: MOST_SUMMARY, form: Form::Json(answer::schema()) };
    let summed_up = say(model, view, going_on.clone(), &summary)?;
    Ok(going_on.into_iter().zip(summed_up).map(conclude).collect())
}

/// The turns so far, and what the model said to them.
struct Conversation {
    turns: Vec<Turn>,
    said: String,
}

/// Asks for the next reply in every conversation that has not failed yet.
fn say(
    model: &dyn Vlm,
    view: &View,
    conversations: Vec<Result<Vec<Turn>, Why>>,
    generate: &Generate,
) -> Result<Vec<Result<Conversation, Why>>, VlmError> {
    let open: Vec<Vec<Turn>> =
        conversations.iter().filter_map(|turns| turns.as_ref().ok().cloned()).collect();
    let replies =
        if open.is_empty() { Vec::new() } else { model.chat(Some(view), &open, generate)? };
    let mut replies = replies.into_iter();
    let mut heard = |turns: Vec<Turn>| match replies.next() {
        Some(Reply::Said(said)) if said.is_empty() => Err(Why::Empty),
        Some(Reply::Said(said)) => Ok(Conversation { turns, said }),
        Some(Reply::Unavailable(why)) => Err(why),
        None => Err(Why::failed("the model gave fewer replies than it was asked for")),
    };
    Ok(conversations.into_iter().map(|turns| turns.and_then(&mut heard)).collect())
}

fn conclude((turns, summary): (Result<Vec<Turn>, Why>, Result<Conversation, Why>)) -> Reasoned {
    let turns = match turns {
        Ok(turns) => turns,
        Err(why) => return Reasoned::failed(why),
    };
    let thoughts = turns.iter().find_map(|turn| match turn {
        Turn::Assistant(said) => Some(said.clone()),
        Turn::User(_) => None,
    });
    let thoughts = thoughts.unwrap_or_default();
    match summary.and_then(|summary| parse(&summary.said)) {
        Ok(Rated { rating, rationale }) => {
            Reasoned { reasoning: Some(Reasoning { thoughts, rating, rationale }), why: None }
        }
        Err(why) => {
            let rationale = String::new();
            let reasoning = Reasoning { thoughts, rating: Holds::Unknown, rationale };
            Reasoned { reasoning: Some(reasoning), why: Some(why) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vlm::scripted::ScriptedVlm;

    fn said(text: &str) -> Reply {
        Reply::Said(text.to_owned())
    }

    fn reasoned(model: &ScriptedVlm, statements: &[&str]) -> Vec<Reasoned> {
        let topic = |statement: &&str| Topic::Visible { statement: (*statement).to_owned() };
        let topics: Vec<Topic> = statements.iter().map(topic).collect();
        let view = View::whole(image::RgbImage::new(4, 4));
        reason(model, &Prompts::built_in().unwrap(), &view, &topics).unwrap()
    }

    #[test]
    fn each_topic_gets_its_own_rating_and_a_failure_stays_with_its_topic() {
        use Holds::{No, Unknown, Yes};
        let model = ScriptedVlm::new(0.5)
            .replying(
                "a dog",
                [said("I see fur."), said(r#"{"rating": "Yes", "rationale": "fur"}"#)],
            )
            .replying("a cat", [Reply::Unavailable(Why::Looping)])
            .replying("a hen", [said("Feathers."), said("I would rather not.")])
            .replying("a cow", [said(""), said(r#"{"rating": "Yes", "rationale": ""}"#)])
            .replying("a pig", [said("Mud."), said(r#"{"rating": "No", "rationale": "mud"}"#)]);
        let reasoned = reasoned(&model, &["a dog", "a cat", "a hen", "a cow", "a pig"]);
        let ratings: Vec<Holds> = reasoned.iter().map(Reasoned::rating).collect();
        assert_eq!(ratings, [Yes, Unknown, Unknown, Unknown, No]);
        assert_eq!(reasoned[0].reasoning.as_ref().unwrap().thoughts, "I see fur.");
        assert_eq!(reasoned[1], Reasoned::failed(Why::Looping));
        assert!(matches!(reasoned[2].why, Some(Why::Unparsable { .. })));
        assert_eq!(reasoned[2].reasoning.as_ref().unwrap().thoughts, "Feathers.");
        assert_eq!(reasoned[3].why, Some(Why::Empty));
    }

    #[test]
    fn nothing_to_think_about_asks_nothing() {
        assert!(reasoned(&ScriptedVlm::new(0.5), &[]).is_empty());
    }
}
