//! What `praetor audit` shows, for people.

use std::fmt::Write;
use std::path::Path;

use crate::cli::style;
use crate::eval::Estimate;
use crate::imaging::shown;
use crate::units::percent;
use crate::verdict::Outcome;
use crate::workbench::audit::estimate::ImageEstimates;
use crate::workbench::audit::sheet::Plan;
use crate::workbench::audit::strata::{Detail, Key, Member, word};
use crate::workbench::audit::{Audit, ENOUGH, Population, RuleEstimates};

/// What was drawn, and what to do with it. Nothing here tells of single images.
pub(super) fn drawn(plan: &Plan, population: &Population, files: (&Path, &Path)) -> String {
    let (sheet, plan_file) = files;
    let mut text = String::new();
    let heading =
        format!("{} of {} images drawn by seed {}", plan.sample.len(), plan.images, plan.seed);
    let _ = writeln!(text, "{}", style::bold(&heading));
    let _ = writeln!(text, "  {}  to label, without praetor's verdicts", shown(sheet));
    let _ = writeln!(text, "  {}  how it was drawn; keep it beside the sheet", shown(plan_file));
    let parts = match plan.detail {
        Detail::Conclusion => "conclusion",
        Detail::Band => "conclusion and score",
        Detail::Rule => "conclusion and rule",
        Detail::RuleAndBand => "conclusion, score and rule",
    };
    let _ = writeln!(
        text,
        "\nin {} parts by {parts}; all of them are in the second file, here by conclusion and score",
        plan.strata.len()
    );
    let _ = writeln!(text, "  {:<30} {:>7} {:>6}", "part", "images", "drawn");
    let mut sums: std::collections::BTreeMap<Key, (usize, usize)> =
        std::collections::BTreeMap::new();
    for one in &plan.strata {
        let sum = sums.entry(Key { rule: None, ..one.key.clone() }).or_default();
        *sum = (sum.0 + one.images, sum.1 + one.sampled);
    }
    for (key, (images, drawn)) in sums {
        let _ = writeln!(text, "  {:<30} {images:>7} {drawn:>6}", key.to_string());
    }
    rules_drawn(&mut text, plan, population);
    let _ = writeln!(
        text,
        "\nFill in `unsafe?` with yes, no or unsure, and if you like `rules` with the ids of the \
         rules that\nthe image violates, or `none`. Then: praetor audit read {}",
        shown(sheet)
    );
    text
}

/// How well each rule is represented.
fn rules_drawn(text: &mut String, plan: &Plan, population: &Population) {
    let drawn: std::collections::BTreeSet<&str> =
        plan.sample.iter().map(|one| one.image.as_str()).collect();
    let _ = writeln!(
        text,
        "\nflagged: images the rule is violated by; near: not flagged, with a score of one half or more"
    );
    let _ = writeln!(
        text,
        "  {:<30} {:>7} {:>6}   {:>6} {:>6}",
        "rule", "flagged", "drawn", "near", "drawn"
    );
    for rule in population.rules() {
        let count = |which: &dyn Fn(&&Member) -> bool| {
            let all: Vec<_> = population.members.iter().filter(|one| which(one)).collect();
            let seen = all.iter().filter(|one| drawn.contains(one.image.as_str())).count();
            (all.len(), seen)
        };
        let flagged =
            count(&|one| one.of(&rule).is_some_and(|(outcome, _)| outcome == Outcome::Violated));
        let near = count(&|one| one.nearly(&rule));
        let warning = if flagged.0 + near.0 == 0 {
            style::dim("  nothing flagged, nothing near")
        } else if (flagged.0 > 0 && flagged.1 == 0) || (near.0 > 0 && near.1 == 0) {
            style::yellow("  draw more to see it")
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "  {:<30} {:>7} {:>6}   {:>6} {:>6}{warning}",
            rule.as_str(),
            flagged.0,
            flagged.1,
            near.0,
            near.1
        );
    }
}

/// What the labels tell.
pub(super) fn found(audit: &Audit) -> String {
    let mut text = String::new();
    let heading = format!("{} of {} images labelled", audit.labelled, audit.images);
    let _ = writeln!(text, "{}", style::bold(&heading));
    let _ = writeln!(
        text,
        "  {} drawn, {} unsure, {} left blank; the shares below are of the whole run, with the range \
         in\n  which they lie in 95 of 100 such audits",
        audit.sampled, audit.unsure, audit.blank
    );
    shares(&mut text, &audit.estimates);
    conclusions(&mut text, &audit.estimates);
    rules(&mut text, &audit.rules);
    text
}

