//! Panels made by hand, counted by hand.

mod rules;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::ids::{Hash, ModelId, RuleId};
use crate::units::Probability;
use crate::verdict::{Conclusion, Frames, ImageError, Method, Outcome, RuleVerdict, Verdict, Why};

fn rule(name: &str) -> RuleId {
    RuleId::new(name).unwrap()
}

fn mark(name: &str, outcome: Outcome, why: Option<Why>) -> RuleVerdict {
    RuleVerdict {
        outcome,
        why,
        relevance: None,
        ..RuleVerdict::from_findings(rule(name), Vec::new())
    }
}

/// A verdict on the file `image`, whose content is its name.
fn verdict(image: &str, rules: Vec<RuleVerdict>, score: f64) -> Verdict {
    let violated = rules.iter().filter(|rule| rule.outcome == Outcome::Violated);
    Verdict {
        image: image.to_owned(),
        hash: Some(Hash::of(image.as_bytes())),
        verdict: crate::verdict::conclude(&rules),
        score: Probability::new(score),
        violated: violated.map(|rule| rule.rule.clone()).collect(),
        rules,
        frames: None,
        error: None,
        method: Method::Clue,
        without: Vec::new(),
        policy: Hash::of(b"policy"),
        model: ModelId { name: "scripted".to_owned(), fingerprint: Hash::of(b"m") },
        took_ms: 10,
    }
}

fn knife(image: &str, outcome: Outcome, score: f64) -> Verdict {
    let why = (outcome == Outcome::Undetermined).then_some(Why::Refused);
    verdict(image, vec![mark("knife", outcome, why), mark("fire", Outcome::Clear, None)], score)
}

fn unread(image: &str) -> Verdict {
    let error = ImageError { code: "not_found".to_owned(), message: "no such file".to_owned() };
    Verdict {
        hash: None,
        verdict: Conclusion::Failed,
        error: Some(error),
        score: None,
        ..verdict(image, Vec::new(), 0.0)
    }
}

fn facts(names: &[&str]) -> Vec<JudgeFacts> {
    let facts = |name: &&str| JudgeFacts {
        name: (*name).to_owned(),
        run: None,
        model: ModelId { name: "scripted".to_owned(), fingerprint: Hash::of(b"m") },
        constitution: "pets".to_owned(),
        policy: Hash::of(b"policy"),
        cut_off: false,
        cost_per_thousand: None,
    };
    names.iter().map(facts).collect()
}

fn compared(judges: &[Vec<Verdict>], truths: Option<&Truths>) -> Comparison {
    let mut panel = Panel::new(judges.len());
    for (judge, verdicts) in judges.iter().enumerate() {
        for verdict in verdicts {
            panel.add(judge, verdict);
        }
    }
    let names = ["one", "two", "three", "four"];
    Comparison::of(&panel, facts(&names[..judges.len()]), truths)
}

use Outcome::{Clear, Irrelevant, Undetermined, Violated};

/// Worked by hand: of four images both flag `a`; only the first flags `b`; `c` is open to the second;
/// both clear `d`.
fn two() -> [Vec<Verdict>; 2] {
    [
        vec![
            knife("a", Violated, 0.9),
            knife("b", Violated, 0.8),
            knife("c", Clear, 0.2),
            knife("d", Irrelevant, 0.1),
        ],
        vec![
            knife("a", Violated, 0.8),
            knife("b", Clear, 0.3),
            knife("c", Undetermined, 0.5),
            knife("d", Clear, 0.1),
        ],
    ]
}

