//! The demo encoder against the numbers that its trainer computed in JAX.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;
use serde::Deserialize;

use super::super::super::{DualEncoder, Localizer};
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
    assert!(found[0][0].score.value() > 0.5 && found[1][0].score.value() > 0.5, "{found:?}");
    assert!(found[0][0].region.overlap(found[1][0].region) < 0.3, "{found:?}");
    let syringe = found[2].first().map_or(0.0, |found| found.score.value());
    assert!(syringe < 0.5, "{found:?}");
    let grey = RgbImage::from_pixel(200, 150, image::Rgb([200; 3]));
    let found = localizer.find(&grey, &["knife"]).unwrap();
    assert!(found[0].first().is_none_or(|found| found.score.value() < 0.05), "{found:?}");
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
    time("boxes, with 25 thirds", &|image| drop(thirds.find(image, &objects).unwrap()));
    let texts = encoder.texts(&objects).unwrap();
    for at_once in [1, 2, 4, 8, 13, 26] {
        time(&format!("of that the tower, {at_once} at once"), &|_| {
            for _ in 0..26 / at_once {
                let pixels = vec![0.1; at_once * 3 * 128 * 128];
                drop(encoder.patch_cosines_of_pixels(pixels, at_once, &texts).unwrap());
            }
        });
    }
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
