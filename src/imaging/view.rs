//! What a model is shown: pixels, which part of a picture they are, and a hash of both.

use std::sync::Arc;

use image::RgbImage;

use crate::ids::{Hash, ImageHash, ViewKind};

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
    hash: ImageHash,
    pixels: Arc<RgbImage>,
}

impl View {
    /// Takes an image as a whole. It should have pixels; models refuse an image without.
    pub fn whole(pixels: impl Into<Arc<RgbImage>>) -> Self {
        Self::of(ViewKind::Whole, pixels.into())
    }

    fn of(kind: ViewKind, pixels: Arc<RgbImage>) -> Self {
        let name: &[u8] = match kind {
            ViewKind::Whole => b"whole",
        };
        let width = pixels.width().to_le_bytes();
        let height = pixels.height().to_le_bytes();
        let hash = Hash::of_parts([name, &width, &height, pixels.as_raw()]);
        Self { kind, hash, pixels }
    }

    /// Which part of the picture this is.
    pub fn kind(&self) -> ViewKind {
        self.kind
    }

    /// Hash of kind, size and pixels: equal for views that no model can tell apart, whatever file
    /// they came from. Keys of answers are made of it.
    pub fn hash(&self) -> ImageHash {
        self.hash
    }

    /// The pixels, 8 bits a channel, upright, without alpha.
    pub fn pixels(&self) -> &Arc<RgbImage> {
        &self.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_counts_and_not_only_the_bytes() {
        let wide = View::whole(RgbImage::new(4, 2));
        let tall = View::whole(RgbImage::new(2, 4));
        assert_ne!(wide.hash(), tall.hash());
        assert_eq!(wide.kind(), ViewKind::Whole);
        assert_eq!(wide.pixels().dimensions(), (4, 2));
    }
}
