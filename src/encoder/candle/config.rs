//! `config.json` and `preprocessor_config.json`, with the defaults of transformers for what they
//! leave out.
//!
//! Files on the hub often hold only what differs from the defaults of their family: Google's
//! SigLIP says nothing but the kinds of its towers.

use serde::Deserialize;

use super::super::EncoderError;
use super::files::{CONFIG, Files, PREPROCESSOR};
use super::tower::{Activation, Shape};
use crate::imaging::resample::{Filter, Framing};

/// What `config.json` says of a model with two towers.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) model_type: Option<String>,
    pub(super) projection_dim: Option<usize>,
    #[serde(default, rename = "text_config")]
    texts: Part,
    #[serde(default, rename = "vision_config")]
    images: Part,
}

/// One tower, as written; every number may be left out.
#[derive(Debug, Default, Deserialize)]
struct Part {
    hidden_size: Option<usize>,
    intermediate_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    layer_norm_eps: Option<f64>,
    hidden_act: Option<String>,
    vocab_size: Option<usize>,
    max_position_embeddings: Option<usize>,
    projection_size: Option<usize>,
    eos_token_id: Option<u32>,
    pad_token_id: Option<u32>,
    num_channels: Option<usize>,
    image_size: Option<usize>,
    patch_size: Option<usize>,
    vision_use_head: Option<bool>,
}

/// A tower of texts.
#[derive(Clone, Debug)]
pub(super) struct TextConfig {
    pub(super) shape: Shape,
    pub(super) vocabulary: usize,
    pub(super) positions: usize,
    /// Width of the embedding where it is not the model's `projection_dim`.
    pub(super) projection: Option<usize>,
    pub(super) end: Option<u32>,
    pub(super) pad: Option<u32>,
}

/// A tower of images.
#[derive(Clone, Debug)]
pub(super) struct VisionConfig {
    pub(super) shape: Shape,
    /// Side of the square image in pixels.
    pub(super) side: usize,
    /// Side of a patch in pixels.
    pub(super) patch: usize,
}

impl VisionConfig {
    /// Patches along one side of the image.
    pub(super) fn grid(&self) -> usize {
        self.side / self.patch
    }
}

/// What transformers takes for a number that is left out.
pub(super) struct Defaults {
    pub(super) text: (Shape, usize, usize),
    pub(super) vision: (Shape, usize, usize),
}

impl Config {
    pub(super) fn read(files: &Files) -> Result<Self, EncoderError> {
        files.json(CONFIG)
    }

    pub(super) fn text(
        &self,
        files: &Files,
        defaults: &Defaults,
    ) -> Result<TextConfig, EncoderError> {
        let (shape, vocabulary, positions) = defaults.text;
        let part = &self.texts;
        let config = TextConfig {
            shape: part.shape(files, shape)?,
            vocabulary: part.vocab_size.unwrap_or(vocabulary),
            positions: part.max_position_embeddings.unwrap_or(positions),
            projection: part.projection_size,
            end: part.eos_token_id,
            pad: part.pad_token_id,
        };
        if !(4..=1 << 16).contains(&config.positions) {
            let text = format!("`max_position_embeddings` to {}", config.positions);
            return Err(files.unsupported(text));
        }
        Ok(config)
    }

    pub(super) fn vision(
        &self,
        files: &Files,
        defaults: &Defaults,
    ) -> Result<VisionConfig, EncoderError> {
        let (shape, side, patch) = defaults.vision;
        let part = &self.images;
        let config = VisionConfig {
            shape: part.shape(files, shape)?,
            side: part.image_size.unwrap_or(side),
            patch: part.patch_size.unwrap_or(patch),
        };
        if part.num_channels.unwrap_or(3) != 3 {
            return Err(files.unsupported("`num_channels` to another number than 3"));
        }
        if part.vision_use_head == Some(false) {
            return Err(files.unsupported("`vision_use_head` to `false`"));
        }
        if !(1..=4096).contains(&config.side) || !(1..=config.side).contains(&config.patch) {
            return Err(files.unsupported(format!(
                "an `image_size` of {} with a `patch_size` of {}",
                config.side, config.patch
            )));
        }
        Ok(config)
    }
}

