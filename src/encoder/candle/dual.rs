//! CLIP, SigLIP and SigLIP 2 as one [`DualEncoder`].

use std::borrow::Cow;
use std::fmt::Display;

use candle_core::{D, Device, Result, Tensor};
use image::RgbImage;

use super::super::error::shown;
use super::super::{DualEncoder, Embedding, EncoderError};
use super::clip::{self, Clip};
use super::config::{Config, Preparation, VisionConfig};
use super::files::{CONFIG, Files, PREPROCESSOR, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS};
use super::pixels::{check, prepare};
use super::siglip::{self, Siglip};
use super::text::TextReader;
use super::weights::Weights;
use crate::ids::{Hash, ModelId};
use crate::imaging::resample::{Framing, Window};
use crate::paper;

/// For SigLIP, whose cosines are near zero: the middle of the paper's sweep for
/// `siglip-so400m-patch14-384` (-0.05 to 0.05), of which it prints no number.
const SIGLIP_THRESHOLD: f64 = 0.0;
/// So many tokens go through a tower at once, at most: it bounds the memory of a batch.
const AT_ONCE: usize = 4096;

/// A dual encoder of the CLIP or SigLIP family, in memory.
///
/// ```no_run
/// use praetor::encoder::{DualEncoder, Dual, Files};
/// let encoder = Dual::load(&Files::folder("models/clip-vit-base-patch16"))?;
/// let rule = encoder.texts(&["a child must not hold a knife"])?;
/// # Ok::<(), praetor::encoder::EncoderError>(())
/// ```
pub struct Dual {
    model: ModelId,
    family: Family,
    reader: TextReader,
    vision: VisionConfig,
    preparation: Preparation,
    threshold: f64,
}

enum Family {
    Clip(Clip),
    Siglip { towers: Siglip, pad: u32 },
}

/// How patches' cosines are turned into log-odds.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogOdds {
    pub(super) scale: f64,
    pub(super) bias: f64,
    /// A text whose cosine is subtracted first.
    pub(super) neutral: Option<&'static str>,
}

impl Dual {
    /// Reads a model of the layouts `openai/clip-vit-base-patch16`,
    /// `google/siglip-base-patch16-224` or `google/siglip2-base-patch16-224`, in any size.
    ///
    /// The whole file of weights is held in memory while it is read, beside the weights.
    ///
    /// # Errors
    /// Everything in [`EncoderError`] that is about files and settings.
    pub fn load(files: &Files) -> std::result::Result<Self, EncoderError> {
        let config = Config::read(files)?;
        let content = files.required(WEIGHTS)?;
        let weights = Weights::of(files, &content)?;
        let damaged = |error| files.damaged(WEIGHTS, error);
        let (defaults, prepared) = match config.model_type.as_deref().unwrap_or_default() {
            "clip" => (&clip::DEFAULTS, clip::PREPARED),
            "siglip" => (&siglip::DEFAULTS, siglip::PREPARED),
            other => return Err(files.kind(other, "`clip`, `siglip`")),
        };
        let (text, vision) = (config.text(files, defaults)?, config.vision(files, defaults)?);
        let preparation = Preparation::read(files, vision.side, prepared)?;
        let reader = TextReader::load(files, text.positions, text.vocabulary)?;
        let (reader, family, threshold) = if prepared.middle {
            let projection = config.projection_dim.unwrap_or(clip::PROJECTION);
            let towers = Clip::load(&weights, &text, &vision, projection).map_err(damaged)?;
            (reader, Family::Clip(towers), paper::RELEVANCE_CLIP)
        } else {
            let reader = reader.lowered();
            let pad = reader.pad().or(text.pad).ok_or_else(|| {
                files.damaged(TOKENIZER_CONFIG, "names no `pad_token`, which SigLIP's texts need")
            })?;
            if pad as usize >= text.vocabulary {
                return Err(files.damaged(TOKENIZER_CONFIG, "names a `pad_token` without a vector"));
            }
            let towers = Siglip::load(&weights, &text, &vision).map_err(damaged)?;
            (reader, Family::Siglip { towers, pad }, SIGLIP_THRESHOLD)
        };
        let model = identify(files, &content)?;
        Ok(Self { model, family, reader, vision, preparation, threshold })
    }

