//! Against scikit-learn, statsmodels and scipy, on the cases of `tools/agreement-reference/make.py`.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Reference {
    cohen: Vec<Kappa>,
    fleiss: Vec<Kappa>,
    mcnemar: Vec<McNemar>,
    spearman: Vec<Ranks>,
}

#[derive(Deserialize)]
struct Kappa {
    ratings: Vec<Vec<usize>>,
    #[serde(rename = "kappa")]
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Deserialize)]
struct McNemar {
    first_only: usize,
    second_only: usize,
    p: f64,
}

#[derive(Deserialize)]
struct Ranks {
    first: Vec<f64>,
    second: Vec<f64>,
    correlation: Option<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../../tests/inputs/agreement.json")).unwrap()
}

fn rated(rows: &[Vec<usize>]) -> Ratings {
    let mut ratings = Ratings::new(rows[0].len(), 3);
    for row in rows {
        ratings.add(row);
    }
    assert_eq!(ratings.items(), rows.len());
    ratings
}

fn same(ours: Option<f64>, theirs: Option<f64>, what: &str) {
    match (ours, theirs) {
        (None, None) => {}
        (Some(ours), Some(theirs)) => {
            assert!((ours - theirs).abs() < 1e-9, "{what}: {ours} {theirs}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn kappas_are_those_of_scikit_learn_and_statsmodels() {
    let reference = reference();
    assert!(reference.cohen.len() >= 24 && reference.fleiss.len() >= 48);
    for case in &reference.cohen {
        same(rated(&case.ratings).cohen(), case.value, "cohen");
    }
    for case in &reference.fleiss {
        same(rated(&case.ratings).fleiss(), case.value, "fleiss");
    }
    assert!(reference.cohen.iter().any(|case| case.value.is_none()), "one category has no kappa");
}

#[test]
fn mcnemar_is_that_of_statsmodels() {
    for case in reference().mcnemar {
        let p = mcnemar_exact(case.first_only, case.second_only);
        assert!((p / case.p - 1.0).abs() < 1e-9, "{} {}", p, case.p);
        assert!((p - mcnemar_exact(case.second_only, case.first_only)).abs() < 1e-15);
    }
    let many = mcnemar_exact(40_000, 60_000);
    assert!((0.0..1e-300).contains(&many), "neither lost nor not a number: {many}");
}

#[test]
fn rank_correlations_are_those_of_scipy() {
    for case in reference().spearman {
        let pairs: Vec<_> = case.first.iter().copied().zip(case.second).collect();
        same(rank_correlation(&pairs), case.correlation, "spearman");
    }
}

/// Large-sample intervals (Fleiss, Cohen and Everitt 1969) hold where there are many items.
#[test]
fn intervals_are_as_wide_as_statsmodels_where_there_are_many_items() {
    let mut compared = 0;
    for case in reference().cohen {
        let (Some(low), Some(high)) = (case.low, case.high) else { continue };
        let ratings = rated(&case.ratings);
        let estimate = ratings.estimate(Ratings::cohen, 1).unwrap();
        // Of full agreement theirs is sure that there is never a disagreement; ours never is.
        let near = if estimate.value < 1.0 { 0.02 } else { 0.05 };
        assert!((estimate.interval.low - low).abs() < near, "{estimate:?} {low}");
        assert!((estimate.interval.high - high).abs() < 0.02, "{estimate:?} {high}");
        assert_eq!(ratings.estimate(Ratings::cohen, 1), Some(estimate), "the seed decides");
        compared += 1;
    }
    assert_eq!(compared, 4);
}

#[test]
fn few_agreements_are_no_proof_of_agreement() {
    let rows: Vec<Vec<usize>> = (0..16).map(|item| vec![item % 2 * 2; 2]).collect();
    let few = rated(&rows).estimate(Ratings::cohen, 1).unwrap();
    assert!((few.value - 1.0).abs() < 1e-12 && few.interval.low < 0.9, "{few:?}");
    let many = rated(&vec![rows.clone(); 40].concat()).estimate(Ratings::cohen, 1).unwrap();
    assert!(many.interval.low > 0.98, "{many:?}");
    let three: Vec<Vec<usize>> = rows.iter().map(|row| vec![row[0]; 3]).collect();
    let fleiss = rated(&three).estimate(Ratings::fleiss, 1).unwrap();
    assert!((fleiss.value - 1.0).abs() < 1e-12 && fleiss.interval.low < 0.95, "{fleiss:?}");
}

#[test]
fn what_has_no_place_is_left_out() {
    let mut ratings = Ratings::new(2, 3);
    ratings.add(&[0, 3]);
    ratings.add(&[0]);
    assert_eq!(ratings.items(), 0);
    assert_eq!((ratings.cohen(), ratings.fleiss()), (None, None));
    assert_eq!(ratings.estimate(Ratings::cohen, 1), None);
}

proptest! {
    /// Kappa does not care who is first or what categories are called, and never exceeds one.
    #[test]
    fn kappa_has_no_favourites(rows in prop::collection::vec((0..3usize, 0..3usize), 1..60)) {
        let of = |rating: &dyn Fn(&(usize, usize)) -> Vec<usize>| rated(&rows.iter().map(rating).collect::<Vec<_>>());
        let plain = of(&|pair| vec![pair.0, pair.1]);
        let turned = of(&|pair| vec![pair.1, pair.0]);
        let renamed = of(&|pair| vec![(pair.0 + 1) % 3, (pair.1 + 1) % 3]);
        for number in [Ratings::cohen, Ratings::fleiss] {
            same(number(&turned), number(&plain), "turned");
            same(number(&renamed), number(&plain), "renamed");
            if let Some(kappa) = number(&plain) {
                prop_assert!((-1.0..=1.0 + 1e-12).contains(&kappa));
                let agree = plain.agreed() == plain.items();
                prop_assert_eq!(agree, (kappa - 1.0).abs() < 1e-12);
            }
        }
    }
}
