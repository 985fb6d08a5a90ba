//! What `praetor compare` shows, for people: at most 100 columns.

use std::fmt::Write as _;
use std::path::Path;

use crate::cli::style;
use crate::eval::Estimate;
use crate::eval::compare::{
    Comparison, Dispute, FEW, JudgeSummary, Pair, RuleComparison, Truths, small,
};
use crate::imaging::shown;
use crate::report::{kappa, letter, reasons};

/// Disputed images that are listed; the gallery and JSON have more.
const LISTED: usize = 10;

/// Columns that a judge's name may take.
const NAME: usize = 34;

/// Columns that a rule's name may take.
const RULE: usize = 22;

/// Columns that a line may take.
const WIDTH: usize = 100;

/// What whoever reads the numbers should know of the runs.
pub(super) fn notes(comparison: &Comparison, truths: Option<&Truths>) -> Vec<String> {
    let mut notes = Vec::new();
    for judge in &comparison.judges {
        let name = shown(&judge.facts.name);
        if judge.facts.cut_off {
            notes.push(format!("{name}: the run was cut off in the middle of a line"));
        }
        if judge.repeated > 0 {
            notes.push(format!(
                "{name}: {} verdicts are on images that it had judged before; the first counts",
                judge.repeated
            ));
        }
    }
    let contradictory = truths.map_or(0, Truths::contradictory);
    if contradictory > 0 {
        notes.push(format!("{contradictory} images are labelled twice and not alike: left out"));
    }
    notes
}

