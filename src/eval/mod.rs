//! Measuring: verdicts held against what people say of the images.
//!
//! This room reads labels, counts verdicts and draws tables. It never judges: `cli` runs the
//! judging and hands the verdicts over.

pub mod ablation;
pub mod intervals;
mod labels;
mod metrics;
pub mod paired;

pub use labels::{LabelError, Labelled, Labels};
pub use metrics::{Confusion, Counts};
