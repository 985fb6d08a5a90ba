//! Pictures resampled as Pillow does, with which CLIP's and SigLIP's models were trained and are published:
//! filters that widen when they shrink, weights in fixed point, bytes between the two passes. The bytes are
//! equal to Pillow's.
//!
//! Only what is kept of a resampled picture is computed, so that one of a single row of many thousand pixels
//! costs no more than another.

use std::f64::consts::PI;
use std::ops::Range;

use image::RgbImage;

/// Pillow's filters, but for nearest, which no model's preparation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A windowed sinc of three pixels.
    Lanczos,
    /// A triangle of one pixel.
    Bilinear,
    /// Keys' cubic of two pixels, with a = -0.5.
    Bicubic,
    /// The mean of half a pixel to both sides.
    Box,
    /// A windowed sinc of one pixel.
    Hamming,
}

impl Filter {
    /// The filter that Pillow and so `resample` in a file means by a number.
    pub fn of_pillow(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Lanczos),
            2 => Some(Self::Bilinear),
            3 => Some(Self::Bicubic),
            4 => Some(Self::Box),
            5 => Some(Self::Hamming),
            _ => None,
        }
    }

    /// How far from the centre it counts, in pixels.
    pub fn support(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bicubic => 2.0,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Box => 0.5,
        }
    }

    /// How much a pixel at a distance counts.
    pub fn at(self, distance: f64) -> f64 {
        let x = distance.abs();
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        match self {
            Self::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Self::Box if distance > -0.5 && distance <= 0.5 => 1.0,
            Self::Hamming if x < 1.0 => sinc(x) * (0.54 + 0.46 * (PI * x).cos()),
            _ => 0.0,
        }
    }
}

/// How a picture becomes a square image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Each side is scaled on its own.
    Squeezed,
    /// The shorter side is scaled to so many pixels, and the middle cut out.
    Middle(u32),
}

/// A rectangle of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From the left edge.
    pub left: u32,
    /// From the upper edge.
    pub top: u32,
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Window {
    /// All of a picture.
    pub fn whole(image: &RgbImage) -> Self {
        Self { left: 0, top: 0, width: image.width(), height: image.height() }
    }
}

/// Beyond so many bytes between the passes the other order is taken, in which there are fewer; its
/// rounding differs from Pillow's by one step here and there.
const BETWEEN_LIMIT_BYTES: usize = 256 << 20;

/// So many taps are held at once: as many as a side of some hundred thousand pixels has.
const TAPS_AT_ONCE: usize = 1 << 20;

/// A window of a picture as a square of `side` pixels: its bytes, row by row, three a pixel.
///
/// The window lies within the picture and has pixels, and the middle is not smaller than the square.
pub fn resized(
    image: &RgbImage,
    window: Window,
    side: usize,
    framing: Framing,
    filter: Filter,
) -> Vec<u8> {
    let (across, down) = match framing {
        Framing::Squeezed => (Stretch::all(side), Stretch::all(side)),
        Framing::Middle(shortest) => {
            let long = u64::from(window.width.max(window.height)) * u64::from(shortest)
                / u64::from(window.width.min(window.height));
            let middle = |scaled: u64| {
                let offset = scaled.saturating_sub(side as u64) / 2;
                Stretch { scaled, offset, length: side }
            };
            let (long, short) = (middle(long), middle(u64::from(shortest)));
            if window.width >= window.height { (long, short) } else { (short, long) }
        }
    };
    let (width, height) = (window.width as usize, window.height as usize);
    let columns = Lay::new(width, across, filter);
    let rows = Lay::new(height, down, filter);
    let line = image.width() as usize * 3;
    let picture = Plane {
        bytes: image.as_raw(),
        first: window.top as usize * line + window.left as usize * 3,
        line,
        width,
    };
    let first = rows.all().next().map_or(0, |index| rows.run(index).start);
    let last = rows.all().map(|index| rows.run(index).end).max().unwrap_or(first);
    // Pillow skips a pass that would change nothing; so do weights of exactly one.
    if side.saturating_mul((last - first) * 3) <= BETWEEN_LIMIT_BYTES {
        let between = picture.across(&columns, first..last);
        let plane = Plane { bytes: &between, first: 0, line: side * 3, width: side };
        plane.down(&rows, first)
    } else {
        let between = picture.down(&rows, 0);
        let plane = Plane { bytes: &between, first: 0, line: width * 3, width };
        plane.across(&columns, 0..side)
    }
}

