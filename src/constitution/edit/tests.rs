//! Edits, and that they leave alone what they should.

use proptest::prelude::*;

use super::*;
use crate::constitution::{Attempt, LockedPrecondition, LockedRule, Provenance, render};
use crate::ids::{Hash, RuleId};

fn edited(text: &str, edit: impl Fn(&Items<'_>) -> String) -> Result<String, Unsafe> {
    let tree = Node::read(text).unwrap();
    Items::find(text, &tree).map(|items| edit(&items))
}

#[test]
fn layouts_that_whole_lines_can_not_be_put_into_are_refused() {
    for (text, line) in [
        ("rules: [{id: a}]", 1),
        ("{rules: [{id: a}]}", 1),
        ("rules:\n  - {id: a}\n", 2),
        ("rules:\n  -\n    id: a\n", 3),
        ("rules:\n  - id: a\n  - &x id: b\n", 3),
        ("rules:\n  - id: a\n  - {id: b}\n", 3),
        ("rules:\n  - \"id\": a\n  - ? id\n    : b\n", 3),
    ] {
        let refused = edited(text, |items| items.replace(0, "")).unwrap_err();
        assert_eq!(refused, Unsafe { line }, "{text}");
    }
}

#[test]
fn what_follows_the_list_and_the_ends_of_lines_stay() {
    let text = "rules:\r\n- id: a\r\n\r\n# of b\r\n- id: b\r\n  # mine\r\n# of c\r\nc: 1\r\n";
    let replaced = edited(text, |items| items.replace(1, "- id: x\n")).unwrap();
    assert_eq!(replaced, text.replace("- id: b\r\n  # mine\r\n", "- id: x\r\n"));
    let added = edited("rules:\n- id: a", |items| items.insert_after(0, "- id: x\n")).unwrap();
    assert_eq!(added, "rules:\n- id: a\n\n- id: x\n");
    let documents = "rules:\n- id: a\n...\n";
    let added = edited(documents, |items| items.insert_after(0, "- id: x\n")).unwrap();
    assert_eq!(added, "rules:\n- id: a\n\n- id: x\n...\n");
}

#[test]
fn a_key_goes_after_its_neighbour_and_before_the_comment_of_the_next() {
    let text = "rules:\n  - id: a\n    text: >\n      one\n      # two\n\n    # on b\n    b: 1\n";
    let set = |text: &str, lines: Option<&str>| {
        let tree = Node::read(text).unwrap();
        Items::find(text, &tree).unwrap().set_key(0, ("new", "text"), lines).unwrap()
    };
    let first = set(text, Some("    new: 1\n"));
    assert_eq!(first, text.replace("# two\n", "# two\n    new: 1\n"));
    let second = set(&first, Some("    new: 2\n"));
    assert_eq!(second, first.replace("new: 1", "new: 2"));
    assert_eq!(set(&second, None), text);
}

#[test]
fn comments_are_told_from_texts() {
    let has = |lines: &str| {
        has_comment(lines, |lines| serde_saphyr::from_str::<serde_json::Value>(lines).ok())
    };
    assert!(has("- id: a # mine\n"));
    assert!(has("- id: a\n  # mine\n  b: 1\n"));
    assert!(!has("- id: \"a # b\"\n  c: >\n    d\n    # e\n  f: g#h\n"));
}

/// Any text on one line, as a model may say it.
fn said() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}( [a-z,.]{1,9}){0,30}",
        "[ -~]{1,40}",
        "\\PC{1,30}",
        Just("no".to_owned()),
        Just("# x".to_owned()),
        Just("a: b\n- \u{202e}c\u{7f}".to_owned()),
    ]
    .prop_filter("a text", |text| !text.trim().is_empty())
}

