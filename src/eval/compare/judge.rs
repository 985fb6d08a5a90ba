//! One judge by itself: how much it flags, what it leaves open and why, what it costs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::float;
use super::panel::{Opinion, Panel, Row};
use super::truth::{Against, Truths};
use crate::eval::{Interval, quantile, wilson};
use crate::ids::{ModelId, PolicyHash};
use crate::verdict::{Conclusion, Method, Stage};

/// What is known of a judge beside its verdicts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever has run the judge makes these")]
pub struct JudgeFacts {
    /// What it is called.
    pub name: String,
    /// Where its run is, if it was kept.
    pub run: Option<String>,
    /// The model.
    pub model: ModelId,
    /// The constitution's name.
    pub constitution: String,
    /// Hash of the policy it judged by.
    pub policy: PolicyHash,
    /// Whether its run was cut off.
    pub cut_off: bool,
    /// What a thousand images cost, in the currency of the prices, where the run says so.
    pub cost_per_thousand: Option<f64>,
}

/// A judge, and what it said of the images that all have judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JudgeSummary {
    /// Who it is.
    #[serde(flatten)]
    pub facts: JudgeFacts,
    /// How it judges; nothing where it has not judged.
    pub method: Option<Method>,
    /// Stages it was told to leave out, or had no model for.
    pub without: Vec<Stage>,
    /// Whether it says which rule is violated.
    pub by_rule: bool,
    /// Verdicts of its run.
    pub verdicts: usize,
    /// Of them, on an image that it had judged before.
    pub repeated: usize,
    /// Images that it could not read.
    pub unread: usize,
    /// Images that another has judged and it has not.
    pub missing: usize,
    /// Images it called unsafe, of those that all have judged.
    pub unsafe_images: usize,
    /// Wilson's interval of their share.
    pub unsafe_share: Option<Interval>,
    /// Images it could not settle.
    pub undetermined: usize,
    /// Images it called safe.
    pub safe: usize,
    /// Images it could not settle, by what stood in the way; one may have several.
    pub reasons: BTreeMap<String, usize>,
    /// Answers on single rules that it could not settle, by what stood in the way, whatever came of
    /// the image.
    pub open_rules: BTreeMap<String, usize>,
    /// Time in the stages for a thousand such images, in seconds.
    pub seconds_per_thousand: Option<f64>,
    /// Time for the image in the middle, in milliseconds.
    pub median_ms: Option<f64>,
    /// Against the labels, where there are any.
    pub against: Option<Against>,
}

impl JudgeSummary {
    /// Time in the stages for a thousand such images, in whole milliseconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time, never negative, and far below 2^52 milliseconds"
    )]
    pub fn milliseconds_per_thousand(&self) -> Option<u64> {
        self.seconds_per_thousand.map(|seconds| (seconds * 1_000.0).round() as u64)
    }

    /// Counts one judge of a panel.
    pub(super) fn of(
        judge: usize,
        facts: JudgeFacts,
        (panel, common): (&Panel, &[&Row]),
        truths: Option<&Truths>,
    ) -> Self {
        let seat = &panel.seats[judge];
        let said: Vec<&Opinion> =
            common.iter().filter_map(|row| row.opinions[judge].as_ref()).collect();
        let count = |wanted| said.iter().filter(|one| one.conclusion == wanted).count();
        let unsafe_images = count(Conclusion::Unsafe);
        let mut took: Vec<f64> = said.iter().map(|one| milliseconds(one.took_ms)).collect();
        took.sort_by(f64::total_cmp);
        let all: f64 = took.iter().sum();
        let opinions = || panel.rows.iter().map(|row| row.opinions[judge].as_ref());
        let (method, without) = seat.way.clone().unzip();
        Self {
            facts,
            by_rule: opinions().flatten().any(|one| one.is_read() && one.by_rule),
            method,
            without: without.unwrap_or_default(),
            verdicts: seat.verdicts,
            repeated: seat.repeated,
            unread: opinions().flatten().filter(|one| !one.is_read()).count(),
            missing: opinions().filter(Option::is_none).count(),
            unsafe_images,
            unsafe_share: wilson(float(unsafe_images), float(said.len())),
            undetermined: count(Conclusion::Undetermined),
            safe: count(Conclusion::Safe),
            reasons: reasons(&said),
            open_rules: open_rules(&said),
            // Milliseconds an image are seconds a thousand images.
            seconds_per_thousand: (!took.is_empty()).then(|| all / float(took.len())),
            median_ms: quantile(&took, 0.5),
            against: truths.map(|truths| against(judge, common, truths)),
        }
    }
}

fn reasons(said: &[&Opinion]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let open = said.iter().filter(|one| one.conclusion == Conclusion::Undetermined);
    for reason in open.flat_map(|one| &one.reasons) {
        *counts.entry(reason.clone()).or_default() += 1;
    }
    counts
}

fn open_rules(said: &[&Opinion]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for reason in said.iter().flat_map(|one| &one.marks).filter_map(|mark| mark.reason.as_ref()) {
        *counts.entry(reason.clone()).or_default() += 1;
    }
    counts
}

fn against(judge: usize, common: &[&Row], truths: &Truths) -> Against {
    Against::of(common.iter().filter_map(|row| {
        let truth = truths.of(&row.image, row.hash)?;
        Some((truth.is_unsafe, row.opinions[judge].as_ref()?.conclusion))
    }))
}

#[expect(clippy::cast_precision_loss, reason = "an image takes far less than 2^52 milliseconds")]
fn milliseconds(took: u64) -> f64 {
    took as f64
}
