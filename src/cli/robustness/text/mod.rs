//! What `praetor robustness` prints for people.

mod over;

use std::fmt::Write;

use super::{Found, Under};
use crate::cli::style;
use crate::eval::Interval;
use crate::imaging::shown;
use crate::robustness::{Attacks, Drawn, Robust, Robustness, Turn};

/// Verdicts that are listed; JSON has all.
const LISTED: usize = 20;

/// All of it: each seed's figures, and what differs between the seeds.
pub(super) fn page(found: &Found) -> String {
    let mut text = String::new();
    for under in &found.seeds {
        one_seed(&mut text, found, under);
    }
    over::seeds(&mut text, &found.over_seeds);
    text
}

fn one_seed(text: &mut String, found: &Found, under: &Under) {
    let robustness = &under.robustness;
    let heading = format!(
        "{} under {}, seed {}",
        style::counted(robustness.images as u64, "image"),
        style::counted(robustness.perturbations.len() as u64, "perturbation"),
        under.seed
    );
    let _ = writeln!(text, "\n{}", style::bold(&heading));
    if let (Some(size), Some(drawn)) = (found.sample, &under.sample) {
        sample(text, size, drawn, found.unlabelled);
    }
    text.push('\n');
    flips(text, robustness);
    robust_accuracy(text, robustness);
    rules(text, robustness);
    if let Some(attacks) = &under.attack {
        attack(text, attacks);
    }
    turns(text, &robustness.flips);
    if robustness.control_flipped() {
        let _ = writeln!(
            text,
            "\n{}",
            style::yellow(
                "the control changed no pixel and turned a verdict: the judge itself wavers, and the \
                 other rows hold that too"
            )
        );
    }
}

/// What the sample is, a line each source.
fn sample(text: &mut String, size: u32, drawn: &[Drawn], unlabelled: usize) {
    for of in drawn {
        let source = of.source.as_deref().map(|source| format!(" of {}", shown(source)));
        let few = if of.taken < size as usize { ", fewer than were wanted" } else { "" };
        let _ = writeln!(
            text,
            "sample{}: {} of {} images, after {} were judged as they are{few}",
            source.unwrap_or_default(),
            of.taken,
            of.images,
            of.judged
        );
    }
    if unlabelled > 0 {
        let without = style::counted(unlabelled as u64, "image");
        let _ = writeln!(text, "{}", style::dim(&format!("{without} without a label left out")));
    }
}

fn flips(text: &mut String, robustness: &Robustness) {
    let width = width(robustness);
    let heading = format!(
        "{:<width$}{:>8}{:>9}  {:<14}{:>16}{:>16}{:>9}{:>11}{:>12}{:>7}",
        "perturbation",
        "images",
        "flipped",
        "95 %",
        "safe -> unsafe",
        "unsafe -> safe",
        "-> open",
        "open ->",
        "score moves",
        "most"
    );
    let _ = writeln!(text, "{}", style::dim(&heading));
    for row in &robustness.perturbations {
        let name = if row.control {
            format!("{} (control)", row.perturbation)
        } else {
            row.perturbation.clone()
        };
        let failed =
            if row.failed > 0 { format!("  {} failed", row.failed) } else { String::new() };
        let moves = if row.score.images > 0 {
            format!("{:>12.3}{:>7.3}", row.score.mean, row.score.most)
        } else {
            format!("{:>12}{:>7}", "-", "-")
        };
        let _ = writeln!(
            text,
            "{:<width$}{:>8}{:>9}  {:<14}{:>16}{:>16}{:>9}{:>11}{moves}{failed}",
            shown(&name).to_string(),
            row.images,
            row.flipped,
            range(row.interval),
            row.safe_to_unsafe,
            row.unsafe_to_safe,
            row.to_undetermined,
            row.from_undetermined,
        );
    }
}

/// Columns of the first column.
fn width(robustness: &Robustness) -> usize {
    let names = robustness.perturbations.iter().map(|row| row.perturbation.chars().count());
    names.max().unwrap_or(0).max("robust accuracy".len()) + 2
}

fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(|| "-".to_owned(), |interval| interval.to_string())
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"))
}

