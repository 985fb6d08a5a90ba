//! Deciding anew what a traced run has recorded, with other thresholds.
//!
//! The order is the pipeline's: relevance, strategy 1, strategy 2 and reasoning for what is still
//! open of rules that nothing has cleared, then leaning. The decisions themselves are those of
//! [`judge::decision`](crate::judge::decision); nothing is decided here in another way. Where the
//! run did not ask what other thresholds would want to know, that is said ([`Anew::NeedsAsking`])
//! and never guessed. What it asked on behalf of another rule of the same image counts: the pipeline
//! would have asked it once as well.
//!
//! Of an animation a run keeps the frame that decided a rule; other thresholds are tried on that one.

use serde::Serialize;

use crate::constitution::{PolicyRule, Thresholds, Undecided};
use crate::ids::ViewKind;
use crate::judge::decision::{self, Band, Decision};
use crate::units::Probability;
use crate::verdict::{Finding, Holds, Outcome, Relevance, RuleVerdict, Stage, Step, Verdict, Why};

/// By what is decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lines {
    /// The thresholds of the preconditions.
    pub thresholds: Thresholds,
    /// What becomes of what no stage settles.
    pub undecided: Undecided,
    /// The relevance threshold; without one, the one that each image was recorded with.
    pub relevance: Option<f64>,
}

impl Lines {
    /// The lines of a rule; of relevance, the recorded ones.
    pub fn of(rule: &PolicyRule) -> Self {
        Self { thresholds: rule.thresholds, undecided: rule.undecided, relevance: None }
    }
}

/// What a rule comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anew {
    /// Every precondition holds.
    Violated,
    /// At least one does not.
    Clear,
    /// The rule has nothing to do with the image.
    Irrelevant,
    /// Neither could be said.
    Undetermined,
    /// The run did not ask what these thresholds would want to know.
    NeedsAsking,
}

/// A precondition, decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// What was decided, by which step, or why nothing was.
    pub decision: Decision,
    /// Whether it came to reasoning, or might have.
    pub escalated: bool,
    /// Whether an answer is missing that the run did not ask for.
    pub needs_asking: bool,
}

/// A rule, decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Redecided {
    /// What it comes to.
    pub outcome: Anew,
    /// Its preconditions, in the chain's order; empty where they were not asked.
    pub preconditions: Vec<Settled>,
}

/// An answer that was asked for later on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Later<T> {
    NotAsked,
    Silent,
    Given(T),
}

/// One precondition as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    /// M(x, c).
    pub m: Option<Probability>,
    /// M(None, c).
    pub prior: Option<Probability>,
    /// Why there is no answer at all, or none from reasoning.
    why: Option<Why>,
    mass: Option<Probability>,
    /// What the model said where it told no probability; no line changes that.
    word: Option<bool>,
    /// How far M falls without the central objects, where any were found: M before and after.
    removal: Option<Later<(Probability, Probability)>>,
    reasoning: Later<Holds>,
}

impl Trail {
    /// M freed of the prior.
    pub fn score(&self) -> Option<f64> {
        Some(decision::debiased(self.m?, self.prior?).value())
    }
}

/// One rule on one image as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// How near the rule is to the image.
    pub relevance: Option<Relevance>,
    /// The preconditions; empty where the rule was irrelevant.
    pub trails: Vec<Trail>,
    /// The rule's recorded score.
    pub score: Option<Probability>,
    /// The recorded outcome.
    pub outcome: Outcome,
    without_prior: bool,
    without_reasoning: bool,
}

impl Case {
    /// Reads a rule off a verdict.
    pub fn read(rule: &RuleVerdict, verdict: &Verdict) -> Self {
        let left_out = |stage| verdict.without.contains(&stage);
        let cleared = rule.findings.iter().any(|finding| {
            finding.holds == Holds::No && !matches!(finding.by, Some(Step::Reasoning | Step::Lean))
        });
        let without_reasoning = left_out(Stage::Reasoning);
        let recorded = Recorded { verdict, rule, cleared, without_reasoning };
        Self {
            relevance: rule.relevance,
            trails: rule.findings.iter().map(|finding| recorded.trail(finding)).collect(),
            score: rule.score,
            outcome: rule.outcome,
            without_prior: left_out(Stage::Prior),
            without_reasoning,
        }
    }

    /// Decides the rule by other lines.
    pub fn decide(&self, lines: &Lines) -> Redecided {
        let relevant = self.relevance.is_none_or(|relevance| {
            let threshold = lines.relevance.unwrap_or(relevance.threshold);
            Relevance { threshold, ..relevance }.kept()
        });
        let unasked = |outcome| Redecided { outcome, preconditions: Vec::new() };
        if !relevant {
            return unasked(Anew::Irrelevant);
        }
        if self.trails.is_empty() {
            let skipped = self.outcome == Outcome::Irrelevant;
            return unasked(if skipped { Anew::NeedsAsking } else { Anew::Undetermined });
        }
        let first: Vec<Decision> =
            self.trails.iter().map(|trail| self.by_strategy_1(trail, lines)).collect();
        let cleared = first.iter().any(|decision| decision.holds == Holds::No);
        let settle = |(trail, decision): (&Trail, Decision)| {
            let open = decision.why == Some(Why::Undecided) && !cleared;
            let settled = if open {
                self.by_later_stages(trail, lines, decision)
            } else {
                Settled { decision, escalated: false, needs_asking: false }
            };
            lean(trail, lines, settled)
        };
        let preconditions: Vec<Settled> = self.trails.iter().zip(first).map(settle).collect();
        Redecided { outcome: outcome_of(&preconditions), preconditions }
    }

