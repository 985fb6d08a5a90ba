//! What it costs to see an edit's impact on images that were judged before, beside judging them
//! anew.
//!
//! `cargo bench --bench impact` edits one rule of the demo constitution's first twelve in five ways,
//! on 200 pictures made of the examples; `-- 1000` takes so many. Decoding counts on both sides.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]

#[path = "common/examples.rs"]
mod examples;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use image::{RgbImage, imageops};
use praetor::cache::{Cache, DEFAULT_LIMIT_BYTES};
use praetor::constitution::{Constitution, Lock, Policy};
use praetor::encoder::cached::{CachedEncoder, CachedLocalizer};
use praetor::encoder::{DualEncoder, Localizer, demo as encoders};
use praetor::imaging::{Decoded, Fill};
use praetor::pipeline::stream::in_order;
use praetor::pipeline::{Judging, Pipeline};
use praetor::prompts::Prompts;
use praetor::verdict::{Conclusion, ImageError, Outcome as RuleOutcome, Verdict};
use praetor::vlm::Vlm;
use praetor::vlm::cached::CachedVlm;
use praetor::vlm::llama::{LlamaVlm, demo};

use self::examples::{examples, task};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// How long it took, and what came of it.
type Judged = (Duration, Vec<Verdict>);

/// Rules of the constitution that is edited.
const RULES: usize = 12;
const DEFAULT_IMAGES: usize = 200;

/// One rule of twelve, before and after. The demo model was trained on statements like the second
/// edit's; the third's is none, and leaves it undecided, so that it reasons.
const EDITS: [(&str, &str, &str); 5] = [
    ("a threshold of one rule", "reviewed: false", "reviewed: false"),
    ("another statement", "- a dog is visible\n", "- there is a dog\n"),
    ("the same, clumsily", "- a dog is visible\n", "- a dog is visible, big or small\n"),
    ("another alternative", "- a cat is visible\n", "- a bird is visible\n"),
    ("another object", "objects: [bomb]", "objects: [bomb, grenade]"),
];

struct Models {
    vlm: Box<dyn Vlm>,
    dual: Arc<dyn DualEncoder>,
    localizer: Box<dyn Localizer>,
}

fn main() -> Outcome<()> {
    let images = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let images = images.unwrap_or(DEFAULT_IMAGES);
    let folder = tempfile::tempdir()?;
    let pictures = pictures(&folder.path().join("in"), images)?;
    let old = policy(None)?;
    let plain = models(folder.path(), None)?;
    let cache = Arc::new(Cache::open(&folder.path().join("cache"), DEFAULT_LIMIT_BYTES)?);
    let kept = models(folder.path(), Some(&cache))?;

    let first = judged(&[&pipeline(&old, &kept)?], &pictures)?;
    println!("{images} pictures, {RULES} rules; judged once: {:.1} s", first.0.as_secs_f64());
    println!("| edit | judged anew | impact | ratio | asked | other verdicts |");
    println!("| --- | --: | --: | --: | --: | --: |");
    let again = judged(&[&pipeline(&old, &kept)?], &pictures)?;
    row("none: the run is made again", &first, &again, 0);
    for edit in EDITS {
        let new = policy(Some(edit))?;
        let anew = judged(&[&pipeline(&new, &plain)?], &pictures)?;
        let before = answers(&cache)?;
        let impact = judged(&[&pipeline(&old, &kept)?, &pipeline(&new, &kept)?], &pictures)?;
        row(edit.0, &anew, &impact, answers(&cache)? - before);
    }
    Ok(())
}

/// The last column holds the fast path against the plain one: M may differ by rounding, since other
/// questions were in the batch, and verdicts should not.
fn row(edit: &str, anew: &Judged, impact: &Judged, asked: u64) {
    let pairs = anew.1.iter().zip(&impact.1);
    let others = pairs.filter(|(plain, fast)| outcomes(plain) != outcomes(fast)).count();
    let (anew, impact) = (anew.0.as_secs_f64(), impact.0.as_secs_f64());
    let ratio = impact / anew;
    println!("| {edit} | {anew:.1} s | {impact:.1} s | {ratio:.3} | {asked} | {others} |");
}

