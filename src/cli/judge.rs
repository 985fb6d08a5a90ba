//! `praetor judge`: many images, one verdict each.

use std::ops::ControlFlow;
use std::time::Instant;

use clap::Args;

use super::inputs::Inputs;
use super::jobs::JobsArgs;
use super::judging::JudgingArgs;
use super::policy::PolicyArgs;
use super::remote::{BatchArgs, Remote};
use super::report::{OutputArgs, Report};
use super::stages::Models;
use super::{Failure, Outcome, style};
use crate::constitution::Policy;
use crate::pipeline::stream::judge_all;
use crate::store::RunFolder;

/// Judge images: files, folders, globs, or `-` for a list on standard input
///
/// Each image becomes one JSON line, or one row of a table on a terminal. A file that can't be
/// read becomes a line with its error, and the run goes on. Exit codes: 0 done, 1 some images
/// undetermined or not readable, 2 usage or constitution error, 3 model or input not opened.
#[derive(Debug, Args)]
pub(super) struct Judge {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    judging: JudgingArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    #[command(flatten)]
    batch: BatchArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Judge {
    pub(super) fn run(mut self) -> Outcome {
        self.judging.model.by_batch(self.batch.clone());
        self.judging.model.at_once(self.jobs);
        let policy = self.policy.load_for(self.judging.stages.knows_names_only())?;
        let (tasks, count) = self.inputs.tasks(&self.judging.limits);
        let models = self.judging.load()?;
        let way = self.judging.stages.join(&policy, &models)?;
        let bill = models.remote.as_ref().map(|remote| &remote.bill);
        let about = bill.map(|bill| bill.before(count, way.questions())).transpose()?;
        let folder = self.create_folder(&policy, &models)?;
        if !self.output.quiet {
            style::notes(&self.judging.stages.notes(&way, &models))?;
            style::notes(about.as_slice())?;
        }
        let mut report = Report::new(&self.output, folder, &policy, count);
        let started = Instant::now();
        let mut failure = None;
        let judged = judge_all(way.judging(), self.jobs.at_once(), tasks, |verdict| {
            match report.take(verdict) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        // Whatever stopped the run, what was judged and what it cost is kept and shown.
        report.finish(started.elapsed(), way.spent(), bill);
        judged?;
        let standing = models.remote.as_ref().map(Remote::hand_in).transpose()?.flatten();
        if !self.output.quiet {
            style::notes(standing.as_slice())?;
            style::notes(models.remote.as_ref().and_then(Remote::farewell).as_slice())?;
        }
        failure.map_or(report.summary.ending(), Err)
    }

    fn create_folder(
        &self,
        policy: &Policy,
        models: &Models,
    ) -> Result<Option<RunFolder>, Failure> {
        let Some(path) = &self.output.out else { return Ok(None) };
        let mut more = self.policy.settings();
        more.insert("trace".to_owned(), self.output.trace.to_string());
        let manifest = self.judging.manifest(policy, models, more);
        Ok(Some(RunFolder::create(path, &manifest)?))
    }
}
