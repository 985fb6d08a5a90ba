//! What changed between two editions of a constitution, rule by rule: in words, and in what the
//! model is asked.
//!
//! Whether a change can change a verdict is told apart from what only people read. A rule that got
//! another id and kept its text is one that was renamed.

use serde::Serialize;

use super::written::{local_only, settings};
use super::{Constitution, Examples, Lock, LockedRule, Rule, Settings, one_line};
use crate::ids::RuleId;

/// A constitution with its lock, as far as that was made.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers make these to compare them")]
pub struct Edition<'a> {
    /// The rules in words.
    pub constitution: &'a Constitution,
    /// What they were compiled to; nothing before the first compilation.
    pub lock: Option<&'a Lock>,
}

/// What was, and what is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change<T> {
    /// What was.
    pub before: T,
    /// What is.
    pub after: T,
}

/// What changed between two editions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// The constitution's name, where it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Change<String>>,
    /// Settings for all rules that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingChange>,
    /// The rules that changed: in the new edition's order, then those that are gone.
    pub rules: Vec<RuleDiff>,
    /// How many rules are as they were.
    pub unchanged: usize,
}

/// A setting that changed, by its YAML key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SettingChange {
    /// Such as `thresholds.accept_above_prior`.
    pub key: String,
    /// What was written; nothing where the default held.
    pub before: Option<String>,
    /// What is written.
    pub after: Option<String>,
}

/// One rule that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuleDiff {
    /// The rule's id: the new one, unless it is gone.
    pub id: RuleId,
    /// What became of it.
    pub kind: RuleChange,
    /// The id it had, where it was renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<RuleId>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Change<String>>,
    /// Its objective text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective_text: Option<Change<String>>,
    /// All preconditions of both editions, where they changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preconditions: Vec<PreconditionChange>,
    /// Settings of this rule alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingChange>,
    /// Whether notes or examples changed, which only people read.
    pub for_people: bool,
    /// Whether the new edition's lock has no entry made from the new text, so that it can't be
    /// judged by yet.
    pub to_compile: bool,
}

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

/// A precondition of either edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreconditionChange {
    /// Whether it stayed.
    pub kind: PreconditionKind,
    /// What is asked of the model.
    pub statement: String,
    /// The central objects, where it stayed and they changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<Change<Vec<String>>>,
}

/// Whether a precondition stayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PreconditionKind {
    /// It is asked as before.
    Kept,
    /// It is asked no more.
    Removed,
    /// It is asked now.
    Added,
}

impl Diff {
    /// Compares two editions.
    pub fn between(old: Edition<'_>, new: Edition<'_>) -> Self {
        let renamed = renames(old.constitution, new.constitution);
        let mut rules = Vec::new();
        let mut unchanged = 0;
        for rule in &new.constitution.rules {
            let was = renamed.iter().find(|(_, now)| **now == rule.id).map(|(was, _)| *was);
            let before = find(old.constitution, was.unwrap_or(&rule.id));
            match compare((before, old.lock), (Some(rule), new.lock)) {
                Some(diff) => rules.push(RuleDiff { renamed_from: was.cloned(), ..diff }),
                None if was.is_some() => {
                    let diff = RuleDiff::of(rule.id.clone(), RuleChange::Changed);
                    rules.push(RuleDiff { renamed_from: was.cloned(), ..diff });
                }
                None => unchanged += 1,
            }
        }
        let gone = old.constitution.rules.iter().filter(|rule| {
            find(new.constitution, &rule.id).is_none()
                && renamed.iter().all(|(was, _)| **was != rule.id)
        });
        rules.extend(gone.filter_map(|rule| compare((Some(rule), old.lock), (None, new.lock))));
        Self {
            name: changed(&old.constitution.name, &new.constitution.name),
            settings: settings(&old.constitution.settings, &new.constitution.settings),
            rules,
            unchanged,
        }
    }

    /// Whether nothing changed at all.
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.settings.is_empty() && self.rules.is_empty()
    }
}

impl RuleDiff {
    fn of(id: RuleId, kind: RuleChange) -> Self {
        Self {
            id,
            kind,
            renamed_from: None,
            text: None,
            objective_text: None,
            preconditions: Vec::new(),
            settings: Vec::new(),
            for_people: false,
            to_compile: false,
        }
    }

    /// Whether a verdict can differ by what changed here.
    pub fn changes_verdicts(&self) -> bool {
        self.kind != RuleChange::Changed
            || self.objective_text.is_some()
            || !self.preconditions.is_empty()
            || !self.settings.is_empty()
    }
}

