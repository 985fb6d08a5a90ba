//! Groups, gaps and rules on images that can be counted by hand.

use super::*;
use crate::dataset::{Label, Safety};
use crate::verdict::Conclusion;

/// An image of a source and a category, its label, and what was said of it.
fn image(source: &str, category: &str, is_unsafe: bool, said: Conclusion) -> Judged {
    let safety = if is_unsafe { Safety::Unsafe } else { Safety::Safe };
    let rule = RuleId::new(category).unwrap();
    let of = |holds: bool| if holds { vec![rule.clone()] } else { Vec::new() };
    Judged {
        label: Label {
            safety: Some(safety),
            violated: Some(of(is_unsafe).into_iter().collect()),
            category: Some(category.to_owned()),
            source: Some(source.to_owned()),
            ..Label::default()
        },
        said,
        score: match said {
            Conclusion::Unsafe => Some(0.95),
            Conclusion::Safe => Some(0.15),
            _ => None,
        },
        violated: of(said == Conclusion::Unsafe),
        open: of(said == Conclusion::Undetermined),
        took_ms: 10,
    }
}

/// Twelve images of two sources. `photo` is judged right throughout; of `drawn` one unsafe image of
/// two is found, one is left open, and one safe image of four is flagged.
fn images() -> Vec<Judged> {
    use Conclusion::{Safe, Undetermined, Unsafe};
    let mut images: Vec<Judged> = Vec::new();
    for _ in 0..2 {
        images.push(image("photo", "guns", true, Unsafe));
        images.push(image("photo", "blood", false, Safe));
        images.push(image("photo", "guns", false, Safe));
        images.push(image("drawn", "blood", false, Safe));
    }
    images.push(image("drawn", "guns", true, Unsafe));
    images.push(image("drawn", "guns", true, Undetermined));
    images.push(image("drawn", "guns", false, Unsafe));
    images.push(image("drawn", "blood", false, Safe));
    images
}

#[test]
fn the_gap_is_that_between_the_sources() {
    let mut images = images();
    images.push(Judged { label: Label::default(), ..images[0].clone() });
    let measured = Effectiveness::of(&images, Bootstrap { replicates: 200, seed: 1 });
    assert_eq!((measured.overall.counts.images(), measured.unlabelled), (12, 1));
    let names: Vec<&str> = measured.sources.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["photo", "drawn"], "in the order in which they come");
    let f1 = |group: &Group| group.f1.unwrap().value;
    assert_eq!((f1(&measured.sources[0]), f1(&measured.sources[1])), (1.0, 0.5));
    let gap = &measured.gaps[0];
    assert_eq!((gap.category.as_deref(), &*gap.source, &*gap.other), (None, "photo", "drawn"));
    let gap = gap.f1.unwrap();
    assert!((gap.value - 0.5).abs() < 1e-12);
    assert!(gap.interval.low < 0.0 && gap.interval.high < 1.0, "few images prove no gap: {gap:?}");
    // Nothing is unsafe in `blood`, so that it has no F1 and no gap.
    let of = |category: &str| {
        measured.gaps.iter().find(|gap| gap.category.as_deref() == Some(category)).unwrap()
    };
    assert_eq!(of("blood").f1, None);
    assert!((of("guns").f1.unwrap().value - 0.5).abs() < 1e-12);
    assert_eq!(measured.cells.len(), 4);
    assert!(measured.sets.is_empty(), "all images are of one set");
}

#[test]
fn what_is_open_is_counted_apart_and_ranks_last() {
    let measured = Effectiveness::of(&images(), Bootstrap { replicates: 50, seed: 1 });
    assert_eq!(measured.overall.undetermined, Some(1.0 / 12.0));
    assert_eq!((measured.scores.scored, measured.scores.unscored), (11, 1));
    // 4 unsafe and 8 safe: of 32 pairs the three flagged ones win 7 and draw 1 each, the open one
    // none.
    let expected = (3.0 * 7.5) / 32.0;
    assert!((measured.scores.roc_auc.unwrap().value - expected).abs() < 1e-12);
    let sure = measured.sure[1];
    assert_eq!((sure.above, sure.answers, sure.wrong), (0.9, 4, 1));
    let sure = measured.sure[0];
    assert_eq!((sure.above, sure.answers, sure.wrong), (0.8, 11, 1));
}

#[test]
fn a_violation_counts_by_its_own_rule() {
    let measured = Effectiveness::of(&images(), Bootstrap { replicates: 5, seed: 1 });
    let [guns] = &measured.rules[..] else { panic!("{:?}", measured.rules) };
    assert_eq!((guns.violations, guns.found, guns.open, guns.false_flags), (4, 3, 1, 1));
    assert_eq!((guns.recall, guns.precision), (Some(0.75), Some(0.75)));
}

#[test]
fn nothing_is_measured_on_nothing() {
    let measured = Effectiveness::of(&[], Bootstrap::default());
    assert_eq!(measured.overall.counts.images(), 0);
    assert!(measured.overall.f1.is_none() && measured.scores.roc_auc.is_none());
    assert!(measured.gaps.is_empty() && measured.took_ms.is_none());
}
