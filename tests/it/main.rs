//! What a user sees, and what the rooms promise each other. One binary: each links llama.cpp.

mod architecture;
mod decision;
mod engine;
mod hostile;
mod imaging;
