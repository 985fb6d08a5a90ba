//! The demo encoder that praetor carries: a tiny SigLIP of the demo model's pictogram world.
//!
//! It shares its vision tower with the demo model, and knows pictograms and no photographs; its
//! card is `models/demo/README.md`.

use std::sync::Arc;

use super::super::EncoderError;
use super::dual::Dual;
use super::files::{CONFIG, Files, PREPROCESSOR, TOKENIZER, WEIGHTS};
use super::patches::{PatchLocalizer, Tiling};

const FILES: &[(&str, &[u8])] = &[
    (CONFIG, include_bytes!("../../../models/demo/encoder/config.json")),
    (PREPROCESSOR, include_bytes!("../../../models/demo/encoder/preprocessor_config.json")),
    (TOKENIZER, include_bytes!("../../../models/demo/encoder/tokenizer.json")),
    (WEIGHTS, include_bytes!("../../../models/demo/encoder/model.safetensors")),
];

/// The name by which the demo encoder is chosen and named.
pub const NAME: &str = "demo";

/// The cosine above which a picture counts as relevant for a rule; measured on held-out scenes by
/// `tools/demo-model/measure_encoder.py`.
pub const THRESHOLD: f64 = -0.15;

/// The score above which the demo localizer's boxes count; measured by
/// `cargo bench --bench encoder -- WORK/ablation`.
pub const GATE: f64 = 0.4;

/// How the demo encoder was taught to name a thing: by its bare name.
pub const TEMPLATE: &str = "{}";

/// The demo encoder.
///
/// # Errors
/// Never with the files as they are in the repository.
pub fn load() -> Result<Dual, EncoderError> {
    Ok(Dual::load(&Files::embedded(NAME, FILES))?.with_threshold(THRESHOLD))
}

/// The demo localizer, over the same weights.
pub fn localizer(encoder: Arc<Dual>) -> PatchLocalizer {
    PatchLocalizer::new(encoder, TEMPLATE, Tiling::Fitting).with_gate(GATE)
}
