//! The lock: what a constitution was compiled to, reviewed by people and committed beside it.
//!
//! Stage 1 of the paper makes rules objective and takes them apart into
//! preconditions, once and offline. The result is a file, `demo.lock.yaml` beside `demo.yaml`, and
//! not a cache: people read it, mend it and sign it with `reviewed: true`.

use std::path::{Path, PathBuf};

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::{ConstitutionError, Mistake};
use super::problem::{Problem, nearest, shown, shown_path};
use super::source::{Document, read, read_text, repeated_ids, value_of};
use super::tree::{Entry, Kind, Node};
use super::{Constitution, Provenance, one_line};
use crate::ids::{Hash, RuleId};

/// The first lines of a lock, for who has none.
const LOCK_START: &str = "a lock begins with `version: 1`, `constitution:` and `rules:`; `constitutions/demo.lock.yaml` is one to copy";

/// The compiled form of a constitution: for every rule its objective wording and the chain of
/// preconditions that are asked of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "praetor lock")]
pub struct Lock {
    /// Version of this file's form; always 1 in this release.
    #[garde(skip)]
    pub version: u32,
    /// Name of the constitution it belongs to.
    #[garde(length(chars, min = 1))]
    pub constitution: String,
    /// One entry a rule, in any order.
    #[garde(length(min = 1), dive)]
    pub rules: Vec<LockedRule>,
}

/// What one rule was compiled to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "lock entry")]
pub struct LockedRule {
    /// Id of the rule in the constitution.
    #[garde(skip)]
    pub id: RuleId,
    /// Hash of the rule's text that this entry was made from. praetor refuses to judge by an entry
    /// whose rule has changed since, and then prints the hash to put here after a review.
    #[garde(skip)]
    pub source: Hash,
    /// How objective the objective text is, from 1 to 10; below 9 two people may read it
    /// differently.
    #[garde(range(min = 1, max = 10))]
    pub objectiveness: u8,
    /// The rule made objective: nothing in it needs an opinion.
    #[garde(length(chars, min = 1))]
    pub objective_text: String,
    /// Whether a person has read this entry and stands by it.
    #[garde(skip)]
    pub reviewed: bool,
    /// What must be visible for the rule to be violated: all of it.
    #[garde(length(min = 1), dive)]
    pub preconditions: Vec<LockedPrecondition>,
    /// How praetor came to this entry, if it was compiled; for people, no verdict depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub compiled: Option<Provenance>,
}

/// One thing that must be visible for a rule to be violated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "precondition")]
pub struct LockedPrecondition {
    /// The statement that is asked of the model, such as `a child is visible`. May be left out when
    /// `any_of` has the alternatives: it is then those joined by "or".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(chars, min = 1)))]
    #[schemars(length(min = 1))]
    pub statement: Option<String>,
    /// Alternatives, at least two, one of which is enough: `a knife is visible`, `a gun is visible`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(inner(length(chars, min = 1)))]
    #[schemars(length(min = 2))]
    pub any_of: Vec<String>,
    /// The central objects, in a word or two each: what must be in the picture for the statement to
    /// hold at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(inner(length(chars, min = 1)))]
    pub objects: Vec<String>,
}

impl LockedPrecondition {
    /// The statement to ask, on one line: as written, or the alternatives joined by "or".
    pub fn question(&self) -> String {
        match &self.statement {
            Some(statement) => one_line(statement),
            None => self.any_of.iter().map(|one| one_line(one)).collect::<Vec<_>>().join(" or "),
        }
    }
}

/// Where a constitution's lock lies if nobody says otherwise: `demo.lock.yaml` beside `demo.yaml`.
///
/// ```
/// use praetor::constitution::lock_path;
/// assert!(lock_path("policies/demo.yaml".as_ref()).ends_with("policies/demo.lock.yaml"));
/// ```
pub fn lock_path(constitution: &Path) -> PathBuf {
    constitution.with_extension("lock.yaml")
}

impl Lock {
    /// The version of the file's form that this release reads and writes.
    pub const VERSION: u32 = 1;

    /// Reads a lock from a file.
    ///
    /// # Errors
    /// [`ConstitutionError::NoLock`] when there is no such file, [`ConstitutionError::Unreadable`]
    /// or [`ConstitutionError::NotUtf8`] for the file, else [`ConstitutionError::Invalid`] with
    /// every mistake in it.
    pub fn load(path: &Path) -> Result<Self, ConstitutionError> {
        value_of(document(&shown_path(path), &read_lock(path)?))
    }

