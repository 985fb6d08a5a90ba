//! Tokens, pixels, embeddings, cosines, logits and boxes as transformers has them.

use serde::Deserialize;

use super::super::super::{DualEncoder, Localizer};
use super::super::config::{Config, Preparation};
use super::super::owlv2::region;
use super::super::pixels::prepare;
use super::super::square::padded;
use super::super::{Dual, Owlv2, clip, siglip};
use super::{Pictures, apart, expected, files, picture};
use crate::encoder::Embedding;
use crate::imaging::resample::Window;

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    tokens: Vec<Vec<u32>>,
    full: Vec<usize>,
    pixels: Pictures<Vec<f32>>,
    text_embeddings: Vec<Vec<f32>>,
    image_embeddings: Vec<Vec<f32>>,
    cosines: Vec<Vec<f64>>,
    patches: Vec<Vec<f32>>,
}

fn vectors(embeddings: &[Embedding]) -> Vec<f32> {
    embeddings.iter().flat_map(|embedding| embedding.as_slice().to_vec()).collect()
}

#[test]
fn texts_and_images_are_encoded_as_by_transformers() {
    for family in ["clip", "siglip", "siglip2"] {
        let expected: Expected = expected(family);
        let encoder = Dual::load(&files(family)).unwrap();
        let texts: Vec<&str> = expected.texts.iter().map(String::as_str).collect();
        for (text, full) in texts.iter().zip(&expected.full) {
            assert_eq!(encoder.tokens(text).unwrap(), *full, "{family}: {text}");
        }
        assert_eq!(encoder.reads_at_most(), expected.tokens[0].len());
        let cut = expected.full.iter().filter(|&&full| full > encoder.reads_at_most());
        assert!(cut.count() > 0, "{family}: a text is cut");
        let vectors_of_texts = encoder.texts(&texts).unwrap();
        let theirs = expected.text_embeddings.concat();
        assert!(apart(&vectors(&vectors_of_texts), &theirs) < 1e-5, "{family}");
        let (wide, tall) = (picture("wide"), picture("tall"));
        let images = encoder.images(&[&wide, &tall]).unwrap();
        let theirs = expected.image_embeddings.concat();
        assert!(apart(&vectors(&images), &theirs) < 1e-4, "{family}");
        for (text, row) in vectors_of_texts.iter().zip(&expected.cosines) {
            for (image, theirs) in images.iter().zip(row) {
                assert!((text.cosine(image) - theirs).abs() < 1e-4, "{family}");
            }
        }
        let alone = encoder.images(&[&tall]).unwrap();
        assert!(apart(alone[0].as_slice(), images[1].as_slice()) < 1e-6, "{family}: alone");
        let alone = encoder.texts(&texts[..1]).unwrap();
        assert!(
            apart(alone[0].as_slice(), vectors_of_texts[0].as_slice()) < 1e-6,
            "{family}: alone"
        );
    }
}

#[test]
fn tokens_are_those_of_transformers() {
    for (family, defaults) in
        [("clip", &clip::DEFAULTS), ("siglip", &siglip::DEFAULTS), ("siglip2", &siglip::DEFAULTS)]
    {
        let expected: Expected = expected(family);
        let files = files(family);
        let text = Config::read(&files).unwrap().text(&files, defaults).unwrap();
        let mut reader =
            super::super::text::TextReader::load(&files, text.positions, text.vocabulary).unwrap();
        if family != "clip" {
            reader = reader.lowered();
        }
        for (text, theirs) in expected.texts.iter().zip(&expected.tokens) {
            let mut ours = reader.tokens(text).unwrap();
            ours.resize(theirs.len(), reader.pad().unwrap());
            assert_eq!(&ours, theirs, "{family}: {text}");
        }
    }
}

#[test]
fn pixels_are_those_of_pillow() {
    for (family, defaults, prepared) in [
        ("clip", &clip::DEFAULTS, clip::PREPARED),
        ("siglip", &siglip::DEFAULTS, siglip::PREPARED),
        ("siglip2", &siglip::DEFAULTS, siglip::PREPARED),
    ] {
        let expected: Expected = expected(family);
        let files = files(family);
        let side = Config::read(&files).unwrap().vision(&files, defaults).unwrap().side;
        let preparation = Preparation::read(&files, side, prepared).unwrap();
        for (name, theirs) in [("wide", &expected.pixels.wide), ("tall", &expected.pixels.tall)] {
            let (image, mut ours) = (picture(name), Vec::new());
            prepare(&image, Window::whole(&image), side, &preparation, &mut ours);
            assert!(apart(&ours, theirs) < 1e-5, "{family} {name}: {}", apart(&ours, theirs));
        }
    }
}

