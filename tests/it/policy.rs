//! Policies: what their hash covers, where settings come from, what is refused.

use praetor::constitution::{
    Constitution, ConstitutionError, Examples, Lock, LockedPrecondition, LockedRule, Policy, Rule,
    Settings, ThresholdSettings, Thresholds, Undecided,
};
use praetor::ids::{PolicyHash, RuleId};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    "[a-z]{1,8}( [a-z\"':#ä{}-]{1,8}){0,5}"
}

prop_compose! {
    fn precondition()(
        statement in text(),
        any_of in prop_oneof![Just(vec![]), prop::collection::vec(text(), 2..4)],
        objects in prop::collection::vec(text(), 0..3),
        stated in any::<bool>(),
    ) -> LockedPrecondition {
        let statement = (stated || any_of.is_empty()).then_some(statement);
        LockedPrecondition { statement, any_of, objects }
    }
}

prop_compose! {
    fn pair()(
        texts in prop::collection::vec(text(), 1..4),
        chains in prop::collection::vec(prop::collection::vec(precondition(), 1..4), 3),
        objective_text in text(),
        reject in prop::option::of(0.0..=1.0),
    ) -> (Constitution, Lock) {
        let thresholds = ThresholdSettings { reject_below_prior: reject, ..Default::default() };
        let rules: Vec<Rule> = texts.into_iter().enumerate().map(|(index, text)| Rule {
            id: RuleId::new(format!("rule.{index}")).unwrap(),
            text,
            proposed: None,
            notes: None,
            examples: Examples::default(),
            settings: Settings { thresholds, undecided: None },
            allow: Vec::new(),
            local_only: false,
        }).collect();
        let entries = rules.iter().zip(chains).map(|(rule, preconditions)| LockedRule {
            id: rule.id.clone(),
            source: rule.source_hash(),
            objectiveness: 9,
            objective_text: objective_text.clone(),
            reviewed: false,
            preconditions,
            compiled: None,
        }).collect();
        let constitution = Constitution {
            name: "pair".to_owned(),
            description: None,
            settings: Settings::default(),
            allow: Vec::new(),
            rules,
        };
        let lock = Lock { version: 1, constitution: "pair".to_owned(), rules: entries };
        (constitution, lock)
    }
}

fn hash_of((constitution, lock): &(Constitution, Lock)) -> PolicyHash {
    Policy::new(constitution, lock).unwrap().hash
}

/// The changes that can change a verdict.
fn changes() -> Vec<fn(&mut Constitution, &mut Lock)> {
    vec![
        |constitution, lock| {
            constitution.rules[0].text.push_str(" more");
            lock.rules[0].source = constitution.rules[0].source_hash();
        },
        |constitution, lock| {
            constitution.rules[0].id = RuleId::new("renamed").unwrap();
            lock.rules[0].id = constitution.rules[0].id.clone();
        },
        |_, lock| lock.rules[0].objective_text.push_str(" more"),
        |_, lock| {
            let first = &mut lock.rules[0].preconditions[0];
            first.statement = Some(first.question() + " more");
        },
        |_, lock| lock.rules[0].preconditions[0].any_of.extend(["a".into(), "b".into()]),
        |_, lock| lock.rules[0].preconditions[0].objects.push("one".into()),
        |_, lock| {
            lock.rules[0].preconditions.push(LockedPrecondition {
                statement: Some("one more".into()),
                ..Default::default()
            });
        },
        |constitution, _| constitution.rules[0].settings.undecided = Some(Undecided::Lean),
        |constitution, _| {
            constitution.rules[0].settings.thresholds.accept_above_prior = Some(0.81);
        },
        |constitution, _| {
            constitution.settings.thresholds.accept_above_prior = Some(0.79);
        },
        |constitution, _| constitution.settings.thresholds.relevance = Some(0.1),
        |constitution, _| constitution.settings.thresholds.region_drop = Some(0.5),
        |constitution, _| constitution.settings.thresholds.region_score = Some(0.1),
        |constitution, _| constitution.settings.thresholds.small_object_area = Some(0.02),
    ]
}

