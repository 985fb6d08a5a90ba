//! The transformer that all towers here are, of texts as of images.
//!
//! Layers norm before they attend, as in a vision transformer; CLIP, SigLIP and OWLv2 differ in the activation, the
//! mask, and what stands before and behind. Names of weights are those of transformers.

use candle_core::{D, Module, Result, Tensor};
use candle_nn::{LayerNorm, Linear};

use super::bend::{gelu_tanh, quick_gelu};
use super::config::VisionConfig;
use super::weights::Weights;

/// The numbers that a tower is built by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) width: usize,
    /// Width between the two maps of the feed-forward part.
    pub(super) inner: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) eps: f64,
    pub(super) activation: Activation,
}

/// What bends the feed-forward part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    /// `x * sigmoid(1.702 x)`, of OpenAI's CLIP.
    QuickGelu,
    /// The approximation by tanh.
    GeluTanh,
    /// By the error function.
    Gelu,
}

impl Module for Activation {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::QuickGelu => quick_gelu(x),
            Self::GeluTanh => gelu_tanh(x),
            Self::Gelu => x.gelu_erf(),
        }
    }
}

/// Two linear maps with an activation between.
pub(super) struct FeedForward {
    inner: Linear,
    activation: Activation,
    outer: Linear,
}

impl FeedForward {
    pub(super) fn load(weights: &Weights, shape: &Shape) -> Result<Self> {
        Ok(Self {
            inner: weights.linear(shape.width, shape.inner, "fc1")?,
            activation: shape.activation,
            outer: weights.linear(shape.inner, shape.width, "fc2")?,
        })
    }
}

impl Module for FeedForward {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.apply(&self.inner)?.apply(&self.activation)?.apply(&self.outer)
    }
}

/// So many tokens and more are attended to one head at a time: the square of OWLv2's 3,601 tokens
/// for all heads at once would need more than a gigabyte.
const LONG: usize = 1024;

/// Attention of several heads over all tokens.
struct Attention {
    /// Queries, keys and values, one after the other.
    joined: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    fn load(weights: &Weights, shape: &Shape) -> Result<Self> {
        let width = shape.width;
        let scale = root_of_width(width / shape.heads);
        let part = |name: &str| weights.linear(width, width, name);
        let [query, key, value] = [part("q_proj")?, part("k_proj")?, part("v_proj")?];
        // The scale goes into the queries' map, as multiplying is linear.
        let offset = |linear: &Linear| {
            linear.bias().cloned().map_or_else(|| Tensor::zeros_like(linear.weight()), Ok)
        };
        let matrix = [&(query.weight() * scale)?, key.weight(), value.weight()];
        let offsets = [(offset(&query)? * scale)?, offset(&key)?, offset(&value)?];
        Ok(Self {
            joined: Linear::new(Tensor::cat(&matrix, 0)?, Some(Tensor::cat(&offsets, 0)?)),
            out: part("out_proj")?,
            heads: shape.heads,
        })
    }

    fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let (batch, tokens, width) = x.dims3()?;
        // [3, batch, heads, tokens, width of a head]
        let joined = x
            .apply(&self.joined)?
            .reshape((batch, tokens, 3, self.heads, width / self.heads))?
            .permute((2, 0, 3, 1, 4))?
            .contiguous()?;
        let [query, key, value] = [joined.get(0)?, joined.get(1)?, joined.get(2)?];
        let key = key.t()?;
        let mixed = if tokens < LONG {
            attend(&query, &key, &value, mask)?
        } else {
            let head = |at: usize| {
                let of = |tensor: &Tensor| tensor.narrow(1, at, 1)?.contiguous();
                attend(&of(&query)?, &of(&key)?, &of(&value)?, mask)
            };
            let heads: Vec<Tensor> = (0..self.heads).map(head).collect::<Result<_>>()?;
            Tensor::cat(&heads, 1)?
        };
        mixed.transpose(1, 2)?.reshape((batch, tokens, width))?.apply(&self.out)
    }

    /// What each token would give if it attended to itself alone.
    fn unmixed(&self, x: &Tensor) -> Result<Tensor> {
        let width = x.dim(D::Minus1)?;
        x.apply(&self.joined)?.narrow(D::Minus1, 2 * width, width)?.contiguous()?.apply(&self.out)
    }
}

