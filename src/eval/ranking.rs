//! How well scores put unsafe images before safe ones, whatever threshold one would choose.
//!
//! Images are weighted, since resampling draws some more than once and others not at all. Equal
//! scores stand at one place, as in scikit-learn, with which all of this agrees
//! (`tests/data/metrics.json`, made by `tools/metrics-fixture/metrics_fixture.py`).

/// An image with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "three numbers, and never more")]
pub struct Scored {
    /// How unsafe it looks.
    pub score: f64,
    /// Whether it is.
    pub is_unsafe: bool,
    /// How often it counts.
    pub weight: f64,
}

/// Puts images in the order that [`roc_auc`] and [`average_precision`] need: highest score first.
pub fn sort(images: &mut [Scored]) {
    images.sort_by(|one, other| other.score.total_cmp(&one.score));
}

/// Weights of unsafe and of safe images, one pair a group of equal scores, highest first.
fn steps(sorted: &[Scored]) -> impl Iterator<Item = (f64, f64)> {
    sorted.chunk_by(|one, other| one.score.total_cmp(&other.score).is_eq()).map(|group| {
        let weight = |wanted: bool| {
            group.iter().filter(|image| image.is_unsafe == wanted).map(|image| image.weight).sum()
        };
        (weight(true), weight(false))
    })
}

/// The probability that an unsafe image has a higher score than a safe one, where equal scores count
/// a half; `sorted` is in the order of [`sort`]. Nothing without images of both kinds.
pub fn roc_auc(sorted: &[Scored]) -> Option<f64> {
    let (mut before, mut safe, mut pairs) = (0.0, 0.0, 0.0);
    for (unsafe_here, safe_here) in steps(sorted) {
        pairs += safe_here * (before + unsafe_here / 2.0);
        before += unsafe_here;
        safe += safe_here;
    }
    let all = before * safe;
    (all > 0.0).then(|| pairs / all)
}

/// The area under the curve of precision over recall (AUPRC), as the sum of precision times the gain
/// in recall at each score; `sorted` is in the order of [`sort`]. Nothing without unsafe images.
pub fn average_precision(sorted: &[Scored]) -> Option<f64> {
    let (mut found, mut flagged, mut area) = (0.0, 0.0, 0.0);
    for (unsafe_here, safe_here) in steps(sorted) {
        found += unsafe_here;
        flagged += unsafe_here + safe_here;
        if unsafe_here > 0.0 {
            area += unsafe_here * found / flagged;
        }
    }
    (found > 0.0).then(|| area / found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn images(of: &[(f64, bool)]) -> Vec<Scored> {
        let mut images: Vec<Scored> =
            of.iter().map(|&(score, is_unsafe)| Scored { score, is_unsafe, weight: 1.0 }).collect();
        sort(&mut images);
        images
    }

    /// Worked by hand: of the four pairs three are in order and one is level.
    #[test]
    fn pairs_in_order_are_counted() {
        let images = images(&[(0.9, true), (0.5, true), (0.5, false), (0.1, false)]);
        assert_eq!(roc_auc(&images), Some(3.5 / 4.0));
        assert_eq!(average_precision(&images), Some(0.5 + 0.5 * 2.0 / 3.0));
        assert_eq!(roc_auc(&images[..1]), None);
        assert_eq!(average_precision(&[]), None);
    }

    proptest! {
        #[test]
        fn a_weight_is_the_image_so_many_times(
            of in prop::collection::vec((0..6u8, any::<bool>(), 0..4u8), 1..40),
        ) {
            let mut weighted: Vec<Scored> = of.iter().map(|&(score, is_unsafe, weight)| Scored {
                score: f64::from(score), is_unsafe, weight: f64::from(weight),
            }).collect();
            sort(&mut weighted);
            let repeated: Vec<Scored> = weighted.iter().flat_map(|image| {
                (0..10).take_while(|times| f64::from(*times) < image.weight)
                    .map(|_| Scored { weight: 1.0, ..*image })
            }).collect();
            let close = |one: Option<f64>, other: Option<f64>| match (one, other) {
                (Some(one), Some(other)) => (one - other).abs() < 1e-12,
                (one, other) => one == other,
            };
            prop_assert!(close(roc_auc(&weighted), roc_auc(&repeated)));
            prop_assert!(close(average_precision(&weighted), average_precision(&repeated)));
        }

        #[test]
        fn the_area_turns_over_with_the_scores(
            of in prop::collection::vec((0.0..1.0f64, any::<bool>()), 2..40),
        ) {
            let turned: Vec<(f64, bool)> = of.iter().map(|&(score, it)| (-score, it)).collect();
            if let (Some(one), Some(other)) = (roc_auc(&images(&of)), roc_auc(&images(&turned))) {
                prop_assert!((one + other - 1.0).abs() < 1e-12);
            }
        }
    }
}
