//! Everything behind a verdict, as the report's script draws it: texts ready, places computed.

use serde_json::{Value, json};

use super::embed;
use super::reasons::{Obstacle, Quoting};
use crate::constitution::Policy;
use crate::report::ReportError;
use crate::report::picture::marked;
use crate::report::rules::Context;
use crate::report::scale::Axis;
use crate::verdict::{Outcome, Verdict};

/// The trace of a verdict as JSON that may stand in a page; nothing where no numbers were kept.
///
/// # Errors
/// [`ReportError`] when they have no form in JSON.
pub(super) fn of(
    verdict: &Verdict,
    policy: Option<&Policy>,
    quoting: Quoting,
) -> Result<Option<String>, ReportError> {
    if verdict.rules.iter().all(|rule| rule.findings.is_empty()) {
        return Ok(None);
    }
    // Its thresholds explain the decisions only if it took them.
    let policy = policy.filter(|policy| policy.hash == verdict.policy);
    let context = Context { verdict, policy, pictures: &[], axis: Axis::of(&verdict.rules) };
    let mut rules = serde_json::to_value(context.judged()?)?;
    for rule in rules.as_array_mut().into_iter().flatten() {
        drop_fields(rule, &["text", "objective", "relevance"]);
        if quoting == Quoting::Redacted {
            redact(rule, verdict);
        }
    }
    let frames = verdict.frames.map(|frames| {
        let cut = if frames.cut { "; more were left out by the limit" } else { "" };
        format!("{}{cut}", frames.judged)
    });
    let far = verdict.rules.iter().filter(|rule| rule.outcome == Outcome::Irrelevant);
    let far: Vec<Value> = far
        .map(|rule| {
            let cosine = rule.relevance.map(|relevance| format!("{:.3}", relevance.cosine));
            json!([rule.rule, cosine])
        })
        .collect();
    let boxes = serde_json::to_value(marked(verdict.rules.iter()))?;
    let trace = json!({ "rules": rules, "far": far, "boxes": boxes, "frames": frames });
    embed::json(&embed::lean(trace)).map(Some)
}

fn drop_fields(value: &mut Value, names: &[&str]) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// Takes out what a model said and what errors quote; statements and numbers stay.
fn redact(rule: &mut Value, verdict: &Verdict) {
    let judged = verdict.rules.iter().find(|one| rule["id"] == one.rule.as_str());
    if let Some(why) = rule.get_mut("why").filter(|why| why.is_string()) {
        *why = Value::String(Obstacle::of_rule(judged.and_then(|one| one.why.as_ref())).label);
    }
    for step in rule["steps"].as_array_mut().into_iter().flatten() {
        drop_fields(step, &["thoughts", "rationale"]);
        if step["holds"] == "unknown" {
            drop_fields(step, &["decision"]);
        }
    }
}