    /// Replaces the threshold, for a model whose own is known.
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }

    /// Patches along one side of an image.
    pub(super) fn grid(&self) -> usize {
        self.vision.grid()
    }

    /// How patches' cosines become log-odds. SigLIP was trained to be read so; for CLIP it is the
    /// choice between the object and a photo of anything, which is not calibrated.
    pub(super) fn log_odds(&self) -> LogOdds {
        match &self.family {
            Family::Clip(towers) => {
                LogOdds { scale: towers.scale, bias: 0.0, neutral: Some("a photo") }
            }
            Family::Siglip { towers, .. } => {
                LogOdds { scale: towers.scale, bias: towers.bias, neutral: None }
            }
        }
    }

    /// The directions of every patch of some windows of an image: for each window the patches row by
    /// row, each as many numbers as an embedding has, of length one.
    ///
    /// Windows are squeezed into squares also where the encoder itself would cut out the middle:
    /// nothing of them must be lost.
    pub(super) fn patches(
        &self,
        image: &RgbImage,
        windows: &[Window],
    ) -> std::result::Result<Vec<f32>, EncoderError> {
        check(image)?;
        let squeezed = Preparation { framing: Framing::Squeezed, ..self.preparation };
        let mut directions = Vec::new();
        for some in windows.chunks(self.images_at_once()) {
            let mut pixels = Vec::new();
            for &window in some {
                prepare(image, window, self.vision.side, &squeezed, &mut pixels);
            }
            directions.extend(self.patches_of_pixels(pixels, some.len())?);
        }
        Ok(directions)
    }

    /// As [`Dual::patches`], of `count` prepared squares.
    pub(super) fn patches_of_pixels(
        &self,
        pixels: Vec<f32>,
        count: usize,
    ) -> std::result::Result<Vec<f32>, EncoderError> {
        let directions = || -> Result<Vec<f32>> {
            let images = self.tensor(pixels, count)?;
            let patches = match &self.family {
                Family::Clip(towers) => towers.patches(&images)?,
                Family::Siglip { towers, .. } => towers.patches(&images)?,
            };
            let length = patches.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
            patches.broadcast_div(&length)?.flatten_all()?.to_vec1()
        };
        let directions = directions().map_err(|error| self.failed(error))?;
        if directions.iter().any(|number| !number.is_finite()) {
            return Err(self.failed("patches of no direction"));
        }
        Ok(directions)
    }

    /// The cosines of patches' directions with every one of `texts`: for each patch the texts.
    pub(super) fn cosines(
        &self,
        directions: Vec<f32>,
        texts: &[Embedding],
    ) -> std::result::Result<Vec<f32>, EncoderError> {
        cosines(directions, texts)
            .and_then(|cosines| cosines.flatten_all()?.to_vec1())
            .map_err(|error| self.failed(error))
    }

    /// The embeddings of some windows of an image, squeezed into squares.
    pub(super) fn windows(
        &self,
        image: &RgbImage,
        windows: &[Window],
    ) -> std::result::Result<Vec<Embedding>, EncoderError> {
        check(image)?;
        let squeezed = Preparation { framing: Framing::Squeezed, ..self.preparation };
        let pictures: Vec<_> = windows.iter().map(|&window| (image, window)).collect();
        self.pooled(&pictures, &squeezed)
    }

    /// The embeddings of windows of images, which have pixels.
    fn pooled(
        &self,
        pictures: &[(&RgbImage, Window)],
        preparation: &Preparation,
    ) -> std::result::Result<Vec<Embedding>, EncoderError> {
        let mut embeddings = Vec::with_capacity(pictures.len());
        for some in pictures.chunks(self.images_at_once()) {
            let mut pixels = Vec::new();
            for &(image, window) in some {
                prepare(image, window, self.vision.side, preparation, &mut pixels);
            }
            let vectors = self.tensor(pixels, some.len()).and_then(|images| match &self.family {
                Family::Clip(towers) => towers.images(&images),
                Family::Siglip { towers, .. } => towers.images(&images),
            });
            embeddings.extend(unit(&self.model, vectors)?);
        }
        Ok(embeddings)
    }

    fn images_at_once(&self) -> usize {
        (AT_ONCE / (self.grid() * self.grid())).max(1)
    }

    fn tensor(&self, pixels: Vec<f32>, count: usize) -> Result<Tensor> {
        let side = self.vision.side;
        Tensor::from_vec(pixels, (count, 3, side, side), &Device::Cpu)
    }

    fn failed(&self, error: impl Display) -> EncoderError {
        failed(&self.model, error)
    }
}

