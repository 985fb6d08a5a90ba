//! Which images are perturbed, where not all are: UnsafeBench's sample of K images that are judged
//! right as they are, of one source at a time (arXiv 2405.03486, section 5).
//!
//! The images of a source are put into an order of chance, and the first K of it that are right are the
//! sample, so that no more are judged as they are than it takes. Nothing but places is held here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::eval::Random;

/// What is known of images that were judged as they are: whether each may be in a sample.
pub type Fit = BTreeMap<usize, bool>;

/// The draw of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    size: usize,
    /// Places by source, each in its order of chance.
    orders: BTreeMap<Option<String>, Vec<usize>>,
}

/// What a sample came to, of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drawn {
    /// Which source; none where sources are not known.
    pub source: Option<String>,
    /// Images that it was drawn from.
    pub images: usize,
    /// Of these, how many were judged as they are until it was full.
    pub judged: usize,
    /// Images in it.
    pub taken: usize,
}

impl Draw {
    /// Draws by a seed from places, each with its source; `size` of every source are wanted. The same
    /// places in the same order give the same draw.
    pub fn new(
        members: impl IntoIterator<Item = (usize, Option<String>)>,
        size: usize,
        seed: u64,
    ) -> Self {
        let mut orders: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
        for (place, source) in members {
            orders.entry(source).or_default().push(place);
        }
        // Each source begins anew, so that one more image of another changes nothing.
        for order in orders.values_mut() {
            Random::new(seed).shuffle(order);
        }
        Self { size, orders }
    }

    /// The places that have to be judged next: of each source as many as are missing, none when the
    /// sample is drawn.
    pub fn missing(&self, fit: &Fit) -> BTreeSet<usize> {
        let orders = self.orders.values();
        let unknown = orders.flat_map(|order| {
            // Where nothing is known yet an image may turn out right.
            let hoped = order.iter().filter(|place| fit.get(place).copied().unwrap_or(true));
            hoped.take(self.size).filter(|place| !fit.contains_key(place))
        });
        unknown.copied().collect()
    }

    /// How many images it has at most.
    pub fn most(&self) -> usize {
        self.orders.values().map(|order| order.len().min(self.size)).sum()
    }

    /// The places of the sample.
    pub fn taken(&self, fit: &Fit) -> BTreeSet<usize> {
        let orders = self.orders.values();
        orders.flat_map(|order| right(order, fit).take(self.size)).collect()
    }

    /// What came of it, by source.
    pub fn drawn(&self, fit: &Fit) -> Vec<Drawn> {
        let of = |(source, order): (&Option<String>, &Vec<usize>)| {
            let last = right(order, fit).take(self.size).last();
            let full = right(order, fit).take(self.size).count() == self.size;
            let end = last.and_then(|last| order.iter().position(|place| *place == last));
            Drawn {
                source: source.clone(),
                images: order.len(),
                judged: end.filter(|_| full).map_or(order.len(), |end| end + 1),
                taken: right(order, fit).take(self.size).count(),
            }
        };
        self.orders.iter().map(of).collect()
    }
}

/// The places of an order that are known to be right.
fn right<'a>(order: &'a [usize], fit: &'a Fit) -> impl Iterator<Item = usize> + 'a {
    order.iter().copied().filter(|place| fit.get(place) == Some(&true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn members(counts: &[(&str, usize)]) -> Vec<(usize, Option<String>)> {
        let sources = counts.iter().flat_map(|(name, count)| std::iter::repeat_n(*name, *count));
        sources.map(|name| Some(name.to_owned())).enumerate().collect()
    }

    /// Draws as the command does: judge what is missing, and look again.
    fn drawn(draw: &Draw, is_right: impl Fn(usize) -> bool) -> (Fit, usize) {
        let (mut fit, mut rounds) = (Fit::new(), 0);
        loop {
            let missing = draw.missing(&fit);
            if missing.is_empty() {
                return (fit, rounds);
            }
            rounds += 1;
            fit.extend(missing.into_iter().map(|place| (place, is_right(place))));
        }
    }

    #[test]
    fn of_every_source_the_first_right_ones_are_taken() {
        let draw = Draw::new(members(&[("a", 50), ("b", 3), ("c", 9)]), 5, 2023);
        let (fit, _) = drawn(&draw, |place| place % 2 == 0);
        let taken = draw.taken(&fit);
        let of = |range: std::ops::Range<usize>| taken.range(range).count();
        // b is 50 to 52, of which 50 and 52 are right; c has 54, 56, 58 and 60.
        assert_eq!((of(0..50), of(50..53), of(53..62)), (5, 2, 4));
        assert!(taken.iter().all(|place| place % 2 == 0));
        let [a, b, c] = &*draw.drawn(&fit) else { panic!("three sources") };
        assert_eq!((a.images, a.taken), (50, 5));
        assert!((5..50).contains(&a.judged), "no more are judged than it takes: {}", a.judged);
        assert_eq!((b.judged, b.taken, c.judged, c.taken), (3, 2, 9, 4));
    }

    #[test]
    fn the_seed_chooses_and_another_source_changes_nothing() {
        let taken = |counts: &[(&str, usize)], seed: u64| {
            let draw = Draw::new(members(counts), 4, seed);
            draw.taken(&drawn(&draw, |_| true).0)
        };
        assert_eq!(taken(&[("a", 40)], 1), taken(&[("a", 40)], 1));
        assert_ne!(taken(&[("a", 40)], 1), taken(&[("a", 40)], 2));
        let both = taken(&[("a", 40), ("b", 7)], 1);
        assert_eq!(both.range(..40).copied().collect::<BTreeSet<_>>(), taken(&[("a", 40)], 1));
    }

    /// Ten images, three of them right, a sample of one: each right one is taken a third of the time.
    #[test]
    fn every_right_image_has_the_same_chance() {
        let mut counts = BTreeMap::new();
        for seed in 0..3_000 {
            let draw = Draw::new(members(&[("a", 10)]), 1, seed);
            let (fit, _) = drawn(&draw, |place| [1, 5, 6].contains(&place));
            for place in draw.taken(&fit) {
                *counts.entry(place).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.len(), 3);
        // The standard deviation of a count is 26.
        assert!(counts.values().all(|count: &i32| (count - 1_000).abs() < 110), "{counts:?}");
    }

    proptest! {
        #[test]
        fn it_is_full_or_nothing_is_left(
            right in proptest::collection::vec(any::<bool>(), 0..60),
            size in 1_usize..20,
            seed in any::<u64>(),
        ) {
            let draw = Draw::new(members(&[("a", right.len())]), size, seed);
            let (fit, rounds) = drawn(&draw, |place| right[place]);
            let all = right.iter().filter(|right| **right).count();
            prop_assert_eq!(draw.taken(&fit).len(), all.min(size));
            prop_assert!(rounds <= right.len());
            for drawn in draw.drawn(&fit) {
                prop_assert_eq!(drawn.judged, fit.len());
            }
        }
    }
}
