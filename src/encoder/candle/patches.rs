//! A localizer out of a dual encoder: where the patches are that are like the object's name.
//!
//! SigLIP: each patch's last state goes through the pooling head as if it were the only one, and
//! the score is the model's own sigmoid of scaled cosine and bias. CLIP: each patch's own value at
//! the last layer (`MaskCLIP`, arXiv 2112.01071) goes through the projection, and the score is the
//! choice between the object and "a photo"; it ranks, and is no calibrated probability.
//!
//! It needs no weights beyond the encoder's, and it is coarser than a detector: touching things of
//! one kind become one box, and a box may be half a patch off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use image::RgbImage;

use super::super::{DualEncoder, Embedding, EncoderError, Found, Localizer};
use super::dual::Dual;
use super::heat::{Heat, Map};
use super::owlv2::remembered;
use super::pixels::{Window, check};
use crate::ids::{Hash, ModelId};

/// A patch of more than a 400th of the image is too coarse for objects under a hundredth of it.
const FINE_GRID: usize = 20;

/// Whether parts of the image are looked at enlarged, beside the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tiling {
    /// As many parts as make a patch a 400th of the image or less: thirds for 8 x 8 patches,
    /// halves for 14 x 14, none from 20 x 20 on.
    Fitting,
    /// Each side in so many parts, half overlapping: `(2 * parts - 1)` squared tiles. One part is
    /// the image alone.
    Parts(usize),
}

/// Finds objects by the patches of a dual encoder.
pub struct PatchLocalizer {
    model: ModelId,
    encoder: Arc<Dual>,
    template: String,
    parts: usize,
    known: Mutex<BTreeMap<String, Embedding>>,
}

impl PatchLocalizer {
    /// A localizer over an encoder. The name of an object stands in `template` in place of `{}`,
    /// such as `a photo of {}`; without that it is `template` itself that is looked for.
    pub fn new(encoder: Arc<Dual>, template: &str, tiling: Tiling) -> Self {
        let parts = match tiling {
            Tiling::Fitting => FINE_GRID.div_ceil(encoder.grid()),
            Tiling::Parts(parts) => parts,
        };
        // A tile of a tenth is a hundredth of the image; more of them would take minutes.
        let parts = parts.clamp(1, 10);
        let model = encoder.model();
        let settings = format!("patches 1, {parts} parts, {template}");
        let of = format!("{}", model.fingerprint);
        let model = ModelId {
            name: format!("{} by patches", model.name),
            fingerprint: Hash::of_parts([of.as_bytes(), settings.as_bytes()]),
        };
        let (template, known) = (template.to_owned(), Mutex::default());
        Self { model, encoder, template, parts, known }
    }

    /// The whole image, then the tiles row by row, each not empty and within the image.
    fn windows(&self, image: &RgbImage) -> Vec<Window> {
        let parts = u32::try_from(self.parts).unwrap_or(1);
        let along = |side: u32| -> Vec<(u32, u32)> {
            let length = side.div_ceil(parts);
            let steps = 2 * (parts - 1);
            let place = |step: u32| {
                let room = u64::from(side - length) * u64::from(step);
                (u32::try_from(room / u64::from(steps.max(1))).unwrap_or(0), length)
            };
            (0..=steps).map(place).collect()
        };
        let mut windows = vec![Window::whole(image)];
        if parts > 1 {
            let (across, down) = (along(image.width()), along(image.height()));
            windows.extend(down.iter().flat_map(|&(top, height)| {
                across.iter().map(move |&(left, width)| Window { left, top, width, height })
            }));
        }
        windows
    }

    /// Vectors of the objects in their template, and of the neutral text behind them.
    fn objects(&self, objects: &[&str]) -> Result<Vec<Embedding>, EncoderError> {
        if objects.iter().any(|object| object.trim().is_empty()) {
            return Err(EncoderError::EmptyText);
        }
        let mut texts: Vec<String> =
            objects.iter().map(|object| self.template.replace("{}", object.trim())).collect();
        texts.extend(self.encoder.log_odds().neutral.map(str::to_owned));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        remembered(&self.known, &texts, |new| self.encoder.texts(new))
    }
}

impl Localizer for PatchLocalizer {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn find(&self, image: &RgbImage, objects: &[&str]) -> Result<Vec<Vec<Found>>, EncoderError> {
        check(image)?;
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let texts = self.objects(objects)?;
        let windows = self.windows(image);
        let cosines = self.encoder.patch_cosines(image, &windows, &texts)?;
        let how = self.encoder.log_odds();
        let map = |object: usize, window: &Window, cosines: &[f32]| {
            let patch = |patch: &[f32]| {
                let neutral = if how.neutral.is_some() { patch[texts.len() - 1] } else { 0.0 };
                f64::from(patch[object] - neutral) * how.scale + how.bias
            };
            let log_odds = cosines.chunks_exact(texts.len()).map(patch).collect();
            Map { window: shares(*window, image), grid: self.encoder.grid(), log_odds }
        };
        let boxes = |object: usize| {
            let mut maps = windows.iter().zip(&cosines).map(|(w, c)| map(object, w, c));
            let whole = maps.next();
            let tiles: Vec<Map> = maps.collect();
            let side = self.encoder.grid() * self.parts.max(2);
            whole.map_or_else(Vec::new, |whole| Heat::join(&whole, &tiles, side).boxes())
        };
        Ok((0..objects.len()).map(boxes).collect())
    }
}

/// A window's edges in shares of the image: left, top, right, bottom.
fn shares(window: Window, image: &RgbImage) -> [f64; 4] {
    let across = |x: u32| f64::from(x) / f64::from(image.width());
    let down = |y: u32| f64::from(y) / f64::from(image.height());
    [
        across(window.left),
        down(window.top),
        across(window.left + window.width),
        down(window.top + window.height),
    ]
}