fn answers(cache: &Cache) -> Outcome<u64> {
    Ok(cache.stats()?.kinds.iter().map(|(_, count, _)| count).sum())
}

fn outcomes(verdict: &Verdict) -> (Conclusion, Vec<RuleOutcome>) {
    (verdict.verdict, verdict.rules.iter().map(|rule| rule.outcome).collect())
}

/// Pictures of which no two are alike: the examples, mirrored, turned and brightened.
fn pictures(folder: &Path, count: usize) -> Outcome<Vec<PathBuf>> {
    fs_err::create_dir_all(folder)?;
    let examples = examples()?;
    let vary = |index: usize| -> Outcome<PathBuf> {
        let example = &examples[index % examples.len()];
        let mut picture: RgbImage = image::load_from_memory(&fs_err::read(example)?)?.into_rgb8();
        let round = index / examples.len();
        if round % 2 == 1 {
            imageops::flip_horizontal_in_place(&mut picture);
        }
        let darker = i32::try_from(round / 2)? - 16;
        let picture = imageops::brighten(&picture, darker);
        let path = folder.join(format!("{index:05}.png"));
        picture.save(&path)?;
        Ok(path)
    };
    (0..count).map(vary).collect()
}

/// The demo's policy of twelve rules, edited or not.
fn policy(edit: Option<(&str, &str, &str)>) -> Outcome<Policy> {
    let mut constitution = Constitution::load("constitutions/demo.yaml".as_ref())?;
    let mut lock = fs_err::read_to_string("constitutions/demo.lock.yaml")?;
    if let Some((_, before, after)) = edit {
        assert!(lock.contains(before), "{before}");
        lock = lock.replacen(before, after, 1);
    }
    let mut lock = Lock::parse(&lock)?;
    constitution.rules.truncate(RULES);
    lock.rules.retain(|entry| constitution.rules.iter().any(|rule| rule.id == entry.id));
    if edit.is_some_and(|(_, before, after)| before == after) {
        constitution.rules[0].settings.thresholds.accept_above_prior = Some(0.9);
    }
    Ok(Policy::new(&constitution, &lock)?)
}

fn models(folder: &Path, cache: Option<&Arc<Cache>>) -> Outcome<Models> {
    let vlm = LlamaVlm::load(demo::unpack(folder)?, Prompts::built_in()?)?;
    let dual = Arc::new(encoders::load()?);
    let localizer = encoders::localizer(Arc::clone(&dual));
    Ok(match cache {
        None => Models { vlm: Box::new(vlm), dual, localizer: Box::new(localizer) },
        Some(cache) => Models {
            vlm: Box::new(CachedVlm::new(vlm.keeping_images(Arc::clone(cache)), Arc::clone(cache))),
            dual: Arc::new(CachedEncoder::new(dual, Arc::clone(cache))),
            localizer: Box::new(CachedLocalizer::new(Box::new(localizer), Arc::clone(cache))),
        },
    })
}

fn pipeline<'models>(policy: &Policy, models: &'models Models) -> Outcome<Pipeline<'models>> {
    let pipeline = Pipeline::new(policy.clone(), &*models.vlm, &[])?;
    Ok(pipeline
        .with_relevance(&*models.dual, None)?
        .with_regions(&*models.localizer, Fill::default()))
}

/// Judges every picture by every pipeline; the last one's verdicts.
fn judged(pipelines: &[&Pipeline<'_>], pictures: &[PathBuf]) -> Outcome<Judged> {
    let started = Instant::now();
    let tasks: Vec<_> = pictures.iter().cloned().map(task).collect();
    let mut verdicts = Vec::new();
    let judge = |_, image: String, decoded: Result<Decoded, ImageError>| {
        let judge = |pipeline: &&Pipeline<'_>| pipeline.judge_image(image.clone(), decoded.clone());
        pipelines.iter().map(judge).collect::<Result<Vec<Verdict>, _>>()
    };
    in_order(NonZeroUsize::MIN, tasks.into_iter(), judge, |mut judged| {
        verdicts.extend(judged.pop());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((started.elapsed(), verdicts))
}
