//! Rules and their preconditions as a page shows them: every text ready, nothing left to compute.

use serde::Serialize;

use super::picture::Inline;
use super::scale::{Axis, Nearness, Scale};
use super::words::{self, Asked};
use super::{ReportError, words::percent};
use crate::constitution::{Policy, PolicyRule};
use crate::ids::ViewKind;
use crate::imaging::{Picture, shown};
use crate::verdict::{Finding, Holds, Method, Outcome, Reasoning, RuleVerdict, Verdict};

/// The longer side of a crop's thumbnail, in pixels.
const THUMBNAIL: u32 = 240;

/// What the rules of one page have in common.
pub(super) struct Context<'a> {
    pub(super) verdict: &'a Verdict,
    /// What judged, if it is at hand.
    pub(super) policy: Option<&'a Policy>,
    pub(super) pictures: &'a [Picture],
    pub(super) axis: Axis,
}

/// A rule that was judged.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    id: String,
    outcome: &'static str,
    score: Option<String>,
    frame: Option<u32>,
    text: Option<String>,
    /// The objective wording, where it is another.
    objective: Option<String>,
    relevance: Option<Nearness>,
    /// For a clear rule, the precondition that cleared it.
    reason: Option<String>,
    /// For an undetermined rule, what stood in the way.
    why: Option<String>,
    /// What the preconditions are together.
    lead: &'static str,
    steps: Vec<Step>,
}

/// A rule that has nothing to do with the picture.
#[derive(Debug, Serialize)]
pub(super) struct Irrelevant {
    id: String,
    text: Option<String>,
    relevance: Option<Nearness>,
    frame: Option<u32>,
}

/// One precondition.
#[derive(Debug, Serialize)]
struct Step {
    statement: String,
    /// `yes`, `no` or `unknown`.
    holds: &'static str,
    scale: Option<Scale>,
    score: Option<String>,
    mass: Option<String>,
    decision: String,
    notes: Vec<String>,
    boxes: Vec<FoundBox>,
    crop: Option<Inline>,
    thoughts: Option<String>,
    rationale: Option<String>,
    rating: Option<&'static str>,
}

/// An object that was found for a precondition.
#[derive(Debug, Serialize)]
struct FoundBox {
    object: String,
    score: String,
    place: String,
    size: String,
}

