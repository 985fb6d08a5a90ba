//! What the labels say of single rules, and which thresholds they speak for.
//!
//! A rule's images do not fill parts of their own, so that its shares are weighted by how many
//! images each labelled one stands for, with Wilson's interval on the effective number of images.

use serde::Serialize;

use super::estimate::Parts;
use super::filled::{Answer, Label};
use super::sheet::Plan;
use super::strata::Member;
use crate::eval::{Estimate, weighted_share};
use crate::ids::RuleId;
use crate::verdict::Outcome;
use crate::workbench::anew::Anew;
use crate::workbench::recorded::RecordedRule;
use crate::workbench::tune::Threshold;

/// Labelled images of either kind, violating and not, from which a threshold is suggested.
pub const ENOUGH: usize = 10;

/// What the labels say of a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleEstimates {
    /// Which rule.
    pub rule: RuleId,
    /// Labelled images whose rules were looked at.
    pub looked_at: usize,
    /// Those that violate it, by the labels.
    pub violating: usize,
    /// Those that are flagged by it.
    pub flagged: usize,
    /// Those that both are.
    pub both: usize,
    /// Those that violate it and of which praetor could not say.
    pub violating_undetermined: usize,
    /// Share of the images flagged by it that violate it.
    pub precision: Option<Estimate>,
    /// Share of the images violating it that are flagged by it.
    pub recall: Option<Estimate>,
    /// The rule's score that tells the labelled images apart best.
    pub cut: Option<Cut>,
    /// The value of a threshold that does, by deciding anew.
    pub threshold: Option<Suggested>,
    /// Why no threshold is suggested.
    pub too_few: Option<String>,
}

/// A rule's score to cut at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cut {
    /// Flag from this score on.
    pub score: f64,
    /// Share of the images from there on that violate the rule.
    pub precision: f64,
    /// Share of the images violating it that lie there.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// That of praetor's own flags.
    pub f1_now: f64,
}

/// A threshold's value that the labels speak for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Suggested {
    /// Which threshold.
    pub threshold: Threshold,
    /// Its value now.
    pub now: f64,
    /// The value to try.
    pub value: f64,
    /// F1 over the labelled images by that value.
    pub f1: f64,
    /// F1 by the value now.
    pub f1_now: f64,
}

/// A labelled image, of one rule.
#[derive(Clone, Copy)]
struct Item<'run> {
    member: &'run Member,
    weight: f64,
    violates: bool,
    outcome: Outcome,
    score: Option<f64>,
}

/// A sample that was labelled, with the run behind it.
pub(super) struct Labelled<'run> {
    pub(super) plan: &'run Plan,
    pub(super) labels: &'run [Label],
    /// The run's image for every drawn one.
    pub(super) members: Vec<&'run Member>,
}

impl Labelled<'_> {
    /// Estimates for a rule; nothing where nobody looked at rules or nothing concerns this one.
    pub(super) fn rule(
        &self,
        rule: &RuleId,
        parts: &Parts,
        recorded: Option<(&RecordedRule, &[&str])>,
    ) -> Option<RuleEstimates> {
        let items = self.items(rule, parts);
        let of = |which: &dyn Fn(&Item<'_>) -> bool| items.iter().filter(|one| which(one)).count();
        let flagged = |one: &Item<'_>| one.outcome == Outcome::Violated;
        let violating = of(&|one| one.violates);
        let all_flagged = of(&flagged);
        if violating + all_flagged == 0 {
            return None;
        }
        let share = |among: &dyn Fn(&Item<'_>) -> bool, is: &dyn Fn(&Item<'_>) -> bool| {
            let among = items.iter().filter(|one| among(one));
            let weighted: Vec<(f64, bool)> = among.map(|one| (one.weight, is(one))).collect();
            weighted_share(&weighted)
        };
        let too_few = too_few(violating, items.len() - violating);
        let enough = too_few.is_none();
        Some(RuleEstimates {
            rule: rule.clone(),
            looked_at: items.len(),
            violating,
            flagged: all_flagged,
            both: of(&|one| one.violates && flagged(one)),
            violating_undetermined: of(&|one| one.violates && one.outcome == Outcome::Undetermined),
            precision: share(&flagged, &|one| one.violates),
            recall: share(&|one| one.violates, &flagged),
            cut: best_cut(&items).filter(|_| enough),
            threshold: recorded
                .filter(|_| enough)
                .and_then(|(recorded, names)| best_threshold(&items, recorded, names)),
            too_few,
        })
    }

    fn items(&self, rule: &RuleId, parts: &Parts) -> Vec<Item<'_>> {
        let rows = || self.plan.sample.iter().zip(self.labels).zip(&self.members);
        let weight = |stratum: usize| parts.weight(stratum).unwrap_or(0.0);
        // Unsafe images whose rules nobody named are stood for by those whose rules were.
        let all_unsafe = || rows().filter(|((_, label), _)| label.answer == Some(Answer::Yes));
        let total: f64 = all_unsafe().map(|((image, _), _)| weight(image.stratum)).sum();
        let named: f64 = all_unsafe()
            .filter(|((_, label), _)| label.rules.is_some())
            .map(|((image, _), _)| weight(image.stratum))
            .sum();
        let mut items = Vec::new();
        for ((image, label), &member) in rows() {
            let found = (member.of(rule), label.answer, label.rules.as_ref());
            let (Some((outcome, score)), Some(answer), Some(rules)) = found else { continue };
            let for_unnamed = answer == Answer::Yes && named > 0.0;
            let factor = if for_unnamed { total / named } else { 1.0 };
            let (weight, violates) = (weight(image.stratum) * factor, rules.contains(rule));
            items.push(Item { member, weight, violates, outcome, score });
        }
        items
    }
}

