//! SigLIP (arXiv 2303.15343) and SigLIP 2 (arXiv 2502.14786) of fixed size: two towers, images
//! pooled by attention, texts by their last token.

use candle_core::{D, IndexOp, Module, Result, Tensor};
use candle_nn::{LayerNorm, Linear};

use super::config::{Defaults, Prepared, TextConfig, VisionConfig};
use super::tower::{Activation, FeedForward, Layers, Shape, patches, root_of_width};
use super::weights::Weights;

const BASE: Shape = Shape {
    width: 768,
    inner: 3072,
    layers: 12,
    heads: 12,
    eps: 1e-6,
    activation: Activation::GeluTanh,
};

pub(super) const DEFAULTS: Defaults =
    Defaults { text: (BASE, 32_000, 64), vision: (BASE, 224, 16) };
pub(super) const PREPARED: Prepared = Prepared { middle: false, mean: [0.5; 3], std: [0.5; 3] };

/// Both towers, and how a cosine becomes log-odds.
pub(super) struct Siglip {
    text: Text,
    vision: Vision,
    pub(super) scale: f64,
    pub(super) bias: f64,
}

struct Text {
    words: Tensor,
    places: Tensor,
    layers: Layers,
    after: LayerNorm,
    head: Linear,
}

struct Vision {
    config: VisionConfig,
    patches: Linear,
    places: Tensor,
    layers: Layers,
    after: LayerNorm,
    head: Pooling,
}

/// One learned query that attends to all patches, and a feed-forward part behind.
struct Pooling {
    /// The query, mapped and scaled: `[heads, width of a head]`.
    query: Tensor,
    key: Linear,
    value: Linear,
    out: Linear,
    norm: LayerNorm,
    feed: FeedForward,
}

impl Siglip {
    pub(super) fn load(
        weights: &Weights,
        text: &TextConfig,
        vision: &VisionConfig,
    ) -> Result<Self> {
        let width = vision.shape.width;
        Ok(Self {
            text: Text::load(&weights.part("text_model"), text, width)?,
            vision: Vision::load(&weights.part("vision_model"), vision)?,
            scale: weights.number("logit_scale")?.exp(),
            bias: weights.number("logit_bias")?,
        })
    }

    /// Texts of equal length, padded, to `[batch, width]`.
    pub(super) fn texts(&self, tokens: &[Vec<u32>]) -> Result<Tensor> {
        let x =
            self.text.layers.forward(&embed(tokens, &self.text.words, &self.text.places)?, None)?;
        let last = x.dim(1)?.saturating_sub(1);
        // The norm goes token by token, so one is enough.
        x.i((.., last))?.contiguous()?.apply(&self.text.after)?.apply(&self.text.head)
    }

    /// `[batch, 3, side, side]` to `[batch, width]`.
    pub(super) fn images(&self, images: &Tensor) -> Result<Tensor> {
        self.vision.head.pool(&self.vision.states(images)?)
    }

    /// Each patch pooled as if it were the only one: `[batch, patches, width]`. Attention over one
    /// token is that token's value, so the head's learned query plays no part.
    pub(super) fn patches(&self, images: &Tensor) -> Result<Tensor> {
        let states = self.vision.states(images)?;
        let head = &self.vision.head;
        head.finish(&states.apply(&head.value)?)
    }
}

/// Words and their places: `[batch, tokens, width]`. All texts have equally many tokens.
pub(super) fn embed(tokens: &[Vec<u32>], words: &Tensor, places: &Tensor) -> Result<Tensor> {
    let length = tokens.first().map_or(0, Vec::len);
    let flat: Vec<u32> = tokens.iter().flatten().copied().collect();
    let index = Tensor::new(flat.as_slice(), words.device())?;
    words
        .index_select(&index, 0)?
        .reshape((tokens.len(), length, words.dim(1)?))?
        .broadcast_add(&places.narrow(0, 0, length)?)
}

