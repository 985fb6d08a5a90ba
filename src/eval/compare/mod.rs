//! Several judges on the same images: where they agree, and where to look.
//!
//! A [`Panel`] joins their verdicts image by image; a [`Comparison`] counts. Everything is counted on the
//! images that all judges have judged and could read, so that all numbers speak of the same images;
//! what is left out is counted beside. *Undetermined* is a conclusion of its own, never taken for safe.
//!
//! Without labels nothing here says who is right: [`Comparison::conclusions`] says in words what can be
//! concluded and what can't.

mod dispute;
mod judge;
mod pair;
mod panel;
mod rules;
mod sentences;
#[cfg(test)]
mod tests;
mod truth;

use serde::Serialize;

pub use self::dispute::{Dispute, DisputeKind, Said};
pub use self::judge::{JudgeFacts, JudgeSummary};
pub use self::pair::{Agreement, Pair, PairAgainst, ScoreDifference};
pub use self::panel::Panel;
pub use self::rules::{FEW, RuleComparison, RuleCount, RulePair};
pub use self::sentences::small;
pub use self::truth::{Against, Truth, Truths};
use super::agreement::Ratings;
use super::{Estimate, Interval, wilson};

/// What comes of holding several judges beside each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Images that all judges have judged and could read; everything below is counted on them.
    pub images: usize,
    /// Images that are left out.
    pub left_out: LeftOut,
    /// Images of which not all judges conclude the same.
    pub disagreed: usize,
    /// Wilson's interval of their share.
    pub disagreed_share: Option<Interval>,
    /// Images of which all conclude the same by other violated rules.
    pub other_rules: usize,
    /// Labelled images, where there are labels.
    pub labelled: Option<usize>,
    /// Fleiss' kappa, for three judges or more; nothing where chance would agree on everything.
    pub fleiss: Option<Estimate>,
    /// The judges.
    pub judges: Vec<JudgeSummary>,
    /// Each two of them.
    pub pairs: Vec<Pair>,
    /// Rule by rule.
    pub rules: Vec<RuleComparison>,
    /// The images they see differently, the most disputed first.
    pub disputes: Vec<Dispute>,
}

/// Images that can't be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// At least one judge has no verdict on them.
    pub missing: usize,
    /// At least one judge could not read them.
    pub unread: usize,
    /// Of the missing ones, those whose name another judge has with another content.
    pub changed: usize,
}

impl LeftOut {
    /// Images that are left out.
    pub fn images(self) -> usize {
        self.missing + self.unread
    }
}

impl Comparison {
    /// Counts what the judges said; `facts` has one entry a judge, in the panel's order.
    pub fn of(panel: &Panel, facts: Vec<JudgeFacts>, truths: Option<&Truths>) -> Self {
        let common: Vec<&panel::Row> =
            panel.rows.iter().filter(|row| row.all().is_some()).collect();
        let judges = panel.seats.len();
        let disputes = dispute::disputes(panel, &common, truths);
        let other_rules = disputes.iter().filter(|one| one.kind == DisputeKind::OtherRules).count();
        let disagreed = disputes.len() - other_rules;
        let pairs =
            (0..judges).flat_map(|first| (first + 1..judges).map(move |next| (first, next)));
        Self {
            images: common.len(),
            left_out: left_out(panel),
            disagreed,
            disagreed_share: wilson(float(disagreed), float(common.len())),
            other_rules,
            labelled: truths.map(|truths| {
                common.iter().filter(|row| truths.of(&row.image, row.hash).is_some()).count()
            }),
            fleiss: (judges > 2).then(|| fleiss(judges, &common)).flatten(),
            judges: facts
                .into_iter()
                .enumerate()
                .take(judges)
                .map(|(place, facts)| JudgeSummary::of(place, facts, (panel, &common), truths))
                .collect(),
            pairs: pairs.map(|pair| Pair::of(pair, &common, truths)).collect(),
            rules: rules::compare(panel, &common, truths),
            disputes,
        }
    }

    /// Whether all judges say the same of all images, by the same rules.
    pub fn is_unanimous(&self) -> bool {
        self.disputes.is_empty()
    }

    /// The largest difference of two judges' scores, without its sign, and on which image.
    pub fn largest_difference(&self) -> Option<(f64, &str)> {
        let scores = self.pairs.iter().filter_map(|pair| pair.scores.as_ref());
        let most = scores.max_by(|one, other| one.largest.total_cmp(&other.largest))?;
        Some((most.largest, &most.largest_on))
    }
}

fn left_out(panel: &Panel) -> LeftOut {
    let mut left_out = LeftOut::default();
    for row in &panel.rows {
        if row.opinions.iter().any(Option::is_none) {
            left_out.missing += 1;
            left_out.changed += usize::from(panel.has_another(row));
        } else if row.all().is_none() {
            left_out.unread += 1;
        }
    }
    left_out
}

fn fleiss(judges: usize, common: &[&panel::Row]) -> Option<Estimate> {
    let mut ratings = Ratings::new(judges, 3);
    for row in common {
        let said = row.opinions.iter().flatten().map(|one| pair::category(one.conclusion));
        ratings.add(&said.collect::<Vec<_>>());
    }
    ratings.estimate(Ratings::fleiss, pair::SEED)
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}
