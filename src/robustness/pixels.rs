//! Perturbations on pixels.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageFormat, ImageResult, Rgb, RgbImage};

use super::Perturbation;
use super::writing::write_over;
use crate::eval::Random;

/// The standard deviations by which CLIP divides red, green and blue, of pixels from 0 to 1: a
/// normalised step of 0.01 is 0.69, 0.67 and 0.70 of the 255 levels.
pub(super) const CLIP_STD: [f64; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// A picture that has no such form, such as a JPEG of more than 65,535 pixels a side.
#[derive(Debug, thiserror::Error)]
#[error("the picture can't be changed by `{perturbation}`: {detail}")]
pub struct PerturbError {
    /// What was to be done.
    pub perturbation: String,
    /// What stood in the way.
    pub detail: String,
}

/// A picture, changed.
pub(super) fn perturb(
    picture: &RgbImage,
    perturbation: &Perturbation,
    seed: u64,
) -> Result<RgbImage, PerturbError> {
    let failed = |error: image::ImageError| PerturbError {
        perturbation: perturbation.to_string(),
        detail: error.to_string(),
    };
    match perturbation {
        Perturbation::Png => through_png(picture).map_err(failed),
        Perturbation::Jpeg { quality } => through_jpeg(picture, *quality).map_err(failed),
        Perturbation::Noise { epsilon } => Ok(noisy(picture, *epsilon, seed)),
        Perturbation::Resize { share } => Ok(down_and_up(picture, *share)),
        Perturbation::Crop { share } => Ok(middle(picture, *share)),
        Perturbation::Blur { sigma } => Ok(blurred(picture, *sigma)),
        Perturbation::Grey => Ok(grey(picture)),
        Perturbation::Mirror => Ok(imageops::flip_horizontal(picture)),
        Perturbation::Text { words } => {
            let mut written = picture.clone();
            write_over(&mut written, words);
            Ok(written)
        }
    }
}

fn through_png(picture: &RgbImage) -> ImageResult<RgbImage> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(image::load_from_memory_with_format(bytes.get_ref(), ImageFormat::Png)?.into_rgb8())
}

fn through_jpeg(picture: &RgbImage, quality: u8) -> ImageResult<RgbImage> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality))?;
    Ok(image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg)?.into_rgb8())
}

/// Noise whose standard deviation is ε in CLIP's normalised pixels, rounded to the 8 bits that a judge
/// is given.
fn noisy(picture: &RgbImage, epsilon: f64, seed: u64) -> RgbImage {
    let mut random = Random::new(seed);
    let levels = CLIP_STD.map(|std| epsilon * std * 255.0);
    let mut noisy = picture.clone();
    for pixel in noisy.pixels_mut() {
        for (channel, sigma) in pixel.0.iter_mut().zip(levels) {
            *channel = level(f64::from(*channel) + sigma * normal(&mut random));
        }
    }
    noisy
}

/// A draw from the normal distribution (Box and Muller, 1958; one of the two).
fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

/// The nearest of the 256 levels.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded and held within 0 and 255"
)]
pub(super) fn level(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// A side's share in whole pixels, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a side is no longer than the side"
)]
fn part(side: u32, share: f64) -> u32 {
    ((f64::from(side) * share).round() as u32).clamp(1, side.max(1))
}

fn down_and_up(picture: &RgbImage, share: f64) -> RgbImage {
    let (width, height) = picture.dimensions();
    let filter = FilterType::Triangle;
    let small = imageops::resize(picture, part(width, share), part(height, share), filter);
    imageops::resize(&small, width, height, filter)
}

fn middle(picture: &RgbImage, share: f64) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (across, down) = (part(width, share), part(height, share));
    let (left, top) = ((width - across) / 2, (height - down) / 2);
    imageops::crop_imm(picture, left, top, across, down).to_image()
}

#[expect(clippy::cast_possible_truncation, reason = "a width of a few pixels")]
fn blurred(picture: &RgbImage, sigma: f64) -> RgbImage {
    imageops::blur(picture, sigma as f32)
}

/// The luma of ITU-R BT.709 in all three channels.
fn grey(picture: &RgbImage) -> RgbImage {
    let luma = imageops::grayscale(picture);
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| Rgb([luma.get_pixel(x, y).0[0]; 3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(40, 30, |x, y| {
            let [x, y] = [x, y].map(|at| u8::try_from(at).unwrap());
            Rgb([100 + x, 90 + 2 * y, 128])
        })
    }

    fn changed(text: &str, seed: u64) -> RgbImage {
        perturb(&picture(), &text.parse().unwrap(), seed).unwrap()
    }

    #[test]
    fn the_control_changes_no_pixel_and_all_others_do() {
        assert_eq!(changed("png", 1), picture());
        for other in Perturbation::standard().iter().filter(|one| !one.is_control()) {
            let changed = perturb(&picture(), other, 1).unwrap();
            assert_ne!(changed, picture(), "{other}");
            let size = if other.to_string() == "crop:0.9" { (36, 27) } else { (40, 30) };
            assert_eq!(changed.dimensions(), size, "{other}");
        }
    }

    #[test]
    fn chance_comes_from_the_seed_alone() {
        assert_eq!(changed("noise:0.05", 7), changed("noise:0.05", 7));
        assert_ne!(changed("noise:0.05", 7), changed("noise:0.05", 8));
    }

    /// 0.2 · 0.26862954 · 255 = 13.70 levels of red; a mean of 40,000 draws is within 0.3 of it.
    #[test]
    fn noise_is_as_strong_as_clips_pixels_say() {
        let flat = RgbImage::from_pixel(200, 200, Rgb([128; 3]));
        let noisy = perturb(&flat, &Perturbation::Noise { epsilon: 0.2 }, 3).unwrap();
        let red = noisy.pixels().map(|pixel| f64::from(pixel.0[0]) - 128.0);
        let variance = red.map(|off| off * off).sum::<f64>() / 40_000.0;
        assert!((variance.sqrt() - 13.70).abs() < 0.3, "{}", variance.sqrt());
    }

    #[test]
    fn worse_quality_is_further_from_the_picture() {
        let far = |text: &str| -> u32 {
            let changed = changed(text, 1);
            let pairs = changed.as_raw().iter().zip(picture().into_raw());
            pairs.map(|(one, other)| u32::from(one.abs_diff(other))).sum()
        };
        assert!(far("jpeg:5") > far("jpeg:90"));
        assert!(far("blur:4") > far("blur:1"));
    }

    #[test]
    fn a_picture_of_one_pixel_survives_everything() {
        let one = RgbImage::from_pixel(1, 1, Rgb([9, 8, 7]));
        for perturbation in Perturbation::standard() {
            assert_eq!(perturb(&one, &perturbation, 1).unwrap().dimensions(), (1, 1));
        }
    }
}
