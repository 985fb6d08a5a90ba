//! A picture as the square of numbers that a CLIP or SigLIP tower reads.
//!
//! Resampling follows Pillow, with which these models were trained and are published: filters that
//! widen when they shrink, weights in fixed point, bytes between the two passes. The bytes are
//! equal to Pillow's.

use std::f64::consts::PI;

use image::RgbImage;

use super::super::EncoderError;
use super::config::{Framing, Preparation};
use super::taps::{Stretch, Taps, pillow};

/// Pillow's filters, but for nearest, which no processor of these families uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Lanczos,
    Bilinear,
    Bicubic,
    Box,
    Hamming,
}

impl Filter {
    /// The filter that Pillow and so `resample` in a file means by a number.
    pub(super) fn of_pillow(number: u32) -> Option<Self> {
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
    pub(super) fn support(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bicubic => 2.0,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Box => 0.5,
        }
    }

    /// How much a pixel at a distance counts.
    pub(super) fn at(self, distance: f64) -> f64 {
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

/// A rectangle of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Window {
    /// All of a picture.
    pub(super) fn whole(image: &RgbImage) -> Self {
        Self { left: 0, top: 0, width: image.width(), height: image.height() }
    }
}

/// Beyond so many bytes between the passes the other order is taken, in which there are fewer; its
/// rounding differs from Pillow's by one step here and there.
const BETWEEN_LIMIT_BYTES: usize = 256 << 20;

/// Refuses a picture without pixels.
pub(super) fn check(image: &RgbImage) -> Result<(), EncoderError> {
    let (width, height) = image.dimensions();
    if width == 0 || height == 0 { Err(EncoderError::EmptyImage { width, height }) } else { Ok(()) }
}

/// Writes a window of a picture as `side` x `side` numbers for each of the three channels to the
/// end of `out`: channel, row, column.
///
/// The window lies within the picture and has pixels.
pub(super) fn prepare(
    image: &RgbImage,
    window: Window,
    side: usize,
    preparation: &Preparation,
    out: &mut Vec<f32>,
) {
    let bytes = resized(image, window, side, preparation);
    for channel in 0..3 {
        let (scale, shift) = (preparation.scale[channel], preparation.shift[channel]);
        let values = bytes.iter().skip(channel).step_by(3);
        out.extend(values.map(|&value| f32::from(value) * scale + shift));
    }
}

/// The bytes of the square, row by row, three a pixel.
pub(super) fn resized(
    image: &RgbImage,
    window: Window,
    side: usize,
    preparation: &Preparation,
) -> Vec<u8> {
    let (across, down) = match preparation.framing {
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
    let columns = pillow(width, across, preparation.filter);
    let rows = pillow(height, down, preparation.filter);
    let line = image.width() as usize * 3;
    let picture = Plane {
        bytes: image.as_raw(),
        first: window.top as usize * line + window.left as usize * 3,
        line,
        width,
    };
    let first = rows.first().map_or(0, |taps| taps.start);
    let last = rows.iter().map(|taps| taps.start + taps.weights.len()).max().unwrap_or(first);
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

    /// Resamples each of some rows to as many columns as there are taps.
    fn across(&self, columns: &[Taps], rows: std::ops::Range<usize>) -> Vec<u8> {
        let columns: Vec<(usize, Vec<i64>)> =
            columns.iter().map(|taps| (taps.start * 3, fixed(taps))).collect();
        let mut out = Vec::with_capacity(rows.len() * columns.len() * 3);
        for row in rows {
            let row = self.row(row);
            for (start, weights) in &columns {
                let mut sums = [HALF; 3];
                for (pixel, weight) in row[*start..].chunks_exact(3).zip(weights) {
                    for (sum, &value) in sums.iter_mut().zip(pixel) {
                        *sum += i64::from(value) * weight;
                    }
                }
                out.extend(sums.map(byte));
            }
        }
        out
    }

    /// Resamples the columns to as many rows as there are taps; row zero here is row `shift` of
    /// the taps.
    fn down(&self, rows: &[Taps], shift: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.len() * self.width * 3);
        let mut sums = vec![HALF; self.width * 3];
        for taps in rows {
            sums.fill(HALF);
            for (row, weight) in (taps.start - shift..).zip(fixed(taps)) {
                for (sum, &value) in sums.iter_mut().zip(self.row(row)) {
                    *sum += i64::from(value) * weight;
                }
            }
            out.extend(sums.iter().map(|&sum| byte(sum)));
        }
        out
    }
}
