//! Reads a constitution and its lock as a strict colleague would: all mistakes, and all that could
//! be written better.
//!
//! Mistakes are those of loading. Lints look at the same tree of YAML, so that they speak of a file
//! that has mistakes too, and point at the very words. They are tables and comparisons: no model is
//! asked, and the same file always gives the same findings. Each lint's page is in `catalog`.

mod allow;
mod catalog;
mod finding;
mod form;
mod locked;
mod names;
mod page;
mod place;
mod tables;
mod twins;
mod wording;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;

use self::allow::Allowances;
use self::locked::LockEntry;
use self::words::Text;
use super::error::{ConstitutionError, Mistake};
use super::lock::{self, lock_path};
use super::policy::mistakes_between;
use super::problem::{shown, shown_path};
use super::source::{self, Document, printable};
use super::tree::Node;
use super::{Constitution, Lock, one_line};

pub use catalog::Lint;
pub use finding::{Finding, Level, Mark, Replacement};
pub use names::UnknownLint;
pub use page::pages;

/// What was made of a constitution and its lock.
#[derive(Debug, Default)]
pub struct Checked {
    /// Why a file could not be read at all.
    pub unread: Vec<ConstitutionError>,
    /// All mistakes in the files, by file and line.
    pub mistakes: Vec<Mistake>,
    /// All that could be written better and is not allowed, by file and line.
    pub findings: Vec<Finding>,
    /// How many rules the constitution has.
    pub rules: usize,
    /// Where the lock would be, if there is none yet.
    pub uncompiled: Option<PathBuf>,
}

impl Checked {
    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.unread.len() + self.mistakes.len()
    }

    /// How many findings there are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.lint.level() == level).count()
    }
}

/// Checks a constitution and its lock; without `lock`, the one beside it (see [`lock_path`]), which
/// need not be there.
///
/// ```
/// use praetor::constitution::lint::{Lint, check};
///
/// let checked = check("constitutions/demo.yaml".as_ref(), None);
/// assert_eq!(checked.errors(), 0);
/// assert!(checked.findings.iter().all(|finding| finding.lint == Lint::Unreviewed));
/// ```
pub fn check(path: &Path, lock: Option<&Path>) -> Checked {
    let text = match source::read_text(path) {
        Ok(text) => text,
        Err(error) => return Checked { unread: vec![error], ..Checked::default() },
    };
    let beside = lock_path(path);
    let locked = match lock::read_lock(lock.unwrap_or(&beside)) {
        Ok(text) => Some(text),
        Err(ConstitutionError::NoLock { .. }) if lock.is_none() => None,
        Err(error) => {
            let mut checked = check_texts((&shown_path(path), &text), None);
            checked.unread.push(error);
            return checked;
        }
    };
    let name = shown_path(lock.unwrap_or(&beside));
    let mut checked =
        check_texts((&shown_path(path), &text), locked.as_ref().map(|text| (&*name, &**text)));
    checked.uncompiled = locked.is_none().then_some(beside);
    checked
}

/// Checks texts, each with the name it is reported by.
pub fn check_texts(constitution: (&str, &str), lock: Option<(&str, &str)>) -> Checked {
    let document = source::document(constitution.0, constitution.1);
    let locked = lock.map(|(name, text)| lock::document(name, text));
    let sheet = Sheet::read(constitution);
    let lock_sheet = lock.and_then(Sheet::read);
    let findings = sheet.as_ref().map(|sheet| findings(sheet, lock_sheet.as_ref()));
    Checked {
        mistakes: mistakes(document, locked),
        findings: findings.unwrap_or_default(),
        rules: sheet.map_or(0, |sheet| sheet.tree.items("rules").len()),
        ..Checked::default()
    }
}

/// The mistakes in both files, and between them once both are free of others.
fn mistakes(
    constitution: Result<Document<Constitution>, Vec<Mistake>>,
    lock: Option<Result<Document<Lock>, Vec<Mistake>>>,
) -> Vec<Mistake> {
    match (constitution, lock) {
        (Ok(constitution), Some(Ok(lock))) => mistakes_between(&constitution, &lock),
        (constitution, lock) => {
            let lock = lock.and_then(Result::err);
            constitution.err().into_iter().chain(lock).flatten().collect()
        }
    }
}

