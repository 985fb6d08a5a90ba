//! What `praetor eval` prints for people.

use std::fmt::Write;

use crate::cli::style;
use crate::cli::table::{Rows, cells, section};
use crate::dataset::survey::Found;
use crate::eval::effectiveness::{Cell, Effectiveness, Gap, Group, RuleCount, Scores};
use crate::eval::paired::points;
use crate::eval::{Estimate, Interval};
use crate::imaging::shown;
use crate::report::About;
use crate::units::percent;

/// Everything, in the order of the page.
pub(super) fn all(measured: &Effectiveness, about: &About) -> String {
    let mut text = String::new();
    let counts = measured.overall.counts;
    let _ = writeln!(
        text,
        "{}  {}: {} images, {} unsafe{}",
        style::bold(&shown(&about.dataset).to_string()),
        about.format,
        counts.images(),
        counts.unsafe_images(),
        if measured.unlabelled > 0 {
            format!(", {} more without a label", measured.unlabelled)
        } else {
            String::new()
        },
    );
    let _ = writeln!(
        text,
        "judged by the constitution {} with the model {}{}\n",
        about.constitution,
        about.judge,
        if about.by_category { ", each image by its category's rule alone" } else { "" },
    );
    section(&mut text, "", &groups(measured));
    section(&mut text, "F1 by category and source", &categories(measured));
    section(&mut text, "Gap of F1 between sources", &gaps(&measured.gaps));
    section(&mut text, "By rule", &rules(&measured.rules));
    section(&mut text, "Scores", &scores(measured));
    section(&mut text, "Reliability: are scores probabilities?", &reliability(&measured.scores));
    section(&mut text, "Answers that are sure", &sure(measured));
    if let Some(took) = measured.took_ms {
        let _ = writeln!(text, "{took:.0} ms an image in the stages, as recorded in the verdicts");
    }
    let _ = writeln!(
        text,
        "brackets: 95 %, Wilson's and Newcombe's for counts, {} draws within each source for scores \
         (seed {})\nopen: undetermined or failed, never right",
        measured.bootstrap.replicates, measured.bootstrap.seed
    );
    text
}

/// What could not be used, and the first few of each kind. A classifier does not know every category.
pub(super) fn troubles(found: [&Found; 3], by_category: bool) -> String {
    let unjudged = if by_category {
        "images have no verdict by their category's rule"
    } else {
        "images are not in the run"
    };
    let kinds = ["rows could not be used", "images could not be read", unjudged];
    let mut text = String::new();
    for (found, kind) in found.into_iter().zip(kinds) {
        if found.count > 0 {
            let _ = writeln!(text, "\n{} {kind}:", found.count);
            for first in &found.first {
                let _ = writeln!(text, "  {}", shown(first));
            }
        }
    }
    text
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn value(estimate: Option<Estimate>) -> String {
    number(estimate.map(|estimate| estimate.value))
}

fn with_interval(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(
        || "-".to_owned(),
        |Estimate { value, interval }| {
            format!("{value:.3} [{:.3}, {:.3}]", interval.low, interval.high)
        },
    )
}

fn per_cent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| percent(share, 1))
}

fn name(word: &str) -> String {
    if word.is_empty() { "(none)".to_owned() } else { shown(word).to_string() }
}

fn groups(measured: &Effectiveness) -> Rows {
    let heading = cells([
        "",
        "images",
        "unsafe",
        "F1",
        "precision",
        "recall",
        "accuracy",
        "balanced",
        "open",
    ]);
    let row = |name: String, group: &Group| {
        vec![
            name,
            group.counts.images().to_string(),
            group.counts.unsafe_images().to_string(),
            with_interval(group.f1),
            value(group.precision),
            value(group.recall),
            value(group.accuracy),
            value(group.balanced_accuracy),
            per_cent(group.undetermined),
        ]
    };
    let mut rows = vec![heading, row("all".to_owned(), &measured.overall)];
    let named = |kind: &str, group: &Group| row(format!("{kind} {}", name(&group.name)), group);
    rows.extend(measured.sets.iter().map(|group| named("set", group)));
    rows.extend(measured.sources.iter().map(|group| named("source", group)));
    rows
}

