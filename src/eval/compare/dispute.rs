//! An image that judges see differently.

use std::cmp::Reverse;

use serde::Serialize;

use super::panel::{Opinion, Panel, Row};
use super::truth::Truths;
use crate::ids::{ImageHash, RuleId};
use crate::units::Probability;
use crate::verdict::{Conclusion, Outcome};

/// An image on which judges differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Dispute {
    /// The image, as the first judge that has judged it names it.
    pub image: String,
    /// Hash of its file.
    pub hash: Option<ImageHash>,
    /// In what they differ.
    pub kind: DisputeKind,
    /// How far their scores lie apart, where at least two have scored it.
    pub spread: Option<f64>,
    /// Whether it is unsafe by its label.
    pub is_unsafe: Option<bool>,
    /// What each judge said.
    pub said: Vec<Said>,
}

/// In what judges differ on an image, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DisputeKind {
    /// One says unsafe, another says safe.
    Opposite,
    /// One says unsafe, another could not settle it.
    UnsafeOrOpen,
    /// One says safe, another could not settle it.
    SafeOrOpen,
    /// All conclude the same, by other violated rules.
    OtherRules,
}

/// What one judge said of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Said {
    /// What it concluded.
    pub conclusion: Conclusion,
    /// Its score.
    pub score: Option<Probability>,
    /// Rules that it calls violated; empty for a judge that does not go by rules.
    pub violated: Vec<RuleId>,
    /// Rules that it could not settle.
    pub undetermined: Vec<RuleId>,
    /// What stood in the way of anything it could not settle.
    pub reasons: Vec<String>,
}

/// The images on which judges differ, the most disputed first: what is unsafe to one and safe to
/// another before what one left open, evenly split judges before single ones, far apart scores before
/// near ones.
pub(super) fn disputes(panel: &Panel, common: &[&Row], truths: Option<&Truths>) -> Vec<Dispute> {
    let mut found: Vec<Dispute> = Vec::new();
    for row in common {
        let Some(opinions) = row.all() else { continue };
        let Some(kind) = kind(&opinions) else { continue };
        found.push(Dispute {
            image: row.image.clone(),
            hash: row.hash,
            kind,
            spread: spread(&opinions),
            is_unsafe: truths
                .and_then(|truths| truths.of(&row.image, row.hash))
                .map(|truth| truth.is_unsafe),
            said: opinions.iter().map(|opinion| said(opinion, panel)).collect(),
        });
    }
    let spread = |dispute: &Dispute| dispute.spread.unwrap_or(0.0);
    found.sort_by(|one, other| {
        let order = |dispute: &Dispute| (dispute.kind, Reverse(minority(dispute)));
        order(one).cmp(&order(other)).then(spread(other).total_cmp(&spread(one)))
    });
    found
}

fn kind(opinions: &[&Opinion]) -> Option<DisputeKind> {
    let any = |wanted| opinions.iter().any(|one| one.conclusion == wanted);
    let [bad, open, good] =
        [Conclusion::Unsafe, Conclusion::Undetermined, Conclusion::Safe].map(any);
    match (bad, open, good) {
        (true, _, true) => return Some(DisputeKind::Opposite),
        (true, true, false) => return Some(DisputeKind::UnsafeOrOpen),
        (false, true, true) => return Some(DisputeKind::SafeOrOpen),
        _ => {}
    }
    let mut violated = opinions.iter().filter(|one| one.by_rule).map(|one| {
        let mut rules: Vec<usize> = one.violated().collect();
        rules.sort_unstable();
        rules
    });
    let first = violated.next()?;
    violated.any(|rules| rules != first).then_some(DisputeKind::OtherRules)
}

/// How far the lowest and the highest score lie apart.
fn spread(opinions: &[&Opinion]) -> Option<f64> {
    let scores: Vec<f64> = opinions.iter().filter_map(|one| Some(one.score?.value())).collect();
    let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (scores.len() > 1).then_some(high - low)
}

/// How many judges say the less common of unsafe and not unsafe.
fn minority(dispute: &Dispute) -> usize {
    let flags = dispute.said.iter().filter(|said| said.conclusion == Conclusion::Unsafe).count();
    flags.min(dispute.said.len() - flags)
}

fn said(opinion: &Opinion, panel: &Panel) -> Said {
    let of = |outcome| {
        let marks = opinion.marks.iter().filter(move |mark| mark.outcome == outcome);
        marks.map(|mark| panel.rules[mark.rule].clone()).collect()
    };
    Said {
        conclusion: opinion.conclusion,
        score: opinion.score,
        violated: of(Outcome::Violated),
        undetermined: of(Outcome::Undetermined),
        reasons: opinion.reasons.clone(),
    }
}
