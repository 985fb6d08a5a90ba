//! Scales: where a number lies between others, as shares of a line's length.
//!
//! The macros `scale` and `nearness` of `pieces.html.jinja` draw them as inline SVG.

use std::fmt::Write;

use serde::Serialize;

use super::words::Asked;
use crate::units::Probability;
use crate::verdict::{Finding, Holds, Relevance, RuleVerdict, Step};

/// The cut that a scale shows where a judge knew no prior.
const PLAIN_CUT: f64 = 0.5;

/// A number as text, and its place on the line in per cent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The number as people read it.
    pub text: String,
    /// Where it stands, from `0.00` to `100.00`.
    pub at: String,
}

impl Mark {
    fn of(value: f64) -> Self {
        Self { text: format!("{value:.3}"), at: at(value) }
    }
}

/// A share of a length as CSS and SVG write it.
fn at(share: f64) -> String {
    format!("{:.2}", share.clamp(0.0, 1.0) * 100.0)
}

/// M on a line from 0 to 1, with the prior, the band between the thresholds, and what M is without
/// the central objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scale {
    /// Everything on the scale in words, for those who can't see it.
    pub label: String,
    /// M.
    pub m: Option<Mark>,
    /// M of the whole picture, where M was read off a crop.
    pub whole: Option<Mark>,
    /// M without the central objects.
    pub without: Option<Mark>,
    /// The prior.
    pub prior: Option<Mark>,
    /// Below this it does not hold.
    pub low: Option<Mark>,
    /// Above this it holds.
    pub high: Option<Mark>,
    /// The band's width, in per cent.
    pub band: String,
    /// What is right of the band, in per cent.
    pub rest: String,
    /// What lies left of the band, and right of it.
    pub words: [&'static str; 2],
}

impl Scale {
    /// The scale of a finding; nothing where nothing was measured.
    pub fn of(finding: &Finding, asked: Asked) -> Option<Self> {
        let found = finding.region.as_ref();
        let whole = found.and_then(|found| found.m_whole);
        let without = found.and_then(|found| found.m_without);
        finding.m.or(finding.prior).or(without)?;
        let cut = (finding.by == Some(Step::PlainCut)).then_some(PLAIN_CUT);
        let (low, high) = (finding.rejects_below.or(cut), finding.accepts_above.or(cut));
        let words = [Holds::No, Holds::Yes].map(|holds| asked.answer(holds));
        let named = [
            ("M", finding.m),
            ("M of the whole picture", whole),
            ("M with the central objects painted over", without),
            ("prior", finding.prior),
        ];
        let mut label = "on a scale from 0 to 1".to_owned();
        for (name, value) in named {
            if let Some(value) = value {
                let _ = write!(label, "; {name} {value}");
            }
        }
        if let (Some(low), Some(high)) = (low, high) {
            let [no, yes] = words;
            let _ = write!(label, "; {no} below {low:.3}, {yes} above {high:.3}");
        }
        let mark = |value: Option<Probability>| value.map(|value| Mark::of(value.value()));
        Some(Self {
            label,
            m: mark(finding.m),
            whole: mark(whole),
            without: mark(without),
            prior: mark(finding.prior),
            low: low.map(Mark::of),
            high: high.map(Mark::of),
            band: at(low.zip(high).map_or(0.0, |(low, high)| high - low)),
            rest: at(high.map_or(0.0, |high| 1.0 - high)),
            words,
        })
    }
}

/// The range of cosines that a page shows, the same for all its rules so that they compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// An axis with room for every cosine and threshold of a verdict.
    pub fn of(rules: &[RuleVerdict]) -> Self {
        let seen = rules.iter().filter_map(|rule| rule.relevance);
        let ends = seen.flat_map(|relevance| [relevance.cosine, relevance.threshold]);
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let room = ((high - low) * 0.1).max(0.01);
        Self { low: low - room, high: high + room }
    }

    fn mark(self, value: f64) -> Mark {
        Mark { at: at((value - self.low) / (self.high - self.low)), ..Mark::of(value) }
    }
}

/// A rule's cosine against its threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nearness {
    /// Everything on the scale in words.
    pub label: String,
    /// The cosine.
    pub cosine: Mark,
    /// The threshold above which a rule is judged.
    pub threshold: Mark,
    /// What is right of the threshold, in per cent.
    pub rest: String,
    /// Whether the rule is judged.
    pub kept: bool,
}

impl Nearness {
    /// Places a rule's relevance on an axis.
    pub fn of(relevance: Relevance, axis: Axis) -> Self {
        let word = if relevance.kept() { "above" } else { "not above" };
        let (cosine, threshold) = (axis.mark(relevance.cosine), axis.mark(relevance.threshold));
        Self {
            label: format!("cosine {}, {word} the threshold {}", cosine.text, threshold.text),
            rest: at((axis.high - relevance.threshold) / (axis.high - axis.low)),
            cosine,
            threshold,
            kept: relevance.kept(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RuleId, ViewKind};

    #[test]
    fn a_scale_places_every_number_it_knows() {
        let open = Finding::open("c", ViewKind::Whole);
        assert_eq!(Scale::of(&open, Asked::Visible), None);
        let finding = Finding {
            m: Probability::new(0.25),
            prior: Probability::new(0.5),
            rejects_below: Some(0.35),
            accepts_above: Some(0.9),
            ..open
        };
        let scale = Scale::of(&finding, Asked::Visible).unwrap();
        assert_eq!(
            scale.label,
            "on a scale from 0 to 1; M 0.250; prior 0.500; not visible below 0.350, visible above \
             0.900"
        );
        assert_eq!((scale.m.unwrap().at, scale.band), ("25.00".to_owned(), "55.00".to_owned()));
        assert_eq!(scale.rest, "10.00");
    }

    #[test]
    fn an_axis_has_room_for_all_and_stands_even_a_single_number() {
        let rule = |cosine| {
            let relevance = Relevance { cosine, threshold: 0.22 };
            RuleVerdict::irrelevant(RuleId::new("r").unwrap(), relevance)
        };
        let rules = [rule(0.12), rule(0.32)];
        let axis = Axis::of(&rules);
        let near = Nearness::of(rules[1].relevance.unwrap(), axis);
        assert_eq!((near.threshold.at.as_str(), near.kept), ("50.00", true));
        let single = Axis::of(&[rule(0.22)]);
        let near = Nearness::of(Relevance { cosine: 0.22, threshold: 0.22 }, single);
        assert_eq!((near.cosine.at.as_str(), near.kept), ("50.00", false));
    }
}
