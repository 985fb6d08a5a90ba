//! OWLv2 (arXiv 2306.09683): a detector of whatever a text names, and the paper's localizer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Result, Tensor};
use image::RgbImage;

use super::super::{Embedding, EncoderError, Features, Found, Localizer, best_first};
use super::clip::{MEAN, PROJECTION, STD, TEXT_SHAPE, Text, VISION_SHAPE, Vision};
use super::config::{Config, Defaults, VisionConfig};
use super::dual::{cosines, failed, identify, unit};
use super::files::{Files, WEIGHTS};
use super::halves;
use super::owlv2_heads::Heads;
use super::pixels::check;
use super::square::padded;
use super::text::TextReader;
use super::weights::Weights;
use crate::ids::ModelId;
use crate::units::{Probability, Region};

const DEFAULTS: Defaults =
    Defaults { text: (TEXT_SHAPE, 49_408, 16), vision: (VISION_SHAPE, 768, 16) };

/// Boxes that are less sure are left out; far below the paper's gate of 0.05.
const LEAST: f64 = 0.01;
/// Boxes of one object that share more of their union are one box.
const OVERLAP: f64 = 0.5;
/// So many boxes an object are enough.
const MOST: usize = 32;
/// So many objects' vectors are remembered.
const REMEMBERED: usize = 4096;

/// An OWLv2 model in memory.
///
/// Objects are encoded as they are written, up to the tokenizer's sixteen tokens; their vectors
/// are remembered, as the objects of a policy are asked for on every image. The score is the
/// sigmoid of the class head's logit, as the model's own post-processing gives it.
///
/// ```no_run
/// use praetor::encoder::{Files, Localizer, Owlv2};
/// let detector = Owlv2::load(&Files::folder("models/owlv2-base-patch16-ensemble"))?;
/// let found = detector.find(&image::RgbImage::new(640, 480), &["knife"])?;
/// # Ok::<(), praetor::encoder::EncoderError>(())
/// ```
pub struct Owlv2 {
    model: ModelId,
    reader: TextReader,
    text: Text,
    vision: Vision,
    config: VisionConfig,
    heads: Heads,
    known: Mutex<BTreeMap<String, Embedding>>,
}

/// What the heads say of one image.
pub(super) struct Raw {
    /// Log-odds, a row a patch, a column an object.
    pub(super) logits: Vec<Vec<f32>>,
    /// Boxes of the padded square: centre across, centre down, width, height.
    pub(super) boxes: Vec<[f32; 4]>,
}

/// Numbers of a patch beside its direction: shift, scale and box.
const OF_PATCH: usize = 6;

impl Owlv2 {
    /// Reads a model of the layout `google/owlv2-base-patch16-ensemble`.
    ///
    /// Images are prepared as `Owlv2ImageProcessor` does by default, at the configuration's size:
    /// padded with grey to a square, blurred against aliasing, scaled, normed by CLIP's means.
    ///
    /// # Errors
    /// Everything in [`EncoderError`] that is about files and settings.
    pub fn load(files: &Files) -> std::result::Result<Self, EncoderError> {
        let config = Config::read(files)?;
        match config.model_type.as_deref().unwrap_or_default() {
            "owlv2" => {}
            other => return Err(files.kind(other, "`owlv2`")),
        }
        let (text, vision) = (config.text(files, &DEFAULTS)?, config.vision(files, &DEFAULTS)?);
        let projection = config.projection_dim.unwrap_or(PROJECTION);
        let reader = TextReader::load(files, text.positions, text.vocabulary)?;
        let content = files.required(WEIGHTS)?;
        let weights = Weights::of(files, &content)?;
        let build = || -> Result<_> {
            let towers = weights.part("owlv2");
            // Its configuration names an end that it does not use: texts are read at the highest.
            let tower = Text::load(&towers, &text, projection)?.read_at_highest();
            let images = Vision::with_norm(&towers.part("vision_model"), &vision, "pre_layernorm")?;
            let shape = &vision.shape;
            let from = (shape.width, shape.eps);
            let heads = Heads::load(&weights, from, text.shape.width, vision.grid())?;
            if text.shape.width != projection {
                candle_core::bail!("objects and patches have vectors of different lengths");
            }
            Ok((tower, images, heads))
        };
        let (text, images, heads) = build().map_err(|error| files.damaged(WEIGHTS, error))?;
        let model = identify(files, &content)?;
        let known = Mutex::default();
        Ok(Self { model, reader, text, vision: images, config: vision, heads, known })
    }

    /// The vectors of some objects, encoded where they are new.
    fn objects(&self, objects: &[&str]) -> std::result::Result<Vec<Embedding>, EncoderError> {
        remembered(&self.known, objects, |new| {
            let tokens = new
                .iter()
                .map(|text| self.reader.tokens(text))
                .collect::<std::result::Result<_, _>>()?;
            unit(&self.model, self.text.forward(tokens))
        })
    }

