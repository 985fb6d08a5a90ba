//! What a policy team learns of its constitution without labels, or with a few.
//!
//! Everything here reads verdicts and their findings, and counts; nothing here judges an image.
//! The commands in `cli` judge first and hand the verdicts in.
//!
//! [`tune`] shows what thresholds do to a run without labels, by deciding [`anew`] what the run has
//! [`recorded`]; [`audit`] draws images for people to label, and says what their labels tell. [`impact`]
//! compares two editions on the same images, and [`probe`] whether verdicts follow the policy.

pub mod anew;
pub mod audit;
pub mod impact;
pub mod probe;
pub mod recorded;
pub mod tune;