fn categories(measured: &Effectiveness) -> Rows {
    let sources: Vec<&str> = measured.sources.iter().map(|group| group.name.as_str()).collect();
    let mut heading = cells(["", "images", "unsafe", "open", "F1"]);
    if sources.len() > 1 {
        heading.extend(sources.iter().map(|source| name(source)));
    }
    let row = |group: &Group| {
        let mut row = vec![
            name(&group.name),
            group.counts.images().to_string(),
            group.counts.unsafe_images().to_string(),
            per_cent(group.undetermined),
            with_interval(group.f1),
        ];
        let of = |source: &&str| {
            let wanted = |cell: &&Cell| cell.category == group.name && cell.source == **source;
            value(measured.cells.iter().find(wanted).and_then(|cell| cell.group.f1))
        };
        if sources.len() > 1 {
            row.extend(sources.iter().map(of));
        }
        row
    };
    std::iter::once(heading).chain(measured.categories.iter().map(row)).collect()
}

fn gaps(gaps: &[Gap]) -> Rows {
    let row = |gap: &Gap| {
        let between = format!("{} - {}", name(&gap.source), name(&gap.other));
        let within = gap.category.as_deref().map_or_else(|| "all".to_owned(), name);
        vec![within, between, gap.f1.map_or_else(|| "-".to_owned(), points)]
    };
    std::iter::once(cells(["", "", ""])).chain(gaps.iter().map(row)).collect()
}

fn rules(rules: &[RuleCount]) -> Rows {
    let heading = cells(["", "violations", "found", "open", "false flags", "recall", "precision"]);
    let row = |rule: &RuleCount| {
        let recall = match (rule.recall, rule.recall_interval) {
            (Some(recall), Some(Interval { low, high })) => {
                format!("{recall:.3} [{low:.3}, {high:.3}]")
            }
            _ => "-".to_owned(),
        };
        vec![
            rule.rule.to_string(),
            rule.violations.to_string(),
            rule.found.to_string(),
            rule.open.to_string(),
            rule.false_flags.to_string(),
            recall,
            number(rule.precision),
        ]
    };
    std::iter::once(heading).chain(rules.iter().map(row)).collect()
}

fn scores(measured: &Effectiveness) -> Rows {
    let heading = cells(["", "scored", "ROC-AUC", "AUPRC", "Brier", "ECE"]);
    let row = |name: String, scores: &Scores| {
        vec![
            name,
            format!("{} of {}", scores.scored, scores.scored + scores.unscored),
            with_interval(scores.roc_auc),
            with_interval(scores.average_precision),
            with_interval(scores.brier),
            with_interval(scores.calibration_error),
        ]
    };
    let mut rows = vec![heading, row("all".to_owned(), &measured.scores)];
    let of_source =
        |(source, scores): &(String, Scores)| row(format!("source {}", name(source)), scores);
    rows.extend(measured.scores_by_source.iter().map(of_source));
    rows
}

fn reliability(scores: &Scores) -> Rows {
    let heading = cells(["score", "images", "mean score", "unsafe"]);
    let filled = scores.reliability.iter().filter(|bin| bin.images > 0.0);
    let row = filled.map(|bin| {
        vec![
            format!("{:.1} to {:.1}", bin.from, bin.to),
            format!("{:.0}", bin.images),
            number(bin.mean_score),
            per_cent(bin.unsafe_share),
        ]
    });
    std::iter::once(heading).chain(row).collect()
}

fn sure(measured: &Effectiveness) -> Rows {
    let heading = cells(["surer than", "answers", "wrong", "share"]);
    let row = measured.sure.iter().map(|sure| {
        let interval = sure.interval.map(|interval| format!(" [{interval}]")).unwrap_or_default();
        vec![
            format!("{}", sure.above),
            sure.answers.to_string(),
            sure.wrong.to_string(),
            format!("{}{interval}", per_cent(sure.share)),
        ]
    });
    std::iter::once(heading).chain(row).collect()
}
