//! Drawing a sample: how many images of each part, and which.
//!
//! Each part gets at least two images, so that it can be seen how much it varies, and the rest go
//! where they make the share of unsafe images best known: Neyman's allocation, by size times the
//! deviation that is to be expected, in its exact form for whole numbers (Wright 2012: one image
//! after the other to the part with the largest N·s / √(n(n+1))). The deviation is guessed from the
//! verdict, see [`expected_unsafe`]; a bad guess makes the sample less sharp and never wrong.

use std::collections::BTreeMap;

use super::strata::{Detail, Key, Member, sorted};
use crate::eval::Random;
use crate::verdict::Conclusion;

/// Images that every part gets, as far as it has them.
pub const FLOOR: usize = 2;

/// A part of the images and what was drawn of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What its images have in common.
    pub key: Key,
    /// How many images it has.
    pub size: usize,
    /// Places of the drawn ones.
    pub drawn: Vec<usize>,
}

/// A drawn sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// How finely images were told apart.
    pub detail: Detail,
    /// The parts, in an order that depends on the run only.
    pub parts: Vec<Part>,
    /// Places of the drawn images with that of their part, in an order of chance.
    pub order: Vec<(usize, usize)>,
}

/// Draws `size` images, or all if there are no more.
pub fn draw(members: &[Member], size: usize, seed: u64) -> Drawn {
    let (detail, parts) = finest_that_fits(members, size);
    let sizes: Vec<(usize, f64)> =
        parts.iter().map(|(key, places)| (places.len(), deviation(key))).collect();
    let counts = allocate(&sizes, size);
    let mut random = Random::new(seed);
    let mut drawn = Vec::new();
    for ((key, mut places), count) in parts.into_iter().zip(counts) {
        let size = places.len();
        // So that the sample depends on the images and not on the order they were judged in.
        places.sort_by(|one, other| members[*one].image.cmp(&members[*other].image));
        random.shuffle(&mut places);
        places.truncate(count);
        drawn.push(Part { key, size, drawn: places });
    }
    let mut order: Vec<(usize, usize)> = drawn
        .iter()
        .enumerate()
        .flat_map(|(part, one)| one.drawn.iter().map(move |place| (*place, part)))
        .collect();
    random.shuffle(&mut order);
    Drawn { detail, parts: drawn, order }
}

/// The finest parts whose floors take at most two thirds of the sample.
fn finest_that_fits(members: &[Member], size: usize) -> (Detail, BTreeMap<Key, Vec<usize>>) {
    for detail in Detail::FINEST_FIRST {
        let parts = sorted(members, detail);
        let floors: usize = parts.values().map(|places| places.len().min(FLOOR)).sum();
        if floors * 3 <= size * 2 || detail == Detail::Conclusion {
            return (detail, parts);
        }
    }
    (Detail::Conclusion, sorted(members, Detail::Conclusion))
}

/// The share of unsafe images that is guessed of a part before anybody has looked.
pub fn expected_unsafe(key: &Key) -> f64 {
    match (key.conclusion, key.band) {
        (Conclusion::Unsafe, Some(3)) => 0.9,
        (Conclusion::Unsafe, _) => 0.75,
        (Conclusion::Undetermined, _) => 0.5,
        (_, Some(0)) => 0.02,
        (_, Some(1)) => 0.1,
        (_, Some(_)) => 0.25,
        (_, None) => {
            if key.rule.is_some() {
                0.25
            } else {
                0.05
            }
        }
    }
}

fn deviation(key: &Key) -> f64 {
    let share = expected_unsafe(key);
    (share * (1.0 - share)).sqrt()
}

/// How many to draw of parts of a size and deviation.
pub fn allocate(parts: &[(usize, f64)], size: usize) -> Vec<usize> {
    let mut counts: Vec<usize> = vec![0; parts.len()];
    let mut left = size;
    // The floors first, one round after the other, so that a small sample still reaches most parts.
    for _ in 0..FLOOR {
        for (count, (images, _)) in counts.iter_mut().zip(parts) {
            if left > 0 && *count < *images {
                *count += 1;
                left -= 1;
            }
        }
    }
    while left > 0 {
        let open = (0..parts.len()).filter(|part| counts[*part] < parts[*part].0);
        let Some(neediest) = open.max_by(|one, other| {
            need(parts[*one], counts[*one]).total_cmp(&need(parts[*other], counts[*other]))
        }) else {
            break;
        };
        counts[neediest] += 1;
        left -= 1;
    }
    counts
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn need((images, deviation): (usize, f64), count: usize) -> f64 {
    let count = count as f64;
    images as f64 * deviation / (count * (count + 1.0)).sqrt().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RuleId;
    use crate::verdict::Outcome;

    /// Neyman's share of 100 by size times deviation, 200 : 240 : 60, is 40, 48 and 12.
    #[test]
    fn the_allocation_is_neymans_with_a_floor_and_a_ceiling() {
        let parts = [(400, 0.5), (1_200, 0.2), (600, 0.1)];
        assert_eq!(allocate(&parts, 100), [40, 48, 12]);
        assert_eq!(allocate(&[(1_000, 0.5), (50, 0.01), (3, 0.5), (1, 0.5)], 40), [35, 2, 2, 1]);
        assert_eq!(allocate(&[(3, 0.5), (2, 0.1)], 10), [3, 2]);
        assert_eq!(allocate(&[(30, 0.5), (20, 0.1)], 1).iter().sum::<usize>(), 1);
    }

    fn member(index: usize, rule: &str, score: f64) -> Member {
        let violated = score > 0.9;
        let outcome = if violated { Outcome::Violated } else { Outcome::Clear };
        Member {
            image: format!("{index:04}.png"),
            conclusion: if violated { Conclusion::Unsafe } else { Conclusion::Safe },
            score: Some(score),
            rules: vec![(RuleId::new(rule).unwrap(), outcome, Some(score))],
        }
    }

    #[test]
    fn a_seed_gives_the_same_sample_whatever_the_order_and_rare_rules_are_in_it() {
        let mut members: Vec<Member> = (0..400).map(|index| member(index, "often", 0.95)).collect();
        members.extend((400..800).map(|index| member(index, "often", 0.05)));
        members.extend((800..803).map(|index| member(index, "seldom", 0.99)));
        members.extend((803..806).map(|index| member(index, "seldom", 0.6)));
        let names = |members: &[Member], seed| -> Vec<String> {
            let drawn = draw(members, 60, seed);
            drawn.order.iter().map(|(place, _)| members[*place].image.clone()).collect()
        };
        let first = names(&members, 1);
        assert_eq!(first.len(), 60);
        assert_ne!(first, names(&members, 2));
        let drawn = draw(&members, 60, 1);
        let seldom =
            |one: &&Part| one.key.rule.as_ref().is_some_and(|rule| rule.as_str() == "seldom");
        assert!(drawn.parts.iter().filter(seldom).all(|part| part.drawn.len() >= 2));
        members.reverse();
        assert_eq!(names(&members, 1), first);
    }
}
