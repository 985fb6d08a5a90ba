//! What has come of compiling, rule by rule, and what people should look at.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::plan::{Plan, Task};
use crate::cli::style;
use crate::constitution::{Attempt, Desk, LockedRule, Provenance, Touched};
use crate::ids::{Hash, RuleId};
use crate::imaging::shown;

/// Columns of a line of text.
const COLUMNS: usize = 92;

/// What has come of each rule that was to be compiled, and of those that were not.
pub(super) struct Summary {
    steps: Vec<(RuleId, Task)>,
    /// Hashes of the rules' texts as they are now.
    sources: BTreeMap<RuleId, Hash>,
    compiled: BTreeMap<RuleId, LockedRule>,
    failed: BTreeMap<RuleId, String>,
}

impl Summary {
    pub(super) fn new(plan: &Plan) -> Self {
        let steps = plan.steps.iter().map(|step| (step.rule.id.clone(), step.task));
        let sources = plan.steps.iter().map(|step| (step.rule.id.clone(), step.rule.source_hash()));
        Self {
            steps: steps.collect(),
            sources: sources.collect(),
            compiled: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }

    pub(super) fn compiled(&mut self, entry: LockedRule) {
        self.compiled.insert(entry.id.clone(), entry);
    }

    pub(super) fn failed(&mut self, rule: &RuleId, why: String) {
        self.failed.insert(rule.clone(), why);
    }

    /// Whether anything has come of any rule.
    pub(super) fn has_begun(&self) -> bool {
        !self.compiled.is_empty() || !self.failed.is_empty()
    }

    /// Whether every rule has what it should.
    pub(super) fn is_settled(&self) -> bool {
        let open = |(rule, task): &(RuleId, Task)| match task {
            Task::Compile => !self.compiled.contains_key(rule),
            Task::Keep { stale, .. } => *stale,
            Task::Fresh | Task::Adopt | Task::Skip => false,
        };
        !self.steps.iter().any(open)
    }

    pub(super) fn text(&self, desk: &Desk, path: &Path, proposed: &[RuleId]) -> String {
        let mut text = String::new();
        for (rule, task) in &self.steps {
            match task {
                Task::Compile => self.outcome(&mut text, rule),
                Task::Keep { touched, stale } => {
                    let now = self.sources.get(rule).filter(|_| *stale);
                    kept(&mut text, rule, *touched, now);
                }
                Task::Adopt => adopted(&mut text, rule),
                Task::Fresh | Task::Skip => {}
            }
        }
        self.close(&mut text, desk, path, proposed);
        text
    }

    fn outcome(&self, text: &mut String, rule: &RuleId) {
        let name = style::bold(rule.as_str());
        if let Some(entry) = self.compiled.get(rule) {
            let _ = writeln!(text, "\n{name}  {}", style::green("compiled"));
            draw(text, entry);
        } else if let Some(why) = self.failed.get(rule) {
            let _ = writeln!(text, "\n{name}  {}", style::red("not compiled"));
            paragraph(text, "  ", &shown(why).to_string());
        } else {
            let _ = writeln!(text, "\n{name}  {}", style::yellow("not reached"));
        }
    }

    fn close(&self, text: &mut String, desk: &Desk, path: &Path, proposed: &[RuleId]) {
        let count =
            |wanted: fn(&Task) -> bool| self.steps.iter().filter(|(_, task)| wanted(task)).count();
        let to_compile = count(|task| *task == Task::Compile);
        let fresh = count(|task| *task == Task::Fresh);
        let kept = count(|task| matches!(task, Task::Keep { .. }));
        let adopted = count(|task| *task == Task::Adopt);
        let done = self.compiled.len();
        let mut parts = Vec::new();
        for (count, words) in [
            (done, "compiled"),
            (to_compile - done, "not compiled"),
            (kept, "kept as people left them"),
            (adopted, "adopted"),
            (fresh, "up to date"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        }
        let rules = counted(to_compile + kept + adopted + fresh, "rule", "rules");
        let _ = writeln!(text, "\n{}: {}", style::bold(&rules), parts.join(", "));
        let lock = shown(desk.lock_path());
        if done + adopted > 0 {
            let _ = writeln!(text, "wrote {lock}");
        }
        if !proposed.is_empty() {
            let ids: Vec<&str> = proposed.iter().map(RuleId::as_str).collect();
            let _ = writeln!(text, "wrote {}: `proposed` of {}", shown(path), ids.join(", "));
        }
        for rule in desk.leftovers() {
            let _ = writeln!(
                text,
                "{} {lock} has an entry for `{rule}`, which is no rule any more; delete it",
                style::yellow("leftover:")
            );
        }
        if done > 0 {
            let next = format!(
                "next: read each new entry of {lock} against its rule, mend what is wrong, and set \
                 `reviewed: true`; praetor then leaves it alone"
            );
            paragraph(text, "", &next);
        }
    }
}

/// A rule that has become what was proposed.
fn adopted(text: &mut String, rule: &RuleId) {
    let name = style::bold(rule.as_str());
    let _ = writeln!(text, "\n{name}  {}", style::green("adopted"));
    paragraph(text, "  ", "its text is now the objective one; the entry stays as it is");
}

/// One entry as people read it.
fn draw(text: &mut String, entry: &LockedRule) {
    let Some(compiled) = &entry.compiled else { return };
    let scores: Vec<String> =
        compiled.attempts.iter().map(|attempt| attempt.objectiveness.to_string()).collect();
    let rewrites = match scores.len() - 1 {
        0 => "as written".to_owned(),
        count => counted(count, "rewrite", "rewrites"),
    };
    let _ = writeln!(text, "  objectiveness {} of 10, {rewrites}", scores.join(" → "));
    if let [Attempt { explanation, objectiveness, .. }, _, ..] = compiled.attempts.as_slice()
        && !explanation.is_empty()
    {
        let why = format!("why only {objectiveness}: {}", shown(explanation));
        paragraph(text, "  ", &why);
    }
    paragraph(text, "  │ ", &shown(&entry.objective_text).to_string());
    let last = entry.preconditions.len().saturating_sub(1);
    let all = if last == 0 { "" } else { "all of " };
    let _ = writeln!(text, "  violated when {all}this is visible:");
    for (index, precondition) in entry.preconditions.iter().enumerate() {
        let (branch, trunk) = if index == last { ("└─", "  ") } else { ("├─", "│ ") };
        let statement = precondition.question();
        hanging(
            text,
            (&format!("  {branch} "), &format!("  {trunk} ")),
            &shown(&statement).to_string(),
        );
        let objects = precondition.objects.join(", ");
        let _ =
            writeln!(text, "  {trunk}   {}", style::dim(&format!("objects: {}", shown(&objects))));
    }
    for line in to_review(entry, compiled) {
        paragraph(text, "  ", &line);
    }
}

/// What people should look at most.
fn to_review(entry: &LockedRule, compiled: &Provenance) -> Vec<String> {
    let mut lines = Vec::new();
    if compiled.covers {
        lines.push("check: rebuilt from these alone, the rule forbids the same images".to_owned());
    } else {
        lines.push(format!(
            "{} rebuilt from these alone, the rule is another one: {}",
            style::yellow("check:"),
            shown(&compiled.rebuilt)
        ));
        let differences =
            [("not forbidden any more", &compiled.missing), ("forbidden now", &compiled.added)];
        for (words, list) in differences {
            lines.extend(list.iter().map(|one| format!("- {words}: {}", shown(one))));
        }
    }
    if !compiled.objective {
        lines.push(format!(
            "{} no wording was objective enough (9 of 10); the best is kept, with {}. Say in the \
             rule what exactly must not be visible, and compile again",
            style::yellow("review:"),
            entry.objectiveness
        ));
    } else if compiled.attempts.len() > 1 {
        let words = "review: does the new wording still forbid what you mean, and nothing else?";
        lines.push(words.to_owned());
    }
    lines
}

/// An entry that was left alone; `now` is the hash of the rule's text where the entry is stale.
fn kept(text: &mut String, rule: &RuleId, touched: Touched, now: Option<&Hash>) {
    let who = by_whom(touched);
    let (word, words) = match now {
        Some(now) => (
            style::yellow("stale, kept"),
            format!(
                "its entry was {who}, and the rule's text has changed since: read it against the \
                 new text and write `source: {now}` there, or compile it anew with `--force --rule \
                 {rule}`"
            ),
        ),
        None => (
            style::dim("kept"),
            format!("its entry was {who}; `--force --rule {rule}` compiles it anew"),
        ),
    };
    let _ = writeln!(text, "\n{}  {word}", style::bold(rule.as_str()));
    paragraph(text, "  ", &words);
}

/// How people have made an entry theirs.
pub(super) fn by_whom(touched: Touched) -> &'static str {
    match touched {
        Touched::Reviewed => "reviewed",
        Touched::Edited => "edited by hand",
        Touched::Written => "written by hand",
    }
}

/// A text over as many lines as it needs, each with the same beginning.
fn paragraph(text: &mut String, before: &str, words: &str) {
    hanging(text, (before, before), words);
}

/// A text over as many lines as it needs, the first with a beginning of its own, as wide as the others'.
fn hanging(text: &mut String, (first, next): (&str, &str), words: &str) {
    let beginnings = std::iter::once(first).chain(std::iter::repeat(next));
    let lines = style::lines(words.split(' '), COLUMNS - first.chars().count());
    for (beginning, line) in beginnings.zip(lines) {
        let _ = writeln!(text, "{beginning}{line}");
    }
}

/// A count and its word.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
