//! `praetor eval`: verdicts held against labels, and the ablation of the stages.

mod ablation;
mod run;
mod text;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::dataset::{DatasetArgs, Overview};
use super::jobs::JobsArgs;
use super::judging::{Format, JudgingArgs};
use super::policy::PolicyArgs;
use super::{Ending, Failure, Outcome, style};
use crate::constitution::Policy;
use crate::dataset::Dataset;
use crate::dataset::survey::Found;
use crate::eval::effectiveness::{
    Bootstrap, Consulted, Effectiveness, Judged, REPLICATES, category_rule,
};
use crate::ids::RuleId;
use crate::report::{About, eval_page};

/// Hold verdicts against labels: F1 by category and source and their gap, per-rule recall, scores
///
/// DATASET is read as `praetor data` shows it. Undetermined and failed images have a column of their
/// own and are never counted as right. Intervals are 95 %, from images drawn anew within each
/// source. Exit codes: 0 done, 1 some rows or images could not be used, 2 usage, labels or
/// constitution, 3 model or files.
#[derive(Debug, Args)]
pub(super) struct Eval {
    #[command(flatten)]
    dataset: DatasetArgs,
    /// Compare CLUE with the paper's baselines, and with itself without each of its stages
    #[arg(long, conflicts_with_all = ["run", "out", "html", "by_category", "format", "jobs", "classifier"])]
    ablation: bool,
    /// Score this run of `praetor judge --out` or `praetor eval --out` instead of judging
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    run: Option<PathBuf>,
    /// Judge each image only by the rule that is named like its category, as UnsafeBench does
    #[arg(long)]
    by_category: bool,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    judging: JudgingArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Keep the verdicts in this folder: `manifest.json` and `verdicts.jsonl`
    #[arg(short, long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Keep every number behind each verdict, for `praetor tune`
    #[arg(long, requires = "out")]
    trace: bool,
    /// Write the page: one file that works offline; a file of that name is replaced
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// How often images are drawn anew for the intervals
    #[arg(long, value_name = "N", default_value_t = REPLICATES)]
    replicates: usize,
    /// Which draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// No progress bar
    #[arg(short, long)]
    quiet: bool,
}

/// The images of a dataset with their verdicts, and what could not be used.
struct Gathered {
    judged: Vec<Judged>,
    /// What judged: the model's name and the method.
    judge: String,
    bad_rows: Found,
    /// Images that could not be read.
    unread: Found,
    /// Images of the dataset of which the run, or the judge, says nothing.
    unjudged: Found,
    /// The rules that the judge has said something of.
    known: BTreeSet<RuleId>,
    notes: Vec<String>,
}

/// What is written as JSON.
#[derive(Serialize)]
struct Document<'all> {
    praetor: &'static str,
    #[serde(flatten)]
    about: &'all About,
    consulted: Consulted,
    bad_rows: &'all Found,
    unread_images: &'all Found,
    unjudged_images: &'all Found,
    effectiveness: &'all Effectiveness,
}

impl Eval {
    pub(super) fn run(mut self) -> Outcome {
        self.judging.model.at_once(self.jobs);
        let policy = self.policy.load_for(self.judging.stages.knows_names_only())?;
        let dataset = self.dataset.open(Some(&policy))?;
        let overview = Overview::of(&dataset)?;
        if self.ablation {
            return ablation::run(&self, &policy, &dataset, overview.rows);
        }
        if self.by_category {
            every_category_has_a_rule(&overview, &policy)?;
        }
        let gathered = match &self.run {
            Some(folder) => run::read(folder, &dataset, (&policy, self.consulted()))?,
            None => run::judge(&self, &dataset, &policy, overview.rows)?,
        };
        if !self.output.quiet {
            style::notes(&gathered.notes)?;
        }
        self.report(&dataset, &policy, &gathered)
    }

    fn consulted(&self) -> Consulted {
        if self.by_category { Consulted::CategoryRule } else { Consulted::AllRules }
    }

    fn report(&self, dataset: &Dataset, policy: &Policy, gathered: &Gathered) -> Outcome {
        let bootstrap = Bootstrap { replicates: self.output.replicates, seed: self.output.seed };
        let effectiveness = Effectiveness::of(&gathered.judged, bootstrap);
        let about = About {
            dataset: dataset.path().display().to_string(),
            format: dataset.format().to_string(),
            constitution: policy.name.clone(),
            policy: policy.hash,
            judge: gathered.judge.clone(),
            by_category: self.by_category,
        };
        let troubles = [&gathered.bad_rows, &gathered.unread, &gathered.unjudged];
        if let Some(file) = &self.output.html {
            let left_out: usize = troubles.iter().map(|found| found.count).sum();
            let page = eval_page(&effectiveness, &about, left_out)
                .map_err(|error| Failure::unopened(&error, None))?;
            fs_err::write(file, page)?;
        }
        let mut out = io::stdout().lock();
        match self.output.format {
            Format::Text => {
                write!(out, "{}", text::all(&effectiveness, &about))?;
                write!(out, "{}", text::troubles(troubles, self.by_category))?;
            }
            Format::Json => {
                let document = Document {
                    praetor: env!("CARGO_PKG_VERSION"),
                    about: &about,
                    consulted: self.consulted(),
                    bad_rows: &gathered.bad_rows,
                    unread_images: &gathered.unread,
                    unjudged_images: &gathered.unjudged,
                    effectiveness: &effectiveness,
                };
                writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
            }
        }
        let all_used = troubles.iter().all(|found| found.count == 0);
        Ok(if all_used { Ending::Done } else { Ending::Unsettled })
    }
}

fn every_category_has_a_rule(overview: &Overview, policy: &Policy) -> Result<(), Failure> {
    let rules = || policy.rules.iter().map(|rule| &rule.id);
    let has_none = |category: &&String| category_rule(category, rules()).is_none();
    let lacking: Vec<&str> =
        overview.categories.iter().filter(has_none).map(String::as_str).collect();
    if overview.categories.is_empty() {
        return Err(Failure::Input(miette::miette!(
            help = "say which column holds them with `--column category=NAME`",
            "`--by-category` needs categories, and no image has one"
        )));
    }
    let Some(first) = lacking.first() else { return Ok(()) };
    let known: Vec<&str> = rules().map(crate::ids::RuleId::as_str).collect();
    Err(Failure::Input(miette::miette!(
        help = format!(
            "say which rule it is with `--label '{first}=category:RULE'`; the rules are {}",
            known.join(", ")
        ),
        "the constitution has no rule for the category `{}`",
        lacking.join("`, `")
    )))
}
