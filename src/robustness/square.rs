//! Square attack (Andriushchenko, Croce, Flammarion and Hein, ECCV 2020) within a box around a picture,
//! through nothing but the judge's score.
//!
//! Every channel of every pixel may move by ε levels. The attack begins with vertical stripes of ±ε, then
//! puts squares of ±ε at places of chance and keeps what moves the score the right way; squares become
//! smaller as the queries are spent. It stops when the conclusion is the one it wants.
//!
//! The share of pixels that a square covers begins at 0.8 and is halved as in the paper, its schedule for
//! 10,000 queries stretched to the queries there are; the paper begins at 0.05, and AutoAttack (Croce and
//! Hein, 2020), which has fewer queries, at 0.8.

use image::RgbImage;

use crate::eval::Random;

/// What an attack may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Square {
    /// How far a channel may move, in levels of 255. UnsafeBench's 0.01 in normalised pixels is 0.7 of
    /// a level, which 8 bits round to 1.
    pub epsilon: u8,
    /// How often the judge may be asked.
    pub queries: u32,
    /// Where chance begins.
    pub seed: u64,
}

/// Where the score is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Up: an image that is safe is to be called unsafe.
    Raise,
    /// Down: an image that is unsafe is to be called safe.
    Lower,
}

/// What the judge said of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Its score, where it has one.
    pub score: Option<f64>,
    /// Whether its conclusion is the one that is wanted.
    pub reached: bool,
}

/// What came of an attack.
#[derive(Clone, Debug, PartialEq)]
pub struct Attacked {
    /// The queries that it took, if it succeeded.
    pub succeeded_after: Option<u32>,
    /// Queries that were spent.
    pub queries: u32,
    /// The best score that was reached.
    pub score: f64,
    /// The picture with it.
    pub picture: RgbImage,
}

/// Share of the pixels that the first squares cover.
const FIRST_SHARE: f64 = 0.8;

/// Of 10,000 queries, those after which the share is halved.
const HALVED_AFTER: [f64; 9] =
    [10.0, 50.0, 200.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 6_000.0, 8_000.0];

/// Squares that are drawn anew where one would change nothing.
const TRIES: usize = 16;

/// Attacks a picture whose score is `score`.
///
/// # Errors
/// The first of `ask`.
pub fn attack<Error>(
    original: &RgbImage,
    score: f64,
    goal: Goal,
    settings: Square,
    mut ask: impl FnMut(&RgbImage) -> Result<Seen, Error>,
) -> Result<Attacked, Error> {
    let mut random = Random::new(settings.seed);
    let mut best = Attacked { succeeded_after: None, queries: 0, score, picture: original.clone() };
    for query in 0..settings.queries {
        let candidate = if query == 0 {
            stripes(original, settings.epsilon, &mut random)
        } else {
            let side = side(query, settings.queries, original.dimensions());
            with_square(original, &best.picture, (side, settings.epsilon), &mut random)
        };
        let seen = ask(&candidate)?;
        best.queries = query + 1;
        let better = seen.score.is_some_and(|score| match goal {
            Goal::Raise => score > best.score,
            Goal::Lower => score < best.score,
        });
        if better || seen.reached {
            best.score = seen.score.unwrap_or(best.score);
            best.picture = candidate;
        }
        if seen.reached {
            best.succeeded_after = Some(best.queries);
            break;
        }
    }
    Ok(best)
}

/// The side of a square at a query, at least one pixel and less than the picture's shorter side.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded, and held within a side of the picture"
)]
fn side(query: u32, queries: u32, (width, height): (u32, u32)) -> u32 {
    let at = f64::from(query) / f64::from(queries.max(1)) * 10_000.0;
    let halvings = HALVED_AFTER.iter().filter(|after| at > **after).count();
    let share = (0..halvings).fold(FIRST_SHARE, |share, _| share / 2.0);
    let side = (share * f64::from(width) * f64::from(height)).sqrt().round() as u32;
    side.clamp(1, (width.min(height).saturating_sub(1)).max(1))
}

/// A channel moved by ε, up or down.
fn moved(level: u8, epsilon: u8, up: bool) -> u8 {
    if up { level.saturating_add(epsilon) } else { level.saturating_sub(epsilon) }
}

fn up(random: &mut Random) -> bool {
    random.bits() & 1 == 1
}