/// A stretch of a resampled side: `length` pixels from `offset` on, of `scaled` in all.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    scaled: u64,
    offset: u64,
    length: usize,
}

impl Stretch {
    fn all(scaled: usize) -> Self {
        Self { scaled: scaled as u64, offset: 0, length: scaled }
    }
}

/// The pixels that one pixel of the result is made of: a run that begins at `start`.
#[derive(Clone, Debug)]
pub(crate) struct Taps {
    pub(crate) start: usize,
    pub(crate) weights: Vec<f64>,
}

/// How Pillow lays the taps of one side (`Resample.c`): the filter is widened by the scale where the side
/// shrinks, so that every pixel counts.
///
/// A pixel's taps are made when it is their turn, since those of all pixels of a side together are many
/// times larger than its row.
#[derive(Clone, Copy, Debug)]
struct Lay {
    side: usize,
    stretch: Stretch,
    filter: Filter,
    scale: f64,
    widened: f64,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures are exact as floats, and what is cast back is clamped first"
)]
impl Lay {
    fn new(side: usize, stretch: Stretch, filter: Filter) -> Self {
        let scale = side as f64 / stretch.scaled as f64;
        Self { side, stretch, filter, scale, widened: scale.max(1.0) }
    }

    /// The pixels of the result, by their places in it.
    fn all(&self) -> Range<usize> {
        0..self.stretch.length
    }

    fn centre(&self, index: usize) -> f64 {
        ((self.stretch.offset + index as u64) as f64 + 0.5) * self.scale
    }

    /// The pixels that one of the result is made of.
    fn run(&self, index: usize) -> Range<usize> {
        let support = self.filter.support() * self.widened;
        let centre = self.centre(index);
        let start = (centre - support + 0.5).max(0.0) as usize;
        start..((centre + support + 0.5) as usize).min(self.side)
    }

    fn taps(&self, index: usize) -> Taps {
        let (centre, run) = (self.centre(index), self.run(index));
        let start = run.start;
        let weight = |pixel: usize| self.filter.at((pixel as f64 - centre + 0.5) / self.widened);
        let mut weights: Vec<f64> = run.map(weight).collect();
        let sum: f64 = weights.iter().sum();
        if sum != 0.0 {
            for weight in &mut weights {
                *weight /= sum;
            }
        }
        Taps { start, weights }
    }

    /// The pixels of the result in blocks, each with no more taps than are held at once, or of one pixel.
    fn blocks(self) -> impl Iterator<Item = Range<usize>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let first = next;
            let mut taps = 0;
            while next < self.stretch.length {
                taps += self.run(next).len();
                if next > first && taps > TAPS_AT_ONCE {
                    break;
                }
                next += 1;
            }
            (first < next).then_some(first..next)
        })
    }
}

/// Rows of three bytes a pixel within a larger array.
struct Plane<'a> {
    bytes: &'a [u8],
    first: usize,
    line: usize,
    width: usize,
}

/// Bits after the point in Pillow's weights.
const BITS: u32 = 22;
const HALF: i64 = 1 << (BITS - 1);

#[expect(clippy::cast_possible_truncation, reason = "weights are near one; Pillow rounds so")]
fn fixed(taps: &Taps) -> Vec<i64> {
    let one = f64::from(1_u32 << BITS);
    taps.weights.iter().map(|weight| (weight * one).round() as i64).collect()
}

fn byte(sum: i64) -> u8 {
    u8::try_from((sum >> BITS).clamp(0, 255)).unwrap_or(u8::MAX)
}

