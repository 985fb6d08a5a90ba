//! The table of what differs between seeds.

use std::fmt::Write;

use crate::cli::style;
use crate::imaging::shown;
use crate::robustness::{OverSeeds, Spread};

/// Flipped shares and robust accuracies over the seeds; nothing where there is one seed.
pub(super) fn seeds(text: &mut String, rows: &[OverSeeds]) {
    if rows.is_empty() {
        return;
    }
    let names = rows.iter().map(|row| row.perturbation.chars().count());
    let width = names.max().unwrap_or(0).max("over the seeds".len()) + 2;
    let heading = format!(
        "{:<width$}{:<14}{:<16}{:>7}{:>8}  by seed",
        "over the seeds", "source", "share", "mean", "sd"
    );
    let _ = writeln!(text, "\n{}", style::dim(&heading));
    for row in rows {
        let mut name = row.perturbation.as_str();
        let flipped = row.flipped.iter().map(|spread| ("all", "flipped", spread));
        let robust = row.robust_accuracy.iter().map(|spread| ("all", "robust accuracy", spread));
        let sources = row.sources.iter();
        let sources = sources.map(|(source, spread)| (source.as_str(), "robust accuracy", spread));
        for (source, share, spread) in flipped.chain(robust).chain(sources) {
            let source = shown(source).to_string();
            let _ = writeln!(
                text,
                "{:<width$}{source:<14}{share:<16}{}",
                shown(name).to_string(),
                figures(spread)
            );
            name = "";
        }
    }
}

fn figures(spread: &Spread) -> String {
    let values: Vec<String> = spread.values.iter().map(|value| format!("{value:.3}")).collect();
    format!("{:>7.3}{:>8.3}  {}", spread.mean, spread.deviation, values.join(" "))
}
