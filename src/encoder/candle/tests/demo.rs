//! The demo encoder against the numbers that its trainer computed in JAX.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;
use serde::Deserialize;

use super::super::super::{DualEncoder, Found, Localizer};
use super::super::pixels::Window;
use super::super::{Dual, Files, PatchLocalizer, Tiling, demo};
use super::apart;

#[derive(Deserialize)]
struct Parity {
    images: Vec<String>,
    texts: Vec<String>,
    token_ids: BTreeMap<String, Vec<u32>>,
    cosines: Vec<Vec<f64>>,
    patches: BTreeMap<String, Vec<f32>>,
}

fn read() -> (Parity, Vec<RgbImage>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo");
    let text = fs_err::read_to_string(folder.join("encoder-parity.json")).unwrap();
    let parity: Parity = serde_json::from_str(&text).unwrap();
    let open = |name: &String| {
        let bytes = fs_err::read(folder.join(name)).unwrap();
        image::load_from_memory(&bytes).unwrap().into_rgb8()
    };
    let images = parity.images.iter().map(open).collect();
    (parity, images)
}

#[test]
fn the_demo_encoder_is_what_was_trained() {
    let (parity, images) = read();
    let encoder = demo::load().unwrap();
    let texts: Vec<&str> = parity.texts.iter().map(String::as_str).collect();
    for (text, tokens) in &parity.token_ids {
        assert_eq!(encoder.tokens(text).unwrap(), tokens.len(), "{text}");
    }
    let encoded = encoder.texts(&texts).unwrap();
    let shown: Vec<&RgbImage> = images.iter().collect();
    for (image, row) in encoder.images(&shown).unwrap().iter().zip(&parity.cosines) {
        for (text, theirs) in encoded.iter().zip(row) {
            assert!((image.cosine(text) - theirs).abs() < 1e-4);
        }
    }
    let first = &images[0];
    for (word, theirs) in &parity.patches {
        let word = encoder.texts(&[word]).unwrap();
        let ours = encoder.patch_cosines(first, &[Window::whole(first)], &word).unwrap();
        assert!(apart(&ours[0], theirs) < 1e-4, "{}", apart(&ours[0], theirs));
    }
}

#[test]
fn embedded_and_from_a_folder_it_is_the_same_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/encoder");
    let (embedded, read) = (demo::load().unwrap(), Dual::load(&Files::folder(folder)).unwrap());
    assert_eq!(embedded.model().fingerprint, read.model().fingerprint);
    assert_eq!(embedded.model().name, demo::NAME);
}

#[test]
fn things_are_found_where_they_are() {
    let (_, images) = read();
    let localizer = demo::localizer(Arc::new(demo::load().unwrap()));
    let found = localizer.find(&images[0], &["knife", "child", "syringe"]).unwrap();
    let sure = |found: &[Found]| found[0].score.value() > demo::GATE;
    assert!(sure(&found[0]) && sure(&found[1]), "{found:?}");
    assert!(found[0][0].region.overlap(found[1][0].region) < 0.3, "{found:?}");
    let syringe = found[2].first().map_or(0.0, |found| found.score.value());
    assert!(syringe < demo::GATE, "{found:?}");
    let grey = RgbImage::from_pixel(200, 150, image::Rgb([200; 3]));
    let found = localizer.find(&grey, &["knife"]).unwrap();
    assert!(found[0].first().is_none_or(|found| found.score.value() < demo::GATE), "{found:?}");
}

/// `cargo test --release --lib -- --ignored --nocapture milliseconds` prints the figures of
/// `docs/performance.md`.
#[test]
#[ignore = "measures"]
fn milliseconds_an_image() {
    let (_, images) = read();
    let encoder = Arc::new(demo::load().unwrap());
    let thirds = demo::localizer(Arc::clone(&encoder));
    let whole = PatchLocalizer::new(Arc::clone(&encoder), "{}", Tiling::Parts(1));
    let objects = ["knife", "child", "gun", "fire", "dog"];
    let time = |name: &str, run: &dyn Fn(&RgbImage)| {
        run(&images[0]);
        let start = Instant::now();
        let rounds = 10;
        for _ in 0..rounds {
            images.iter().for_each(run);
        }
        let each = start.elapsed().as_secs_f64() * 1000.0 / f64::from(rounds) / 4.0;
        println!("{name}: {each:.1} ms an image");
    };
    time("relevance, one image", &|image| drop(encoder.images(&[image]).unwrap()));
    let all: Vec<&RgbImage> = images.iter().collect();
    time("relevance, four at once (for four)", &|_| drop(encoder.images(&all).unwrap()));
    time("boxes, whole image", &|image| drop(whole.find(image, &objects).unwrap()));
    time("boxes, with thirds", &|image| drop(thirds.find(image, &objects).unwrap()));
    let found = thirds.find(&images[0], &objects).unwrap();
    for (object, found) in objects.iter().zip(found) {
        for one in found {
            println!("{object}: {} ({:.2} %) {}", one.region, one.region.area() * 100.0, one.score);
        }
    }
    let start = Instant::now();
    drop(demo::load().unwrap());
    println!("loading: {} ms", start.elapsed().as_millis());
}

