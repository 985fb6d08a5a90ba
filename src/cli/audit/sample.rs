//! `praetor audit sample`: draws images for people to label.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::text;
use crate::cli::number::at_least_one;
use crate::cli::{Ending, Failure, Outcome, style};
use crate::imaging::shown;
use crate::store::Run;
use crate::workbench::audit::Population;
use crate::workbench::audit::draw::draw;
use crate::workbench::audit::sheet::{Plan, plan_path};

/// Draw images of a run for people to label, as a sheet that opens in a spreadsheet
///
/// The sheet says nothing of what praetor found, so that it does not sway who labels. How it was
/// drawn is kept beside it in a file ending in `.audit.json`; keep the two together.
#[derive(Debug, Args)]
pub(in crate::cli) struct Sample {
    /// The run folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// How many images to draw; 150 to 450 tell most
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = at_least_one::<u32>)]
    size: u32,
    /// The same seed draws the same images
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The sheet to write; nothing is written over
    #[arg(short, long, value_name = "CSV")]
    out: PathBuf,
}

impl Sample {
    pub(in crate::cli) fn run(self) -> Outcome {
        let run = Run::open(&self.run)?;
        let population = Population::read(&run)?;
        if population.members.is_empty() {
            return Err(Failure::Unopened(miette::miette!(
                help = "its `verdicts.jsonl` says of each image why",
                "the run `{}` holds no image that was judged",
                shown(&self.run)
            )));
        }
        let plan_file = plan_path(&self.out);
        for path in [&self.out, &plan_file] {
            not_taken(path)?;
        }
        let drawn = draw(&population.members, self.size as usize, self.seed);
        // The sheet may be read from another folder.
        let path = fs_err::canonicalize(run.path())?;
        let made_by = (path, run.manifest.policy, run.manifest.model.clone());
        let plan = Plan::new(made_by, &population.members, &drawn, self.seed);
        let sheet = plan.sheet().map_err(io::Error::other)?;
        fs_err::write(&plan_file, crate::cli::tune::json(&plan)?)?;
        fs_err::write(&self.out, sheet)?;
        style::notes(&population.notes())?;
        let text = text::drawn(&plan, &population, (&self.out, &plan_file));
        io::stdout().lock().write_all(text.as_bytes())?;
        Ok(Ending::Done)
    }
}

/// Labels are work; a sheet that may hold some is never written over.
fn not_taken(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::Input(miette::miette!(
            help = "name another file, or move that one away",
            "`{}` is there already and may hold labels",
            shown(path)
        )));
    }
    Ok(())
}
