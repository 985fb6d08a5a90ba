//! The page of `praetor compare --html`: what several judges said of the images they see differently.

mod card;

use serde::Serialize;

use self::card::Card;
use super::picture::Inline;
use super::{ReportError, render, words};
use crate::eval::compare::{
    Against, Comparison, FEW, JudgeSummary, Pair, RuleComparison, RuleCount, small,
};
use crate::eval::paired::points;
use crate::eval::{Estimate, share_of};
use crate::imaging::shown;
use crate::units::duration;
use crate::verdict::Verdict;

/// An image that judges see differently, with what is needed to show it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever has read the runs makes these")]
pub struct Exhibit {
    /// Index among the comparison's disputes.
    pub dispute: usize,
    /// The picture, where it could be found.
    pub picture: Option<Inline>,
    /// Each judge's verdict, in the judges' order.
    pub verdicts: Vec<Option<Verdict>>,
}

/// Makes the gallery of a comparison: one HTML file that needs nothing but itself.
///
/// Disputes without an exhibit are counted, and not shown.
///
/// # Errors
/// [`ReportError`] when the template can't be used.
pub fn compare_page(comparison: &Comparison, exhibits: &[Exhibit]) -> Result<String, ReportError> {
    let cards = exhibits.iter().filter_map(|exhibit| {
        let dispute = comparison.disputes.get(exhibit.dispute)?;
        Some(Card::new(dispute, exhibit, comparison))
    });
    let page = Page {
        title: title(comparison),
        images: comparison.images,
        share: comparison.disagreed_share.map(|share| share.to_string()),
        disagreed: comparison.disagreed,
        other_rules: comparison.other_rules,
        missing: comparison.left_out.missing,
        changed: comparison.left_out.changed,
        unread: comparison.left_out.unread,
        labelled: comparison.labelled,
        conclusions: comparison.conclusions().iter().map(|text| pieces(text)).collect(),
        judges: comparison.judges.iter().enumerate().map(JudgeRow::new).collect(),
        by_rule: comparison.judges.iter().filter(|judge| judge.by_rule).count(),
        fleiss: comparison.fleiss.map(kappa),
        pairs: comparison.pairs.iter().map(PairRow::new).collect(),
        rules: comparison.rules.iter().filter(|rule| said(rule)).map(RuleRow::new).collect(),
        few: comparison.rules.iter().any(|rule| rule_kappa(rule).is_some()).then_some(FEW),
        silent: comparison.rules.iter().filter(|rule| !said(rule)).count(),
        cards: cards.collect(),
        disputes: comparison.disputes.len(),
        version: env!("CARGO_PKG_VERSION"),
    };
    render("compare.html", &page)
}

/// A part of a sentence, and whether it is a name.
#[derive(Debug, Serialize)]
struct Piece {
    text: String,
    code: bool,
}

/// What stands between backticks is a name.
fn pieces(sentence: &str) -> Vec<Piece> {
    let each = sentence.split('`').enumerate();
    each.map(|(at, text)| Piece { text: shown(text).to_string(), code: at % 2 == 1 }).collect()
}

fn title(comparison: &Comparison) -> String {
    let (images, disagreed) = (comparison.images, comparison.disagreed);
    match (disagreed, comparison.other_rules) {
        (0, 0) => format!("No disagreement on {images} images"),
        (0, some) => format!("The same conclusions on {images} images, on {some} by other rules"),
        _ => format!("The judges disagree on {disagreed} of {images} images"),
    }
}

/// Whether any judge flagged the rule or left it open.
fn said(rule: &RuleComparison) -> bool {
    let counts = rule.judges.iter().flatten();
    counts.into_iter().any(|count| count.violated + count.undetermined > 0)
}

/// A judge's letter in tables: A, B, … Z, then numbers.
pub fn letter(judge: usize) -> String {
    match u8::try_from(judge) {
        Ok(place) if place < 26 => char::from(b'A' + place).to_string(),
        _ => format!("#{}", judge + 1),
    }
}

/// A kappa with its interval: `0.42 (0.11 to 0.70)`.
pub fn kappa(estimate: Estimate) -> String {
    let [value, low, high] = [estimate.value, estimate.interval.low, estimate.interval.high]
        // What rounds to nothing has no sign.
        .map(|number| format!("{number:.2}").replace("-0.00", "0.00"));
    format!("{value} ({low} to {high})")
}

