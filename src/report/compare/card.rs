//! One disputed image: what each judge said of it, and what decided.

use serde::Serialize;

use super::{Exhibit, letter};
use crate::eval::compare::{Comparison, Dispute, small};
use crate::ids::RuleId;
use crate::imaging::shown;
use crate::report::picture::Inline;
use crate::report::words::{self, Asked};
use crate::units::Probability;
use crate::verdict::{Finding, Holds, Outcome, RuleVerdict, Verdict};

/// One image.
#[derive(Debug, Serialize)]
pub(super) struct Card {
    name: String,
    kind: &'static str,
    spread: Option<String>,
    label: Option<&'static str>,
    picture: Option<Inline>,
    said: Vec<CardJudge>,
}

#[derive(Debug, Serialize)]
struct CardJudge {
    letter: String,
    name: String,
    conclusion: &'static str,
    score: Option<String>,
    rules: Vec<CardRule>,
}

/// A rule in question, and what this judge says of it.
#[derive(Debug, Serialize)]
struct CardRule {
    /// Nothing for a judge that looks at the image as a whole.
    id: Option<String>,
    outcome: &'static str,
    score: Option<String>,
    notes: Vec<String>,
}

impl Card {
    pub(super) fn new(dispute: &Dispute, exhibit: &Exhibit, comparison: &Comparison) -> Self {
        let in_question = in_question(dispute);
        let said = dispute.said.iter().enumerate().map(|(place, said)| {
            let verdict = exhibit.verdicts.get(place).and_then(Option::as_ref);
            let name = comparison.judges.get(place).map(|judge| judge.facts.name.as_str());
            CardJudge {
                letter: letter(place),
                name: shown(name.unwrap_or_default()).to_string(),
                conclusion: words::conclusion(said.conclusion),
                score: said.score.map(|score| score.to_string()),
                rules: verdict.map(|verdict| rules(verdict, &in_question)).unwrap_or_default(),
            }
        });
        Self {
            name: shown(&dispute.image).to_string(),
            kind: dispute.kind.words(),
            spread: dispute.spread.map(small),
            label: dispute.is_unsafe.map(|bad| if bad { "unsafe" } else { "safe" }),
            picture: exhibit.picture.clone(),
            said: said.collect(),
        }
    }
}

/// Rules that any judge calls violated or could not settle.
fn in_question(dispute: &Dispute) -> Vec<&RuleId> {
    let mut rules: Vec<&RuleId> = Vec::new();
    for rule in dispute.said.iter().flat_map(|said| said.violated.iter().chain(&said.undetermined))
    {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

fn rules(verdict: &Verdict, in_question: &[&RuleId]) -> Vec<CardRule> {
    let by_rule = verdict.names_rules();
    let score = |rule: &&RuleVerdict| rule.score.map_or(-1.0, Probability::value);
    let mut those: Vec<&RuleVerdict> =
        verdict.rules.iter().filter(|rule| !by_rule || in_question.contains(&&rule.rule)).collect();
    if those.is_empty() {
        // No rule is in question; the one that came nearest tells most.
        those.extend(verdict.rules.iter().max_by(|one, other| score(one).total_cmp(&score(other))));
    }
    let asked = Asked::of(verdict);
    those
        .into_iter()
        .map(|rule| CardRule {
            id: verdict.is_of_rule(&rule.rule).then(|| rule.rule.to_string()),
            outcome: words::outcome(rule.outcome),
            score: rule.score.map(|score: Probability| score.to_string()),
            notes: notes(rule, asked).iter().map(|note| shown(note).to_string()).collect(),
        })
        .collect()
}

/// What decided, as far as the run has kept it.
fn notes(rule: &RuleVerdict, asked: Asked) -> Vec<String> {
    let told = |finding: &Finding| {
        let mark = match finding.holds {
            Holds::Yes => '✓',
            Holds::No => '✗',
            Holds::Unknown => '?',
        };
        let decision = words::decision(finding, asked, None);
        // The mark says already whether it holds.
        let because = decision.strip_prefix(asked.answer(finding.holds)).unwrap_or(&decision);
        format!("{mark} {}{because}", finding.precondition)
    };
    match (rule.outcome, rule.relevance) {
        (Outcome::Irrelevant, Some(relevance)) => vec![format!(
            "relevance {:.3} is not above {:.3}",
            relevance.cosine, relevance.threshold
        )],
        (Outcome::Clear, _) => words::cleared_by(rule).map(told).into_iter().collect(),
        (Outcome::Undetermined, _) if rule.findings.is_empty() => {
            rule.why.iter().map(ToString::to_string).collect()
        }
        _ => rule.findings.iter().map(told).collect(),
    }
}
