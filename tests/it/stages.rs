//! The stages and the baselines as a user meets them: flags, output, errors.

use std::path::Path;

use praetor::units::Probability;
use praetor::verdict::{Conclusion, Holds, Method, Outcome, Stage, Verdict, verdict_schema};
use serde_json::Value;

use crate::cli::Praetor;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/demo/examples");
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/constitutions/demo.yaml");

/// Judges one example picture with flags of the stages.
fn judge(example: &str, flags: &[&str]) -> Verdict {
    let image = format!("{EXAMPLES}/{example}");
    let mut arguments = vec!["judge", &image, "-c", DEMO, "--trace", "--format", "jsonl"];
    arguments.extend(flags);
    let run = Praetor::new().run(&arguments);
    assert!(run.code <= 1, "{}", run.err);
    let schema = jsonschema::validator_for(&verdict_schema()).unwrap();
    let line: Value = serde_json::from_str(&run.out).unwrap();
    assert!(schema.is_valid(&line), "{line:#}");
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn all_stages_run_by_default_and_each_that_is_left_out_is_named() {
    assert!(judge("child-and-knife.png", &[]).without.is_empty());
    let stages = [
        ("relevance", Stage::Relevance),
        ("preconditions", Stage::Preconditions),
        ("prior", Stage::Prior),
        ("region", Stage::Region),
        ("reasoning", Stage::Reasoning),
    ];
    for (word, stage) in stages {
        assert_eq!(judge("child-and-knife.png", &["--without", word]).without, [stage]);
    }
    let all = judge("child-and-knife.png", &["--without", "region,relevance"]);
    assert_eq!(all.without, [Stage::Relevance, Stage::Region]);
}

#[test]
fn rules_that_have_nothing_to_do_with_an_image_are_not_asked_and_say_so() {
    let verdict = judge("child-and-knife.png", &[]);
    let irrelevant: Vec<_> =
        verdict.rules.iter().filter(|rule| rule.outcome == Outcome::Irrelevant).collect();
    assert!(!irrelevant.is_empty() && irrelevant.len() < verdict.rules.len());
    for rule in irrelevant {
        let relevance = rule.relevance.unwrap();
        assert!(relevance.cosine <= relevance.threshold && rule.findings.is_empty());
    }
    let low = judge("child-and-knife.png", &["--relevance-threshold", "-1"]);
    assert!(low.rules.iter().all(|rule| rule.outcome != Outcome::Irrelevant));
    let high = judge("child-and-knife.png", &["--relevance-threshold", "1"]);
    assert!(high.rules.iter().all(|rule| rule.outcome == Outcome::Irrelevant));
    assert_eq!(high.score, None);
}

#[test]
fn baselines_judge_the_image_as_a_whole() {
    let methods = [
        ("prior-knowledge", Method::PriorKnowledge),
        ("prior-knowledge-cot", Method::PriorKnowledgeCot),
        ("whole-constitution", Method::WholeConstitution),
        ("whole-constitution-cot", Method::WholeConstitutionCot),
    ];
    for (word, method) in methods {
        let verdict = judge("child-and-knife.png", &["--method", word]);
        assert_eq!(verdict.method, method);
        assert!(verdict.violated.is_empty());
        let [rule] = verdict.rules.as_slice() else { panic!("{word}: one entry") };
        assert_eq!(rule.rule.as_str(), "image");
        let finding = &rule.findings[0];
        let thinks = word.ends_with("cot");
        assert_eq!(finding.reasoning.is_some(), thinks, "{word}: {finding:?}");
        assert_eq!(finding.m.is_some(), !thinks, "{word}: a rating has no probability");
    }
}

/// The demo model was trained on none of these questions: what it says instead fits neither form, and is
/// counted as undetermined with its own words.
#[test]
fn answers_in_words_that_fit_no_form_are_undetermined_and_kept() {
    for (word, method, prompts) in [
        ("unsafebench", Method::UnsafeBench, 3),
        ("perspectivevision", Method::PerspectiveVision, 1),
    ] {
        let verdict = judge("child-and-knife.png", &["--method", word]);
        assert_eq!(verdict.method, method);
        assert_eq!(verdict.verdict, Conclusion::Undetermined, "{verdict:#?}");
        assert!(verdict.violated.is_empty() && verdict.score.is_none());
        let [entry] = verdict.rules.as_slice() else { panic!("{word}: one entry") };
        assert_eq!((entry.rule.as_str(), entry.findings.len()), ("image", prompts));
        assert!(entry.why.is_some());
        for finding in &entry.findings {
            assert_eq!(finding.holds, Holds::Unknown, "{finding:?}");
            assert!(finding.why.is_some(), "{finding:?}");
        }
    }
    let praetor = Praetor::new();
    let image = format!("{EXAMPLES}/child-and-knife.png");
    let tree = praetor.run(&["explain", &image, "-c", DEMO, "--method", "unsafebench"]);
    assert_eq!(tree.code, 1, "{}", tree.err);
    assert!(tree.out.contains("three prompts"), "{}", tree.out);
    assert!(tree.out.contains("not settled"), "{}", tree.out);
}

#[test]
fn the_relevance_table_shows_what_thresholds_keep() {
    let praetor = Praetor::new();
    let run = praetor.run(&["relevance", EXAMPLES, "-c", DEMO]);
    assert_eq!(run.code, 0, "{}", run.err);
    let rows = run.out.lines().filter(|line| line.contains("models/demo/examples/")).count();
    assert_eq!(rows, 16);
    assert!(run.out.contains("threshold  rules kept  images with none"), "{}", run.out);
    let run = praetor.run(&["relevance", EXAMPLES, "-c", DEMO, "--jsonl"]);
    for line in run.out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["cosines"].as_object().unwrap().len(), 14);
    }
}

