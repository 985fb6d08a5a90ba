//! The four classifiers on CLIP: random weights in their wiring (`tests/classifiers`), held against what
//! transformers, diffusers and `PyTorch` say with the same weights (`tools/classifiers/make.py`).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use image::{RgbImage, imageops};
use praetor::classifier::{Checked, Spec, scores, tensor};
use serde::Deserialize;
use sha2::{Digest, Sha256};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/demo/examples");

#[derive(Deserialize)]
struct Expected {
    /// Left, upper, right and lower edge of what is cut out of a picture.
    forms: BTreeMap<String, [u32; 4]>,
    pictures: BTreeMap<String, BTreeMap<String, Seen>>,
}

/// What is expected of one form of a picture.
#[derive(Deserialize)]
struct Seen {
    /// SHA-256 of the bytes that Pillow makes of it: channel, row, column.
    pixels: String,
    #[serde(flatten)]
    said: BTreeMap<String, Said>,
}

/// What one classifier says of it.
#[derive(Deserialize)]
struct Said {
    numbers: Vec<f32>,
    /// Whether UnsafeBench counts each number as unsafe.
    #[serde(rename = "unsafe")]
    found: Vec<bool>,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("../classifiers/expected.json")).unwrap()
}

fn wired() -> Vec<Spec> {
    let all = Spec::names().map(|name| Spec::built_in(name).unwrap().unwrap());
    all.filter(|spec| spec.checked == Checked::Wiring).collect()
}

fn cut(picture: &RgbImage, [left, upper, right, lower]: [u32; 4]) -> RgbImage {
    imageops::crop_imm(picture, left, upper, right - left, lower - upper).to_image()
}

/// Every form of every picture, by both names.
fn pictures(expected: &Expected) -> Vec<(String, RgbImage, &Seen)> {
    let mut all = Vec::new();
    for (name, forms) in &expected.pictures {
        let whole = image::open(Path::new(EXAMPLES).join(name)).unwrap().into_rgb8();
        for (form, seen) in forms {
            all.push((format!("{form}-{name}"), cut(&whole, expected.forms[form]), seen));
        }
    }
    assert_eq!(all.len(), 80);
    all
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a level from 0 to 1 becomes the byte that it was"
)]
#[test]
fn pixels_are_pillows_to_the_byte() {
    let expected = expected();
    let input = &wired()[0].input;
    for spec in wired() {
        assert_eq!(&spec.input, input, "{}: all are CLIP's", spec.name);
    }
    let plane = (input.side * input.side) as usize;
    for (name, picture, seen) in pictures(&expected) {
        let byte = |(at, value): (usize, f32)| {
            let level = value * input.std[at / plane] + input.mean[at / plane];
            (level * 255.0).round() as u8
        };
        let bytes: Vec<u8> = tensor(&picture, input).into_iter().enumerate().map(byte).collect();
        let mut hash = String::new();
        Sha256::digest(&bytes).iter().for_each(|byte| write!(hash, "{byte:02x}").unwrap());
        assert_eq!(hash, seen.pixels, "{name}");
    }
}

/// Which labels are above the threshold.
fn found(spec: &Spec, numbers: &[f32]) -> Vec<bool> {
    let scores = scores(spec, numbers, [f64::from(spec.input.side); 2]).unwrap();
    scores.iter().map(|score| score.value() > spec.threshold).collect()
}

#[test]
fn numbers_mean_what_unsafebench_takes_them_for() {
    let expected = expected();
    for spec in wired() {
        let all = pictures(&expected);
        let mut flagged = 0;
        for (name, _, seen) in &all {
            let said = &seen.said[&spec.name];
            assert_eq!(found(&spec, &said.numbers), said.found, "{}, {name}", spec.name);
            // Of Q16's two labels one is above in any case.
            let mut found = spec.labels.iter().zip(&said.found);
            flagged +=
                usize::from(found.any(|(label, found)| *found && !label.categories.is_empty()));
        }
        let all = all.len();
        assert!((20..all).contains(&flagged), "{}: {flagged} of {all}", spec.name);
    }
}

#[cfg(feature = "onnx")]
mod with_onnx {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use praetor::classifier::onnx::OnnxRunner;
    use praetor::classifier::{Runner, Spec, tensor};
    use praetor::verdict::{Conclusion, Verdict};

    use super::{EXAMPLES, Said, expected, found, pictures, wired};
    use crate::cli::Praetor;
    use crate::nudenet::with_onnx::fetched;

    /// The constitution that has a rule for each category, and no lock.
    const CATEGORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/constitutions/unsafebench.yaml");
    const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/constitutions/demo.yaml");

    /// How far numbers may be apart; cosines among them are a hundredfold.
    const NEAR: f32 = 1e-3;

    fn weights(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/classifiers/{name}.onnx"))
    }

