//! `praetor robustness` as a user meets it, on the demo model.

mod served;

use std::fmt::Write as _;

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

/// What was counted under the first seed.
fn first(found: &Value) -> &Value {
    &found["seeds"][0]
}

/// One row of the first seed by its perturbation.
fn row<'a>(found: &'a Value, perturbation: &str) -> &'a Value {
    let rows = first(found)["perturbations"].as_array().unwrap();
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
    assert_eq!((&first(&found)["images"], &first(&found)["seed"]), (&1.into(), &2023.into()));
    assert_eq!((&found["sample"], &found["over_seeds"]), (&Value::Null, &Value::Array(vec![])));
    assert_eq!(first(&found)["perturbations"].as_array().unwrap().len(), 14);
    let control = row(&found, "png");
    assert_eq!((&control["control"], &control["flipped"]), (&true.into(), &0.into()));
    assert_eq!(control["score"]["most"], 0.0);
    assert_eq!(control["robust"], Value::Null, "without labels there is no robust accuracy");
    for row in first(&found)["perturbations"].as_array().unwrap() {
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
    let attack = &first(&found)["attack"];
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

/// Two of each source by chance, under two seeds; `birthday.png` is labelled wrongly on purpose and can be in
/// no sample, and `garden.png` has no label.
#[test]
fn a_sample_is_of_what_is_right_and_every_seed_has_its_own() {
    let praetor = Praetor::new();
    let mut labels = String::new();
    let mut images = vec![example("garden.png")];
    for (image, source, violated) in [
        ("park.png", "drawn", ""),
        ("family.png", "drawn", ""),
        ("medicine.png", "drawn", ""),
        ("street.png", "drawn", ""),
        ("birthday.png", "other", "\"weapons.child\""),
        ("child-and-knife.png", "other", "\"weapons.child\""),
    ] {
        let image = example(image);
        let _ = writeln!(
            labels,
            "{{\"image\": \"{image}\", \"source\": \"{source}\", \"violated\": [{violated}]}}"
        );
        images.push(image);
    }
    praetor.write("labels.jsonl", &labels);
    let out = praetor.path("runs").display().to_string();
    let mut arguments = vec!["robustness", "-c", DEMO, QUICK, "--threads=1", "--no-cache"];
    arguments.extend(["--labels", "labels.jsonl", "--perturb", "png,noise:0.2"]);
    arguments.extend(["--sample", "2", "--seed", "2023,2024"]);
    arguments.extend(images.iter().map(String::as_str));
    let table = praetor.run(&[&*arguments, &["--out", &out]].concat());
    assert!(table.code <= 1, "{}", table.err);
    for words in ["sample of drawn: 2 of 4 images", "over the seeds", "fewer than were wanted"] {
        assert!(table.out.contains(words), "{words}: {}", table.out);
    }
    let json = praetor.run(&[&*arguments, &["--format", "json"]].concat()).out;
    let found: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found["unlabelled"], 1);
    for under in found["seeds"].as_array().unwrap() {
        assert_eq!(under["images"], 3);
        let control = &under["perturbations"][0]["robust"];
        assert_eq!((&control["right_before"], &control["still_right"]), (&3.into(), &3.into()));
        let sample = under["sample"].as_array().unwrap();
        assert_eq!((&sample[0]["source"], &sample[0]["taken"]), (&"drawn".into(), &2.into()));
        assert_eq!((&sample[1]["images"], &sample[1]["taken"]), (&2.into(), &1.into()));
    }
    let over = found["over_seeds"].as_array().unwrap();
    assert_eq!(over[0]["perturbation"], "png");
    assert_eq!(over[0]["robust_accuracy"]["values"], serde_json::json!([1.0, 1.0]));
    // Nothing is judged twice as it is, whatever the seeds; noise has a run of its own for each.
    let names = |run: &str| {
        let run = Run::open(&praetor.path("runs").join(run)).unwrap();
        let mut names: Vec<String> =
            run.verdicts().unwrap().map(|verdict| verdict.unwrap().image).collect();
        names.sort();
        names
    };
    let as_is = names("as-is");
    assert!(as_is.windows(2).all(|pair| pair[0] != pair[1]), "{as_is:?}");
    let sampled = ["noise-0.2-seed-2023", "noise-0.2-seed-2024"].map(names);
    assert!(sampled.iter().all(|sample| sample.len() == 3), "{sampled:?}");
    assert_ne!(sampled[0], sampled[1], "another seed takes others");
    assert!(!sampled.concat().iter().any(|name| name.ends_with("birthday.png")));
}

/// Without labels and without a sample every image is taken under every seed, and only noise can differ.
#[test]
fn several_seeds_give_a_mean_and_a_spread_of_what_is_chance() {
    let praetor = Praetor::new();
    let image = example("park.png");
    let mut arguments = vec!["robustness", &image, "-c", DEMO, QUICK, "--threads=1"];
    arguments.extend(["--perturb", "png,noise:0.2", "--seed", "1,2,3", "--format", "json"]);
    let found: Value = serde_json::from_str(&praetor.run(&arguments).out).unwrap();
    assert_eq!(found["seeds"].as_array().unwrap().len(), 3);
    let over = found["over_seeds"].as_array().unwrap();
    assert_eq!(over.len(), 1);
    assert_eq!(over[0]["perturbation"], "noise:0.2");
    assert_eq!(over[0]["flipped"]["values"].as_array().unwrap().len(), 3);
    let moved = |seed: usize| &found["seeds"][seed]["perturbations"][1]["score"]["mean"];
    assert_ne!(moved(0), moved(1), "each seed has noise of its own");
}