prop_compose! {
    fn entry()(
        texts in prop::collection::vec(said(), 5),
        alternatives in prop::collection::vec(said(), 2..4),
        lists in prop::collection::vec(prop::collection::vec(said(), 0..3), 3),
        compiled in any::<bool>(),
    ) -> LockedRule {
        let hash = Hash::of(texts[0].as_bytes());
        let attempt = |text: &String| Attempt {
            text: text.clone(), objectiveness: 3, explanation: texts[2].clone(),
        };
        let provenance = Provenance {
            model: texts[1].clone(), fingerprint: hash, prompts: hash, objective: true,
            attempts: texts.iter().map(attempt).collect(),
            rebuilt: texts[3].clone(), covers: false,
            missing: lists[0].clone(), added: lists[1].clone(), content: hash,
        };
        LockedRule {
            id: RuleId::named("x"), source: hash, objectiveness: 7,
            objective_text: texts[0].clone(), reviewed: false,
            preconditions: vec![
                LockedPrecondition {
                    statement: Some(texts[4].clone()), objects: lists[2].clone(),
                    ..LockedPrecondition::default()
                },
                LockedPrecondition { any_of: alternatives, ..LockedPrecondition::default() },
            ],
            compiled: compiled.then_some(provenance),
        }
    }
}

/// An item as a person may lay it out; the last line may be deep inside.
fn item() -> impl Strategy<Value = String> {
    const BODIES: [&str; 5] = [
        "",
        "    text: b # of mine\n",
        "    text: >\n      # no comment\n\n      c\n",
        "    # a comment\n    text: \"d: # e\"\n    list:\n    - f\n      # deep\n",
        "    text: |+\n      g\n\n",
    ];
    (0..BODIES.len(), "[a-z]{1,5}").prop_map(|(body, id)| format!("  - id: {id}\n{}", BODIES[body]))
}

/// What stands between items and belongs to none.
fn between() -> impl Strategy<Value = String> {
    prop_oneof![Just(""), Just("\n"), Just("# x\n\n"), Just("\n  # - id: y\n")]
        .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn an_entry_reads_back_as_it_was_meant(entry in entry(), column in 0..5_usize) {
        let text = render::entry(&entry, column);
        let read: Vec<LockedRule> = serde_saphyr::from_str(&text).unwrap();
        prop_assert_eq!(&read[0], &entry, "{}", text);
        let plain = |c: char| c == '\n' || !c.is_control();
        let is_inert = text.chars().all(plain) && !text.contains('\u{202e}');
        prop_assert!(is_inert, "{}", text);
        let read = |lines: &str| serde_saphyr::from_str::<Vec<LockedRule>>(lines).ok();
        prop_assert!(!has_comment(&text, read), "{}", text);
    }

    #[test]
    fn everything_outside_an_edited_item_stays_byte_for_byte(
        items in prop::collection::vec((between(), item()), 1..5),
        (head, tail) in (between(), prop_oneof![Just(""), Just("\n# end\n"), Just("\nlast: 1\n")]),
        place in any::<prop::sample::Index>(),
        entry in entry(),
    ) {
        let index = place.index(items.len());
        let lines = render::entry(&entry, 2);
        let build = |replaced: Option<&str>| {
            let mut text = format!("{head}rules:\n");
            for (at, (before, item)) in items.iter().enumerate() {
                text += before;
                // Blank lines at an item's end are nobody's.
                let own = item.trim_end_matches('\n').len() + 1;
                text += replaced.filter(|_| at == index).unwrap_or(&item[..own]);
                text += &item[own..];
            }
            text + tail
        };
        let text = build(None);
        let tree = Node::read(&text).unwrap();
        let found = Items::find(&text, &tree).unwrap();
        prop_assert_eq!(found.replace(index, &lines), build(Some(&lines)));
        for added in [found.insert_after(index, &lines), found.insert_before(index, &lines)] {
            let at = added.find(&lines).unwrap();
            let without = [&added[..at], &added[at + lines.len()..]].concat();
            let beside = [&added[..at.max(1) - 1], &added[at + lines.len()..]].concat();
            let after = added.get(at + lines.len() + 1..).unwrap_or_default();
            let before = [&added[..at], after].concat();
            prop_assert!([without, beside, before].contains(&text), "{}", added);
        }
    }
}
