//! Stage 3 of CLUE: each precondition judged by debiased token probability.
//!
//! All statements of all rules are asked of a view as one batch, each once however many rules
//! share it. What is decided is in [`decision`], what is subtracted in [`prior`]. Debiasing by
//! region (strategy 2) will be a file beside them.

pub mod decision;
pub mod prior;

use self::decision::{Band, Decision};
use self::prior::Priors;
use crate::constitution::{Policy, PolicyRule};
use crate::ids::ViewKind;
use crate::imaging::View;
use crate::units::Probability;
use crate::verdict::{Finding, Stage};
use crate::vlm::{Answer, Vlm, VlmError};

/// Which parts of this stage run; all by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Strategy 1: compare with the language prior. Without it M is cut at one half.
    pub prior: bool,
}

impl Switches {
    /// The stages that are off.
    pub fn left_out(self) -> Vec<Stage> {
        if self.prior { Vec::new() } else { vec![Stage::Prior] }
    }
}

impl Default for Switches {
    fn default() -> Self {
        Self { prior: true }
    }
}

/// A policy's questions, each once, with the model's prior on each.
#[derive(Clone, Debug)]
pub struct Judge {
    statements: Vec<String>,
    /// For each rule of the policy, where its chain's statements stand in `statements`.
    chains: Vec<Vec<usize>>,
    priors: Option<Priors>,
}

/// The answers to all of a judge's questions on one view.
#[derive(Clone, Debug)]
pub struct Asked {
    view: ViewKind,
    answers: Vec<Answer>,
}

impl Judge {
    /// Collects the policy's statements and asks the priors.
    ///
    /// # Errors
    /// When the model is gone.
    pub fn new(policy: &Policy, model: &dyn Vlm, switches: Switches) -> Result<Self, VlmError> {
        let mut statements: Vec<String> = Vec::new();
        let mut place = |statement: &String| {
            statements.iter().position(|known| known == statement).unwrap_or_else(|| {
                statements.push(statement.clone());
                statements.len() - 1
            })
        };
        let mut chain_of = |rule: &PolicyRule| -> Vec<usize> {
            rule.chain.iter().map(|precondition| place(&precondition.statement)).collect()
        };
        let chains = policy.rules.iter().map(&mut chain_of).collect();
        let priors =
            switches.prior.then(|| Priors::ask(model, &as_texts(&statements))).transpose()?;
        Ok(Self { statements, chains, priors })
    }

    /// How many different questions an image is asked.
    pub fn questions(&self) -> usize {
        self.statements.len()
    }

    /// Asks everything of one view, as one batch.
    ///
    /// # Errors
    /// When the model is gone; a single question that fails is an answer.
    pub fn ask(&self, model: &dyn Vlm, view: &View) -> Result<Asked, VlmError> {
        let answers = model.visible(Some(view), &as_texts(&self.statements))?;
        Ok(Asked { view: view.kind().clone(), answers })
    }

    /// What the answers say of every rule's chain: one list a rule of the policy, in its order.
    ///
    /// `policy` is the one the judge was made for.
    pub fn findings(&self, policy: &Policy, asked: &Asked) -> Vec<Vec<Finding>> {
        let of_chain = |(rule, chain): (&PolicyRule, &Vec<usize>)| {
            chain.iter().map(|&index| self.finding(rule, index, asked)).collect()
        };
        policy.rules.iter().zip(&self.chains).map(of_chain).collect()
    }

    fn finding(&self, rule: &PolicyRule, index: usize, asked: &Asked) -> Finding {
        let open = Finding::open(self.statements[index].clone(), asked.view.clone());
        let answer = match &asked.answers[index] {
            Answer::Seen(answer) => *answer,
            Answer::Unavailable(why) => return Finding { why: Some(why.clone()), ..open },
        };
        let seen = Finding { m: Some(answer.m()), mass: Some(answer.mass()), ..open };
        if let Some(why) = decision::not_an_answer(answer.mass()) {
            return Finding { why: Some(why), ..seen };
        }
        match self.priors.as_ref().map(|priors| priors.get(index)) {
            None => settled(seen, Band::PLAIN, answer.m(), decision::by_plain_cut(answer.m())),
            Some(Answer::Unavailable(why)) => Finding { why: Some(why.clone()), ..seen },
            Some(Answer::Seen(prior)) => {
                let (m, prior) = (answer.m(), prior.m());
                let band = Band::around(prior, rule.thresholds);
                let decision = decision::by_prior(m, prior, band, rule.undecided);
                let score = decision::debiased(m, prior);
                Finding { prior: Some(prior), ..settled(seen, band, score, decision) }
            }
        }
    }
}

fn settled(seen: Finding, band: Band, score: Probability, decision: Decision) -> Finding {
    Finding {
        rejects_below: Some(band.rejects_below),
        accepts_above: Some(band.accepts_above),
        score: Some(score),
        holds: decision.holds,
        by: decision.by,
        why: decision.why,
        ..seen
    }
}

fn as_texts(statements: &[String]) -> Vec<&str> {
    statements.iter().map(String::as_str).collect()
}