fn find<'a>(constitution: &'a Constitution, id: &RuleId) -> Option<&'a Rule> {
    constitution.rules.iter().find(|rule| rule.id == *id)
}

/// Ids that are gone, with the new id under which their text stands now.
fn renames<'a>(old: &'a Constitution, new: &'a Constitution) -> Vec<(&'a RuleId, &'a RuleId)> {
    let fresh: Vec<&Rule> = new.rules.iter().filter(|rule| find(old, &rule.id).is_none()).collect();
    let gone = old.rules.iter().filter(|rule| find(new, &rule.id).is_none());
    gone.filter_map(|was| {
        let now = fresh.iter().find(|now| now.source_hash() == was.source_hash())?;
        Some((&was.id, &now.id))
    })
    .collect()
}

type Side<'a> = (Option<&'a Rule>, Option<&'a Lock>);

fn compare((old, old_lock): Side<'_>, (new, new_lock): Side<'_>) -> Option<RuleDiff> {
    let kind = match (old, new) {
        (None, _) => RuleChange::Added,
        (_, None) => RuleChange::Removed,
        _ => RuleChange::Changed,
    };
    let rule = new.or(old)?;
    let entry_of = |rule: Option<&Rule>, lock: Option<&'_ Lock>| -> Option<LockedRule> {
        lock?.rules.iter().find(|entry| Some(&entry.id) == rule.map(|rule| &rule.id)).cloned()
    };
    let (was, is) = (entry_of(old, old_lock), entry_of(new, new_lock));
    let text = |rule: Option<&Rule>| rule.map(|rule| one_line(&rule.text)).unwrap_or_default();
    let objective = |entry: &Option<LockedRule>| {
        entry.as_ref().map(|entry| one_line(&entry.objective_text)).unwrap_or_default()
    };
    let empty = Settings::default();
    let for_people = |rule: Option<&Rule>| {
        let notes = rule.and_then(|rule| rule.notes.as_deref()).map(one_line);
        let examples: Examples = rule.map(|rule| rule.examples.clone()).unwrap_or_default();
        (notes, examples)
    };
    let fresh = |entry: &LockedRule| Some(entry.source) == new.map(Rule::source_hash);
    let diff = RuleDiff {
        text: changed(&text(old), &text(new)),
        objective_text: changed(&objective(&was), &objective(&is)),
        preconditions: preconditions(was.as_ref(), is.as_ref()),
        settings: settings(
            old.map_or(&empty, |rule| &rule.settings),
            new.map_or(&empty, |rule| &rule.settings),
        )
        .into_iter()
        .chain(local_only(old, new))
        .collect(),
        for_people: kind == RuleChange::Changed && for_people(old) != for_people(new),
        to_compile: new.is_some() && !is.as_ref().is_some_and(fresh),
        ..RuleDiff::of(rule.id.clone(), kind)
    };
    let same = kind == RuleChange::Changed
        && diff.text.is_none()
        && !diff.for_people
        && !diff.changes_verdicts();
    (!same).then_some(diff)
}

fn changed(before: &String, after: &String) -> Option<Change<String>> {
    (before != after).then(|| Change { before: before.clone(), after: after.clone() })
}

/// The preconditions of both, in an order in which each edition's own is kept; nothing when they
/// are the same.
fn preconditions(old: Option<&LockedRule>, new: Option<&LockedRule>) -> Vec<PreconditionChange> {
    let chain = |entry: Option<&LockedRule>| -> Vec<(String, Vec<String>)> {
        let links = entry.into_iter().flat_map(|entry| &entry.preconditions);
        links.map(|link| (link.question(), link.objects.clone())).collect()
    };
    let (old, new) = (chain(old), chain(new));
    let statements = |chain: &[(String, Vec<String>)]| -> Vec<String> {
        chain.iter().map(|(statement, _)| statement.clone()).collect()
    };
    let (before, after) = (statements(&old), statements(&new));
    let mut changes = Vec::new();
    for step in similar::capture_diff_slices(similar::Algorithm::Myers, &before, &after) {
        for change in step.iter_changes(&before, &after) {
            let (kind, objects) = match (change.tag(), change.old_index(), change.new_index()) {
                (similar::ChangeTag::Delete, ..) => (PreconditionKind::Removed, None),
                (similar::ChangeTag::Insert, ..) => (PreconditionKind::Added, None),
                (similar::ChangeTag::Equal, Some(was), Some(is)) => {
                    let (was, is) = (&old[was].1, &new[is].1);
                    let objects =
                        (was != is).then(|| Change { before: was.clone(), after: is.clone() });
                    (PreconditionKind::Kept, objects)
                }
                (similar::ChangeTag::Equal, ..) => (PreconditionKind::Kept, None),
            };
            changes.push(PreconditionChange { kind, statement: change.value(), objects });
        }
    }
    let same = |change: &PreconditionChange| {
        change.kind == PreconditionKind::Kept && change.objects.is_none()
    };
    if changes.iter().all(same) { Vec::new() } else { changes }
}