/// The changes that can't.
fn idle_changes() -> Vec<fn(&mut Constitution, &mut Lock)> {
    vec![
        |constitution, _| constitution.description = Some("described".into()),
        |constitution, _| constitution.rules[0].notes = Some("noted".into()),
        |constitution, _| constitution.rules[0].examples.allowed.push("this".into()),
        |constitution, _| {
            constitution.rules[0].text.push_str(" \n");
        },
        |constitution, _| {
            constitution.settings.thresholds.accept_above_prior =
                Some(Thresholds::PAPER.accept_above_prior);
        },
        |constitution, _| constitution.settings.undecided = Some(Undecided::Undetermined),
        |constitution, lock| {
            constitution.name = "renamed".into();
            lock.constitution = "renamed".into();
        },
        |_, lock| lock.rules.reverse(),
        |_, lock| {
            lock.rules[0].reviewed = true;
            lock.rules[0].objectiveness = 10;
        },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn the_hash_follows_what_can_change_a_verdict(pair in pair()) {
        let before = hash_of(&pair);
        for (index, change) in changes().into_iter().enumerate() {
            let mut changed = pair.clone();
            change(&mut changed.0, &mut changed.1);
            prop_assert_ne!(hash_of(&changed), before, "change {}", index);
        }
        for (index, change) in idle_changes().into_iter().enumerate() {
            let mut changed = pair.clone();
            change(&mut changed.0, &mut changed.1);
            prop_assert_eq!(hash_of(&changed), before, "idle change {}", index);
        }
    }

    #[test]
    fn a_written_pair_reads_back_as_the_same_policy(pair in pair()) {
        let (constitution, lock) = &pair;
        let yaml = serde_saphyr::to_string(constitution).unwrap();
        let lock_yaml = lock.to_yaml().unwrap();
        prop_assert_eq!(&Constitution::parse(&yaml).unwrap(), constitution);
        prop_assert_eq!(&Lock::parse(&lock_yaml).unwrap(), lock);
        let read = Policy::parse(&yaml, &lock_yaml).unwrap();
        prop_assert_eq!(read, Policy::new(constitution, lock).unwrap());
    }
}

#[test]
fn settings_come_from_the_rule_then_the_constitution_then_the_defaults() {
    let own = ThresholdSettings { reject_below_prior: Some(0.1), ..Default::default() };
    let shared = ThresholdSettings {
        reject_below_prior: Some(0.2),
        accept_above_prior: Some(0.2),
        ..Default::default()
    };
    let base =
        |thresholds: Thresholds| (thresholds.reject_below_prior, thresholds.accept_above_prior);
    assert_eq!(base(own.over(shared.over(Thresholds::PAPER))), (0.1, 0.2));
    assert_eq!(base(own.over(ThresholdSettings::default().over(Thresholds::PAPER))), (0.1, 0.8));
}

#[test]
fn what_is_built_in_code_is_checked_as_files_are() {
    let yaml = "name: a\nrules: [{id: fire, text: No fire.}, {id: smoke, text: No smoke.}]";
    let mut constitution = Constitution::parse(yaml).unwrap();
    constitution.rules[1].id = RuleId::new("fire").unwrap();
    constitution.rules[0].text = String::new();
    constitution.settings.thresholds.reject_below_prior = Some(2.0);
    let entry = LockedRule {
        id: RuleId::new("fire").unwrap(),
        source: constitution.rules[1].source_hash(),
        objectiveness: 0,
        objective_text: "No fire.".into(),
        reviewed: true,
        preconditions: vec![LockedPrecondition::default()],
        compiled: None,
    };
    let lock = Lock { version: 3, constitution: "b".into(), rules: vec![entry.clone(), entry] };
    let Err(ConstitutionError::Invalid { mistakes }) = Policy::new(&constitution, &lock) else {
        panic!("was accepted");
    };
    let all = mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in [
        "rules[0].text",
        "reject_below_prior",
        "objectiveness",
        "two rules",
        "two entries",
        "nothing to ask",
        "version `3`",
        "not of `a`",
        "was changed",
    ] {
        let part = part.replace("nothing to ask", "says nothing to look for");
        assert!(all.contains(&part), "{part} in\n{all}");
    }
}
