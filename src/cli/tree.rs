//! A verdict as a tree that a policy person can read: rule, preconditions, numbers, decision.

use std::fmt::Write;

use super::style;
use crate::constitution::Policy;
use crate::imaging::shown;
use crate::report::words::{self, Asked};
use crate::units::Probability;
use crate::verdict::{
    Finding, Holds, Method, Outcome, Reasoning, Relevance, RuleVerdict, Step, Verdict,
};

/// Cells of the scale on which M, the prior and the thresholds are drawn.
const SCALE: usize = 24;

/// Columns of a line of what the model thought.
const COLUMNS: usize = 88;

/// Draws the whole verdict. Clear rules take one line unless `all` is set.
pub(super) fn draw(verdict: &Verdict, policy: &Policy, all: bool) -> String {
    let mut text = String::new();
    headline(&mut text, verdict);
    for rule in &verdict.rules {
        let open = match rule.outcome {
            Outcome::Violated | Outcome::Undetermined => true,
            Outcome::Clear => all,
            Outcome::Irrelevant => false,
        };
        if open {
            draw_rule(&mut text, verdict, policy, rule);
        }
    }
    if !all {
        list(&mut text, verdict, Outcome::Clear, "not violated");
    }
    list(&mut text, verdict, Outcome::Irrelevant, "not relevant");
    // What is answered in words has no numbers to explain.
    let has_numbers = |rule: &RuleVerdict| rule.findings.iter().any(|finding| finding.m.is_some());
    if verdict.method == Method::Clue && !verdict.rules.is_empty()
        || verdict.rules.iter().any(has_numbers)
    {
        text.push_str(&style::dim(&legend(verdict)));
    }
    text
}

const LEGEND: &str = "
M      how far the model leans to Yes, with the image: P(Yes) / (P(Yes) + P(No))
prior  the same without the image: what the words alone suggest
scale  0 to 1; left of [ the content is not visible, right of ] it is, p the prior, M the answer
score  M freed of the prior: 0.5 means that the image changed nothing
";

/// The legend, with what only some stages leave behind.
fn legend(verdict: &Verdict) -> String {
    let mut text = LEGEND.to_owned();
    let mut findings = verdict.rules.iter().flat_map(|rule| &rule.findings);
    if findings.any(|finding| m_without(finding).is_some()) {
        text.push_str("w      M with the central objects painted over, also on the scale\n");
    }
    if verdict.rules.iter().any(|rule| rule.relevance.is_some()) {
        text.push_str(
            "relevance  how near the rule is to the image; it is judged above its threshold\n",
        );
    }
    text
}

fn headline(text: &mut String, verdict: &Verdict) {
    let score = verdict.score.map(|score| format!("  score {score}")).unwrap_or_default();
    let word = style::conclusion(verdict.verdict, 0);
    let _ = writeln!(text, "{}  {word}{score}", style::bold(&shown(&verdict.image).to_string()));
    if verdict.method != Method::Clue {
        let _ = writeln!(text, "{}", words::method(verdict.method));
    }
    if !verdict.without.is_empty() {
        let stages: Vec<&str> = verdict.without.iter().map(|one| words::left_out(*one)).collect();
        let _ = writeln!(text, "without {}", stages.join("; "));
    }
    if let Some(frames) = verdict.frames {
        let cut = if frames.cut { ", more were left out by the limit" } else { "" };
        let _ = writeln!(text, "animation: {} different frames judged{cut}", frames.judged);
    }
    if let Some(error) = &verdict.error {
        let _ = writeln!(text, "{}: {}", error.code, shown(&error.message));
    }
}

fn draw_rule(text: &mut String, verdict: &Verdict, policy: &Policy, rule: &RuleVerdict) {
    let score = rule.score.map(|score| format!("  score {score}")).unwrap_or_default();
    let frame = rule.frame.map(|frame| format!("  frame {frame}")).unwrap_or_default();
    let _ = writeln!(
        text,
        "\n{} {}{score}{frame}",
        style::bold(rule.rule.as_str()),
        style::outcome(rule.outcome)
    );
    // A baseline's one entry is about no rule.
    let written = words::rule_of(verdict, policy, &rule.rule);
    if let Some(written) = written {
        let _ = writeln!(text, "│ {}", shown(&written.text));
    }
    if let Some(relevance) = rule.relevance {
        let _ = writeln!(text, "│ {}", style::dim(&nearness(relevance)));
    }
    let asked = Asked::of(verdict);
    let drop = written.map(|rule| rule.thresholds.region_drop);
    let last = rule.findings.len().saturating_sub(1);
    for (index, finding) in rule.findings.iter().enumerate() {
        let (branch, trunk) = if index == last { ("└─", "  ") } else { ("├─", "│ ") };
        let _ = writeln!(text, "{branch} {} {}", mark(finding.holds), shown(&finding.precondition));
        for line in behind(finding, asked, drop) {
            let _ = writeln!(text, "{trunk}     {line}");
        }
    }
}

