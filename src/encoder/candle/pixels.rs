//! A picture as the square of numbers that a CLIP or SigLIP tower reads.

use image::RgbImage;

use super::super::EncoderError;
use super::config::Preparation;
use crate::imaging::resample::{Window, resized};

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
    let bytes = resized(image, window, side, preparation.framing, preparation.filter);
    for channel in 0..3 {
        let (scale, shift) = (preparation.scale[channel], preparation.shift[channel]);
        let values = bytes.iter().skip(channel).step_by(3);
        out.extend(values.map(|&value| f32::from(value) * scale + shift));
    }
}
