//! What judging several images at a time gains, all stages running, beside one after another.
//!
//! `cargo bench --bench jobs` judges the example pictures by the demo constitution with 1, 2, … engines,
//! as many as there are cores, in turn, and compares the verdicts; `-- MODEL.gguf MMPROJ.gguf [ROUNDS]`
//! takes another model. No answer is kept.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]

#[path = "common/examples.rs"]
mod examples;
#[path = "common/median.rs"]
mod median;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use praetor::constitution::Policy;
use praetor::encoder::demo as encoders;
use praetor::ids::RuleId;
use praetor::imaging::Fill;
use praetor::pipeline::Pipeline;
use praetor::pipeline::stream::judge_all;
use praetor::prompts::Prompts;
use praetor::verdict::Conclusion;
use praetor::vlm::llama::{LlamaOptions, LlamaVlm, demo};

use self::examples::{examples, task};
use self::median::median;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What was concluded of each image, and by which rules.
type Verdicts = Vec<(Conclusion, Vec<RuleId>)>;

const ROUNDS: usize = 5;
/// How often each example is judged in a round.
const TIMES: usize = 2;

fn main() -> Outcome<()> {
    let given: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let folder = tempfile::tempdir()?;
    let options = match given.as_slice() {
        [model, projector, ..] => LlamaOptions::new(model, projector),
        _ => demo::unpack(folder.path())?,
    };
    let rounds = given.get(2).map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let examples = examples()?;
    let pictures: Vec<PathBuf> =
        examples.iter().cycle().take(TIMES * examples.len()).cloned().collect();
    let policy = Policy::load(Path::new("constitutions/demo.yaml"), None)?;
    let cores = std::thread::available_parallelism()?.get();
    let jobs = (0..).map(|power| 1 << power).take_while(|jobs| *jobs <= 2 * cores);
    let mut measured: Vec<(NonZeroUsize, Vec<Duration>)> =
        jobs.filter_map(NonZeroUsize::new).map(|jobs| (jobs, Vec::new())).collect();
    let mut first: Option<Verdicts> = None;
    let mut others = 0;
    for round in 0..=rounds {
        for (jobs, times) in &mut measured {
            let (time, verdicts) = judge(&options, &policy, *jobs, &pictures)?;
            let first = first.get_or_insert_with(|| verdicts.clone());
            others += first.iter().zip(&verdicts).filter(|(one, other)| one != other).count();
            // The first round pays for files that are read for the first time.
            if round > 0 {
                times.push(time);
            }
        }
    }
    println!(
        "{}, {} images, {rounds} rounds, medians, {cores} cores\n",
        options.name,
        pictures.len()
    );
    println!("| images at a time | images a second | beside one |\n| --: | --: | --: |");
    let mut one = None;
    for (jobs, times) in measured {
        let time = median(times).as_secs_f64();
        let rate = f64::from(u32::try_from(pictures.len())?) / time;
        println!("| {jobs} | {rate:.1} | {:.2} |", *one.get_or_insert(time) / time);
    }
    println!("\n{others} verdicts were others than in the first run");
    Ok(())
}

/// Loading is not counted.
fn judge(
    options: &LlamaOptions,
    policy: &Policy,
    jobs: NonZeroUsize,
    pictures: &[PathBuf],
) -> Outcome<(Duration, Verdicts)> {
    let options = LlamaOptions { engines: jobs, ..options.clone() };
    let model = LlamaVlm::load(options, Prompts::built_in()?)?;
    let encoder = Arc::new(encoders::load()?);
    let localizer = encoders::localizer(Arc::clone(&encoder));
    let pipeline = Pipeline::new(policy.clone(), &model, &[])?
        .with_relevance(&*encoder, None)?
        .with_regions(&localizer, Fill::default());
    let tasks: Vec<_> = pictures.iter().cloned().map(task).collect();
    let mut verdicts = Vec::new();
    let began = Instant::now();
    judge_all(&pipeline, jobs, tasks.into_iter(), |verdict| {
        verdicts.push((verdict.verdict, verdict.violated));
        ControlFlow::Continue(())
    })?;
    Ok((began.elapsed(), verdicts))
}
