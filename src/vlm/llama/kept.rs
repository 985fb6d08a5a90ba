//! What the vision encoder has made of an image, kept on disk: another question about it, in another
//! run, then needs no encoder, which on models of real size is nine tenths of a new image.

use std::sync::Arc;

use crate::cache::{Cache, Kind};
use crate::ids::{Hash, ViewKind};
use crate::imaging::View;

/// Where images are kept, and whose encoder has seen them.
#[derive(Clone, Debug)]
pub(super) struct KeptImages {
    cache: Arc<Cache>,
    /// Everything that moves the encoder's numbers.
    encoder: Hash,
}

impl KeptImages {
    pub(super) fn new(cache: Arc<Cache>, encoder: Hash) -> Self {
        Self { cache, encoder }
    }

    /// The embeddings of a view's tokens one after another, those of all its tiles, if they are known
    /// and of the right length.
    pub(super) fn find(&self, view: &View, length: usize) -> Option<Vec<f32>> {
        let bytes = self.cache.get(Kind::Image, &[self.key(view)?]).pop()??;
        let numbers = bytes.chunks_exact(4);
        let fits = numbers.len() == length && numbers.remainder().is_empty();
        let read = |four: &[u8]| four.try_into().map(f32::from_le_bytes).ok();
        fits.then(|| numbers.map(read).collect())?
    }

    /// Keeps what was made of a view.
    pub(super) fn keep(&self, view: &View, embedding: &[f32]) {
        // What is no number would be none the next time as well.
        let sound = !embedding.is_empty() && embedding.iter().all(|number| number.is_finite());
        if let Some(key) = self.key(view).filter(|_| sound) {
            let bytes: Vec<u8> = embedding.iter().flat_map(|number| number.to_le_bytes()).collect();
            self.cache.put(Kind::Image, key, bytes);
        }
    }

    /// Whole pictures and parts of them are asked about again. One with a region painted over is asked
    /// one question, whose answer is kept itself.
    fn key(&self, view: &View) -> Option<Hash> {
        match view.kind() {
            ViewKind::Whole | ViewKind::Crop { .. } => {
                let view = view.hash();
                Some(Hash::of_parts([self.encoder.bytes().as_slice(), view.bytes()]))
            }
            ViewKind::Without { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::Fill;
    use crate::units::Region;

    fn kept(encoder: &[u8]) -> KeptImages {
        KeptImages::new(Arc::new(Cache::in_memory().unwrap()), Hash::of(encoder))
    }

    fn grey(level: u8) -> View {
        View::whole(image::RgbImage::from_pixel(4, 4, image::Rgb([level; 3])))
    }

    #[test]
    fn an_image_comes_back_to_the_last_bit_and_only_for_its_encoder() {
        let (images, numbers) = (kept(b"one"), vec![0.1, -3.5e-20, f32::MAX]);
        images.keep(&grey(1), &numbers);
        assert_eq!(images.find(&grey(1), 3), Some(numbers));
        assert_eq!(images.find(&grey(1), 4), None, "another length is another model's");
        assert_eq!(images.find(&grey(2), 3), None);
        let other = KeptImages { encoder: Hash::of(b"two"), ..images };
        assert_eq!(other.find(&grey(1), 3), None);
    }

    #[test]
    fn what_is_no_number_or_asked_once_is_not_kept() {
        let images = kept(b"one");
        images.keep(&grey(1), &[1.0, f32::NAN]);
        assert_eq!(images.find(&grey(1), 2), None);
        let region = Region::new(0.0, 0.0, 0.5, 0.5).unwrap();
        let without = grey(1).without(&[region], Fill::default());
        images.keep(&without, &[1.0]);
        assert_eq!(images.find(&without, 1), None);
        let crop = grey(1).crop(region);
        images.keep(&crop, &[1.0]);
        assert_eq!(images.find(&crop, 1), Some(vec![1.0]));
    }
}