impl Part {
    fn shape(&self, files: &Files, default: Shape) -> Result<Shape, EncoderError> {
        let shape = Shape {
            width: self.hidden_size.unwrap_or(default.width),
            inner: self.intermediate_size.unwrap_or(default.inner),
            layers: self.num_hidden_layers.unwrap_or(default.layers),
            heads: self.num_attention_heads.unwrap_or(default.heads),
            eps: self.layer_norm_eps.unwrap_or(default.eps),
            activation: match self.hidden_act.as_deref() {
                None => default.activation,
                Some("quick_gelu") => Activation::QuickGelu,
                Some("gelu_pytorch_tanh" | "gelu_new") => Activation::GeluTanh,
                Some("gelu") => Activation::Gelu,
                Some(other) => {
                    return Err(files.unsupported(format!("`hidden_act` to `{other}`")));
                }
            },
        };
        let heads = 1..=shape.width;
        if !heads.contains(&shape.heads) || !shape.width.is_multiple_of(shape.heads) {
            let text = format!("{} attention heads for a width of {}", shape.heads, shape.width);
            return Err(files.unsupported(text));
        }
        // Wider and deeper than any dual encoder; the weights are checked against these numbers.
        if shape.width > 1 << 14 || shape.inner > 1 << 17 || !(1..=256).contains(&shape.layers) {
            return Err(files.unsupported(format!(
                "{} layers of width {} and {}",
                shape.layers, shape.width, shape.inner
            )));
        }
        Ok(shape)
    }
}

/// `preprocessor_config.json`, of which only what moves a number is read.
#[derive(Debug, Deserialize)]
struct Preprocessor {
    #[serde(default)]
    size: Option<Size>,
    #[serde(default)]
    crop_size: Option<Size>,
    #[serde(default)]
    do_center_crop: Option<bool>,
    #[serde(default)]
    do_normalize: Option<bool>,
    #[serde(default)]
    resample: Option<u32>,
    #[serde(default)]
    rescale_factor: Option<f64>,
    #[serde(default)]
    image_mean: Option<[f64; 3]>,
    #[serde(default)]
    image_std: Option<[f64; 3]>,
}

/// A size as some file writes it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Size {
    Side(u32),
    Shortest { shortest_edge: u32 },
    Sides { height: u32, width: u32 },
}

/// How a picture is prepared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preparation {
    pub(super) framing: Framing,
    pub(super) filter: Filter,
    /// Per channel: what a byte is multiplied with, and what is added then.
    pub(super) scale: [f32; 3],
    pub(super) shift: [f32; 3],
}

/// What a family prepares by when its file says nothing.
#[derive(Clone, Copy)]
pub(super) struct Prepared {
    pub(super) middle: bool,
    pub(super) mean: [f64; 3],
    pub(super) std: [f64; 3],
}

impl Preparation {
    /// Reads how an image of `side` pixels is prepared.
    pub(super) fn read(
        files: &Files,
        side: usize,
        default: Prepared,
    ) -> Result<Self, EncoderError> {
        let said: Preprocessor = files.json(PREPROCESSOR)?;
        let framing = said.framing(files, side, default)?;
        let filter = said.resample.unwrap_or(3);
        let filter = Filter::of_pillow(filter)
            .ok_or_else(|| files.unsupported(format!("`resample` to {filter}")))?;
        let factor = said.rescale_factor.unwrap_or(1.0 / 255.0);
        let plain = said.do_normalize == Some(false);
        let mean = if plain { [0.0; 3] } else { said.image_mean.unwrap_or(default.mean) };
        let std = if plain { [1.0; 3] } else { said.image_std.unwrap_or(default.std) };
        if !factor.is_finite() || std.iter().any(|std| !std.is_normal()) {
            return Err(files.damaged(PREPROCESSOR, "scales by what is no number"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "computing is in 32 bits")]
        let each = |of: &dyn Fn(usize) -> f64| [of(0) as f32, of(1) as f32, of(2) as f32];
        let scale = each(&|channel| factor / std[channel]);
        let shift = each(&|channel| -mean[channel] / std[channel]);
        Ok(Self { framing, filter, scale, shift })
    }
}

impl Preprocessor {
    fn framing(
        &self,
        files: &Files,
        side: usize,
        default: Prepared,
    ) -> Result<Framing, EncoderError> {
        let is_side = |length: u32| length as usize == side;
        let other = || files.unsupported(format!("sizes that don't give {side}x{side} pixels"));
        let (length, squeezes) = match self.size {
            None => (side_of(side), !default.middle),
            Some(Size::Side(length)) => (length, !default.middle),
            Some(Size::Shortest { shortest_edge }) => (shortest_edge, false),
            Some(Size::Sides { height, width }) if height == width => (height, true),
            Some(Size::Sides { .. }) => return Err(other()),
        };
        if squeezes {
            return if is_side(length) { Ok(Framing::Squeezed) } else { Err(other()) };
        }
        let cut = match self.crop_size {
            None => true,
            Some(Size::Side(length) | Size::Shortest { shortest_edge: length }) => is_side(length),
            Some(Size::Sides { height, width }) => is_side(height) && is_side(width),
        };
        // Pillow would pad a smaller picture with black; no model is published so.
        let fits = (side_of(side)..=4 * side_of(side)).contains(&length);
        let crops = self.do_center_crop.unwrap_or(default.middle);
        if crops && cut && fits { Ok(Framing::Middle(length)) } else { Err(other()) }
    }
}

fn side_of(side: usize) -> u32 {
    u32::try_from(side).unwrap_or(u32::MAX)
}
