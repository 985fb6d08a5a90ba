//! The page of `praetor eval --html`: how well a judge does, and whether its scores can be believed.

use serde::Serialize;

use super::{ReportError, render};
use crate::eval::Estimate;
use crate::eval::calibration::Bin;
use crate::eval::effectiveness::{Cell, Effectiveness, Group, RuleCount, Scores, Sure};
use crate::eval::paired::points;
use crate::ids::PolicyHash;
use crate::imaging::shown;
use crate::units::percent;

/// What was measured, and by what.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever measured makes these")]
pub struct About {
    /// The dataset's path.
    pub dataset: String,
    /// Its format.
    pub format: String,
    /// The constitution's name.
    pub constitution: String,
    /// The policy's hash.
    pub policy: PolicyHash,
    /// What judged.
    pub judge: String,
    /// Whether each image was judged by its category's rule alone.
    pub by_category: bool,
}

/// Makes the page: one HTML file that needs nothing but itself, without a picture in it.
///
/// `left_out` counts what could not be used.
///
/// # Errors
/// [`ReportError`] when the template can't be used.
pub fn eval_page(
    measured: &Effectiveness,
    about: &About,
    left_out: usize,
) -> Result<String, ReportError> {
    let safe = |text: &str| shown(text).to_string();
    let overall = &measured.overall;
    let page = Page {
        dataset: safe(&about.dataset),
        format: safe(&about.format),
        constitution: safe(&about.constitution),
        policy: about.policy.to_string(),
        judge: safe(&about.judge),
        by_category: about.by_category,
        images: overall.counts.images(),
        unsafe_images: overall.counts.unsafe_images(),
        unlabelled: measured.unlabelled,
        left_out,
        f1: overall.f1.map(Number::new),
        tally: tally(overall),
        sources: measured.sources.iter().map(|group| safe(&group.name)).collect(),
        groups: groups(measured),
        categories: measured.categories.iter().map(|group| category(group, measured)).collect(),
        gaps: measured
            .gaps
            .iter()
            .map(|gap| GapRow {
                within: gap.category.as_deref().map(safe),
                between: format!("{} − {}", safe(&gap.source), safe(&gap.other)),
                f1: gap.f1.map(points),
                line: gap.f1.map(Span::signed),
            })
            .collect(),
        rules: measured.rules.iter().map(RuleRow::new).collect(),
        scores: scores(measured),
        diagram: diagram(&measured.scores.reliability),
        sure: measured.sure.iter().map(SureRow::new).collect(),
        replicates: measured.bootstrap.replicates,
        seed: measured.bootstrap.seed,
        took_ms: measured.took_ms.map(|took| format!("{took:.0}")),
        version: env!("CARGO_PKG_VERSION"),
    };
    render("eval.html", &page)
}

/// Everything that the template shows.
#[derive(Debug, Serialize)]
struct Page {
    dataset: String,
    format: String,
    constitution: String,
    policy: String,
    judge: String,
    by_category: bool,
    images: u32,
    unsafe_images: u32,
    unlabelled: usize,
    left_out: usize,
    f1: Option<Number>,
    tally: Vec<Tally>,
    sources: Vec<String>,
    groups: Vec<GroupRow>,
    categories: Vec<GroupRow>,
    gaps: Vec<GapRow>,
    rules: Vec<RuleRow>,
    scores: Vec<ScoreRow>,
    diagram: Vec<Dot>,
    sure: Vec<SureRow>,
    replicates: usize,
    seed: u64,
    took_ms: Option<String>,
    version: &'static str,
}

/// A number with its interval.
#[derive(Clone, Debug, Serialize)]
struct Number {
    value: String,
    interval: String,
    line: Span,
}

impl Number {
    fn new(estimate: Estimate) -> Self {
        let Estimate { value, interval } = estimate;
        Self {
            value: format!("{value:.3}"),
            interval: format!("{:.3}–{:.3}", interval.low, interval.high),
            line: Span::unit(estimate),
        }
    }
}

/// An interval and its best guess, in per cent of a line.
#[derive(Clone, Debug, Serialize)]
struct Span {
    low: f64,
    value: f64,
    high: f64,
}

impl Span {
    /// On a line from 0 to 1.
    fn unit(Estimate { value, interval }: Estimate) -> Self {
        Self { low: per_cent(interval.low), value: per_cent(value), high: per_cent(interval.high) }
    }

    /// On a line from -1 to 1.
    fn signed(Estimate { value, interval }: Estimate) -> Self {
        let [low, value, high] =
            [interval.low, value, interval.high].map(|at| per_cent(f64::midpoint(at, 1.0)));
        Self { low, value, high }
    }
}

fn per_cent(share: f64) -> f64 {
    (share * 1_000.0).round() / 10.0
}

#[derive(Debug, Serialize)]
struct Tally {
    kind: &'static str,
    word: &'static str,
    images: u32,
}

fn tally(all: &Group) -> Vec<Tally> {
    let counts = all.counts;
    let of = |kind, word, images| Tally { kind, word, images };
    vec![
        of("clear", "right", counts.true_unsafe + counts.true_safe),
        of("violated", "unsafe, said to be safe", counts.false_safe),
        of("violated", "safe, said to be unsafe", counts.false_unsafe),
        of("undetermined", "left open", counts.open_unsafe + counts.open_safe),
    ]
}