    fn by_strategy_1(&self, trail: &Trail, lines: &Lines) -> Decision {
        if let Some(yes) = trail.word {
            return decision::by_word(yes);
        }
        let none = |why: Option<Why>| Decision { holds: Holds::Unknown, by: None, why };
        let (Some(m), Some(mass)) = (trail.m, trail.mass) else { return none(trail.why.clone()) };
        if let Some(why) = decision::not_an_answer(mass) {
            return none(Some(why));
        }
        match trail.prior {
            _ if self.without_prior => decision::by_plain_cut(m),
            Some(prior) => decision::by_prior(m, Band::around(prior, lines.thresholds)),
            None => none(trail.why.clone()),
        }
    }

    fn by_later_stages(&self, trail: &Trail, lines: &Lines, open: Decision) -> Settled {
        let done = |decision| Settled { decision, escalated: false, needs_asking: false };
        let mut needs_asking = false;
        match trail.removal {
            Some(Later::Given((before, after))) => {
                let decision = decision::by_region(before, after, lines.thresholds.region_drop);
                if decision.holds == Holds::Yes {
                    return done(decision);
                }
            }
            Some(Later::NotAsked) => needs_asking = true,
            Some(Later::Silent) | None => {}
        }
        if self.without_reasoning {
            return Settled { needs_asking, ..done(open) };
        }
        let decision = match trail.reasoning {
            Later::Given(rating) => decision::by_reasoning(rating),
            Later::Silent => Decision { why: trail.why.clone().or(open.why.clone()), ..open },
            Later::NotAsked => {
                needs_asking = true;
                open
            }
        };
        // Strategy 2 can only add a yes, so that a yes from reasoning stands whatever it says.
        let needs_asking = needs_asking && decision.holds != Holds::Yes;
        Settled { decision, escalated: true, needs_asking }
    }
}

/// A verdict's rule while its preconditions are read.
struct Recorded<'run> {
    verdict: &'run Verdict,
    rule: &'run RuleVerdict,
    cleared: bool,
    without_reasoning: bool,
}

impl Recorded<'_> {
    fn trail(&self, finding: &Finding) -> Trail {
        let settled_first = matches!(finding.by, Some(Step::Prior | Step::PlainCut));
        let answered = finding.m.is_some()
            && finding.prior.is_some()
            && finding.mass.is_some_and(|mass| decision::not_an_answer(mass).is_none());
        let went_on = answered && !settled_first && !self.cleared;
        let mut removal = finding.region.as_ref().map(|_| removal(finding, went_on));
        if removal == Some(Later::NotAsked) {
            let asked = self.same_question(finding).find(|other| {
                let boxes = |one: &Finding| one.region.as_ref().map(|found| found.boxes.clone());
                boxes(other) == boxes(finding)
                    && other.region.as_ref().is_some_and(|found| found.m_without.is_some())
            });
            removal = asked.map_or(removal, |other| Some(self::removal(other, false)));
        }
        let reasoned = went_on && finding.by != Some(Step::Region) && !self.without_reasoning;
        let rated = |finding: &Finding| finding.reasoning.as_ref().map(|said| said.rating);
        let rating = rated(finding).or_else(|| self.same_question(finding).find_map(rated));
        Trail {
            m: finding.m,
            prior: finding.prior,
            why: finding.why.clone(),
            mass: finding.mass,
            word: (finding.by == Some(Step::Word)).then_some(finding.holds == Holds::Yes),
            removal,
            reasoning: match rating.filter(|rating| *rating != Holds::Unknown) {
                Some(rating) => Later::Given(rating),
                None if reasoned => Later::Silent,
                None => Later::NotAsked,
            },
        }
    }

    /// The same statement asked of the same view for other rules.
    fn same_question<'a>(&'a self, finding: &'a Finding) -> impl Iterator<Item = &'a Finding> {
        let others = self.verdict.rules.iter().filter(|other| other.frame == self.rule.frame);
        others.flat_map(|other| &other.findings).filter(|other| {
            other.precondition == finding.precondition && other.view == finding.view
        })
    }
}

/// What a finding says of M without the central objects; `asked` where it was put to the model,
/// whether or not an answer came.
fn removal(finding: &Finding, asked: bool) -> Later<(Probability, Probability)> {
    let found = finding.region.as_ref();
    let before = match finding.view {
        ViewKind::Whole => finding.m,
        _ => found.and_then(|found| found.m_whole),
    };
    match (before, found.and_then(|found| found.m_without)) {
        (Some(before), Some(after)) => Later::Given((before, after)),
        _ if asked => Later::Silent,
        _ => Later::NotAsked,
    }
}

fn lean(trail: &Trail, lines: &Lines, settled: Settled) -> Settled {
    let answered = trail.mass.is_some_and(|mass| decision::not_an_answer(mass).is_none());
    let open = settled.decision.holds == Holds::Unknown && !settled.needs_asking && answered;
    match (lines.undecided, trail.m, trail.prior) {
        (Undecided::Lean, Some(m), Some(prior)) if open => {
            Settled { decision: decision::by_lean(m, prior), ..settled }
        }
        _ => settled,
    }
}

/// As [`RuleVerdict::from_findings`], with one value more.
fn outcome_of(preconditions: &[Settled]) -> Anew {
    let any =
        |holds| preconditions.iter().any(|one| one.decision.holds == holds && !one.needs_asking);
    if any(Holds::No) {
        Anew::Clear
    } else if preconditions.iter().any(|one| one.needs_asking) {
        Anew::NeedsAsking
    } else if preconditions.is_empty() || any(Holds::Unknown) {
        Anew::Undetermined
    } else {
        Anew::Violated
    }
}

impl From<Outcome> for Anew {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Violated => Self::Violated,
            Outcome::Clear => Self::Clear,
            Outcome::Irrelevant => Self::Irrelevant,
            Outcome::Undetermined => Self::Undetermined,
        }
    }
}
