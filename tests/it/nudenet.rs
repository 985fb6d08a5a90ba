//! Conventional classifiers: NudeNet's weights in ONNX Runtime, held against the package itself.

use crate::cli::Praetor;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/constitutions/demo.yaml");

#[cfg(feature = "onnx")]
pub(crate) mod with_onnx {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use image::{RgbImage, imageops};
    use praetor::classifier::onnx::OnnxRunner;
    use praetor::classifier::{Runner, Spec, detections, tensor};
    use praetor::verdict::{Conclusion, Method};
    use serde::Deserialize;

    use super::{DEMO, Praetor};

    /// How far scores may be apart: OpenCV scales in fixed point, and another runtime rounds otherwise.
    const NEAR: f64 = 0.02;
    /// How far boxes may be apart, in pixels of the picture.
    const NEAR_PIXELS: f64 = 3.0;

    #[derive(Deserialize)]
    struct Fixture {
        labels: Vec<String>,
        pictures: BTreeMap<String, Forms>,
    }

    #[derive(Deserialize)]
    struct Forms {
        whole: Seen,
        upper_half: Seen,
    }

    /// What the package says of a picture.
    #[derive(Deserialize)]
    struct Seen {
        best: Vec<f64>,
        detections: Vec<Found>,
    }

    #[derive(Deserialize)]
    struct Found {
        class: String,
        score: f64,
        #[serde(rename = "box")]
        bounds: [f64; 4],
    }

