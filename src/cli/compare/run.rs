//! Running the judges that are not run folders yet, one after the other.
//!
//! Each writes an ordinary run folder with every number behind its verdicts, to be kept or, without
//! `--out`, to be forgotten at the end. A model is gone before the next is loaded.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::word::JudgeWord;
use crate::cli::inputs::{Unread, tasks_of};
use crate::cli::judging::JudgingArgs;
use crate::cli::policy::PolicyArgs;
use crate::cli::{Failure, report, style};
use crate::constitution::Policy;
use crate::imaging::{Source, shown};
use crate::pipeline::stream::judge_all;
use crate::store::{Run, RunFolder};
use crate::verdict::Conclusion;

/// What judges that are run now have in common.
pub(super) struct Bench<'a> {
    pub(super) policy: &'a Policy,
    pub(super) policy_args: &'a PolicyArgs,
    pub(super) images: &'a [Source],
    pub(super) quiet: bool,
}

impl Bench<'_> {
    /// Runs one judge into a folder.
    pub(super) fn judge(
        &self,
        word: &JudgeWord,
        judging: &JudgingArgs,
        folder: &Path,
    ) -> Result<Run, Failure> {
        let models = judging.load()?;
        let way = judging.stages.join(self.policy, &models)?;
        let mut settings = self.policy_args.settings();
        settings.insert("trace".to_owned(), true.to_string());
        let manifest = judging.manifest(self.policy, &models, settings);
        let mut run = RunFolder::create(folder, &manifest)?;
        let bar = if self.quiet {
            indicatif::ProgressBar::hidden()
        } else {
            let notes = judging.stages.notes(&way, &models);
            let named = |note: &String| format!("{}: {note}", shown(&word.name));
            style::notes(&notes.iter().map(named).collect::<Vec<_>>())?;
            report::progress_bar(Some(self.images.len() as u64))
        };
        let limits = judging.limits.limits();
        let images = self.images.to_vec();
        let tasks = images.into_iter().flat_map(move |source| tasks_of(Ok(source), &limits));
        let mut failure = None;
        let mut unread = Unread::default();
        let mut read = 0;
        judge_all(way.judging(), tasks, |verdict| {
            bar.inc(1);
            match &verdict.error {
                Some(error) if verdict.verdict == Conclusion::Failed => {
                    unread.add(&verdict.image, error);
                }
                _ => read += 1,
            }
            match run.append(&verdict) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        bar.finish_and_clear();
        if let Some(error) = failure {
            return Err(error.into());
        }
        unread.unless_read(read)?;
        if !self.quiet {
            style::notes(&unread.notes())?;
        }
        Ok(Run::open(folder)?)
    }
}

/// Where runs are written: a folder that is kept, or one that goes with this value.
pub(super) struct Archive {
    path: PathBuf,
    kept: bool,
}

impl Archive {
    /// The folder that is kept, or a new one among the system's temporary files that only this user may
    /// look into.
    pub(super) fn open(kept: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = kept {
            return Ok(Self { path: path.to_owned(), kept: true });
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        let name = format!("praetor-compare-{}-{now}", std::process::id());
        let path = std::env::temp_dir().join(name);
        make_private(&path)?;
        Ok(Self { path, kept: false })
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Where a judge's run goes.
    pub(super) fn place(&self, folder: &str) -> PathBuf {
        self.path.join(folder)
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        if !self.kept {
            // What can't be removed is left to the system.
            let _ = fs_err::remove_dir_all(&self.path);
        }
    }
}

#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> std::io::Result<()> {
    fs_err::create_dir(path)
}
