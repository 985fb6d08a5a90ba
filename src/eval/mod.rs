//! Measuring: verdicts held against what people say of the images.
//!
//! This room counts verdicts and draws tables. It never judges and reads no files: `cli` runs the
//! judging and hands verdicts over with the labels of a [`Dataset`](crate::dataset::Dataset).

pub mod ablation;
pub mod calibration;
pub mod effectiveness;
mod intervals;
mod metrics;
pub mod paired;
mod prevalence;
mod random;
pub mod ranking;
pub mod stratified;

pub use intervals::{Estimate, Interval, middle_of, quantile, share_of, weighted_share, wilson};
pub use metrics::{Confusion, Counts};
pub use prevalence::{NotIdentifiable, rogan_gladen};
pub use random::Random;
