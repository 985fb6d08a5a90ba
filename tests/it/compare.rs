//! `praetor compare`: several judges on the same images, from run folders and from models that are run.

use praetor::ids::{Hash, ModelId, RuleId};
use praetor::store::{RunFolder, RunManifest};
use praetor::units::Probability;
use praetor::verdict::{Method, Outcome, RuleVerdict, Verdict, Why, conclude};
use serde_json::Value;

use crate::answers::demo;
use crate::cli::{Praetor, stable};

use Outcome::{Clear, Irrelevant, Undetermined, Violated};

fn mark(rule: &str, outcome: Outcome, why: Option<Why>) -> RuleVerdict {
    let rule = RuleId::new(rule).unwrap();
    RuleVerdict { outcome, why, ..RuleVerdict::from_findings(rule, Vec::new()) }
}

/// A verdict on a file whose content is its name.
fn verdict(image: &str, rules: Vec<RuleVerdict>, score: f64) -> Verdict {
    let violated = rules.iter().filter(|rule| rule.outcome == Violated);
    Verdict {
        image: image.to_owned(),
        hash: Some(Hash::of(image.as_bytes())),
        verdict: conclude(&rules),
        score: Probability::new(score),
        violated: violated.map(|rule| rule.rule.clone()).collect(),
        rules,
        frames: None,
        error: None,
        method: Method::Clue,
        without: Vec::new(),
        policy: Hash::of(b"policy"),
        model: ModelId { name: "by-hand".to_owned(), fingerprint: Hash::of(b"model") },
        took_ms: 20,
    }
}

fn judged(image: &str, dogs: Outcome, cats: Outcome, score: f64) -> Verdict {
    let why = |outcome| (outcome == Undetermined).then_some(Why::Refused);
    let rules = vec![mark("dogs", dogs, why(dogs)), mark("cats.indoors", cats, why(cats))];
    verdict(image, rules, score)
}

/// Writes a run folder by hand.
fn run(praetor: &Praetor, name: &str, policy: &str, verdicts: &[Verdict]) {
    let manifest = RunManifest {
        praetor: "0.1.0".to_owned(),
        started: "2026-11-24T06:00:00Z".to_owned(),
        constitution: "pets".to_owned(),
        policy: Hash::of(policy.as_bytes()),
        model: ModelId { name: "by-hand".to_owned(), fingerprint: Hash::of(b"model") },
        settings: praetor::store::Settings::new(),
        machine: "linux x86_64".to_owned(),
    };
    let mut folder = RunFolder::create(&praetor.path(name), &manifest).unwrap();
    for verdict in verdicts {
        folder.append(verdict).unwrap();
    }
}

/// Two judges on five images: one is flagged by the first alone, one refused by the second.
fn two_runs(praetor: &Praetor) {
    let first = [
        judged("in/a.png", Violated, Clear, 0.98),
        judged("in/b.png", Violated, Clear, 0.91),
        judged("in/c.png", Clear, Irrelevant, 0.12),
        judged("in/d.png", Clear, Violated, 0.88),
        judged("in/e.png", Clear, Clear, 0.03),
    ];
    let second = [
        judged("in/a.png", Violated, Clear, 0.97),
        judged("in/b.png", Clear, Clear, 0.30),
        judged("in/c.png", Undetermined, Clear, 0.45),
        judged("in/d.png", Violated, Violated, 0.90),
        judged("in/e.png", Clear, Clear, 0.02),
    ];
    run(praetor, "first", "policy", &first);
    run(praetor, "second", "policy", &second);
}

fn json(praetor: &Praetor, arguments: &[&str]) -> Value {
    let run = praetor.run(&[&["compare", "--format", "json"], arguments].concat());
    assert!(run.code < 2, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

/// No line is wider than a terminal of a hundred columns.
fn narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
    }
}

