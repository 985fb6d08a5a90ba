//! One picture through the stages of CLUE, and many pictures in a row.
//!
//! This is the only room that knows all stages: relevance before the questions, region and
//! reasoning after them, each settling only what the one before left open. [`baseline`] holds the
//! paper's baselines, which judge in one question, [`unsafebench`] and [`perspectivevision`] the judges of
//! UnsafeBench, which are answered in words; what all have in common is [`Judging`].

pub mod baseline;
mod budget;
mod image;
pub mod perspectivevision;
mod stated;
pub mod stream;
pub mod unsafebench;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::constitution::Policy;
use crate::encoder::{DualEncoder, Localizer};
use crate::ids::RuleId;
use crate::imaging::{Fill, View};
pub use crate::judge::JudgeError;
use crate::judge::{self, ByView, Docket, Judge, Regions};
use crate::prompts::{Prompts, Topic};
use crate::reason::{Reasoned, reason};
use crate::relevance::Scan;
use crate::units::Probability;
use crate::verdict::{Method, Relevance, RuleVerdict, Stage, Why};
use crate::vlm::Vlm;

pub use self::budget::{Allowance, Budget, InvalidAllowance, Spent};
pub use self::image::{Judging, Signature};

/// A policy, the models, and the stages between them.
///
/// Relevance and region run when they are given a model to run on; the other stages need only the
/// vision-language model.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use praetor::constitution::Policy;
/// use praetor::pipeline::{Judging, Pipeline};
/// use praetor::vlm::scripted::ScriptedVlm;
///
/// let policy = Policy::parse(
///     "{name: pets, rules: [{id: dogs, text: No dogs.}]}",
///     &format!(
///         "{{version: 1, constitution: pets, rules: [{{id: dogs, source: {},
///            objectiveness: 10, objective_text: A dog must not be visible., reviewed: true,
///            preconditions: [{{statement: a dog is visible, objects: [dog]}}]}}]}}",
///         praetor::ids::Hash::of(b"No dogs.")
///     ),
/// )?;
/// let model = ScriptedVlm::new(0.5).saying("a dog is visible", 0.98);
/// let pipeline = Pipeline::new(policy, &model, &[])?;
/// let view = praetor::imaging::View::whole(image::RgbImage::new(8, 8));
/// let rules = pipeline.judge_view(&view)?;
/// assert_eq!(rules[0].outcome, praetor::verdict::Outcome::Violated);
/// # Ok(()) }
/// ```
pub struct Pipeline<'models> {
    policy: Policy,
    signature: Signature,
    prompts: Prompts,
    model: &'models dyn Vlm,
    scan: Option<Scan<'models>>,
    judge: Judge,
    regions: Option<Regions<'models>>,
    budget: Budget,
    spent: Mutex<Spent>,
}

impl<'models> Pipeline<'models> {
    /// Joins a policy and a model without the stages in `without`, and asks the model its priors.
    ///
    /// # Errors
    /// When the model is gone.
    pub fn new(
        policy: Policy,
        model: &'models dyn Vlm,
        without: &[Stage],
    ) -> Result<Self, JudgeError> {
        let prompts = Prompts::built_in()?;
        let judge = Judge::new(&policy, model, &prompts, without)?;
        let signature = Signature {
            method: Method::Clue,
            without: without.to_vec(),
            policy: policy.hash,
            model: model.model().clone(),
        };
        let pipeline = Self {
            policy,
            signature,
            prompts,
            model,
            scan: None,
            judge,
            regions: None,
            budget: Budget::default(),
            spent: Mutex::default(),
        };
        // What has no model to run on yet is left out too.
        Ok(pipeline.lacking(Stage::Relevance).lacking(Stage::Region))
    }

    /// Adds stage 2, unless it is to be left out. `threshold` stands above the constitution's.
    ///
    /// # Errors
    /// When a rule can't be encoded.
    pub fn with_relevance(
        mut self,
        encoder: &'models dyn DualEncoder,
        threshold: Option<f64>,
    ) -> Result<Self, JudgeError> {
        self.scan = Some(Scan::new(&self.policy, encoder, threshold)?);
        Ok(self.having(Stage::Relevance))
    }

    /// Adds debiasing by region and the crops of small objects.
    #[must_use]
    pub fn with_regions(mut self, localizer: &'models dyn Localizer, fill: Fill) -> Self {
        self.regions = Some(Regions { localizer, fill });
        self.having(Stage::Region)
    }

