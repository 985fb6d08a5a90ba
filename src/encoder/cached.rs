//! Encoders and localizers whose results are kept, so that no image is encoded twice.

use std::sync::Arc;

use image::RgbImage;

use super::{DualEncoder, Embedding, EncoderError, Features, Found, Localizer};
use crate::cache::{Cache, Kept, Kind};
use crate::ids::{Hash, ModelId};
use crate::imaging::hash_of_pixels;
use crate::units::{Probability, Region};

/// Looks embeddings up before it asks another encoder, and keeps what that makes.
pub struct CachedEncoder<Encoder: ?Sized> {
    cache: Arc<Cache>,
    inner: Arc<Encoder>,
}

impl<Encoder: DualEncoder + ?Sized> CachedEncoder<Encoder> {
    /// Keeps what `inner` makes in `cache`.
    pub fn new(inner: Arc<Encoder>, cache: Arc<Cache>) -> Self {
        Self { cache, inner }
    }

    fn key(&self, kind: &[u8], content: &[u8]) -> Hash {
        Hash::of_parts([self.model().fingerprint.bytes().as_slice(), kind, content])
    }
}

impl Kept for Embedding {
    const KIND: Kind = Kind::Embedding;

    /// The coordinates as they were, to the bit: they are of length one already.
    fn read(bytes: &[u8]) -> Option<Self> {
        let coordinates = bytes.chunks_exact(4);
        let whole = coordinates.remainder().is_empty();
        let read = |four: &[u8]| Some(f32::from_le_bytes(four.try_into().ok()?));
        let coordinates = coordinates.map(read).collect::<Option<Vec<f32>>>()?;
        (whole && !coordinates.is_empty()).then_some(Self(coordinates))
    }

    fn write(&self) -> Option<Vec<u8>> {
        Some(self.as_slice().iter().flat_map(|x| x.to_le_bytes()).collect())
    }
}

impl<Encoder: DualEncoder + ?Sized> DualEncoder for CachedEncoder<Encoder> {
    fn model(&self) -> &ModelId {
        self.inner.model()
    }

    fn texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncoderError> {
        let keys: Vec<Hash> = texts.iter().map(|text| self.key(b"text", text.as_bytes())).collect();
        self.cache.fill(&keys, |missing| {
            let texts: Vec<&str> = missing.iter().map(|index| texts[*index]).collect();
            self.inner.texts(&texts)
        })
    }

    fn images(&self, images: &[&RgbImage]) -> Result<Vec<Embedding>, EncoderError> {
        let key = |image: &&RgbImage| self.key(b"image", hash_of_pixels(image).bytes());
        let keys: Vec<Hash> = images.iter().map(key).collect();
        self.cache.fill(&keys, |missing| {
            let images: Vec<&RgbImage> = missing.iter().map(|index| images[*index]).collect();
            self.inner.images(&images)
        })
    }

    fn default_threshold(&self) -> f64 {
        self.inner.default_threshold()
    }

    fn reads_at_most(&self) -> usize {
        self.inner.reads_at_most()
    }

    fn tokens(&self, text: &str) -> Result<usize, EncoderError> {
        self.inner.tokens(text)
    }
}

/// Looks boxes up before it asks another localizer, and keeps what that finds; what it has seen of
/// an image is kept too, so that another object does not need the image again.
pub struct CachedLocalizer {
    cache: Arc<Cache>,
    inner: Box<dyn Localizer>,
}

impl CachedLocalizer {
    /// Keeps what `inner` finds in `cache`.
    pub fn new(inner: Box<dyn Localizer>, cache: Arc<Cache>) -> Self {
        Self { cache, inner }
    }
}

impl Localizer for CachedLocalizer {
    fn model(&self) -> &ModelId {
        self.inner.model()
    }

    fn default_gate(&self) -> f64 {
        self.inner.default_gate()
    }

