//! What the paper compares CLUE with: one question for the image as a whole.
//!
//! *Prior knowledge* asks whether anything is to be seen that the model itself finds unfit, without
//! a constitution; *whole constitution* asks whether the image breaks any of the rules, all in one
//! prompt. Each is answered by the first token, or after thinking step by step (Table 2).

use super::perspectivevision::PerspectiveVision;
use super::unsafebench::UnsafeBench;
use super::{JudgeError, Judging, Signature, no_answer};
use crate::constitution::{Policy, PolicyRule};
use crate::ids::{RuleId, ViewKind};
use crate::imaging::View;
use crate::judge::decided;
use crate::judge::decision::{by_plain_cut, by_reasoning, by_word, not_an_answer};
use crate::prompts::{Prompts, Topic};
use crate::reason::reason;
use crate::verdict::{Finding, IMAGE, Method, Outcome, RuleVerdict, Why};
use crate::vlm::{Answer, Vlm};

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
    let of_rules = !matches!(method, Method::PriorKnowledge | Method::PriorKnowledgeCot);
    let stays = |rule: &PolicyRule| of_rules && rule.local_only && model.leaves_machine();
    let mut asked = policy.clone();
    asked.rules.retain(|rule| !stays(rule));
    let judge: Box<dyn Judging + 'models> = match method {
        Method::UnsafeBench => Box::new(UnsafeBench::new(&asked, model)?),
        Method::PerspectiveVision => Box::new(PerspectiveVision::new(&asked, model)?),
        _ => Box::new(Baseline::new(&asked, model, method)?),
    };
    if asked.rules.len() == policy.rules.len() {
        return Ok(judge);
    }
    Ok(Box::new(InPart { judge, asks: !asked.rules.is_empty() }))
}

/// A judge that is not told all rules, since some are kept on this machine and the model is on
/// another.
struct InPart<'models> {
    judge: Box<dyn Judging + 'models>,
    /// Whether it is told any.
    asks: bool,
}

impl Judging for InPart<'_> {
    fn signature(&self) -> &Signature {
        self.judge.signature()
    }

    fn names_rules(&self) -> bool {
        self.judge.names_rules()
    }

    /// What is clear of the rules that were asked is clear of no others.
    fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
        let entries = if self.asks {
            self.judge.judge_view(view)?
        } else {
            vec![RuleVerdict::from_findings(RuleId::named(IMAGE), Vec::new())]
        };
        let kept = |entry: RuleVerdict| match entry.outcome {
            Outcome::Clear => {
                RuleVerdict { outcome: Outcome::Undetermined, why: Some(Why::KeptLocal), ..entry }
            }
            _ if !self.asks => RuleVerdict { why: Some(Why::KeptLocal), ..entry },
            _ => entry,
        };
        Ok(entries.into_iter().map(kept).collect())
    }
}

/// A baseline of the paper.
pub struct Baseline<'models> {
    signature: Signature,
    name: RuleId,
    topic: Topic,
    question: String,
    prompts: Prompts,
    model: &'models dyn Vlm,
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
        let rules = || policy.rules.iter().map(|rule| rule.objective_text.clone()).collect();
        let topic = match method {
            Method::PriorKnowledge | Method::PriorKnowledgeCot => Topic::Unfit,
            _ => Topic::Broken { rules: rules() },
        };
        let prompts = Prompts::built_in()?;
        let question = prompts.question(&topic)?;
        let signature = Signature {
            method,
            without: Vec::new(),
            policy: policy.hash,
            model: model.model().clone(),
        };
        let name = RuleId::named(IMAGE);
        Ok(Self { signature, name, topic, question, prompts, model })
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
        Ok(vec![RuleVerdict::from_findings(self.name.clone(), vec![finding])])
    }
}
