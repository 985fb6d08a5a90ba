//! Resampling one side of a picture: which pixels make up one pixel of the result, and how much
//! each counts.

use super::pixels::Filter;

/// The pixels that one pixel of the result is made of: a run that begins at `start`.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    pub(super) start: usize,
    pub(super) weights: Vec<f64>,
}

/// A stretch of a resampled side: `length` pixels from `offset` on, of `scaled` in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) scaled: u64,
    pub(super) offset: u64,
    pub(super) length: usize,
}

impl Stretch {
    pub(super) fn all(scaled: usize) -> Self {
        Self { scaled: scaled as u64, offset: 0, length: scaled }
    }
}

/// Taps as Pillow lays them (`Resample.c`): the filter is widened by the scale where the side
/// shrinks, so that every pixel counts.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures are exact as floats, and what is cast back is clamped first"
)]
pub(super) fn pillow(side: usize, stretch: Stretch, filter: Filter) -> Vec<Taps> {
    let scale = side as f64 / stretch.scaled as f64;
    let widened = scale.max(1.0);
    let support = filter.support() * widened;
    let tap = |index: usize| {
        let centre = ((stretch.offset + index as u64) as f64 + 0.5) * scale;
        let start = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(side);
        let mut weights: Vec<f64> =
            (start..end).map(|pixel| filter.at((pixel as f64 - centre + 0.5) / widened)).collect();
        let sum: f64 = weights.iter().sum();
        if sum != 0.0 {
            for weight in &mut weights {
                *weight /= sum;
            }
        }
        Taps { start, weights }
    };
    (0..stretch.length).map(tap).collect()
}

/// Taps of a side of `side` pixels, of which the first `real` are given, blurred against aliasing
/// and then read linearly, as scikit-image's `resize` and with it OWLv2's processor do.
///
/// The blur is a Gaussian of `(side / scaled - 1) / 2` pixels, cut at four of them; edges mirror.
/// Taps beyond `real` are left out: the caller has subtracted what stands there.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "sides of pictures are exact as floats, and what is cast back is clamped first"
)]
pub(super) fn blurred(side: usize, real: usize, scaled: usize) -> Vec<Taps> {
    let factor = side as f64 / scaled as f64;
    let sigma = ((factor - 1.0) / 2.0).max(0.0);
    let radius = (4.0 * sigma + 0.5) as i64;
    let mut bell: Vec<f64> = (-radius..=radius)
        .map(|at| if radius == 0 { 1.0 } else { (-0.5 * (at as f64 / sigma).powi(2)).exp() })
        .collect();
    let sum: f64 = bell.iter().sum();
    for weight in &mut bell {
        *weight /= sum;
    }
    let last = side.saturating_sub(1);
    let tap = |index: usize| {
        let at = (index as f64 + 0.5) * factor - 0.5;
        let at = if at < 0.0 { -at } else { at };
        let at = if at > last as f64 { 2.0 * last as f64 - at } else { at }.max(0.0);
        let low = (at as usize).min(last);
        let share = at - low as f64;
        let mut parts = vec![(low, 1.0 - share)];
        if share > 0.0 && low < last {
            parts.push((low + 1, share));
        }
        let from = low.saturating_sub(radius as usize);
        let to = (low + 2 + radius as usize).min(side);
        // Mirrored pixels lie within the radius of an edge, so within the run.
        let mut weights = vec![0.0; to - from];
        for (centre, share) in parts {
            for (step, weight) in (-radius..=radius).zip(&bell) {
                let pixel = mirrored(centre as i64 + step, last as i64) as usize;
                if let Some(sum) = pixel.checked_sub(from).and_then(|at| weights.get_mut(at)) {
                    *sum += weight * share;
                }
            }
        }
        weights.truncate(real.saturating_sub(from));
        Taps { start: from.min(real), weights }
    };
    (0..scaled).map(tap).collect()
}

/// The pixel that stands for one beyond an edge, the edge itself not repeated.
fn mirrored(at: i64, last: i64) -> i64 {
    if last == 0 {
        return 0;
    }
    let period = 2 * last;
    let within = at.rem_euclid(period);
    if within > last { period - within } else { within }
}
