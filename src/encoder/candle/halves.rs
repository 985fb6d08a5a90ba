//! Directions of patches as bytes: half floats, since there are thousands of them an image.
//!
//! A half keeps eleven bits. The errors of a direction's hundreds of numbers cancel out: cosines
//! move by about 1e-5.

use half::f16;

/// Bytes of a number.
pub(super) const BYTES: usize = 2;

/// Rounds numbers to halves.
pub(super) fn write(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|&number| f16::from_f32(number).to_le_bytes()).collect()
}

/// The numbers of some bytes; a last odd byte is none.
pub(super) fn read(bytes: &[u8]) -> Vec<f32> {
    let (halves, _) = bytes.as_chunks::<BYTES>();
    halves.iter().map(|&half| f16::from_le_bytes(half).to_f32()).collect()
}
