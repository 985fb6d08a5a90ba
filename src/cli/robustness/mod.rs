//! `praetor robustness`: do verdicts stay when pictures are compressed, scaled, or attacked?

mod bench;
mod labels;
mod ledger;
mod runs;
mod sample;
mod text;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::Serialize;

use self::bench::Bench;
use self::labels::Labels;
use self::ledger::{Ledger, Under};
use self::runs::Runs;
use self::sample::Sample;
use self::walk::Walk;
use super::dataset::ReadingArgs;
use super::inputs::{Inputs, Unread};
use super::jobs::JobsArgs;
use super::judging::{Format, JudgingArgs};
use super::number::at_least_one;
use super::policy::PolicyArgs;
use super::stages::Models;
use super::way::Way;
use super::{Ending, Failure, Outcome, style};
use crate::constitution::Policy;
use crate::imaging::shown;
use crate::robustness::square::Square;
use crate::robustness::{Attacks, OverSeeds, Perturbation, Robustness};
use crate::store::Settings;

/// Change pictures as the world does (JPEG, scaling, noise), and show which verdicts change with them
///
/// Each image is judged as it is and under every perturbation; none of them changes what a picture shows,
/// so that each other verdict is a fault. `png` is the control: it changes no pixel and must turn nothing.
/// With labels it also gives UnsafeBench's robust accuracy: of the images that were right before, the
/// share that still is. `--sample 500 --seed 2023,2024,2025` samples as the paper does.
///
/// `--attack square` looks for a change by asking again and again, through the score alone. The white-box
/// attacks of UnsafeBench (FGSM, PGD, DeepFool) need a model's gradients, which neither a GGUF file nor
/// an ONNX classifier gives. Exit codes: 0 done, 1 images undetermined or not readable, a form of one not
/// judged, or the control has turned a verdict, 2 usage or constitution error, 3 model or input not opened.
#[derive(Debug, Args)]
pub(super) struct RobustnessCommand {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    changes: ChangeArgs,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    judging: JudgingArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    /// Keep every verdict: a run folder for the pictures as they are, and one a perturbation
    #[arg(short, long, value_name = "FOLDER", help_heading = "Output")]
    out: Option<PathBuf>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
    /// No progress bar
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

/// What is done to the pictures.
#[derive(Debug, Args)]
#[command(next_help_heading = "Perturbations")]
struct ChangeArgs {
    /// png, noise:EPSILON (in CLIP's normalised pixels; UnsafeBench has 0.01), jpeg:QUALITY, resize:SHARE
    /// (smaller and back), crop:SHARE (the middle), blur:PIXELS, grey, mirror, text:WORDS (without commas,
    /// which part the list)
    /// [default: png, noise at 0.01, 0.05 and 0.2, jpeg at 90, 75, 50 and 30, and one of each other]
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    perturb: Vec<Perturbation>,
    /// Where chance begins, for noise, the attack and the sample; the same seed gives the same. Of several,
    /// such as the paper's 2023,2024,2025, each is counted by itself, with mean and standard deviation
    #[arg(long, value_delimiter = ',', value_name = "N,..", default_value = "2023")]
    seed: Vec<u64>,
    /// Take so many images of each source that are judged right as they are, by chance; without labels so
    /// many in all. UnsafeBench takes 500
    #[arg(long, value_name = "K", value_parser = at_least_one::<u32>)]
    sample: Option<u32>,
    /// What people say of the images, for robust accuracy: a dataset as `praetor eval` takes it; sources, or
    /// else sets, are counted apart
    #[arg(long, value_name = "DATASET")]
    labels: Option<PathBuf>,
    /// Attack each image that is settled and, with labels, right by its own, through its score
    #[arg(long, value_enum, value_name = "ATTACK")]
    attack: Option<Attack>,
    /// How often an attack may ask the judge of one image
    #[arg(long, value_name = "N", default_value_t = 100, requires = "attack",
          value_parser = at_least_one::<u32>)]
    queries: u32,
    /// How far an attack may move a channel, in levels of 255; UnsafeBench's 0.01 is 0.7 of one
    #[arg(long, value_name = "LEVELS", default_value_t = 8, requires = "attack",
          value_parser = at_least_one::<u8>)]
    epsilon: u8,
}