fn nearness(relevance: Relevance) -> String {
    let Relevance { cosine, threshold } = relevance;
    format!("relevance {cosine:.3}, judged above {threshold:.3}")
}

/// Rules of an outcome that take a line each.
fn list(text: &mut String, verdict: &Verdict, outcome: Outcome, title: &str) {
    let mut rules = verdict.rules.iter().filter(|rule| rule.outcome == outcome).peekable();
    if rules.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "\n{}", style::bold(title));
    let asked = Asked::of(verdict);
    for rule in rules {
        let reason = match (outcome, rule.relevance) {
            (Outcome::Irrelevant, Some(relevance)) => {
                let Relevance { cosine, threshold } = relevance;
                format!("relevance {cosine:.3} is not above {threshold:.3}")
            }
            _ => reason(rule, asked),
        };
        let _ = writeln!(text, "  {} {:<22} {}", style::green("·"), rule.rule, style::dim(&reason));
    }
}

/// For a clear rule, the precondition that cleared it most clearly, and how.
fn reason(rule: &RuleVerdict, asked: Asked) -> String {
    let Some(finding) = words::cleared_by(rule) else { return String::new() };
    if let (Some(Step::Score), Some(score)) = (finding.by, rule.score) {
        return format!("score {score}");
    }
    let answer = asked.answer(finding.holds);
    let how = match (finding.by, finding.m) {
        (Some(Step::Reasoning), _) => " (by reasoning)".to_owned(),
        (Some(Step::Lean), Some(m)) => format!(" (M {m}, leaning)"),
        (Some(Step::Word), _) => " (the model's word)".to_owned(),
        (_, Some(m)) => format!(" (M {m})"),
        (_, None) => String::new(),
    };
    let crop = if words::crop(finding).is_some() { ", on a crop" } else { "" };
    format!("{answer}: {}{how}{crop}", shown(&finding.precondition))
}

fn mark(holds: Holds) -> String {
    match holds {
        Holds::Yes => style::red("✓"),
        Holds::No => style::green("✗"),
        Holds::Unknown => style::yellow("?"),
    }
}

/// The lines under a precondition: numbers, where it was looked, what decided, what was thought.
fn behind(finding: &Finding, asked: Asked, drop: Option<f64>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(numbers) = numbers(finding) {
        lines.push(format!("{}  {numbers}", scale(finding)));
    }
    lines.extend(words::crop(finding).iter().flat_map(|note| wrapped(note)));
    for found in finding.region.iter().flat_map(|region| &region.boxes) {
        let object = shown(&found.object);
        let size = words::percent(found.region.area());
        let place = found.region;
        let line = format!("found {object} {}: {size} of the image, at {place}", found.score);
        lines.extend(wrapped(&line).iter().map(|line| style::dim(line)));
    }
    lines.extend(words::removal(finding, drop).iter().flat_map(|note| wrapped(note)));
    let unknown = finding.holds == Holds::Unknown;
    let decision = wrapped(&words::decision(finding, asked, drop)).into_iter();
    lines.extend(decision.map(|line| if unknown { style::yellow(&line) } else { line }));
    if let Some(reasoning) = &finding.reasoning {
        lines.extend(thoughts(reasoning));
    }
    lines
}

fn numbers(finding: &Finding) -> Option<String> {
    let m = finding.m?;
    let whole = finding.region.as_ref().and_then(|region| region.m_whole);
    let named = [("prior", finding.prior), ("M whole", whole), ("M without", m_without(finding))];
    let mut text = format!("M {m}");
    for (name, value) in named {
        if let Some(value) = value {
            let _ = write!(text, "  {name} {value}");
        }
    }
    Some(text)
}

