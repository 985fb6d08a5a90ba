//! Whether scores can be believed, and what was said of single rules.

use std::collections::BTreeMap;

use super::draws::Bootstrap;
use super::judged::Judged;
use super::{RuleCount, Scores, Sure};
use crate::eval::calibration::{self, Bin};
use crate::eval::intervals::{share_of, wilson};
use crate::eval::ranking::{self, Scored};
use crate::ids::RuleId;

/// What is computed anew for each draw.
struct Ranks {
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
    brier: Option<f64>,
    calibration_error: Option<f64>,
    reliability: Vec<Bin>,
}

/// Measures the scores of those `images` that are members.
pub(super) fn scores(
    images: &[&Judged],
    member: impl Fn(&&Judged) -> bool,
    (strata, bootstrap): (&[usize], Bootstrap),
) -> Scores {
    let pairs = images.iter().zip(strata).filter(|(image, _)| member(image));
    let (members, strata): (Vec<&Judged>, Vec<usize>) =
        pairs.map(|(image, stratum)| (*image, *stratum)).unzip();
    // Sorted once, the worst place for what has no score.
    let place = |image: &Judged| match (image.score, image.label.is_unsafe()) {
        (Some(score), _) => score,
        (None, Some(true)) => f64::NEG_INFINITY,
        (None, _) => f64::INFINITY,
    };
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by(|one, other| place(members[*other]).total_cmp(&place(members[*one])));
    let draws = bootstrap.run(&strata, |times| {
        let weighted = order.iter().map(|at| Scored {
            score: place(members[*at]),
            is_unsafe: members[*at].label.is_unsafe() == Some(true),
            weight: f64::from(times[*at]),
        });
        let ranked: Vec<Scored> = weighted.filter(|image| image.weight > 0.0).collect();
        ranks(&ranked)
    });
    let scored = members.iter().filter(|image| image.score.is_some()).count();
    Scores {
        scored,
        unscored: members.len() - scored,
        roc_auc: draws.estimate(|ranks| ranks.roc_auc),
        average_precision: draws.estimate(|ranks| ranks.average_precision),
        brier: draws.estimate(|ranks| ranks.brier),
        calibration_error: draws.estimate(|ranks| ranks.calibration_error),
        reliability: draws.observed.reliability,
    }
}

fn ranks(ranked: &[Scored]) -> Ranks {
    let scored: Vec<Scored> =
        ranked.iter().copied().filter(|image| image.score.is_finite()).collect();
    let reliability = calibration::reliability(&scored);
    Ranks {
        roc_auc: ranking::roc_auc(ranked),
        average_precision: ranking::average_precision(ranked),
        brier: calibration::brier(&scored),
        calibration_error: calibration::calibration_error(&reliability),
        reliability,
    }
}

/// Answers that are surer than `above`, and how many of them are wrong.
pub(super) fn sure(images: &[&Judged], above: f64) -> Sure {
    let surer = images.iter().filter(|image| image.confidence().is_some_and(|sure| sure > above));
    let (mut answers, mut wrong) = (0, 0);
    for image in surer {
        answers += 1;
        wrong += usize::from(image.is_right() == Some(false));
    }
    let interval = wilson(count(wrong), count(answers));
    Sure { above, answers, wrong, share: share(wrong, answers), interval }
}

/// What was said of each rule, over the images that somebody has looked at rule by rule.
pub(super) fn rules(images: &[Judged]) -> Vec<RuleCount> {
    let mut counts: BTreeMap<&RuleId, [usize; 4]> = BTreeMap::new();
    for image in images {
        let Some(labelled) = &image.label.violated else { continue };
        for rule in labelled {
            let [violations, found, open, _] = counts.entry(rule).or_default();
            *violations += 1;
            *found += usize::from(image.violated.contains(rule));
            *open += usize::from(image.open.contains(rule));
        }
        for rule in image.violated.iter().filter(|rule| !labelled.contains(*rule)) {
            counts.entry(rule).or_default()[3] += 1;
        }
    }
    let of_rule =
        |(rule, [violations, found, open, false_flags]): (&RuleId, [usize; 4])| RuleCount {
            rule: rule.clone(),
            violations,
            found,
            open,
            false_flags,
            recall: share(found, violations),
            recall_interval: wilson(count(found), count(violations)),
            precision: share(found, found + false_flags),
        };
    counts.into_iter().map(of_rule).collect()
}

/// Mean time an image.
pub(super) fn mean_time(images: &[Judged]) -> Option<f64> {
    let all = images.iter().map(|image| image.took_ms).sum::<u64>();
    let all = usize::try_from(all).ok()?;
    (!images.is_empty()).then(|| count(all) / count(images.len()))
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| share_of(part, whole))
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn count(items: usize) -> f64 {
    items as f64
}