/// An attack that needs nothing but answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Attack {
    /// Squares of chance, kept where they move the score (Andriushchenko et al. 2020)
    Square,
}

/// Everything that was found, as it is printed.
#[derive(Serialize)]
struct Found {
    /// How many images of each source were to be taken, if not all.
    sample: Option<u32>,
    /// Images that no sample could have, since they have no label.
    unlabelled: usize,
    seeds: Vec<Under>,
    over_seeds: Vec<OverSeeds>,
}

impl RobustnessCommand {
    pub(super) fn run(mut self) -> Outcome {
        self.changes.complete()?;
        self.judging.model.at_once(self.jobs);
        let policy = self.policy.load_for(self.judging.stages.knows_names_only())?;
        let (found, failed) = self.measure(&policy)?;
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&found)?)?,
            Format::Text => write!(out, "{}", text::page(&found))?,
        }
        let counted = || found.seeds.iter().map(|under| &under.robustness);
        let open =
            counted().any(|one| one.undetermined > 0 || one.any_failed() || one.control_flipped());
        Ok(if open || failed > 0 { Ending::Unsettled } else { Ending::Done })
    }

    fn measure(&self, policy: &Policy) -> Result<(Found, usize), Failure> {
        let (changes, limits) = (&self.changes, &self.judging.limits);
        let labels = self.labels(policy)?;
        let mut unread = Unread::default();
        let sample = changes.sample.map(|size| {
            let files = self.inputs.files(&mut unread);
            Sample::new(files, limits.limits(), labels.as_ref(), (size, &changes.seed), &mut unread)
        });
        let mut sample = sample.transpose()?;
        let models = self.judging.load()?;
        let way = self.judging.stages.join(policy, &models)?;
        let anew = self.anew(policy, &models)?;
        let all = match &sample {
            Some(_) => None,
            None => Some(self.inputs.tasks(limits)),
        };
        let count = all.as_ref().map_or(Some(0), |(_, count)| *count);
        let judgings = match &sample {
            Some(sample) => Some(sample.judgings(changes.forms())),
            None => count.map(|count| count.saturating_mul(1 + changes.forms())),
        };
        let bill = models.remote.as_ref().map(|remote| &remote.bill);
        let about = bill.map(|bill| bill.before(judgings, way.questions())).transpose()?;
        if !self.quiet {
            style::notes(&self.judging.stages.notes(&way, &models))?;
            style::notes(about.as_slice())?;
        }
        let judging = way.judging();
        let control = anew.as_ref().map_or(judging, Way::judging);
        let bench = Bench { changes, judging, control, labels: labels.as_ref() };
        let ledger = Ledger {
            perturbations: &changes.perturb,
            seeds: changes.seed.iter().map(|seed| changes.under(*seed)).collect(),
            runs: self.runs(policy, &models)?,
        };
        let hidden = ProgressBar::hidden();
        let bar = if self.quiet { hidden } else { super::report::progress_bar(count) };
        let at_once = self.jobs.at_once();
        let mut walk = Walk { bench, at_once, ledger, unread, judged: 0, bar };
        let walked = match (&mut sample, all) {
            (Some(sample), _) => walk.sample(sample),
            (None, all) => walk.all(all.into_iter().flat_map(|(tasks, _)| tasks)),
        };
        // Whatever stopped the run, what it cost is kept.
        if let (Some(runs), Some(bill)) = (&walk.ledger.runs, bill) {
            runs.keep_spending(&bill.spending())?;
        }
        walked?;
        let (seeds, unread) = walk.end()?;
        if !self.quiet {
            style::notes(&unread.notes())?;
            style::notes(&models.bill())?;
        }
        let found = Found {
            sample: changes.sample,
            unlabelled: sample.map_or(0, |sample| sample.unlabelled),
            over_seeds: changes.over_seeds(&seeds),
            seeds,
        };
        Ok((found, unread.notes().len()))
    }

    fn labels(&self, policy: &Policy) -> Result<Option<Labels>, Failure> {
        let labels = self.changes.labels.as_ref();
        labels.map(|path| Labels::read(path, &self.reading, policy, self.quiet)).transpose()
    }

    /// What judges the control, where that is none of what judges everything else.
    fn anew<'models>(
        &self,
        policy: &Policy,
        models: &'models Models,
    ) -> Result<Option<Way<'models>>, Failure> {
        let controlled = self.changes.perturb.iter().any(Perturbation::is_control);
        if controlled { self.judging.stages.join_anew(policy, models) } else { Ok(None) }
    }

    /// The folders that verdicts are kept in.
    fn runs(&self, policy: &Policy, models: &Models) -> Result<Option<Runs>, Failure> {
        let Some(path) = &self.out else { return Ok(None) };
        let mut more = self.policy.settings();
        more.insert("trace".to_owned(), true.to_string());
        more.extend(self.changes.settings());
        let manifest = self.judging.manifest(policy, models, more);
        Runs::create(path, &self.changes.perturb, &self.changes.seed, &manifest).map(Some)
    }
}