    /// Reads a lock from a text.
    ///
    /// # Errors
    /// [`ConstitutionError::Invalid`] with every mistake in it.
    pub fn parse(yaml: &str) -> Result<Self, ConstitutionError> {
        value_of(document("lock", yaml))
    }

    /// Writes the lock as YAML that reads back as the same.
    ///
    /// # Errors
    /// None is known; the serializer reserves the right.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::ser_error::Error> {
        serde_saphyr::to_string(self)
    }
}

/// Reads a lock's text; that there is none is an error of its own.
pub(super) fn read_lock(path: &Path) -> Result<String, ConstitutionError> {
    match read_text(path) {
        Err(ConstitutionError::Unreadable { path, kind: std::io::ErrorKind::NotFound, .. }) => {
            Err(ConstitutionError::NoLock { path })
        }
        other => other,
    }
}

/// Reads a lock and keeps its places.
pub(super) fn document(name: &str, text: &str) -> Result<Document<Lock>, Vec<Mistake>> {
    read(name, text, LOCK_START, |tree, problems| {
        if let Some(version) =
            tree.text("version").filter(|version| *version != Lock::VERSION.to_string())
        {
            let at = tree.get("version").map(Entry::span);
            problems.push(Problem::Version { found: shown(version), at });
        }
        let entries = tree.items("rules");
        for (id, first, again) in repeated_ids(entries) {
            problems.push(Problem::DuplicateEntry { id, first: Some(first), again: Some(again) });
        }
        for entry in entries {
            let rule = shown(entry.text("id").unwrap_or("?"));
            for precondition in entry.items("preconditions") {
                problems.extend(unaskable(precondition, &rule));
            }
        }
    })
}

/// What keeps a precondition from being asked.
fn unaskable(precondition: &Node, rule: &str) -> Option<Problem> {
    let Kind::Map(entries) = &precondition.kind else { return None };
    let alternatives = precondition.items("any_of").len();
    if entries.iter().any(|entry| !["statement", "any_of", "objects"].contains(&entry.key.as_str()))
    {
        // It may be a misspelt `statement`, and is reported as such.
        None
    } else if alternatives == 1 {
        let at = precondition.get("any_of").map(|entry| entry.key_span);
        Some(Problem::SingleAlternative { at })
    } else if alternatives == 0 && precondition.get("statement").is_none_or(Entry::is_blank) {
        Some(Problem::NoStatement { rule: rule.to_owned(), at: Some(precondition.span) })
    } else {
        None
    }
}

/// What keeps a lock from being the constitution's: problems of the constitution's file, and
/// problems of the lock's.
///
/// The trees give places; without them (values built in code) problems have none.
pub(super) fn misfits(
    (constitution, rules): (&Constitution, Option<&Node>),
    (lock, entries): (&Lock, Option<&Node>),
) -> (Vec<Problem>, Vec<Problem>) {
    let (mut in_constitution, mut in_lock) = (Vec::new(), Vec::new());
    if lock.constitution != constitution.name {
        in_lock.push(Problem::OtherConstitution {
            found: shown(&lock.constitution),
            expected: shown(&constitution.name),
            at: entries.and_then(|tree| Some(tree.get("constitution")?.span())),
        });
    }
    let id_place = |tree: Option<&Node>, index: usize, key: &str| {
        Some(tree?.items("rules").get(index)?.get(key)?.span())
    };
    for (index, rule) in constitution.rules.iter().enumerate() {
        let now = rule.source_hash();
        match lock.rules.iter().position(|entry| entry.id == rule.id) {
            None => in_constitution.push(Problem::RuleMissing {
                rule: rule.id.to_string(),
                now,
                at: id_place(rules, index, "id"),
            }),
            Some(found) if lock.rules[found].source != now => in_lock.push(Problem::Stale {
                rule: rule.id.to_string(),
                now,
                at: id_place(entries, found, "source"),
            }),
            Some(_) => {}
        }
    }
    for (index, entry) in lock.rules.iter().enumerate() {
        if !constitution.rules.iter().any(|rule| rule.id == entry.id) {
            let known = constitution.rules.iter().map(|rule| rule.id.as_str());
            let meant = nearest(entry.id.as_str(), known).map_or_else(String::new, |id| {
                format!("; if the rule was renamed, write `id: {id}` here")
            });
            in_lock.push(Problem::NoSuchRule {
                rule: entry.id.to_string(),
                at: id_place(entries, index, "id"),
                help: format!("delete the entry if the rule is gone{meant}"),
            });
        }
    }
    (in_constitution, in_lock)
}
