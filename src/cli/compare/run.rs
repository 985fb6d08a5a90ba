//! Running the judges that are not run folders yet, one after the other.
//!
//! Each writes an ordinary run folder with every number behind its verdicts, to be kept or, without
//! `--out`, to be forgotten at the end. A model is gone before the next is loaded.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;

use super::word::JudgeWord;
use crate::cli::inputs::{Unread, tasks_of};
use crate::cli::jobs::JobsArgs;
use crate::cli::judging::JudgingArgs;
use crate::cli::policy::PolicyArgs;
use crate::cli::{Failure, report, style};
use crate::constitution::Policy;
use crate::imaging::{Source, shown};
use crate::pipeline::Judging;
use crate::pipeline::stream::judge_all;
use crate::store::{Run, RunFolder};

/// What judges that are run now have in common.
pub(super) struct Bench<'a> {
    pub(super) policy: &'a Policy,
    pub(super) policy_args: &'a PolicyArgs,
    pub(super) images: &'a [Source],
    pub(super) jobs: JobsArgs,
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
        let bill = models.remote.as_ref().map(|remote| &remote.bill);
        let count = Some(self.images.len() as u64);
        let about = bill.map(|bill| bill.before(count, way.questions())).transpose()?;
        let mut run = RunFolder::create(folder, &manifest)?;
        self.note(word, judging.stages.notes(&way, &models).into_iter().chain(about))?;
        let bar = if self.quiet { ProgressBar::hidden() } else { report::progress_bar(count) };
        let judged = self.judge_all(way.judging(), judging, (&mut run, &bar));
        bar.finish_and_clear();
        // Whatever stopped the run, what it cost is kept.
        if let Some(bill) = bill {
            run.keep_spending(&bill.spending())?;
        }
        self.note(word, judged?.notes().into_iter().chain(models.bill()))?;
        Ok(Run::open(folder)?)
    }

    fn judge_all(
        &self,
        way: &dyn Judging,
        judging: &JudgingArgs,
        (run, bar): (&mut RunFolder, &ProgressBar),
    ) -> Result<Unread, Failure> {
        let limits = judging.limits.limits();
        let images = self.images.to_vec();
        let tasks = images.into_iter().flat_map(move |source| tasks_of(Ok(source), &limits));
        let mut failure = None;
        let mut unread = Unread::default();
        let mut read = 0;
        judge_all(way, self.jobs.at_once(), tasks, |verdict| {
            bar.inc(1);
            match &verdict.error {
                Some(error) => unread.add(&verdict.image, error),
                None => read += 1,
            }
            match run.append(&verdict) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(error) = failure {
            return Err(error.into());
        }
        unread.unless_read(read)?;
        Ok(unread)
    }

    fn note(&self, word: &JudgeWord, notes: impl Iterator<Item = String>) -> std::io::Result<()> {
        let notes: Vec<String> =
            notes.map(|note| format!("{}: {note}", shown(&word.name))).collect();
        if self.quiet { Ok(()) } else { style::notes(&notes) }
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
