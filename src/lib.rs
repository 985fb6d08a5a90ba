//! praetor judges images by a constitution: a YAML file of rules that people write.
//!
//! It implements CLUE ("MLLM-as-a-Judge for Image Safety without Human Labeling",
//! arXiv 2501.00192) on a vision-language model that runs in this process: no labels, no
//! training, no cloud.
//!
//! The way of one image, and the rooms it passes:
//!
//! ```text
//! constitution  what the rules are, and their preconditions   (YAML + lock -> Policy)
//! imaging       what the picture is                           (file -> Picture -> View)
//! vlm           what the model sees                           (View + statements -> Answer)
//! judge         what that means, freed of the prior           (Answer -> Finding)
//! pipeline      one image through the stages, and many        (-> Verdict)
//! store         what is kept of a run
//! ```
//!
//! [`pipeline::Pipeline`] has an example that runs.

#[cfg(feature = "llama")]
pub mod cli;
pub mod constitution;
pub mod encoder;
pub mod ids;
pub mod imaging;
pub mod judge;
pub mod pipeline;
pub mod prompts;
pub mod store;
pub mod units;
pub mod verdict;
pub mod vlm;
