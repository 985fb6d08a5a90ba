//! Shares of a whole from labels of a stratified sample, and how far they may be off.
//!
//! The images are sorted into strata of known size, a few of each are labelled, and a total is the
//! sum of size times share over the strata. How far it may be off is found by resampling each
//! stratum by itself, as Rao and Wu (1988) do: one image fewer than were labelled is drawn, and the
//! deviation shrinks by the part that was labelled, so that a stratum labelled whole adds nothing.
//!
//! Drawing from the labels themselves would be sure of what it has not seen: twenty safe images of a
//! thousand would prove that there is not one unsafe among them. So the shares drawn from are
//! smoothed by half a label of each kind (Jeffreys) for each group of strata, handed out by size.
//! The estimate itself is not smoothed.

use super::intervals::{Estimate, middle_of, share_of};
use super::random::Random;

/// How often the strata are drawn anew.
pub const REPLICATES: usize = 2_000;

/// A part of the images of which some are labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stratum {
    /// How many images it has.
    pub size: usize,
    /// How many of them are labelled; at least one.
    pub labelled: usize,
    /// How many of the labelled ones are unsafe.
    pub positive: usize,
    /// Strata of one group are alike, and are smoothed together.
    pub group: usize,
}

/// The shares of the strata, and how they came out when drawn anew.
#[derive(Clone, Debug)]
pub struct Shares {
    observed: Vec<f64>,
    drawn: Vec<Vec<f64>>,
}

impl Shares {
    /// Draws the strata anew, [`REPLICATES`] times; the same seed gives the same numbers.
    pub fn of(strata: &[Stratum], seed: u64) -> Self {
        let mut random = Random::new(seed);
        let observed = strata.iter().map(|one| share_of(one.positive, one.labelled)).collect();
        let smoothed: Vec<f64> = strata.iter().map(|one| smoothed(*one, strata)).collect();
        let draw = |random: &mut Random| {
            let pairs = strata.iter().zip(&smoothed);
            pairs.map(|(stratum, share)| redrawn(*stratum, *share, random)).collect()
        };
        let drawn = (0..REPLICATES).map(|_| draw(&mut random)).collect();
        Self { observed, drawn }
    }

    /// The share of each stratum, as it was labelled.
    pub fn observed(&self) -> &[f64] {
        &self.observed
    }

    /// A number computed from the shares of the strata, with its interval; nothing where it can't be
    /// computed. Draws from which it can't be computed are left out.
    pub fn estimate(&self, number: impl Fn(&[f64]) -> Option<f64>) -> Option<Estimate> {
        let value = number(&self.observed)?;
        let drawn = self.drawn.iter().filter_map(|shares| number(shares)).collect();
        Some(Estimate { value, interval: middle_of(drawn, value)? })
    }
}

/// A stratum's share with its part of the group's one label that nobody gave.
fn smoothed(stratum: Stratum, strata: &[Stratum]) -> f64 {
    let group = || strata.iter().filter(|other| other.group == stratum.group);
    let size: usize = group().map(|other| other.size).sum();
    let part = 0.5 * share_of(stratum.size, size);
    let (labelled, positive) = (count(stratum.labelled), count(stratum.positive));
    let own = (positive + part) / (labelled + 2.0 * part);
    if stratum.labelled > 1 {
        return own;
    }
    // One label says nothing of how much a stratum varies; the group does.
    let labelled: usize = group().map(|other| other.labelled).sum();
    let positive: usize = group().map(|other| other.positive).sum();
    f64::midpoint(own, (count(positive) + 0.5) / (count(labelled) + 1.0))
}

fn redrawn(stratum: Stratum, share: f64, random: &mut Random) -> f64 {
    let unseen = 1.0 - share_of(stratum.labelled, stratum.size).min(1.0);
    let trials = stratum.labelled.saturating_sub(1).max(1);
    let drawn = share_of(random.binomial(trials, share), trials);
    let middle = if unseen > 0.0 { share } else { share_of(stratum.positive, stratum.labelled) };
    (middle + unseen.sqrt() * (drawn - middle)).clamp(0.0, 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn count(items: usize) -> f64 {
    items as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(strata: &[Stratum]) -> Estimate {
        let sizes: Vec<f64> = strata.iter().map(|one| count(one.size)).collect();
        let all: f64 = sizes.iter().sum();
        let shares = Shares::of(strata, 1);
        let total = |shares: &[f64]| {
            Some(sizes.iter().zip(shares).map(|(size, share)| size * share).sum::<f64>() / all)
        };
        shares.estimate(total).unwrap()
    }

    /// Worked by hand, as in Cochran, "Sampling Techniques", section 5.6: 0.2 * 15/20 + 0.8 * 4/40 =
    /// 0.23; standard error sqrt(0.04 * 0.9 * 0.1875/19 + 0.64 * 0.95 * 0.09/39) = 0.0419.
    #[test]
    fn the_estimate_is_cochrans_and_the_interval_as_wide() {
        let strata = [
            Stratum { size: 200, labelled: 20, positive: 15, group: 0 },
            Stratum { size: 800, labelled: 40, positive: 4, group: 1 },
        ];
        let estimate = mean(&strata);
        assert!((estimate.value - 0.23).abs() < 1e-12);
        let half = (estimate.interval.high - estimate.interval.low) / 2.0;
        assert!((half - 1.96 * 0.0419).abs() < 0.01, "{estimate:?}");
    }

    #[test]
    fn none_of_twenty_is_no_proof_and_all_labelled_is() {
        let some = mean(&[Stratum { size: 1_000, labelled: 20, positive: 0, group: 0 }]);
        assert!(some.value.abs() < 1e-12);
        assert!((0.05..0.2).contains(&some.interval.high), "{some:?}");
        let all = mean(&[Stratum { size: 20, labelled: 20, positive: 3, group: 0 }]);
        assert!(
            (all.interval.low - 0.15).abs() < 1e-12 && (all.interval.high - 0.15).abs() < 1e-12
        );
    }

    #[test]
    fn small_strata_of_one_group_are_not_pulled_to_a_half() {
        let small = Stratum { size: 10, labelled: 2, positive: 0, group: 0 };
        let estimate = mean(&[small; 14]);
        assert!(estimate.interval.high < 0.12, "{estimate:?}");
    }
}