    fn look(&self, image: &RgbImage) -> Result<Features, EncoderError> {
        self.features(image, hash_of_pixels(image))
    }

    fn find_in(
        &self,
        image: &RgbImage,
        features: &Features,
        objects: &[&str],
    ) -> Result<Vec<Vec<Found>>, EncoderError> {
        self.boxes(hash_of_pixels(image), objects, |open| self.inner.find_in(image, features, open))
    }

    fn find(&self, image: &RgbImage, objects: &[&str]) -> Result<Vec<Vec<Found>>, EncoderError> {
        let pixels = hash_of_pixels(image);
        self.boxes(pixels, objects, |open| {
            self.inner.find_in(image, &self.features(image, pixels)?, open)
        })
    }
}

impl CachedLocalizer {
    fn features(&self, image: &RgbImage, pixels: Hash) -> Result<Features, EncoderError> {
        let model = self.model().fingerprint;
        let key = Hash::of_parts([model.bytes().as_slice(), pixels.bytes()]);
        let look = |_: &[usize]| self.inner.look(image).map(|features| vec![features]);
        let features = self.cache.fill(&[key], look)?;
        Ok(features.into_iter().next().unwrap_or_default())
    }

    fn boxes(
        &self,
        pixels: Hash,
        objects: &[&str],
        find: impl FnOnce(&[&str]) -> Result<Vec<Vec<Found>>, EncoderError>,
    ) -> Result<Vec<Vec<Found>>, EncoderError> {
        let model = self.model().fingerprint;
        let key = |object: &&str| {
            Hash::of_parts([model.bytes().as_slice(), pixels.bytes(), object.as_bytes()])
        };
        let keys: Vec<Hash> = objects.iter().map(key).collect();
        self.cache.fill(&keys, |missing| {
            let open: Vec<&str> = missing.iter().map(|index| objects[*index]).collect();
            find(&open)
        })
    }
}

impl Kept for Features {
    const KIND: Kind = Kind::Features;

    fn read(bytes: &[u8]) -> Option<Self> {
        (!bytes.is_empty()).then(|| Self::new(bytes.to_vec()))
    }

    fn write(&self) -> Option<Vec<u8>> {
        (!self.as_bytes().is_empty()).then(|| self.as_bytes().to_vec())
    }
}

/// Numbers of a box: its four sides and its score.
const NUMBERS: usize = 5;

impl Kept for Vec<Found> {
    const KIND: Kind = Kind::Boxes;

    /// No boxes are an answer too: nothing was found.
    fn read(bytes: &[u8]) -> Option<Self> {
        let numbers = bytes.chunks_exact(8);
        let whole = numbers.remainder().is_empty();
        let read = |eight: &[u8]| Some(f64::from_le_bytes(eight.try_into().ok()?));
        let numbers = numbers.map(read).collect::<Option<Vec<f64>>>().filter(|_| whole)?;
        let found = |five: &[f64]| {
            let [left, top, right, bottom, score] = *<&[f64; NUMBERS]>::try_from(five).ok()?;
            let region = Region::new(left, top, right, bottom)?;
            Some(Found { region, score: Probability::new(score)? })
        };
        let boxes = numbers.chunks_exact(NUMBERS);
        boxes.remainder().is_empty().then(|| boxes.map(found).collect::<Option<Self>>())?
    }

