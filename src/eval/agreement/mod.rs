//! How far judges agree beyond what chance would bring: kappa, with intervals.
//!
//! [`Ratings`] holds what several judges said of the same items. Cohen's kappa (1960) is for two
//! judges, Fleiss' (1971) for any number; 1 is full agreement, 0 is what judges would reach who say
//! each thing as often but look at nothing, below 0 is less than that. Where all judges say one and the
//! same of everything, chance would agree as well, and there is no kappa.
//!
//! Intervals are drawn anew from the items, [`REPLICATES`] times. Drawing from the items alone would be
//! sure of what it has not seen: sixteen agreements would prove that there is never a disagreement. So
//! one item more is put among them, on which every judge says anything with the same chance. The
//! estimate itself is computed without it.

mod mcnemar;
mod ranks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::mcnemar::mcnemar_exact;
pub use self::ranks::rank_correlation;
use super::intervals::{Estimate, middle_of, share_of};
use super::random::Random;

/// How often the items are drawn anew.
pub const REPLICATES: usize = 2_000;

/// What several judges said of the same items, in categories that are counted from zero.
///
/// ```
/// use praetor::eval::agreement::Ratings;
/// let mut ratings = Ratings::new(2, 2);
/// for pair in [[0, 0], [0, 0], [1, 1], [0, 1]] {
///     ratings.add(&pair);
/// }
/// assert_eq!((ratings.items(), ratings.agreed()), (4, 3));
/// assert!((ratings.cohen().unwrap() - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ratings {
    judges: usize,
    categories: usize,
    /// What was said, in the judges' order, and of how many items.
    said: BTreeMap<Vec<usize>, usize>,
}

impl Ratings {
    /// Nothing said yet by so many judges, in so many categories.
    pub fn new(judges: usize, categories: usize) -> Self {
        Self { judges, categories, said: BTreeMap::new() }
    }

    /// Takes what the judges said of one item; whatever has another number of judges or a category
    /// beyond the last is left out.
    pub fn add(&mut self, item: &[usize]) {
        if item.len() == self.judges && item.iter().all(|category| *category < self.categories) {
            *self.said.entry(item.to_vec()).or_default() += 1;
        }
    }

    /// How many items there are.
    pub fn items(&self) -> usize {
        self.said.values().sum()
    }

    /// Items of which all judges said the same.
    pub fn agreed(&self) -> usize {
        let same = |said: &[usize]| said.windows(2).all(|pair| pair[0] == pair[1]);
        self.said.iter().filter(|(said, _)| same(said)).map(|(_, items)| items).sum()
    }

    /// Items of which the first of two judges said the one and the second the other.
    pub fn of(&self, first: usize, second: usize) -> usize {
        self.said.get(&[first, second][..]).copied().unwrap_or(0)
    }

    /// Cohen's kappa of two judges; nothing without items, for another number of judges, and where
    /// chance would agree on everything.
    pub fn cohen(&self) -> Option<f64> {
        if self.judges != 2 {
            return None;
        }
        let items = self.items();
        let says = |judge: usize, category: usize| {
            let those = self.said.iter().filter(|(said, _)| said[judge] == category);
            share_of(those.map(|(_, items)| items).sum(), items)
        };
        let by_chance: f64 =
            (0..self.categories).map(|category| says(0, category) * says(1, category)).sum();
        beyond_chance(share_of(self.agreed(), items), by_chance).filter(|_| items > 0)
    }

    /// Fleiss' kappa: of all pairs of judges that look at an item, how many agree. Nothing without
    /// items, for fewer than two judges, and where chance would agree on everything.
    pub fn fleiss(&self) -> Option<f64> {
        let items = self.items();
        if items == 0 || self.judges < 2 {
            return None;
        }
        let pairs = self.judges * (self.judges - 1);
        let mut agreeing = 0;
        let mut votes = vec![0; self.categories];
        for (said, items) in &self.said {
            for (category, votes) in votes.iter_mut().enumerate() {
                let count = said.iter().filter(|one| **one == category).count();
                *votes += count * items;
                agreeing += count * count.saturating_sub(1) * items;
            }
        }
        let by_chance =
            votes.iter().map(|votes| share_of(*votes, items * self.judges).powi(2)).sum();
        beyond_chance(share_of(agreeing, pairs * items), by_chance)
    }

    /// A number computed of the ratings, with its interval; the same seed gives the same. Draws from
    /// which it can't be computed are left out.
    pub fn estimate(&self, number: impl Fn(&Self) -> Option<f64>, seed: u64) -> Option<Estimate> {
        let value = number(self)?;
        let mut random = Random::new(seed);
        let kinds: Vec<&Vec<usize>> = self.said.keys().collect();
        // One entry an item: the place of what was said of it.
        let each: Vec<usize> = (self.said.values().enumerate())
            .flat_map(|(kind, items)| std::iter::repeat_n(kind, *items))
            .collect();
        let drawn =
            (0..REPLICATES).filter_map(|_| number(&self.redrawn(&kinds, &each, &mut random)));
        Some(Estimate { value, interval: middle_of(drawn.collect(), value)? })
    }

    /// As many items, each one of those there are or, rarely, one of which anything is said.
    fn redrawn(&self, kinds: &[&Vec<usize>], each: &[usize], random: &mut Random) -> Self {
        let mut drawn = Self::new(self.judges, self.categories);
        let mut counts = vec![0; kinds.len()];
        for _ in each {
            if let Some(kind) = each.get(random.below(each.len() + 1)) {
                counts[*kind] += 1;
            } else {
                let said: Vec<usize> =
                    (0..self.judges).map(|_| random.below(self.categories)).collect();
                drawn.add(&said);
            }
        }
        for (said, items) in kinds.iter().zip(counts).filter(|(_, items)| *items > 0) {
            *drawn.said.entry((*said).clone()).or_default() += items;
        }
        drawn
    }
}

fn beyond_chance(agreement: f64, by_chance: f64) -> Option<f64> {
    let room = 1.0 - by_chance;
    // Rounding must not make of no room a little.
    (room > 1e-12).then(|| (agreement - by_chance) / room)
}
