//! `praetor compare`: several judges on the same images.

mod gallery;
mod labels;
mod run;
mod text;
mod word;

use std::ffi::OsString;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;

use clap::Args;
use clap::builder::Resettable;

use self::run::{Archive, Bench};
use self::word::{JudgeWord, What};
use super::dataset::ReadingArgs;
use super::inputs::Unread;
use super::jobs::JobsArgs;
use super::judging::{Format, JudgingArgs};
use super::policy::PolicyArgs;
use super::{Ending, Failure, Outcome, style};
use crate::eval::compare::{Comparison, JudgeFacts, Panel};
use crate::imaging::{Source, Sources, shown};
use crate::store::Run;

/// Hold several judges beside each other on the same images, with labels or without
///
/// A judge is a run folder that `praetor judge --out` has written, or a model that is run now, named as
/// `--model` takes it. `MODEL,MMPROJ` brings a projector, `MODEL+prior-knowledge` judges by another
/// method, `MODEL+without-region` without a stage, `classifier:q16,q16.onnx` is a conventional classifier
/// with its weights, and `NAME=` before any of it gives it a name. Images are joined by the hash of their
/// files.
///
/// Without labels it tells where judges agree beyond chance, who flags what, and where to look; who is
/// right, only labels can tell. Exit codes: 0 compared, 1 with `--fail-on-disagreement` where there is
/// any, 2 usage or constitution error, 3 a run, the model or the input could not be opened.
#[derive(Debug, Args)]
#[command(mut_arg("model", |model| model.hide(true).conflicts_with("judges")))]
#[command(mut_arg("classifier", |classifier| classifier.hide(true).conflicts_with("judges")))]
#[command(mut_arg("weights", |weights| weights.hide(true)))]
#[command(mut_arg("onnxruntime", |library| library.requires(Resettable::Reset)))]
#[command(mut_arg("mmproj", |mmproj| mmproj.help("The projector of judges that are GGUF files and bring none of their own")))]
pub(super) struct Compare {
    /// Run folders, or models to run: `runs/today`, `demo`, `demo+prior-knowledge`, `gpt=openai:gpt-4o`
    #[arg(required = true, num_args = 2.., value_name = "JUDGE", value_parser = JudgeWord::parse)]
    judges: Vec<JudgeWord>,
    /// Images for the models that are run: files, folders, globs, or `-` for a list [default: those of
    /// the first run folder among the judges]
    #[arg(short, long, num_args = 1.., value_name = "IMAGES", help_heading = "Models that are run")]
    images: Vec<OsString>,
    /// The constitution by which they judge
    #[arg(short, long, value_name = "YAML", help_heading = "Models that are run")]
    constitution: Option<PathBuf>,
    /// Its compiled form [default: the constitution's name with `.lock.yaml`]
    #[arg(
        long,
        value_name = "YAML",
        requires = "constitution",
        help_heading = "Models that are run"
    )]
    lock: Option<PathBuf>,
    /// Keep their runs below this folder, each in one of its name, to be read again
    #[arg(short, long, value_name = "FOLDER", help_heading = "Models that are run")]
    out: Option<PathBuf>,
    /// Compare runs that were made by different policies
    #[arg(long, help_heading = "Comparison")]
    allow_different_policies: bool,
    /// Labels, a dataset as `praetor eval` takes it, to tell who is right
    #[arg(long, value_name = "LABELS", help_heading = "Comparison")]
    labels: Option<PathBuf>,
    /// Exit with 1 if judges differ on any image, in conclusion or violated rules, or if an image could
    /// not be compared
    #[arg(long, help_heading = "Comparison")]
    fail_on_disagreement: bool,
    /// Write a gallery of the images they see differently, pictures blurred; a file of that name is
    /// replaced
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
    /// Images in the gallery at most
    #[arg(long, value_name = "N", default_value_t = 200, help_heading = "Output")]
    most_pictures: usize,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
    /// No progress bar and no notes
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    judging: JudgingArgs,
    #[command(flatten)]
    jobs: JobsArgs,
}