fn m_without(finding: &Finding) -> Option<Probability> {
    finding.region.as_ref().and_then(|region| region.m_without)
}

/// What the model thought, dimmed, wrapped and indented, then its reason in short.
fn thoughts(reasoning: &Reasoning) -> Vec<String> {
    let mut lines = Vec::new();
    if !reasoning.rationale.trim().is_empty() {
        let quoted = format!("\u{201c}{}\u{201d}", reasoning.rationale.trim());
        lines.extend(wrapped(&quoted));
    }
    let thought = reasoning.thoughts.trim().lines().filter(|line| !line.trim().is_empty());
    lines.extend(thought.flat_map(wrapped).map(|line| style::dim(&format!("  {line}"))));
    lines
}

/// A foreign line in lines of [`COLUMNS`] at most, broken between words where there are any.
fn wrapped(line: &str) -> Vec<String> {
    style::lines(shown(line).to_string().split_whitespace(), COLUMNS)
}

/// M, what it is without the objects, the prior and both thresholds on one line:
/// `··w·[····p·····]··M`.
fn scale(finding: &Finding) -> String {
    let mut cells = ['·'; SCALE];
    let marks = [
        (finding.rejects_below, '['),
        (finding.accepts_above, ']'),
        (finding.prior.map(Probability::value), 'p'),
        (m_without(finding).map(Probability::value), 'w'),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Hash, ModelId, RuleId, ViewKind};
    use crate::verdict::Conclusion;

    fn policy(id: &str) -> Policy {
        let text = "No dogs.";
        let lock = format!(
            "{{version: 1, constitution: pets, rules: [{{id: {id}, source: {}, objectiveness: 10, \
             objective_text: {text}, reviewed: true, preconditions: [{{statement: a dog}}]}}]}}",
            Hash::of(text.as_bytes())
        );
        let yaml = format!("{{name: pets, rules: [{{id: {id}, text: {text}}}]}}");
        Policy::parse(&yaml, &lock).unwrap()
    }

    fn verdict(rule: RuleVerdict, method: Method) -> Verdict {
        Verdict {
            image: "a.png".to_owned(),
            hash: None,
            verdict: Conclusion::Unsafe,
            score: None,
            violated: Vec::new(),
            rules: vec![rule],
            frames: None,
            error: None,
            method,
            without: Vec::new(),
            policy: Hash::of(b"policy"),
            model: ModelId { name: "demo".to_owned(), fingerprint: Hash::of(b"model") },
            took_ms: 0,
        }
    }

    fn thought(thoughts: &str) -> Finding {
        Finding {
            reasoning: Some(Reasoning {
                thoughts: thoughts.to_owned(),
                rating: Holds::Yes,
                rationale: "It barks.".to_owned(),
            }),
            holds: Holds::Yes,
            by: Some(Step::Reasoning),
            ..Finding::open("a rule is broken", ViewKind::Whole)
        }
    }

    #[test]
    fn a_baselines_entry_is_shown_and_never_taken_for_a_rule() {
        let entry = |findings| RuleVerdict::from_findings(RuleId::new("image").unwrap(), findings);
        let baseline = verdict(entry(vec![thought("")]), Method::WholeConstitutionCot);
        for id in ["image", "dogs"] {
            let tree = draw(&baseline, &policy(id), false);
            assert!(tree.contains("image violated"), "{tree}");
            assert!(tree.contains("broken, by reasoning: Yes"), "{tree}");
            assert!(!tree.contains("No dogs."), "{tree}");
        }
        let clue = verdict(entry(vec![thought("")]), Method::Clue);
        assert!(draw(&clue, &policy("image"), false).contains("No dogs."));
    }

    #[test]
    fn thoughts_are_wrapped_and_can_not_steer_the_terminal() {
        let thoughts = format!("{}\n\u{1b}[2J done", "word ".repeat(60));
        let rule =
            RuleVerdict::from_findings(RuleId::new("dogs").unwrap(), vec![thought(&thoughts)]);
        let tree = draw(&verdict(rule, Method::Clue), &policy("dogs"), false);
        assert!(tree.contains("\u{201c}It barks.\u{201d}"), "{tree}");
        assert!(tree.contains("\\u{1b}[2J done") && !tree.contains('\u{1b}'), "{tree}");
        assert!(tree.lines().all(|line| line.chars().count() <= COLUMNS + 12), "{tree}");
    }
}
