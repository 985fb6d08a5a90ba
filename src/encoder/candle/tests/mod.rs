//! The encoders against what transformers computes with the same weights, and against damage.
//!
//! The models are tiny and random; `tools/random-encoders` makes them and the expected numbers.

mod demo;
mod hostile;
mod parity;

use std::path::PathBuf;

use image::RgbImage;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Files;

/// The folder of a family, or of the pictures.
pub(crate) fn fixture(family: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/encoders").join(family)
}

pub(crate) fn files(family: &str) -> Files {
    Files::folder(fixture(family))
}

pub(crate) fn picture(name: &str) -> RgbImage {
    let bytes = fs_err::read(fixture("pictures").join(format!("{name}.png"))).unwrap();
    image::load_from_memory(&bytes).unwrap().into_rgb8()
}

pub(crate) fn expected<T: DeserializeOwned>(family: &str) -> T {
    let text = fs_err::read_to_string(fixture(family).join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// One number for each of the two pictures' many.
#[derive(Deserialize)]
pub(crate) struct Pictures<T> {
    pub(crate) wide: T,
    pub(crate) tall: T,
}

/// The largest difference of two lists of the same length.
pub(crate) fn apart(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
