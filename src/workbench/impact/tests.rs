//! Flips are counted and explained.

use super::*;
use crate::ids::{Hash, ModelId, ViewKind};
use crate::verdict::{Finding, Holds, Method, Relevance, conclude};

fn id(text: &str) -> RuleId {
    RuleId::new(text).unwrap()
}

fn rule(name: &str, links: &[(&str, Holds)]) -> RuleVerdict {
    let finding = |(statement, holds): &(&str, Holds)| Finding {
        holds: *holds,
        m: Some(Probability::saturating(0.5)),
        ..Finding::open(*statement, ViewKind::Whole)
    };
    RuleVerdict::from_findings(id(name), links.iter().map(finding).collect())
}

fn verdict(rules: Vec<RuleVerdict>) -> Verdict {
    let grave = rules.iter().filter(|rule| rule.outcome == Outcome::Violated);
    Verdict {
        image: "a.png".to_owned(),
        hash: None,
        verdict: conclude(&rules),
        score: None,
        violated: grave.map(|rule| rule.rule.clone()).collect(),
        rules,
        frames: None,
        error: None,
        method: Method::Clue,
        without: Vec::new(),
        policy: Hash::of(b"policy"),
        model: ModelId { name: "m".to_owned(), fingerprint: Hash::of(b"m") },
        took_ms: 1,
    }
}

fn policy(rules: &[&str]) -> Policy {
    let yaml: Vec<String> = rules.iter().map(|rule| format!("{{id: {rule}, text: no}}")).collect();
    let lock: Vec<String> = rules
        .iter()
        .map(|rule| {
            format!(
                "{{id: {rule}, source: {}, objectiveness: 9, objective_text: no, reviewed: true, \
                 preconditions: [{{statement: s}}]}}",
                Hash::of(b"no")
            )
        })
        .collect();
    Policy::parse(
        &format!("{{name: p, rules: [{}]}}", yaml.join(",")),
        &format!("{{version: 1, constitution: p, rules: [{}]}}", lock.join(",")),
    )
    .unwrap()
}

fn flips(before: Vec<RuleVerdict>, after: Vec<RuleVerdict>) -> Vec<RuleFlip> {
    let names = |rules: &[RuleVerdict]| -> Vec<String> {
        rules.iter().map(|rule| rule.rule.to_string()).collect()
    };
    let as_policy = |rules: &[RuleVerdict]| {
        let names = names(rules);
        policy(&names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut impact = Impact::between(&as_policy(&before), &as_policy(&after));
    impact.add(&verdict(before), &verdict(after));
    impact.flips.into_iter().flat_map(|flip| flip.rules).collect()
}

use Holds::{No, Unknown, Yes};

#[test]
fn a_new_precondition_that_does_not_hold_is_why_a_rule_is_violated_no_more() {
    let before = vec![rule("r", &[("a child", Yes), ("a knife or a gun", Yes)])];
    let after = vec![rule("r", &[("a child", Yes), ("a gun", No)])];
    let flips = flips(before, after);
    assert_eq!((flips[0].before, flips[0].after), (Some(Outcome::Violated), Some(Outcome::Clear)));
    let [cause] = flips[0].causes.as_slice() else { panic!("{flips:?}") };
    assert_eq!(cause.to_string(), "now asks whether a gun: no, M 0.500");
}

#[test]
fn a_precondition_that_is_gone_is_why_a_rule_has_come_to_be_violated() {
    let before = vec![rule("r", &[("a child", Yes), ("a gun", No)])];
    let after = vec![rule("r", &[("a child", Yes)])];
    let flips = flips(before, after);
    let [cause] = flips[0].causes.as_slice() else { panic!("{flips:?}") };
    assert_eq!(cause.to_string(), "asks no longer whether a gun (no, M 0.500)");
}

#[test]
fn the_same_question_may_be_decided_otherwise_and_rules_come_and_go() {
    let before = vec![rule("a", &[("x", Unknown)]), rule("gone", &[("y", Yes)])];
    let after = vec![rule("a", &[("x", Yes)]), rule("new", &[("z", Yes)])];
    let flips = flips(before, after);
    let told: Vec<String> =
        flips.iter().map(|flip| format!("{}: {}", flip.rule, flip.causes[0])).collect();
    assert_eq!(
        told,
        [
            "a: x: not settled, M 0.500; now yes, M 0.500",
            "new: the rule is new",
            "gone: the rule is gone"
        ]
    );
}

#[test]
fn relevance_explains_itself_and_irrelevant_is_as_good_as_clear() {
    let near = |cosine| Relevance { cosine, threshold: 0.2 };
    let judged =
        |holds, cosine| RuleVerdict { relevance: Some(near(cosine)), ..rule("r", &[("x", holds)]) };
    let left_out = || vec![RuleVerdict::irrelevant(id("r"), near(0.1))];
    let flips_of = flips(vec![judged(Yes, 0.3)], left_out());
    let told = flips_of[0].causes[0].to_string();
    assert!(told.contains("no longer relevant"), "{told}");
    assert!(flips(vec![judged(No, 0.3)], left_out()).is_empty());
}

#[test]
fn counts_rates_and_turns_agree() {
    let names = policy(&["r"]);
    let mut impact = Impact::between(&names, &names);
    let with = |holds| verdict(vec![rule("r", &[("x", holds)])]);
    for (before, after, times) in [(Yes, Yes, 20), (Yes, No, 10), (No, Yes, 2), (No, No, 67)] {
        for _ in 0..times {
            impact.add(&with(before), &with(after));
        }
    }
    impact.add(&with(Unknown), &with(No));
    let failed = Verdict { verdict: Conclusion::Failed, ..with(Yes) };
    assert!(!impact.add(&failed, &with(No)));
    assert_eq!((impact.images, impact.failed, impact.flips.len()), (100, 1, 13));
    let rate = impact.rate(Conclusion::Unsafe);
    assert_eq!((rate.before, rate.after), (30, 22));
    let change = rate.change.unwrap();
    assert!((change.value + 0.08).abs() < 1e-12 && change.interval.high < 0.0, "{change:?}");
    assert_eq!(impact.flipped().0, 13);
    let count = &impact.rules[0];
    assert_eq!((count.gained, count.lost, count.open_before, count.open_after), (2, 10, 1, 0));
}
