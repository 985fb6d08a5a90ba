//! Measuring: verdicts held against what people say of the images.
//!
//! This room reads labels, counts verdicts and draws tables. It never judges: `cli` runs the
//! judging and hands the verdicts over.

pub mod ablation;
pub mod agreement;
pub mod compare;
mod intervals;
mod labels;
mod metrics;
pub mod paired;
mod prevalence;
mod random;
pub mod stratified;

pub use intervals::{Estimate, Interval, middle_of, quantile, share_of, weighted_share, wilson};
pub use labels::{LabelError, Labelled, Labels};
pub use metrics::{Confusion, Counts};
pub use prevalence::{NotIdentifiable, rogan_gladen};
pub use random::Random;
