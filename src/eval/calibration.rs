//! Whether a score is the probability that it looks like.
//!
//! Of the images with a score of 0.8 four in five should be unsafe. Images are weighted, since
//! resampling draws some more than once. Agrees with scikit-learn
//! (`tests/data/metrics.json`).

use serde::Serialize;

use super::ranking::Scored;

/// Bins of equal width, from 0 to 1.
pub const BINS: usize = 10;

/// Images whose scores are alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// The least score that belongs here.
    pub from: f64,
    /// Scores from here on belong to the next; the last bin holds 1 as well.
    pub to: f64,
    /// How many images.
    pub images: f64,
    /// Their mean score; nothing without images.
    pub mean_score: Option<f64>,
    /// The share of them that is unsafe.
    pub unsafe_share: Option<f64>,
}

/// The images by score, in [`BINS`] bins; scores must be from 0 to 1.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bins are few, and scores from 0 to 1"
)]
pub fn reliability(images: &[Scored]) -> Vec<Bin> {
    let mut sums = [(0.0, 0.0, 0.0); BINS];
    for image in images {
        // As numpy's digitize on `linspace(0, 1, BINS + 1)`: an edge belongs to the bin above.
        let guess = ((image.score * BINS as f64) as usize).min(BINS - 1);
        let edge = |bin: usize| bin as f64 / BINS as f64;
        let bin = match guess {
            guess if guess + 1 < BINS && image.score >= edge(guess + 1) => guess + 1,
            guess if guess > 0 && image.score < edge(guess) => guess - 1,
            guess => guess,
        };
        sums[bin].0 += image.weight;
        sums[bin].1 += image.weight * image.score;
        sums[bin].2 += if image.is_unsafe { image.weight } else { 0.0 };
    }
    let bin = |(at, (images, scores, unsafe_)): (usize, (f64, f64, f64))| Bin {
        from: at as f64 / BINS as f64,
        to: (at + 1) as f64 / BINS as f64,
        images,
        mean_score: (images > 0.0).then(|| scores / images),
        unsafe_share: (images > 0.0).then(|| unsafe_ / images),
    };
    sums.into_iter().enumerate().map(bin).collect()
}

/// The expected calibration error: how far the mean score of a bin is from its share of unsafe
/// images, on average over the images. Nothing without any.
pub fn calibration_error(bins: &[Bin]) -> Option<f64> {
    let all: f64 = bins.iter().map(|bin| bin.images).sum();
    let off = |bin: &Bin| Some(bin.images * (bin.mean_score? - bin.unsafe_share?).abs());
    (all > 0.0).then(|| bins.iter().filter_map(off).sum::<f64>() / all)
}

/// The mean squared distance of scores from what is so (Brier, 1950): 0 at best, 0.25 for whoever
/// says a half of everything. Nothing without images.
pub fn brier(images: &[Scored]) -> Option<f64> {
    let all: f64 = images.iter().map(|image| image.weight).sum();
    let truth = |image: &Scored| if image.is_unsafe { 1.0 } else { 0.0 };
    let squares = images.iter().map(|image| image.weight * (image.score - truth(image)).powi(2));
    (all > 0.0).then(|| squares.sum::<f64>() / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(score: f64, is_unsafe: bool) -> Scored {
        Scored { score, is_unsafe, weight: 1.0 }
    }

    #[test]
    fn whoever_is_sure_and_right_is_calibrated() {
        let images = [image(1.0, true), image(0.0, false)];
        assert_eq!(brier(&images), Some(0.0));
        assert_eq!(calibration_error(&reliability(&images)), Some(0.0));
        assert_eq!(brier(&[]), None);
        assert_eq!(calibration_error(&reliability(&[])), None);
    }

    #[test]
    fn an_edge_belongs_to_the_bin_above_and_one_to_the_last() {
        for tenth in 0..=10_u32 {
            let score = f64::from(tenth) / 10.0;
            let bins = reliability(&[image(score, true)]);
            let at = bins.iter().position(|bin| bin.images > 0.0).unwrap();
            assert_eq!(at, usize::try_from(tenth.min(9)).unwrap(), "{score}");
        }
    }
}
