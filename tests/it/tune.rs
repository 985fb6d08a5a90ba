//! Deciding a run anew: exactly its verdicts by its own thresholds, and by others what the pipeline
//! would say, or that it would have to ask.

use std::collections::BTreeMap;
use std::path::Path;

use image::RgbImage;
use praetor::constitution::{Policy, Thresholds, Undecided};
use praetor::encoder::scripted::ScriptedEncoder;
use praetor::imaging::{Fill, View};
use praetor::pipeline::{Judging, Pipeline};
use praetor::store::Run;
use praetor::verdict::{RuleVerdict, Stage, Verdict, conclude};
use praetor::workbench::anew::{Anew, Case, Lines};
use praetor::workbench::recorded::Recorded;
use praetor::workbench::tune::tune;
use proptest::prelude::*;
use serde_json::Value;

use crate::algorithm::{Chain, World, content, policy};
use crate::cli::Praetor;

pub(crate) fn demo(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).to_str().unwrap().to_owned()
}

/// Judges the demo model's examples into the folder `run`.
pub(crate) fn judged(praetor: &Praetor, more: &[&str]) {
    let (images, constitution) = (demo("models/demo/examples"), demo("constitutions/demo.yaml"));
    let arguments = ["judge", &images, "-c", &constitution, "--out", "run", "--quiet"];
    let run = praetor.run(&[&arguments[..], more].concat());
    assert!(run.code <= 1, "{}", run.err);
}

#[test]
fn deciding_anew_by_a_runs_own_thresholds_gives_exactly_its_verdicts() {
    let praetor = Praetor::new();
    judged(&praetor, &["--trace"]);
    let run = Run::open(&praetor.path("run")).unwrap();
    let policy = Policy::load(Path::new(&demo("constitutions/demo.yaml")), None).unwrap();
    let mut findings = 0;
    for verdict in run.verdicts().unwrap() {
        let verdict = verdict.unwrap();
        for (rule, recorded) in policy.rules.iter().zip(&verdict.rules) {
            let decided = Case::read(recorded, &verdict).decide(&Lines::of(rule));
            assert_eq!(decided.outcome, Anew::from(recorded.outcome), "{}", verdict.image);
            assert_eq!(decided.preconditions.len(), recorded.findings.len());
            for (settled, finding) in decided.preconditions.iter().zip(&recorded.findings) {
                let decision = &settled.decision;
                assert_eq!(
                    (decision.holds, decision.by, &decision.why, settled.needs_asking),
                    (finding.holds, finding.by, &finding.why, false)
                );
                findings += 1;
            }
        }
    }
    assert!(findings > 100, "{findings}");
    let tuning = tune(&run, &policy, None).unwrap();
    assert_eq!((tuning.images, tuning.now.flagged, tuning.now.safe), (16, 8, 8));
    let recorded = Recorded::read(&run, &policy, None).unwrap();
    assert!(recorded.notes.is_empty(), "{:?}", recorded.notes);
}

/// Thresholds, and what becomes of the undecided.
type Setting = (f64, f64, f64, f64, bool);

fn lines((reject, accept, drop, relevance, leans): Setting) -> Lines {
    Lines {
        thresholds: Thresholds {
            reject_below_prior: reject,
            accept_above_prior: accept,
            region_drop: drop,
            ..Thresholds::PAPER
        },
        undecided: if leans { Undecided::Lean } else { Undecided::Undetermined },
        relevance: Some(relevance),
    }
}

fn judge(world: &World, rules: &[Chain], lines: Lines, without: &[Stage]) -> Verdict {
    let cosines: BTreeMap<String, f64> =
        (0..).zip(rules).map(|(number, rule)| (format!("Rule {number}"), rule.0)).collect();
    let encoder = cosines
        .iter()
        .fold(ScriptedEncoder::new(0.0), |encoder, (text, cosine)| encoder.saying(text, *cosine));
    let mut policy = policy(rules);
    for rule in &mut policy.rules {
        rule.thresholds = lines.thresholds;
        rule.undecided = lines.undecided;
    }
    let pipeline = Pipeline::new(policy, world, without)
        .unwrap()
        .with_relevance(&encoder, lines.relevance)
        .unwrap()
        .with_regions(world, Fill::Grey);
    let rules = pipeline.judge_view(&View::whole(RgbImage::new(100, 100))).unwrap();
    let signature = pipeline.signature().clone();
    let verdict = Verdict {
        image: "a.png".to_owned(),
        hash: None,
        verdict: conclude(&rules),
        score: None,
        violated: Vec::new(),
        rules,
        frames: None,
        error: None,
        method: signature.method,
        without: signature.without,
        policy: signature.policy,
        model: signature.model,
        took_ms: 0,
    };
    // As it comes back from a run folder.
    serde_json::from_str(&serde_json::to_string(&verdict).unwrap()).unwrap()
}