impl DualEncoder for Dual {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn texts(&self, texts: &[&str]) -> std::result::Result<Vec<Embedding>, EncoderError> {
        let mut embeddings = Vec::with_capacity(texts.len());
        for some in texts.chunks((AT_ONCE / self.reader.length()).max(1)) {
            let mut tokens: Vec<Vec<u32>> = some
                .iter()
                .map(|text| self.reader.tokens(text))
                .collect::<std::result::Result<_, _>>()?;
            let vectors = match &self.family {
                Family::Clip(towers) => towers.texts(tokens),
                Family::Siglip { towers, pad } => {
                    for text in &mut tokens {
                        text.resize(self.reader.length(), *pad);
                    }
                    towers.texts(&tokens)
                }
            };
            embeddings.extend(unit(&self.model, vectors)?);
        }
        Ok(embeddings)
    }

    fn images(&self, images: &[&RgbImage]) -> std::result::Result<Vec<Embedding>, EncoderError> {
        images.iter().try_for_each(|image| check(image))?;
        let whole: Vec<_> = images.iter().map(|&image| (image, Window::whole(image))).collect();
        self.pooled(&whole, &self.preparation)
    }

    fn default_threshold(&self) -> f64 {
        self.threshold
    }

    fn reads_at_most(&self) -> usize {
        self.reader.length()
    }

    fn tokens(&self, text: &str) -> std::result::Result<usize, EncoderError> {
        self.reader.count(text)
    }
}

/// Products of directions with texts, `[directions, texts]`.
pub(super) fn cosines(directions: Vec<f32>, texts: &[Embedding]) -> Result<Tensor> {
    let width = texts.first().map_or(1, |text| text.as_slice().len());
    let flat: Vec<f32> = texts.iter().flat_map(Embedding::as_slice).copied().collect();
    let texts = Tensor::from_vec(flat, (texts.len(), width), &Device::Cpu)?;
    let count = directions.len() / width;
    Tensor::from_vec(directions, (count, width), &Device::Cpu)?.matmul(&texts.t()?)
}

/// Rows of a tensor as embeddings.
pub(super) fn unit(
    model: &ModelId,
    vectors: Result<Tensor>,
) -> std::result::Result<Vec<Embedding>, EncoderError> {
    let rows = vectors.and_then(|x| x.to_vec2::<f32>()).map_err(|error| failed(model, error))?;
    rows.into_iter()
        .map(|row| Embedding::new(row).ok_or_else(|| failed(model, "an embedding is no number")))
        .collect()
}

pub(super) fn failed(model: &ModelId, error: impl Display) -> EncoderError {
    EncoderError::Compute { model: model.name.clone(), detail: shown(&error.to_string()) }
}

/// Name and fingerprint of a model: over all its files, since each can move a number.
pub(super) fn identify(
    files: &Files,
    weights: &[u8],
) -> std::result::Result<ModelId, EncoderError> {
    let mut parts: Vec<Cow<'static, [u8]>> = vec![Cow::Borrowed(b"praetor encoder 1")];
    for file in [CONFIG, PREPROCESSOR, TOKENIZER, TOKENIZER_CONFIG] {
        parts.push(files.optional(file)?.unwrap_or_default());
    }
    let parts = parts.iter().map(AsRef::as_ref).chain([weights]);
    Ok(ModelId { name: files.name().to_owned(), fingerprint: Hash::of_parts(parts) })
}
