//! The way of one rule through stage 1, a question at a time.
//!
//! A [`Course`] knows what it asks next and what it makes of the answer; when and with whom the
//! question is asked is not its business.

use super::answer::{self, Answer};
use super::lenient::cut;
use super::{Compiler, Event, MOST_CHAINS, MOST_COMPLAINTS, Uncompiled, is_objective};
use crate::constitution::{Attempt, LockedPrecondition, LockedRule, Provenance, Rule, one_line};
use crate::ids::ModelId;
use crate::paper::LEAST_OBJECTIVENESS;
use crate::prompts::compile::{CompilePrompts, Criticism, Task, Wording};
use crate::verdict::Why;
use crate::vlm::chat::{Reply, Turn};

/// Characters of an answer that can't be used which the model is shown again.
const LONGEST_RECALLED: usize = 2_000;

/// One rule on its way.
pub(super) struct Course<'a> {
    rule: &'a Rule,
    prompts: &'a CompilePrompts,
    model: &'a ModelId,
    rounds: u32,
    attempts: Vec<Attempt>,
    drafts: Vec<Draft>,
    /// What is asked now.
    task: Task,
    turns: Vec<Turn>,
    complaints: u32,
}

/// A chain of preconditions, as far as it has come.
#[derive(Clone, Debug, Default)]
struct Draft {
    chain: Vec<Vec<String>>,
    objects: Vec<Vec<String>>,
    rebuilt: String,
    covers: bool,
    missing: Vec<String>,
    added: Vec<String>,
}

/// What an answer led to.
pub(super) enum Turned {
    /// The course goes on.
    On(Event),
    /// The course is over.
    Over(Event),
}

impl<'a> Course<'a> {
    /// Asks the first question.
    pub(super) fn begin(rule: &'a Rule, compiler: &Compiler<'a>) -> Result<Self, Uncompiled> {
        let task = Task::Objectiveness { rule: one_line(&rule.text) };
        let mut course = Self {
            rule,
            prompts: compiler.prompts,
            model: compiler.model.model(),
            rounds: compiler.rounds,
            attempts: Vec::new(),
            drafts: Vec::new(),
            task: task.clone(),
            turns: Vec::new(),
            complaints: 0,
        };
        course.ask(task)?;
        Ok(course)
    }

