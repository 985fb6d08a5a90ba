//! The encoders that run in this process, on candle.

pub mod demo;

mod bend;
mod clip;
mod config;
mod dual;
mod fetch;
mod files;
mod halves;
mod heat;
mod owlv2;
mod owlv2_heads;
mod patches;
mod pixels;
mod siglip;
mod square;
mod taps;
mod text;
mod tower;
mod weights;

pub use dual::Dual;
pub use files::{Files, Source};
pub use owlv2::Owlv2;
pub use patches::{PatchLocalizer, Tiling};

#[cfg(test)]
mod tests;
