//! What the paper compares CLUE with: one question for the image as a whole.
//!
//! *Prior knowledge* asks whether anything is to be seen that the model itself finds unfit, without
//! a constitution; *whole constitution* asks whether the image breaks any of the rules, all in one
//! prompt. Each is answered by the first token, or after thinking step by step (Table 2).

use super::perspectivevision::PerspectiveVision;
use super::unsafebench::UnsafeBench;
use super::{JudgeError, Judging, Signature, no_answer};
use crate::constitution::Policy;
use crate::ids::{RuleId, ViewKind};
use crate::imaging::View;
use crate::judge::decided;
use crate::judge::decision::{by_plain_cut, by_reasoning, by_word, not_an_answer};
use crate::prompts::{Prompts, Topic};
use crate::reason::reason;
use crate::verdict::{Finding, Method, Outcome, RuleVerdict, Why};
use crate::vlm::{Answer, Vlm};

/// The name of the one entry that a baseline's verdict has in place of rules.
pub const IMAGE: &str = "image";

/// Makes a judge of one question, or a few, as a method says. CLUE itself is none: see
/// [`Pipeline`](super::Pipeline).
///
/// # Errors
/// When a template can't be rendered.
pub fn of_method<'models>(
    policy: &Policy,
    model: &'models dyn Vlm,
    method: Method,
) -> Result<Box<dyn Judging + 'models>, JudgeError> {
    Ok(match method {
        Method::UnsafeBench => Box::new(UnsafeBench::new(policy, model)?),
        Method::PerspectiveVision => Box::new(PerspectiveVision::new(policy, model)?),
        _ => Box::new(Baseline::new(policy, model, method)?),
    })
}

/// A baseline of the paper.
pub struct Baseline<'models> {
    signature: Signature,
    name: RuleId,
    topic: Topic,
    question: String,
    prompts: Prompts,
    model: &'models dyn Vlm,
    /// Whether rules were left out, since they are kept on this machine.
    kept_local: bool,
}

impl<'models> Baseline<'models> {
    /// Makes a baseline of a policy and a model; see [`of_method`] for other methods.
    ///
    /// # Errors
    /// When a template can't be rendered.
    pub fn new(
        policy: &Policy,
        model: &'models dyn Vlm,
        method: Method,
    ) -> Result<Self, JudgeError> {
        let kept = |local_only: bool| local_only && model.leaves_machine();
        let asked = || policy.rules.iter().filter(|rule| !kept(rule.local_only));
        let rules = || asked().map(|rule| rule.objective_text.clone()).collect();
        let topic = match method {
            Method::PriorKnowledge | Method::PriorKnowledgeCot => Topic::Unfit,
            _ => Topic::Broken { rules: rules() },
        };
        let kept_local =
            matches!(topic, Topic::Broken { .. }) && asked().count() < policy.rules.len();
        let prompts = Prompts::built_in()?;
        let question = prompts.question(&topic)?;
        let signature = Signature {
            method,
            without: Vec::new(),
            policy: policy.hash,
            model: model.model().clone(),
        };
        let name = RuleId::named(IMAGE);
        Ok(Self { signature, name, topic, question, prompts, model, kept_local })
    }

    fn thinks(&self) -> bool {
        matches!(self.signature.method, Method::PriorKnowledgeCot | Method::WholeConstitutionCot)
    }

    fn answer(&self, view: &View, open: Finding) -> Result<Finding, JudgeError> {
        let answers = self.model.answers(Some(view), &[&self.question])?;
        Ok(match answers.into_iter().next() {
            Some(Answer::Seen(answer)) => {
                let seen = Finding { m: Some(answer.m()), mass: Some(answer.mass()), ..open };
                if let Some(why) = not_an_answer(answer.mass()) {
                    Finding { why: Some(why), ..seen }
                } else {
                    let finding = decided(seen, by_plain_cut(answer.m()));
                    Finding { score: Some(answer.m()), ..finding }
                }
            }
            Some(Answer::Said(yes)) => decided(Finding { discrete: true, ..open }, by_word(yes)),
            Some(Answer::Unavailable(why)) => Finding { why: Some(why), ..open },
            None => unanswered(open),
        })
    }

    fn thought(&self, view: &View, open: Finding) -> Result<Finding, JudgeError> {
        let topics = std::slice::from_ref(&self.topic);
        let reasoned = reason(self.model, &self.prompts, view, topics)?;
        let Some(reasoned) = reasoned.into_iter().next() else { return Ok(unanswered(open)) };
        let decision = by_reasoning(reasoned.rating());
        let why = reasoned.why.or_else(|| decision.why.clone());
        let finding = decided(open, decision);
        Ok(Finding { reasoning: reasoned.reasoning, why, ..finding })
    }
}

fn unanswered(open: Finding) -> Finding {
    Finding { why: Some(no_answer()), ..open }
}

impl Judging for Baseline<'_> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
        let words = match self.topic {
            Topic::Unfit => "something unfit for public viewing is visible",
            _ => "a rule of the constitution is broken",
        };
        let open = Finding::open(words, ViewKind::Whole);
        let finding =
            if self.thinks() { self.thought(view, open)? } else { self.answer(view, open)? };
        let found = RuleVerdict::from_findings(self.name.clone(), vec![finding]);
        Ok(vec![if self.kept_local && found.outcome == Outcome::Clear {
            // Clear of the rules that were asked, and of no others.
            RuleVerdict { outcome: Outcome::Undetermined, why: Some(Why::KeptLocal), ..found }
        } else {
            found
        }])
    }
}