/// How wide a time is differs from run to run, and so does the room before it.
fn unpadded(text: &str) -> String {
    let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn two_runs_are_compared_in_words() {
    let praetor = Praetor::new();
    two_runs(&praetor);
    let run = praetor.run(&["compare", "first", "second"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    narrow(&run.out);
    insta::assert_snapshot!(run.out);
    let strict = praetor.run(&["compare", "first", "second", "--fail-on-disagreement"]);
    assert_eq!(strict.code, 1);
    let same = praetor.run(&["compare", "first", "again=first", "--fail-on-disagreement"]);
    assert_eq!(same.code, 0, "{}", same.out);
    assert!(same.out.contains("2 judges, no disagreement on 5 images"), "{}", same.out);
    assert!(same.out.contains("the same to the last digit"), "{}", same.out);
}

/// Twelve images, of which each flags four dogs, three of them the same: enough for a kappa. Of the one cat
/// there is none.
#[test]
fn a_rule_that_enough_images_violate_has_a_kappa_with_its_interval() {
    let praetor = Praetor::new();
    let judge = |name: &str, flagged: std::ops::Range<usize>| {
        let verdict = |image: usize| {
            let dogs = if flagged.contains(&image) { Violated } else { Clear };
            let cats = if image == 0 { Violated } else { Clear };
            judged(&format!("in/{image}.png"), dogs, cats, 0.5)
        };
        run(&praetor, name, "policy", &(0..12).map(verdict).collect::<Vec<_>>());
    };
    judge("first", 0..4);
    judge("second", 1..5);
    let text = praetor.run(&["compare", "first", "second", "--html", "gallery.html"]);
    assert_eq!(text.code, 0, "{}", text.err);
    narrow(&text.out);
    let line = |word: &str| text.out.lines().find(|line| line.starts_with(word)).unwrap();
    assert!(line("dogs").contains("0.63 ("), "{}", text.out);
    assert!(line("cats.indoors").contains("  -"), "{}", text.out);
    assert!(text.out.contains("where 5 images or more violate it"), "{}", text.out);
    let page = fs_err::read_to_string(praetor.path("gallery.html")).unwrap();
    assert!(page.contains("Kappa (95 %)") && page.matches("0.63 (").count() > 0);
    let found = json(&praetor, &["first", "second"]);
    let kappa = |rule: usize| &found["rules"][rule]["pairs"][0]["kappa"];
    assert_eq!(*kappa(1), Value::Null);
    let [low, high] = ["low", "high"].map(|end| kappa(0)["interval"][end].as_f64().unwrap());
    assert!(low < 0.625 && 0.625 < high);
}

#[test]
fn labels_tell_who_is_right() {
    let praetor = Praetor::new();
    two_runs(&praetor);
    let labels = "{\"image\": \"in/a.png\", \"violated\": [\"dogs\"]}\n\
                  {\"image\": \"in/b.png\", \"violated\": [\"dogs\"]}\n\
                  {\"image\": \"in/c.png\", \"violated\": []}\n";
    praetor.write("labels.jsonl", labels);
    let run = praetor.run(&["compare", "first", "second", "--labels", "labels.jsonl"]);
    assert_eq!(run.code, 0, "{}", run.err);
    narrow(&run.out);
    assert!(run.out.contains("3 labelled"), "{}", run.out);
    assert!(run.out.contains("only `first` is right on 2, only `second` on 0: p = 0.500"));
    let found = json(&praetor, &["first", "second", "--labels", "labels.jsonl"]);
    assert_eq!(found["judges"][0]["against"]["right"], 3);
    assert_eq!(found["judges"][1]["against"]["recall"], 0.5);
    assert_eq!(found["rules"][0]["labelled"], 2);
    praetor.write("wrong.jsonl", "{\"image\": \"in/a.png\", \"violated\": [\"birds\"]}\n");
    assert_eq!(praetor.run(&["compare", "first", "second", "--labels", "wrong.jsonl"]).code, 2);
}

#[test]
fn images_that_only_one_run_has_are_counted_and_left_out() {
    let praetor = Praetor::new();
    run(
        &praetor,
        "first",
        "policy",
        &[judged("a.png", Clear, Clear, 0.1), judged("b.png", Violated, Clear, 0.9)],
    );
    let changed = Verdict { hash: Some(Hash::of(b"edited")), ..judged("b.png", Clear, Clear, 0.1) };
    run(&praetor, "second", "policy", &[judged("moved/a.png", Clear, Clear, 0.1), changed]);
    // By hash `moved/a.png` is another file, by name `b.png` is the same: hashes decide.
    let nothing = praetor.run(&["compare", "first", "second"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (3, ""));
    assert!(nothing.err.contains("no image was judged by all"), "{}", nothing.err);
    assert!(nothing.err.contains("the same name and other"), "{}", nothing.err);
    let moved = Verdict { image: "moved/a.png".to_owned(), ..judged("a.png", Clear, Clear, 0.1) };
    run(&praetor, "third", "policy", &[moved, judged("c.png", Clear, Clear, 0.1)]);
    let found = json(&praetor, &["first", "third"]);
    assert_eq!((&found["images"], &found["left_out"]["missing"]), (&1.into(), &2.into()));
    let text = praetor.run(&["compare", "first", "third"]).out;
    assert!(text.contains("left out: 2 not judged by all (not by A 1, B 1)"), "{text}");
    let strict = praetor.run(&["compare", "first", "third", "--fail-on-disagreement"]);
    assert_eq!(strict.code, 1, "what was not compared may differ");
}

#[test]
fn a_run_that_was_cut_off_is_compared_as_far_as_it_goes_and_told_of() {
    let praetor = Praetor::new();
    two_runs(&praetor);
    let lines = fs_err::read_to_string(praetor.path("second/verdicts.jsonl")).unwrap();
    let third = lines.match_indices('\n').nth(2).unwrap().0;
    praetor.write("second/verdicts.jsonl", &lines[..third + 40]);
    let run = praetor.run(&["compare", "first", "second"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("note: second: the run was cut off"), "{}", run.err);
    assert!(run.out.contains("disagree on 2 of 3 images"), "{}", run.out);
    praetor.write("second/verdicts.jsonl", format!("{{\n{lines}"));
    let broken = praetor.run(&["compare", "first", "second"]);
    assert_eq!(broken.code, 3);
    assert!(broken.err.contains("line 1 of `second/verdicts.jsonl`"), "{}", broken.err);
}

#[test]
fn judges_of_different_policies_are_not_compared_by_accident() {
    let praetor = Praetor::new();
    run(&praetor, "first", "policy", &[judged("a.png", Clear, Clear, 0.1)]);
    run(&praetor, "second", "other policy", &[judged("a.png", Violated, Clear, 0.9)]);
    let refused = praetor.run(&["compare", "first", "second"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    insta::assert_snapshot!("compare_policies", refused.err);
    let allowed = praetor.run(&["compare", "first", "second", "--allow-different-policies"]);
    assert_eq!(allowed.code, 0, "{}", allowed.err);
    assert!(allowed.out.contains("may come from the policy and not from"), "{}", allowed.out);
    // A model that would be run goes by the constitution that is named, which is another one.
    praetor.picture("a.png");
    let run = praetor.run(&["compare", "first", "demo", "-c", "pets.yaml"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("different_policies"), "{}", run.err);
}

#[test]
fn three_judges_and_one_that_refuses() {
    let praetor = Praetor::new();
    two_runs(&praetor);
    let whole = |image: &str, outcome: Outcome, why: Option<Why>| Verdict {
        method: Method::PriorKnowledge,
        ..verdict(image, vec![mark("image", outcome, why)], 0.5)
    };
    let unparsable = Why::Unparsable { detail: "I am sorry".to_owned() };
    run(
        &praetor,
        "third",
        "policy",
        &[
            whole("in/a.png", Undetermined, Some(Why::Refused)),
            whole("in/b.png", Undetermined, Some(Why::Filtered)),
            whole("in/c.png", Undetermined, Some(unparsable)),
            whole("in/d.png", Violated, None),
            whole("in/e.png", Clear, None),
        ],
    );
    let run = praetor.run(&["compare", "first", "second", "strict=third"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    narrow(&run.out);
    insta::assert_snapshot!(run.out);
    let found = json(&praetor, &["first", "second", "third"]);
    assert!(found["fleiss"]["value"].is_f64());
    assert_eq!(found["judges"][2]["reasons"]["refused"], 1);
    assert_eq!(found["pairs"].as_array().unwrap().len(), 3);
    assert_eq!(found["disputes"][0]["kind"], "opposite");
    assert_eq!(found["rules"].as_array().unwrap().len(), 2);
}

/// Classifiers that know rules are held to them, and one that knows none judges the image as a whole.
#[test]
fn classifiers_that_flag_the_same_by_other_rules_disagree() {
    let praetor = Praetor::new();
    let by =
        |dogs, cats| Verdict { method: Method::Classifier, ..judged("in/a.png", dogs, cats, 0.9) };
    run(&praetor, "first", "policy", &[by(Violated, Clear)]);
    run(&praetor, "second", "policy", &[by(Clear, Violated)]);
    let whole = Verdict {
        method: Method::Classifier,
        violated: Vec::new(),
        ..verdict("in/a.png", vec![mark("image", Violated, None)], 0.9)
    };
    run(&praetor, "whole", "policy", &[whole]);
    let strict = ["compare", "first", "second", "--fail-on-disagreement", "--html", "page.html"];
    let found = praetor.run(&strict);
    assert_eq!(found.code, 1, "{}", found.err);
    assert!(
        found.out.contains("the same conclusions on 1 images, on 1 by other rules"),
        "{}",
        found.out
    );
    assert!(!found.out.contains("as a whole"), "{}", found.out);
    let page = fs_err::read_to_string(praetor.path("page.html")).unwrap();
    assert!(page.contains("cats.indoors"), "the card names the rules");
    praetor.write("labels.jsonl", "{\"image\": \"in/a.png\", \"violated\": [\"birds\"]}\n");
    let labels = praetor.run(&["compare", "first", "second", "--labels", "labels.jsonl"]);
    assert_eq!(labels.code, 2, "{}", labels.err);
    let found = praetor.run(&["compare", "first", "whole", "--fail-on-disagreement"]);
    assert_eq!(found.code, 0, "{}", found.out);
    assert!(found.out.contains("`whole` judges the image as a whole"), "{}", found.out);
}

#[test]
fn models_are_run_one_after_the_other_and_their_runs_can_be_read_again() {
    let praetor = Praetor::keeping_answers();
    demo(&praetor);
    let compare = ["compare", "demo", "whole=demo+whole-constitution", "--images", "in"];
    let more = ["-c", "demo.yaml", "--out", "runs", "--html", "gallery.html"];
    let run = praetor.run(&[&compare[..], &more].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    narrow(&run.out);
    insta::assert_snapshot!("compare_demo", unpadded(&stable(&run.out)));
    let page = fs_err::read_to_string(praetor.path("gallery.html")).unwrap();
    assert!(!page.contains("<script") && page.contains("class=\"veiled\""));
    let again = json(&praetor, &["runs/demo", "whole=runs/whole"]);
    assert_eq!(again["images"], 4);
    assert_eq!(again["judges"][1]["method"], "whole-constitution");
    let disagreed = again["disagreed"].as_u64().unwrap();
    assert_eq!(page.matches("class=\"card\"").count() as u64, disagreed);
    // What was kept is not written over.
    let taken = praetor.run(&[&compare[..], &more].concat());
    assert_eq!(taken.code, 3);
    insta::assert_snapshot!("compare_occupied", taken.err);
    // A run says which images another judge is to look at.
    let against = ["compare", "runs/demo", "demo", "-c", "demo.yaml", "--fail-on-disagreement"];
    let tmp = praetor.path("tmp");
    fs_err::create_dir(&tmp).unwrap();
    let same = praetor.run_in(&[("TMPDIR", tmp.to_str().unwrap())], &against);
    assert_eq!(same.code, 0, "{}", same.err);
    assert!(same.out.contains("no disagreement on 4 images"), "{}", same.out);
    assert_eq!(fs_err::read_dir(&tmp).unwrap().count(), 0, "runs that are not kept are gone");
}

#[test]
fn a_folder_with_an_image_that_can_not_be_read_is_compared_without_it() {
    let praetor = Praetor::keeping_answers();
    demo(&praetor);
    praetor.write("in/torn.png", b"torn");
    let judges = ["compare", "demo", "plain=demo+without-region+without-reasoning"];
    let run =
        praetor.run(&[&judges[..], &["--images", "in", "none.png", "-c", "demo.yaml"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("note: ") && run.err.contains("none.png"), "{}", run.err);
    assert!(run.out.contains("left out: 1 not read by all (not by A 1, B 1)"), "{}", run.out);
    assert!(run.out.contains("clue without region, rea"), "{}", run.out);
}

#[test]
fn what_is_wrong_is_told_before_a_model_is_loaded() {
    let praetor = Praetor::new();
    two_runs(&praetor);
    praetor.picture("a.png");
    let with = |arguments: &[&str]| {
        let run = praetor.run(&[&["compare"], arguments].concat());
        format!("exit {}\n{}", run.code, run.err)
    };
    let all = [
        with(&["first"]),
        with(&["first", "runs/none"]),
        with(&["first", "demo"]),
        with(&["first", "demo", "-c", "pets.yaml", "--model", "other"]),
        with(&["first", "second", "--images", "a.png"]),
        with(&["demo", "demo+prior-knowledge", "-c", "pets.yaml"]),
        with(&["first", "tests"]),
    ];
    insta::assert_snapshot!("compare_mistakes", all.join("\n"));
    let varied = with(&["first", "demo+taste"]);
    assert!(varied.contains("`taste` is none of the variations clue, prior-knowledge"), "{varied}");
}

#[test]
fn names_of_images_can_steer_neither_terminal_nor_page() {
    let praetor = Praetor::new();
    let name = "<script>alert(1)</script>\u{1b}[2J\u{202e}\"' onload=x.png";
    run(&praetor, "first", "policy", &[judged(name, Clear, Clear, 0.1)]);
    run(&praetor, "second", "policy", &[judged(name, Violated, Clear, 0.9)]);
    let run = praetor.run(&["compare", "first", "second", "--html", "page.html"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(!run.out.contains(['\u{1b}', '\u{202e}']), "{}", run.out);
    narrow(&run.out);
    let page = fs_err::read_to_string(praetor.path("page.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains(['\u{1b}', '\u{202e}']));
    assert!(page.contains("&lt;script&gt;alert(1)"), "the name is shown all the same");
    let none = praetor.run(&["compare", "first", "second", "--html", "no/such/page.html"]);
    assert_eq!(none.code, 3);
    let kind = &json(&praetor, &["first", "second"])["disputes"][0]["kind"];
    assert_eq!(kind, "opposite");
}