fn shares(text: &mut String, found: &ImageEstimates) {
    let mut line = |name: &str, estimate: Option<Estimate>, says: &str| {
        let _ = writeln!(text, "  {name:<12} {}  {says}", ranged(estimate));
    };
    line("unsafe", found.prevalence, "of all images, by the labels");
    line("corrected", found.corrected, "of all images, from the flags and how often they err");
    line("precision", found.precision, "of the flagged images are unsafe");
    line("recall", found.recall, "of the unsafe images are flagged");
    // Without undetermined images it is recall once more.
    if found.undetermined() > 0 {
        let says = "of the unsafe images are flagged or left to a person";
        line("caught", found.recall_with_review, says);
    }
    line("specificity", found.specificity, "of the safe images are not flagged");
    let _ = writeln!(
        text,
        "  {:<12} {:>7}{:20}  of all images, counted",
        "flagged",
        percent(found.flagged, 1),
        ""
    );
    if let Some(why) = &found.not_corrected {
        let _ = writeln!(text, "  corrected share: {why}");
    }
    if let Some((low, high)) = found.prevalence_if_unsure {
        let _ = writeln!(
            text,
            "  unsafe would be {} if all the unsure ones were safe, {} if all were unsafe",
            percent(low, 1),
            percent(high, 1)
        );
    }
}

fn conclusions(text: &mut String, found: &ImageEstimates) {
    let _ = writeln!(text, "\n{}", style::bold("What praetor said, and what the labels say"));
    let _ = writeln!(
        text,
        "  {:<13} {:>7} {:>9} {:>7}   share unsafe",
        "praetor", "images", "labelled", "unsafe"
    );
    for one in &found.conclusions {
        let _ = writeln!(
            text,
            "  {:<13} {:>7} {:>9} {:>7}   {}",
            word(one.conclusion),
            one.images,
            one.labelled,
            one.labelled_unsafe,
            ranged(one.share_unsafe).trim()
        );
    }
}

fn rules(text: &mut String, rules: &[RuleEstimates]) {
    if rules.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", style::bold("Rule by rule"));
    let _ = writeln!(
        text,
        "  violating: labelled images that violate it; flagged: labelled images that it flags; open: \
         violating\n  ones of which praetor could not say; shares of the whole run"
    );
    let _ = writeln!(
        text,
        "\n  {:<24} {:>9} {:>7} {:>5} {:>4}  {:<25}  recall",
        "rule", "violating", "flagged", "both", "open", "precision"
    );
    for one in rules {
        let _ = writeln!(
            text,
            "  {:<24} {:>9} {:>7} {:>5} {:>4}  {}  {}",
            one.rule.as_str(),
            one.violating,
            one.flagged,
            one.both,
            one.violating_undetermined,
            ranged(one.precision),
            ranged(one.recall)
        );
    }
    thresholds(text, rules);
}

fn thresholds(text: &mut String, rules: &[RuleEstimates]) {
    let _ = writeln!(text, "\n{}", style::bold("Thresholds the labels speak for"));
    let _ = writeln!(
        text,
        "  chosen on these labels, so hints and no proof; {ENOUGH} images of either kind are the least"
    );
    let _ = writeln!(text, "  F1 is one number for precision and recall together, 1 is perfect\n");
    for one in rules {
        let id = one.rule.as_str();
        if let Some(why) = &one.too_few {
            let _ = writeln!(text, "  {id:<24} {}", style::dim(why));
            continue;
        }
        if let Some(cut) = one.cut {
            let _ = writeln!(
                text,
                "  {id:<24} a score of {:.2} tells them apart best: F1 {:.2}, and {:.2} as it is\n  \
                 {:<24} (precision {}, recall {})",
                cut.score,
                cut.f1,
                cut.f1_now,
                "",
                percent(cut.precision, 1),
                percent(cut.recall, 1)
            );
        }
        if let Some(found) = one.threshold {
            let _ = writeln!(
                text,
                "  {:<24} try `{}: {}` instead of {} in its\n  {:<24} `settings: thresholds:`: F1 {:.2}, \
                 and {:.2} as it is",
                "",
                found.threshold.key(),
                found.value,
                found.now,
                "",
                found.f1,
                found.f1_now
            );
        }
    }
}

/// ` 12.3 %  ( 8.0 to  17.1 %)`, or a dash.
fn ranged(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(
        || format!("{:>7}{:20}", "-", ""),
        |one| {
            format!(
                "{:>7}  ({:>5.1} to {:>5.1} %)",
                percent(one.value, 1),
                one.interval.low * 100.0,
                one.interval.high * 100.0
            )
        },
    )
}
