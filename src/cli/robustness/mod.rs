//! `praetor robustness`: do verdicts stay when pictures are compressed, scaled, or attacked?

mod runs;
mod text;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::Serialize;

use self::runs::Runs;
use super::inputs::{Inputs, Unread};
use super::judging::{Format, JudgingArgs};
use super::policy::PolicyArgs;
use super::{Ending, Failure, Outcome, style};
use crate::constitution::Policy;
use crate::dataset::{Dataset, Label, Mistake, Options};
use crate::imaging::{Decoded, Picture};
use crate::pipeline::stream::decode_ahead;
use crate::pipeline::{JudgeError, Judging};
use crate::robustness::square::{Goal, Seen, Square, attack};
use crate::robustness::{
    Attacks, Known, Perturbation, Robustness, Spared, is_right, perturbed, seed_of,
};
use crate::verdict::{Conclusion, Verdict};

/// Change pictures as the world does (JPEG, scaling, noise), and show which verdicts change with them
///
/// Each image is judged as it is and under every perturbation; none of them changes what a picture shows,
/// so that each other verdict is a fault. `png` is the control: it changes no pixel and must turn nothing.
/// With labels it also gives UnsafeBench's robust accuracy: of the images that were right before, the
/// share that still is.
///
/// `--attack square` looks for a change by asking again and again, through the score alone. The white-box
/// attacks of UnsafeBench (FGSM, PGD, DeepFool) need a model's gradients, which neither a GGUF file nor
/// an ONNX classifier gives. Exit codes: 0 done, 1 images undetermined or not readable, or the control has
/// turned a verdict, 2 usage or constitution error, 3 model or input not opened.
#[derive(Debug, Args)]
pub(super) struct RobustnessCommand {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    changes: ChangeArgs,
    #[command(flatten)]
    judging: JudgingArgs,
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
    /// (smaller and back), crop:SHARE (the middle), blur:PIXELS, grey, mirror, text:WORDS
    /// [default: png, noise at 0.01, 0.05 and 0.2, jpeg at 90, 75, 50 and 30, and one of each other]
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    perturb: Vec<Perturbation>,
    /// Where chance begins; the same seed gives the same pictures
    #[arg(long, value_name = "N", default_value_t = 2023)]
    seed: u64,
    /// What people say of the images, for robust accuracy: a dataset as `praetor eval` takes it; sources, or
    /// else sets, are counted apart
    #[arg(long, value_name = "DATASET")]
    labels: Option<PathBuf>,
    /// Attack each image that is settled, and right where it is labelled, through its score
    #[arg(long, value_enum, value_name = "ATTACK")]
    attack: Option<Attack>,
    /// How often an attack may ask the judge of one image
    #[arg(long, value_name = "N", default_value_t = 100, requires = "attack",
          value_parser = clap::value_parser!(u32).range(1..))]
    queries: u32,
    /// How far an attack may move a channel, in levels of 255; UnsafeBench's 0.01 is 0.7 of one
    #[arg(long, value_name = "LEVELS", default_value_t = 8, requires = "attack",
          value_parser = clap::value_parser!(u8).range(1..))]
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
    seed: u64,
    #[serde(flatten)]
    robustness: Robustness,
    attack: Option<Attacks>,
}

/// What people say, by the file's full path.
type Labelled = BTreeMap<PathBuf, Known>;

