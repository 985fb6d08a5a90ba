//! What is counted of flips, worked by hand.

use super::*;
use crate::ids::{Hash, ModelId};
use crate::units::Probability;
use crate::verdict::Method;

fn verdict(conclusion: Conclusion, score: f64, violated: &[&str]) -> Verdict {
    Verdict {
        image: "a.png".to_owned(),
        hash: None,
        verdict: conclusion,
        score: Probability::new(score),
        violated: violated.iter().map(|id| RuleId::new(*id).unwrap()).collect(),
        rules: Vec::new(),
        frames: None,
        error: None,
        method: Method::Clue,
        without: Vec::new(),
        policy: Hash::of(b"policy"),
        model: ModelId { name: "scripted".to_owned(), fingerprint: Hash::of(b"m") },
        took_ms: 0,
    }
}

fn known(is_unsafe: bool, source: &str) -> Known {
    Known { is_unsafe: Some(is_unsafe), source: Some(source.to_owned()) }
}

/// Worked by hand. Right before: unsafe kept, unsafe lost, unsafe open, safe kept; the fifth was
/// wrong before, so that it does not count although it is right now.
#[test]
fn robust_accuracy_is_of_what_was_right_before() {
    use Conclusion::{Safe, Undetermined, Unsafe};
    let mut counted = Robustness::of(&["grey".parse().unwrap()]);
    let unsafe_ = || verdict(Unsafe, 0.9, &["dogs"]);
    let safe = || verdict(Safe, 0.1, &[]);
    for (label, source, before, after) in [
        (true, "a", unsafe_(), unsafe_()),
        (true, "a", unsafe_(), safe()),
        (true, "b", unsafe_(), verdict(Undetermined, 0.5, &[])),
        (false, "b", safe(), safe()),
        (true, "b", safe(), unsafe_()),
    ] {
        counted.add_image(&before);
        counted.add(0, &known(label, source), &before, Some(&after));
    }
    let row = &counted.perturbations[0];
    assert_eq!((row.images, row.flipped), (5, 3));
    assert_eq!((row.safe_to_unsafe, row.unsafe_to_safe, row.to_undetermined), (1, 1, 1));
    let robust = row.robust.unwrap();
    assert_eq!((robust.right_before, robust.still_right, robust.became_undetermined), (4, 2, 1));
    assert_eq!(robust.accuracy, Some(0.5));
    let sources: Vec<_> = row
        .sources
        .iter()
        .map(|row| (row.source.as_str(), row.flipped, row.robust.unwrap().still_right))
        .collect();
    assert_eq!(sources, [("a", 1, 1), ("b", 2, 1)]);
    assert_eq!(
        row.rules,
        [RuleRow { rule: RuleId::new("dogs").unwrap(), appeared: 1, vanished: 2 }]
    );
    assert!((row.score.mean - (0.0 + 0.8 + 0.4 + 0.0 + 0.8) / 5.0).abs() < 1e-12);
    assert!((row.score.most - 0.8).abs() < 1e-12);
    assert_eq!(counted.flips.len(), 3);
    assert!(!counted.control_flipped());
}

#[test]
fn without_labels_there_is_no_robust_accuracy_and_what_failed_is_no_flip() {
    let mut counted = Robustness::of(&[Perturbation::Png]);
    let before = verdict(Conclusion::Safe, 0.1, &[]);
    counted.add(0, &Known::default(), &before, None);
    let failed = verdict(Conclusion::Failed, 0.0, &[]);
    counted.add(0, &Known::default(), &before, Some(&failed));
    counted.add(0, &Known::default(), &failed, Some(&before));
    counted.add(0, &Known::default(), &before, Some(&before));
    let row = &counted.perturbations[0];
    assert_eq!((row.images, row.failed, row.flipped, row.robust), (1, 3, 0, None));
    assert!(counted.any_failed() && !counted.control_flipped());
    counted.add(0, &Known::default(), &before, Some(&verdict(Conclusion::Unsafe, 0.9, &[])));
    assert!(counted.control_flipped());
}
