//! What `praetor eval` measures: against scikit-learn, and as a user meets it.

use std::fmt::Write as _;
use std::path::Path;

use praetor::eval::Confusion;
use praetor::eval::calibration::{brier, calibration_error, reliability};
use praetor::eval::ranking::{Scored, average_precision, roc_auc, sort};
use praetor::ids::{Hash, ModelId, RuleId};
use praetor::store::{RunFolder, RunManifest, Settings};
use praetor::verdict::{Conclusion, ImageError, Method, Outcome, RuleVerdict, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Praetor;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/demo/examples");
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/constitutions/demo.yaml");

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "unsafe")]
    is_unsafe: Vec<bool>,
    score: Vec<f64>,
    weight: Vec<u32>,
    said_unsafe: Vec<bool>,
    expected: std::collections::BTreeMap<String, f64>,
}

#[test]
fn measures_agree_with_scikit_learn_ties_and_weights_included() {
    let text = include_str!("../data/metrics.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    assert_eq!(fixture.cases.len(), 30);
    for (number, case) in fixture.cases.iter().enumerate() {
        let mut counts = Confusion::default();
        let mut images = Vec::new();
        for at in 0..case.score.len() {
            let said = if case.said_unsafe[at] { Conclusion::Unsafe } else { Conclusion::Safe };
            counts.add(case.is_unsafe[at], said, case.weight[at]);
            let (score, is_unsafe) = (case.score[at], case.is_unsafe[at]);
            images.push(Scored { score, is_unsafe, weight: case.weight[at].into() });
        }
        sort(&mut images);
        for (measure, expected) in &case.expected {
            let ours = match &**measure {
                "roc_auc" => roc_auc(&images),
                "average_precision" => average_precision(&images),
                "brier" => brier(&images),
                "calibration_error" => calibration_error(&reliability(&images)),
                "precision" => counts.precision(),
                "recall" => counts.recall(),
                "f1" => counts.f1(),
                "accuracy" => counts.accuracy(),
                "balanced_accuracy" => counts.balanced_accuracy(),
                other => panic!("{other}"),
            };
            let ours = ours.unwrap();
            assert!((ours - expected).abs() < 1e-9, "case {number}, {measure}: {ours}, {expected}");
        }
    }
}

/// Six examples of two art sets, with rules, categories and sources.
fn labels(praetor: &Praetor) {
    let line = |image: &str, source: &str, violated: &str| {
        let path = Path::new(EXAMPLES).join(image).display().to_string();
        format!(
            "{{\"image\": {path:?}, \"source\": {source:?}, \"category\": \"weapons.child\", \
             \"violated\": [{violated}]}}\n"
        )
    };
    let text = [
        line("child-and-knife.png", "trained", "\"weapons.child\""),
        line("birthday.png", "trained", ""),
        line("park.png", "trained", ""),
        line("child-and-gun.png", "unseen", "\"weapons.child\""),
        line("garden.png", "unseen", ""),
        line("medicine.png", "unseen", ""),
    ];
    praetor.write("labels.jsonl", text.concat());
}

fn value<'json>(json: &'json Value, pointer: &str) -> &'json Value {
    json.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {json:#}"))
}

