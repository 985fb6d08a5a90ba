//! A verdict as a tree that a policy person can read: rule, preconditions, numbers, decision.

use std::fmt::Write;

use super::style;
use crate::constitution::Policy;
use crate::imaging::shown;
use crate::units::Probability;
use crate::verdict::{Finding, Holds, Outcome, RuleVerdict, Step, Verdict};

/// Cells of the scale on which M, the prior and the thresholds are drawn.
const SCALE: usize = 24;

/// Draws the whole verdict. Clear rules take one line unless `all` is set.
pub(super) fn draw(verdict: &Verdict, policy: &Policy, all: bool) -> String {
    let mut text = String::new();
    headline(&mut text, verdict);
    let (open, clear): (Vec<_>, Vec<_>) = verdict
        .rules
        .iter()
        .zip(&policy.rules)
        .partition(|(rule, _)| all || rule.outcome != Outcome::Clear);
    for (rule, written) in &open {
        draw_rule(&mut text, rule, &written.text);
    }
    if !clear.is_empty() {
        let _ = writeln!(text, "\n{}", style::bold("not violated"));
        for (rule, _) in &clear {
            let _ = writeln!(text, "  {} {:<22} {}", style::green("·"), rule.rule, reason(rule));
        }
    }
    if !verdict.rules.is_empty() {
        text.push_str(&style::dim(LEGEND));
    }
    text
}

const LEGEND: &str = "
M      how far the model leans to Yes, with the image: P(Yes) / (P(Yes) + P(No))
prior  the same without the image: what the words alone suggest
scale  0 to 1; left of [ the content is not visible, right of ] it is, p the prior, M the answer
score  M freed of the prior: 0.5 means that the image changed nothing
";

fn headline(text: &mut String, verdict: &Verdict) {
    let score = verdict.score.map(|score| format!("  score {score}")).unwrap_or_default();
    let word = style::conclusion(verdict.verdict, 0);
    let _ = writeln!(text, "{}  {word}{score}", style::bold(&shown(&verdict.image).to_string()));
    if let Some(frames) = verdict.frames {
        let cut = if frames.cut { ", more were left out by the limit" } else { "" };
        let _ = writeln!(text, "animation: {} different frames judged{cut}", frames.judged);
    }
    if let Some(error) = &verdict.error {
        let _ = writeln!(text, "{}: {}", error.code, shown(&error.message));
    }
}

fn draw_rule(text: &mut String, rule: &RuleVerdict, written: &str) {
    let score = rule.score.map(|score| format!("  score {score}")).unwrap_or_default();
    let frame = rule.frame.map(|frame| format!("  frame {frame}")).unwrap_or_default();
    let _ = writeln!(
        text,
        "\n{} {}{score}{frame}",
        style::bold(rule.rule.as_str()),
        style::outcome(rule.outcome)
    );
    let _ = writeln!(text, "│ {}", shown(written));
    let last = rule.findings.len().saturating_sub(1);
    for (index, finding) in rule.findings.iter().enumerate() {
        let (branch, trunk) = if index == last { ("└─", "  ") } else { ("├─", "│ ") };
        let _ = writeln!(text, "{branch} {} {}", mark(finding.holds), shown(&finding.precondition));
        if let Some(numbers) = numbers(finding) {
            let _ = writeln!(text, "{trunk}     {}  {numbers}", scale(finding));
        }
        let _ = writeln!(text, "{trunk}     {}", decision(finding));
    }
}

fn mark(holds: Holds) -> String {
    match holds {
        Holds::Yes => style::red("✓"),
        Holds::No => style::green("✗"),
        Holds::Unknown => style::yellow("?"),
    }
}

fn numbers(finding: &Finding) -> Option<String> {
    let m = finding.m?;
    let prior = finding.prior.map(|prior| format!("  prior {prior}")).unwrap_or_default();
    Some(format!("M {m}{prior}"))
}

/// M, the prior and both thresholds on one line: `····[····p·····]··M`.
fn scale(finding: &Finding) -> String {
    let mut cells = ['·'; SCALE];
    let marks = [
        (finding.rejects_below, '['),
        (finding.accepts_above, ']'),
        (finding.prior.map(Probability::value), 'p'),
        (finding.m.map(Probability::value), 'M'),
    ];
    for (value, mark) in marks {
        if let Some(value) = value {
            cells[cell(value)] = mark;
        }
    }
    cells.iter().collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a number from 0 to 1 becomes a cell of the scale"
)]
fn cell(value: f64) -> usize {
    ((value.clamp(0.0, 1.0) * (SCALE - 1) as f64).round() as usize).min(SCALE - 1)
}

fn decision(finding: &Finding) -> String {
    if let Some(why) = &finding.why {
        return style::yellow(&format!("not settled: {}", shown(why.to_string())));
    }
    let below = finding.rejects_below.unwrap_or_default();
    let above = finding.accepts_above.unwrap_or_default();
    match (finding.holds, finding.by) {
        (Holds::Yes, Some(Step::Lean)) => "between the thresholds, leaning to visible".to_owned(),
        (Holds::No, Some(Step::Lean)) => {
            "between the thresholds, leaning to not visible".to_owned()
        }
        (Holds::Yes, Some(Step::PlainCut)) => "visible: M is at least 0.5".to_owned(),
        (Holds::No, Some(Step::PlainCut)) => "not visible: M is below 0.5".to_owned(),
        (Holds::Yes, _) => format!("visible: M is above {above:.3}"),
        (Holds::No, _) => format!("not visible: M is below {below:.3}"),
        (Holds::Unknown, _) => style::yellow("not settled"),
    }
}

/// For a clear rule, the precondition that cleared it most clearly.
fn reason(rule: &RuleVerdict) -> String {
    let rank = |finding: &&Finding| finding.score.map_or(1.0, Probability::value);
    rule.findings
        .iter()
        .filter(|finding| finding.holds == Holds::No)
        .min_by(|one, other| rank(one).total_cmp(&rank(other)))
        .map(|finding| {
            let m = finding.m.map(|m| format!(" (M {m})")).unwrap_or_default();
            style::dim(&format!("not visible: {}{m}", shown(&finding.precondition)))
        })
        .unwrap_or_default()
}
