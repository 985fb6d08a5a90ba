//! The same measured under several seeds: how much of a figure is chance.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Attacks, Perturbation, Robustness};
use crate::eval::share_of;

/// A share under each of several seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Its value under each seed, in their order; seeds under which there was nothing to count are left
    /// out.
    pub values: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, of a sample (n - 1 below).
    pub deviation: f64,
}

impl Spread {
    /// Of two values or more; one has no spread.
    #[expect(clippy::cast_precision_loss, reason = "a handful of seeds")]
    pub fn of(values: Vec<f64>) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        Some(Self { deviation: (squares / (count - 1.0)).sqrt(), mean, values })
    }
}

/// What a perturbation, or the attack, did under all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OverSeeds {
    /// Its name.
    pub perturbation: String,
    /// The share of verdicts that were turned.
    pub flipped: Option<Spread>,
    /// The share of what was right that still is; without labels there is none.
    pub robust_accuracy: Option<Spread>,
    /// The same by source.
    pub sources: BTreeMap<String, Spread>,
}

impl OverSeeds {
    /// Each perturbation whose figures a seed can change: with samples all, else those of chance.
    pub fn of(counted: &[&Robustness], perturbations: &[Perturbation], sampled: bool) -> Vec<Self> {
        let by_chance = perturbations.iter().enumerate();
        let by_chance = by_chance.filter(|(_, one)| sampled || one.is_random());
        by_chance.map(|(at, one)| Self::of_row(counted, at, one)).collect()
    }

    fn of_row(counted: &[&Robustness], at: usize, perturbation: &Perturbation) -> Self {
        let rows: Vec<_> = counted.iter().filter_map(|one| one.perturbations.get(at)).collect();
        let flipped = rows.iter().filter(|row| row.images > 0);
        let mut sources: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for source in rows.iter().flat_map(|row| &row.sources) {
            if let Some(share) = source.robust.and_then(|robust| robust.accuracy) {
                sources.entry(source.source.clone()).or_default().push(share);
            }
        }
        Self {
            perturbation: perturbation.to_string(),
            flipped: Spread::of(flipped.map(|row| share_of(row.flipped, row.images)).collect()),
            robust_accuracy: Spread::of(
                rows.iter().filter_map(|row| row.robust?.accuracy).collect(),
            ),
            sources: sources
                .into_iter()
                .filter_map(|(source, values)| Some((source, Spread::of(values)?)))
                .collect(),
        }
    }

    /// The attack; `labelled` says whether only images were attacked that were right before.
    pub fn of_attacks(attacks: &[&Attacks], labelled: bool) -> Self {
        let attacked = attacks.iter().filter(|one| one.attacked > 0);
        let turned = attacked.map(|one| share_of(one.succeeded, one.attacked));
        let withstood = attacks.iter().filter_map(|one| one.withstood);
        let mut sources: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (source, (attacked, turned)) in attacks.iter().flat_map(|one| &one.sources) {
            sources.entry(source.clone()).or_default().push(1.0 - share_of(*turned, *attacked));
        }
        let sources = sources.into_iter().filter(|_| labelled);
        Self {
            perturbation: "square attack".to_owned(),
            flipped: Spread::of(turned.collect()),
            robust_accuracy: labelled.then(|| Spread::of(withstood.collect())).flatten(),
            sources: sources
                .filter_map(|(source, values)| Some((source, Spread::of(values)?)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::square::{Attacked, Square};
    use super::super::{Known, Spared};
    use super::*;

    /// Mean 0.8; deviations -0.1, 0, 0.1; (0.01 + 0 + 0.01) / 2 = 0.01, whose root is 0.1.
    #[test]
    fn mean_and_deviation_are_those_of_a_sample() {
        let spread = Spread::of(vec![0.7, 0.8, 0.9]).unwrap();
        assert!((spread.mean - 0.8).abs() < 1e-12 && (spread.deviation - 0.1).abs() < 1e-12);
        assert_eq!(Spread::of(vec![0.5]), None, "one seed has no spread");
        assert!(Spread::of(vec![0.5, 0.5]).unwrap().deviation < 1e-12);
    }

    #[test]
    fn without_samples_only_what_is_of_chance_has_a_spread() {
        let perturbations = ["jpeg:50", "noise:0.2"].map(|name| name.parse().unwrap());
        let one = Robustness::of(&perturbations);
        let names = |sampled| -> Vec<String> {
            let rows = OverSeeds::of(&[&one, &one], &perturbations, sampled);
            rows.into_iter().map(|row| row.perturbation).collect()
        };
        assert_eq!(names(false), ["noise:0.2"]);
        assert_eq!(names(true), ["jpeg:50", "noise:0.2"]);
        let empty = OverSeeds::of(&[&one, &one], &perturbations, true);
        assert_eq!(empty[0].flipped, None, "of no images there is no share");
    }

    #[test]
    fn attacks_have_a_robust_accuracy_only_where_labels_said_what_was_right() {
        let attacks = |turned: &[bool]| {
            let mut attacks = Attacks::of(Square { epsilon: 8, queries: 10, seed: 1 });
            let known = Known { is_unsafe: Some(true), source: Some("a".to_owned()) };
            for turned in turned {
                let picture = image::RgbImage::new(1, 1);
                let after = turned.then_some(3);
                let attacked = Attacked { succeeded_after: after, queries: 3, score: 0.5, picture };
                attacks.add(&known, &attacked);
            }
            attacks.spare(Spared::Animated);
            attacks
        };
        let (one, other) = (attacks(&[true, false]), attacks(&[false, false]));
        let labelled = OverSeeds::of_attacks(&[&one, &other], true);
        assert_eq!(labelled.flipped.unwrap().values, [0.5, 0.0]);
        assert_eq!(labelled.robust_accuracy.unwrap().values, [0.5, 1.0]);
        assert_eq!(labelled.sources["a"].values, [0.5, 1.0]);
        let unlabelled = OverSeeds::of_attacks(&[&one, &other], false);
        assert_eq!((unlabelled.robust_accuracy, unlabelled.sources.len()), (None, 0));
    }
}