fn stripes(original: &RgbImage, epsilon: u8, random: &mut Random) -> RgbImage {
    let columns: Vec<[bool; 3]> =
        (0..original.width()).map(|_| std::array::from_fn(|_| up(random))).collect();
    let mut striped = original.clone();
    for (x, _, pixel) in striped.enumerate_pixels_mut() {
        let signs = columns[x as usize];
        for (channel, up) in pixel.0.iter_mut().zip(signs) {
            *channel = moved(*channel, epsilon, up);
        }
    }
    striped
}

/// The picture with one square of ±ε around the original, in a place of chance.
fn with_square(
    original: &RgbImage,
    best: &RgbImage,
    (side, epsilon): (u32, u8),
    random: &mut Random,
) -> RgbImage {
    let (width, height) = original.dimensions();
    let place = |length: u32, random: &mut Random| {
        let free = length.saturating_sub(side) as usize + 1;
        u32::try_from(random.below(free)).unwrap_or(0)
    };
    let mut changed = best.clone();
    for _ in 0..TRIES {
        let (left, top) = (place(width, random), place(height, random));
        let signs: [bool; 3] = std::array::from_fn(|_| up(random));
        for y in top..(top + side).min(height) {
            for x in left..(left + side).min(width) {
                let from = original.get_pixel(x, y).0;
                let pixel = &mut changed.get_pixel_mut(x, y).0;
                for ((channel, level), up) in pixel.iter_mut().zip(from).zip(signs) {
                    *channel = moved(level, epsilon, up);
                }
            }
        }
        if changed != *best {
            break;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use image::Rgb;

    use super::*;

    const SETTINGS: Square = Square { epsilon: 8, queries: 200, seed: 5 };

    fn grey() -> RgbImage {
        RgbImage::from_pixel(24, 24, Rgb([100; 3]))
    }

    /// A judge that looks at the mean of red in the upper left quarter, and calls unsafe what is above
    /// 104 there.
    fn seen(picture: &RgbImage) -> Seen {
        let corner = picture.enumerate_pixels().filter(|(x, y, _)| *x < 12 && *y < 12);
        let mean = corner.map(|(_, _, pixel)| f64::from(pixel.0[0])).sum::<f64>() / 144.0;
        Seen { score: Some(mean / 255.0), reached: mean > 104.0 }
    }

    fn attacked(goal: Goal, settings: Square) -> Attacked {
        let ask = |picture: &RgbImage| Ok::<_, Infallible>(seen(picture));
        attack(&grey(), 100.0 / 255.0, goal, settings, ask).unwrap()
    }

    #[test]
    fn it_finds_what_moves_the_score_and_stays_within_its_box() {
        let turned = attacked(Goal::Raise, SETTINGS);
        let after = turned.succeeded_after.unwrap();
        assert!(after <= turned.queries && after > 0, "{after}");
        assert!(seen(&turned.picture).reached);
        let within = |pixel: &Rgb<u8>| pixel.0.iter().all(|level| level.abs_diff(100) <= 8);
        assert!(turned.picture.pixels().all(within));
        assert_eq!(turned, attacked(Goal::Raise, SETTINGS), "chance comes from the seed");
    }

    #[test]
    fn it_gives_up_when_its_queries_are_spent() {
        let mut asked = 0;
        let blind = attack(&grey(), 0.5, Goal::Lower, SETTINGS, |_| {
            asked += 1;
            Ok::<_, Infallible>(Seen { score: None, reached: false })
        })
        .unwrap();
        assert_eq!((blind.succeeded_after, blind.queries, asked), (None, 200, 200));
        assert_eq!(blind.picture, grey(), "without a score nothing is better");
        assert_eq!(attacked(Goal::Lower, Square { queries: 0, ..SETTINGS }).queries, 0);
    }

    /// `p_selection` of the paper's code with p = 0.8: 0.8, then 0.4 after 10 of 10,000 queries, ..,
    /// 0.8 / 512 after 8,000.
    #[test]
    fn squares_become_smaller_as_queries_are_spent() {
        let size = (100, 100);
        let sides = [1, 11, 51, 201, 501, 1_001, 2_001, 4_001, 6_001, 8_001]
            .map(|query| side(query, 10_000, size));
        assert_eq!(sides, [89, 63, 45, 32, 22, 16, 11, 8, 6, 4]);
        assert_eq!(side(3, 10, (1, 1)), 1);
    }
}
