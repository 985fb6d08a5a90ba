//! `praetor explain`: why one image got its verdict.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::inputs::LimitArgs;
use super::model::ModelArgs;
use super::policy::PolicyArgs;
use super::stages::StageArgs;
use super::{Ending, Failure, Outcome, tree};
use crate::verdict::Conclusion;

/// Show why an image gets its verdict, rule by rule
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The image
    image: PathBuf,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    stages: StageArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Show the numbers of clear rules too
    #[arg(long)]
    all: bool,
}

impl Explain {
    pub(super) fn run(self) -> Outcome {
        let policy = self.policy.load()?;
        let (name, decoded) = self.limits.decode(&self.image);
        if let Err(error) = &decoded {
            return Err(Failure::Unopened(miette::miette!("{}", error.message)));
        }
        let models = self.stages.load(&self.model)?;
        let way = self.stages.join(&policy, &models)?;
        let verdict = way.judging().judge_image(name, decoded)?;
        write!(io::stdout(), "{}", tree::draw(&verdict, &policy, self.all))?;
        Ok(match verdict.verdict {
            Conclusion::Undetermined | Conclusion::Failed => Ending::Unsettled,
            Conclusion::Safe | Conclusion::Unsafe => Ending::Done,
        })
    }
}
