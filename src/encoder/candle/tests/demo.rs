//! The demo encoder against the numbers that its trainer computed in JAX.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use serde::Deserialize;

use super::super::super::cached::CachedLocalizer;
use super::super::super::{DualEncoder, Features, Found, Localizer};
use super::super::{Dual, Files, demo};
use super::apart;
use crate::cache::{Cache, Kind};
use crate::imaging::resample::Window;

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
    let vectors_of_texts = encoder.texts(&texts).unwrap();
    let shown: Vec<&RgbImage> = images.iter().collect();
    for (image, row) in encoder.images(&shown).unwrap().iter().zip(&parity.cosines) {
        for (text, theirs) in vectors_of_texts.iter().zip(row) {
            assert!((image.cosine(text) - theirs).abs() < 1e-4);
        }
    }
    let first = &images[0];
    for (word, theirs) in &parity.patches {
        let word = encoder.texts(&[word]).unwrap();
        let ours = encoder.patches(first, &[Window::whole(first)]).unwrap();
        let ours = encoder.cosines(ours, &word).unwrap();
        assert!(apart(&ours, theirs) < 1e-4, "{}", apart(&ours, theirs));
    }
}

#[test]
fn embedded_and_from_a_folder_it_is_the_same_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/encoder");
    let (embedded, read) = (demo::load().unwrap(), Dual::load(&Files::folder(folder)).unwrap());
    assert_eq!(embedded.model().fingerprint, read.model().fingerprint);
    assert_eq!(embedded.model().name, demo::NAME);
}

/// What was seen before is as good as looking now, and what is no features is no harm.
#[test]
fn boxes_are_the_same_whether_features_are_kept_or_not() {
    let (_, images) = read();
    let plain = demo::localizer(Arc::new(demo::load().unwrap()));
    let cache = Arc::new(Cache::in_memory().unwrap());
    let inner = demo::localizer(Arc::new(demo::load().unwrap()));
    let cached = CachedLocalizer::new(Box::new(inner), Arc::clone(&cache));
    for image in &images {
        for objects in [&["knife", "child"][..], &["syringe"], &["child", "fire", "gun"]] {
            let (kept, now) = (cached.find(image, objects), plain.find(image, objects));
            let (kept, now) = (kept.unwrap().concat(), now.unwrap().concat());
            assert_eq!(kept.len(), now.len());
            for (kept, now) in kept.iter().zip(&now) {
                assert_eq!(kept.region, now.region);
                // Rounding depends on what else is looked for.
                assert!((kept.score.value() - now.score.value()).abs() < 1e-6);
            }
        }
        let foreign = Features::new(vec![1, 2, 3]);
        let found = plain.find_in(image, &foreign, &["knife"]).unwrap();
        assert_eq!(found, plain.find(image, &["knife"]).unwrap());
    }
    let kept = cache.stats().unwrap().kinds;
    let of = |kind: Kind| kept.iter().find(|(of, ..)| *of == kind).unwrap().1;
    assert_eq!(of(Kind::Features), images.len() as u64, "each picture was looked at once");
    assert_eq!(of(Kind::Boxes), 5 * images.len() as u64);
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