/// The whole comparison in words.
pub(super) fn text(comparison: &Comparison, gallery: Option<&Path>) -> String {
    let mut lines = vec![String::new(), style::bold(&headline(comparison))];
    lines.extend(left_out(comparison));
    lines.push(String::new());
    lines.extend(judges(comparison));
    lines.push(String::new());
    lines.extend(agreement(comparison));
    if let [pair] = &comparison.pairs[..] {
        lines.push(String::new());
        lines.extend(cross(pair));
    }
    lines.extend(rules(comparison));
    lines.extend(labels(comparison));
    lines.extend(disputes(comparison, gallery));
    lines.push(String::new());
    lines.push(style::bold("What can be concluded"));
    for sentence in comparison.conclusions() {
        lines.extend(wrapped(&shown(&sentence).to_string()));
    }
    if let Some(path) = gallery {
        lines.push(String::new());
        lines.push(format!("gallery in {}", shown(path)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn headline(comparison: &Comparison) -> String {
    let judges = comparison.judges.len();
    let images = indicatif::HumanCount(comparison.images as u64);
    match (comparison.disagreed, comparison.other_rules) {
        (0, 0) => format!("{judges} judges, no disagreement on {images} images"),
        (0, some) => format!(
            "{judges} judges, the same conclusions on {images} images, on {some} by other rules"
        ),
        (some, _) => format!(
            "{judges} judges disagree on {} of {images} images{}",
            indicatif::HumanCount(some as u64),
            comparison.disagreed_share.map(|share| format!("  ({share})")).unwrap_or_default()
        ),
    }
}

fn left_out(comparison: &Comparison) -> Vec<String> {
    let out = comparison.left_out;
    let mut lines = Vec::new();
    if out.missing > 0 {
        let lacking = each(comparison, |judge| judge.missing);
        lines.push(format!("left out: {} not judged by all (not by {lacking})", out.missing));
    }
    if out.changed > 0 {
        let changed = out.changed;
        lines.push(format!(
            "          {changed} of them have a name that has another content elsewhere"
        ));
    }
    if out.unread > 0 {
        let unread = each(comparison, |judge| judge.unread);
        lines.push(format!("left out: {} not read by all (not by {unread})", out.unread));
    }
    lines
}

/// `A 2, B 1`, without those that have none.
fn each(comparison: &Comparison, count: impl Fn(&JudgeSummary) -> usize) -> String {
    let counts = comparison.judges.iter().map(count).enumerate().filter(|(_, count)| *count > 0);
    counts.map(|(judge, count)| format!("{} {count}", letter(judge))).collect::<Vec<_>>().join(", ")
}

/// A line a judge: what it is, what it said.
fn judges(comparison: &Comparison) -> Vec<String> {
    let name = |judge: &JudgeSummary| cut(&judge.facts.name, NAME);
    let width = comparison.judges.iter().map(|judge| name(judge).chars().count()).max();
    let width = width.unwrap_or(0).max(5);
    let way = |judge: &JudgeSummary| cut(&judge.way(), 26);
    let ways = comparison.judges.iter().map(|judge| way(judge).chars().count()).max();
    let ways = ways.unwrap_or(0).max(6);
    let mut lines = vec![style::dim(&format!(
        "   {:<width$}  {:<ways$} {:>7} {:>7} {:>7} {:>9}",
        "judge", "method", "unsafe", "open", "safe", "s/1,000"
    ))];
    for (place, judge) in comparison.judges.iter().enumerate() {
        let seconds = judge.seconds_per_thousand.map(|seconds| format!("{seconds:.1}"));
        lines.push(format!(
            "{:<2} {:<width$}  {:<ways$} {:>7} {:>7} {:>7} {:>9}",
            letter(place),
            name(judge),
            way(judge),
            judge.unsafe_images,
            judge.undetermined,
            judge.safe,
            seconds.unwrap_or_else(|| "-".to_owned())
        ));
    }
    let open = comparison.judges.iter().enumerate().filter(|(_, judge)| judge.undetermined > 0);
    lines.extend(open.map(|(place, judge)| format!("{} open: {}", letter(place), reasons(judge))));
    let paid = comparison.judges.iter().enumerate().filter_map(|(place, judge)| {
        let cost = judge.facts.cost_per_thousand?;
        Some(format!("{} {cost:.2}", letter(place)))
    });
    let paid: Vec<String> = paid.collect();
    if !paid.is_empty() {
        lines.push(format!("cost of a thousand images: {}", paid.join(", ")));
    }
    lines
        .push(style::dim("open is undetermined, never counted as safe; kept answers take no time"));
    lines
}

fn shown_kappa(found: Option<Estimate>) -> String {
    found.map_or_else(|| "-".to_owned(), kappa)
}

fn agreement(comparison: &Comparison) -> Vec<String> {
    let mut lines = vec![style::dim(&format!(
        "{:<10}{:>9}{:>15}  {:<24}{:>9}  {:<24}",
        "agreement", "the same", "95 %", "  kappa", "settled", "  kappa"
    ))];
    for pair in &comparison.pairs {
        let of = |agreed: usize, images: usize| format!("{agreed}/{images}");
        lines.push(format!(
            "{:<10}{:>9}{:>15}  {:<24}{:>9}  {:<24}",
            format!("{} and {}", letter(pair.first), letter(pair.second)),
            of(pair.agreement.agreed, pair.agreement.images),
            pair.agreement.share.map(|share| share.to_string()).unwrap_or_default(),
            shown_kappa(pair.agreement.kappa),
            of(pair.decided.agreed, pair.decided.images),
            shown_kappa(pair.decided.kappa),
        ));
    }
    if comparison.judges.len() > 2 {
        let all = shown_kappa(comparison.fleiss);
        lines.push(format!("{:<10}{:>24}  {all}", format!("all {}", comparison.judges.len()), ""));
    }
    let lines_ = lines.iter().map(|line| line.trim_end().to_owned());
    let mut lines: Vec<String> = lines_.collect();
    lines.extend(comparison.pairs.iter().filter_map(scores));
    lines.push(style::dim(
        "kappa is 1 for full agreement and 0 for that of chance, with its 95 % interval; settled: by both",
    ));
    lines
}

fn scores(pair: &Pair) -> Option<String> {
    let scores = pair.scores.as_ref()?;
    let (first, second) = (letter(pair.first), letter(pair.second));
    if scores.largest == 0.0 {
        return Some(format!("scores of {first} and {second} are the same to the last digit"));
    }
    let ranks = scores.rank_correlation.map(|ranks| format!(", rank correlation {ranks:.2}"));
    Some(format!(
        "scores of {first} and {second} differ by {} on average, {} at most{}",
        small(scores.mean),
        small(scores.largest),
        ranks.unwrap_or_default()
    ))
}

/// What the one said against what the other said.
fn cross(pair: &Pair) -> Vec<String> {
    let mut lines = vec![style::dim(&format!(
        "{:<16}{:>10}{:>10}{:>10}",
        "images", "B unsafe", "B open", "B safe"
    ))];
    for (word, row) in ["A unsafe", "A open", "A safe"].iter().zip(pair.table) {
        lines.push(format!("{word:<16}{:>10}{:>10}{:>10}", row[0], row[1], row[2]));
    }
    lines
}

fn rules(comparison: &Comparison) -> Vec<String> {
    let spoken = |rule: &&RuleComparison| {
        rule.judges.iter().flatten().any(|count| count.violated + count.undetermined > 0)
    };
    let those: Vec<&RuleComparison> = comparison.rules.iter().filter(spoken).collect();
    if those.is_empty() {
        return Vec::new();
    }
    let several = comparison.judges.iter().filter(|judge| judge.by_rule).count() > 1;
    let width =
        those.iter().map(|rule| rule.rule.as_str().len().min(RULE)).max().unwrap_or(0).max(12);
    // Of more than two judges each two have one: JSON has them.
    let kappas = those.iter().any(|rule| matches!(&*rule.pairs, [pair] if pair.kappa.is_some()));
    let mut heading = format!("{:<width$}", "violations");
    for judge in 0..comparison.judges.len() {
        let _ = write!(heading, "{:>9}", letter(judge));
    }
    if several {
        let _ = write!(heading, "{:>7}{:>7}", "all", "some");
    }
    if kappas {
        heading.push_str("  kappa");
    }
    let mut lines = vec![String::new(), style::dim(&heading)];
    for rule in &those {
        let mut line = format!("{:<width$}", cut(rule.rule.as_str(), RULE));
        for count in &rule.judges {
            let cell = count.map_or_else(
                || "-".to_owned(),
                |count| match count.undetermined {
                    0 => count.violated.to_string(),
                    open => format!("{} (+{open}?)", count.violated),
                },
            );
            let _ = write!(line, "{cell:>9}");
        }
        if several {
            let _ = write!(line, "{:>7}{:>7}", rule.all, rule.some);
            line.push_str(&only(rule, kappas));
        }
        lines.push(line.trim_end().to_owned());
    }
    let silent = comparison.rules.len() - those.len();
    if silent > 0 {
        lines.push(style::dim(&format!(
            "{silent} more rules are violated in no image, by any judge"
        )));
    }
    if those.iter().any(|rule| rule.judges.iter().flatten().any(|count| count.undetermined > 0)) {
        lines.push(style::dim("(+N?): on N more images the rule could not be settled"));
    }
    if kappas && those.iter().flat_map(|rule| &rule.pairs).any(|pair| pair.flagged() < FEW) {
        lines.push(style::dim(&format!(
            "a rule has a kappa where {FEW} images or more violate it to one of both judges"
        )));
    }
    lines
}

/// With two judges, how far they agree beyond chance, and who flags what the other does not.
fn only(rule: &RuleComparison, kappas: bool) -> String {
    let [pair] = &rule.pairs[..] else { return String::new() };
    let only = [(pair.first, pair.first_only), (pair.second, pair.second_only)];
    let said: Vec<String> = only
        .iter()
        .filter(|(_, images)| *images > 0)
        .map(|(judge, images)| format!("{images} only {}", letter(*judge)))
        .collect();
    let kappa = if kappas { format!("  {:<21}", shown_kappa(pair.kappa)) } else { String::new() };
    format!("{kappa}   {}", said.join(", "))
}

fn labels(comparison: &Comparison) -> Vec<String> {
    let Some(labelled) = comparison.labelled.filter(|labelled| *labelled > 0) else {
        return Vec::new();
    };
    let name = |(place, judge): (usize, &JudgeSummary)| {
        format!("{:<2} {}", letter(place), cut(&judge.facts.name, NAME))
    };
    let heading = format!("{labelled} labelled");
    let names = comparison.judges.iter().enumerate().map(name);
    let widths = names.map(|name| name.chars().count()).chain([heading.len()]);
    let width = widths.max().unwrap_or(0);
    let mut lines = vec![
        String::new(),
        style::dim(&format!(
            "{heading:<width$}{:>8}{:>16}{:>11}{:>9}{:>8}",
            "right", "95 %", "precision", "recall", "F1"
        )),
    ];
    let three =
        |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |one| format!("{one:.3}"));
    for (place, judge) in comparison.judges.iter().enumerate() {
        let Some(against) = judge.against else { continue };
        lines.push(format!(
            "{:<width$}{:>8}{:>16}{:>11}{:>9}{:>8}",
            name((place, judge)),
            against.right,
            against.accuracy_interval.map(|interval| interval.to_string()).unwrap_or_default(),
            three(against.precision),
            three(against.recall),
            three(against.f1)
        ));
    }
    lines
}

fn disputes(comparison: &Comparison, gallery: Option<&Path>) -> Vec<String> {
    if comparison.disputes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), style::bold("Most disputed")];
    lines.extend(comparison.disputes.iter().take(LISTED).flat_map(dispute));
    let rest = comparison.disputes.len().saturating_sub(LISTED);
    if rest > 0 {
        let more = if gallery.is_some() { "the gallery" } else { "`--html gallery.html`" };
        lines.push(style::dim(&format!("and {rest} more: {more} and `--format json` show them")));
    }
    lines
}

fn dispute(dispute: &Dispute) -> Vec<String> {
    let label =
        dispute.is_unsafe.map(|bad| if bad { "  labelled unsafe" } else { "  labelled safe" });
    let image = tail(&dispute.image, WIDTH - 18);
    let mut lines = vec![format!("{image}{}", label.unwrap_or_default())];
    for (judge, said) in dispute.said.iter().enumerate() {
        let score = said.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        let names = |rules: &[crate::ids::RuleId]| {
            rules.iter().map(crate::ids::RuleId::as_str).collect::<Vec<_>>().join(", ")
        };
        let why = match (said.violated.is_empty(), said.undetermined.is_empty()) {
            (false, _) => names(&said.violated),
            (true, false) => format!("open: {}", names(&said.undetermined)),
            (true, true) => said.reasons.join(", ").replace('_', " "),
        };
        let word = style::conclusion(said.conclusion, 12);
        let line = format!("  {:<2} {word}  {score:>5}  {}", letter(judge), cut(&why, 70));
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Foreign text made safe, and short enough for its column.
fn cut(text: &str, most: usize) -> String {
    let text = shown(text).to_string();
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// As [`cut`], but of a path its end is what tells.
fn tail(text: &str, most: usize) -> String {
    let text = shown(text).to_string();
    let count = text.chars().count();
    if count <= most {
        return text;
    }
    std::iter::once('…').chain(text.chars().skip(count - most + 1)).collect()
}

/// A sentence as an item of a list, over several lines.
fn wrapped(sentence: &str) -> Vec<String> {
    let margins = std::iter::once("- ").chain(std::iter::repeat("  "));
    let lines = style::lines(sentence.split(' '), WIDTH - 2);
    margins.zip(lines).map(|(margin, line)| format!("{margin}{line}")).collect()
}
