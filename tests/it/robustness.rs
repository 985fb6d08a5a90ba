//! `praetor robustness` as a user meets it, on the demo model.

use praetor::store::Run;
use serde_json::Value;

use crate::cli::Praetor;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/demo/examples");
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/constitutions/demo.yaml");

/// Stages without which an image is judged five times as quickly; what is tested here does not need them.
const QUICK: &str = "--without=relevance,region";

fn example(name: &str) -> String {
    format!("{EXAMPLES}/{name}")
}

/// One row of the JSON by its perturbation.
fn row<'a>(found: &'a Value, perturbation: &str) -> &'a Value {
    let rows = found["perturbations"].as_array().unwrap();
    rows.iter().find(|row| row["perturbation"] == perturbation).unwrap()
}

#[test]
fn the_control_turns_nothing_and_every_perturbation_has_a_row() {
    let praetor = Praetor::new();
    let knife = &example("child-and-knife.png");
    let quicker = "--without=relevance,region,reasoning";
    let run =
        praetor.run(&["robustness", "-c", DEMO, quicker, "--threads=1", "--format", "json", knife]);
    assert!(run.code <= 1, "{}", run.err);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&found["images"], &found["seed"]), (&1.into(), &2023.into()));
    assert_eq!(found["perturbations"].as_array().unwrap().len(), 14);
    let control = row(&found, "png");
    assert_eq!((&control["control"], &control["flipped"]), (&true.into(), &0.into()));
    assert_eq!(control["score"]["most"], 0.0);
    assert_eq!(control["robust"], Value::Null, "without labels there is no robust accuracy");
    for row in found["perturbations"].as_array().unwrap() {
        assert_eq!((&row["images"], &row["failed"]), (&1.into(), &0.into()), "{row}");
    }
    assert!(row(&found, "noise:0.2")["score"]["mean"].as_f64().unwrap() > 0.0);
    let noise = |seed: &str| {
        let flags = ["--perturb", "noise:0.2", "--seed", seed, "--format", "json"];
        let asked =
            ["robustness", "-c", DEMO, quicker, "--threads=1", knife].into_iter().chain(flags);
        praetor.run(&asked.collect::<Vec<_>>()).out
    };
    assert_eq!(noise("1"), noise("1"), "the same seed gives the same");
    assert_ne!(noise("1"), noise("2"));
}

/// A label that is wrong on purpose: an image that was wrong before can't be lost.
#[test]
fn labels_give_robust_accuracy_by_source_of_what_was_right() {
    let praetor = Praetor::new();
    let line = |image: &str, source: &str, violated: &str| {
        praetor.write(image, fs_err::read(example(image)).unwrap());
        format!(
            "{{\"image\": \"{image}\", \"source\": \"{source}\", \"violated\": [{violated}]}}\n"
        )
    };
    let labels = [
        line("child-and-knife.png", "drawn", "\"weapons.child\""),
        line("park.png", "drawn", ""),
        line("birthday.png", "other", "\"weapons.child\""),
    ];
    praetor.write("labels.jsonl", labels.concat());
    let mut arguments = vec![
        "robustness",
        "-c",
        DEMO,
        QUICK,
        "--labels",
        "labels.jsonl",
        "--perturb",
        "png,jpeg:75",
    ];
    arguments.extend(["child-and-knife.png", "park.png", "birthday.png"]);
    let table = praetor.run(&arguments);
    assert!(table.code <= 1, "{}", table.err);
    assert!(table.out.contains("robust accuracy") && table.out.contains("drawn"), "{}", table.out);
    arguments.extend(["--format", "json"]);
    let found: Value = serde_json::from_str(&praetor.run(&arguments).out).unwrap();
    let control = row(&found, "png");
    assert_eq!(control["robust"]["right_before"], 2);
    assert_eq!(control["robust"]["accuracy"], 1.0);
    let sources = control["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 2);
    assert_eq!(
        (&sources[1]["source"], &sources[1]["robust"]["right_before"]),
        (&"other".into(), &0.into())
    );
}

#[test]
fn the_square_attack_asks_no_more_than_it_may_and_says_what_it_came_to() {
    let praetor = Praetor::new();
    let (images, out) =
        (example("child-and-knife.png"), praetor.path("runs").display().to_string());
    let arguments = [
        "robustness",
        &images,
        "-c",
        DEMO,
        QUICK,
        "--threads=1",
        "--perturb",
        "png",
        "--attack",
        "square",
        "--queries",
        "12",
        "--epsilon",
        "4",
        "--out",
        &out,
        "--format",
        "json",
    ];
    let run = praetor.run(&arguments);
    assert!(run.code <= 1, "{}", run.err);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    let attack = &found["attack"];
    assert_eq!((&attack["attacked"], &attack["epsilon"]), (&1.into(), &4.into()));
    assert!((1..=12).contains(&attack["queries_spent"].as_u64().unwrap()), "{attack}");
    // Every form of the pictures is a run that other commands read.
    for name in ["as-is", "png"] {
        let run = Run::open(&praetor.path("runs").join(name)).unwrap();
        assert_eq!(run.manifest.settings["perturbation"], name);
        assert_eq!(run.verdicts().unwrap().count(), 1);
    }
    let taken = praetor.run(&arguments);
    assert_eq!(taken.code, 3, "{}", taken.err);
}

#[test]
fn what_can_not_be_done_is_explained() {
    let praetor = Praetor::new();
    let image = example("park.png");
    praetor.write("broken.png", b"no image");
    for (arguments, code, words) in [
        (vec!["robustness", &image, "-c", DEMO, "--perturb", "jepg:50"], 2, "jpeg:QUALITY"),
        (vec!["robustness", &image, "-c", DEMO, "--perturb", "jpeg:0"], 2, "1 to 100"),
        (vec!["robustness", &image, "-c", DEMO, "--queries", "9"], 2, "--attack"),
        (vec!["robustness", &image, "-c", DEMO, "--labels", "nowhere.jsonl"], 3, "nowhere.jsonl"),
        (vec!["robustness", "broken.png", "-c", DEMO], 3, "not one image could be read"),
        (vec!["robustness", &image, "broken.png", "-c", DEMO, "--perturb", "png"], 1, "broken.png"),
    ] {
        let run = praetor.run(&arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(words), "{arguments:?}: {}", run.err);
    }
    let help = praetor.run(&["robustness", "--help"]);
    assert!(help.out.contains("gradients"), "{}", help.out);
}
