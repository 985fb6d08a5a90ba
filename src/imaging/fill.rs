//! Painting over a part of a picture, so that what was there can't be seen any more.
//!
//! The paper removes the central object's region and does not say what comes in its place
//! (section "Debiased Token Probability", strategy 2). What is painted must not look like a thing
//! itself: [`Fill`] has the ways that were compared, and `docs/evaluation.md` the comparison.

use image::{Rgb, RgbImage};

use crate::units::Region;

/// What is painted over a removed region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// Every pixel is blended from the four at the region's edges in its row and column, the
    /// nearer ones counting more: the background goes on.
    #[default]
    Blend,
    /// The mean colour of what borders on the region.
    Surroundings,
    /// Grey of half brightness.
    Grey,
}

/// Paints over every pixel that the region touches.
pub(super) fn paint_over(picture: &mut RgbImage, region: Region, fill: Fill) {
    let (left, top, width, height) = pixels_of(region, picture.dimensions());
    let edges = Edges::around(picture, left, top, width, height);
    let mean = edges.mean();
    for y in 0..height {
        for x in 0..width {
            let colour = match fill {
                Fill::Grey => GREY,
                Fill::Surroundings => mean,
                Fill::Blend => edges.blend(x, y).unwrap_or(mean),
            };
            picture.put_pixel(left + x, top + y, Rgb(colour.map(to_byte)));
        }
    }
}

type Colour = [f32; 3];

/// Half brightness; also what a region that is the whole picture becomes.
const GREY: Colour = [128.0; 3];

/// The pixels just outside a box: one column left and right of it, one row above and below; a side
/// at the picture's edge has none.
struct Edges {
    left: Vec<Colour>,
    right: Vec<Colour>,
    above: Vec<Colour>,
    below: Vec<Colour>,
}

impl Edges {
    fn around(picture: &RgbImage, left: u32, top: u32, width: u32, height: u32) -> Self {
        let colour = |x: u32, y: u32| picture.get_pixel(x, y).0.map(f32::from);
        let column = |x: Option<u32>| match x.filter(|x| *x < picture.width()) {
            Some(x) => (top..top + height).map(|y| colour(x, y)).collect(),
            None => Vec::new(),
        };
        let row = |y: Option<u32>| match y.filter(|y| *y < picture.height()) {
            Some(y) => (left..left + width).map(|x| colour(x, y)).collect(),
            None => Vec::new(),
        };
        Self {
            left: column(left.checked_sub(1)),
            right: column(Some(left + width)),
            above: row(top.checked_sub(1)),
            below: row(Some(top + height)),
        }
    }

    fn mean(&self) -> Colour {
        let all = [&self.left, &self.right, &self.above, &self.below];
        let all: Vec<Colour> = all.into_iter().flatten().copied().collect();
        mix(all.into_iter().map(|colour| (colour, 1.0))).unwrap_or(GREY)
    }

    /// The colour at a place within the box: the edges it faces, each by the inverse of its
    /// distance.
    fn blend(&self, x: u32, y: u32) -> Option<Colour> {
        let (across, down) = (x as usize, y as usize);
        let width = self.above.len().max(self.below.len()).max(across + 1);
        let height = self.left.len().max(self.right.len()).max(down + 1);
        let faced = [
            (self.left.get(down), across + 1),
            (self.right.get(down), width.saturating_sub(across)),
            (self.above.get(across), down + 1),
            (self.below.get(across), height.saturating_sub(down)),
        ];
        mix(faced.into_iter().filter_map(|(colour, distance)| {
            #[expect(clippy::cast_precision_loss, reason = "a distance in pixels of a picture")]
            let nearness = 1.0 / distance.max(1) as f32;
            Some((*colour?, nearness))
        }))
    }
}

/// The weighted mean of colours; nothing without any.
fn mix(colours: impl Iterator<Item = (Colour, f32)>) -> Option<Colour> {
    let (sum, weight) = colours.fold(([0.0; 3], 0.0), |(sum, total), (colour, weight)| {
        let added: Colour = std::array::from_fn(|channel| sum[channel] + weight * colour[channel]);
        (added, total + weight)
    });
    (weight > 0.0).then(|| sum.map(|channel| channel / weight))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of bytes is from 0 to 255"
)]
fn to_byte(channel: f32) -> u8 {
    channel.round() as u8
}

/// The pixels that a region touches, at least one: left, top, width, height.
pub(super) fn pixels_of(region: Region, (width, height): (u32, u32)) -> (u32, u32, u32, u32) {
    let (left, right) = span(region.left(), region.right(), width);
    let (top, bottom) = span(region.top(), region.bottom(), height);
    (left, top, right - left, bottom - top)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of a side are from 0 to 1"
)]
fn span(from: f64, to: f64, side: u32) -> (u32, u32) {
    let side_length = f64::from(side);
    // A share that was made of pixels must give the same pixels again.
    let first = (from * side_length + 1e-6).floor() as u32;
    let first = first.min(side.saturating_sub(1));
    let last = (to * side_length - 1e-6).ceil() as u32;
    (first, last.clamp(first + 1, side.max(first + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sky over a meadow with a black thing in the middle.
    fn landscape() -> (RgbImage, Region) {
        let picture = RgbImage::from_fn(40, 40, |x, y| {
            let thing = (10..30).contains(&x) && (10..30).contains(&y);
            if thing { Rgb([0; 3]) } else { Rgb([if y < 20 { 220 } else { 60 }; 3]) }
        });
        (picture, Region::new(0.25, 0.25, 0.75, 0.75).unwrap())
    }

    #[test]
    fn every_fill_hides_the_thing_and_nothing_else() {
        for fill in [Fill::Blend, Fill::Surroundings, Fill::Grey] {
            let (mut picture, region) = landscape();
            let before = picture.clone();
            paint_over(&mut picture, region, fill);
            assert!(picture.pixels().all(|pixel| pixel.0[0] > 40), "{fill:?}");
            for (x, y, pixel) in before.enumerate_pixels() {
                let inside = (10..30).contains(&x) && (10..30).contains(&y);
                assert!(inside || picture.get_pixel(x, y) == pixel, "{fill:?} at {x}, {y}");
            }
        }
    }

    #[test]
    fn the_blend_goes_on_with_the_background() {
        let (mut picture, region) = landscape();
        paint_over(&mut picture, region, Fill::Blend);
        assert!(picture.get_pixel(20, 11).0[0] > 180);
        assert!(picture.get_pixel(20, 28).0[0] < 100);
    }

    #[test]
    fn a_region_at_the_edge_or_all_of_the_picture_is_painted_too() {
        for fill in [Fill::Blend, Fill::Surroundings, Fill::Grey] {
            for (width, height) in [(1, 1), (1, 9), (30, 2)] {
                let mut picture = RgbImage::from_pixel(width, height, Rgb([7; 3]));
                paint_over(&mut picture, Region::new(0.0, 0.0, 1.0, 1.0).unwrap(), fill);
                assert_eq!(picture.get_pixel(0, 0).0, [128; 3], "{fill:?}");
            }
        }
    }

    #[test]
    fn shares_made_of_pixels_give_the_same_pixels() {
        for side in [7_u32, 100, 1_333] {
            for left in [0, side / 3, side - 1] {
                let share = |pixel: u32| f64::from(pixel) / f64::from(side);
                assert_eq!(span(share(left), share(left + 1), side), (left, left + 1));
            }
        }
    }
}
