//! What a policy team learns of its constitution without labels, or with a few.
//!
//! Everything here reads verdicts and their findings, and counts; nothing here judges an image.
//! The commands in `cli` judge first and hand the verdicts in.

pub mod impact;
pub mod probe;