    #[test]
    fn numbers_and_verdicts_are_the_references() {
        let Some(library) = fetched("libonnxruntime.so") else { return };
        let expected = expected();
        for spec in wired() {
            let runner = OnnxRunner::load(Some(&library), &weights(&spec.name)).unwrap();
            let mut furthest: f32 = 0.0;
            for (name, picture, seen) in pictures(&expected) {
                let said = &seen.said[&spec.name];
                let numbers = runner.run(spec.input.side, tensor(&picture, &spec.input)).unwrap();
                assert_eq!(numbers.len(), said.numbers.len(), "{}, {name}", spec.name);
                for (ours, theirs) in numbers.iter().zip(&said.numbers) {
                    let far = (ours - theirs).abs();
                    assert!(far < NEAR, "{}, {name}: {ours} for {theirs}", spec.name);
                    furthest = furthest.max(far);
                }
                assert_eq!(
                    found(&spec, &numbers),
                    said.found,
                    "{}, {name}: {numbers:?}",
                    spec.name
                );
            }
            println!("{}: 80 pictures, the largest distance is {furthest:.1e}", spec.name);
        }
    }

    /// The rules that a reference's findings violate.
    fn violated(spec: &Spec, said: &Said) -> Vec<String> {
        let found = spec.labels.iter().zip(&said.found).filter(|(_, found)| **found);
        let mut rules: Vec<String> =
            found.flat_map(|(label, _)| label.categories.clone()).collect();
        rules.sort();
        rules
    }

    #[test]
    fn a_classifier_speaks_of_its_categories_and_needs_no_lock() {
        let Some(library) = fetched("libonnxruntime.so") else { return };
        let library = library.display().to_string();
        let expected = expected();
        let praetor = Praetor::new();
        let pictures = pictures(&expected);
        fs_err::create_dir(praetor.path("in")).unwrap();
        for (name, picture, _) in &pictures {
            picture.save(praetor.path("in").join(name)).unwrap();
        }
        let judge = |constitution: &str, spec: &Spec| {
            let weights = weights(&spec.name).display().to_string();
            praetor.run(&[
                "judge",
                "in",
                "-c",
                constitution,
                "--format",
                "jsonl",
                "--classifier",
                &spec.name,
                "--weights",
                &weights,
                "--onnxruntime",
                &library,
            ])
        };
        for spec in wired() {
            let run = judge(CATEGORIES, &spec);
            assert_eq!(run.code, 0, "{}", run.err);
            assert!(run.err.contains("random weights"), "{}", run.err);
            let verdicts: BTreeMap<String, Verdict> = run
                .verdicts()
                .into_iter()
                .map(|verdict| (verdict.image.rsplit('/').next().unwrap().to_owned(), verdict))
                .collect();
            for (name, _, seen) in &pictures {
                let verdict = &verdicts[name];
                let mut ours: Vec<String> =
                    verdict.violated.iter().map(|rule| rule.as_str().to_owned()).collect();
                ours.sort();
                assert_eq!(ours, violated(&spec, &seen.said[&spec.name]), "{}, {name}", spec.name);
                assert_eq!(verdict.rules.len(), spec.categories().len(), "{}", spec.name);
                assert_eq!(verdict.verdict == Conclusion::Unsafe, !ours.is_empty());
            }
        }
        // No rule of this constitution is a category: the image is judged as a whole.
        let run = judge(DEMO, &wired()[0]);
        assert!(run.err.contains("judged as a whole"), "{}", run.err);
        assert!(run.verdicts().iter().all(|verdict| verdict.violated.is_empty()));
    }

    #[test]
    fn another_classifiers_weights_are_refused() {
        let Some(library) = fetched("libonnxruntime.so") else { return };
        let (library, other) = (library.display().to_string(), weights("sd-filter"));
        let other = other.display().to_string();
        let mut arguments = vec!["judge", EXAMPLES, "-c", CATEGORIES, "--classifier", "q16"];
        arguments.extend(["--weights", &other, "--onnxruntime", &library]);
        let run = Praetor::new().run(&arguments);
        assert_eq!(run.code, 3, "{}", run.err);
        assert!(run.err.contains("is not the file of `q16`"), "{}", run.err);
    }

    #[test]
    fn classifiers_are_compared_with_each_other_and_with_a_model() {
        let Some(library) = fetched("libonnxruntime.so") else { return };
        let library = library.display().to_string();
        let words: Vec<String> = wired()
            .iter()
            .map(|spec| format!("{0}=classifier:{0},{1}", spec.name, weights(&spec.name).display()))
            .collect();
        let praetor = Praetor::new();
        let mut arguments = vec!["compare", "--images", EXAMPLES, "--onnxruntime", &library];
        arguments.extend(words.iter().map(String::as_str));
        let run = praetor.run(&[&arguments[..], &["-c", CATEGORIES]].concat());
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(run.out.contains("sd-filter") && run.out.contains("16 images"), "{}", run.out);
        // A model asks, and so needs the lock that this constitution has not.
        let run = praetor.run(&[&arguments[..], &["demo", "-c", CATEGORIES]].concat());
        assert_eq!(run.code, 2, "{}", run.err);
        assert!(run.err.contains("lock"), "{}", run.err);
        let run = praetor.run(&[&arguments[..], &["demo", "-c", DEMO]].concat());
        assert_eq!(run.code, 0, "{}", run.err);
        let run = praetor.run(&["compare", "demo", "classifier:q16", "-c", DEMO]);
        assert_eq!(run.code, 2, "{}", run.err);
        assert!(run.err.contains("classifier:q16,FILE.onnx"), "{}", run.err);
    }
}
