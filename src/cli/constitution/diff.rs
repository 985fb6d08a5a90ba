//! `praetor constitution diff`: what an edit changed, in words and in what the model is asked.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use similar::{ChangeTag, TextDiff};

use crate::cli::judging::Format;
use crate::cli::{Ending, Failure, Outcome, style};
use crate::constitution::diff::{
    Change, Diff, Edition, PreconditionChange, PreconditionKind, RuleChange, RuleDiff,
    SettingChange,
};
use crate::constitution::{Constitution, ConstitutionError, Lock, lock_path};
use crate::imaging::shown;

/// Show what changed between two editions of a constitution, rule by rule
///
/// Compares the texts, what they were compiled to, and the settings; says which changes can change
/// a verdict. For the last committed edition:
///
///   git show HEAD:demo.yaml > old.yaml; git show HEAD:demo.lock.yaml > old.lock.yaml
///
/// `praetor impact` then tells what the changes would do to a collection of images.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct DiffCommand {
    /// The constitution as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The constitution as it is
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The lock as it was [default: beside OLD, if there is one]
    #[arg(long, value_name = "YAML")]
    old_lock: Option<PathBuf>,
    /// The lock as it is [default: beside NEW, if there is one]
    #[arg(long, value_name = "YAML")]
    new_lock: Option<PathBuf>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl DiffCommand {
    pub(in crate::cli) fn run(self) -> Outcome {
        let old = Constitution::load(&self.old).map_err(Failure::input)?;
        let new = Constitution::load(&self.new).map_err(Failure::input)?;
        let old_lock = load_lock(&self.old, self.old_lock.as_deref())?;
        let new_lock = load_lock(&self.new, self.new_lock.as_deref())?;
        let diff = Diff::between(
            Edition { constitution: &old, lock: old_lock.as_ref() },
            Edition { constitution: &new, lock: new_lock.as_ref() },
        );
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&diff)?)?,
            Format::Text => {
                for (constitution, lock) in [(&self.old, &old_lock), (&self.new, &new_lock)] {
                    if lock.is_none() {
                        let name = shown(constitution);
                        style::notes(&[format!(
                            "`{name}` has no lock: only its texts are compared"
                        )])?;
                    }
                }
                write!(out, "{}", text(&diff))?;
            }
        }
        Ok(Ending::Done)
    }
}

/// The lock, unless there is none beside the constitution.
fn load_lock(constitution: &Path, named: Option<&Path>) -> Result<Option<Lock>, Failure> {
    let beside = lock_path(constitution);
    match Lock::load(named.unwrap_or(&beside)) {
        Ok(lock) => Ok(Some(lock)),
        Err(ConstitutionError::NoLock { .. }) if named.is_none() => Ok(None),
        Err(error) => Err(Failure::input(error)),
    }
}

/// All changes in words.
fn text(diff: &Diff) -> String {
    let mut text = String::new();
    if let Some(Change { before, after }) = &diff.name {
        let _ = writeln!(text, "name: {before} is now {after}\n");
    }
    if !diff.settings.is_empty() {
        let _ = writeln!(text, "{}", style::bold("settings for all rules"));
        text.extend(diff.settings.iter().map(setting));
        text.push('\n');
    }
    for rule in &diff.rules {
        text.push_str(&rule_text(rule));
        text.push('\n');
    }
    text.push_str(&ending(diff));
    text
}

fn ending(diff: &Diff) -> String {
    let count = |kind| diff.rules.iter().filter(|rule| rule.kind == kind).count();
    let parts: Vec<String> = [
        (count(RuleChange::Changed), "changed"),
        (count(RuleChange::Added), "added"),
        (count(RuleChange::Removed), "removed"),
        (diff.unchanged, "as before"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    let deciding = diff.rules.iter().filter(|rule| rule.changes_verdicts()).count();
    let verdicts = match (deciding, diff.settings.is_empty()) {
        (_, false) => "verdicts of every rule can change".to_owned(),
        (0, true) => "no verdict can change".to_owned(),
        (1, true) => "verdicts of 1 rule can change".to_owned(),
        (rules, true) => format!("verdicts of {rules} rules can change"),
    };
    let mut text = format!("rules: {}; {verdicts}\n", parts.join(", "));
    let waiting = diff.rules.iter().filter(|rule| rule.to_compile).count();
    if waiting > 0 {
        let _ = writeln!(
            text,
            "{waiting} of them can't be judged by yet: run `praetor constitution compile`"
        );
    }
    text
}

fn rule_text(rule: &RuleDiff) -> String {
    let (sign, what) = match rule.kind {
        RuleChange::Added => (style::green("+"), "new rule"),
        RuleChange::Removed => (style::red("-"), "rule is gone"),
        RuleChange::Changed if rule.changes_verdicts() => (style::yellow("~"), ""),
        RuleChange::Changed => (style::yellow("~"), "no verdict can change"),
    };
    let mut text = format!("{sign} {}", style::bold(rule.id.as_str()));
    if !what.is_empty() {
        let _ = write!(text, "  {}", style::dim(what));
    }
    text.push('\n');
    if let Some(was) = &rule.renamed_from {
        let _ = writeln!(text, "    id         {was} is now {}", rule.id);
    }
    for (name, change) in [("text", &rule.text), ("objective", &rule.objective_text)] {
        if let Some(change) = change {
            let _ = writeln!(text, "    {name:<10} {}", words(change));
        }
    }
    if !rule.preconditions.is_empty() {
        text.push_str("    asks\n");
        text.extend(rule.preconditions.iter().map(precondition));
    }
    text.extend(rule.settings.iter().map(setting));
    if rule.for_people {
        text.push_str("    notes or examples changed, which only people read\n");
    }
    text
}

/// One text with what was taken out and what was put in.
fn words(change: &Change<String>) -> String {
    if change.before.is_empty() {
        return style::green(&change.after);
    }
    if change.after.is_empty() {
        return style::red(&change.before);
    }
    let diff = TextDiff::from_unicode_words(&change.before, &change.after);
    let mut text = String::new();
    for step in diff.ops() {
        let (mut gone, mut new) = (String::new(), String::new());
        for part in diff.iter_changes(step) {
            match part.tag() {
                ChangeTag::Equal => text.push_str(part.value()),
                ChangeTag::Delete => gone.push_str(part.value()),
                ChangeTag::Insert => new.push_str(part.value()),
            }
        }
        if !gone.is_empty() {
            text.push_str(&style::red(&format!("[-{gone}-]")));
        }
        if !new.is_empty() {
            text.push_str(&style::green(&format!("{{+{new}+}}")));
        }
    }
    text
}

fn precondition(change: &PreconditionChange) -> String {
    let statement = &change.statement;
    let line = match change.kind {
        PreconditionKind::Kept => format!("        {statement}"),
        PreconditionKind::Removed => style::red(&format!("      - {statement}")),
        PreconditionKind::Added => style::green(&format!("      + {statement}")),
    };
    let objects = change.objects.as_ref().map_or_else(String::new, |objects| {
        let list = |words: &[String]| {
            if words.is_empty() { "none".to_owned() } else { words.join(", ") }
        };
        let (before, after) = (list(&objects.before), list(&objects.after));
        format!("          looks for: {before} -> {after}\n")
    });
    format!("{line}\n{objects}")
}

fn setting(change: &SettingChange) -> String {
    let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "default".to_owned());
    format!("    {}: {} -> {}\n", change.key, word(&change.before), word(&change.after))
}
