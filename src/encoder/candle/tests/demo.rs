//! The demo encoder against the numbers that its trainer computed in JAX.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use serde::Deserialize;

use super::super::super::{DualEncoder, Found, Localizer};
use super::super::pixels::Window;
use super::super::{Dual, Files, demo};
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