/// Everything that the template shows.
#[derive(Debug, Serialize)]
struct Page {
    title: String,
    images: usize,
    share: Option<String>,
    disagreed: usize,
    other_rules: usize,
    missing: usize,
    changed: usize,
    unread: usize,
    labelled: Option<usize>,
    conclusions: Vec<Vec<Piece>>,
    judges: Vec<JudgeRow>,
    /// Judges that go by rules.
    by_rule: usize,
    fleiss: Option<String>,
    pairs: Vec<PairRow>,
    rules: Vec<RuleRow>,
    /// Images that a rule's kappa takes, where one rule has a kappa at least.
    few: Option<usize>,
    /// Rules that no judge flagged or left open.
    silent: usize,
    cards: Vec<Card>,
    disputes: usize,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct JudgeRow {
    letter: String,
    name: String,
    model: String,
    way: String,
    run: Option<String>,
    policy: String,
    cut_off: bool,
    unsafe_images: usize,
    share: Option<String>,
    undetermined: usize,
    reasons: String,
    safe: usize,
    unread: usize,
    missing: usize,
    seconds: Option<String>,
    cost: Option<String>,
    against: Option<AgainstRow>,
}

#[derive(Debug, Serialize)]
struct AgainstRow {
    right: u32,
    interval: Option<String>,
    precision: Option<String>,
    recall: Option<String>,
    f1: Option<String>,
}

impl JudgeRow {
    fn new((place, judge): (usize, &JudgeSummary)) -> Self {
        let facts = &judge.facts;
        Self {
            letter: letter(place),
            name: shown(&facts.name).to_string(),
            model: shown(&facts.model.name).to_string(),
            way: judge.way(),
            run: facts.run.as_ref().map(|run| shown(run).to_string()),
            policy: facts.policy.to_string(),
            cut_off: facts.cut_off,
            unsafe_images: judge.unsafe_images,
            share: judge.unsafe_share.map(|share| share.to_string()),
            undetermined: judge.undetermined,
            reasons: reasons(judge),
            safe: judge.safe,
            unread: judge.unread,
            missing: judge.missing,
            seconds: judge.milliseconds_per_thousand().map(duration),
            cost: facts.cost_per_thousand.map(|cost| format!("{cost:.2}")),
            against: judge.against.map(AgainstRow::new),
        }
    }
}

impl AgainstRow {
    fn new(against: Against) -> Self {
        let three = |number: Option<f64>| number.map(|number| format!("{number:.3}"));
        Self {
            right: against.right,
            interval: against.accuracy_interval.map(|interval| interval.to_string()),
            precision: three(against.precision),
            recall: three(against.recall),
            f1: three(against.f1),
        }
    }
}

/// What stood in the way of undetermined images: `3 refused, 1 undecided`.
pub fn reasons(judge: &JudgeSummary) -> String {
    let reasons: Vec<String> = judge
        .reasons
        .iter()
        .map(|(reason, images)| format!("{images} {}", shown(&reason.replace('_', " "))))
        .collect();
    reasons.join(", ")
}

#[derive(Debug, Serialize)]
struct PairRow {
    first: String,
    second: String,
    images: usize,
    agreed: usize,
    share: Option<String>,
    kappa: Option<String>,
    decided: usize,
    decided_agreed: usize,
    decided_kappa: Option<String>,
    table: [[usize; 3]; 3],
    first_only: usize,
    second_only: usize,
    flags_more: Option<String>,
    same_scores: bool,
    mean: Option<String>,
    largest: Option<String>,
    largest_on: Option<String>,
    ranks: Option<String>,
    p: Option<String>,
    first_only_right: usize,
    second_only_right: usize,
}

impl PairRow {
    fn new(pair: &Pair) -> Self {
        let scores = pair.scores.as_ref();
        Self {
            first: letter(pair.first),
            second: letter(pair.second),
            images: pair.agreement.images,
            agreed: pair.agreement.agreed,
            share: pair.agreement.share.map(|share| share.to_string()),
            kappa: pair.agreement.kappa.map(kappa),
            decided: pair.decided.images,
            decided_agreed: pair.decided.agreed,
            decided_kappa: pair.decided.kappa.map(kappa),
            table: pair.table,
            first_only: pair.first_only,
            second_only: pair.second_only,
            flags_more: pair.flags_more.map(points),
            same_scores: scores.is_some_and(|scores| scores.largest == 0.0),
            mean: scores.map(|scores| small(scores.mean)),
            largest: scores.map(|scores| small(scores.largest)),
            largest_on: scores.map(|scores| shown(&scores.largest_on).to_string()),
            ranks: scores
                .and_then(|scores| scores.rank_correlation)
                .map(|ranks| format!("{ranks:.2}")),
            p: pair.against.map(|against| small(against.p)),
            first_only_right: pair.against.map_or(0, |against| against.first_only_right),
            second_only_right: pair.against.map_or(0, |against| against.second_only_right),
        }
    }
}

#[derive(Debug, Serialize)]
struct RuleRow {
    id: String,
    judges: Vec<Option<RuleCell>>,
    all: usize,
    some: usize,
    /// With two judges that go by rules: only the one, only the other.
    only: Option<[Only; 2]>,
    /// How far these two agree beyond chance.
    kappa: Option<String>,
    /// Per cent of the flagged images that all flag.
    overlap: Option<String>,
    labelled: Option<usize>,
}

/// Images that one judge alone calls a violation.
#[derive(Debug, Serialize)]
struct Only {
    letter: String,
    images: usize,
}

#[derive(Debug, Serialize)]
struct RuleCell {
    violated: usize,
    undetermined: usize,
}

/// How far two judges agree on a rule; of more than two each two have one of their own.
fn rule_kappa(rule: &RuleComparison) -> Option<Estimate> {
    match &rule.pairs[..] {
        [pair] => pair.kappa,
        _ => None,
    }
}

impl RuleRow {
    fn new(rule: &RuleComparison) -> Self {
        let cell = |count: &Option<RuleCount>| {
            count.map(|count| RuleCell {
                violated: count.violated,
                undetermined: count.undetermined,
            })
        };
        let flagged = rule.all + rule.some;
        Self {
            id: rule.rule.to_string(),
            judges: rule.judges.iter().map(cell).collect(),
            all: rule.all,
            some: rule.some,
            only: match &rule.pairs[..] {
                [pair] => Some([
                    Only { letter: letter(pair.first), images: pair.first_only },
                    Only { letter: letter(pair.second), images: pair.second_only },
                ]),
                _ => None,
            },
            kappa: rule_kappa(rule).map(kappa),
            overlap: (flagged > 0 && !rule.pairs.is_empty())
                .then(|| words::percent(share_of(rule.all, flagged))),
            labelled: rule.labelled,
        }
    }
}