#[test]
fn patches_are_read_as_the_reference_reads_them() {
    for family in ["siglip", "siglip2"] {
        let expected: Expected = expected(family);
        let encoder = Dual::load(&files(family)).unwrap();
        let texts: Vec<&str> = expected.texts.iter().map(String::as_str).collect();
        let texts = encoder.texts(&texts).unwrap();
        let wide = picture("wide");
        let ours = encoder.patches(&wide, &[Window::whole(&wide)]).unwrap();
        let ours = encoder.cosines(ours, &texts).unwrap();
        assert!(apart(&ours, &expected.patches.concat()) < 1e-4, "{family}");
    }
}

#[test]
fn clip_s_patches_are_read_by_its_last_values() {
    // The reference saw the middle of the picture; here windows are squeezed, so that it is asked
    // of a square picture, which is the same either way but for the scale to 36 pixels.
    let expected: Expected = expected("clip");
    let encoder = Dual::load(&files("clip")).unwrap();
    let texts: Vec<&str> = expected.texts.iter().map(String::as_str).collect();
    let texts = encoder.texts(&texts).unwrap();
    let pixels = &expected.pixels.wide;
    let ours = encoder.patches_of_pixels(pixels.clone(), 1).unwrap();
    let ours = encoder.cosines(ours, &texts).unwrap();
    assert!(apart(&ours, &expected.patches.concat()) < 1e-4);
}

#[derive(Deserialize)]
struct Detected {
    objects: Vec<String>,
    pixels: Pictures<Vec<f32>>,
    logits: Pictures<Vec<Vec<f32>>>,
    boxes: Pictures<Vec<Vec<f32>>>,
    regions: Pictures<Vec<Vec<f64>>>,
}

#[test]
fn owlv2_finds_what_it_finds_in_transformers() {
    let expected: Detected = expected("owlv2");
    let detector = Owlv2::load(&files("owlv2")).unwrap();
    let objects: Vec<&str> = expected.objects.iter().map(String::as_str).collect();
    let (pixels, logits) = (expected.pixels, expected.logits);
    let (boxes, regions) = (expected.boxes, expected.regions);
    for (name, pixels, logits, boxes, regions) in [
        ("wide", pixels.wide, logits.wide, boxes.wide, regions.wide),
        ("tall", pixels.tall, logits.tall, boxes.tall, regions.tall),
    ] {
        let image = picture(name);
        let normed: Vec<f32> = padded(&image, 48)
            .chunks_exact(48 * 48)
            .zip(clip::MEAN.iter().zip(clip::STD))
            .flat_map(|(values, (mean, std))| {
                #[expect(clippy::cast_possible_truncation, reason = "compared with 32 bits")]
                values.iter().map(move |value| ((f64::from(*value) - mean) / std) as f32)
            })
            .collect();
        assert!(apart(&normed, &pixels) < 1e-3, "{name}: {}", apart(&normed, &pixels));
        let features = detector.look(&image).unwrap();
        let raw = detector.raw(&image, &features, &objects).unwrap();
        let apart_by = apart(&raw.logits.concat(), &logits.concat());
        assert!(apart_by < 1e-3, "{name}: {apart_by}");
        assert!(apart(&raw.boxes.concat(), &boxes.concat()) < 1e-3, "{name}");
        for (around, theirs) in raw.boxes.iter().zip(&regions) {
            // What lies in the padding is no region; the reference clamps it to nothing.
            let Some(ours) = region(*around, &image) else {
                assert!(theirs[2] - theirs[0] < 1e-3 || theirs[3] - theirs[1] < 1e-3);
                continue;
            };
            let ours = [ours.left(), ours.top(), ours.right(), ours.bottom()];
            for (ours, theirs) in ours.iter().zip(theirs) {
                assert!((ours - theirs).abs() < 2e-3, "{name}");
            }
        }
        let found = detector.find(&image, &objects).unwrap();
        assert_eq!(found.len(), objects.len());
        assert!(found.iter().all(|list| list.is_sorted_by(|a, b| a.score >= b.score)));
        assert_eq!(found, detector.find(&image, &objects).unwrap(), "remembered");
    }
}
