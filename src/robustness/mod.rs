//! How a judge takes pictures that were changed: UnsafeBench's question (arXiv 2405.03486), put to a
//! judge of which nothing is known but its answers.
//!
//! [`Perturbation`]s are what happens to pictures on their way (compression, scaling, noise), none of
//! which changes what a picture shows; [`Robustness`] counts what they change in verdicts. [`square`] is
//! an attack that looks for a change by asking again and again. A [`Draw`] is a sample of images that are
//! right as they are, and [`OverSeeds`] says how much of a figure is chance. The attacks of the paper (FGSM, PGD,
//! `DeepFool`) follow the gradient of a model, which a GGUF file does not give.
//!
//! This room changes pictures and counts; it never judges. Who judges hands it verdicts, or a closure.

mod account;
mod attacks;
mod perturbation;
mod pixels;
mod sample;
mod seeds;
pub mod square;
mod writing;

pub use account::{Known, Robust, Robustness, Row, RuleRow, ScoreMoves, SourceRow, Turn, is_right};
pub use attacks::{Attacks, Spared};
pub use perturbation::{InvalidPerturbation, Perturbation};
pub use pixels::PerturbError;
pub use sample::{Draw, Drawn, Fit};
pub use seeds::{OverSeeds, Spread};

use std::sync::Arc;

use crate::ids::Hash;
use crate::imaging::{Decoded, Picture};

/// A file's pictures, each perturbed. Chance depends on the seed, the file, the frame and the
/// perturbation, and not on what was done before.
///
/// # Errors
/// [`PerturbError`] when a picture has no such form.
pub fn perturbed(
    decoded: &Decoded,
    perturbation: &Perturbation,
    seed: u64,
) -> Result<Decoded, PerturbError> {
    let changed = |picture: &Picture| {
        let seed = seed_of(seed, &perturbation.to_string(), picture);
        let pixels = Arc::new(pixels::perturb(&picture.pixels, perturbation, seed)?);
        Ok(Picture { pixels, ..picture.clone() })
    };
    let pictures = decoded.pictures.iter().map(changed).collect::<Result<_, _>>()?;
    Ok(Decoded { pictures, ..decoded.clone() })
}

/// The seed of one picture.
pub fn seed_of(seed: u64, what: &str, picture: &Picture) -> u64 {
    let (seed, frame) = (seed.to_le_bytes(), picture.frame.to_le_bytes());
    let hash = Hash::of_parts([seed.as_slice(), picture.hash.bytes(), &frame, what.as_bytes()]);
    let mut first = [0; 8];
    first.copy_from_slice(&hash.bytes()[..8]);
    u64::from_le_bytes(first)
}
