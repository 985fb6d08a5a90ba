//! What the template shows: every text ready, nothing left to compute.

use serde::Serialize;

use super::charts::{Histogram, ORDER, Segment, division, segments};
use super::counts::{ObstacleCount, RuleCount, Times};
use super::embed::{self, Shell};
use super::facts::{self, Fact, images, thousands};
use super::reasons::Quoting;
use super::{Found, Held, RunReport, notes};
use crate::eval::wilson;
use crate::imaging::shown;
use crate::report::{ReportError, words};
use crate::units::{Probability, duration};
use crate::verdict::{Conclusion, Method};

/// Images in the table that stands in the page without a script.
const SEVEREST: usize = 12;

/// Images in the table of the slowest.
const SLOWEST: usize = 5;

/// Everything that the template shows.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    shell: Shell,
    title: String,
    finding: String,
    rest: String,
    when: String,
    constitution: String,
    model: String,
    policy: String,
    notes: Vec<String>,
    tiles: Vec<Tile>,
    division: Vec<Segment>,
    rules: Vec<RuleRow>,
    quiet_rules: Vec<QuietRule>,
    baseline: bool,
    histogram: Option<Histogram>,
    obstacles: Vec<ObstacleRow>,
    errors: Vec<ObstacleRow>,
    times: Option<TimesPart>,
    severe: Vec<Severe>,
    severe_of: usize,
    total: String,
    choices: Choices,
    held: Vec<String>,
    redacted: bool,
    has_pictures: bool,
    facts: Vec<Fact>,
    settings: Vec<Fact>,
    limits: Vec<String>,
    data: String,
    pictures: String,
    traces: String,
    version: &'static str,
}

/// The images of one conclusion.
#[derive(Debug, Serialize)]
struct Tile {
    conclusion: &'static str,
    word: &'static str,
    count: String,
    share: String,
    interval: Option<String>,
}

/// A rule that some image violates or leaves open.
#[derive(Debug, Serialize)]
struct RuleRow {
    id: String,
    text: Option<String>,
    violated: String,
    undetermined: String,
    share: String,
    bar: Vec<Segment>,
    label: String,
    strongest: Option<StrongestRow>,
}

#[derive(Debug, Serialize)]
struct StrongestRow {
    row: usize,
    name: String,
    score: Option<String>,
    reason: String,
}

/// A rule that no image violates or leaves open.
#[derive(Debug, Serialize)]
struct QuietRule {
    id: String,
    text: Option<String>,
    judged: String,
}

/// Something that stood in the way, and how often.
#[derive(Debug, Serialize)]
struct ObstacleRow {
    key: String,
    label: String,
    images: String,
    rules: String,
    example: Option<String>,
    advice: &'static str,
}

#[derive(Debug, Serialize)]
struct TimesPart {
    per_thousand: String,
    median: String,
    most: String,
    total: String,
    cached: bool,
    slowest: Vec<(usize, String, String)>,
}

/// An image in the table that stands in the page without a script.
#[derive(Debug, Serialize)]
struct Severe {
    row: usize,
    name: String,
    conclusion: &'static str,
    score: Option<String>,
    rules: Vec<String>,
    why: String,
    /// The picture's address, or a word for what became of it.
    picture: Option<String>,
    missing: Option<&'static str>,
}