fn too_few(violating: usize, others: usize) -> Option<String> {
    let more = |count: usize, what: &str| {
        let left = ENOUGH.saturating_sub(count);
        (left > 0).then(|| format!("{left} more that {what}"))
    };
    let wanted = [more(violating, "violate it"), more(others, "do not")];
    let wanted: Vec<String> = wanted.into_iter().flatten().collect();
    (!wanted.is_empty()).then(|| format!("label {} for a threshold", wanted.join(" and ")))
}

/// Precision, recall and F1 of flagging some of the items, by weight.
fn measured(items: &[Item<'_>], flags: impl Fn(&Item<'_>) -> bool) -> (f64, f64, f64) {
    let total = |which: &dyn Fn(&Item<'_>) -> bool| -> f64 {
        items.iter().filter(|one| which(one)).map(|one| one.weight).sum()
    };
    let right = total(&|one| one.violates && flags(one));
    let flagged = total(&|one| flags(one));
    let violating = total(&|one| one.violates);
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    (ratio(right, flagged), ratio(right, violating), ratio(2.0 * right, flagged + violating))
}

/// The score halfway between two neighbours at which F1 is greatest; of equals the one nearest to
/// one half, where an image changes nothing.
fn best_cut(items: &[Item<'_>]) -> Option<Cut> {
    let mut scores: Vec<f64> = items.iter().filter_map(|one| one.score).collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    let (_, _, f1_now) = measured(items, |one| one.outcome == Outcome::Violated);
    let cuts = scores.windows(2).map(|pair| {
        let score = f64::midpoint(pair[0], pair[1]);
        let (precision, recall, f1) =
            measured(items, |one| one.score.is_some_and(|own| own >= score));
        Cut { score, precision, recall, f1, f1_now }
    });
    let middling = |cut: &Cut| -(cut.score - 0.5).abs();
    cuts.max_by(|one, other| {
        one.f1.total_cmp(&other.f1).then(middling(one).total_cmp(&middling(other)))
    })
}

/// The value of a threshold that raises F1 most, if any does by more than a hair. What the run did
/// not ask counts as not flagged.
fn best_threshold(
    items: &[Item<'_>],
    recorded: &RecordedRule,
    names: &[&str],
) -> Option<Suggested> {
    let case = |item: &Item<'_>| {
        let place = names.iter().position(|name| *name == item.member.image)?;
        recorded.cases.get(place)
    };
    let f1 = |lines| {
        let flags = |item: &Item<'_>| {
            case(item).is_some_and(|case| case.decide(&lines).outcome == Anew::Violated)
        };
        measured(items, flags).2
    };
    let f1_now = f1(recorded.lines);
    let thresholds =
        [Threshold::AcceptAbovePrior, Threshold::RejectBelowPrior, Threshold::RegionDrop];
    let tried =
        thresholds.into_iter().filter_map(|threshold| Some((threshold, threshold.now(recorded)?)));
    let tried = tried.flat_map(|(threshold, now)| {
        (1..=19).map(move |step| (threshold, now, f64::from(step) * 0.05))
    });
    let suggested = tried.map(|(threshold, now, value)| {
        let value = (value * 100.0).round() / 100.0;
        let f1 = f1(threshold.at(value, recorded.lines));
        Suggested { threshold, now, value, f1, f1_now }
    });
    let nearness = |one: &Suggested| -(one.value - one.now).abs();
    let best = suggested.max_by(|one, other| {
        one.f1.total_cmp(&other.f1).then(nearness(one).total_cmp(&nearness(other)))
    })?;
    (best.f1 > f1_now + 0.01).then_some(best)
}