impl RobustnessCommand {
    pub(super) fn run(mut self) -> Outcome {
        if self.changes.perturb.is_empty() {
            self.changes.perturb = Perturbation::standard();
        }
        let policy = self.policy.load_for(self.judging.stages.knows_names_only())?;
        let labelled = self.changes.labelled(&policy)?;
        let (found, failed) = self.measure(&policy, &labelled)?;
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&found)?)?,
            Format::Text => write!(out, "{}", text::page(&found))?,
        }
        let robustness = &found.robustness;
        let open = robustness.undetermined + failed > 0 || robustness.control_flipped();
        Ok(if open { Ending::Unsettled } else { Ending::Done })
    }

    fn measure(&self, policy: &Policy, labelled: &Labelled) -> Result<(Found, usize), Failure> {
        let (tasks, count) = self.inputs.tasks(&self.judging.limits);
        let models = self.judging.load()?;
        let way = self.judging.stages.join(policy, &models)?;
        let images = count.map(|count| count.saturating_mul(self.changes.judgings()));
        let bill = models.remote.as_ref().map(|remote| &remote.bill);
        let about = bill.map(|bill| bill.before(images, way.questions())).transpose()?;
        if !self.quiet {
            style::notes(&self.judging.stages.notes(&way, &models))?;
            style::notes(about.as_slice())?;
        }
        let runs = self.out.as_ref().map(|path| {
            let mut more = self.policy.settings();
            more.insert("seed".to_owned(), self.changes.seed.to_string());
            more.insert("trace".to_owned(), true.to_string());
            let manifest = self.judging.manifest(policy, &models, more);
            Runs::create(path, &self.changes.perturb, &manifest)
        });
        let bar =
            if self.quiet { ProgressBar::hidden() } else { super::report::progress_bar(count) };
        let mut bench = Bench {
            changes: &self.changes,
            judging: way.judging(),
            robustness: Robustness::of(&self.changes.perturb),
            attacks: self.changes.attack.map(|_| Attacks::of(self.changes.square(0))),
            runs: runs.transpose()?,
            failure: None,
        };
        let mut unread = Unread::default();
        decode_ahead(tasks, |image, decoded| {
            match decoded {
                Ok(decoded) => bench.image(&image, &decoded, labelled)?,
                Err(error) => unread.add(&image, &error),
            }
            bar.inc(1);
            Ok(if bench.failure.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        bar.finish_and_clear();
        if let Some(failure) = bench.failure {
            return Err(failure);
        }
        unread.unless_read(bench.robustness.images)?;
        if !self.quiet {
            style::notes(&unread.notes())?;
            style::notes(&models.bill())?;
        }
        let found =
            Found { seed: self.changes.seed, robustness: bench.robustness, attack: bench.attacks };
        Ok((found, unread.notes().len()))
    }
}

impl ChangeArgs {
    /// The labels, where there are some. A row that can't be used has none; one that names a rule which the
    /// policy does not have ends the run, since it could never be found violated.
    fn labelled(&self, policy: &Policy) -> Result<Labelled, Failure> {
        let Some(path) = &self.labels else { return Ok(Labelled::new()) };
        let rules = Some(policy.rules.iter().map(|rule| rule.id.clone()).collect());
        let dataset = Dataset::open(path, &Options { rules, ..Options::default() })?;
        let mut labelled = Labelled::new();
        let mut first_bad = None;
        for row in dataset.examples()? {
            match row {
                Ok(example) => {
                    labelled.insert(full(Path::new(&example.name)), known(example.label));
                }
                Err(error) if matches!(error.mistake, Mistake::UnknownRule { .. }) => {
                    return Err(Failure::mistake(&error, None));
                }
                Err(error) => {
                    first_bad.get_or_insert(error);
                }
            }
        }
        match first_bad {
            Some(error) if labelled.is_empty() => Err(Failure::mistake(&error, None)),
            Some(error) => {
                style::notes(&[format!(
                    "some rows of the labels can't be used; the first: {error}"
                )])?;
                Ok(labelled)
            }
            None => Ok(labelled),
        }
    }

    /// How often an image is judged at most.
    fn judgings(&self) -> u64 {
        let attack = if self.attack.is_some() { u64::from(self.queries) } else { 0 };
        1 + self.perturb.len() as u64 + attack
    }

    fn square(&self, seed: u64) -> Square {
        Square { epsilon: self.epsilon, queries: self.queries, seed }
    }
}

/// What a label says, as far as it matters here: the source, or else the set, is counted apart.
fn known(label: Label) -> Known {
    let set = (!label.set.is_empty()).then(|| label.set.clone());
    Known { is_unsafe: label.is_unsafe(), source: label.source.or(set) }
}

/// A path by which a file is known however it was named; as it is where there is no such file.
fn full(path: &Path) -> PathBuf {
    fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Judges one image after the other in all its forms.
struct Bench<'a> {
    changes: &'a ChangeArgs,
    judging: &'a dyn Judging,
    robustness: Robustness,
    attacks: Option<Attacks>,
    runs: Option<Runs>,
    /// What ends the run: a verdict that can't be kept.
    failure: Option<Failure>,
}

impl Bench<'_> {
    fn image(
        &mut self,
        image: &str,
        decoded: &Decoded,
        labelled: &Labelled,
    ) -> Result<(), JudgeError> {
        let known = labelled.get(&full(Path::new(image))).cloned().unwrap_or_default();
        let before = self.judging.judge_image(image.to_owned(), Ok(decoded.clone()))?;
        self.keep(0, &before);
        self.robustness.add_image(&before);
        for (index, perturbation) in self.changes.perturb.iter().enumerate() {
            let after = match perturbed(decoded, perturbation, self.changes.seed) {
                Ok(changed) => Some(self.judging.judge_image(image.to_owned(), Ok(changed))?),
                // Counted as failed; the other perturbations go on.
                Err(_) => None,
            };
            if let Some(after) = &after {
                self.keep(index + 1, after);
            }
            self.robustness.add(index, &known, &before, after.as_ref());
        }
        self.attack(&known, decoded, &before)
    }

    fn keep(&mut self, run: usize, verdict: &Verdict) {
        if let Some(runs) = &mut self.runs
            && let Err(error) = runs.append(run, verdict)
        {
            self.failure.get_or_insert(error);
        }
    }

    fn attack(
        &mut self,
        known: &Known,
        decoded: &Decoded,
        before: &Verdict,
    ) -> Result<(), JudgeError> {
        let Some(attacks) = &mut self.attacks else { return Ok(()) };
        let (picture, goal, score) = match target(known, decoded, before) {
            Ok(target) => target,
            Err(why) => {
                attacks.spare(why);
                return Ok(());
            }
        };
        let wanted = match goal {
            Goal::Raise => Conclusion::Unsafe,
            Goal::Lower => Conclusion::Safe,
        };
        let settings = self.changes.square(seed_of(self.changes.seed, "square", picture));
        let attacked = attack(&picture.pixels, score, goal, settings, |pixels| {
            let pixels = std::sync::Arc::new(pixels.clone());
            let pictures = vec![Picture { pixels, ..picture.clone() }];
            let changed = Decoded { pictures, ..decoded.clone() };
            let verdict = self.judging.judge_image(before.image.clone(), Ok(changed))?;
            let score = verdict.score.map(crate::units::Probability::value);
            Ok::<_, JudgeError>(Seen { score, reached: verdict.verdict == wanted })
        })?;
        attacks.add(known, &attacked);
        Ok(())
    }
}

/// The picture to attack, which way its score is to go, and where that is; or why it is spared.
fn target<'a>(
    known: &Known,
    decoded: &'a Decoded,
    before: &Verdict,
) -> Result<(&'a Picture, Goal, f64), Spared> {
    let goal = match before.verdict {
        Conclusion::Safe => Goal::Raise,
        Conclusion::Unsafe => Goal::Lower,
        Conclusion::Undetermined | Conclusion::Failed => return Err(Spared::Undetermined),
    };
    if known.is_unsafe.is_some() && !is_right(known, before.verdict) {
        return Err(Spared::Wrong);
    }
    let [picture] = decoded.pictures.as_slice() else { return Err(Spared::Animated) };
    let score = before.score.ok_or(Spared::NoScore)?;
    Ok((picture, goal, score.value()))
}
