//! Weights by name, with their shapes checked, as 32-bit floats.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{LayerNorm, Linear, VarBuilder};

use super::super::EncoderError;
use super::files::{Files, WEIGHTS};

/// A part of a model's weights; all names in it begin alike.
#[derive(Clone)]
pub(super) struct Weights<'a>(VarBuilder<'a>);

impl<'a> Weights<'a> {
    /// Takes a file of safetensors.
    pub(super) fn of(files: &Files, content: &'a [u8]) -> std::result::Result<Self, EncoderError> {
        VarBuilder::from_slice_safetensors(content, DType::F32, &Device::Cpu)
            .map(Self)
            .map_err(|error| files.damaged(WEIGHTS, error))
    }

    /// The part under a name.
    pub(super) fn part(&self, name: &str) -> Self {
        Self(self.0.pp(name))
    }

    /// A tensor of a known shape.
    pub(super) fn tensor(&self, shape: &[usize], name: &str) -> Result<Tensor> {
        self.0.get(shape, name)
    }

    /// A single number, whatever shape it is written in.
    pub(super) fn number(&self, name: &str) -> Result<f64> {
        let tensor = self.0.get_unchecked(name)?;
        if tensor.elem_count() != 1 {
            candle_core::bail!("`{name}` is more than one number");
        }
        Ok(f64::from(tensor.flatten_all()?.get(0)?.to_scalar::<f32>()?))
    }

    /// A linear map with an offset.
    pub(super) fn linear(&self, from: usize, to: usize, name: &str) -> Result<Linear> {
        let part = self.part(name);
        Ok(Linear::new(part.tensor(&[to, from], "weight")?, Some(part.tensor(&[to], "bias")?)))
    }

    /// A linear map without an offset.
    pub(super) fn matrix(&self, from: usize, to: usize, name: &str) -> Result<Linear> {
        Ok(Linear::new(self.part(name).tensor(&[to, from], "weight")?, None))
    }

    /// A layer norm.
    pub(super) fn norm(&self, width: usize, eps: f64, name: &str) -> Result<LayerNorm> {
        let part = self.part(name);
        Ok(LayerNorm::new(part.tensor(&[width], "weight")?, part.tensor(&[width], "bias")?, eps))
    }

    /// The patches' linear map, written as a convolution whose step is its size: `width` numbers
    /// from three channels of `patch` x `patch` pixels.
    pub(super) fn patches(&self, patch: usize, width: usize, bias: bool) -> Result<Linear> {
        let part = self.part("patch_embedding");
        let matrix = part.tensor(&[width, 3, patch, patch], "weight")?.flatten_from(1)?;
        let bias = if bias { Some(part.tensor(&[width], "bias")?) } else { None };
        Ok(Linear::new(matrix, bias))
    }
}