fn robust_accuracy(text: &mut String, robustness: &Robustness) {
    if robustness.perturbations.iter().all(|row| row.robust.is_none()) {
        return;
    }
    let width = width(robustness);
    let heading = format!(
        "{:<width$}{:<14}{:>13}{:>13}{:>10}{:>17}  95 %",
        "robust accuracy", "source", "right before", "still right", "now open", "robust accuracy"
    );
    let _ = writeln!(text, "\n{}", style::dim(&heading));
    for row in &robustness.perturbations {
        let all = row.robust.map(|robust| ("all", robust));
        let by_source = row.sources.iter();
        let by_source = by_source.filter_map(|of| Some((of.source.as_str(), of.robust?)));
        for (source, robust) in all.into_iter().chain(by_source) {
            let name = if source == "all" { row.perturbation.as_str() } else { "" };
            let _ = writeln!(text, "{}", robust_row((name, width), source, robust));
        }
    }
    let _ = writeln!(
        text,
        "{}",
        style::dim("of the labelled images that were right as they are, those that still are")
    );
}

fn robust_row((name, width): (&str, usize), source: &str, robust: Robust) -> String {
    format!(
        "{:<width$}{:<14}{:>13}{:>13}{:>10}{:>17}  {}",
        shown(name).to_string(),
        shown(source).to_string(),
        robust.right_before,
        robust.still_right,
        robust.became_undetermined,
        share(robust.accuracy),
        range(robust.interval)
    )
}

/// Rules that appeared or vanished, over all perturbations.
fn rules(text: &mut String, robustness: &Robustness) {
    let mut all: std::collections::BTreeMap<&str, (usize, usize)> =
        std::collections::BTreeMap::new();
    for row in robustness.perturbations.iter().flat_map(|row| &row.rules) {
        let counted = all.entry(row.rule.as_str()).or_default();
        counted.0 += row.appeared;
        counted.1 += row.vanished;
    }
    if all.is_empty() {
        return;
    }
    let heading = format!("{:<26}{:>9}{:>10}", "violations, all rows", "appeared", "vanished");
    let _ = writeln!(text, "\n{}", style::dim(&heading));
    for (rule, (appeared, vanished)) in all {
        let _ = writeln!(text, "{rule:<26}{appeared:>9}{vanished:>10}");
    }
}

fn attack(text: &mut String, attacks: &Attacks) {
    let heading = format!(
        "square attack: {} levels of 255, at most {} queries an image",
        attacks.epsilon, attacks.queries
    );
    let _ = writeln!(text, "\n{}", style::bold(&heading));
    let median =
        attacks.median_queries.map_or_else(|| "-".to_owned(), |median| format!("{median:.0}"));
    let _ = writeln!(
        text,
        "{} attacked, {} turned ({}), median queries {median}; {} withstood; {} queries in all",
        attacks.attacked,
        attacks.succeeded,
        range(attacks.interval),
        share(attacks.withstood),
        attacks.queries_spent
    );
    for (source, (attacked, succeeded)) in &attacks.sources {
        let _ = writeln!(text, "  {}: {attacked} attacked, {succeeded} turned", shown(source));
    }
    for (why, count) in &attacks.spared {
        let _ = writeln!(text, "  {count} not attacked: {}", why.words());
    }
}

fn turns(text: &mut String, flips: &[Turn]) {
    if flips.is_empty() {
        return;
    }
    text.push('\n');
    for turn in flips.iter().take(LISTED) {
        let (before, after) = (style::conclusion(turn.before, 0), style::conclusion(turn.after, 0));
        let mut rules: Vec<String> = turn.appeared.iter().map(|rule| format!("+{rule}")).collect();
        rules.extend(turn.vanished.iter().map(|rule| format!("-{rule}")));
        let _ = writeln!(
            text,
            "{before} -> {after}  {}  {}  {}",
            shown(&turn.perturbation),
            shown(&turn.image),
            style::dim(&rules.join(" "))
        );
    }
    let rest = flips.len().saturating_sub(LISTED);
    if rest > 0 {
        let _ = writeln!(
            text,
            "{}",
            style::dim(&format!("and {rest} more: `--format json` has them all"))
        );
    }
}