#[test]
fn two_judges_are_counted_as_by_hand() {
    let found = compared(&two(), None);
    assert_eq!((found.images, found.disagreed, found.other_rules), (4, 2, 0));
    let pair = &found.pairs[0];
    assert_eq!(pair.table, [[1, 0, 1], [0, 0, 0], [0, 1, 1]]);
    assert_eq!((pair.both, pair.first_only, pair.second_only), (1, 1, 0));
    assert_eq!((pair.agreement.agreed, pair.agreement.images), (2, 4));
    // By chance 2/4 * 1/4 + 0 + 2/4 * 2/4 = 0.375; (0.5 - 0.375) / 0.625.
    assert!((pair.agreement.kappa.unwrap().value - 0.2).abs() < 1e-12);
    assert_eq!((pair.decided.agreed, pair.decided.images), (2, 3));
    let scores = pair.scores.as_ref().unwrap();
    assert!((scores.mean - 0.225).abs() < 1e-12 && (scores.shift + 0.075).abs() < 1e-12);
    assert_eq!((scores.largest_on.as_str(), scores.images), ("b", 4));
    let knife = &found.rules[0];
    assert_eq!((knife.all, knife.some, knife.pairs[0].agreed), (1, 1, 2));
    assert_eq!((knife.pairs[0].first_only, knife.pairs[0].second_only), (1, 0));
    assert_eq!(found.rules[1].pairs[0].agreed, 4, "irrelevant is clear to whoever looks");
    let second = &found.judges[1];
    assert_eq!((second.unsafe_images, second.undetermined, second.safe), (1, 1, 2));
    assert_eq!(second.reasons.get("refused"), Some(&1));
    assert_eq!(second.seconds_per_thousand, Some(10.0));
    let images: Vec<&str> = found.disputes.iter().map(|one| one.image.as_str()).collect();
    assert_eq!(images, ["b", "c"], "unsafe against safe comes first");
    assert_eq!(found.disputes[1].kind, DisputeKind::SafeOrOpen);
}

/// Both flag four of twelve images, three of them the same. By chance (4/12)² + (8/12)² = 5/9 agree, and
/// 10/12 do: (10/12 - 5/9) / (4/9) = 0.625. A rule that four images violate has no kappa.
#[test]
fn a_rule_has_a_kappa_with_an_interval_where_enough_images_violate_it() {
    let judge = |flagged: std::ops::Range<usize>| -> Vec<Verdict> {
        let outcome = |image: usize| if flagged.contains(&image) { Violated } else { Clear };
        (0..12).map(|image| knife(&format!("{image}"), outcome(image), 0.5)).collect()
    };
    let found = compared(&[judge(0..4), judge(1..5)], None);
    let [pair] = &*found.rules[0].pairs else { panic!("one pair") };
    assert_eq!((pair.flagged(), pair.both), (5, 3));
    let kappa = pair.kappa.unwrap();
    assert!((kappa.value - 0.625).abs() < 1e-12);
    assert_eq!(Some(kappa), found.pairs[0].agreement.kappa, "the same numbers, the same interval");
    assert!(kappa.interval.low < 0.3 && kappa.interval.high > 0.8, "{kappa:?}");
    assert_eq!(found.rules[1].pairs[0].kappa, None, "nobody has seen fire");
    let rare = compared(&[judge(0..4), judge(0..4)], None);
    assert_eq!((rare.rules[0].pairs[0].flagged(), rare.rules[0].pairs[0].kappa), (4, None));
}

#[test]
fn without_labels_it_says_what_can_not_be_concluded() {
    let said = compared(&two(), None).conclusions().join("\n");
    for part in [
        "conclude differently on 2 of 4 images",
        "nothing here says who is right",
        "only the 2 disputed images need labels",
        "`one` flags more than `two`: 2 images against 1, +25.0 points",
        "That may be chance.",
    ] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
    assert!(!said.contains("McNemar"));
}

#[test]
fn no_disagreement_is_said_with_the_largest_difference_and_is_no_proof() {
    let [one, _] = two();
    let mut other = one.clone();
    other[2].score = Probability::new(0.203);
    let found = compared(&[one.clone(), other], None);
    assert!(found.is_unanimous());
    let said = found.conclusions().join("\n");
    assert!(said.contains("No disagreement on 4 images"), "{said}");
    assert!(said.contains("violated rules are the same"), "{said}");
    assert!(said.contains("differ by 0.003 at most (`c`)"), "{said}");
    assert!(said.contains("on up to 49.0 % of them"), "{said}");
    let said = compared(&[one.clone(), one], None).conclusions().join("\n");
    assert!(said.contains("the same to the last digit"), "{said}");
}

#[test]
fn images_that_only_some_judged_or_read_are_counted_and_left_out() {
    let one = vec![knife("a", Clear, 0.1), knife("b", Violated, 0.9), knife("c", Clear, 0.1)];
    let mut other = vec![knife("a", Clear, 0.1), unread("c"), knife("e", Clear, 0.1)];
    // The same name, and another content.
    other.push(Verdict { hash: Some(Hash::of(b"other")), ..knife("b", Clear, 0.1) });
    other.push(knife("a", Violated, 0.9));
    let found = compared(&[one, other], None);
    assert_eq!((found.images, found.disagreed), (1, 0), "the first verdict on `a` counts");
    let LeftOut { missing, unread, changed } = found.left_out;
    assert_eq!((missing, unread, changed), (3, 1, 2));
    assert_eq!((found.judges[0].missing, found.judges[1].missing), (2, 1));
    assert_eq!((found.judges[1].unread, found.judges[1].repeated), (1, 1));
}

