//! A localizer out of a dual encoder: where the patches are that are like the object's name.
//!
//! SigLIP: each patch's last state goes through the pooling head as if it were the only one, and
//! the score is the model's own sigmoid of scaled cosine and bias. CLIP: each patch's own value at
//! the last layer (`MaskCLIP`, arXiv 2112.01071) goes through the projection, and the score is the
//! choice between the object and "a photo"; it ranks, and is no calibrated probability.
//!
//! A patch of a tile sees little: a corner of a jacket is much like a cigarette. So every box is
//! looked at once more, cut out with as much again around it, and that picture as a whole is
//! compared with the object. The score is the product of both looks. On the demo's
//! scenes (`tools/demo-model/ablation.py`; things under a hundredth of the image, and names of
//! things that are not there) that is what makes small boxes worth having:
//!
//! ```text
//! one look, above 0.5     9.1 % of absent things have a small box, 100 % of small ones found
//! both looks, above 0.5   0.9 %                                    100 %
//! ```
//!
//! It needs no weights beyond the encoder's, and it is coarser than a detector: touching things of
//! one kind become one box, and a box may be half a patch off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use image::RgbImage;

use super::super::{DualEncoder, Embedding, EncoderError, Features, Found, Localizer, best_first};
use super::dual::Dual;
use super::halves;
use super::heat::{Heat, Map};
use super::owlv2::remembered;
use super::pixels::check;
use crate::ids::{Hash, ModelId};
use crate::imaging::resample::Window;
use crate::units::{Probability, Region};

/// A patch of more than a 400th of the image is too coarse for objects under a hundredth of it.
const FINE_GRID: usize = 20;

/// The side of the square that is looked at again, in longer sides of the box.
const AROUND: f64 = 2.0;
/// Boxes whose first score is below this share of the gate are not looked at again but left out:
/// the product can only be less.
const WORTH_A_LOOK: f64 = 0.5;
/// Boxes that share more of their union are one.
const OVERLAP: f64 = 0.5;
/// So many boxes of an object are enough.
const MOST: usize = 4;
/// The score above which boxes count unless one is set: the paper's gate. It was chosen for
/// another detector and is not measured for this one, whose scores differ from encoder to encoder.
const GATE: f64 = crate::paper::REGION_SCORE;

/// Whether parts of the image are looked at enlarged, beside the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tiling {
    /// As many parts as make a patch a 400th of the image or less: thirds for 8 x 8 patches,
    /// halves for 14 x 14, none from 20 x 20 on.
    Fitting,
    /// Tiles of so many parts of a side, laid as the fields of one colour on a chessboard whose
    /// fields are half a tile: five for halves, thirteen for thirds. Every place but the border is
    /// seen by two. One part is the image alone.
    Parts(usize),
}