    /// The rule.
    pub(super) fn rule(&self) -> &'a Rule {
        self.rule
    }

    /// What is asked now.
    pub(super) fn task(&self) -> &Task {
        &self.task
    }

    /// The same in words.
    pub(super) fn asked(&self) -> &'static str {
        answer::asked(&self.task)
    }

    /// The conversation in which it is asked.
    pub(super) fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// Every question begins a conversation of its own: what matters of the others is in it.
    fn ask(&mut self, task: Task) -> Result<(), Uncompiled> {
        let question = self.prompts.question(&task);
        let question =
            question.map_err(|error| Uncompiled::prompt(answer::asked(&task), &error))?;
        (self.task, self.turns, self.complaints) = (task, vec![Turn::User(question)], 0);
        Ok(())
    }

    /// Takes in a reply; the next question is then asked, if there is one.
    pub(super) fn hear(&mut self, reply: Reply) -> Vec<Turned> {
        tracing::debug!("{}: asked {}, the model says: {reply:?}", self.rule.id, self.asked());
        let taken = match reply {
            Reply::Said(said) => match answer::read(&self.task, &said) {
                Ok(Answer::Chained(chain)) if self.repeats_an_example(&chain) => {
                    let complaint =
                        "that is the answer of an example; take apart the rule below it";
                    self.complain(complaint.to_owned(), Some(&said))
                }
                Ok(answer) => self.advance(answer),
                Err(complaint) => self.complain(complaint, Some(&said)),
            },
            // These may come of the way the model answered, and not of what it was asked.
            Reply::Unavailable(
                why @ (Why::Empty | Why::Overlong { .. } | Why::Looping | Why::Unparsable { .. }),
            ) => self.complain(why.to_string(), None),
            Reply::Unavailable(why) => Err(Uncompiled::Unanswered { asked: self.asked(), why }),
        };
        taken.unwrap_or_else(|failure| vec![Turned::Over(Event::Failed(failure))])
    }

    fn repeats_an_example(&self, chain: &[Vec<String>]) -> bool {
        let Task::Preconditions { rule, criticisms } = &self.task else { return false };
        let Some(Turn::User(question)) = self.turns.first() else { return false };
        // With criticisms, earlier answers stand in quotes as well.
        criticisms.is_empty() && answer::is_example(chain, rule, question)
    }

    /// Asks the same again, or gives up.
    fn complain(
        &mut self,
        complaint: String,
        said: Option<&str>,
    ) -> Result<Vec<Turned>, Uncompiled> {
        let asked = self.asked();
        if self.complaints >= MOST_COMPLAINTS {
            // Without a new wording the best so far is still one.
            if matches!(self.task, Task::Objectify { .. }) {
                self.extract(Vec::new())?;
                return Ok(vec![Turned::On(Event::Complained { complaint })]);
            }
            return Err(Uncompiled::Unusable { asked, complaint });
        }
        self.complaints += 1;
        let again = self.prompts.again(&complaint);
        let again = again.map_err(|error| Uncompiled::prompt(asked, &error))?;
        if let Some(said) = said {
            self.turns.push(Turn::Assistant(cut(said, LONGEST_RECALLED)));
            self.turns.push(Turn::User(again));
        } else {
            // There is no answer to go on from, and two turns of one side are no conversation.
            let question = self.prompts.question(&self.task);
            let question = question.map_err(|error| Uncompiled::prompt(asked, &error))?;
            self.turns = vec![Turn::User(format!("{question}\n\n{again}"))];
        }
        Ok(vec![Turned::On(Event::Complained { complaint })])
    }

    fn advance(&mut self, answer: Answer) -> Result<Vec<Turned>, Uncompiled> {
        let event = match answer {
            Answer::Rated { explanation, rating } => self.rated(explanation, rating)?,
            Answer::Reworded(rule) => {
                self.ask(Task::Objectiveness { rule })?;
                return Ok(Vec::new());
            }
            Answer::Chained(chain) => return self.chained(chain),
            Answer::Named(objects) => {
                self.draft().objects.push(objects);
                self.ask_on()?;
                return Ok(Vec::new());
            }
            Answer::Rebuilt(rebuilt) => {
                let rule = self.best().text.clone();
                self.draft().rebuilt.clone_from(&rebuilt);
                self.ask(Task::Covers { rule, rebuilt })?;
                return Ok(Vec::new());
            }
            Answer::Compared { missing, added, covers } => {
                return self.compared(missing, added, covers);
            }
        };
        Ok(vec![Turned::On(event)])
    }

    fn rated(&mut self, explanation: String, rating: u8) -> Result<Event, Uncompiled> {
        let text = match &self.task {
            Task::Objectiveness { rule } => rule.clone(),
            _ => one_line(&self.rule.text),
        };
        self.attempts.push(Attempt { text, objectiveness: rating, explanation });
        let attempt = self.attempts.len();
        if is_objective(rating) || attempt > self.rounds as usize {
            self.extract(Vec::new())?;
        } else {
            let rule = one_line(&self.rule.text);
            let mut attempts: Vec<Wording> = self.attempts.iter().map(wording).collect();
            attempts.sort_by_key(|attempt| attempt.rating);
            self.ask(Task::Objectify { rule, attempts, target: LEAST_OBJECTIVENESS })?;
        }
        Ok(Event::Rated { attempt, rating })
    }

    /// The most objective wording; the first of equals, which is nearest to the people's own.
    fn best(&self) -> Attempt {
        let best = self.attempts.iter().rev().max_by_key(|attempt| attempt.objectiveness);
        best.cloned().unwrap_or_else(|| Attempt {
            text: one_line(&self.rule.text),
            objectiveness: 1,
            explanation: String::new(),
        })
    }

    fn extract(&mut self, criticisms: Vec<Criticism>) -> Result<(), Uncompiled> {
        self.ask(Task::Preconditions { rule: self.best().text, criticisms })
    }

    fn chained(&mut self, chain: Vec<Vec<String>>) -> Result<Vec<Turned>, Uncompiled> {
        if self.drafts.iter().any(|draft| draft.chain == chain) {
            // The model stands by an earlier answer; asking on would go round in circles.
            return Ok(vec![self.settle()]);
        }
        let preconditions = chain.len();
        self.drafts.push(Draft { chain, ..Draft::default() });
        self.ask_on()?;
        Ok(vec![Turned::On(Event::Chained { preconditions })])
    }

    /// Asks for the objects of the next precondition, or else for the rule that they all stand for.
    fn ask_on(&mut self) -> Result<(), Uncompiled> {
        let Draft { chain, objects, .. } = self.draft();
        let task = match chain.get(objects.len()) {
            Some(statements) => Task::Objects { statements: statements.clone() },
            None => Task::Rebuild { preconditions: chain.clone() },
        };
        self.ask(task)
    }

    fn compared(
        &mut self,
        missing: Vec<String>,
        added: Vec<String>,
        covers: bool,
    ) -> Result<Vec<Turned>, Uncompiled> {
        let draft = self.draft();
        (draft.missing, draft.added, draft.covers) = (missing, added, covers);
        let event = Turned::On(Event::Compared { covers });
        if covers || self.drafts.len() >= MOST_CHAINS {
            return Ok(vec![event, self.settle()]);
        }
        let criticism = |draft: &Draft| Criticism {
            preconditions: draft.chain.clone(),
            missing: draft.missing.clone(),
            added: draft.added.clone(),
        };
        self.extract(self.drafts.iter().map(criticism).collect())?;
        Ok(vec![event])
    }

    fn draft(&mut self) -> &mut Draft {
        if self.drafts.is_empty() {
            self.drafts.push(Draft::default());
        }
        let last = self.drafts.len() - 1;
        &mut self.drafts[last]
    }

    /// Makes the entry of what has come of it all.
    fn settle(&self) -> Turned {
        let differences = |draft: &&Draft| (!draft.covers, draft.missing.len() + draft.added.len());
        let best = self.drafts.iter().min_by_key(differences).cloned().unwrap_or_default();
        let Attempt { text, objectiveness, .. } = self.best();
        let preconditions = best.chain.into_iter().zip(best.objects).map(precondition).collect();
        let mut entry = LockedRule {
            id: self.rule.id.clone(),
            source: self.rule.source_hash(),
            objectiveness,
            objective_text: text,
            reviewed: false,
            preconditions,
            compiled: None,
        };
        entry.compiled = Some(Provenance {
            model: self.model.name.clone(),
            fingerprint: self.model.fingerprint,
            prompts: self.prompts.hash(),
            objective: is_objective(objectiveness),
            attempts: self.attempts.clone(),
            rebuilt: best.rebuilt,
            covers: best.covers,
            missing: best.missing,
            added: best.added,
            content: entry.content_hash(),
        });
        Turned::Over(Event::Compiled(Box::new(entry)))
    }
}

fn wording(attempt: &Attempt) -> Wording {
    let Attempt { text, objectiveness, explanation } = attempt.clone();
    Wording { text, rating: objectiveness, explanation }
}

fn precondition((mut alternatives, objects): (Vec<String>, Vec<String>)) -> LockedPrecondition {
    let statement = if alternatives.len() == 1 { alternatives.pop() } else { None };
    LockedPrecondition { statement, any_of: alternatives, objects }
}