/// A file whose YAML could be read, whatever else may be wrong with it.
struct Sheet {
    tree: Node,
    source: Arc<NamedSource<String>>,
}

impl Sheet {
    fn read((name, text): (&str, &str)) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let tree = Node::read(text).ok()?;
        Some(Self { tree, source: Arc::new(NamedSource::new(name, printable(text))) })
    }

    /// The rules' ids and texts, where they have a text.
    fn rules(&self) -> Vec<(String, Text)> {
        let rules = self.tree.items("rules").iter();
        rules
            .filter_map(|rule| {
                let entry = rule.get("text")?;
                let text = Text::new(&entry.value, entry.key_span, self.source.inner())?;
                Some((rule.text("id").unwrap_or_default().to_owned(), text))
            })
            .collect()
    }

    fn finding(&self, draft: Draft) -> Finding {
        let Draft { lint, message, mut marks, related, help } = draft;
        // An id or a sentence from the file may hold an escaped control character.
        for mark in &mut marks {
            mark.message = printable(&mark.message);
        }
        let (message, help) = (printable(&message), printable(&help));
        Finding { lint, message, marks, related, help, source: self.source.clone() }
    }
}

/// A finding that does not know its file yet.
struct Draft {
    lint: Lint,
    message: String,
    marks: Vec<Mark>,
    related: Option<Mark>,
    help: String,
}

impl Draft {
    /// With the name of the rule, which may stand far above the words.
    fn of(mut self, rule: &str) -> Self {
        let rule = shown(rule);
        self.message = format!("`{rule}`: {}", self.message);
        for mark in &mut self.marks {
            mark.message = format!("`{rule}`: {}", mark.message);
        }
        self
    }
}

/// Everything that could be written better and is not allowed.
fn findings(constitution: &Sheet, lock: Option<&Sheet>) -> Vec<Finding> {
    let mut allowances = Allowances::of(constitution);
    let rules = constitution.rules();
    let mut found = of_rules(constitution, &rules, &mut allowances);
    let in_lock = lock.map(|lock| of_lock(lock, &rules, &mut allowances)).unwrap_or_default();
    for (rule, draft) in allowances.unused(lock.is_some()) {
        let rules: Vec<&str> = rule.iter().map(String::as_str).collect();
        if !allowances.allow(draft.lint, &rules) {
            found.push(constitution.finding(draft));
        }
    }
    found.sort_by_key(Finding::position);
    found.extend(in_lock);
    found
}

fn of_rules(sheet: &Sheet, rules: &[(String, Text)], allowances: &mut Allowances) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, text) in rules {
        let drafts = wording::check(text).into_iter().chain(form::check(text));
        let kept = drafts.filter(|draft| !allowances.allow(draft.lint, &[id]));
        found.extend(kept.map(|draft| sheet.finding(draft.of(id))));
    }
    for (later, first, draft) in twins::check(rules) {
        if !allowances.allow(draft.lint, &[&rules[later].0, &rules[first].0]) {
            found.push(sheet.finding(draft));
        }
    }
    found
}

fn of_lock(sheet: &Sheet, rules: &[(String, Text)], allowances: &mut Allowances) -> Vec<Finding> {
    let entries = LockEntry::all(sheet);
    let mut found = Vec::new();
    let mut read = Vec::new();
    for entry in &entries {
        let rule = rules.iter().find(|(id, _)| *id == entry.id);
        for draft in entry.check(rule.map(|(_, text)| text.content.as_str())) {
            if !allowances.allow(draft.lint, &[&entry.id]) {
                found.push(sheet.finding(draft));
            }
        }
        if entry.is_unreviewed() && allowances.allow(Lint::Unreviewed, &[&entry.id]) {
            read.push(entry.id.as_str());
        }
    }
    found.extend(locked::unreviewed(&entries, &read).map(|draft| sheet.finding(draft)));
    found.sort_by_key(Finding::position);
    found
}

/// Words in backticks, the last after `and`.
fn listed(words: &[impl AsRef<str>]) -> String {
    let mut distinct: Vec<String> = Vec::new();
    for word in words.iter().map(|word| format!("`{}`", shown(word.as_ref()))) {
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    match distinct.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Words with a capital letter at their beginning.
fn capital(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}