/// Labels for a few of the examples, in two sets.
fn labels(praetor: &Praetor) -> String {
    let line = |set: &str, image: &str, violated: &str| {
        let path = Path::new(EXAMPLES).join(image);
        format!(
            "{{\"image\": {:?}, \"set\": \"{set}\", \"violated\": [{violated}]}}\n",
            path.display().to_string()
        )
    };
    let text = [
        line("one", "child-and-knife.png", "\"weapons.child\""),
        line("one", "birthday.png", ""),
        line("two", "skull-and-blood.png", "\"death.skull\""),
    ];
    praetor.write("labels.jsonl", text.concat());
    praetor.path("labels.jsonl").display().to_string()
}

#[test]
fn the_ablation_has_a_row_for_every_way_and_a_table_for_every_set() {
    let praetor = Praetor::new();
    let run = praetor.run(&["eval", &labels(&praetor), "-c", DEMO, "--ablation"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let rows: Vec<&str> = run.out.lines().filter(|line| line.starts_with("| ")).collect();
    // A heading, a rule and ten rows for each of two sets.
    assert_eq!(rows.len(), 2 * 12, "{}", run.out);
    let clue: Vec<&&str> = rows.iter().filter(|row| row.starts_with("| **CLUE**")).collect();
    assert_eq!(clue.len(), 2);
    assert!(clue[0].contains("**1.000**"), "{}", clue[0]);
}

#[test]
fn labels_and_flags_that_can_not_be_used_are_explained() {
    let praetor = Praetor::new();
    praetor.write("odd.jsonl", "{\"image\": \"a.png\", \"violated\": [\"cats\"]}\n");
    let odd = praetor.path("odd.jsonl").display().to_string();
    let image = format!("{EXAMPLES}/park.png");
    for (arguments, code, words) in [
        (vec!["eval", &odd, "-c", DEMO], 2, "`cats`"),
        (vec!["eval", "nowhere.jsonl", "-c", DEMO], 3, "nowhere.jsonl"),
        (vec!["judge", &image, "-c", DEMO, "--budget", "5"], 2, "is no budget"),
        (vec!["judge", &image, "-c", DEMO, "--relevance-threshold", "2"], 2, "from -1 to 1"),
        (vec!["judge", &image, "-c", DEMO, "--encoder", "nowhere"], 3, "nowhere"),
        (vec!["judge", &image, "-c", DEMO, "--localizer", "nowhere"], 3, "nowhere"),
        (vec!["judge", &image, "-c", DEMO, "--without", "sleep"], 2, "sleep"),
    ] {
        let run = praetor.run(&arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(words), "{arguments:?}: {}", run.err);
    }
}

/// Several images at a time, each in an engine of its own: the same verdicts in the same order.
#[test]
fn images_judged_at_a_time_come_out_as_one_by_one() {
    let lines = |jobs: &str| {
        let arguments = ["judge", EXAMPLES, "-c", DEMO, "--format", "jsonl", "--jobs", jobs];
        let run = Praetor::new().run(&arguments);
        assert_eq!(run.code, 0, "{}", run.err);
        let verdict = |line: &str| serde_json::from_str::<Verdict>(line).unwrap();
        run.out.lines().map(verdict).collect::<Vec<Verdict>>()
    };
    let (one, several) = (lines("1"), lines("3"));
    assert_eq!(one.len(), 16);
    for (one, other) in one.iter().zip(&several) {
        assert_eq!((&one.image, one.verdict), (&other.image, other.verdict));
        assert_eq!(one.violated, other.violated, "{}", one.image);
        let score = |verdict: &Verdict| verdict.score.map_or(0.0, Probability::value);
        assert!((score(one) - score(other)).abs() < 0.005, "{}", one.image);
    }
}