impl Plane<'_> {
    fn row(&self, row: usize) -> &[u8] {
        let start = self.first + row * self.line;
        &self.bytes[start..start + self.width * 3]
    }

    /// Resamples each of some rows to as many columns as are laid, a block of columns at a time.
    fn across(&self, columns: &Lay, rows: Range<usize>) -> Vec<u8> {
        let line = columns.all().len() * 3;
        let mut out = vec![0; rows.len() * line];
        for block in columns.blocks() {
            let taps = block.clone().map(|index| columns.taps(index));
            let taps: Vec<(usize, Vec<i64>)> =
                taps.map(|taps| (taps.start * 3, fixed(&taps))).collect();
            for (row, out) in rows.clone().zip(out.chunks_exact_mut(line.max(1))) {
                let (row, out) = (self.row(row), &mut out[block.start * 3..block.end * 3]);
                for ((start, weights), out) in taps.iter().zip(out.chunks_exact_mut(3)) {
                    let mut sums = [HALF; 3];
                    for (pixel, weight) in row[*start..].chunks_exact(3).zip(weights) {
                        for (sum, &value) in sums.iter_mut().zip(pixel) {
                            *sum += i64::from(value) * weight;
                        }
                    }
                    out.copy_from_slice(&sums.map(byte));
                }
            }
        }
        out
    }

    /// Resamples the columns to as many rows as are laid; row zero here is row `shift` of the taps.
    fn down(&self, rows: &Lay, shift: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.all().len() * self.width * 3);
        let mut sums = vec![HALF; self.width * 3];
        for taps in rows.all().map(|index| rows.taps(index)) {
            sums.fill(HALF);
            for (row, weight) in (taps.start - shift..).zip(fixed(&taps)) {
                for (sum, &value) in sums.iter_mut().zip(self.row(row)) {
                    *sum += i64::from(value) * weight;
                }
            }
            out.extend(sums.iter().map(|&sum| byte(sum)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taps of all columns together would be four for each of the ten million pixels.
    #[test]
    fn taps_of_a_very_long_side_are_held_a_block_at_a_time() {
        let lay = Lay::new(10_000_000, Stretch::all(224), Filter::Bicubic);
        let blocks: Vec<Range<usize>> = lay.blocks().collect();
        assert!(blocks.len() > 30, "{blocks:?}");
        for block in &blocks {
            let taps: usize = block.clone().map(|index| lay.taps(index).weights.len()).sum();
            assert!(taps <= TAPS_AT_ONCE || block.len() == 1, "{block:?}: {taps}");
        }
        let all: Vec<usize> = blocks.into_iter().flatten().collect();
        assert_eq!(all, lay.all().collect::<Vec<_>>());
    }

    #[test]
    fn blocks_of_columns_are_the_same_bytes_as_all_at_once() {
        let (width, side) = (400_000, 24);
        let long = RgbImage::from_fn(width, 2, |x, y| {
            let level = u64::from(x + y * width).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            image::Rgb(std::array::from_fn(|channel| level.to_le_bytes()[5 + channel]))
        });
        let lay = Lay::new(width as usize, Stretch::all(side), Filter::Bicubic);
        assert!(lay.blocks().count() > 1);
        let (bytes, line) = (long.as_raw(), width as usize * 3);
        let across = Plane { bytes, first: 0, line, width: width as usize }.across(&lay, 0..2);
        let expected = (0..2).flat_map(|row| lay.all().map(move |index| (row, index)));
        let expected = expected.flat_map(|(row, index)| {
            let taps = lay.taps(index);
            let sum = |channel: usize| {
                let pixels = bytes[row * line + taps.start * 3..].chunks_exact(3);
                let parts = pixels
                    .zip(fixed(&taps))
                    .map(|(pixel, weight)| i64::from(pixel[channel]) * weight);
                byte(HALF + parts.sum::<i64>())
            };
            [0, 1, 2].map(sum)
        });
        assert!(across == expected.collect::<Vec<u8>>());
    }
}