/// All images, and a sample of them under two seeds, with a run folder a perturbation.
#[test]
fn images_judged_at_a_time_are_counted_and_kept_as_one_by_one() {
    let praetor = Praetor::new();
    praetor.write("broken.png", b"no image");
    let images = ["park.png", "child-and-knife.png", "garden.png"].map(example);
    let measure = |jobs: &str, more: &[&str]| {
        let out = praetor.path(&format!("runs-{jobs}-{}", more.len())).display().to_string();
        let mut arguments = vec!["robustness", "broken.png", "-c", DEMO, QUICK, "--threads=1"];
        arguments.extend(["--perturb", "png,jpeg:30,noise:0.2", "--attack=square", "--queries=3"]);
        arguments.extend(["--format", "json", "--jobs", jobs, "--out", &out]);
        arguments.extend(images.iter().map(String::as_str).chain(more.iter().copied()));
        let run = praetor.run(&arguments);
        assert_eq!(run.code, 1, "{}", run.err);
        let kept = ["as-is", "jpeg-30", "noise-0.2", "noise-0.2-seed-8"].map(|name| {
            let run = Run::open(&praetor.path(&out).join(name)).ok()?;
            let kept = run.verdicts().unwrap().map(Result::unwrap);
            Some(kept.map(|verdict| (verdict.image, verdict.verdict)).collect::<Vec<_>>())
        });
        // Another place in the engine's memory moves scores by its rounding.
        let mut found: Value = serde_json::from_str(&run.out).unwrap();
        let seeds = found["seeds"].as_array_mut().unwrap().iter_mut();
        let rows = seeds.flat_map(|under| under["perturbations"].as_array_mut().unwrap());
        let moved = |row: &mut Value| row["score"]["mean"].take().as_f64().unwrap();
        let moved: Vec<f64> = rows.map(|row| (moved(row), row["score"]["most"].take()).0).collect();
        (found, kept, moved)
    };
    for more in [&[][..], &["--sample=2", "--seed=7,8"]] {
        let (found, kept, moved) = measure("1", more);
        assert!(kept[0].as_ref().is_some_and(|as_is| as_is.len() >= 2), "{kept:?}");
        let (by_two, kept_by_two, moved_by_two) = measure("2", more);
        assert_eq!((by_two, kept_by_two), (found, kept));
        assert!(moved.iter().zip(&moved_by_two).all(|(one, two)| (one - two).abs() < 0.005));
    }
}

#[test]
fn what_can_not_be_done_is_explained() {
    let praetor = Praetor::new();
    let image = example("park.png");
    praetor.write("broken.png", b"no image");
    praetor.write("other.jsonl", "{\"image\": \"other.png\", \"violated\": []}\n");
    for (arguments, code, words) in [
        (vec!["robustness", &image, "-c", DEMO, "--perturb", "jepg:50"], 2, "jpeg:QUALITY"),
        (vec!["robustness", &image, "-c", DEMO, "--perturb", "jpeg:0"], 2, "1 to 100"),
        (vec!["robustness", &image, "-c", DEMO, "--queries", "9"], 2, "--attack"),
        (vec!["robustness", &image, "-c", DEMO, "--labels", "nowhere.jsonl"], 3, "nowhere.jsonl"),
        (vec!["robustness", &image, "-c", DEMO, "--seed", "7,8,7"], 2, "seed 7 is named twice"),
        (
            vec!["robustness", &image, "-c", DEMO, "--out", "runs", "--perturb", "jpeg,jpeg:75"],
            2,
            "have the same name, `jpeg-75`",
        ),
        (vec!["robustness", &image, "-c", DEMO, "--perturb", "text:a b,text:a/b"], 2, "text-a-b"),
        (vec!["robustness", &image, "-c", DEMO, "--sample", "0"], 2, "--sample"),
        (vec!["robustness", "broken.png", "-c", DEMO, "--sample", "3"], 3, "not one image"),
        (
            vec!["robustness", &image, "-c", DEMO, "--sample", "3", "--labels", "other.jsonl"],
            2,
            "has a label",
        ),
        (vec!["robustness", "broken.png", "-c", DEMO], 3, "not one image could be read"),
        (vec!["robustness", &image, "broken.png", "-c", DEMO, "--perturb", "png"], 1, "broken.png"),
    ] {
        let run = praetor.run(&arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(words), "{arguments:?}: {}", run.err);
    }
    assert!(!praetor.path("runs").exists(), "what is refused leaves no folder behind");
    let help = praetor.run(&["robustness", "--help"]);
    assert!(help.out.contains("gradients"), "{}", help.out);
}
