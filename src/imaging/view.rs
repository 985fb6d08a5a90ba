//! What a model is shown: pixels, which part of a picture they are, and a hash of both.

use std::sync::{Arc, OnceLock};

use image::{RgbImage, imageops};

use super::fill::{Fill, paint_over, pixels_of};
use crate::ids::{Hash, ImageHash, ViewKind};
use crate::units::Region;

/// One way of looking at a picture; everything that is asked of a model is asked of a view.
///
/// Cheap to clone: the pixels are shared. Those of a part, or of a picture without a region, are
/// made when they are first looked at, so that a view whose answers are known costs nothing.
///
/// ```
/// use praetor::imaging::View;
/// let grey = image::RgbImage::from_pixel(8, 8, image::Rgb([128; 3]));
/// assert_eq!(View::whole(grey.clone()).hash(), View::whole(grey).hash());
/// ```
#[derive(Clone, Debug)]
pub struct View {
    kind: ViewKind,
    made: Made,
    pixels: Arc<OnceLock<Arc<RgbImage>>>,
    hash: Arc<OnceLock<ImageHash>>,
}

/// Where a view's pixels come from.
#[derive(Clone, Debug)]
enum Made {
    Given,
    Without { whole: Arc<View>, regions: Vec<Region>, fill: Fill },
    Crop { of: Arc<View>, region: Region },
}

impl View {
    /// Takes an image as a whole. It should have pixels; models refuse an image without.
    pub fn whole(pixels: impl Into<Arc<RgbImage>>) -> Self {
        let view = Self::of(ViewKind::Whole, Made::Given);
        view.pixels.get_or_init(|| pixels.into());
        view
    }

    /// The same picture with regions painted over: the paper's x∖i. Strategy 2 asks of it whether
    /// the content is still seen.
    #[must_use]
    pub fn without(&self, regions: &[Region], fill: Fill) -> Self {
        let (whole, regions) = (Arc::new(self.clone()), regions.to_vec());
        let kind = ViewKind::Without { regions: regions.clone() };
        Self::of(kind, Made::Without { whole, regions, fill })
    }

    /// A part of this view, at least one pixel of it.
    #[must_use]
    pub fn crop(&self, region: Region) -> Self {
        let of = Arc::new(self.clone());
        Self::of(ViewKind::Crop { region }, Made::Crop { of, region })
    }

    fn of(kind: ViewKind, made: Made) -> Self {
        Self { kind, made, pixels: Arc::default(), hash: Arc::default() }
    }

    /// Which part of the picture this is.
    pub fn kind(&self) -> &ViewKind {
        &self.kind
    }

    /// Hash of size and pixels; for a part, or a picture without a region, of what it was made of
    /// and how. Equal hashes mean equal pixels, whatever file they came from. Computed when it is
    /// first asked for.
    pub fn hash(&self) -> ImageHash {
        *self.hash.get_or_init(|| match &self.made {
            Made::Given => hash_of_pixels(self.pixels()),
            Made::Without { whole, regions, fill } => {
                let recipe = format!("without {regions:?} {fill:?} of {}", whole.hash());
                Hash::of(recipe.as_bytes())
            }
            Made::Crop { of, region } => {
                Hash::of(format!("crop {region:?} of {}", of.hash()).as_bytes())
            }
        })
    }

    /// The pixels, 8 bits a channel, upright, without alpha.
    pub fn pixels(&self) -> &Arc<RgbImage> {
        self.pixels.get_or_init(|| match &self.made {
            // `whole` has put them there.
            Made::Given => Arc::default(),
            Made::Without { whole, regions, fill } => {
                let mut pixels = (**whole.pixels()).clone();
                for region in regions {
                    paint_over(&mut pixels, *region, *fill);
                }
                Arc::new(pixels)
            }
            Made::Crop { of, region } => {
                let whole = of.pixels();
                let (left, top, width, height) = pixels_of(*region, whole.dimensions());
                Arc::new(imageops::crop_imm(&**whole, left, top, width, height).to_image())
            }
        })
    }
}

/// Hash of a picture's size and pixels.
pub fn hash_of_pixels(pixels: &RgbImage) -> ImageHash {
    let (width, height) = (pixels.width().to_le_bytes(), pixels.height().to_le_bytes());
    Hash::of_parts([width.as_slice(), &height, pixels.as_raw()])
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
    fn what_a_view_is_made_of_and_how_counts() {
        let view = View::whole(RgbImage::new(8, 8));
        let region = |left| Region::new(left, 0.0, 0.9, 0.5).unwrap();
        let same = view.without(&[region(0.1)], Fill::Grey);
        assert_eq!(same.hash(), view.without(&[region(0.1)], Fill::Grey).hash());
        let others = [
            view.hash(),
            view.without(&[region(0.1)], Fill::Blend).hash(),
            view.without(&[region(0.2)], Fill::Grey).hash(),
            view.crop(region(0.1)).hash(),
            View::whole(RgbImage::new(9, 9)).without(&[region(0.1)], Fill::Grey).hash(),
        ];
        assert!(others.iter().all(|other| *other != same.hash()), "{others:?}");
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