#[cfg(test)]
mod tests {
    use super::PreconditionKind::{Added, Kept, Removed};
    use super::*;

    fn constitution(rules: &str) -> Constitution {
        Constitution::parse(&format!("{{name: pets, rules: [{rules}]}}")).unwrap()
    }

    fn entry(id: &str, text: &str, statements: &[&str]) -> String {
        let links: Vec<String> =
            statements.iter().map(|one| format!("{{statement: {one}, objects: [it]}}")).collect();
        format!(
            "{{id: {id}, source: {}, objectiveness: 9, objective_text: {text}, reviewed: true, \
             preconditions: [{}]}}",
            crate::ids::Hash::of(text.as_bytes()),
            links.join(", ")
        )
    }

    fn lock(entries: &[String]) -> Lock {
        let entries = entries.join(", ");
        Lock::parse(&format!("{{version: 1, constitution: pets, rules: [{entries}]}}")).unwrap()
    }

    #[test]
    fn an_edition_is_like_itself() {
        let constitution = constitution("{id: dogs, text: No dogs.}");
        let edition = Edition { constitution: &constitution, lock: None };
        let diff = Diff::between(edition, edition);
        assert!(diff.is_empty());
        assert_eq!(diff.unchanged, 1);
    }

    #[test]
    fn rules_come_go_change_and_are_renamed() {
        let old = constitution(
            "{id: dogs, text: No dogs.}, {id: cats, text: No cats.}, {id: cows, text: No cows.}, \
             {id: pigs, text: No pigs.}",
        );
        let new = constitution(
            "{id: dogs, text: No big dogs.}, {id: felines, text: No cats.}, \
             {id: pigs, text: No  pigs., notes: Ham too.}, {id: rats, text: No rats.}",
        );
        let edition = |constitution| Edition { constitution, lock: None };
        let diff = Diff::between(edition(&old), edition(&new));
        let kinds: Vec<(&str, RuleChange)> =
            diff.rules.iter().map(|rule| (rule.id.as_str(), rule.kind)).collect();
        let changed = RuleChange::Changed;
        assert_eq!(
            kinds,
            [
                ("dogs", changed),
                ("felines", changed),
                ("pigs", changed),
                ("rats", RuleChange::Added),
                ("cows", RuleChange::Removed)
            ]
        );
        assert_eq!(diff.rules[1].renamed_from, Some(RuleId::new("cats").unwrap()));
        assert!(diff.rules[2].for_people && diff.rules[2].text.is_none());
        assert!(!diff.rules[2].changes_verdicts());
        assert!(diff.rules[0].to_compile);
    }

    #[test]
    fn preconditions_settings_and_objects_are_told_apart() {
        let old = constitution("{id: dogs, text: No dogs.}");
        let new = constitution(
            "{id: dogs, text: No dogs., settings: {undecided: lean, thresholds: {region_drop: 0.5}}}",
        );
        let was = lock(&[entry("dogs", "No dogs.", &["a dog", "a leash"])]);
        let mut is = lock(&[entry("dogs", "No dogs.", &["a dog", "a big dog"])]);
        is.rules[0].preconditions[0].objects = vec!["dog".to_owned()];
        let diff = Diff::between(
            Edition { constitution: &old, lock: Some(&was) },
            Edition { constitution: &new, lock: Some(&is) },
        );
        let [rule] = diff.rules.as_slice() else { panic!("{diff:?}") };
        let kinds: Vec<(PreconditionKind, &str)> =
            rule.preconditions.iter().map(|one| (one.kind, one.statement.as_str())).collect();
        assert_eq!(kinds, [(Kept, "a dog"), (Removed, "a leash"), (Added, "a big dog")]);
        assert!(rule.preconditions[0].objects.is_some());
        let keys: Vec<&str> = rule.settings.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["thresholds.region_drop", "undecided"]);
        assert!(!rule.to_compile && rule.changes_verdicts());
    }
}
