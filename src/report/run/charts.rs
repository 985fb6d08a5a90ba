//! The report's drawings: bars and a histogram, as shares of their lengths.
//!
//! The macros of `run.html.jinja` draw them as inline SVG; places across are per cents, heights are
//! pixels.

use serde::Serialize;

use super::counts::Counts;
use super::facts::thousands;
use super::rows::Row;
use crate::eval::share_of;
use crate::report::words;
use crate::units::Probability;
use crate::verdict::Conclusion;

/// Bars of the histogram: twenty, each 0.05 wide.
const BINS: usize = 20;

/// Height of the highest bar, in pixels.
const HEIGHT: f64 = 56.0;

/// The tallest bar from which on counts are drawn by their logarithm, since a few images would not
/// be seen beside many.
const MANY: usize = 60;

/// The conclusions, in the order in which reports show them.
pub(super) const ORDER: [Conclusion; 4] =
    [Conclusion::Unsafe, Conclusion::Undetermined, Conclusion::Safe, Conclusion::Failed];

/// A part of a bar.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Segment {
    class: &'static str,
    /// Where it begins, in per cent.
    x: String,
    /// How long it is, in per cent.
    width: String,
}

/// Parts of a whole, one after the other; parts of nothing are left out.
pub(super) fn segments(parts: &[(&'static str, usize)], whole: usize) -> Vec<Segment> {
    let mut before = 0;
    let mut segments = Vec::new();
    for &(class, count) in parts {
        if count > 0 {
            let per_cent = |count| format!("{:.3}", share_of(count, whole) * 100.0);
            segments.push(Segment { class, x: per_cent(before), width: per_cent(count) });
        }
        before += count;
    }
    segments
}

/// How the run's images divide into conclusions.
pub(super) fn division(counts: &Counts) -> Vec<Segment> {
    let parts = ORDER.map(|one| (words::conclusion(one), counts.of(one)));
    segments(&parts, counts.images())
}

/// How images are spread over the scores, a row a conclusion.
#[derive(Debug, Serialize)]
pub(super) struct Histogram {
    rows: Vec<HistogramRow>,
    /// Whether heights are logarithms of counts.
    logarithmic: bool,
    /// Images without a score.
    unscored: usize,
    /// The same as numbers: each bin's ends, and its count in every row.
    table: Vec<(String, Vec<usize>)>,
}

/// The images of one conclusion.
#[derive(Debug, Serialize)]
struct HistogramRow {
    conclusion: &'static str,
    count: String,
    tallest: String,
    bars: Vec<Bar>,
    /// Everything in words.
    label: String,
}

/// The images of one conclusion in one bin.
#[derive(Debug, Serialize)]
struct Bar {
    x: String,
    y: String,
    height: String,
    title: String,
}

impl Histogram {
    /// The histogram of a run's scores; nothing where no image has one.
    pub(super) fn of(rows: &[Row]) -> Option<Self> {
        let count = |conclusion| {
            let mut bins = [0_usize; BINS];
            let scored = rows.iter().filter(|row| row.verdict == conclusion);
            scored.filter_map(|row| row.score).for_each(|score| bins[bin(score)] += 1);
            (conclusion, bins)
        };
        let counted: Vec<_> =
            ORDER.map(count).into_iter().filter(|(_, bins)| sum(bins) > 0).collect();
        let tallest = counted.iter().flat_map(|(_, bins)| bins).copied().max()?;
        let logarithmic = tallest >= MANY;
        let height = |count: usize| HEIGHT * share_of_height(count, tallest, logarithmic);
        let table =
            (0..BINS).map(|bin| (ends(bin), counted.iter().map(|(_, bins)| bins[bin]).collect()));
        Some(Self {
            logarithmic,
            unscored: rows.iter().filter(|row| row.score.is_none()).count(),
            table: table.collect(),
            rows: counted
                .iter()
                .map(|(conclusion, bins)| HistogramRow::new(*conclusion, bins, height))
                .collect(),
        })
    }
}

impl HistogramRow {
    fn new(conclusion: Conclusion, bins: &[usize; BINS], height: impl Fn(usize) -> f64) -> Self {
        let word = words::conclusion(conclusion);
        let tallest = bins.iter().copied().max().unwrap_or(0);
        let fullest = bins.iter().position(|count| *count == tallest).unwrap_or(0);
        let bars = bins.iter().enumerate().filter(|(_, count)| **count > 0);
        let bars = bars.map(|(bin, &count)| {
            let tall = height(count);
            Bar {
                x: format!("{:.2}", share_of(bin, BINS) * 100.0 + 0.2),
                y: format!("{:.1}", HEIGHT - tall),
                height: format!("{tall:.1}"),
                title: format!("score {}: {count} {word}", ends(bin)),
            }
        });
        Self {
            conclusion: word,
            count: thousands(sum(bins)),
            tallest: thousands(tallest),
            bars: bars.collect(),
            label: format!("{} {word} images; most, {tallest}, score {}", sum(bins), ends(fullest)),
        }
    }
}

fn sum(bins: &[usize; BINS]) -> usize {
    bins.iter().sum()
}

/// The bin of a score; the last takes 1 as well.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a score is from 0 to 1"
)]
fn bin(score: Probability) -> usize {
    ((score.value() * BINS as f64) as usize).min(BINS - 1)
}

fn ends(bin: usize) -> String {
    format!("{:.2} to {:.2}", share_of(bin, BINS), share_of(bin + 1, BINS))
}

/// A bar's height as a share of the tallest; a single image is seen even beside thousands.
#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn share_of_height(count: usize, tallest: usize, logarithmic: bool) -> f64 {
    if logarithmic {
        (count as f64).ln_1p() / (tallest as f64).ln_1p()
    } else {
        share_of(count, tallest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_bar_follow_each_other() {
        let parts = segments(&[("unsafe", 1), ("undetermined", 0), ("safe", 3)], 4);
        let places: Vec<_> = parts.iter().map(|part| (part.class, part.x.as_str())).collect();
        assert_eq!(places, [("unsafe", "0.000"), ("safe", "25.000")]);
        assert_eq!(parts[1].width, "75.000");
        assert_eq!(segments(&[("unsafe", 0)], 0), []);
    }

    #[test]
    fn every_score_has_a_bin() {
        for (score, expected) in [(0.0, 0), (0.049, 0), (0.05, 1), (0.999, 19), (1.0, 19)] {
            assert_eq!(bin(Probability::new(score).unwrap()), expected, "{score}");
        }
        assert_eq!(ends(19), "0.95 to 1.00");
    }

    #[test]
    fn one_image_is_seen_beside_thousands() {
        assert!(share_of_height(1, 9_000, true) * HEIGHT > 4.0);
        assert!((share_of_height(5, 10, false) - 0.5).abs() < 1e-12);
    }
}