#[test]
fn a_file_is_the_same_wherever_it_lay_and_a_name_stands_in_for_a_hash() {
    let moved = Verdict { image: "elsewhere/a".to_owned(), ..knife("a", Clear, 0.1) };
    let bare = |image: &str| Verdict { hash: None, ..knife(image, Clear, 0.1) };
    for judges in [
        [vec![knife("a", Clear, 0.1)], vec![moved]],
        [vec![knife("a", Clear, 0.1)], vec![bare("a")]],
        [vec![bare("a")], vec![knife("a", Clear, 0.1)]],
        [vec![bare("a")], vec![bare("a")]],
    ] {
        let found = compared(&judges, None);
        assert_eq!((found.images, found.left_out.images()), (1, 0), "{judges:?}");
    }
}

#[test]
fn three_judges_have_fleiss_kappa_and_split_votes_come_before_single_ones() {
    let judge = |outcomes: [Outcome; 4]| -> Vec<Verdict> {
        let images = ["a", "b", "c", "d"];
        images.iter().zip(outcomes).map(|(image, outcome)| knife(image, outcome, 0.5)).collect()
    };
    let found = compared(
        &[
            judge([Violated, Violated, Clear, Clear]),
            judge([Violated, Clear, Clear, Clear]),
            judge([Violated, Clear, Clear, Undetermined]),
            judge([Violated, Violated, Violated, Clear]),
        ],
        None,
    );
    assert_eq!(found.pairs.len(), 6);
    assert!(found.fleiss.is_some());
    let images: Vec<&str> = found.disputes.iter().map(|one| one.image.as_str()).collect();
    assert_eq!(images, ["b", "c", "d"]);
    let knife = &found.rules[0];
    assert_eq!((knife.all, knife.some), (1, 2));
    assert!(compared(&two(), None).fleiss.is_none(), "two have Cohen's");
}

#[test]
fn models_that_run_other_stages_are_not_compared_as_models() {
    use crate::verdict::Stage;
    let less = |verdict: &Verdict| Verdict { without: vec![Stage::Region], ..verdict.clone() };
    let [one, _] = two();
    let mut panel = Panel::new(2);
    for verdict in &one {
        panel.add(0, verdict);
        panel.add(1, &less(verdict));
    }
    let said = |facts| Comparison::of(&panel, facts, None).conclusions().join(" ");
    assert!(!said(facts(&["one", "two"])).contains("other stages"), "the same model varied");
    let mut two = facts(&["one", "two"]);
    two[1].model.fingerprint = Hash::of(b"other");
    let said = said(two);
    assert!(said.contains("other stages (`one` clue; `two` clue without region)"), "{said}");
}

#[test]
fn other_rules_are_a_lesser_dispute() {
    let rules = |knife: Outcome, fire: Outcome| {
        vec![verdict("a", vec![mark("knife", knife, None), mark("fire", fire, None)], 0.9)]
    };
    let found = compared(&[rules(Violated, Clear), rules(Clear, Violated)], None);
    assert_eq!((found.disagreed, found.other_rules), (0, 1));
    assert!(!found.is_unanimous());
    let said = found.conclusions().join(" ");
    assert!(said.contains("though on 1 image by other violated rules"), "{said}");
}

#[test]
fn labels_tell_who_is_right_and_what_is_open_never_is() {
    let mut truths = Truths::default();
    let label = |violated: &[&str]| Truth {
        is_unsafe: !violated.is_empty(),
        violated: Some(violated.iter().map(|name| rule(name)).collect::<BTreeSet<_>>()),
    };
    truths.add("moved/a".to_owned(), Some(Hash::of(b"a")), &label(&["knife"]));
    truths.add("b".to_owned(), None, &label(&["fire"]));
    truths.add("c".to_owned(), None, &label(&[]));
    truths.add("d".to_owned(), None, &label(&[]));
    truths.add("d".to_owned(), None, &label(&["knife"]));
    let found = compared(&two(), Some(&truths));
    assert_eq!(found.labelled, Some(3), "two labels that contradict each other are none");
    assert_eq!(truths.contradictory(), 1);
    let [first, second] = [0, 1].map(|judge| found.judges[judge].against.unwrap());
    assert_eq!((first.right, first.found, first.flagged, first.unsafe_images), (3, 2, 2, 2));
    assert_eq!((second.right, second.found, second.flagged), (1, 1, 1));
    assert_eq!((first.f1, second.f1), (Some(1.0), Some(2.0 / 3.0)));
    let against = found.pairs[0].against.unwrap();
    assert_eq!((against.first_only_right, against.second_only_right), (2, 0));
    assert!((against.p - 0.5).abs() < 1e-12);
    let knife = &found.rules[0];
    assert_eq!((knife.labelled, knife.judges[0].unwrap().right), (Some(1), Some(1)));
    assert_eq!(knife.judges[0].unwrap().violated, 2);
    let said = found.conclusions().join("\n");
    assert!(said.contains("only `one` is right on 2, only `two` on 0: p = 0.500"), "{said}");
    assert!(!said.contains("only labels can tell"), "{said}");
}