impl Compare {
    pub(super) fn run(mut self) -> Outcome {
        self.judging.model.at_once(self.jobs);
        let archive = Archive::open(self.out.as_deref())?;
        let runs = self.runs(&archive)?;
        let comparison = self.compare(&runs, &archive)?;
        if let Some(path) = &self.html {
            let page =
                gallery::page(&comparison, &runs, (self.most_pictures, &self.judging.limits))?;
            fs_err::write(path, page).map_err(|error| Failure::unopened(&error, None))?;
        }
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&comparison)?)?,
            Format::Text => write!(out, "{}", text::text(&comparison, self.html.as_deref()))?,
        }
        let differs = !comparison.is_unanimous() || comparison.left_out.images() > 0;
        Ok(if self.fail_on_disagreement && differs { Ending::Unsettled } else { Ending::Done })
    }

    /// A run for each judge, in their order: those that there are, and those of models that are run.
    fn runs(&self, archive: &Archive) -> Result<Vec<Run>, Failure> {
        // Everything that can be wrong is found before the first model is loaded.
        let mut known: Vec<Option<Run>> = Vec::new();
        for judge in &self.judges {
            known.push(match &judge.what {
                What::Run(path) => Some(Run::open(path)?),
                What::Model { .. } | What::Classifier { .. } => None,
            });
        }
        if known.iter().all(Option::is_some) {
            self.only_runs()?;
            let runs: Vec<Run> = known.into_iter().flatten().collect();
            let policies = runs.iter().zip(&self.judges);
            self.same_policy(policies.map(|(run, judge)| (run.manifest.policy, judge)))?;
            return Ok(runs);
        }
        let policy_args = self.policy_args()?;
        let asks = self.judges.iter().any(|judge| matches!(judge.what, What::Model { .. }));
        let policy = policy_args.load_for(!asks)?;
        self.same_policy(known.iter().zip(&self.judges).map(|(run, judge)| {
            (run.as_ref().map_or(policy.hash, |run| run.manifest.policy), judge)
        }))?;
        let places = self.places(archive)?;
        let images = self.sources(known.iter().flatten().next())?;
        let bench = Bench {
            policy: &policy,
            policy_args: &policy_args,
            images: &images,
            jobs: self.jobs,
            quiet: self.quiet,
        };
        let judges = self.judges.iter().zip(known).zip(places);
        judges
            .map(|((judge, run), place)| match run {
                Some(run) => Ok(run),
                None => bench.judge(judge, &self.judging_of(judge), &place),
            })
            .collect()
    }

    /// Flags for models that are run are a mistake where there is none.
    fn only_runs(&self) -> Result<(), Failure> {
        let given = [
            ("--images", !self.images.is_empty()),
            ("--constitution", self.constitution.is_some()),
            ("--out", self.out.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((flag, _)) => Err(Failure::Input(miette::miette!(
                code = "praetor::compare::nothing_to_run",
                help = "leave it away, or name a model among the judges, such as `demo`",
                "`{flag}` is for models that are run, and all judges are run folders"
            ))),
        }
    }

    fn policy_args(&self) -> Result<PolicyArgs, Failure> {
        let Some(constitution) = &self.constitution else {
            let model = self.judges.iter().find(|judge| judge.runs_now());
            return Err(Failure::Input(miette::miette!(
                code = "praetor::compare::no_constitution",
                help = "name the constitution with `-c YAML`, or a run folder as the judge",
                "`{}` is a model that would be run, and nothing says by which constitution",
                model.map(|judge| shown(&judge.name).to_string()).unwrap_or_default()
            )));
        };
        Ok(PolicyArgs::new(constitution.clone(), self.lock.clone()))
    }

    /// What is compared must be the judges; policies are for `praetor impact`.
    fn same_policy<'a>(
        &self,
        policies: impl Iterator<Item = (crate::ids::PolicyHash, &'a JudgeWord)>,
    ) -> Result<(), Failure> {
        let policies: Vec<_> = policies.collect();
        if self.allow_different_policies || policies.windows(2).all(|two| two[0].0 == two[1].0) {
            return Ok(());
        }
        let told: Vec<String> = policies
            .iter()
            .map(|(policy, judge)| format!("\n  {policy}  {}", shown(&judge.name)))
            .collect();
        Err(Failure::Input(miette::miette!(
            code = "praetor::compare::different_policies",
            help = "to see what an edit of a policy does, use `praetor impact OLD NEW IMAGES`; to compare \
                    these all the same, add `--allow-different-policies`",
            "the judges go by different policies, so that what differs may not be the judge:{}",
            told.concat()
        )))
    }

    /// Where each judge's run goes; none may be there yet.
    fn places(&self, archive: &Archive) -> Result<Vec<PathBuf>, Failure> {
        let mut places: Vec<PathBuf> = Vec::new();
        for judge in &self.judges {
            let name = judge.folder();
            let mut place = archive.place(&name);
            let mut number = 2;
            while places.contains(&place) {
                place = archive.place(&format!("{name}-{number}"));
                number += 1;
            }
            if judge.runs_now() && Run::open(&place).is_ok() {
                let help = format!(
                    "name that folder in the place of `{}` to read it again, or another folder with \
                     `--out`",
                    shown(&judge.name)
                );
                return Err(Failure::Unopened(miette::miette!(
                    code = "praetor::compare::occupied",
                    help = help,
                    "`{}` holds a run already, and is not written over",
                    shown(&place)
                )));
            }
            places.push(place);
        }
        Ok(places)
    }

    /// The images that are judged, the same for all: a list is read once.
    fn sources(&self, run: Option<&Run>) -> Result<Vec<Source>, Failure> {
        let mut images = Vec::new();
        if let (true, Some(run)) = (self.images.is_empty(), run) {
            images = judged(run)?;
        }
        let mut unread = Unread::default();
        for source in Sources::new(&self.images, BufReader::new(io::stdin())) {
            match source {
                Ok(source) => images.push(source),
                Err(error) => unread.note(shown(&error.to_string()).to_string()),
            }
        }
        if !self.quiet {
            style::notes(&unread.notes())?;
        }
        if images.is_empty() {
            return Err(Failure::Input(miette::miette!(
                code = "praetor::compare::no_images",
                help = "name files, folders or globs with `--images`",
                "there is no image to judge"
            )));
        }
        Ok(images)
    }

    /// The flags with the model, the method and the stages of one judge.
    fn judging_of(&self, judge: &JudgeWord) -> JudgingArgs {
        match &judge.what {
            What::Run(_) => self.judging.clone(),
            What::Model { model, mmproj, variations } => {
                self.judging.with_judge(model, mmproj.clone(), variations)
            }
            What::Classifier { classifier, weights } => {
                self.judging.with_classifier(classifier, weights)
            }
        }
    }

    fn compare(&self, runs: &[Run], archive: &Archive) -> Result<Comparison, Failure> {
        let mut panel = Panel::new(runs.len());
        let mut facts = Vec::new();
        for (place, (run, judge)) in runs.iter().zip(&self.judges).enumerate() {
            let mut verdicts = run.verdicts()?;
            let mut judged = 0;
            for verdict in verdicts.by_ref() {
                panel.add(place, &verdict?);
                judged += 1;
            }
            let kept = !judge.runs_now() || archive.is_kept();
            facts.push(JudgeFacts {
                name: judge.name.clone(),
                run: kept.then(|| run.path().to_string_lossy().into_owned()),
                model: run.manifest.model.clone(),
                constitution: run.manifest.constitution.clone(),
                policy: run.manifest.policy,
                cut_off: verdicts.cut_off(),
                cost_per_thousand: cost(run, judged),
            });
        }
        let read = |path| labels::read(path, &self.reading, runs, self.quiet);
        let truths = self.labels.as_deref().map(read).transpose()?;
        let comparison = Comparison::of(&panel, facts, truths.as_ref());
        if comparison.images == 0 {
            return Err(nothing_in_common(&comparison));
        }
        if !self.quiet {
            style::notes(&text::notes(&comparison, truths.as_ref()))?;
        }
        Ok(comparison)
    }
}

