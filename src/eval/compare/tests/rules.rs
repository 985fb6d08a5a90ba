//! Judges that go by rules, beside such as judge the image as a whole.

use super::*;

#[test]
fn a_judge_of_whole_images_is_compared_by_conclusions_and_not_by_rules() {
    let [one, _] = two();
    let whole = one.iter().map(|verdict| {
        let outcome = if verdict.verdict == Conclusion::Unsafe { Violated } else { Clear };
        let rules = vec![mark("image", outcome, None)];
        Verdict { method: Method::PriorKnowledge, ..super::verdict(&verdict.image, rules, 0.5) }
    });
    let found = compared(&[one.clone(), whole.collect()], None);
    assert!(found.is_unanimous() && !found.judges[1].by_rule);
    assert_eq!(found.rules.len(), 2, "`image` is no rule");
    assert!(found.rules.iter().all(|rule| rule.judges[1].is_none() && rule.pairs.is_empty()));
    assert!(found.conclusions().join(" ").contains("`two` judges the image as a whole"));
}

fn by(method: Method, image: &str, rules: Vec<RuleVerdict>) -> Verdict {
    Verdict { method, ..verdict(image, rules, 0.5) }
}

#[test]
fn classifiers_that_know_rules_are_compared_by_them() {
    let said = |knife, fire| {
        vec![by(
            Method::Classifier,
            "a",
            vec![mark("knife", knife, None), mark("fire", fire, None)],
        )]
    };
    let found = compared(&[said(Violated, Clear), said(Clear, Violated)], None);
    assert_eq!((found.disagreed, found.other_rules), (0, 1));
    assert_eq!(found.disputes[0].kind, DisputeKind::OtherRules);
    assert!(found.judges.iter().all(|judge| judge.by_rule));
    assert_eq!((found.rules.len(), found.rules[0].some), (2, 1));
    assert!(!found.conclusions().join(" ").contains("as a whole"));
    // One that knows none of the rules says so by its entry.
    let whole = || {
        let judged = by(Method::Classifier, "a", vec![mark("image", Violated, None)]);
        vec![Verdict { violated: Vec::new(), ..judged }]
    };
    let found = compared(&[whole(), said(Violated, Clear)], None);
    assert!(found.is_unanimous() && !found.judges[0].by_rule && found.judges[1].by_rule);
    assert!(found.conclusions().join(" ").contains("`one` judges the image as a whole"));
}

/// PerspectiveVision names one rule, or none, and says nothing of the others.
#[test]
fn a_judge_that_names_one_rule_is_compared_by_it() {
    let names = |image: &str, rule: &str, outcome| {
        let why = (outcome == Undetermined).then_some(Why::Refused);
        by(Method::PerspectiveVision, image, vec![mark(rule, outcome, why)])
    };
    let one = vec![
        names("a", "knife", Violated),
        names("b", "fire", Violated),
        names("c", "image", Clear),
        names("d", "image", Undetermined),
    ];
    let other = vec![
        knife("a", Violated, 0.9),
        knife("b", Violated, 0.9),
        knife("c", Clear, 0.1),
        knife("d", Clear, 0.1),
    ];
    let found = compared(&[one, other], None);
    assert_eq!((found.disagreed, found.other_rules), (1, 1));
    let names: Vec<&str> = found.rules.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(names, ["knife", "fire"], "`image` is no rule");
    let counts = found.rules[0].judges[0].unwrap();
    assert_eq!((counts.violated, counts.undetermined), (1, 1));
    let pair = &found.rules[0].pairs[0];
    assert_eq!((pair.agreed, pair.both, pair.first_only, pair.second_only), (2, 1, 0, 1));
    assert!(!found.conclusions().join(" ").contains("as a whole"));
}
