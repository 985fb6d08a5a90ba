//! Dual encoders and localizers: which rule may concern an image, and where a thing is in it.
//!
//! A [`DualEncoder`] turns texts and images into vectors of one space, so that their cosine says
//! how near they are; CLUE's stage 2 scans with it (section "relevance scanning" of arXiv
//! 2501.00192). A [`Localizer`] finds the boxes of an object that is named; CLUE's stage 3 removes
//! or crops them. Both traits compile without any engine, and [`scripted`] answers them from a
//! table.
//!
//! With the feature `candle` the room also holds models that run in this process, in pure Rust and
//! from the weights' files as Hugging Face publishes them:
//!
//! ```text
//! CLIP, SigLIP, SigLIP 2   Dual             cosine of texts and images
//!   the same, by patches   PatchLocalizer   boxes without further weights
//! OWLv2                    Owlv2            boxes by a detector of open vocabulary
//! ```
//!
//! They keep their weights in memory as 32-bit floats, compute on all cores, read no file after
//! loading, and give the same numbers for the same input whatever else is in the batch, beyond
//! rounding. The towers are written here on `candle-nn` and not taken from `candle-transformers`:
//! localizing needs each patch's state, which those models don't give, and OWLv2 is not among
//! them; one tower serves all families.

pub mod cached;
mod error;
pub mod scripted;

#[cfg(feature = "candle")]
mod candle;

use image::RgbImage;

use crate::ids::ModelId;
use crate::units::{Probability, Region};

#[cfg(feature = "candle")]
pub use candle::{Dual, Files, Owlv2, PatchLocalizer, Source, Tiling, demo};
pub use error::EncoderError;

/// A vector of length one in the space that an encoder shares between texts and images.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Scales a vector to length one; `None` when it has no direction, or holds what is no number.
    ///
    /// ```
    /// use praetor::encoder::Embedding;
    /// let embedding = Embedding::new(vec![3.0, 4.0]).unwrap();
    /// assert_eq!(embedding.as_slice(), [0.6, 0.8]);
    /// assert!(Embedding::new(vec![0.0, 0.0]).is_none());
    /// ```
    pub fn new(mut vector: Vec<f32>) -> Option<Self> {
        let length = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        if !length.is_finite() || length < f64::from(f32::MIN_POSITIVE) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a share of a length fits")]
        for x in &mut vector {
            *x = (f64::from(*x) / length) as f32;
        }
        Some(Self(vector))
    }

    /// Cosine of the angle to another embedding of the same encoder, from `-1.0` to `1.0`.
    ///
    /// Embeddings of different encoders have nothing to do with each other.
    pub fn cosine(&self, other: &Self) -> f64 {
        let products = self.0.iter().zip(&other.0).map(|(&a, &b)| f64::from(a) * f64::from(b));
        products.sum::<f64>().clamp(-1.0, 1.0)
    }

    /// The coordinates.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }
}

/// A model that maps texts and images into one space.
///
/// # Contract
/// - The embeddings come in the order of what was given and are as many; nothing gives nothing.
/// - An embedding does not depend on what else is encoded with it, beyond rounding.
/// - A text longer than [`DualEncoder::reads_at_most`] is cut at its end, as the model's own
///   tokenizer cuts it; who minds asks [`DualEncoder::tokens`] first.
/// - Nothing is cached here.
pub trait DualEncoder: Send + Sync {
    /// Which model this is; the fingerprint covers the weights and all settings.
    fn model(&self) -> &ModelId;

    /// Encodes texts as one batch.
    ///
    /// # Errors
    /// [`EncoderError::EmptyText`] or [`EncoderError::Text`] for a text that can't be encoded,
    /// [`EncoderError::Compute`] for weights that are damaged.
    fn texts(&self, texts: &[&str]) -> Result<Vec<Embedding>, EncoderError>;

    /// Encodes images as one batch, of any sizes.
    ///
    /// # Errors
    /// [`EncoderError::EmptyImage`] for one without pixels, [`EncoderError::Compute`] for weights
    /// that are damaged.
    fn images(&self, images: &[&RgbImage]) -> Result<Vec<Embedding>, EncoderError>;

    /// The cosine above which an image counts as relevant for a text, unless a policy sets its own.
    fn default_threshold(&self) -> f64;

    /// How many tokens of a text count, those that mark its begin and end among them.
    fn reads_at_most(&self) -> usize;

    /// How many tokens a text has, those that mark its begin and end among them.
    ///
    /// # Errors
    /// As [`DualEncoder::texts`].
    fn tokens(&self, text: &str) -> Result<usize, EncoderError>;
}

/// A model that finds where in an image a named object is.
///
/// # Contract
/// - One list an object, in the objects' order, each with the best score first; no list holds a
///   box twice, and a list may be empty.
/// - The scores of different localizers can't be compared; a threshold belongs to one of them.
/// - Image and result are not kept; what an object's name means to the model may be.
/// - What is found depends on the image and the object alone, whether its features were looked at
///   now or come out of a cache.
pub trait Localizer: Send + Sync {
    /// Which model this is; the fingerprint covers the weights and all settings.
    fn model(&self) -> &ModelId;

    /// The score above which a box counts, unless a constitution sets its own.
    fn default_gate(&self) -> f64;

    /// Looks at an image, whatever is to be found in it; the costly part.
    ///
    /// # Errors
    /// As [`DualEncoder::images`].
    fn look(&self, image: &RgbImage) -> Result<Features, EncoderError>;

    /// Finds all objects in an image that this localizer has looked at. Features that are not its
    /// own are looked at anew.
    ///
    /// # Errors
    /// As [`DualEncoder::texts`] and [`DualEncoder::images`].
    fn find_in(
        &self,
        image: &RgbImage,
        features: &Features,
        objects: &[&str],
    ) -> Result<Vec<Vec<Found>>, EncoderError>;

    /// Finds all objects in an image.
    ///
    /// # Errors
    /// As [`DualEncoder::texts`] and [`DualEncoder::images`].
    fn find(&self, image: &RgbImage, objects: &[&str]) -> Result<Vec<Vec<Found>>, EncoderError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        self.find_in(image, &self.look(image)?, objects)
    }
}

/// What a localizer has seen of an image, in a layout of its own; empty where nothing is worth
/// keeping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features(Vec<u8>);

impl Features {
    /// Features in their localizer's layout.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The features in their localizer's layout.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A box in which an object was found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "localizers of other crates make these")]
pub struct Found {
    /// Where it is.
    pub region: Region,
    /// How sure the localizer is.
    pub score: Probability,
}

/// Puts the best first and drops boxes that share more than `overlap` of their union with a better
/// one; at most `most` stay.
#[cfg(feature = "candle")]
fn best_first(mut found: Vec<Found>, overlap: f64, most: usize) -> Vec<Found> {
    found.sort_by(|a, b| b.score.value().total_cmp(&a.score.value()));
    let mut kept: Vec<Found> = Vec::new();
    for one in found {
        if kept.len() == most {
            break;
        }
        if kept.iter().all(|better| better.region.overlap(one.region) <= overlap) {
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_have_length_one_or_are_none() {
        let one = Embedding::new(vec![1.0, 1.0]).unwrap();
        let other = Embedding::new(vec![1.0, 0.0]).unwrap();
        assert!((one.cosine(&other) - 0.5f64.sqrt()).abs() < 1e-6);
        assert!((one.cosine(&one) - 1.0).abs() < 1e-6);
        for bad in [vec![], vec![0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY]] {
            assert!(Embedding::new(bad).is_none());
        }
    }
}
