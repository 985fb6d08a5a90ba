//! How numbers from 0 to 1 are spread: a few quantiles and a histogram.

use serde::Serialize;

use crate::eval::{quantile, share_of};

/// Columns of a histogram.
pub const BINS: usize = 20;

/// How numbers from 0 to 1 are spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// The least, the 5th, 25th, 50th, 75th and 95th per cent, and the greatest; empty without
    /// numbers.
    pub quantiles: Vec<f64>,
    /// How many lie in each twentieth from 0 to 1.
    pub histogram: [usize; BINS],
}

/// The quantiles of a spread.
pub const QUANTILES: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0];

impl Spread {
    /// Counts numbers.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let mut histogram = [0; BINS];
        for value in &values {
            histogram[bin(*value)] += 1;
        }
        let quantiles = QUANTILES.iter().filter_map(|at| quantile(&values, *at)).collect();
        Self { count: values.len(), quantiles, histogram }
    }

    /// The histogram as a line of blocks: empty columns are blank, and anything there is shows.
    pub fn drawn(&self) -> String {
        const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let most = self.histogram.iter().max().copied().unwrap_or(0);
        let block = |count: &usize| match count {
            0 => ' ',
            count => {
                // The root lets a single image be seen beside thousands.
                let height = share_of(*count, most).sqrt();
                BLOCKS[level(height)]
            }
        };
        self.histogram.iter().map(block).collect()
    }
}

/// The column of a number from 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to the number of columns"
)]
pub fn bin(value: f64) -> usize {
    ((value.clamp(0.0, 1.0) * 20.0) as usize).min(BINS - 1)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
fn level(height: f64) -> usize {
    (height * 7.0).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_blocks_shows_the_few_beside_the_many() {
        let mut values = vec![0.01; 1_000];
        values.extend([0.52, 1.0]);
        let spread = Spread::of(values);
        assert_eq!(spread.drawn(), "█         ▁        ▁");
        assert_eq!(spread.count, 1_002);
        assert!((spread.quantiles[3] - 0.01).abs() < 1e-12);
        assert!(Spread::of(Vec::new()).quantiles.is_empty());
    }
}