/// What the list can be filtered by, with how many images there are of each.
#[derive(Debug, Serialize)]
struct Choices {
    verdicts: Vec<(&'static str, String)>,
    rules: Vec<(String, String)>,
    obstacles: Vec<(String, String)>,
}

impl Page {
    pub(super) fn new(report: &RunReport<'_>, held: Held) -> Result<Self, ReportError> {
        let (counts, manifest) = (&report.counts, report.manifest);
        let redacted = report.quoting == Quoting::Redacted;
        let finding = facts::finding(counts);
        let (rules, quiet_rules) = rules(report);
        let (errors, obstacles): (Vec<_>, Vec<_>) = obstacles(&counts.obstacles)
            .into_iter()
            .partition(|obstacle| obstacle.key.starts_with("file:"));
        Ok(Self {
            shell: Shell::new(),
            title: format!("{finding} – praetor"),
            rest: facts::rest(counts),
            finding,
            when: facts::day(&manifest.started),
            constitution: shown(&manifest.constitution).to_string(),
            model: facts::model(manifest, redacted),
            policy: manifest.policy.to_string(),
            notes: notes::first(report),
            tiles: tiles(report),
            division: division(counts),
            choices: choices(report),
            rules,
            quiet_rules,
            baseline: counts.method != Method::Clue,
            histogram: Histogram::of(&report.rows),
            obstacles,
            errors,
            times: times(report),
            severe: severe(report),
            severe_of: report.order.iter().filter(|row| report.rows[**row].is_severe()).count(),
            total: images(counts.images()),
            held: notes::held(report, held),
            redacted,
            has_pictures: held.pictures > 0,
            facts: facts::facts(manifest, counts, redacted),
            settings: facts::settings(manifest, redacted),
            limits: facts::limits(manifest, counts),
            data: embed::json(&super::data(report))?,
            pictures: embed::json(&super::pictures(report))?,
            traces: super::traces_json(report),
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}

fn tiles(report: &RunReport<'_>) -> Vec<Tile> {
    let all = report.counts.images();
    let word = |conclusion| match conclusion {
        Conclusion::Failed => "could not be read",
        other => words::conclusion(other),
    };
    let tile = |conclusion| {
        let count = report.counts.of(conclusion);
        #[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
        let interval = wilson(count as f64, all as f64);
        Tile {
            conclusion: words::conclusion(conclusion),
            word: word(conclusion),
            count: thousands(count),
            share: facts::share(count, all),
            interval: interval.map(facts::range),
        }
    };
    ORDER.map(tile).into()
}

/// The rules that were violated or left open, the most violated first; and the others.
fn rules(report: &RunReport<'_>) -> (Vec<RuleRow>, Vec<QuietRule>) {
    let raised = |rule: &RuleCount| rule.violated + rule.undetermined;
    let most = report.counts.rules.iter().map(raised).max().unwrap_or(0);
    let texts = super::texts(report);
    let (mut loud, quiet): (Vec<_>, Vec<_>) =
        report.counts.rules.iter().zip(texts).partition(|(rule, _)| raised(rule) > 0);
    loud.sort_by_key(|(rule, _)| std::cmp::Reverse((rule.violated, rule.undetermined)));
    let row = |(rule, text): (&RuleCount, Option<String>)| {
        let bar = [("unsafe", rule.violated), ("undetermined", rule.undetermined)];
        let strongest = rule.strongest.as_ref().map(|strongest| StrongestRow {
            row: strongest.row,
            name: report.rows[strongest.row].name.clone(),
            score: score(strongest.score),
            reason: strongest.reason.clone(),
        });
        RuleRow {
            id: rule.id.to_string(),
            text,
            violated: thousands(rule.violated),
            undetermined: thousands(rule.undetermined),
            share: facts::share(rule.violated, report.counts.images()),
            bar: segments(&bar, most),
            label: format!("{} violated, {} undetermined", rule.violated, rule.undetermined),
            strongest,
        }
    };
    let still = |(rule, text): (&RuleCount, Option<String>)| QuietRule {
        id: rule.id.to_string(),
        text,
        judged: images(rule.judged),
    };
    (loud.into_iter().map(row).collect(), quiet.into_iter().map(still).collect())
}

fn score(score: Option<Probability>) -> Option<String> {
    score.map(|score| score.to_string())
}

/// What stood in the way, the most frequent first.
fn obstacles(counts: &[ObstacleCount]) -> Vec<ObstacleRow> {
    let met = |count: &&ObstacleCount| count.images + count.rules > 0;
    let mut counts: Vec<&ObstacleCount> = counts.iter().filter(met).collect();
    counts.sort_by_key(|count| std::cmp::Reverse((count.images, count.rules)));
    let row = |count: &ObstacleCount| ObstacleRow {
        key: count.obstacle.key.clone(),
        label: count.obstacle.label.trim_start_matches("not read: ").to_owned(),
        images: thousands(count.images),
        rules: thousands(count.rules),
        example: count.example.clone(),
        advice: count.obstacle.advice(),
    };
    counts.into_iter().map(row).collect()
}

fn times(report: &RunReport<'_>) -> Option<TimesPart> {
    let times = Times::of(&report.rows)?;
    let mut slowest: Vec<usize> = (0..report.rows.len()).collect();
    slowest.sort_by_key(|row| std::cmp::Reverse(report.rows[*row].ms));
    let row = |row: usize| (row, report.rows[row].name.clone(), duration(report.rows[row].ms));
    Some(TimesPart {
        per_thousand: duration(times.per_thousand),
        median: duration(times.median),
        most: duration(times.most),
        total: duration(times.total),
        cached: report.manifest.settings.get("cache").is_some_and(|cache| cache == "true"),
        slowest: slowest.into_iter().take(SLOWEST).map(row).collect(),
    })
}

fn severe(report: &RunReport<'_>) -> Vec<Severe> {
    let severe = report.order.iter().filter(|row| report.rows[**row].is_severe());
    let row = |&place: &usize| {
        let row = &report.rows[place];
        let rule = |index: &usize| report.counts.rules[*index].id.to_string();
        let named = if row.violated.is_empty() { &row.open } else { &row.violated };
        let (picture, missing) = match report.pictures.get(&place).map(Found::address) {
            Some(Ok(address)) => (Some(address.to_owned()), None),
            Some(Err(word)) => (None, Some(word)),
            None => (None, None),
        };
        Severe {
            row: place,
            name: row.name.clone(),
            conclusion: words::conclusion(row.verdict),
            score: score(row.score),
            rules: named.iter().map(rule).collect(),
            why: row.why.clone(),
            picture,
            missing,
        }
    };
    severe.take(SEVEREST).map(row).collect()
}

fn choices(report: &RunReport<'_>) -> Choices {
    let counts = &report.counts;
    let verdicts = ORDER.map(|one| (words::conclusion(one), counts.of(one)));
    let verdicts = verdicts.into_iter().filter(|(_, count)| *count > 0);
    let raised = counts.rules.iter().filter(|rule| rule.violated + rule.undetermined > 0);
    Choices {
        verdicts: verdicts.map(|(word, count)| (word, thousands(count))).collect(),
        rules: raised
            .map(|rule| (rule.id.to_string(), thousands(rule.violated + rule.undetermined)))
            .collect(),
        obstacles: counts
            .obstacles
            .iter()
            .map(|count| &count.obstacle)
            .map(|obstacle| (obstacle.key.clone(), obstacle.label.clone()))
            .collect(),
    }
}
