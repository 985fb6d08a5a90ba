//! What the demo encoder costs, and how good the boxes of its patches are.
//!
//! `cargo bench --bench encoder` prints milliseconds an image; with the folder of the demo model
//! tool's ablation scenes behind it (`-- WORK/ablation`) also how many things that are not there
//! get a box, and how many of those that are there are found.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;
use praetor::encoder::{DualEncoder, Found, Localizer, PatchLocalizer, Tiling, demo};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const ROUNDS: u32 = 10;
const OBJECTS: [&str; 5] = ["knife", "child", "gun", "fire", "dog"];
/// Every so many scenes are looked at.
const EVERY: usize = 6;

fn main() -> Outcome<()> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/examples");
    let mut images = Vec::new();
    for entry in fs_err::read_dir(examples)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "png") {
            images.push(open(&path)?);
        }
    }
    cost(&images)?;
    let scenes = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if let Some(folder) = scenes {
        println!("| art | gate | absent: small box | larger box | small found | larger found |");
        println!("| --- | --: | --: | --: | --: | --: |");
        for set in ["trained", "emojione", "openmoji"] {
            quality(Path::new(&folder), set)?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> Outcome<RgbImage> {
    Ok(image::load_from_memory(&fs_err::read(path)?)?.into_rgb8())
}

fn cost(images: &[RgbImage]) -> Outcome<()> {
    let started = Instant::now();
    let encoder = Arc::new(demo::load()?);
    println!("loading: {} ms", started.elapsed().as_millis());
    let whole = PatchLocalizer::new(Arc::clone(&encoder), demo::TEMPLATE, Tiling::Parts(1));
    let tiled = demo::localizer(Arc::clone(&encoder));
    let time = |name: &str, run: &dyn Fn(&RgbImage) -> Outcome<()>| -> Outcome<()> {
        run(&images[0])?;
        let started = Instant::now();
        for _ in 0..ROUNDS {
            images.iter().try_for_each(run)?;
        }
        let each = started.elapsed() / (ROUNDS * u32::try_from(images.len())?);
        println!("{name}: {:.1} ms an image", each.as_secs_f64() * 1000.0);
        Ok(())
    };
    time("relevance", &|image| {
        encoder.images(&[image])?;
        Ok(())
    })?;
    time("boxes of 5 things, whole image", &|image| {
        whole.find(image, &OBJECTS)?;
        Ok(())
    })?;
    time("boxes of 5 things, with tiles", &|image| {
        tiled.find(image, &OBJECTS)?;
        Ok(())
    })
}

/// One scene: where what is, in pixels (left, top, width, height).
struct Scene {
    path: PathBuf,
    things: Vec<(String, [f64; 4])>,
}

/// The best box of one name in one scene.
struct Best {
    score: f64,
    /// Of the thing where it is there, else of the box: under a hundredth of the image.
    small: bool,
    /// Whether the box's middle lies in the thing; `None` where it is not there.
    right: Option<bool>,
}

fn scenes(folder: &Path, set: &str) -> Outcome<Vec<Scene>> {
    let mut scenes = Vec::new();
    for line in fs_err::read_to_string(folder.join("labels.jsonl"))?.lines() {
        let label: serde_json::Value = serde_json::from_str(line)?;
        if label["set"] == set {
            let path = folder.join(label["image"].as_str().ok_or("no image")?);
            let boxes: Vec<(String, f64, f64, f64, f64)> =
                serde_json::from_value(label["boxes"].clone())?;
            let things = boxes.into_iter().map(|(name, x, y, w, h)| (name, [x, y, w, h])).collect();
            scenes.push(Scene { path, things });
        }
    }
    Ok(scenes)
}

fn quality(folder: &Path, set: &str) -> Outcome<()> {
    let scenes = scenes(folder, set)?;
    let mut names: Vec<&str> =
        scenes.iter().flat_map(|scene| scene.things.iter().map(|thing| thing.0.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    let localizer = demo::localizer(Arc::new(demo::load()?));
    let mut all = Vec::new();
    for scene in scenes.iter().step_by(EVERY) {
        let image = open(&scene.path)?;
        for (name, found) in names.iter().zip(localizer.find(&image, &names)?) {
            all.push(best(scene, name, found.first(), f64::from(image.width())));
        }
    }
    for gate in [0.05, 0.2, 0.3, demo::GATE, 0.5] {
        let absent = |small: bool| {
            share(&all, |one| one.right.is_none(), |one| one.score > gate && one.small == small)
        };
        let found = |small: bool| {
            let there = |one: &Best| one.right.is_some() && one.small == small;
            share(&all, there, |one| one.score > gate && one.right == Some(true))
        };
        println!(
            "| {set} | {gate} | {:.1} % | {:.1} % | {:.0} % | {:.0} % |",
            absent(true),
            absent(false),
            found(true),
            found(false)
        );
    }
    Ok(())
}

fn best(scene: &Scene, name: &str, found: Option<&Found>, side: f64) -> Best {
    let truth: Vec<[f64; 4]> =
        scene.things.iter().filter(|thing| thing.0 == name).map(|thing| thing.1).collect();
    let within = |found: &Found, [left, top, width, height]: [f64; 4]| {
        let region = found.region;
        let x = f64::midpoint(region.left(), region.right()) * side - left;
        let y = f64::midpoint(region.top(), region.bottom()) * side - top;
        (0.0..=width).contains(&x) && (0.0..=height).contains(&y)
    };
    let small = match truth.first() {
        Some([_, _, width, height]) => width * height < 0.01 * side * side,
        None => found.is_some_and(|found| found.region.area() < 0.01),
    };
    let right = found.is_some_and(|found| truth.iter().any(|&thing| within(found, thing)));
    let score = found.map_or(0.0, |found| found.score.value());
    Best { score, small, right: (!truth.is_empty()).then_some(right) }
}

/// Of those that count, how many per cent are so.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn share(all: &[Best], counts: impl Fn(&Best) -> bool, so: impl Fn(&Best) -> bool) -> f64 {
    let counted: Vec<&Best> = all.iter().filter(|one| counts(one)).collect();
    let yes = counted.iter().filter(|one| so(one)).count();
    100.0 * yes as f64 / counted.len().max(1) as f64
}
