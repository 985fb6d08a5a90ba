//! Conventional classifiers beside which to hold a judge: those of UnsafeBench (arXiv 2405.03486).
//!
//! A [`Spec`] says what a classifier is given and what its numbers mean; those of UnsafeBench are built in,
//! and others can be written. Weights are never part of praetor: people bring an ONNX file, and ONNX Runtime
//! as a library that is loaded when it is needed (feature `onnx`). A classifier has categories of its own,
//! trained in; it judges the rules of those names, and the image as a whole where a constitution has none.
//!
//! Neither the files nor the runtime give gradients, so that they are attacked through scores, as a
//! vision-language model is.

mod detections;
mod judge;
#[cfg(feature = "onnx")]
pub mod onnx;
mod pixels;
mod scores;
mod spec;

pub use detections::{Detection, detections};
pub use judge::{ClassifierError, ClassifierJudge, Runner, fits};
pub use pixels::tensor;
pub use scores::scores;
pub use spec::{Checked, Fit, Input, Label, Order, Output, Spec, SpecError};