#[test]
fn a_run_is_kept_scored_again_and_drawn() {
    let praetor = Praetor::new();
    labels(&praetor);
    let flags = ["labels.jsonl", "-c", DEMO, "--replicates", "50"];
    let judged = praetor.run(
        &[&["eval"], &flags[..], &["--out", "run", "--html", "page.html", "--format", "json"]]
            .concat(),
    );
    assert_eq!(judged.code, 0, "{}", judged.err);
    let json: Value = serde_json::from_str(&judged.out).unwrap();
    let overall = value(&json, "/effectiveness/overall");
    assert_eq!(value(overall, "/counts/true_unsafe"), 2, "{json:#}");
    assert_eq!(value(&json, "/effectiveness/gaps/0/source"), "trained");
    assert_eq!(value(&json, "/effectiveness/rules/0/violations"), 2);
    assert_eq!(value(&json, "/effectiveness/scores/scored"), 6);

    let again =
        praetor.run(&[&["eval"], &flags[..], &["--run", "run", "--format", "json"]].concat());
    assert_eq!(again.code, 0, "{}", again.err);
    let again: Value = serde_json::from_str(&again.out).unwrap();
    for part in ["overall", "gaps", "rules", "sure"] {
        assert_eq!(again["effectiveness"][part], json["effectiveness"][part], "{part}");
    }
    // To the bit, through the run's JSON and out again.
    let scores = "/effectiveness/scores";
    assert_eq!(value(&again, scores), value(&json, scores));

    let page = fs_err::read_to_string(praetor.path("page.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("http://"), "it needs nothing else");
    for words in ["F1 of unsafe", "Gap between sources", "trained − unseen", "Reliability diagram"]
    {
        assert!(page.contains(words), "{words}");
    }
    let text = praetor.run(&[&["eval"], &flags[..], &["--run", "run", "--by-category"]].concat());
    assert_eq!(text.code, 0, "{}", text.err);
    for words in
        ["6 images, 2 unsafe", "by its category's rule alone", "trained - unseen", "ROC-AUC"]
    {
        assert!(text.out.contains(words), "{words}: {}", text.out);
    }
}

/// A judge that knows one of two categories: of the other all images are left out, read or not.
#[test]
fn an_image_that_can_not_be_read_counts_only_where_its_category_is_known() {
    let praetor = Praetor::new();
    let verdict = |image: &str, is_read: bool| {
        let rule = RuleVerdict {
            outcome: Outcome::Clear,
            ..RuleVerdict::from_findings(RuleId::new("tobacco").unwrap(), Vec::new())
        };
        let error = ImageError { code: "corrupt".to_owned(), message: "torn".to_owned() };
        Verdict {
            image: image.to_owned(),
            hash: None,
            verdict: if is_read { Conclusion::Safe } else { Conclusion::Failed },
            score: None,
            violated: Vec::new(),
            rules: if is_read { vec![rule] } else { Vec::new() },
            frames: None,
            error: (!is_read).then_some(error),
            method: Method::Classifier,
            without: Vec::new(),
            policy: Hash::of(b"policy"),
            model: ModelId { name: "c".to_owned(), fingerprint: Hash::of(b"c") },
            took_ms: 1,
        }
    };
    let manifest = RunManifest {
        praetor: "0.1.0".to_owned(),
        started: "2026-11-24T06:00:00Z".to_owned(),
        constitution: "demo".to_owned(),
        policy: Hash::of(b"policy"),
        model: ModelId { name: "c".to_owned(), fingerprint: Hash::of(b"c") },
        settings: Settings::new(),
        machine: "linux x86_64".to_owned(),
    };
    let mut folder = RunFolder::create(&praetor.path("run"), &manifest).unwrap();
    let mut labels = String::new();
    for (image, category, is_read) in [
        ("a.png", "tobacco", true),
        ("b.png", "tobacco", true),
        ("c.png", "tobacco", false),
        ("d.png", "weapons.child", true),
        ("e.png", "weapons.child", false),
    ] {
        let path = praetor.path(image).display().to_string();
        folder.append(&verdict(&path, is_read)).unwrap();
        let label = json!({ "image": path, "safety_label": "Safe", "category": category });
        writeln!(labels, "{label}").unwrap();
    }
    praetor.write("labels.jsonl", labels);
    let flags = ["--run", "run", "--by-category", "--format", "json", "--replicates", "10"];
    let run = praetor.run(&[&["eval", "labels.jsonl", "-c", DEMO], &flags[..]].concat());
    assert_eq!(run.code, 1, "{}", run.err);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    let counts = value(&found, "/effectiveness/overall/counts").as_object().unwrap();
    assert_eq!(counts.values().filter_map(Value::as_u64).sum::<u64>(), 3, "{counts:?}");
    assert_eq!(value(&found, "/unjudged_images/count"), 2);
    assert_eq!(value(&found, "/unread_images/count"), 2);
}

#[test]
fn what_can_not_be_scored_is_told_and_never_right() {
    let praetor = Praetor::new();
    let park = Path::new(EXAMPLES).join("park.png").display().to_string();
    praetor.write("broken.png", "no image");
    praetor.write(
        "labels.jsonl",
        format!(
            "{{\"image\": {park:?}, \"violated\": []}}\n\
             {{\"image\": \"broken.png\", \"violated\": []}}\n\
             no label\n\
             {{\"image\": {park:?}}}\n"
        ),
    );
    let run =
        praetor.run(&["eval", "labels.jsonl", "-c", DEMO, "--format", "json", "--out", "run"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let json: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(value(&json, "/bad_rows/count"), 1);
    assert_eq!(value(&json, "/unread_images/count"), 1);
    assert_eq!(value(&json, "/effectiveness/unlabelled"), 1);
    assert_eq!(value(&json, "/effectiveness/overall/counts/open_safe"), 1);
    assert_eq!(value(&json, "/effectiveness/overall/accuracy/value"), 0.5);

    praetor.write("other.jsonl", "{\"image\": \"elsewhere.png\", \"violated\": []}\n");
    praetor.write("unlabelled.jsonl", format!("{{\"image\": {park:?}}}\n"));
    praetor.write("rows.jsonl", "no label\n");
    for (arguments, code, words) in [
        (vec!["eval", "other.jsonl", "-c", DEMO, "--run", "run"], 2, "says nothing of any image"),
        (vec!["eval", "labels.jsonl", "-c", DEMO, "--run", "gone"], 3, "is no folder"),
        (vec!["eval", "unlabelled.jsonl", "-c", DEMO], 2, "not one image"),
        (vec!["eval", "rows.jsonl", "-c", DEMO], 2, "line 1 of `rows.jsonl`: is no label"),
        (vec!["eval", "labels.jsonl", "-c", DEMO, "--by-category"], 2, "needs categories"),
        (vec!["eval", "labels.jsonl", "-c", DEMO, "--run", "run", "--out", "x"], 2, "--out"),
    ] {
        let run = praetor.run(&arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(words), "{arguments:?}: {}", run.err);
    }
}
