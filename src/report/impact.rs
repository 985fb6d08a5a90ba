//! The page of `praetor impact --html`: which images an edit makes come out otherwise, and why.

use serde::Serialize;

use super::picture::Inline;
use super::{ReportError, render, words};
use crate::constitution::Policy;
use crate::eval::paired::points;
use crate::imaging::shown;
use crate::verdict::{Conclusion, Outcome};
use crate::workbench::impact::{Flip, Impact, RuleImpact};

/// The small picture of a flip.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever judged makes these")]
pub struct Thumbnail {
    /// Index of the flip in the impact.
    pub flip: usize,
    /// The picture.
    pub picture: Inline,
}

/// Makes the gallery of an edit: one HTML file that needs nothing but itself.
///
/// `policies` are the two editions, the old one first. Flips without a thumbnail are listed all
/// the same.
///
/// # Errors
/// [`ReportError`] when the template can't be used.
pub fn impact_page(
    impact: &Impact,
    (old, new): (&Policy, &Policy),
    thumbnails: &[Thumbnail],
) -> Result<String, ReportError> {
    let flips = impact.flips.iter().enumerate().map(|(index, flip)| {
        let thumbnail = thumbnails.iter().find(|thumbnail| thumbnail.flip == index);
        Card::new(flip, thumbnail.map(|thumbnail| thumbnail.picture.clone()))
    });
    let (flipped, share) = impact.flipped();
    let changed = |rule: &&RuleImpact| rule.changed();
    let page = Page {
        name: shown(&new.name).to_string(),
        images: impact.images,
        failed: impact.failed,
        flipped,
        share: share.map(|share| share.to_string()),
        rates: [Conclusion::Unsafe, Conclusion::Undetermined, Conclusion::Safe]
            .map(|conclusion| RateRow::new(impact, conclusion))
            .into(),
        rules: impact
            .rules
            .iter()
            .filter(changed)
            .map(|rule| RuleRow::new(rule, old, new))
            .collect(),
        unchanged: impact.rules.iter().filter(|rule| !changed(rule)).count(),
        flips: flips.collect(),
        policies: [old.hash.to_string(), new.hash.to_string()],
        version: env!("CARGO_PKG_VERSION"),
    };
    render("impact.html", &page)
}

/// Everything that the template shows.
#[derive(Debug, Serialize)]
struct Page {
    name: String,
    images: usize,
    failed: usize,
    flipped: usize,
    share: Option<String>,
    rates: Vec<RateRow>,
    rules: Vec<RuleRow>,
    unchanged: usize,
    flips: Vec<Card>,
    policies: [String; 2],
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct RateRow {
    conclusion: &'static str,
    before: usize,
    after: usize,
    share_before: Option<String>,
    share_after: Option<String>,
    change: Option<String>,
}

impl RateRow {
    fn new(impact: &Impact, conclusion: Conclusion) -> Self {
        let rate = impact.rate(conclusion);
        Self {
            conclusion: words::conclusion(conclusion),
            before: rate.before,
            after: rate.after,
            share_before: rate.interval_before.map(|share| share.to_string()),
            share_after: rate.interval_after.map(|share| share.to_string()),
            change: rate.change.map(points),
        }
    }
}

#[derive(Debug, Serialize)]
struct RuleRow {
    id: String,
    /// The rule's text by the new edition, or by the old where it is gone.
    text: String,
    gone: bool,
    fresh: bool,
    before: usize,
    after: usize,
    gained: usize,
    lost: usize,
    open_before: usize,
    open_after: usize,
}

impl RuleRow {
    fn new(rule: &RuleImpact, old: &Policy, new: &Policy) -> Self {
        let find = |policy: &Policy| {
            let found = policy.rules.iter().find(|one| one.id == rule.rule);
            found.map(|one| one.objective_text.clone())
        };
        let (was, is) = (find(old), find(new));
        Self {
            id: rule.rule.to_string(),
            gone: is.is_none(),
            fresh: was.is_none(),
            text: is.or(was).map(|text| shown(&text).to_string()).unwrap_or_default(),
            before: rule.before,
            after: rule.after,
            gained: rule.gained,
            lost: rule.lost,
            open_before: rule.open_before,
            open_after: rule.open_after,
        }
    }
}

/// One image that comes out otherwise.
#[derive(Debug, Serialize)]
struct Card {
    name: String,
    before: &'static str,
    after: &'static str,
    score_before: Option<String>,
    score_after: Option<String>,
    rules: Vec<CardRule>,
    picture: Option<Inline>,
}

#[derive(Debug, Serialize)]
struct CardRule {
    id: String,
    before: Option<&'static str>,
    after: Option<&'static str>,
    causes: Vec<String>,
}

impl Card {
    fn new(flip: &Flip, picture: Option<Inline>) -> Self {
        let outcome = |outcome: Option<Outcome>| outcome.map(words::outcome);
        let rules = flip.rules.iter().map(|rule| CardRule {
            id: rule.rule.to_string(),
            before: outcome(rule.before),
            after: outcome(rule.after),
            causes: rule.causes.iter().map(|cause| shown(&cause.to_string()).to_string()).collect(),
        });
        Self {
            name: shown(&flip.image).to_string(),
            before: words::conclusion(flip.before),
            after: words::conclusion(flip.after),
            score_before: flip.score_before.map(|score| score.to_string()),
            score_after: flip.score_after.map(|score| score.to_string()),
            rules: rules.collect(),
            picture,
        }
    }
}
