//! The bootstrap: images drawn anew, with replacement, to see how far a measure may be off.
//!
//! Each source is drawn by itself, since how many images come from where was chosen and not found.
//! The same seed gives the same draws. Intervals are the middle 95 % of what the draws give
//! (Efron and Tibshirani, "An Introduction to the Bootstrap", chapter 13).

use crate::eval::intervals::{Estimate, middle_of};
use crate::eval::random::Random;

/// Draws unless another number is asked for.
pub const REPLICATES: usize = 1_000;

/// How often, and by which seed, images are drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[expect(clippy::exhaustive_structs, reason = "two numbers, and never more")]
pub struct Bootstrap {
    /// Draws.
    pub replicates: usize,
    /// Chooses them.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { replicates: REPLICATES, seed: 0 }
    }
}

impl Bootstrap {
    /// What `count` gives for the images as they are, each once, and for every draw; `strata` says
    /// for each image which ones it is drawn among.
    pub(super) fn run<Count>(
        self,
        strata: &[usize],
        count: impl Fn(&[u32]) -> Count,
    ) -> Draws<Count> {
        let members = members(strata);
        let mut random = Random::new(self.seed);
        let mut times = vec![1; strata.len()];
        let observed = count(&times);
        let mut drawn = Vec::with_capacity(self.replicates);
        for _ in 0..self.replicates {
            times.fill(0);
            for stratum in &members {
                for _ in stratum {
                    times[stratum[random.below(stratum.len())]] += 1;
                }
            }
            drawn.push(count(&times));
        }
        Draws { observed, drawn }
    }
}

fn members(strata: &[usize]) -> Vec<Vec<usize>> {
    let most = strata.iter().max().map_or(0, |most| most + 1);
    let mut members = vec![Vec::new(); most];
    for (image, stratum) in strata.iter().enumerate() {
        members[*stratum].push(image);
    }
    members
}

/// What was counted on the images as they are, and on each draw.
#[derive(Clone, Debug)]
pub(super) struct Draws<Count> {
    pub(super) observed: Count,
    drawn: Vec<Count>,
}

impl<Count> Draws<Count> {
    /// A measure with its interval; nothing where it can't be computed. Draws on which it can't be
    /// are left out.
    pub(super) fn estimate(&self, measure: impl Fn(&Count) -> Option<f64>) -> Option<Estimate> {
        let value = measure(&self.observed)?;
        let drawn: Vec<f64> = self.drawn.iter().filter_map(measure).collect();
        // Without draws nothing is known of how far it may be off.
        Some(Estimate { value, interval: middle_of(drawn, value)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_draw_has_as_many_images_of_each_stratum() {
        let strata = [0, 1, 0, 1, 1, 0, 0];
        let bootstrap = Bootstrap { replicates: 50, seed: 3 };
        let draws = bootstrap.run(&strata, |times| {
            let of = |stratum| {
                let pairs = strata.iter().zip(times);
                pairs.filter(|(one, _)| **one == stratum).map(|(_, times)| times).sum::<u32>()
            };
            (of(0), of(1))
        });
        assert!(draws.drawn.iter().all(|counts| *counts == (4, 3)));
    }

    /// The share of 30 in 100 has a standard error of 0.0458, so that 95 % lie within 0.09.
    #[test]
    fn the_interval_of_a_share_is_as_wide_as_its_standard_error_says() {
        let draws = Bootstrap::default().run(&[0; 100], |times| times[..30].iter().sum::<u32>());
        let share = draws.estimate(|count| Some(f64::from(*count) / 100.0)).unwrap();
        assert!((share.value - 0.3).abs() < 1e-12);
        assert!((share.interval.low - 0.21).abs() < 0.02, "{share:?}");
        assert!((share.interval.high - 0.39).abs() < 0.02, "{share:?}");
    }

    #[test]
    fn a_seed_gives_the_same_draws() {
        let sum = |seed| {
            let bootstrap = Bootstrap { replicates: 3, seed };
            bootstrap.run(&[0; 20], <[u32]>::to_vec).drawn
        };
        assert_eq!(sum(1), sum(1));
        assert_ne!(sum(1), sum(2));
    }
}