impl ChangeArgs {
    /// Fills in the usual perturbations, and refuses a seed or a perturbation that is named twice.
    fn complete(&mut self) -> Result<(), Failure> {
        if self.perturb.is_empty() {
            self.perturb = Perturbation::standard();
        }
        let mut names = BTreeMap::new();
        for one in &self.perturb {
            let name = runs::folder(one);
            if let Some(other) = names.insert(name.clone(), one) {
                return Err(Failure::Input(miette::miette!(
                    help = "name each perturbation once, and words that differ in more than punctuation; without \
                            a number the usual one is meant, as in `jpeg` for `jpeg:75`",
                    "the perturbations `{}` and `{}` have the same name, `{name}`",
                    shown(&other.to_string()),
                    shown(&one.to_string())
                )));
            }
        }
        let mut seen = BTreeSet::new();
        match self.seed.iter().find(|seed| !seen.insert(**seed)) {
            Some(twice) => Err(Failure::Input(miette::miette!(
                help = "name each seed once: the same seed gives the same figures, and no spread",
                "the seed {twice} is named twice"
            ))),
            None => Ok(()),
        }
    }

    /// How often an image is judged at most besides as it is.
    fn forms(&self) -> u64 {
        let attack = if self.attack.is_some() { u64::from(self.queries) } else { 0 };
        let random = self.perturb.iter().filter(|one| one.is_random()).count();
        let once = self.perturb.len() - random;
        once as u64 + self.seed.len() as u64 * (random as u64 + attack)
    }

    fn square(&self, seed: u64) -> Square {
        Square { epsilon: self.epsilon, queries: self.queries, seed }
    }

    /// Nothing counted yet under a seed.
    fn under(&self, seed: u64) -> Under {
        Under {
            seed,
            sample: None,
            robustness: Robustness::of(&self.perturb),
            attack: self.attack.map(|_| Attacks::of(self.square(seed))),
        }
    }

    /// What differs between the seeds; nothing where there is one.
    fn over_seeds(&self, seeds: &[Under]) -> Vec<OverSeeds> {
        if seeds.len() < 2 {
            return Vec::new();
        }
        let counted: Vec<_> = seeds.iter().map(|under| &under.robustness).collect();
        let mut over = OverSeeds::of(&counted, &self.perturb, self.sample.is_some());
        let attacks: Vec<_> = seeds.iter().filter_map(|under| under.attack.as_ref()).collect();
        over.extend(self.attack.map(|_| OverSeeds::of_attacks(&attacks, self.labels.is_some())));
        over
    }

    /// By name, for the runs' manifests.
    fn settings(&self) -> Settings {
        let seeds: Vec<String> = self.seed.iter().map(u64::to_string).collect();
        let sample = self.sample.map(|size| ("sample".to_owned(), size.to_string()));
        std::iter::once(("seed".to_owned(), seeds.join(","))).chain(sample).collect()
    }
}