#[derive(Debug, Serialize)]
struct GroupRow {
    kind: &'static str,
    name: String,
    images: u32,
    unsafe_images: u32,
    f1: Option<Number>,
    precision: Option<String>,
    recall: Option<String>,
    accuracy: Option<String>,
    balanced_accuracy: Option<String>,
    open: Option<String>,
    /// F1 on each source, for categories.
    by_source: Vec<Option<Number>>,
}

impl GroupRow {
    fn new(kind: &'static str, group: &Group) -> Self {
        let number = |estimate: Option<Estimate>| estimate.map(|it| format!("{:.3}", it.value));
        let name = if group.name.is_empty() && kind != "all" {
            "(none)".to_owned()
        } else {
            shown(&group.name).to_string()
        };
        Self {
            kind,
            name,
            images: group.counts.images(),
            unsafe_images: group.counts.unsafe_images(),
            f1: group.f1.map(Number::new),
            precision: number(group.precision),
            recall: number(group.recall),
            accuracy: number(group.accuracy),
            balanced_accuracy: number(group.balanced_accuracy),
            open: group.undetermined.map(|share| percent(share, 1)),
            by_source: Vec::new(),
        }
    }
}

fn groups(measured: &Effectiveness) -> Vec<GroupRow> {
    let mut rows = vec![GroupRow::new("all", &measured.overall)];
    rows.extend(measured.sets.iter().map(|group| GroupRow::new("set", group)));
    rows.extend(measured.sources.iter().map(|group| GroupRow::new("source", group)));
    rows
}

fn category(group: &Group, measured: &Effectiveness) -> GroupRow {
    let of_source = |source: &Group| {
        let wanted = |cell: &&Cell| cell.category == group.name && cell.source == source.name;
        measured.cells.iter().find(wanted)?.group.f1.map(Number::new)
    };
    GroupRow {
        by_source: measured.sources.iter().map(of_source).collect(),
        ..GroupRow::new("category", group)
    }
}

#[derive(Debug, Serialize)]
struct GapRow {
    within: Option<String>,
    between: String,
    f1: Option<String>,
    line: Option<Span>,
}

#[derive(Debug, Serialize)]
struct RuleRow {
    id: String,
    violations: usize,
    found: usize,
    open: usize,
    false_flags: usize,
    recall: Option<Number>,
    precision: Option<String>,
}

impl RuleRow {
    fn new(rule: &RuleCount) -> Self {
        let recall = rule.recall.zip(rule.recall_interval);
        Self {
            id: rule.rule.to_string(),
            violations: rule.violations,
            found: rule.found,
            open: rule.open,
            false_flags: rule.false_flags,
            recall: recall.map(|(value, interval)| Number::new(Estimate { value, interval })),
            precision: rule.precision.map(|precision| format!("{precision:.3}")),
        }
    }
}

#[derive(Debug, Serialize)]
struct ScoreRow {
    name: Option<String>,
    scored: usize,
    images: usize,
    roc_auc: Option<Number>,
    average_precision: Option<Number>,
    brier: Option<Number>,
    calibration_error: Option<Number>,
}

fn scores(measured: &Effectiveness) -> Vec<ScoreRow> {
    let row = |name: Option<String>, scores: &Scores| ScoreRow {
        name,
        scored: scores.scored,
        images: scores.scored + scores.unscored,
        roc_auc: scores.roc_auc.map(Number::new),
        average_precision: scores.average_precision.map(Number::new),
        brier: scores.brier.map(Number::new),
        calibration_error: scores.calibration_error.map(Number::new),
    };
    let of_source =
        |(source, scores): &(String, Scores)| row(Some(shown(source).to_string()), scores);
    let mut rows = vec![row(None, &measured.scores)];
    rows.extend(measured.scores_by_source.iter().map(of_source));
    rows
}

/// A bin of the reliability diagram, in a square of 100.
#[derive(Debug, Serialize)]
struct Dot {
    from: String,
    to: String,
    left: f64,
    width: f64,
    x: f64,
    y: f64,
    /// Height of the bar that counts images, the fullest bin being 100.
    height: f64,
    images: String,
    mean_score: String,
    unsafe_share: String,
}

fn diagram(bins: &[Bin]) -> Vec<Dot> {
    let most = bins.iter().map(|bin| bin.images).fold(1.0, f64::max);
    let dot = |bin: &Bin| {
        let (score, share) = bin.mean_score.zip(bin.unsafe_share)?;
        Some(Dot {
            from: format!("{:.1}", bin.from),
            to: format!("{:.1}", bin.to),
            left: per_cent(bin.from),
            width: per_cent(bin.to - bin.from),
            x: per_cent(score),
            y: per_cent(1.0 - share),
            height: per_cent(bin.images / most),
            images: format!("{:.0}", bin.images),
            mean_score: format!("{score:.3}"),
            unsafe_share: percent(share, 1),
        })
    };
    bins.iter().filter_map(dot).collect()
}

#[derive(Debug, Serialize)]
struct SureRow {
    above: String,
    answers: usize,
    wrong: usize,
    share: Option<String>,
    interval: Option<String>,
}

impl SureRow {
    fn new(sure: &Sure) -> Self {
        Self {
            above: sure.above.to_string(),
            answers: sure.answers,
            wrong: sure.wrong,
            share: sure.share.map(|share| percent(share, 1)),
            interval: sure.interval.map(|interval| interval.to_string()),
        }
    }
}
