//! From a picture to the numbers that a classifier is given.

use image::{Rgb, RgbImage};

use super::spec::{Fit, Input, Order};
use crate::imaging::resample::{Filter, Framing, Window, resized};

/// One picture as a tensor of 1 by 3 by side by side.
pub fn tensor(picture: &RgbImage, input: &Input) -> Vec<f32> {
    let square = square(picture, input);
    let channels = match input.order {
        Order::Rgb => [0, 1, 2],
        Order::Bgr => [2, 1, 0],
    };
    let numbers = channels.into_iter().zip(input.mean).zip(input.std);
    let of_channel = |((channel, mean), std): ((usize, f32), f32)| {
        square.pixels().map(move |pixel| (f32::from(pixel.0[channel]) / 255.0 - mean) / std)
    };
    numbers.flat_map(of_channel).collect()
}

fn square(picture: &RgbImage, input: &Input) -> RgbImage {
    let side = input.side;
    match input.fit {
        Fit::Pad => between_neighbours(picture, side),
        Fit::Squash => smooth(picture, side, Framing::Squeezed),
        Fit::Crop => smooth(picture, side, Framing::Middle(side)),
    }
}

/// Scales as Pillow's bicubic filter does, with which CLIP's models were trained.
fn smooth(picture: &RgbImage, side: u32, framing: Framing) -> RgbImage {
    let whole = Window::whole(picture);
    let bytes = (picture.width() > 0 && picture.height() > 0)
        .then(|| resized(picture, whole, side as usize, framing, Filter::Bicubic));
    bytes.and_then(|bytes| RgbImage::from_raw(side, side, bytes)).unwrap_or_default()
}

/// Pads a picture to a square with black on the right or below, and scales it as OpenCV's `INTER_LINEAR`
/// does: each new pixel lies between the four that are next to its middle, however many it stands for, and
/// is rounded to 8 bits.
///
/// The padding is never laid out: a picture of one row costs no more than its pixels.
fn between_neighbours(picture: &RgbImage, side: u32) -> RgbImage {
    let length = picture.width().max(picture.height());
    let ratio = f64::from(length) / f64::from(side);
    let last = length.saturating_sub(1);
    let places: Vec<(u32, u32, f64)> = (0..side)
        .map(|at| {
            let middle = ((f64::from(at) + 0.5) * ratio - 0.5).clamp(0.0, f64::from(last));
            let first = whole(middle);
            (first, (first + 1).min(last), middle - f64::from(first))
        })
        .collect();
    RgbImage::from_fn(side, side, |x, y| {
        let ((left, right, across), (top, bottom, down)) = (places[x as usize], places[y as usize]);
        let at = |x: u32, y: u32| {
            picture.get_pixel_checked(x, y).map_or([0; 3], |pixel| pixel.0).map(f64::from)
        };
        let corners = [at(left, top), at(right, top), at(left, bottom), at(right, bottom)];
        Rgb(std::array::from_fn(|channel| {
            let [one, two, three, four] = corners.map(|corner| corner[channel]);
            let upper = one + (two - one) * across;
            let lower = three + (four - three) * across;
            rounded(upper + (lower - upper) * down)
        }))
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place within the picture"
)]
fn whole(place: f64) -> u32 {
    place as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between levels from 0 to 255"
)]
fn rounded(level: f64) -> u8 {
    level.round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(fit: Fit, order: Order, side: u32) -> Input {
        Input { side, fit, order, mean: [0.5, 0.0, 0.0], std: [0.5, 1.0, 1.0] }
    }

    #[test]
    fn channels_stand_one_after_the_other_normalised() {
        let picture = RgbImage::from_pixel(2, 2, Rgb([255, 0, 51]));
        let rgb = tensor(&picture, &input(Fit::Squash, Order::Rgb, 1));
        assert_eq!(rgb, [1.0, 0.0, 0.2]);
        let bgr = tensor(&picture, &input(Fit::Squash, Order::Bgr, 1));
        assert!((bgr[0] + 0.6).abs() < 1e-6 && (bgr[2] - 1.0).abs() < 1e-6, "{bgr:?}");
    }

    #[test]
    fn padding_is_black_on_the_right_and_below() {
        let wide = RgbImage::from_pixel(4, 2, Rgb([200; 3]));
        let square = square(&wide, &input(Fit::Pad, Order::Rgb, 4));
        assert_eq!(square.get_pixel(3, 1).0, [200; 3]);
        assert_eq!(square.get_pixel(0, 2).0, [0; 3]);
    }

    /// A padded square of this would have thirty gigabytes.
    #[test]
    fn a_very_long_picture_is_padded_without_laying_out_its_square() {
        for (width, height) in [(100_000, 1), (1, 100_000)] {
            let long = RgbImage::from_pixel(width, height, Rgb([200; 3]));
            let square = square(&long, &input(Fit::Pad, Order::Rgb, 320));
            assert_eq!(square.dimensions(), (320, 320));
            // Nothing but padding lies beside the middle of the first row.
            assert!(square.pixels().all(|pixel| pixel.0 == [0; 3]), "{width}x{height}");
        }
    }

    #[test]
    fn padding_that_is_not_laid_out_counts_as_if_it_were() {
        for (width, height) in [(31, 9), (9, 31), (16, 16)] {
            let picture = RgbImage::from_fn(width, height, |x, y| {
                Rgb([x, y, 7 * x + 5 * y].map(|level| u8::try_from(level % 256).unwrap()))
            });
            let longest = width.max(height);
            let mut padded = RgbImage::new(longest, longest);
            image::imageops::replace(&mut padded, &picture, 0, 0);
            for side in [7, 20, 64] {
                let expected = between_neighbours(&padded, side);
                assert!(between_neighbours(&picture, side) == expected, "{width}x{height}, {side}");
            }
        }
    }

    /// `cv2.resize` of the row 0, 30, 60, 90, 120, 150 to three: 15, 75, 135.
    #[test]
    fn scaling_is_opencvs() {
        let picture = RgbImage::from_fn(6, 6, |x, _| Rgb([u8::try_from(30 * x).unwrap(); 3]));
        let small = between_neighbours(&picture, 3);
        let row: Vec<u8> = (0..3).map(|x| small.get_pixel(x, 0).0[0]).collect();
        assert_eq!(row, [15, 75, 135]);
    }

    #[test]
    fn the_middle_is_taken_of_what_is_long() {
        let long =
            RgbImage::from_fn(30, 10, |x, _| Rgb([if (10..20).contains(&x) { 200 } else { 0 }; 3]));
        let middle = square(&long, &input(Fit::Crop, Order::Rgb, 10));
        assert_eq!(middle.dimensions(), (10, 10));
        assert_eq!(middle.get_pixel(5, 5).0, [200; 3]);
    }
}
