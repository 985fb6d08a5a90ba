//! What a policy team does all day: diff, impact, probe.

use serde_json::Value;

use crate::answers::demo;
use crate::cli::{Praetor, stable};

/// An edition of `pets` that differs from the one every test has in most ways there are.
const RULES: &str = "\
name: pets
settings:
  undecided: lean
rules:
  - id: dogs
    text: Big dogs must not be shown.
    settings:
      thresholds: { accept_above_prior: 0.9 }
  - id: felines.indoors
    text: Cats must not be shown in a house.
  - id: birds
    text: Birds must not be shown.
";

#[test]
fn diff_tells_rule_by_rule_what_changed() {
    let praetor = Praetor::new();
    praetor.write("new.yaml", RULES);
    let hash = |text: &str| praetor::ids::Hash::of(text.as_bytes()).to_string();
    let entry = |id: &str, source: &str, statements: &[&str]| {
        let statements: Vec<String> = statements
            .iter()
            .map(|one| format!("      - statement: {one}\n        objects: [it]\n"))
            .collect();
        format!(
            "  - id: {id}\n    source: {}\n    objectiveness: 9\n    objective_text: {source}\n    \
             reviewed: true\n    preconditions:\n{}",
            hash(source),
            statements.concat()
        )
    };
    let lock = [
        "version: 1\nconstitution: pets\nrules:\n".to_owned(),
        entry("dogs", "Big dogs must not be shown.", &["a dog is visible", "it is big"]),
        entry(
            "felines.indoors",
            "Cats must not be shown in a house.",
            &["a cat is visible", "a house is visible"],
        ),
    ];
    praetor.write("new.lock.yaml", lock.concat());
    let run = praetor.run(&["constitution", "diff", "pets.yaml", "new.yaml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    insta::assert_snapshot!(run.out);
    let json = praetor.run(&["constitution", "diff", "pets.yaml", "new.yaml", "--format", "json"]);
    let diff: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(diff["rules"][0]["preconditions"][1]["kind"], "added");
    assert_eq!(diff["rules"][1]["renamed_from"], "cats.indoors");
    assert_eq!(diff["rules"][2]["to_compile"], true);
    let same = praetor.run(&["constitution", "diff", "pets.yaml", "pets.yaml"]);
    assert_eq!(same.out, "rules: 2 as before; no verdict can change\n");
}

#[test]
fn a_constitution_without_a_lock_is_compared_by_its_texts() {
    let praetor = Praetor::new();
    praetor.write("new.yaml", RULES);
    let run = praetor.run(&["constitution", "diff", "pets.yaml", "new.yaml"]);
    assert!(run.err.contains("`new.yaml` has no lock: only its texts are compared"), "{}", run.err);
    let absent = ["constitution", "diff", "pets.yaml", "new.yaml", "--new-lock", "absent.yaml"];
    assert_eq!(praetor.run(&absent).code, 2);
}

/// The demo's constitution with one rule less, one other, and one that forbids trees.
fn edit(praetor: &Praetor) {
    let yaml = fs_err::read_to_string("constitutions/demo.yaml").unwrap();
    let lock = fs_err::read_to_string("constitutions/demo.lock.yaml").unwrap();
    let (old, new) = ("Bombs must not be shown at all.", "A bomb and a dog must not be together.");
    let hash = |text: &str| praetor::ids::Hash::of(text.as_bytes()).to_string();
    assert!(yaml.contains(old) && lock.contains(&hash(old)));
    praetor.write("new.yaml", yaml.replace(old, new));
    let asks = "      - statement: a bomb is visible\n        objects: [bomb]\n";
    let more = format!("{asks}      - statement: a tree is visible\n        objects: [tree]\n");
    praetor.write("new.lock.yaml", lock.replace(&hash(old), &hash(new)).replace(asks, &more));
}

#[test]
fn impact_shows_what_flips_and_why_with_and_without_a_cache() {
    let praetor = Praetor::keeping_answers();
    demo(&praetor);
    edit(&praetor);
    let impact = ["impact", "demo.yaml", "new.yaml", "in", "--html", "gallery.html"];
    let run = praetor.run(&impact);
    assert_eq!(run.code, 0, "{}", run.err);
    insta::assert_snapshot!(stable(&run.out));
    let page = fs_err::read_to_string(praetor.path("gallery.html")).unwrap();
    assert!(!page.contains("<script") && page.contains("class=\"veiled\""));
    assert_eq!(page.matches("class=\"card\"").count(), 1);
    let json = praetor.run(&["impact", "demo.yaml", "new.yaml", "in", "--format", "json"]);
    let kept: Value = serde_json::from_str(&json.out).unwrap();
    let plain = ["impact", "demo.yaml", "new.yaml", "in", "--format", "json", "--no-cache"];
    let plain: Value = serde_json::from_str(&praetor.run(&plain).out).unwrap();
    assert_eq!(kept, plain);
    assert_eq!(kept["images"], 4);
    assert_eq!(kept["flips"][0]["image"], "in/dog-and-bomb.png");
    assert_eq!(kept["flips"][0]["rules"][0]["causes"][0]["kind"], "now_asked");
}

#[test]
fn the_same_edition_twice_flips_nothing_and_a_stale_lock_is_an_error() {
    let praetor = Praetor::new();
    demo(&praetor);
    let run = praetor.run(&["impact", "demo.yaml", "demo.yaml", "in/garden.png"]);
    assert!(run.out.contains("0 of 1 images come out otherwise"), "{}", run.out);
    edit(&praetor);
    fs_err::copy(praetor.path("demo.lock.yaml"), praetor.path("new.lock.yaml")).unwrap();
    let run = praetor.run(&["impact", "demo.yaml", "new.yaml", "in/garden.png"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("praetor::lock::stale"), "{}", run.err);
}

#[test]
fn images_that_can_not_be_read_are_named_and_none_at_all_is_an_error() {
    let praetor = Praetor::new();
    demo(&praetor);
    praetor.write("in/torn.png", b"torn");
    let impact = |images: &str| praetor.run(&["impact", "demo.yaml", "demo.yaml", images]);
    let run = impact("in");
    assert_eq!(run.code, 1);
    assert!(run.err.contains("note: in/torn.png: "), "{}", run.err);
    assert!(run.out.contains("0 of 4 images") && run.out.contains("1 more could not be read"));
    let run = impact("absent.png");
    assert_eq!((run.code, run.out.as_str()), (3, ""));
    assert!(run.err.contains("not one image could be read; the first: absent.png"), "{}", run.err);
    let probe = praetor.run(&["constitution", "probe", "absent.png", "-c", "demo.yaml"]);
    assert_eq!(probe.code, 3, "{}", probe.err);
}

#[test]
fn a_probe_turns_with_the_policy_and_the_models_own_taste_does_not() {
    let praetor = Praetor::keeping_answers();
    demo(&praetor);
    let probe = |more: &[&str]| {
        let command = ["constitution", "probe", "in", "-c", "demo.yaml", "--format", "json"];
        let run = praetor.run(&[&command[..], more].concat());
        assert_eq!(run.code, 0, "{}", run.err);
        serde_json::from_str::<Value>(&run.out).unwrap()
    };
    let sum = |probes: &Value, kind: &str, what: &str| -> u64 {
        let rules = probes.as_array().unwrap().iter();
        rules.map(|rule| rule[kind][what].as_u64().unwrap()).sum()
    };
    let clue = probe(&[]);
    assert!(sum(&clue, "removed", "flipped") >= 2);
    assert_eq!(sum(&clue, "removed", "stayed"), 0);
    let taste = probe(&["--method", "prior-knowledge"]);
    for kind in ["removed", "inverted_violated", "inverted_clear"] {
        assert_eq!(sum(&taste, kind, "flipped"), 0, "{taste}");
    }
    let text = praetor.run(&["constitution", "probe", "in", "-c", "demo.yaml"]).out;
    assert!(text.contains("verdicts follow taken-out rules in 100.0 % of cases"), "{text}");
}

#[test]
fn a_probe_of_images_at_a_time_counts_as_one_by_one() {
    let praetor = Praetor::new();
    demo(&praetor);
    let probe = |jobs: &str| {
        let command = ["constitution", "probe", "in", "-c", "demo.yaml", "--threads=1"];
        let run = praetor.run(&[&command[..], &["--format", "json", "--jobs", jobs]].concat());
        assert_eq!(run.code, 0, "{}", run.err);
        run.out
    };
    let one = probe("1");
    assert!(one.contains("\"flipped\": 1"), "{one}");
    assert_eq!(probe("2"), one);
}
