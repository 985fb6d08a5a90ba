//! What OWLv2 reads off each patch: how well it fits a text, and a box around it.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::{LayerNorm, Linear};

use super::weights::Weights;

/// The heads of `Owlv2ForObjectDetection`. Objectness is left out: it ranks boxes for no text.
pub(super) struct Heads {
    norm: LayerNorm,
    class: Linear,
    shift: Linear,
    scale: Linear,
    boxes: [Linear; 3],
    /// Where each patch's box would be without the head's say, as log-odds: `[patches, 4]`.
    anchors: Tensor,
}

impl Heads {
    /// Reads heads for patches of `width` numbers, texts of `to`, and a grid of `grid` a side.
    pub(super) fn load(
        weights: &Weights,
        (width, eps): (usize, f64),
        to: usize,
        grid: usize,
    ) -> Result<Self> {
        let class = weights.part("class_head");
        let boxes = weights.part("box_head");
        Ok(Self {
            norm: weights.norm(width, eps, "layer_norm")?,
            class: class.linear(width, to, "dense0")?,
            shift: class.linear(width, 1, "logit_shift")?,
            scale: class.linear(width, 1, "logit_scale")?,
            boxes: [
                boxes.linear(width, width, "dense0")?,
                boxes.linear(width, width, "dense1")?,
                boxes.linear(width, 4, "dense2")?,
            ],
            anchors: anchors(grid)?,
        })
    }

    /// States of the class token and all patches, behind the tower's last norm, to what the heads
    /// read: each patch times the class token, normed. `[1, 1 + patches, width]` to
    /// `[patches, width]`.
    pub(super) fn merge(&self, states: &Tensor) -> Result<Tensor> {
        let patches = states.dim(1)?.saturating_sub(1);
        let class = states.narrow(1, 0, 1)?;
        let merged = states.narrow(1, 1, patches)?.broadcast_mul(&class)?;
        merged.apply(&self.norm)?.squeeze(0)
    }

    /// What each patch is like, of about length one: `[patches, to]`.
    pub(super) fn directions(&self, merged: &Tensor) -> Result<Tensor> {
        let classes = merged.apply(&self.class)?;
        let length = (classes.sqr()?.sum_keepdim(D::Minus1)?.sqrt()? + 1e-6)?;
        classes.broadcast_div(&length)? / (1.0 + 1e-6)
    }

    /// What makes log-odds of each patch's cosine: a shift, and a scale for the sum,
    /// `[patches, 2]`.
    pub(super) fn calibration(&self, merged: &Tensor) -> Result<Tensor> {
        let scale = (merged.apply(&self.scale)?.elu(1.0)? + 1.0)?;
        Tensor::cat(&[merged.apply(&self.shift)?, scale], 1)
    }

    /// A box for each patch, in shares of the square: `[patches, 4]`, each centre across, centre
    /// down, width, height.
    pub(super) fn boxes(&self, merged: &Tensor) -> Result<Tensor> {
        let [first, second, last] = &self.boxes;
        let x = merged.apply(first)?.gelu_erf()?.apply(second)?.gelu_erf()?.apply(last)?;
        candle_nn::ops::sigmoid(&(x + &self.anchors)?)
    }
}

/// Each patch's corner and size as log-odds, kept finite by a ten-thousandth.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a grid has few patches, and computing is in 32 bits"
)]
fn anchors(grid: usize) -> Result<Tensor> {
    let log_odds = |share: f64| ((share + 1e-4).ln() - (1.0 - share + 1e-4).ln()) as f32;
    let side = grid as f64;
    let at: Vec<f32> = (1..=grid).map(|corner| log_odds(corner as f64 / side)).collect();
    let extent = log_odds(1.0 / side);
    let all: Vec<f32> = at
        .iter()
        .flat_map(|&down| at.iter().flat_map(move |&across| [across, down, extent, extent]))
        .collect();
    Tensor::from_vec(all, (grid * grid, 4), &Device::Cpu)
}
