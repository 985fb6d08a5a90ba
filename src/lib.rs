//! praetor judges images by a constitution: a YAML file of rules that people write.
//!
//! It implements CLUE ("MLLM-as-a-Judge for Image Safety without Human Labeling",
//! arXiv 2501.00192) on a vision-language model that runs in this process: no labels, no
//! training, no cloud.
//!
//! A constitution is compiled once, by a language model: stage 1 of the paper is [`compile`].
//!
//! The way of one image, and the rooms it passes:
//!
//! ```text
//! constitution  what the rules are, and their preconditions   (YAML + lock -> Policy)
//! imaging       what the picture is                           (file -> Picture -> View)
//! relevance     which rules may concern it                    (View -> Relevance)
//! judge         what the model sees, freed of its bias        (View + statements -> Finding)
//! reason        what it thinks where that decides nothing     (-> Reasoning)
//! pipeline      one image through the stages, and many        (-> Verdict)
//! store         what is kept of a run
//! ```
//!
//! The models stand behind two traits each of a few lines, so that any can take their place:
//!
//! ```text
//! vlm           answers and talks about an image: llama.cpp in this process, or a table
//! encoder       how near a text is to an image, and where in it a thing is
//! ```
//!
//! [`pipeline::Pipeline`] has an example that runs.

pub mod cache;
pub mod classifier;
#[cfg(feature = "llama")]
pub mod cli;
pub mod compile;
pub mod constitution;
pub mod dataset;
pub mod doctor;
pub mod encoder;
pub mod eval;
pub mod hub;
pub mod ids;
pub mod imaging;
pub mod judge;
pub mod models;
pub mod paper;
pub mod pipeline;
pub mod prompts;
pub mod reason;
pub mod relevance;
pub mod report;
pub mod robustness;
pub mod store;
pub mod units;
pub mod verdict;
pub mod vlm;
pub mod workbench;