    fn write(&self) -> Option<Vec<u8>> {
        let numbers = self.iter().flat_map(|Found { region, score }| {
            [region.left(), region.top(), region.right(), region.bottom(), score.value()]
        });
        Some(numbers.flat_map(f64::to_le_bytes).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::encoder::scripted::ScriptedEncoder;

    /// Counts what it is asked.
    struct Counted {
        inner: ScriptedEncoder,
        asked: Arc<AtomicUsize>,
        looked: Arc<AtomicUsize>,
    }

    fn counted() -> (Counted, Arc<AtomicUsize>, Arc<AtomicUsize>) {
        let region = Region::new(0.1, 0.2, 0.3, 0.7).unwrap();
        let inner = ScriptedEncoder::new(0.1).saying("dogs", 0.3).finding("dog", region, 0.9);
        let (asked, looked) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let counted = Counted { inner, asked: Arc::clone(&asked), looked: Arc::clone(&looked) };
        (counted, asked, looked)
    }

    impl DualEncoder for Counted {
        fn model(&self) -> &ModelId {
            DualEncoder::model(&self.inner)
        }
        fn texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncoderError> {
            self.asked.fetch_add(texts.len(), Ordering::Relaxed);
            self.inner.texts(texts)
        }
        fn images(&self, images: &[&RgbImage]) -> Result<Vec<Embedding>, EncoderError> {
            self.asked.fetch_add(images.len(), Ordering::Relaxed);
            self.inner.images(images)
        }
        fn default_threshold(&self) -> f64 {
            self.inner.default_threshold()
        }
        fn reads_at_most(&self) -> usize {
            self.inner.reads_at_most()
        }
        fn tokens(&self, text: &str) -> Result<usize, EncoderError> {
            self.inner.tokens(text)
        }
    }

    impl Localizer for Counted {
        fn model(&self) -> &ModelId {
            Localizer::model(&self.inner)
        }
        fn default_gate(&self) -> f64 {
            self.inner.default_gate()
        }
        fn look(&self, _: &RgbImage) -> Result<Features, EncoderError> {
            self.looked.fetch_add(1, Ordering::Relaxed);
            Ok(Features::new(vec![7]))
        }
        fn find_in(
            &self,
            image: &RgbImage,
            features: &Features,
            objects: &[&str],
        ) -> Result<Vec<Vec<Found>>, EncoderError> {
            assert_eq!(features.as_bytes(), [7]);
            self.asked.fetch_add(objects.len(), Ordering::Relaxed);
            self.inner.find_in(image, features, objects)
        }
    }

    #[test]
    fn texts_and_images_are_encoded_once_and_come_back_to_the_bit() {
        let (encoder, asked, _) = counted();
        let cached = CachedEncoder::new(Arc::new(encoder), Arc::new(Cache::in_memory().unwrap()));
        let (small, large) = (RgbImage::new(2, 3), RgbImage::new(3, 2));
        let texts = cached.texts(&["dogs", "cats"]).unwrap();
        assert_eq!(cached.texts(&["cats", "dogs"]).unwrap(), [texts[1].clone(), texts[0].clone()]);
        let images = cached.images(&[&small]).unwrap();
        assert_eq!(cached.images(&[&large, &small]).unwrap()[1], images[0]);
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn boxes_are_found_once_and_nothing_found_is_known_too() {
        let (localizer, asked, looked) = counted();
        let cached =
            CachedLocalizer::new(Box::new(localizer), Arc::new(Cache::in_memory().unwrap()));
        let image = RgbImage::new(4, 4);
        let first = cached.find(&image, &["dog", "cat"]).unwrap();
        assert_eq!((first[0].len(), first[1].len()), (1, 0));
        assert_eq!(
            cached.find(&image, &["cat", "dog"]).unwrap(),
            [first[1].clone(), first[0].clone()]
        );
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        cached.find(&image, &["bird"]).unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        assert_eq!(looked.load(Ordering::Relaxed), 1, "another object needs the image no more");
        cached.find(&RgbImage::new(4, 5), &["dog"]).unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 4);
        assert_eq!(looked.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn damaged_values_are_no_values() {
        assert!(Embedding::read(&[1, 2, 3]).is_none());
        assert!(Embedding::read(&[]).is_none());
        assert!(Vec::<Found>::read(&[0; 7]).is_none());
        assert!(Vec::<Found>::read(&[0; 16]).is_none());
        assert!(Vec::<Found>::read(&[0; 40]).is_none());
        assert_eq!(Vec::<Found>::read(&[]), Some(Vec::new()));
    }
}
