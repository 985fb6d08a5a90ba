//! `praetor explain`: why one image got its verdict.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::judging::JudgingArgs;
use super::policy::PolicyArgs;
use super::{Ending, Failure, Outcome, style, tree};
use crate::constitution::Policy;
use crate::imaging::{Picture, shown};
use crate::report::explain_page;
use crate::verdict::{Conclusion, Verdict};

/// Show why an image gets its verdict, rule by rule
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The image
    image: PathBuf,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    judging: JudgingArgs,
    /// Show the numbers of clear rules too
    #[arg(long)]
    all: bool,
    /// Write the explanation as one HTML page too, with the picture blurred; a file of that name is
    /// replaced
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Explain {
    pub(super) fn run(self) -> Outcome {
        let policy = self.policy.load_for(self.judging.stages.knows_names_only())?;
        let (name, decoded) = self.judging.limits.decode(&self.image);
        let pictures = match &decoded {
            Ok(decoded) => decoded.pictures.clone(),
            Err(error) => return Err(Failure::Unopened(miette::miette!("{}", error.message))),
        };
        let models = self.judging.load()?;
        let way = self.judging.stages.join(&policy, &models)?;
        let verdict = way.judging().judge_image(name, decoded)?;
        // First, since whoever reads the tree may go before its end.
        if let Some(path) = &self.html {
            write_page(path, &verdict, &policy, &pictures)?;
        }
        write!(io::stdout(), "{}", tree::draw(&verdict, &policy, self.all))?;
        style::notes(&models.bill())?;
        Ok(match verdict.verdict {
            Conclusion::Undetermined | Conclusion::Failed => Ending::Unsettled,
            Conclusion::Safe | Conclusion::Unsafe => Ending::Done,
        })
    }
}

/// Writes the page and says where.
fn write_page(
    path: &Path,
    verdict: &Verdict,
    policy: &Policy,
    pictures: &[Picture],
) -> Result<(), Failure> {
    let page =
        explain_page(verdict, policy, pictures).map_err(|error| Failure::unopened(&error, None))?;
    fs_err::write(path, page).map_err(|error| Failure::unopened(&error, None))?;
    // Whoever does not listen to stderr has the page all the same.
    let _ = writeln!(io::stderr(), "wrote {}", shown(path));
    Ok(())
}
