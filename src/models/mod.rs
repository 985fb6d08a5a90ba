//! Vision-language models by name: which there are, which files make one, and where they lie.
//!
//! A [`ModelName`] is what a user writes: a short name of the [`CATALOGUE`], or `hf:OWNER/NAME` with a
//! choice of revision and quantisation. [`find`] looks for its files in the hub's cache and asks
//! nobody, so that a run never waits for a download nor changes its model because somebody has
//! pushed a new one; `Plan` (with the feature `hub`) is how they get there.

mod catalogue;
mod choice;
mod local;
mod name;
#[cfg(feature = "hub")]
mod plan;

pub use catalogue::{CATALOGUE, Entry, Known};
pub use choice::{Choice, ChoiceError, PREFERRED, PROJECTORS, choose, quantisation, quantisations};
pub use local::{Found, NotFound, find};
pub use name::{ModelName, NameError};
#[cfg(feature = "hub")]
pub use plan::{Plan, PlanError};
