//! The activations of the towers, in one pass over the numbers.
//!
//! candle's own GELU calls `tanh` number by number on one thread, which took as long as all of a
//! small tower's multiplying. Here the logistic function is a polynomial that the compiler lays out
//! for many numbers at once; it differs from the exact one by less than a millionth.

use std::f32::consts::{LN_2, LOG2_E};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// A function of one number that is that number times a logistic function of it.
#[derive(Clone, Copy)]
enum Gate {
    /// `x * sigmoid(1.702 x)`.
    Quick,
    /// GELU's approximation by tanh, since `(1 + tanh(z)) / 2` is `sigmoid(2 z)`.
    Tanh,
}

/// `x * sigmoid(1.702 x)`.
pub(super) fn quick_gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1_no_bwd(&Gate::Quick)
}

/// GELU in its approximation by tanh.
pub(super) fn gelu_tanh(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1_no_bwd(&Gate::Tanh)
}

impl CustomOp1 for Gate {
    fn name(&self) -> &'static str {
        match self {
            Self::Quick => "quick-gelu",
            Self::Tanh => "gelu-tanh",
        }
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let numbers = storage.as_slice::<f32>()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("numbers that don't lie in one piece");
        };
        let numbers = &numbers[start..end];
        let bent = match self {
            Self::Quick => numbers.iter().map(|&x| x * logistic(1.702 * x)).collect(),
            Self::Tanh => {
                // 2 * sqrt(2 / pi), and that times 0.044715.
                let inner = |x: f32| x * (1.595_769_2 + 0.071_354_814 * x * x);
                numbers.iter().map(|&x| x * logistic(inner(x))).collect()
            }
        };
        Ok((CpuStorage::F32(bent), layout.shape().clone()))
    }
}

/// `1 / (1 + exp(-x))`.
///
/// The exponent is split into a whole power of two, put into the float's bits, and the rest, of
/// which a polynomial of the sixth degree is the power. Not a number stays one.
#[inline]
fn logistic(x: f32) -> f32 {
    /// One and a half times two to the 23rd: adding it leaves the whole part in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // Beyond 87 the power would leave the range of floats.
    let power = (-x).clamp(-87.0, 87.0) * LOG2_E;
    let shifted = power + ROUND;
    let rest = power - (shifted - ROUND);
    let whole = shifted.to_bits() << 23;
    let fraction = [0.001_333_355_8, 0.009_618_129, 0.055_504_11, 0.240_226_5, LN_2, 1.0]
        .into_iter()
        .fold(0.000_154_035_3, |sum: f32, factor| sum * rest + factor);
    1.0 / (1.0 + f32::from_bits(fraction.to_bits().wrapping_add(whole)))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn they_are_what_candle_computes_number_by_number() {
        let numbers: Vec<f32> = (-4000_i16..4000).map(|x| f32::from(x) / 200.0).collect();
        let x = Tensor::new(numbers.as_slice(), &Device::Cpu).unwrap();
        let apart = |ours: Tensor, theirs: Tensor| {
            let apart = (ours - theirs).unwrap().abs().unwrap();
            apart.max(0).unwrap().to_scalar::<f32>().unwrap()
        };
        assert!(apart(gelu_tanh(&x).unwrap(), x.gelu().unwrap()) < 2e-6);
        let exact = (&x * candle_nn::ops::sigmoid(&(&x * 1.702).unwrap()).unwrap()).unwrap();
        assert!(apart(quick_gelu(&x).unwrap(), exact) < 2e-6);
    }

    #[test]
    fn the_ends_of_the_range_are_the_limits_and_nan_stays_nan() {
        assert!((logistic(1e30) - 1.0).abs() < 1e-6 && logistic(-1e30).abs() < 1e-30);
        assert!((logistic(0.0) - 0.5).abs() < 1e-7);
        assert!(logistic(f32::NAN).is_nan());
    }
}
