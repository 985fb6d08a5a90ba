//! What a user sees, and what the rooms promise each other. One binary: each links llama.cpp.

// Written out, so that clippy knows the helpers in these files for test code.
#[cfg(test)]
mod algorithm;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod batch;
#[cfg(test)]
mod classifiers;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod compile;
#[cfg(test)]
mod constitutions;
#[cfg(test)]
mod dataset;
#[cfg(test)]
mod decision;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod encoder_hub;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod eval_measures;
#[cfg(test)]
mod families;
#[cfg(test)]
mod gpu;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod hub_server;
#[cfg(test)]
mod imaging;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod lints;
#[cfg(test)]
mod llm;
#[cfg(test)]
mod models;
#[cfg(test)]
mod nudenet;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod report;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod same_judge;
#[cfg(test)]
mod stages;
#[cfg(test)]
mod talk;
#[cfg(test)]
mod tune;
#[cfg(test)]
mod unanswered;
#[cfg(test)]
mod workbench;
