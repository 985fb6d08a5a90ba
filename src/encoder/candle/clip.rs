//! CLIP (arXiv 2103.00020): two towers, each read at one token, and a projection behind each.

use candle_core::{IndexOp, Result, Tensor};
use candle_nn::{LayerNorm, Linear};

use super::config::{Defaults, Prepared, TextConfig, VisionConfig};
use super::siglip::embed;
use super::tower::{Activation, Layers, Shape, causal, patches};
use super::weights::Weights;

/// The text tower of CLIP's base models, which OWLv2's is too.
pub(super) const TEXT_SHAPE: Shape = Shape {
    width: 512,
    inner: 2048,
    layers: 12,
    heads: 8,
    eps: 1e-5,
    activation: Activation::QuickGelu,
};

/// The vision tower of CLIP's base models, which OWLv2's is too.
pub(super) const VISION_SHAPE: Shape = Shape {
    width: 768,
    inner: 3072,
    layers: 12,
    heads: 12,
    eps: 1e-5,
    activation: Activation::QuickGelu,
};

pub(super) const DEFAULTS: Defaults =
    Defaults { text: (TEXT_SHAPE, 49_408, 77), vision: (VISION_SHAPE, 224, 32) };

pub(super) const PREPARED: Prepared = Prepared { middle: true, mean: MEAN, std: STD };
/// Mean of each channel over CLIP's training images.
pub(super) const MEAN: [f64; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Deviation of each channel.
pub(super) const STD: [f64; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];
/// Width of the embeddings unless a file says otherwise.
pub(super) const PROJECTION: usize = 512;
/// The end of a text in files from before transformers 4.31: it stands for the highest token.
const END_OF_OLD: u32 = 2;

/// Both towers, and how a cosine becomes log-odds.
pub(super) struct Clip {
    text: Text,
    vision: Vision,
    to_space: Linear,
    pub(super) scale: f64,
}

impl Clip {
    pub(super) fn load(
        weights: &Weights,
        text: &TextConfig,
        vision: &VisionConfig,
        projection: usize,
    ) -> Result<Self> {
        Ok(Self {
            text: Text::load(weights, text, projection)?,
            vision: Vision::load(&weights.part("vision_model"), vision)?,
            to_space: weights.matrix(vision.shape.width, projection, "visual_projection")?,
            scale: weights.number("logit_scale")?.exp(),
        })
    }

    /// Texts with their marks, of any lengths, to `[batch, projection]`.
    pub(super) fn texts(&self, tokens: Vec<Vec<u32>>) -> Result<Tensor> {
        self.text.forward(tokens)
    }

    /// `[batch, 3, side, side]` to `[batch, projection]`.
    pub(super) fn images(&self, images: &Tensor) -> Result<Tensor> {
        let states = self.vision.layers.forward(&self.vision.tokens(images)?, None)?;
        states.i((.., 0))?.contiguous()?.apply(&self.vision.after)?.apply(&self.to_space)
    }

    /// Each patch's own value at the last layer, without mixing: `[batch, patches, projection]`.
    pub(super) fn patches(&self, images: &Tensor) -> Result<Tensor> {
        let states = self.vision.layers.unmixed(&self.vision.tokens(images)?)?;
        let count = states.dim(1)?.saturating_sub(1);
        states.narrow(1, 1, count)?.contiguous()?.apply(&self.vision.after)?.apply(&self.to_space)
    }
}

/// A tower of texts that is read at the text's end, and its projection.
pub(super) struct Text {
    words: Tensor,
    places: Tensor,
    layers: Layers,
    after: LayerNorm,
    to_space: Linear,
    end: Option<u32>,
}

impl Text {
    /// Reads `text_model` and `text_projection`.
    pub(super) fn load(weights: &Weights, config: &TextConfig, projection: usize) -> Result<Self> {
        let shape = &config.shape;
        let tower = weights.part("text_model");
        let embeddings = tower.part("embeddings");
        Ok(Self {
            words: embeddings
                .tensor(&[config.vocabulary, shape.width], "token_embedding.weight")?,
            places: embeddings
                .tensor(&[config.positions, shape.width], "position_embedding.weight")?,
            layers: Layers::load(&tower, shape)?,
            after: tower.norm(shape.width, shape.eps, "final_layer_norm")?,
            to_space: weights.matrix(shape.width, projection, "text_projection")?,
            end: config.end.filter(|&end| end != END_OF_OLD),
        })
    }

    /// Reads each text where its end stands, or at its highest token where no end is named.
    pub(super) fn read_at_highest(self) -> Self {
        Self { end: None, ..self }
    }

    /// Texts with their marks, of any lengths, to `[batch, projection]`.
    ///
    /// No token looks ahead, so that what stands behind a text's end changes nothing and texts are
    /// filled up to the longest of them only.
    pub(super) fn forward(&self, mut tokens: Vec<Vec<u32>>) -> Result<Tensor> {
        let ends: Vec<usize> =
            tokens.iter().map(|text| self.end_of(text)).collect::<Result<_>>()?;
        let longest = ends.iter().map(|end| end + 1).max().unwrap_or_default();
        for text in &mut tokens {
            text.resize(longest, 0);
        }
        let mask = causal(longest)?;
        let states =
            self.layers.forward(&embed(&tokens, &self.words, &self.places)?, Some(&mask))?;
        let at = |(row, &end): (usize, &usize)| states.i((row, end));
        let ends: Vec<Tensor> = ends.iter().enumerate().map(at).collect::<Result<_>>()?;
        Tensor::stack(&ends, 0)?.apply(&self.after)?.apply(&self.to_space)
    }

    fn end_of(&self, text: &[u32]) -> Result<usize> {
        let end = if let Some(end) = self.end {
            text.iter().position(|&token| token == end)
        } else {
            let highest = text.iter().max();
            text.iter().position(|token| Some(token) == highest)
        };
        match end {
            Some(end) => Ok(end),
            None => candle_core::bail!("the tokenizer does not mark the end of a text"),
        }
    }
}

/// A tower of images whose first token stands for all.
pub(super) struct Vision {
    config: VisionConfig,
    patches: Linear,
    class: Tensor,
    places: Tensor,
    before: LayerNorm,
    layers: Layers,
    after: LayerNorm,
}

impl Vision {
    /// Reads what is under `vision_model`, for CLIP.
    pub(super) fn load(weights: &Weights, config: &VisionConfig) -> Result<Self> {
        // The misspelling is CLIP's own.
        Self::with_norm(weights, config, "pre_layrnorm")
    }

    /// Reads what is under `vision_model`, with another name for the first norm.
    pub(super) fn with_norm(weights: &Weights, config: &VisionConfig, norm: &str) -> Result<Self> {
        let shape = &config.shape;
        let embeddings = weights.part("embeddings");
        let count = config.grid() * config.grid() + 1;
        Ok(Self {
            config: config.clone(),
            patches: embeddings.patches(config.patch, shape.width, false)?,
            class: embeddings.tensor(&[shape.width], "class_embedding")?,
            places: embeddings.tensor(&[count, shape.width], "position_embedding.weight")?,
            before: weights.norm(shape.width, shape.eps, norm)?,
            layers: Layers::load(weights, shape)?,
            after: weights.norm(shape.width, shape.eps, "post_layernorm")?,
        })
    }

    /// What the layers begin with: `[batch, 1 + patches, width]`.
    fn tokens(&self, images: &Tensor) -> Result<Tensor> {
        let patches = patches(images, &self.patches, &self.config)?;
        let (batch, _, width) = patches.dims3()?;
        let class = self.class.reshape((1, 1, width))?.broadcast_as((batch, 1, width))?;
        Tensor::cat(&[&class.contiguous()?, &patches], 1)?
            .broadcast_add(&self.places)?
            .apply(&self.before)
    }

    /// All tokens' last states behind the last norm.
    pub(super) fn states(&self, images: &Tensor) -> Result<Tensor> {
        self.layers.forward(&self.tokens(images)?, None)?.apply(&self.after)
    }
}
