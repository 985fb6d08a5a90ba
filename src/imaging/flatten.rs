//! From whatever a decoder gives to upright 8-bit RGB without alpha.
//!
//! Alpha is composed over white, in the image's own (gamma-encoded) values as browsers do. Colour
//! profiles are not applied.

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer, Pixel, RgbImage};

/// White in 8 bits.
const WHITE: u32 = 0xFF;
/// White in 16 bits.
const WHITE_16: u32 = 0xFFFF;

/// Turns upright and flattens.
pub(super) fn flatten(mut image: DynamicImage, orientation: Orientation) -> RgbImage {
    image.apply_orientation(orientation);
    match image {
        DynamicImage::ImageRgb8(image) => image,
        DynamicImage::ImageRgba8(image) => {
            compose(&image, |[r, g, b, a]| [r, g, b].map(|value| over_white(value, a)))
        }
        DynamicImage::ImageLumaA8(image) => compose(&image, |[l, a]| [over_white(l, a); 3]),
        DynamicImage::ImageRgba16(image) => {
            compose(&image, |[r, g, b, a]| [r, g, b].map(|value| over_white_16(value, a)))
        }
        DynamicImage::ImageLumaA16(image) => compose(&image, |[l, a]| [over_white_16(l, a); 3]),
        DynamicImage::ImageRgba32F(image) => {
            compose(&image, |[r, g, b, a]| [r, g, b].map(|value| unit_to_byte(value * a + 1.0 - a)))
        }
        opaque => opaque.into_rgb8(),
    }
}

/// Makes each pixel of its channels.
fn compose<P, const N: usize>(
    image: &ImageBuffer<P, Vec<P::Subpixel>>,
    pixel: impl Fn([P::Subpixel; N]) -> [u8; 3],
) -> RgbImage
where
    P: Pixel,
{
    let (width, height) = image.dimensions();
    let (channels, _) = image.as_raw().as_chunks::<N>();
    let bytes: Vec<u8> = channels.iter().flat_map(|&channels| pixel(channels)).collect();
    RgbImage::from_raw(width, height, bytes).unwrap_or_else(|| RgbImage::new(width, height))
}

fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    let mixed = (value * alpha + WHITE * (WHITE - alpha) + WHITE / 2) / WHITE;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

/// Composes in 16 bits and rounds to 8 once, at the end.
fn over_white_16(value: u16, alpha: u16) -> u8 {
    let (value, alpha) = (u64::from(value), u64::from(alpha));
    let white = u64::from(WHITE_16);
    let scale = white * u64::from(WHITE_16 / WHITE);
    let mixed = (value * alpha + white * (white - alpha) + scale / 2) / scale;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 before; not a number becomes 0"
)]
fn unit_to_byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, LumaA, Rgba};

    #[test]
    fn clear_pixels_are_white_and_solid_ones_keep_their_colour() {
        for value in 0..=255 {
            assert_eq!(over_white(value, 255), value);
            assert_eq!(over_white(value, 0), 255);
            let wide = u16::from(value) * 257;
            assert_eq!(over_white_16(wide, 0xFFFF), value);
            assert_eq!(over_white_16(wide, 0), 255);
            assert!(over_white(value, 128).abs_diff(over_white_16(wide, 128 * 257)) <= 1);
        }
        assert_eq!(over_white(0, 128), 127);
    }

    #[test]
    fn every_kind_of_alpha_is_composed() {
        let upright = Orientation::NoTransforms;
        let half = [
            DynamicImage::from(ImageBuffer::from_pixel(1, 1, Rgba([0_u8, 255, 0, 51]))),
            DynamicImage::from(ImageBuffer::from_pixel(1, 1, Rgba([0_u16, 65535, 0, 51 * 257]))),
            DynamicImage::from(ImageBuffer::from_pixel(1, 1, Rgba([0_f32, 1.0, 0.0, 0.2]))),
        ];
        for image in half {
            assert_eq!(flatten(image, upright).get_pixel(0, 0).0, [204, 255, 204]);
        }
        let grey = ImageBuffer::from_pixel(1, 1, LumaA([0_u8, 51]));
        assert_eq!(flatten(grey.into(), upright).get_pixel(0, 0).0, [204; 3]);
    }
}