impl Context<'_> {
    /// The rules that were judged, the gravest first, and of those the most suspected.
    pub(super) fn judged(&self) -> Result<Vec<Judged>, ReportError> {
        let order =
            [Outcome::Violated, Outcome::Undetermined, Outcome::Clear].map(|one| self.with(one));
        order.into_iter().flatten().map(|rule| self.rule(rule)).collect()
    }

    /// The rules that have nothing to do with the picture, the nearest first.
    pub(super) fn irrelevant(&self) -> Vec<Irrelevant> {
        let cosine = |rule: &RuleVerdict| rule.relevance.map_or(-1.0, |relevance| relevance.cosine);
        let mut rules = self.with(Outcome::Irrelevant);
        rules.sort_by(|one, other| cosine(other).total_cmp(&cosine(one)));
        let row = |rule: &RuleVerdict| Irrelevant {
            id: rule.rule.to_string(),
            text: self.written(rule).map(|rule| shown(&rule.text).to_string()),
            relevance: rule.relevance.map(|relevance| Nearness::of(relevance, self.axis)),
            frame: rule.frame,
        };
        rules.into_iter().map(row).collect()
    }

    fn with(&self, outcome: Outcome) -> Vec<&RuleVerdict> {
        let score = |rule: &RuleVerdict| rule.score.map_or(-1.0, f64::from);
        let rules = self.verdict.rules.iter().filter(|rule| rule.outcome == outcome);
        let mut rules: Vec<&RuleVerdict> = rules.collect();
        rules.sort_by(|one, other| score(other).total_cmp(&score(one)));
        rules
    }

    fn written(&self, rule: &RuleVerdict) -> Option<&PolicyRule> {
        words::rule_of(self.verdict, self.policy?, &rule.rule)
    }

    fn rule(&self, rule: &RuleVerdict) -> Result<Judged, ReportError> {
        let asked = Asked::of(self.verdict);
        let written = self.written(rule);
        let drop = written.map(|rule| rule.thresholds.region_drop);
        let objective = written.filter(|rule| rule.objective_text != rule.text);
        let reason = (rule.outcome == Outcome::Clear).then(|| words::cleared_by(rule)).flatten();
        let steps = rule.findings.iter().map(|finding| self.step(rule, finding, drop));
        Ok(Judged {
            id: rule.rule.to_string(),
            outcome: words::outcome(rule.outcome),
            score: rule.score.map(|score| score.to_string()),
            frame: rule.frame,
            text: written.map(|rule| shown(&rule.text).to_string()),
            objective: objective.map(|rule| shown(&rule.objective_text).to_string()),
            relevance: rule.relevance.map(|relevance| Nearness::of(relevance, self.axis)),
            reason: reason.map(|finding| {
                format!("{}: {}", asked.answer(Holds::No), shown(&finding.precondition))
            }),
            why: rule.why.as_ref().map(|why| shown(why.to_string()).to_string()),
            lead: self.lead(rule.findings.len()),
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    fn lead(&self, steps: usize) -> &'static str {
        match (self.verdict.method, Asked::of(self.verdict), steps) {
            (_, _, 0) => "The numbers behind this outcome were not kept; judge with --trace.",
            (Method::Clue, Asked::Visible, 1) => "Violated if this is visible:",
            (Method::Clue, Asked::Visible, _) => "Violated only if all of these are visible:",
            (Method::Clue, Asked::Broken, _) => "The rule was asked about as a whole:",
            (Method::Classifier, ..) => "Violated if any of these labels reaches the threshold:",
            (Method::UnsafeBench, ..) => {
                "The image was asked about in three ways, of which two decide:"
            }
            _ => "The image was asked about as a whole:",
        }
    }

    fn step(
        &self,
        rule: &RuleVerdict,
        finding: &Finding,
        drop: Option<f64>,
    ) -> Result<Step, ReportError> {
        let asked = Asked::of(self.verdict);
        let safe = |text: String| shown(text).to_string();
        let reasoning = finding.reasoning.as_ref();
        let notes = [words::crop(finding), words::removal(finding, drop)];
        let boxes = finding.region.iter().flat_map(|found| &found.boxes);
        Ok(Step {
            statement: shown(&finding.precondition).to_string(),
            holds: match finding.holds {
                Holds::Yes => "yes",
                Holds::No => "no",
                Holds::Unknown => "unknown",
            },
            scale: Scale::of(finding, asked),
            score: finding.score.map(|score| score.to_string()),
            mass: finding.mass.map(|mass| percent(mass.value())),
            decision: safe(words::decision(finding, asked, drop)),
            notes: notes.into_iter().flatten().map(safe).collect(),
            boxes: boxes
                .map(|found| FoundBox {
                    object: shown(&found.object).to_string(),
                    score: found.score.to_string(),
                    place: found.region.to_string(),
                    size: percent(found.region.area()),
                })
                .collect(),
            crop: self.crop(rule, finding)?,
            thoughts: reasoning.and_then(|said| quoted(&said.thoughts)),
            rationale: reasoning.and_then(|said| quoted(&said.rationale)),
            rating: reasoning.map(rating),
        })
    }

    /// The part of the picture that was asked about, of the frame that decided.
    fn crop(&self, rule: &RuleVerdict, finding: &Finding) -> Result<Option<Inline>, ReportError> {
        let ViewKind::Crop { region } = finding.view else { return Ok(None) };
        let Some(picture) = picture_of(self.pictures, rule.frame) else { return Ok(None) };
        Inline::new(picture.whole().crop(region).pixels(), THUMBNAIL).map(Some)
    }
}

/// The picture that a rule was decided on; the only one of a still image.
pub(super) fn picture_of(pictures: &[Picture], frame: Option<u32>) -> Option<&Picture> {
    match frame {
        Some(frame) => pictures.iter().find(|picture| picture.frame == frame),
        None => pictures.first(),
    }
}

fn rating(said: &Reasoning) -> &'static str {
    match said.rating {
        Holds::Yes => "Yes",
        Holds::No => "No",
        Holds::Unknown => "none",
    }
}

/// Foreign text of several lines; nothing if there is none.
fn quoted(text: &str) -> Option<String> {
    let lines: Vec<String> = text.trim().lines().map(|line| shown(line).to_string()).collect();
    let text = lines.join("\n");
    (!text.is_empty()).then_some(text)
}