    /// A file that `tools/nudenet/fetch.sh` fetches.
    pub(crate) fn fetched(name: &str) -> Option<PathBuf> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/nudenet").join(name);
        if !path.exists() {
            eprintln!("NOT RUN: {} is missing; run tools/nudenet/fetch.sh", path.display());
        }
        path.exists().then_some(path)
    }

    fn examples() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo/examples")
    }

    /// Compares one picture; gives the largest distance of two scores.
    fn compare(name: &str, picture: &RgbImage, runner: &dyn Runner, seen: &Seen) -> f64 {
        let spec = Spec::built_in("nudenet").unwrap().unwrap();
        let numbers = runner.run(spec.input.side, tensor(picture, &spec.input)).unwrap();
        let places = numbers.len() / 22;
        assert_eq!((numbers.len(), places), (22 * 2_100, 2_100), "{name}");
        let best =
            numbers.chunks(places).skip(4).map(|row| row.iter().copied().fold(0.0, f32::max));
        let mut furthest: f64 = 0.0;
        for (index, (ours, theirs)) in best.zip(&seen.best).enumerate() {
            let far = (f64::from(ours) - theirs).abs();
            assert!(far < NEAR, "{name}, {}: {ours} for {theirs}", spec.labels[index].name);
            furthest = furthest.max(far);
        }
        let extent = spec.input.extent(picture.width(), picture.height());
        let found = detections(&spec, &numbers, extent).unwrap();
        assert_eq!(found.len(), seen.detections.len(), "{name}: {found:?}");
        let scale = f64::from(picture.width().max(picture.height())) / f64::from(spec.input.side);
        for (ours, theirs) in found.iter().zip(&seen.detections) {
            assert_eq!(spec.labels[ours.label].name, theirs.class, "{name}");
            assert!((ours.score - theirs.score).abs() < NEAR, "{name}: {ours:?}");
            let near = ours.bounds.iter().zip(theirs.bounds);
            assert!(
                near.into_iter().all(|(o, t)| (o * scale - t).abs() < NEAR_PIXELS),
                "{name}: {ours:?}"
            );
        }
        furthest
    }

    #[test]
    fn nudenet_finds_what_its_package_finds() {
        let (Some(weights), Some(library)) = (fetched("320n.onnx"), fetched("libonnxruntime.so"))
        else {
            return;
        };
        let runner = OnnxRunner::load(Some(&library), &weights).unwrap();
        let text = include_str!("../inputs/nudenet.json");
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        let spec = Spec::built_in("nudenet").unwrap().unwrap();
        let labels: Vec<&str> = spec.labels.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(labels, fixture.labels);
        assert_eq!(fixture.pictures.len(), 16);
        let mut furthest: f64 = 0.0;
        for (name, forms) in &fixture.pictures {
            let whole = image::open(examples().join(name)).unwrap().into_rgb8();
            let (width, height) = whole.dimensions();
            let half = imageops::crop_imm(&whole, 0, 0, width, height / 2).to_image();
            furthest = furthest.max(compare(name, &whole, &runner, &forms.whole));
            furthest = furthest.max(compare(name, &half, &runner, &forms.upper_half));
        }
        println!("32 pictures: the largest distance of two scores is {furthest:.6}");
    }

    #[test]
    fn an_empty_variable_names_no_library() {
        let arguments = ["judge", "a.png", "-c", DEMO, "--classifier", "nudenet"];
        let arguments = [&arguments[..], &["--weights", "nowhere.onnx"]].concat();
        let run = Praetor::new().run_in(&[("ORT_DYLIB_PATH", "")], &arguments);
        assert_eq!(run.code, 3, "{}", run.err);
        // The system's may be there or not.
        let looked_for = run.err.contains("onnxruntime.") || run.err.contains("nowhere.onnx");
        assert!(looked_for && !run.err.contains("from ``"), "{}", run.err);
    }

    #[test]
    fn a_classifier_judges_in_the_place_of_a_model() {
        let (Some(weights), Some(library)) = (fetched("320n.onnx"), fetched("libonnxruntime.so"))
        else {
            return;
        };
        let [weights, library] = [weights, library].map(|path| path.display().to_string());
        let folder = examples().display().to_string();
        let praetor = Praetor::new();
        let chosen = |weights, library| {
            vec!["--classifier", "nudenet", "--weights", weights, "--onnxruntime", library]
        };
        let mut arguments = vec!["judge", &folder, "-c", DEMO, "--trace", "--format", "jsonl"];
        arguments.extend(chosen(weights.as_str(), library.as_str()));
        let run = praetor.run(&arguments);
        assert_eq!(run.code, 0, "{}", run.err);
        let verdicts = run.verdicts();
        assert_eq!(verdicts.len(), 16);
        for verdict in &verdicts {
            assert_eq!((verdict.method, verdict.verdict), (Method::Classifier, Conclusion::Safe));
            assert_eq!(verdict.model.name, "nudenet");
            // The five labels that speak of a category.
            assert_eq!(verdict.rules[0].findings.len(), 5);
        }
        for (weights, library, words) in [
            ("nowhere.onnx", library.as_str(), "nowhere.onnx"),
            (weights.as_str(), "nowhere.so", "--onnxruntime"),
        ] {
            let mut arguments = vec!["judge", &folder, "-c", DEMO];
            arguments.extend(chosen(weights, library));
            let run = praetor.run(&arguments);
            assert_eq!(run.code, 3, "{}", run.err);
            assert!(run.err.contains(words), "{}", run.err);
        }
    }
}

#[test]
fn a_classifier_that_can_not_be_had_is_explained() {
    let praetor = Praetor::new();
    praetor.write("odd.yaml", "name: odd\n");
    let mut cases = vec![
        (vec!["--classifier", "nude", "--weights", "w.onnx"], 2, "nudenet"),
        (vec!["--classifier", "odd.yaml", "--weights", "w.onnx"], 2, "docs/classifiers.md"),
        (vec!["--classifier", "none.yaml", "--weights", "w.onnx"], 3, "none.yaml"),
        (vec!["--classifier", "nudenet"], 2, "--weights"),
    ];
    if cfg!(not(feature = "onnx")) {
        cases.push((vec!["--classifier", "nudenet", "--weights", "w.onnx"], 3, "--features onnx"));
    }
    for (flags, code, words) in cases {
        let mut arguments = vec!["judge", "a.png", "-c", DEMO];
        arguments.extend(flags);
        let run = praetor.run(&arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(words), "{arguments:?}: {}", run.err);
    }
}
