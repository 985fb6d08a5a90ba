//! Where the time of a new image and its questions goes, what is saved of it where the image was kept
//! in an earlier run, and what llama.cpp's settings do to it.
//!
//! `cargo bench --bench settings` measures the demo model; `-- MODEL.gguf MMPROJ.gguf [ROUNDS]` any
//! other. Settings take turns, so that a busy moment hits each alike; one is loaded at a time, since
//! the threads of several would wait for work on each other's cores.

#![expect(clippy::print_stdout, reason = "the tables are what a bench is for")]

#[path = "common/median.rs"]
mod median;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use praetor::cache::Cache;
use praetor::imaging::View;
use praetor::prompts::Prompts;
use praetor::vlm::Vlm;
use praetor::vlm::llama::{LlamaOptions, LlamaVlm, Spent, Tuning, demo};

use self::median::median;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const ROUNDS: u32 = 15;
/// Questions of an image for which stages are shown, and settings compared.
const QUESTIONS: [usize; 4] = [1, 8, 32, 128];
const COMPARED: usize = 32;
/// How often each setting has its turn.
const TURNS: u32 = 3;

fn main() -> Outcome<()> {
    let given: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let options = match given.as_slice() {
        [model, projector, ..] => LlamaOptions::new(model, projector),
        _ => demo::unpack(&std::env::temp_dir().join("praetor-bench"))?,
    };
    let rounds = given.get(2).map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    println!("{}, {rounds} rounds, medians; every image is new\n", options.name);
    stages(&LlamaVlm::load(options.clone(), Prompts::built_in()?)?, rounds)?;
    println!();
    kept(&options, rounds)?;
    println!();
    settings(&options, rounds)
}

/// One row a number of questions.
fn stages(model: &LlamaVlm, rounds: u32) -> Outcome<()> {
    let names = Spent::default().stages().map(|(name, _)| name);
    println!("| questions | {} | all |", names.join(" | "));
    println!("| --: | {}--: |", "--: | ".repeat(names.len()));
    for count in QUESTIONS {
        let mut stages: Vec<Vec<Duration>> = vec![Vec::new(); names.len()];
        let mut whole = Vec::new();
        for round in 0..rounds {
            let before = model.spent()?;
            whole.push(ask(model, round, count)?);
            let spent = model.spent()?.since(before).stages();
            for (times, (_, time)) in stages.iter_mut().zip(spent) {
                times.push(time);
            }
        }
        let cells: Vec<String> =
            stages.into_iter().map(|times| milliseconds(median(times))).collect();
        println!("| {count} | {} | {} |", cells.join(" | "), milliseconds(median(whole)));
    }
    Ok(())
}

/// One row a number of questions: an image that is new beside one that is on disk.
fn kept(options: &LlamaOptions, rounds: u32) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let load = || -> Outcome<LlamaVlm> {
        let cache = Arc::new(Cache::open(folder.path(), u64::MAX)?);
        Ok(LlamaVlm::load(options.clone(), Prompts::built_in()?)?.keeping_images(cache))
    };
    println!("| questions | new image | kept image | new / kept |\n| --: | --: | --: | --: |");
    for count in QUESTIONS {
        Cache::open(folder.path(), u64::MAX)?.clear()?;
        let run = |model: &LlamaVlm| {
            (0..rounds).map(|round| ask(model, round, count)).collect::<Outcome<Vec<Duration>>>()
        };
        let new = median(run(&load()?)?);
        let again = load()?;
        let kept = median(run(&again)?);
        if again.encoded_images()? > 0 {
            return Err("an image that was kept was encoded again".into());
        }
        let ratio = new.as_secs_f64() / kept.as_secs_f64();
        println!("| {count} | {} | {} | {ratio:.2} |", milliseconds(new), milliseconds(kept));
    }
    Ok(())
}

/// One row a setting, beside the defaults.
fn settings(options: &LlamaOptions, rounds: u32) -> Outcome<()> {
    let plain = Tuning::default();
    let tuned = |tuning| LlamaOptions { tuning, ..options.clone() };
    let micro = |tokens: u32| tuned(Tuning { micro_batch: at_least_one(tokens), ..plain });
    let forks = |forks: u32| LlamaOptions { forks: at_least_one(forks), ..options.clone() };
    let one_thread = LlamaOptions { threads: NonZeroUsize::MIN, ..options.clone() };
    let variants = [
        ("defaults", options.clone()),
        ("without flash attention", tuned(Tuning { flash_attention: false, ..plain })),
        ("keys and values in eight bits", tuned(Tuning { quantised_cache: true, ..plain })),
        ("128 tokens at once, not 512", micro(128)),
        ("2,048 tokens at once", micro(2_048)),
        ("8 questions a batch, not 32", forks(8)),
        ("128 questions a batch", forks(128)),
        ("one thread", one_thread),
    ];
    let mut measured = variants.each_ref().map(|_| Vec::new());
    for turn in 0..TURNS {
        for ((_, options), times) in variants.iter().zip(&mut measured) {
            let model = LlamaVlm::load(options.clone(), Prompts::built_in()?)?;
            // The first one also pays for memory that is touched for the first time.
            ask(&model, rounds, COMPARED)?;
            for round in (0..rounds).filter(|round| round % TURNS == turn) {
                times.push(ask(&model, round, COMPARED)?);
            }
        }
    }
    println!("| setting | {COMPARED} questions | beside the defaults |\n| --- | --: | --: |");
    let mut defaults = None;
    for ((name, _), times) in variants.iter().zip(measured) {
        let time = median(times);
        let beside = time.as_secs_f64() / defaults.get_or_insert(time).as_secs_f64();
        println!("| {name} | {} | {beside:.2} |", milliseconds(time));
    }
    Ok(())
}

/// A picture four times as wide as high: five tiles for models that cut pictures into tiles.
fn view(round: u32) -> View {
    let pixel = |x: u32, y: u32| image::Rgb([x + round, y, x ^ y].map(|value| (value & 255) as u8));
    View::whole(image::RgbImage::from_fn(512, 128, pixel))
}

/// Asks questions of an image that nobody has seen.
fn ask(model: &LlamaVlm, round: u32, count: usize) -> Outcome<Duration> {
    let view = view(round);
    let statements: Vec<String> =
        (0..count).map(|index| format!("object {index} is visible")).collect();
    let texts: Vec<&str> = statements.iter().map(String::as_str).collect();
    let began = Instant::now();
    model.visible(Some(&view), &texts)?;
    Ok(began.elapsed())
}

fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
