//! What a run of made-up answers suggests.

use super::*;
use crate::constitution::Policy;
use crate::ids::{Hash, ModelId, PolicyHash, ViewKind};
use crate::store::{RunFolder, RunManifest};
use crate::verdict::{Conclusion, Finding, Method, RuleVerdict, Verdict};

/// A person and a thing, each seen with an M; without an image the model says one half.
fn policy() -> Policy {
    let hash = Hash::of(b"No things with people.");
    Policy::parse(
        "{name: things, rules: [{id: things, text: No things with people.}]}",
        &format!(
            "{{version: 1, constitution: things, rules: [{{id: things, source: {hash},
               objectiveness: 10, objective_text: No thing with a person., reviewed: true,
               preconditions: [{{statement: a person is visible}}, {{statement: a thing is visible}}]}}]}}"
        ),
    )
    .unwrap()
}

fn finding(statement: &str, m: f64) -> Finding {
    let half = Probability::new(0.5);
    let m = Probability::new(m).unwrap();
    let open = Finding::open(statement, ViewKind::Whole);
    let band = Band::around(half.unwrap(), crate::constitution::Thresholds::PAPER);
    let decision = crate::judge::decision::by_prior(m, band);
    let seen = Finding {
        m: Some(m),
        prior: half,
        mass: Some(Probability::ONE),
        score: Some(crate::judge::decision::debiased(m, half.unwrap())),
        ..open
    };
    crate::judge::decided(seen, decision)
}

/// A run without reasoning of images with an M for the person and one for the thing.
fn tuned(images: &[(f64, f64)], hash: PolicyHash) -> Tuning {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelId { name: "scripted".to_owned(), fingerprint: Hash::of(b"m") };
    let manifest = RunManifest {
        praetor: "0.1.0".to_owned(),
        started: String::new(),
        constitution: "things".to_owned(),
        policy: hash,
        model: model.clone(),
        settings: [("trace".to_owned(), "true".to_owned())].into(),
        machine: String::new(),
    };
    let path = folder.path().join("run");
    let mut run = RunFolder::create(&path, &manifest).unwrap();
    for (number, (person, thing)) in images.iter().enumerate() {
        let findings =
            vec![finding("a person is visible", *person), finding("a thing is visible", *thing)];
        let rules = vec![RuleVerdict::from_findings(RuleId::new("things").unwrap(), findings)];
        let verdict = Verdict {
            image: format!("{number}.png"),
            hash: None,
            verdict: crate::verdict::conclude(&rules),
            score: None,
            violated: Vec::new(),
            rules,
            frames: None,
            error: None,
            method: Method::Clue,
            without: vec![crate::verdict::Stage::Reasoning],
            policy: hash,
            model: model.clone(),
            took_ms: 0,
        };
        assert_ne!(verdict.verdict, Conclusion::Failed);
        run.append(&verdict).unwrap();
    }
    tune(&Run::open(&path).unwrap(), &policy(), None).unwrap()
}

fn kinds(tuning: &Tuning) -> Vec<SuggestionKind> {
    tuning.suggestions.iter().map(|one| one.kind).collect()
}

#[test]
fn what_stays_undetermined_names_the_precondition_the_key_and_the_value() {
    let mut images = vec![(0.99, 0.05); 30];
    images.extend(vec![(0.99, 0.82); 10]);
    let tuning = tuned(&images, policy().hash);
    assert_eq!(tuning.now.undetermined, 10);
    let one = &tuning.suggestions[0];
    assert_eq!(one.kind, SuggestionKind::Undetermined);
    assert_eq!(one.precondition.as_deref(), Some("a thing is visible"));
    assert!(one.key.contains("accept_above_prior"), "{one:?}");
    // Above 0.5 + 0.6 * 0.5 = 0.8, which 0.82 is.
    assert_eq!((one.value, one.example.as_deref()), (Some(0.6), Some("30.png")));
    assert!(one.advice.contains("0 would stay undetermined instead of 10, and 10 be flagged"));
    let settled = tuning.rules[0].preconditions[1].settled;
    assert_eq!((settled.first_no, settled.open, settled.all()), (30, 10, 40));
}

#[test]
fn a_precondition_that_holds_wherever_the_others_do_decides_nothing() {
    let mut images = vec![(0.99, 0.99); 8];
    images.extend(vec![(0.99, 0.05); 30]);
    let tuning = tuned(&images, policy().hash);
    assert_eq!(kinds(&tuning), [SuggestionKind::DecidesNothing]);
    assert!(tuning.suggestions[0].reason.contains("`a person is visible` decides nothing"));
}

#[test]
fn a_rule_that_nothing_comes_near_may_be_impossible_to_see() {
    let tuning = tuned(&vec![(0.99, 0.05); 30], policy().hash);
    assert_eq!(kinds(&tuning), [SuggestionKind::NothingNear]);
    assert!(tuning.suggestions[0].reason.contains("`a thing is visible`"));
    let few = tuned(&[(0.99, 0.05); 5], policy().hash);
    assert!(few.suggestions.is_empty(), "{:?}", few.suggestions);
}

#[test]
fn a_changed_constitution_is_told_of() {
    let tuning = tuned(&[(0.99, 0.99)], Hash::of(b"another"));
    assert!(tuning.notes[0].contains("not as it was"), "{:?}", tuning.notes);
    assert!(tuning.notes.iter().any(|note| note.contains("left out reasoning")));
    assert_eq!(tuning.now.flagged, 1);
}