/// One scene of `tools/demo-model/ablation.py`: 512 pixels, and where what is.
#[derive(Deserialize)]
struct Scene {
    image: String,
    set: String,
    boxes: Vec<(String, f64, f64, f64, f64)>,
}

/// `PRAETOR_SCENES=WORK/ablation cargo test --release --lib -- --ignored --nocapture boxes_of`
/// prints, for gates, how many things that are not there have a box, and how many are found.
#[test]
#[ignore = "measures, on scenes that the demo model's tool makes"]
#[expect(clippy::disallowed_methods, reason = "the scenes are not part of the repository")]
fn boxes_of_what_is_there_and_of_what_is_not() {
    let Ok(folder) = std::env::var("PRAETOR_SCENES") else { return };
    let lines = fs_err::read_to_string(Path::new(&folder).join("labels.jsonl")).unwrap();
    let scenes: Vec<Scene> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut names: Vec<&str> =
        scenes.iter().flat_map(|scene| scene.boxes.iter().map(|found| found.0.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    let localizer = demo::localizer(Arc::new(demo::load().unwrap()));
    for set in ["trained", "emojione"] {
        // (score, small, right) of the best box; right is `None` where the thing is not there.
        let mut best: Vec<(f64, bool, Option<bool>)> = Vec::new();
        for scene in scenes.iter().filter(|scene| scene.set == set).step_by(6) {
            let bytes = fs_err::read(Path::new(&folder).join(&scene.image)).unwrap();
            let image = image::load_from_memory(&bytes).unwrap().into_rgb8();
            for (name, found) in names.iter().zip(localizer.find(&image, &names).unwrap()) {
                let truth: Vec<_> = scene.boxes.iter().filter(|truth| truth.0 == **name).collect();
                let right = |found: &Found, truth: &(String, f64, f64, f64, f64)| {
                    let middle = |from: f64, to: f64| (from + to) / 2.0 * 512.0;
                    let x = middle(found.region.left(), found.region.right()) - truth.1;
                    let y = middle(found.region.top(), found.region.bottom()) - truth.2;
                    (0.0..=truth.3).contains(&x) && (0.0..=truth.4).contains(&y)
                };
                let first = found.first();
                let small = match truth.first() {
                    Some(truth) => truth.3 * truth.4 / 512.0 / 512.0 < 0.01,
                    None => first.is_some_and(|found| found.region.area() < 0.01),
                };
                let hit = first.is_some_and(|found| truth.iter().any(|truth| right(found, truth)));
                let score = first.map_or(0.0, |found| found.score.value());
                best.push((score, small, (!truth.is_empty()).then_some(hit)));
            }
        }
        for gate in [0.05, 0.2, 0.3, 0.4, 0.5] {
            let share = |small: bool, there: bool| {
                let of = best.iter().filter(|one| one.2.is_some() == there);
                let of: Vec<_> = of.filter(|one| !there || one.1 == small).collect();
                let yes = of.iter().filter(|one| one.0 > gate && one.1 == small);
                let yes = yes.filter(|one| one.2 != Some(false)).count();
                #[expect(clippy::cast_precision_loss, reason = "few")]
                let share = 100.0 * yes as f64 / of.len().max(1) as f64;
                share
            };
            println!(
                "{set} above {gate:.2}: absent, small box {:.1} %, large {:.1} %; found, small \
                 {:.0} %, large {:.0} %",
                share(true, false),
                share(false, false),
                share(true, true),
                share(false, true)
            );
        }
    }
}
