//! Resampling one side of a picture: which pixels make up one pixel of the result, and how much
//! each counts.

use crate::imaging::resample::Taps;

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