/// Finds objects by the patches of a dual encoder.
pub struct PatchLocalizer {
    model: ModelId,
    encoder: Arc<Dual>,
    template: String,
    parts: usize,
    gate: f64,
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
        let settings = format!("patches 3, {parts} parts, {template}");
        let of = format!("{}", model.fingerprint);
        let model = ModelId {
            name: format!("{} by patches", model.name),
            fingerprint: Hash::of_parts([of.as_bytes(), settings.as_bytes()]),
        };
        let (template, known) = (template.to_owned(), Mutex::default());
        Self { model, encoder, template, parts, gate: GATE, known }
    }

    /// Replaces the score above which boxes count, for an encoder where it is known.
    #[must_use]
    pub fn with_gate(self, gate: f64) -> Self {
        Self { gate, ..self }
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
            for (row, &(top, height)) in down.iter().enumerate() {
                let of_colour = across.iter().skip(row % 2).step_by(2);
                windows.extend(of_colour.map(|&(left, width)| Window { left, top, width, height }));
            }
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

    fn default_gate(&self) -> f64 {
        self.gate
    }

    /// The directions of all patches: window by window, each row by row, as halves.
    fn look(&self, image: &RgbImage) -> Result<Features, EncoderError> {
        check(image)?;
        let directions = self.encoder.patches(image, &self.windows(image))?;
        Ok(Features::new(halves::write(&directions)))
    }

    fn find_in(
        &self,
        image: &RgbImage,
        features: &Features,
        objects: &[&str],
    ) -> Result<Vec<Vec<Found>>, EncoderError> {
        check(image)?;
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let texts = self.objects(objects)?;
        let windows = self.windows(image);
        let (grid, width) = (self.encoder.grid(), texts[0].as_slice().len());
        let own = features.as_bytes().len() == windows.len() * grid * grid * width * halves::BYTES;
        let directions = if own {
            halves::read(features.as_bytes())
        } else {
            halves::read(self.look(image)?.as_bytes())
        };
        let cosines = self.encoder.cosines(directions, &texts)?;
        let by_window = || windows.iter().zip(cosines.chunks_exact(grid * grid * texts.len()));
        let how = self.encoder.log_odds();
        let map = |object: usize, window: &Window, cosines: &[f32]| {
            let patch = |patch: &[f32]| {
                let neutral = if how.neutral.is_some() { patch[texts.len() - 1] } else { 0.0 };
                f64::from(patch[object] - neutral) * how.scale + how.bias
            };
            let log_odds = cosines.chunks_exact(texts.len()).map(patch).collect();
            Map { window: shares(*window, image), grid, log_odds }
        };
        let boxes = |object: usize| {
            let mut maps = by_window().map(|(window, cosines)| map(object, window, cosines));
            let whole = maps.next();
            let tiles: Vec<Map> = maps.collect();
            let side = grid * self.parts.max(2);
            whole.map_or_else(Vec::new, |whole| Heat::join(&whole, &tiles, side).boxes())
        };
        let mut first: Vec<Vec<Found>> = (0..objects.len()).map(boxes).collect();
        for boxes in &mut first {
            boxes.retain(|found| found.score.value() >= self.gate * WORTH_A_LOOK);
        }
        self.again(image, &texts, first)
    }
}

impl PatchLocalizer {
    /// Looks at every box once more, and multiplies its score with what is seen there.
    fn again(
        &self,
        image: &RgbImage,
        texts: &[Embedding],
        first: Vec<Vec<Found>>,
    ) -> Result<Vec<Vec<Found>>, EncoderError> {
        let mut windows: Vec<Window> = Vec::new();
        let mut place = |found: &Found| {
            let window = around(found.region, image);
            windows.iter().position(|&known| known == window).unwrap_or_else(|| {
                windows.push(window);
                windows.len() - 1
            })
        };
        let places: Vec<Vec<usize>> =
            first.iter().map(|boxes| boxes.iter().map(&mut place).collect()).collect();
        let seen = self.encoder.windows(image, &windows)?;
        let how = self.encoder.log_odds();
        let second = |object: usize, window: usize| {
            let neutral = how.neutral.and_then(|_| texts.last());
            let neutral = neutral.map_or(0.0, |neutral| seen[window].cosine(neutral));
            let cosine = seen[window].cosine(&texts[object]) - neutral;
            Probability::from_log_odds(cosine * how.scale + how.bias).value()
        };
        let both = |(object, (boxes, places)): (usize, (Vec<Found>, &Vec<usize>))| {
            let both = boxes.iter().zip(places).map(|(found, &window)| {
                let score = found.score.value() * second(object, window);
                Found { score: Probability::saturating(score), ..*found }
            });
            best_first(both.collect(), OVERLAP, MOST)
        };
        Ok(first.into_iter().zip(&places).enumerate().map(both).collect())
    }
}

/// The square of pixels around a box that is looked at again, moved to lie within the image.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of a side are within it, and what is cast is clamped first"
)]
fn around(region: Region, image: &RgbImage) -> Window {
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let across = (region.right() - region.left()) * width;
    let down = (region.bottom() - region.top()) * height;
    let side = across.max(down) * AROUND;
    let span = |middle: f64, whole: f64| {
        let length = side.round().clamp(1.0, whole);
        let start = (middle * whole - length / 2.0).round().clamp(0.0, whole - length);
        (start as u32, length as u32)
    };
    let (left, width) = span(f64::midpoint(region.left(), region.right()), width);
    let (top, height) = span(f64::midpoint(region.top(), region.bottom()), height);
    Window { left, top, width, height }
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
