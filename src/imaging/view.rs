//! What a model is shown: pixels, which part of a picture they are, and a hash of both.

use std::sync::{Arc, OnceLock};

use image::{RgbImage, imageops};

use super::fill::{Fill, paint_over, pixels_of};
use crate::ids::{Hash, ImageHash, ViewKind};
use crate::units::Region;

/// One way of looking at a picture; everything that is asked of a model is asked of a view.
///
/// Cheap to clone: the pixels are shared.
///
/// ```
/// use praetor::imaging::View;
/// let grey = image::RgbImage::from_pixel(8, 8, image::Rgb([128; 3]));
/// assert_eq!(View::whole(grey.clone()).hash(), View::whole(grey).hash());
/// ```
#[derive(Clone, Debug)]
pub struct View {
    kind: ViewKind,
    pixels: Arc<RgbImage>,
    hash: Arc<OnceLock<ImageHash>>,
}

impl View {
    /// Takes an image as a whole. It should have pixels; models refuse an image without.
    pub fn whole(pixels: impl Into<Arc<RgbImage>>) -> Self {
        Self::of(ViewKind::Whole, pixels.into())
    }

    /// The same picture with regions painted over: the paper's x∖i. Strategy 2 asks of it whether
    /// the content is still seen.
    #[must_use]
    pub fn without(&self, regions: &[Region], fill: Fill) -> Self {
        let mut pixels = (*self.pixels).clone();
        for region in regions {
            paint_over(&mut pixels, *region, fill);
        }
        Self::of(ViewKind::Without { regions: regions.to_vec() }, Arc::new(pixels))
    }

    /// A part of this view, at least one pixel of it.
    #[must_use]
    pub fn crop(&self, region: Region) -> Self {
        let (left, top, width, height) = pixels_of(region, self.pixels.dimensions());
        let part = imageops::crop_imm(&*self.pixels, left, top, width, height).to_image();
        Self::of(ViewKind::Crop { region }, Arc::new(part))
    }

    fn of(kind: ViewKind, pixels: Arc<RgbImage>) -> Self {
        Self { kind, pixels, hash: Arc::default() }
    }

    /// Which part of the picture this is.
    pub fn kind(&self) -> &ViewKind {
        &self.kind
    }

    /// Hash of size and pixels: equal for views that no model can tell apart, whatever file and
    /// part of it they came from. Computed when it is first asked for.
    pub fn hash(&self) -> ImageHash {
        *self.hash.get_or_init(|| {
            let width = self.pixels.width().to_le_bytes();
            let height = self.pixels.height().to_le_bytes();
            Hash::of_parts([width.as_slice(), &height, self.pixels.as_raw()])
        })
    }

    /// The pixels, 8 bits a channel, upright, without alpha.
    pub fn pixels(&self) -> &Arc<RgbImage> {
        &self.pixels
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn the_shape_counts_and_not_only_the_bytes() {
        let wide = View::whole(RgbImage::new(4, 2));
        let tall = View::whole(RgbImage::new(2, 4));
        assert_ne!(wide.hash(), tall.hash());
        assert_eq!(*wide.kind(), ViewKind::Whole);
        assert_eq!(wide.pixels().dimensions(), (4, 2));
    }

    #[test]
    fn a_crop_takes_every_pixel_that_the_region_touches() {
        let view = View::whole(RgbImage::from_fn(10, 10, |x, y| {
            Rgb([u8::try_from(10 * y + x).unwrap(); 3])
        }));
        let crop = view.crop(Region::new(0.25, 0.5, 0.45, 0.51).unwrap());
        assert_eq!(crop.pixels().dimensions(), (3, 1));
        assert_eq!(crop.pixels().get_pixel(0, 0).0, [52; 3]);
    }

    #[test]
    fn without_its_region_a_picture_is_as_large_and_elsewhere_the_same() {
        let view =
            View::whole(RgbImage::from_fn(20, 20, |x, _| Rgb([if x < 10 { 200 } else { 9 }; 3])));
        let region = Region::new(0.5, 0.0, 1.0, 0.5).unwrap();
        let without = view.without(&[region], Fill::Grey);
        assert_eq!(*without.kind(), ViewKind::Without { regions: vec![region] });
        assert_eq!(without.pixels().get_pixel(15, 5).0, [128; 3]);
        assert_eq!(without.pixels().get_pixel(5, 5).0, [200; 3]);
        assert_eq!(without.pixels().get_pixel(15, 15).0, [9; 3]);
    }
}
