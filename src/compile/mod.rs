//! Stage 1 of CLUE: a language model makes rules objective and takes them apart, once and offline.
//!
//! For every rule (section "Objectifying Rules" and "Precondition Extraction"):
//!
//! 1. it is rated from 1 to 10 for how objective it is, and rewritten until the rating is at least
//!    [`LEAST_OBJECTIVENESS`], with the earlier wordings and their ratings before the model's eyes;
//! 2. its preconditions are extracted: AND of items, OR inside an item;
//! 3. the central objects of each precondition are named;
//! 4. the model rebuilds the rule from the preconditions alone, and says whether the rebuilt rule
//!    forbids the same images. If not, the preconditions are extracted anew with what was missing or
//!    added. This step is praetor's own.
//!
//! Every rule has a conversation of its own, so that one alone is compiled as among others; those
//! of one kind go to the model together. An answer that can't be used is asked for again with the
//! complaint. What can't be compiled is an [`Uncompiled`], and the other rules go on.
//!
//! Nothing is read or written here: entries are handed out as soon as they are made.

mod answer;
mod course;
mod lenient;

use std::ops::ControlFlow;

use self::course::{Course, Turned};
use crate::constitution::{LockedRule, Rule};
use crate::ids::RuleId;
use crate::paper::LEAST_OBJECTIVENESS;
use crate::prompts::PromptError;
use crate::prompts::compile::CompilePrompts;
use crate::verdict::Why;
use crate::vlm::chat::{Form, Generate, Reply, Turn};
use crate::vlm::{Chat, VlmError};

/// Rounds of rewriting unless another number is asked for. praetor's own: the paper gives none.
pub const DEFAULT_ROUNDS: u32 = 5;

/// How often a question is asked again after an answer that can't be used.
pub const MOST_COMPLAINTS: u32 = 2;

/// How often preconditions are extracted at most, when they do not stand for the rule.
pub const MOST_CHAINS: usize = 3;

/// Tokens of an answer at most.
const MOST_TOKENS: u32 = 768;

/// Who compiles, and how far it goes.
#[derive(Clone, Copy)]
pub struct Compiler<'a> {
    /// The language model.
    pub model: &'a dyn Chat,
    /// What it is asked.
    pub prompts: &'a CompilePrompts,
    /// Rounds of rewriting at most.
    pub rounds: u32,
}

/// What has just happened to a rule.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A wording was rated.
    Rated {
        /// How many wordings have been rated with this one.
        attempt: usize,
        /// From 1 to 10.
        rating: u8,
    },
    /// Preconditions were extracted.
    Chained {
        /// How many.
        preconditions: usize,
    },
    /// The rule rebuilt from the preconditions was compared with the rule.
    Compared {
        /// Whether both forbid the same images.
        covers: bool,
    },
    /// An answer could not be used and is asked for again.
    Complained {
        /// What was wrong with it.
        complaint: String,
    },
    /// The rule is compiled.
    Compiled(Box<LockedRule>),
    /// The rule can't be compiled.
    Failed(Uncompiled),
}

/// Why a rule could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Uncompiled {
    /// The model gave no answer.
    #[error("while it was asked {asked}: {why}")]
    Unanswered {
        /// What was asked.
        asked: &'static str,
        /// What stood in the way.
        why: Why,
    },
    /// The model's answers could not be used, after all complaints.
    #[error("while it was asked {asked}: none of its answers could be used; the last: {complaint}")]
    Unusable {
        /// What was asked.
        asked: &'static str,
        /// What was wrong with the last one.
        complaint: String,
    },
    /// A template could not be rendered.
    #[error("while it was asked {asked}: {detail}")]
    Prompt {
        /// What was to be asked.
        asked: &'static str,
        /// What is wrong with the template.
        detail: String,
    },
}

impl Uncompiled {
    fn prompt(asked: &'static str, error: &PromptError) -> Self {
        Self::Prompt { asked, detail: error.to_string() }
    }
}

impl Compiler<'_> {
    /// Compiles rules; `heard` is told of every step and every entry as it comes, and may break off.
    ///
    /// # Errors
    /// When the model is gone. Entries handed out before are good.
    pub fn compile(
        &self,
        rules: &[&Rule],
        heard: &mut dyn FnMut(&RuleId, Event) -> ControlFlow<()>,
    ) -> Result<(), VlmError> {
        let mut courses: Vec<Course<'_>> = Vec::new();
        for rule in rules {
            match Course::begin(rule, self) {
                Ok(course) => courses.push(course),
                Err(failure) => {
                    if heard(&rule.id, Event::Failed(failure)).is_break() {
                        return Ok(());
                    }
                }
            }
        }
        while !courses.is_empty() {
            for asked in answer::ORDER {
                if self.step(&mut courses, asked, heard)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Asks all questions of one kind, which have one form, at once.
    fn step(
        &self,
        courses: &mut Vec<Course<'_>>,
        asked: &str,
        heard: &mut dyn FnMut(&RuleId, Event) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, VlmError> {
        let waiting: Vec<usize> =
            (0..courses.len()).filter(|index| courses[*index].asked() == asked).collect();
        let Some(first) = waiting.first() else { return Ok(ControlFlow::Continue(())) };
        let schema = answer::schema(courses[*first].task());
        let generate = Generate { most_tokens: MOST_TOKENS, form: Form::Json(schema) };
        let turns: Vec<Vec<Turn>> =
            waiting.iter().map(|index| courses[*index].turns().to_vec()).collect();
        let replies = self.model.chat(None, &turns, &generate)?;
        let too_few = || {
            let detail = "the model gave fewer replies than it was asked for".to_owned();
            Reply::Unavailable(Why::Failed { detail })
        };
        let mut replies = replies.into_iter();
        let mut over = Vec::new();
        for index in waiting {
            let course = &mut courses[index];
            for event in course.hear(replies.next().unwrap_or_else(too_few)) {
                let event = match event {
                    Turned::On(event) => event,
                    Turned::Over(event) => {
                        over.push(index);
                        event
                    }
                };
                if heard(&course.rule().id, event).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        for index in over.into_iter().rev() {
            courses.remove(index);
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Whether a wording is objective enough for the paper.
fn is_objective(rating: u8) -> bool {
    rating >= LEAST_OBJECTIVENESS
}

#[cfg(test)]
mod tests;