fn setting() -> impl Strategy<Value = Setting> {
    let cosine = (0.0..=0.5f64).prop_filter("away from the cosines", |c| (c * 10.0).fract() > 0.2);
    (0.0..=1.0f64, 0.0..=1.0f64, 0.0..=1.0f64, cosine, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    /// Whatever was recorded by whatever thresholds: by its own the outcome is the recorded one, and
    /// by others it is the pipeline's, unless the recording does not know.
    #[test]
    fn deciding_anew_is_what_the_pipeline_says_or_says_that_it_would_ask(
        contents in prop::collection::vec(content(), 6),
        rules in prop::collection::vec(
            ((0u8..=5).prop_map(|tenth| f64::from(tenth) / 10.0 + 0.01),
             prop::collection::vec(0usize..6, 1..4)), 1..5),
        (own, other) in (setting(), setting()),
        thinks in any::<bool>(),
    ) {
        let world = World::new(contents);
        let without = if thinks { vec![] } else { vec![Stage::Reasoning] };
        let recorded = judge(&world, &rules, lines(own), &without);
        let wanted = judge(&world, &rules, lines(other), &without);
        let mut known = 0;
        for (rule, expected) in recorded.rules.iter().zip(&wanted.rules) {
            let case = Case::read(rule, &recorded);
            let again = case.decide(&lines(own));
            prop_assert_eq!(again.outcome, Anew::from(rule.outcome));
            prop_assert!(same_steps(&again.preconditions, rule));
            let anew = case.decide(&lines(other)).outcome;
            if anew != Anew::NeedsAsking {
                prop_assert_eq!(anew, Anew::from(expected.outcome), "{:?}", rule);
                known += 1;
            }
        }
        let alike = lines(own) == lines(other);
        prop_assert!(!alike || known == recorded.rules.len());
    }
}

fn same_steps(decided: &[praetor::workbench::anew::Settled], rule: &RuleVerdict) -> bool {
    let pairs = decided.iter().zip(&rule.findings);
    pairs.into_iter().all(|(settled, finding)| {
        let decision = &settled.decision;
        (decision.holds, decision.by) == (finding.holds, finding.by) && !settled.needs_asking
    })
}

#[test]
fn tune_shows_what_thresholds_do_in_words_and_in_json() {
    let praetor = Praetor::new();
    judged(&praetor, &["--trace"]);
    let constitution = demo("constitutions/demo.yaml");
    let all = ["tune", "run", "-c", &constitution];
    let run = praetor.run(&[&all[..], &["--rule", "fire.person"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    insta::assert_snapshot!("tune_rule", run.out);
    let json = praetor.run(&[&all[..], &["--format", "json"]].concat());
    let value: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(value["images"], 16);
    assert_eq!(value["now"]["unsafe"], 8);
    assert_eq!(value["rules"].as_array().unwrap().len(), 14);
    assert_eq!(value["thresholds"].as_array().unwrap().len(), 4);
}

#[test]
fn runs_that_can_not_be_tuned_say_how_to_make_one_that_can() {
    let praetor = Praetor::new();
    judged(&praetor, &[]);
    let constitution = demo("constitutions/demo.yaml");
    let with = |arguments: &[&str]| {
        let run = praetor.run(arguments);
        assert_eq!(run.out, "");
        format!("exit {}\n{}", run.code, run.err)
    };
    insta::assert_snapshot!("tune_no_trace", with(&["tune", "run", "-c", &constitution]));
    insta::assert_snapshot!("tune_no_run", with(&["tune", "nowhere", "-c", &constitution]));
    insta::assert_snapshot!(
        "tune_no_rule",
        with(&["tune", "run", "-c", "pets.yaml", "--rule", "birds"])
    );
}

#[test]
fn a_changed_threshold_is_decided_anew_and_a_changed_chain_is_left_out() {
    let praetor = Praetor::new();
    judged(&praetor, &["--trace"]);
    let lock = fs_err::read_to_string(demo("constitutions/demo.lock.yaml")).unwrap();
    let yaml = fs_err::read_to_string(demo("constitutions/demo.yaml")).unwrap();
    let strict = "settings: {thresholds: {accept_above_prior: 0.999}, undecided: lean}\nrules:";
    praetor.write("demo.yaml", yaml.replace("\nrules:", &format!("\n{strict}")));
    praetor.write("demo.lock.yaml", lock.replace("a bomb is visible", "a round bomb is visible"));
    let run = praetor.run(&["tune", "run", "-c", "demo.yaml", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let value: Value = serde_json::from_str(&run.out).unwrap();
    let notes = value["notes"].to_string();
    assert!(notes.contains("not as it was") && notes.contains("`weapons.bomb`"), "{notes}");
    assert_eq!(value["rules"].as_array().unwrap().len(), 13);
    let now = value["now"].as_object().unwrap();
    assert!(now["needs_asking"].as_u64().unwrap() > 0, "{now:?}");
    assert!(now["unsafe"].as_u64().unwrap() < 8, "{now:?}");
}
