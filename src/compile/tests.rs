//! Rules on their way through stage 1, with a model that answers from a table.

use super::*;
use crate::constitution::Constitution;
use crate::vlm::scripted::ScriptedVlm;

const RULES: &str = "
name: school
rules:
  - id: pets
    text: Pets must not be shown.
  - id: fire
    text: Fire must not be visible.
";

fn said(text: &str) -> Reply {
    Reply::Said(text.to_owned())
}

fn events(model: &ScriptedVlm, rounds: u32) -> Vec<(String, Event)> {
    let constitution = Constitution::parse(RULES).unwrap();
    let rules: Vec<&Rule> = constitution.rules.iter().collect();
    let prompts = CompilePrompts::built_in().unwrap();
    let mut events = Vec::new();
    let compiler = Compiler { model, prompts: &prompts, rounds };
    let heard = &mut |rule: &RuleId, event| {
        events.push((rule.to_string(), event));
        ControlFlow::Continue(())
    };
    compiler.compile(&rules, heard).unwrap();
    events
}

fn entry(events: &[(String, Event)], id: &str) -> LockedRule {
    let compiled = |(rule, event): &(String, Event)| match event {
        Event::Compiled(entry) if rule == id => Some((**entry).clone()),
        _ => None,
    };
    events.iter().find_map(compiled).unwrap_or_else(|| panic!("{id} in {events:#?}"))
}

/// What is asked about the rule `fire`, answered well.
fn fire(model: ScriptedVlm) -> ScriptedVlm {
    model
        .replying("Rule: Fire must not", [said(r#"{"explanation": "", "rating": 10}"#)])
        .replying("take apart\nRule: Fire", [said(r#"{"preconditions": [["fire is visible"]]}"#)])
        .replying("Statement: fire is", [said(r#"{"objects": ["fire"]}"#)])
        .replying("- fire is visible\n", [said(r#"{"rule": "Fire is forbidden."}"#)])
        .replying("Rule B: Fire is", [said(r#"{"same": true, "missing": [], "added": []}"#)])
}

fn nothing() -> ScriptedVlm {
    // The wording "Rule: Fire must not" is in the extraction's prompt as well, which comes first.
    ScriptedVlm::new(0.5)
        .replying("take apart\nRule: Fire", [said(r#"{"preconditions": [["fire is visible"]]}"#)])
}

#[test]
fn a_rule_without_an_answer_fails_alone() {
    let events = events(&fire(nothing()), 5);
    let fire = entry(&events, "fire");
    assert_eq!(fire.preconditions[0].statement.as_deref(), Some("fire is visible"));
    let compiled = fire.compiled.clone().unwrap();
    assert!(compiled.covers && compiled.objective);
    assert_eq!(compiled.content, fire.content_hash());
    let failed = events.iter().find(|(rule, _)| rule == "pets").unwrap();
    let why = Uncompiled::Unanswered { asked: answer::ORDER[0], why: Why::Refused };
    assert_eq!(failed.1, Event::Failed(why));
}

#[test]
fn the_best_wording_is_kept_when_none_is_good_enough() {
    let model = nothing()
        .replying("take apart\nRule: Dogs", [said(r#"{"preconditions": [["a dog is visible"]]}"#)])
        .replying("Wordings so far", vec![said(r#"{"rule": "Dogs must not be shown."}"#); 3])
        .replying("Rule: Pets must", [said(r#"{"explanation": "vague", "rating": 4}"#)])
        .replying("Rule: Dogs must", [said(r#"{"explanation": "better", "rating": 7}"#)])
        .replying("Statement: a dog", [said(r#"{"objects": ["dog"]}"#)])
        .replying("- a dog is visible\n", [said(r#"{"rule": "Dogs are forbidden."}"#)])
        .replying("Rule B: Dogs", [said(r#"{"same": true}"#)]);
    let events = events(&model, 1);
    let pets = entry(&events, "pets");
    assert_eq!((pets.objectiveness, pets.objective_text.as_str()), (7, "Dogs must not be shown."));
    let compiled = pets.compiled.unwrap();
    assert!(!compiled.objective);
    assert_eq!(compiled.attempts.len(), 2);
    // With more rounds the model only repeats itself, which ends them early.
    let again = self::events(&model, 9);
    let complaints = again.iter().filter(|(_, event)| matches!(event, Event::Complained { .. }));
    assert_eq!(complaints.count(), 3);
    assert_eq!(entry(&again, "pets").objectiveness, 7);
}

#[test]
fn a_chain_that_stands_for_something_else_is_criticised_and_never_hidden() {
    let differs = r#"{"same": false, "missing": ["smoke"], "added": []}"#;
    let model = ScriptedVlm::new(0.5)
        .replying(
            "The rule forbids this, and the answer does not: smoke",
            [said(r#"{"preconditions": [["fire is visible", "smoke is visible"]]}"#)],
        )
        .replying("take apart\nRule: Fire", [said(r#"{"preconditions": [["fire is visible"]]}"#)])
        .replying("Statement: fire is", [said(r#"{"objects": ["fire"]}"#)])
        .replying("- fire is visible", [said(r#"{"rule": "Fire is forbidden."}"#)])
        .replying("Rule B: Fire is", [said(differs)])
        .replying("Rule: Fire must not", [said(r#"{"explanation": "", "rating": 10}"#)]);
    let events = events(&model, 5);
    let chains = events.iter().filter(|(_, event)| matches!(event, Event::Chained { .. }));
    assert_eq!(chains.count(), 2, "the third answer is the second again");
    let compiled = entry(&events, "fire").compiled.unwrap();
    assert_eq!((compiled.covers, compiled.missing), (false, vec!["smoke".to_owned()]));
}

#[test]
fn complaints_go_back_to_the_model_until_it_is_given_up() {
    let model = nothing()
        .replying("Rule: Pets must", [said("I can't rate that."), said("{}"), said("nine")])
        .replying("Rule: Fire must not", [said("Ten."), said(r#"{"rating": "10"}"#)]);
    let events = events(&fire(model), 5);
    assert_eq!(entry(&events, "fire").objectiveness, 10);
    let Some((_, Event::Failed(Uncompiled::Unusable { complaint, .. }))) =
        events.iter().find(|(_, event)| matches!(event, Event::Failed(_)))
    else {
        panic!("{events:#?}")
    };
    assert_eq!(complaint, "it is not a JSON object");
}

#[test]
fn a_rule_alone_is_compiled_as_among_others() {
    let model = fire(nothing());
    let together = entry(&events(&model, 5), "fire");
    let constitution = Constitution::parse(RULES).unwrap();
    let prompts = CompilePrompts::built_in().unwrap();
    let mut alone = None;
    let compiler = Compiler { model: &model, prompts: &prompts, rounds: 5 };
    let heard = &mut |_: &RuleId, event| {
        if let Event::Compiled(entry) = event {
            alone = Some(*entry);
        }
        ControlFlow::Continue(())
    };
    compiler.compile(&[&constitution.rules[1]], heard).unwrap();
    assert_eq!(alone, Some(together));
}