    /// What the heads say of an image and some objects, of which there is at least one.
    pub(super) fn raw(
        &self,
        image: &RgbImage,
        features: &Features,
        objects: &[&str],
    ) -> std::result::Result<Raw, EncoderError> {
        let objects = self.objects(objects)?;
        let width = objects.first().map_or(0, |object| object.as_slice().len());
        let anew;
        let (directions, numbers) = if let Some(parts) = self.parts(features, width) {
            parts
        } else {
            anew = self.look(image)?;
            self.parts(&anew, width).ok_or_else(|| failed(&self.model, "features of no shape"))?
        };
        let cosines = cosines(halves::read(directions), &objects)
            .and_then(|cosines| cosines.to_vec2::<f32>())
            .map_err(|error| failed(&self.model, error))?;
        let (numbers, _) = numbers.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|four| f32::from_le_bytes(*four)).collect();
        let (numbers, _) = numbers.as_chunks::<OF_PATCH>();
        let logits = |(cosines, [shift, scale, ..]): (Vec<f32>, &[f32; OF_PATCH])| {
            cosines.into_iter().map(|cosine| (cosine + shift) * scale).collect()
        };
        let raw = Raw {
            logits: cosines.into_iter().zip(numbers).map(logits).collect(),
            boxes: numbers
                .iter()
                .map(|&[_, _, x, y, width, height]| [x, y, width, height])
                .collect(),
        };
        if raw.logits.iter().flatten().any(|logit| logit.is_nan()) {
            return Err(failed(&self.model, "scores are no numbers"));
        }
        Ok(raw)
    }

    /// Directions and numbers of all patches; nothing of features that are not this model's.
    fn parts<'features>(
        &self,
        features: &'features Features,
        width: usize,
    ) -> Option<(&'features [u8], &'features [u8])> {
        let patches = self.config.grid() * self.config.grid();
        let (directions, numbers) = (patches * width * halves::BYTES, patches * OF_PATCH * 4);
        let bytes = features.as_bytes();
        (bytes.len() == directions + numbers).then(|| bytes.split_at(directions))
    }
}

impl Localizer for Owlv2 {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn default_gate(&self) -> f64 {
        crate::paper::REGION_SCORE
    }

    /// The directions of all patches as halves, then shift, scale and box of each.
    fn look(&self, image: &RgbImage) -> std::result::Result<Features, EncoderError> {
        check(image)?;
        let run = || -> Result<Features> {
            let side = self.config.side;
            let mut pixels = padded(image, side);
            #[expect(clippy::cast_possible_truncation, reason = "computing is in 32 bits")]
            for (channel, values) in pixels.chunks_exact_mut(side * side).enumerate() {
                let (mean, std) = (MEAN[channel] as f32, STD[channel] as f32);
                for value in values {
                    *value = (*value - mean) / std;
                }
            }
            let pixels = Tensor::from_vec(pixels, (1, 3, side, side), &Device::Cpu)?;
            let merged = self.heads.merge(&self.vision.states(&pixels)?)?;
            let directions = self.heads.directions(&merged)?.flatten_all()?.to_vec1()?;
            let numbers = [self.heads.calibration(&merged)?, self.heads.boxes(&merged)?];
            let numbers = Tensor::cat(&numbers, 1)?.flatten_all()?.to_vec1::<f32>()?;
            let mut bytes = halves::write(&directions);
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            Ok(Features::new(bytes))
        };
        run().map_err(|error| failed(&self.model, error))
    }

    fn find_in(
        &self,
        image: &RgbImage,
        features: &Features,
        objects: &[&str],
    ) -> std::result::Result<Vec<Vec<Found>>, EncoderError> {
        check(image)?;
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let raw = self.raw(image, features, objects)?;
        let of_object = |column: usize| {
            let found = raw.logits.iter().zip(&raw.boxes).filter_map(|(logits, around)| {
                let score = Probability::from_log_odds(f64::from(*logits.get(column)?));
                let region = region(*around, image).filter(|_| score.value() >= LEAST)?;
                Some(Found { region, score })
            });
            best_first(found.collect(), OVERLAP, MOST)
        };
        Ok((0..objects.len()).map(of_object).collect())
    }
}

/// A box of the padded square as a region of the image; nothing when it lies in the padding.
pub(super) fn region(around: [f32; 4], image: &RgbImage) -> Option<Region> {
    let [across, down, width, height] = around.map(f64::from);
    let square = f64::from(image.width().max(image.height()));
    let (x, y) = (square / f64::from(image.width()), square / f64::from(image.height()));
    Region::clamped(
        (across - width / 2.0) * x,
        (down - height / 2.0) * y,
        (across + width / 2.0) * x,
        (down + height / 2.0) * y,
    )
}

/// Vectors of texts, of which only the new ones are encoded, as one batch. When too many are known
/// all are forgotten.
pub(super) fn remembered(
    known: &Mutex<BTreeMap<String, Embedding>>,
    texts: &[&str],
    encode: impl FnOnce(&[&str]) -> std::result::Result<Vec<Embedding>, EncoderError>,
) -> std::result::Result<Vec<Embedding>, EncoderError> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let mut new: Vec<&str> =
        texts.iter().copied().filter(|text| !known.contains_key(*text)).collect();
    new.sort_unstable();
    new.dedup();
    if !new.is_empty() {
        let vectors = encode(&new)?;
        if known.len() + new.len() > REMEMBERED {
            known.retain(|text, _| texts.contains(&text.as_str()));
        }
        known.extend(new.iter().map(|&text| text.to_owned()).zip(vectors));
    }
    // Every text is known now.
    Ok(texts.iter().filter_map(|text| known.get(*text).cloned()).collect())
}
