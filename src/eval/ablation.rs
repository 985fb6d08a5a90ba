//! The ablation: what each stage adds, beside the paper's baselines.
//!
//! A [`Row`] is one way of judging all images; [`table`] draws the rows of one set, as the paper's
//! Tables 2, 10 and 11 do, with what each way costs.

use std::fmt::Write;
use std::time::Duration;

use super::Counts;
use crate::verdict::{Method, Stage};

/// A way of judging that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// CLUE or a baseline.
    pub method: Method,
    /// The stage of CLUE that is left out.
    pub without: Option<Stage>,
}

/// Everything that is compared: the four baselines, CLUE, and CLUE without each of its stages.
pub const VARIANTS: [Variant; 10] = [
    baseline(Method::PriorKnowledge),
    baseline(Method::PriorKnowledgeCot),
    baseline(Method::WholeConstitution),
    baseline(Method::WholeConstitutionCot),
    Variant { method: Method::Clue, without: None },
    clue_without(Stage::Relevance),
    clue_without(Stage::Preconditions),
    clue_without(Stage::Prior),
    clue_without(Stage::Region),
    clue_without(Stage::Reasoning),
];

const fn baseline(method: Method) -> Variant {
    Variant { method, without: None }
}

const fn clue_without(stage: Stage) -> Variant {
    Variant { method: Method::Clue, without: Some(stage) }
}

impl Variant {
    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match (self.method, self.without) {
            (Method::PriorKnowledge, _) => "prior knowledge, Yes/No",
            (Method::PriorKnowledgeCot, _) => "prior knowledge, step by step",
            (Method::WholeConstitution, _) => "whole constitution, Yes/No",
            (Method::WholeConstitutionCot, _) => "whole constitution, step by step",
            (Method::UnsafeBench, _) => "UnsafeBench, majority of three",
            (Method::PerspectiveVision, _) => "PerspectiveVision",
            (Method::Classifier, _) => "conventional classifier",
            (Method::Clue, None) => "**CLUE**",
            (Method::Clue, Some(Stage::Relevance)) => "CLUE without relevance",
            (Method::Clue, Some(Stage::Preconditions)) => "CLUE without preconditions",
            (Method::Clue, Some(Stage::Prior)) => "CLUE without the prior",
            (Method::Clue, Some(Stage::Region)) => "CLUE without region",
            (Method::Clue, Some(Stage::Reasoning)) => "CLUE without reasoning",
        }
    }
}

/// What a way of judging brought and cost on one set of images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The way.
    pub variant: Variant,
    /// Right and wrong.
    pub counts: Counts,
    /// Yes/No questions asked of views.
    pub questions: u64,
    /// Questions that were reasoned about.
    pub escalations: u64,
    /// Time in all stages.
    pub took: Duration,
}

/// The rows of one set as a Markdown table, the best of each measure in bold.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| method | recall | accuracy | F1 | precision | rule recall | undetermined | questions | escalations | ms |\n\
         | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n",
    );
    let best = |measure: fn(&Row) -> Option<f64>| {
        rows.iter().filter_map(measure).fold(f64::NEG_INFINITY, f64::max)
    };
    let measures: [fn(&Row) -> Option<f64>; 5] = [recall, accuracy, f1, precision, rule_recall];
    let bests = measures.map(best);
    for row in rows {
        let _ = write!(text, "| {}", row.variant.name());
        for (measure, best) in measures.iter().zip(bests) {
            let _ = write!(text, " | {}", cell(measure(row), best));
        }
        let images = f64::from(row.counts.images.images().max(1));
        let undetermined = row.counts.images.undetermined().unwrap_or(0.0) * 100.0;
        let _ = writeln!(
            text,
            " | {undetermined:.1} % | {:.1} | {:.2} | {:.0} |",
            per(row.questions, images),
            per(row.escalations, images),
            row.took.as_secs_f64() * 1_000.0 / images
        );
    }
    text
}

fn recall(row: &Row) -> Option<f64> {
    row.counts.images.recall()
}

fn accuracy(row: &Row) -> Option<f64> {
    row.counts.images.accuracy()
}

fn f1(row: &Row) -> Option<f64> {
    row.counts.images.f1()
}

fn precision(row: &Row) -> Option<f64> {
    row.counts.images.precision()
}

/// A baseline does not say which rule is violated.
fn rule_recall(row: &Row) -> Option<f64> {
    row.counts.rule_recall().filter(|_| row.variant.method.names_rules())
}

fn cell(value: Option<f64>, best: f64) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= best => format!("**{value:.3}**"),
        Some(value) => format!("{value:.3}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of questions are far below 2^52")]
fn per(count: u64, images: f64) -> f64 {
    count as f64 / images
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Confusion;

    #[test]
    fn the_best_of_a_measure_is_bold_and_a_baseline_names_no_rule() {
        let row = |variant, true_unsafe| Row {
            variant,
            counts: Counts {
                images: Confusion {
                    true_unsafe,
                    false_safe: 4 - true_unsafe,
                    true_safe: 4,
                    ..Confusion::default()
                },
                violations: 4,
                violations_found: true_unsafe,
                false_violations: 0,
            },
            questions: 16,
            escalations: 2,
            took: Duration::from_millis(80),
        };
        let text = table(&[row(VARIANTS[0], 2), row(VARIANTS[4], 4)]);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines[0],
            "| prior knowledge, Yes/No | 0.500 | 0.750 | 0.667 | **1.000** | - | 0.0 % | 2.0 | 0.25 | 10 |"
        );
        assert_eq!(
            lines[1],
            "| **CLUE** | **1.000** | **1.000** | **1.000** | **1.000** | **1.000** | 0.0 % | 2.0 | 0.25 | 10 |"
        );
    }
}
