//! The sheet that people fill in, and the file beside it that says how it was drawn.
//!
//! ```text
//! sheet.csv          image, unsafe? (yes/no/unsure), rules      nothing of what praetor said
//! sheet.audit.json   which run, which seed, the parts and their sizes, which image is of which part
//! ```
//!
//! Whoever labels should open the sheet alone: a verdict that is known sways the eye.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::draw::Drawn;
use super::strata::{Detail, Key, Member};
use crate::ids::{ModelId, PolicyHash};

/// The columns of the sheet.
pub const COLUMNS: [&str; 3] = ["image", "unsafe? (yes/no/unsure)", "rules"];

/// How a sheet was drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The form of this file.
    pub version: u32,
    /// The run folder.
    pub run: PathBuf,
    /// The policy that judged.
    pub policy: PolicyHash,
    /// The model that answered.
    pub model: ModelId,
    /// The seed.
    pub seed: u64,
    /// Images of the run that were judged.
    pub images: usize,
    /// How finely images were told apart.
    pub detail: Detail,
    /// The parts.
    pub strata: Vec<PlannedStratum>,
    /// The drawn images, in the sheet's order.
    pub sample: Vec<PlannedImage>,
}

/// A part of the images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedStratum {
    /// For people.
    pub name: String,
    /// What its images have in common.
    #[serde(flatten)]
    pub key: Key,
    /// How many images it has.
    pub images: usize,
    /// How many were drawn.
    pub sampled: usize,
    /// How many images each drawn one stands for.
    pub weight: f64,
}

/// A drawn image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedImage {
    /// Its path, as the run names it.
    pub image: String,
    /// Which part it is of, counted from zero.
    pub stratum: usize,
}

impl Plan {
    /// The form this version writes.
    pub const VERSION: u32 = 1;

    /// Writes down what was drawn.
    pub fn new(
        (run, policy, model): (PathBuf, PolicyHash, ModelId),
        members: &[Member],
        drawn: &Drawn,
        seed: u64,
    ) -> Self {
        let strata = drawn.parts.iter().map(|part| PlannedStratum {
            name: part.key.to_string(),
            key: part.key.clone(),
            images: part.size,
            sampled: part.drawn.len(),
            weight: weight(part.size, part.drawn.len()),
        });
        let sample = drawn.order.iter().map(|(place, stratum)| PlannedImage {
            image: members[*place].image.clone(),
            stratum: *stratum,
        });
        Self {
            version: Self::VERSION,
            run,
            policy,
            model,
            seed,
            images: members.len(),
            detail: drawn.detail,
            strata: strata.collect(),
            sample: sample.collect(),
        }
    }

    /// The empty sheet: UTF-8, with a mark of it where a name needs one, since spreadsheets take
    /// anything else for the machine's own encoding.
    ///
    /// # Errors
    /// Never in practice: writing to memory.
    pub fn sheet(&self) -> Result<Vec<u8>, csv::Error> {
        let ascii = self.sample.iter().all(|one| one.image.is_ascii());
        let start = if ascii { Vec::new() } else { "\u{feff}".as_bytes().to_vec() };
        let mut sheet =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(start);
        sheet.write_record(COLUMNS)?;
        for one in &self.sample {
            sheet.write_record([cell(&one.image).as_str(), "", ""])?;
        }
        sheet.into_inner().map_err(|error| error.into_error().into())
    }

    /// Whether the file hangs together: every drawn image is of a part that exists.
    pub fn is_sound(&self) -> bool {
        let known = |image: &PlannedImage| image.stratum < self.strata.len();
        self.version == Self::VERSION && self.sample.iter().all(known)
    }

    /// Finds the place of an image by what a sheet calls it.
    pub fn place(&self, name: &str) -> Option<usize> {
        let is = |name: &str| self.sample.iter().position(|one| one.image == name);
        is(name).or_else(|| is(name.strip_prefix("./")?))
    }
}

/// A path as a cell. A spreadsheet takes what begins with one of these signs for a formula and runs
/// it; `./` before a relative path is the same file.
fn cell(image: &str) -> String {
    if image.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("./{image}")
    } else {
        image.to_owned()
    }
}

/// Where the plan of a sheet lies: `sheet.csv` has `sheet.audit.json`.
pub fn plan_path(sheet: &Path) -> PathBuf {
    sheet.with_extension("audit.json")
}

#[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
fn weight(images: usize, sampled: usize) -> f64 {
    if sampled == 0 { 0.0 } else { images as f64 / sampled as f64 }
}
