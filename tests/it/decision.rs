//! The tables of `docs/judging.md` are the cases: what the page says is what the code decides.

use praetor::constitution::Undecided;
use praetor::ids::{RuleId, ViewKind};
use praetor::judge::decision::{Band, PAPER, by_prior};
use praetor::units::Probability;
use praetor::verdict::{Finding, Holds, Outcome, RuleVerdict, Why};
use proptest::prelude::*;

const PAGE: &str = include_str!("../../docs/judging.md");

/// The rows of the table whose header starts with `header`, cell by cell.
fn table(header: &str) -> Vec<Vec<String>> {
    let rows: Vec<Vec<String>> = PAGE
        .lines()
        .skip_while(|line| !line.starts_with(header))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(rows.len() >= 8, "the table `{header}` has gone from docs/judging.md");
    rows
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("`{cell}` is not a number"))
}

fn holds(cell: &str) -> Holds {
    match cell {
        "yes" => Holds::Yes,
        "no" => Holds::No,
        "unknown" => Holds::Unknown,
        other => panic!("`{other}` is no decision"),
    }
}

fn decide(m: &str, prior: &str, undecided: Undecided) -> Holds {
    let [m, prior] = [m, prior].map(|cell| Probability::new(number(cell)).unwrap());
    by_prior(m, prior, Band::around(prior, PAPER), undecided).holds
}

#[test]
fn worked_cases_of_strategy_1() {
    for row in table("| M | M0 | 0.7") {
        let prior = Probability::new(number(&row[1])).unwrap();
        let band = Band::around(prior);
        assert!((band.rejects_below - number(&row[2])).abs() < 1e-12, "{row:?}: {band:?}");
        assert!((band.accepts_above - number(&row[3])).abs() < 1e-12, "{row:?}: {band:?}");
        let decided = decide(&row[0], &row[1], Undecided::Undetermined);
        assert_eq!(decided, holds(&row[4]), "{row:?}");
    }
}

#[test]
fn worked_cases_of_leaning() {
    for row in table("| M | M0 | `undecided: lean`") {
        assert_eq!(decide(&row[0], &row[1], Undecided::Lean), holds(&row[2]), "{row:?}");
    }
}

fn rule(chain: &[Holds]) -> Outcome {
    let finding = |&holds: &Holds| {
        let why = (holds == Holds::Unknown).then_some(Why::Undecided);
        Finding { holds, why, ..Finding::open("c", ViewKind::Whole) }
    };
    let id = RuleId::new("r").unwrap();
    RuleVerdict::from_findings(id, chain.iter().map(finding).collect()).outcome
}

#[test]
fn worked_cases_of_a_chain() {
    for row in table("| the chain's preconditions") {
        let chain: Vec<Holds> = row[0].split(", ").map(holds).collect();
        let outcome = match row[1].as_str() {
            "violated" => Outcome::Violated,
            "clear" => Outcome::Clear,
            "undetermined" => Outcome::Undetermined,
            other => panic!("`{other}` is no outcome"),
        };
        assert_eq!(rule(&chain), outcome, "{row:?}");
    }
}

/// The paper's own loop over a chain: stop at the first that fails, violated if all hold.
fn the_papers_loop(chain: &[Holds]) -> Outcome {
    let mut satisfied = 0;
    for holds in chain {
        match holds {
            Holds::No => return Outcome::Clear,
            Holds::Yes => satisfied += 1,
            Holds::Unknown => {}
        }
    }
    if satisfied == chain.len() { Outcome::Violated } else { Outcome::Undetermined }
}

proptest! {
    #[test]
    fn the_chains_order_does_not_change_the_verdict(
        chain in prop::collection::vec(
            prop_oneof![Just(Holds::Yes), Just(Holds::No), Just(Holds::Unknown)], 1..6),
        turn in 0usize..6,
    ) {
        let mut turned = chain.clone();
        turned.rotate_left(turn % chain.len());
        prop_assert_eq!(rule(&chain), rule(&turned));
        turned.reverse();
        prop_assert_eq!(rule(&chain), rule(&turned));
        prop_assert_eq!(rule(&chain), the_papers_loop(&chain));
    }
}
