//! A picture as OWLv2 reads it: padded to a square at the right and below, blurred and scaled.

use image::RgbImage;

use super::taps::blurred;
use crate::imaging::resample::Taps;

/// The padding's grey, as a share of white.
const GREY: f32 = 0.5;

/// `side` x `side` numbers for each of the three channels (channel, row, column): the picture
/// within its padded square, from `0.0` to `1.0`.
///
/// The padding is never laid out: grey is subtracted first, so that it counts as zero. A picture
/// of one row costs no more than its pixels.
pub(super) fn padded(image: &RgbImage, side: usize) -> Vec<f32> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let square = width.max(height);
    let (columns, rows) = (blurred(square, width, side), blurred(square, height, side));
    let mut out = Vec::with_capacity(3 * side * side);
    for channel in 0..3 {
        let values = image.as_raw().iter().skip(channel).step_by(3);
        let values: Vec<f32> = values.map(|&value| f32::from(value) / 255.0 - GREY).collect();
        let plane = Plane { values, width };
        // The longer side first: less lies between the passes.
        let scaled = if height >= width {
            plane.down(&rows).across(&columns)
        } else {
            plane.across(&columns).down(&rows)
        };
        out.extend(scaled.values.iter().map(|value| value + GREY));
    }
    out
}

/// One channel, row by row.
struct Plane {
    values: Vec<f32>,
    width: usize,
}

impl Plane {
    #[expect(clippy::cast_possible_truncation, reason = "a mean of numbers of 32 bits is one")]
    fn across(&self, columns: &[Taps]) -> Self {
        let mut values = Vec::new();
        for row in self.values.chunks_exact(self.width) {
            values.extend(columns.iter().map(|taps| {
                let pairs = row[taps.start..].iter().zip(&taps.weights);
                pairs.map(|(&value, weight)| f64::from(value) * weight).sum::<f64>() as f32
            }));
        }
        Self { values, width: columns.len() }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a mean of numbers of 32 bits is one")]
    fn down(&self, rows: &[Taps]) -> Self {
        let mut values = Vec::with_capacity(rows.len() * self.width);
        let mut sums = vec![0.0_f64; self.width];
        for taps in rows {
            sums.fill(0.0);
            let lines = self.values.chunks_exact(self.width).skip(taps.start);
            for (line, weight) in lines.zip(&taps.weights) {
                for (sum, &value) in sums.iter_mut().zip(line) {
                    *sum += f64::from(value) * weight;
                }
            }
            values.extend(sums.iter().map(|&sum| sum as f32));
        }
        Self { values, width: self.width }
    }
}
