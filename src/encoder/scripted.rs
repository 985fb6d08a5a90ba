//! An encoder and localizer that answers from a table: for tests of a policy without weights, and
//! for documentation that runs.

use std::collections::BTreeMap;

use image::RgbImage;

use super::{DualEncoder, Embedding, EncoderError, Features, Found, Localizer};
use crate::ids::{Hash, ModelId};
use crate::units::{Probability, Region};

const NAME: &str = "scripted encoder";

/// Gives each text a fixed cosine to every image, and each object fixed boxes in it.
///
/// ```
/// use praetor::encoder::{DualEncoder, Localizer, scripted::ScriptedEncoder};
/// use praetor::units::Region;
/// let corner = Region::new(0.0, 0.0, 0.1, 0.1).unwrap();
/// let encoder =
///     ScriptedEncoder::new(0.1).saying("no knives", 0.4).finding("knife", corner, 0.6);
/// let picture = image::RgbImage::new(8, 8);
/// let image = encoder.images(&[&picture]).unwrap().remove(0);
/// let text = encoder.texts(&["no knives"]).unwrap().remove(0);
/// assert!((text.cosine(&image) - 0.4).abs() < 1e-6);
/// let found = encoder.find(&picture, &["knife", "dog"]).unwrap();
/// assert_eq!((found[0].len(), found[1].len()), (1, 0));
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedEncoder {
    model: ModelId,
    otherwise: f64,
    cosines: BTreeMap<String, f64>,
    threshold: f64,
    reads_at_most: usize,
    found: BTreeMap<String, Vec<Found>>,
}

impl ScriptedEncoder {
    /// An encoder whose cosine is `otherwise` for every text it has no line for.
    ///
    /// Its own threshold is 0.22 and it reads 77 tokens, as CLIP; it finds no object, and
    /// its boxes count above 0.05.
    pub fn new(otherwise: f64) -> Self {
        Self {
            model: ModelId { name: NAME.to_owned(), fingerprint: Hash::of(NAME.as_bytes()) },
            otherwise,
            cosines: BTreeMap::new(),
            threshold: 0.22,
            reads_at_most: 77,
            found: BTreeMap::new(),
        }
    }

    /// Fixes the cosine of one text to every image.
    #[must_use]
    pub fn saying(mut self, text: &str, cosine: f64) -> Self {
        self.cosines.insert(text.to_owned(), cosine);
        self
    }

    /// Adds a box of an object, the same in every image.
    #[must_use]
    pub fn finding(mut self, object: &str, region: Region, score: f64) -> Self {
        let boxes = self.found.entry(object.to_owned()).or_default();
        boxes.push(Found { region, score: Probability::saturating(score) });
        boxes.sort_by(|a, b| b.score.value().total_cmp(&a.score.value()));
        self
    }

    /// Replaces the encoder's own threshold.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Sets how many words a text may have, two being those that mark its begin and end.
    #[must_use]
    pub fn reading_at_most(mut self, tokens: usize) -> Self {
        self.reads_at_most = tokens;
        self
    }
}

/// The unit vector of the plane whose first coordinate is `cosine`.
fn at(cosine: f64) -> Option<Embedding> {
    let cosine = if cosine.is_nan() { 0.0 } else { cosine.clamp(-1.0, 1.0) };
    #[expect(clippy::cast_possible_truncation, reason = "a coordinate of a unit vector fits")]
    Embedding::new(vec![cosine as f32, (1.0 - cosine * cosine).sqrt() as f32])
}

impl DualEncoder for ScriptedEncoder {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncoderError> {
        let encode = |text: &&str| {
            let cosine = self.cosines.get(*text).copied().unwrap_or(self.otherwise);
            at(cosine).filter(|_| !text.trim().is_empty()).ok_or(EncoderError::EmptyText)
        };
        texts.iter().map(encode).collect()
    }

    fn images(&self, images: &[&RgbImage]) -> Result<Vec<Embedding>, EncoderError> {
        let encode = |image: &&RgbImage| {
            let (width, height) = image.dimensions();
            let pixels = u64::from(width) * u64::from(height);
            at(1.0).filter(|_| pixels > 0).ok_or(EncoderError::EmptyImage { width, height })
        };
        images.iter().map(encode).collect()
    }

    fn default_threshold(&self) -> f64 {
        self.threshold
    }

    fn reads_at_most(&self) -> usize {
        self.reads_at_most
    }

    fn tokens(&self, text: &str) -> Result<usize, EncoderError> {
        Ok(text.split_whitespace().count() + 2)
    }
}

impl Localizer for ScriptedEncoder {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn default_gate(&self) -> f64 {
        0.05
    }

    fn look(&self, _: &RgbImage) -> Result<Features, EncoderError> {
        Ok(Features::default())
    }

    fn find_in(
        &self,
        _: &RgbImage,
        _: &Features,
        objects: &[&str],
    ) -> Result<Vec<Vec<Found>>, EncoderError> {
        let boxes = |object: &&str| self.found.get(*object).cloned().unwrap_or_default();
        Ok(objects.iter().map(boxes).collect())
    }
}