/// What scores are multiplied with: one over the root of a head's width.
#[expect(clippy::cast_precision_loss, reason = "a head is not that wide")]
pub(super) fn root_of_width(width: usize) -> f64 {
    1.0 / (width as f64).sqrt()
}

fn attend(query: &Tensor, key: &Tensor, value: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
    let scores = query.matmul(key)?;
    let scores = match mask {
        Some(mask) => scores.broadcast_add(mask)?,
        None => scores,
    };
    candle_nn::ops::softmax_last_dim(&scores)?.matmul(value)
}

struct Layer {
    before_attention: LayerNorm,
    attention: Attention,
    before_feed: LayerNorm,
    feed: FeedForward,
}

impl Layer {
    fn load(weights: &Weights, shape: &Shape) -> Result<Self> {
        Ok(Self {
            before_attention: weights.norm(shape.width, shape.eps, "layer_norm1")?,
            attention: Attention::load(&weights.part("self_attn"), shape)?,
            before_feed: weights.norm(shape.width, shape.eps, "layer_norm2")?,
            feed: FeedForward::load(&weights.part("mlp"), shape)?,
        })
    }

    fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let x = (x + self.attention.forward(&x.apply(&self.before_attention)?, mask)?)?;
        &x + x.apply(&self.before_feed)?.apply(&self.feed)?
    }
}

/// The layers of a tower.
pub(super) struct Layers(Vec<Layer>);

impl Layers {
    /// Reads the layers under `encoder.layers`.
    pub(super) fn load(weights: &Weights, shape: &Shape) -> Result<Self> {
        let layers = weights.part("encoder.layers");
        let load = |index: usize| Layer::load(&layers.part(&index.to_string()), shape);
        Ok(Self((0..shape.layers).map(load).collect::<Result<_>>()?))
    }

    /// `x` and the result: `[batch, tokens, width]`. The mask is added to each token's scores.
    pub(super) fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        self.0.iter().try_fold(x.clone(), |x, layer| layer.forward(&x, mask))
    }

    /// All but the last layer as ever, and of the last one only each token's own value: neither
    /// mixing nor feed-forward, as `MaskCLIP` (arXiv 2112.01071) reads dense features off CLIP.
    pub(super) fn unmixed(&self, x: &Tensor) -> Result<Tensor> {
        let Some((last, before)) = self.0.split_last() else { return Ok(x.clone()) };
        let x = before.iter().try_fold(x.clone(), |x, layer| layer.forward(&x, None))?;
        last.attention.unmixed(&x.apply(&last.before_attention)?)
    }
}

/// Cuts images into patches and maps each: `[batch, 3, side, side]` to `[batch, patches, width]`,
/// row by row. Pixels beyond the last whole patch are left out, as by a convolution.
pub(super) fn patches(images: &Tensor, map: &Linear, config: &VisionConfig) -> Result<Tensor> {
    let (batch, grid, patch) = (images.dim(0)?, config.grid(), config.patch);
    images
        .narrow(2, 0, grid * patch)?
        .narrow(3, 0, grid * patch)?
        .reshape(&[batch, 3, grid, patch, grid, patch])?
        .permute([0, 2, 4, 1, 3, 5])?
        .reshape((batch, grid * grid, 3 * patch * patch))?
        .apply(map)
}

/// The mask by which a token attends to itself and those before it.
pub(super) fn causal(tokens: usize) -> Result<Tensor> {
    let mask: Vec<f32> = (0..tokens)
        .flat_map(|row| {
            (0..tokens).map(move |column| if column > row { f32::NEG_INFINITY } else { 0.0 })
        })
        .collect();
    Tensor::from_vec(mask, (tokens, tokens), &candle_core::Device::Cpu)
}