    /// Bounds what reasoning may cost.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    fn lacking(mut self, stage: Stage) -> Self {
        if self.runs(stage) {
            self.signature.without.push(stage);
        }
        self.signature.without.sort_unstable();
        self
    }

    fn having(mut self, stage: Stage) -> Self {
        self.signature.without.retain(|left_out| *left_out != stage);
        self
    }

    fn runs(&self, stage: Stage) -> bool {
        !self.signature.without.contains(&stage)
    }

    /// The policy that judges.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many different questions a picture is asked at most, of the whole.
    pub fn questions(&self) -> usize {
        self.judge.questions()
    }

    /// Statements that the model gives no prior for: how many, and why the first has none.
    pub fn without_prior(&self) -> Option<(usize, &Why)> {
        self.judge.without_prior()
    }

    /// Rules that are not put to this model, since it is on another machine.
    pub fn kept_local(&self) -> Vec<&RuleId> {
        let far = self.model.leaves_machine();
        let kept = self.policy.rules.iter().filter(|rule| rule.local_only && far);
        kept.map(|rule| &rule.id).collect()
    }

    /// Rules of which the dual encoder reads only the beginning.
    pub fn cut_rules(&self) -> Vec<crate::relevance::Cut> {
        self.scan.as_ref().map(Scan::cut).unwrap_or_default()
    }

    /// What reasoning has cost so far.
    pub fn spent(&self) -> Spent {
        *self.account()
    }

    fn account(&self) -> MutexGuard<'_, Spent> {
        // It holds counts, each of which is right by itself.
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scan(&self, whole: &View) -> Result<Option<Vec<Relevance>>, JudgeError> {
        let Some(scan) = &self.scan else { return Ok(None) };
        Ok(scan.scan(&[whole])?.pop())
    }

    /// Thinks about what is still undecided, as far as the budget goes.
    fn settle_by_reasoning(&self, docket: &mut Docket) -> Result<(), JudgeError> {
        let mut open = ByView::default();
        for index in by_suspicion(docket) {
            let case = &docket.cases[index];
            open.add(index, case.question, &case.view);
        }
        let sheets = open.sheets();
        let asked: usize = sheets.iter().map(|sheet| sheet.questions.len()).sum();
        let mut allowed = {
            // What is allowed is taken at once: several images are judged at a time.
            let mut spent = self.account();
            spent.views += 1;
            let allowed = self.budget.allows(&spent, asked);
            spent.escalated += usize::from(allowed > 0);
            spent.questions += allowed;
            spent.left_out += asked - allowed;
            allowed
        };
        let began = Instant::now();
        for sheet in sheets {
            let now = sheet.questions.len().min(allowed);
            allowed -= now;
            let topic = |question: &usize| self.judge.topic_of(*question).clone();
            let topics: Vec<Topic> = sheet.questions[..now].iter().map(topic).collect();
            let reasoned = reason(self.model, &self.prompts, &sheet.view, &topics)?;
            for (case, at) in sheet.waiting {
                let finding = &mut docket.cases[case].finding;
                match reasoned.get(at) {
                    Some(reasoned) => take(finding, reasoned),
                    None => finding.why = Some(Why::BudgetSpent),
                }
            }
        }
        self.account().time += began.elapsed();
        Ok(())
    }

    fn assemble(&self, docket: &Docket, relevance: Option<&[Relevance]>) -> Vec<RuleVerdict> {
        let of_rule = |(index, rule): (usize, &crate::constitution::PolicyRule)| {
            let relevance = relevance.and_then(|all| all.get(index)).copied();
            match relevance {
                Some(relevance) if !relevance.kept() => {
                    RuleVerdict::irrelevant(rule.id.clone(), relevance)
                }
                relevance => {
                    let findings = docket.findings_of(index);
                    let found = RuleVerdict::from_findings(rule.id.clone(), findings);
                    let kept = rule.local_only && self.model.leaves_machine();
                    let why = if kept { Some(Why::KeptLocal) } else { found.why.clone() };
                    RuleVerdict { relevance, why, ..found }
                }
            }
        };
        self.policy.rules.iter().enumerate().map(of_rule).collect()
    }
}

impl Judging for Pipeline<'_> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// One view through the stages: a verdict for every rule of the policy, in its order.
    fn judge_view(&self, whole: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
        let relevance = self.scan(whole)?;
        let relevant: Vec<bool> = match &relevance {
            Some(scanned) => scanned.iter().map(|rule| rule.kept()).collect(),
            None => vec![true; self.policy.rules.len()],
        };
        let mut docket = self.judge.open(&relevant, whole);
        if let Some(regions) = self.regions {
            self.judge.locate(&self.policy, &mut docket, regions)?;
        }
        self.judge.ask(&self.policy, &mut docket, self.model)?;
        if let Some(regions) = self.regions {
            self.judge.settle_by_region(&self.policy, &mut docket, self.model, regions.fill)?;
        }
        if self.runs(Stage::Reasoning) {
            self.settle_by_reasoning(&mut docket)?;
        }
        judge::settle_by_lean(&self.policy, &mut docket);
        Ok(self.assemble(&docket, relevance.as_deref()))
    }
}

/// The undecided cases, the most suspected first, so that a budget is spent where it counts most.
fn by_suspicion(docket: &Docket) -> Vec<usize> {
    let mut open = docket.undecided();
    let score = |index: &usize| docket.cases[*index].finding.score.map_or(0.0, Probability::value);
    open.sort_by(|one, other| score(other).total_cmp(&score(one)));
    open
}

/// Writes down what came of thinking.
fn take(finding: &mut crate::verdict::Finding, reasoned: &Reasoned) {
    let decision = judge::decision::by_reasoning(reasoned.rating());
    *finding = judge::decided(finding.clone(), decision);
    finding.reasoning.clone_from(&reasoned.reasoning);
    if reasoned.why.is_some() {
        finding.why.clone_from(&reasoned.why);
    }
}

/// What stands in the way where a model gives fewer answers than it was asked for.
fn no_answer() -> Why {
    Why::failed("the model gave no answer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Hash;

    /// A policy of rules with these ids, each of one precondition.
    pub(super) fn policy(ids: &[&str]) -> Policy {
        let text = |id: &str| format!("No {id}.");
        let rule = |id: &&str| format!("{{id: {id}, text: {}}}", text(id));
        let locked = |id: &&str| {
            let (text, source) = (text(id), Hash::of(text(id).as_bytes()));
            format!(
                "{{id: {id}, source: {source}, objectiveness: 10, objective_text: {text}, \
                 reviewed: true, preconditions: [{{statement: {id} are visible}}]}}"
            )
        };
        let rules: Vec<String> = ids.iter().map(rule).collect();
        let entries: Vec<String> = ids.iter().map(locked).collect();
        let yaml = format!("{{name: pets, rules: [{}]}}", rules.join(", "));
        let lock = format!("{{version: 1, constitution: pets, rules: [{}]}}", entries.join(", "));
        Policy::parse(&yaml, &lock).unwrap()
    }
}