#[test]
fn what_stood_in_the_way_is_counted_by_kind() {
    let open =
        |image: &str, why: Why| verdict(image, vec![mark("knife", Undetermined, Some(why))], 0.5);
    let cut = Verdict {
        frames: Some(Frames { judged: 2, cut: true }),
        verdict: Conclusion::Undetermined,
        ..knife("e", Clear, 0.1)
    };
    let hurt = vec![
        open("a", Why::Refused),
        open("b", Why::Filtered),
        open("c", Why::Unparsable { detail: "hm".to_owned() }),
        open("d", Why::failed("gone")),
        cut,
    ];
    let calm: Vec<Verdict> =
        ["a", "b", "c", "d", "e"].iter().map(|image| knife(image, Clear, 0.1)).collect();
    let found = compared(&[calm, hurt], None);
    let reasons: Vec<(&str, usize)> =
        found.judges[1].reasons.iter().map(|(reason, images)| (reason.as_str(), *images)).collect();
    assert_eq!(
        reasons,
        [("failed", 1), ("filtered", 1), ("frames_left_out", 1), ("refused", 1), ("unparsable", 1)]
    );
    assert_eq!(found.judges[1].open_rules.values().sum::<usize>(), 4);
    assert_eq!((found.disagreed, found.pairs[0].decided.images), (5, 0));
    assert_eq!(found.pairs[0].decided.kappa, None);
}

#[test]
fn nothing_in_common_says_nothing() {
    let found = compared(&[vec![knife("a", Clear, 0.1)], vec![knife("b", Clear, 0.1)]], None);
    assert_eq!((found.images, found.left_out.missing), (0, 2));
    assert_eq!(found.conclusions().len(), 1);
    assert!(compared(&[Vec::new(), Vec::new()], None).judges[0].method.is_none());
}

fn outcomes() -> impl Strategy<Value = Vec<(u8, Outcome)>> {
    let outcome = prop::sample::select(vec![Violated, Clear, Irrelevant, Undetermined]);
    prop::collection::vec((0..12u8, outcome), 0..24)
}

proptest! {
    /// Every image is compared or left out, every table sums to the images compared, and turning the
    /// judges round turns the table and nothing else.
    #[test]
    fn nothing_is_lost_and_nobody_is_favoured(one in outcomes(), other in outcomes()) {
        let judge = |said: &[(u8, Outcome)]| -> Vec<Verdict> {
            said.iter().map(|(image, outcome)| knife(&image.to_string(), *outcome, 0.5)).collect()
        };
        let (one, other) = (judge(&one), judge(&other));
        let found = compared(&[one.clone(), other.clone()], None);
        let turned = compared(&[other.clone(), one.clone()], None);
        let names: BTreeSet<&str> =
            one.iter().chain(&other).map(|verdict| verdict.image.as_str()).collect();
        prop_assert_eq!(found.images + found.left_out.images(), names.len());
        let table = found.pairs[0].table;
        prop_assert_eq!(table.iter().flatten().sum::<usize>(), found.images);
        let agreed: usize = (0..3).map(|at| table[at][at]).sum();
        prop_assert_eq!(found.images - agreed, found.disagreed);
        for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
            prop_assert_eq!(table[row][column], turned.pairs[0].table[column][row]);
        }
        prop_assert_eq!(found.disputes.len(), turned.disputes.len());
        let kappa = |found: &Comparison| found.pairs[0].agreement.kappa.map(|kappa| kappa.value);
        match (kappa(&found), kappa(&turned)) {
            (Some(one), Some(other)) => prop_assert!((one - other).abs() < 1e-12),
            (one, other) => prop_assert_eq!(one, other),
        }
    }
}