/// What a thousand images have cost, where a server with prices judged.
fn cost(run: &Run, images: u32) -> Option<f64> {
    let cost = run.spending()?.cost?;
    (images > 0).then(|| cost * 1_000.0 / f64::from(images))
}

/// The images of a run, where they lay; those inside of a Parquet file are that file, once.
fn judged(run: &Run) -> Result<Vec<Source>, Failure> {
    let mut images: Vec<Source> = Vec::new();
    for verdict in run.verdicts()? {
        let image = verdict?.image;
        let inside = image.split_once(".parquet#").map(|(before, _)| format!("{before}.parquet"));
        let file = Source::new(inside.as_ref().unwrap_or(&image));
        if inside.is_none() || images.last() != Some(&file) {
            images.push(file);
        }
    }
    Ok(images)
}

fn nothing_in_common(comparison: &Comparison) -> Failure {
    let judged: Vec<String> = comparison
        .judges
        .iter()
        .map(|judge| {
            let read = judge.verdicts - judge.repeated - judge.unread;
            format!("\n  {} has judged {read}", shown(&judge.facts.name))
        })
        .collect();
    let changed = comparison.left_out.changed;
    let help = if changed > 0 {
        format!("{changed} images have the same name and other content: judge the same files again")
    } else {
        "judge the same images with all of them: `praetor compare RUN MODEL -c YAML` judges those of the \
         run"
            .to_owned()
    };
    Failure::Unopened(miette::miette!(
        code = "praetor::compare::nothing_in_common",
        help = help,
        "no image was judged by all:{}",
        judged.concat()
    ))
}