impl Text {
    fn load(weights: &Weights, config: &TextConfig, image_width: usize) -> Result<Self> {
        let shape = &config.shape;
        let embeddings = weights.part("embeddings");
        let to = config.projection.unwrap_or(shape.width);
        if to != image_width {
            candle_core::bail!("texts have {to} coordinates and images {image_width}");
        }
        Ok(Self {
            words: embeddings
                .tensor(&[config.vocabulary, shape.width], "token_embedding.weight")?,
            places: embeddings
                .tensor(&[config.positions, shape.width], "position_embedding.weight")?,
            layers: Layers::load(weights, shape)?,
            after: weights.norm(shape.width, shape.eps, "final_layer_norm")?,
            head: weights.linear(shape.width, to, "head")?,
        })
    }
}

impl Vision {
    fn load(weights: &Weights, config: &VisionConfig) -> Result<Self> {
        let shape = &config.shape;
        let embeddings = weights.part("embeddings");
        let count = config.grid() * config.grid();
        Ok(Self {
            config: config.clone(),
            patches: embeddings.patches(config.patch, shape.width, true)?,
            places: embeddings.tensor(&[count, shape.width], "position_embedding.weight")?,
            layers: Layers::load(weights, shape)?,
            after: weights.norm(shape.width, shape.eps, "post_layernorm")?,
            head: Pooling::load(&weights.part("head"), shape)?,
        })
    }

    /// The patches' last states: `[batch, patches, width]`.
    fn states(&self, images: &Tensor) -> Result<Tensor> {
        let x = patches(images, &self.patches, &self.config)?.broadcast_add(&self.places)?;
        self.layers.forward(&x, None)?.apply(&self.after)
    }
}

impl Pooling {
    fn load(weights: &Weights, shape: &Shape) -> Result<Self> {
        let width = shape.width;
        let attention = weights.part("attention");
        let matrix = attention.tensor(&[3 * width, width], "in_proj_weight")?;
        let offset = attention.tensor(&[3 * width], "in_proj_bias")?;
        let part = |nth: usize| -> Result<Linear> {
            let matrix = matrix.narrow(0, nth * width, width)?.contiguous()?;
            Ok(Linear::new(matrix, Some(offset.narrow(0, nth * width, width)?.contiguous()?)))
        };
        let each = width / shape.heads;
        let query = weights.tensor(&[1, 1, width], "probe")?.reshape((1, width))?;
        let query = (query.apply(&part(0)?)? * root_of_width(each))?;
        Ok(Self {
            query: query.reshape((shape.heads, each))?,
            key: part(1)?,
            value: part(2)?,
            out: attention.linear(width, width, "out_proj")?,
            norm: weights.norm(width, shape.eps, "layernorm")?,
            feed: FeedForward::load(&weights.part("mlp"), shape)?,
        })
    }

    /// `[batch, patches, width]` to `[batch, width]`.
    fn pool(&self, states: &Tensor) -> Result<Tensor> {
        let (batch, count, width) = states.dims3()?;
        let (heads, each) = self.query.dims2()?;
        let split = |x: Tensor| x.reshape((batch, count, heads, each));
        let keys = split(states.apply(&self.key)?)?;
        let values = split(states.apply(&self.value)?)?;
        // Scores of each patch and head: [batch, patches, heads], then [batch, heads, 1, patches].
        let scores = keys.broadcast_mul(&self.query)?.sum(D::Minus1)?;
        let scores = scores.transpose(1, 2)?.contiguous()?;
        let shares = candle_nn::ops::softmax_last_dim(&scores)?.unsqueeze(2)?;
        let pooled = shares.matmul(&values.transpose(1, 2)?.contiguous()?)?;
        self.finish(&pooled.reshape((batch, width))?)
    }

    fn finish(&self, mixed: &Tensor) -> Result<Tensor> {
        let x = mixed.apply(&self.out)?;
        &x + self.feed.forward(&x.apply(&self.norm)?)?
    }
}
