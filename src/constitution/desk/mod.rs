//! A constitution and its lock while somebody works on them: read, compared, edited and saved.
//!
//! The only writer of both files. Every edit begins with the file as it is on the disk at that
//! moment, since compiling takes minutes in which people go on typing; it changes one entry, reads
//! the result back, compares every value, and takes the file's place as a whole.

mod error;

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::edit::{Items, Unsafe, has_comment};
use super::error::{ConstitutionError, Mistake};
use super::lock::{self, lock_path, misfits};
use super::problem::{Problem, shown_path};
use super::source::{self, Document};
use super::standing::{leftovers, standings};
use super::{Constitution, Lock, LockedRule, Standing, Touched, render};
use crate::ids::RuleId;

pub use self::error::DeskError;

/// The two files of a policy, open for work.
#[derive(Debug)]
pub struct Desk {
    path: PathBuf,
    lock_path: PathBuf,
    constitution: Constitution,
    lock: Option<Lock>,
    /// Entries with a comment inside.
    commented: Vec<RuleId>,
}

impl Desk {
    /// Reads a constitution and its lock, which may be missing; without `lock`, the one beside it.
    ///
    /// # Errors
    /// [`ConstitutionError`] with every mistake in either file; that entries are missing or stale
    /// is none.
    pub fn open(path: &Path, lock: Option<&Path>) -> Result<Self, ConstitutionError> {
        let constitution = Constitution::load(path)?;
        let lock_path = lock.map_or_else(|| lock_path(path), Path::to_owned);
        let found = match lock::read_lock(&lock_path) {
            Err(ConstitutionError::NoLock { .. }) => None,
            read => Some(read?),
        };
        let mut desk = Self {
            path: path.to_owned(),
            lock_path,
            constitution,
            lock: None,
            commented: Vec::new(),
        };
        if let Some(text) = found {
            desk.take_in(&text)?;
        }
        Ok(desk)
    }

    /// Reads the lock's text.
    fn take_in(&mut self, text: &str) -> Result<(), ConstitutionError> {
        let invalid = |mistakes| ConstitutionError::Invalid { mistakes };
        let document = lock::document(&shown_path(&self.lock_path), text).map_err(invalid)?;
        let (_, problems) =
            misfits((&self.constitution, None), (&document.value, Some(&document.tree)));
        let other =
            problems.into_iter().find(|one| matches!(one, Problem::OtherConstitution { .. }));
        if let Some(other) = other {
            return Err(invalid(vec![Mistake::new(other, Some(document.source))]));
        }
        self.commented = commented(text, &document);
        self.lock = Some(document.value);
        Ok(())
    }

    /// The constitution.
    pub fn constitution(&self) -> &Constitution {
        &self.constitution
    }

    /// Where the lock lies, or will.
    pub fn lock_path(&self) -> &Path {
        &self.lock_path
    }

    /// The entry of a rule.
    pub fn entry(&self, rule: &RuleId) -> Option<&LockedRule> {
        self.lock.as_ref()?.rules.iter().find(|entry| entry.id == *rule)
    }

    /// How every rule stands, in the constitution's order.
    pub fn standings(&self) -> Vec<Standing> {
        let mut standings = standings(&self.constitution, self.lock.as_ref());
        for standing in &mut standings {
            if standing.touched.is_none() && self.commented.contains(&standing.rule) {
                standing.touched = Some(Touched::Edited);
            }
        }
        standings
    }

    /// Entries of the lock that are no rule's.
    pub fn leftovers(&self) -> Vec<RuleId> {
        leftovers(&self.constitution, self.lock.as_ref())
    }

    /// Checks that the lock can be edited, and the constitution too if proposals are to be written:
    /// better before a model has worked for minutes than after.
    ///
    /// # Errors
    /// [`DeskError::Layout`].
    pub fn check_layout(&self, proposals: bool) -> Result<(), DeskError> {
        if self.lock.is_some() {
            let text = lock::read_lock(&self.lock_path)?;
            let document = read_lock(&self.lock_path, &text)?;
            Items::find(bom(&text).1, &document.tree).map_err(layout(&self.lock_path))?;
        }
        if proposals {
            let text = source::read_text(&self.path)?;
            let document = read_constitution(&self.path, &text)?;
            Items::find(bom(&text).1, &document.tree).map_err(layout(&self.path))?;
        }
        Ok(())
    }

    /// Puts an entry in the lock, in the place of the rule's old one or between those of the
    /// rules around it, and saves the lock.
    ///
    /// # Errors
    /// [`DeskError`]; the file is then as it was.
    pub fn put(&mut self, entry: &LockedRule) -> Result<(), DeskError> {
        let known = self.entry(&entry.id).cloned();
        let (path, rule) = (self.lock_path.clone(), entry.id.clone());
        let text = match lock::read_lock(&path) {
            Err(ConstitutionError::NoLock { .. }) => String::new(),
            read => read?,
        };
        let edited = if text.trim().is_empty() {
            let name = &self.constitution.name;
            first_lines(name) + &render::entry(entry, 2)
        } else {
            let document = read_lock(&path, &text)?;
            let found = document.value.rules.iter().find(|found| found.id == entry.id);
            if found != known.as_ref() {
                return Err(DeskError::Changed { path, rule });
            }
            self.with_entry(&text, &document, entry)?
        };
        let meant = |lock: &Lock| {
            let others = |lock: &Lock| {
                let others = lock.rules.iter().filter(|other| other.id != entry.id);
                others.cloned().collect::<Vec<_>>()
            };
            let before = read_lock(&path, &text).map(|document| others(&document.value));
            lock.rules.iter().any(|found| found == entry)
                && others(lock) == before.unwrap_or_default()
        };
        let is_meant = read_lock(&path, &edited).is_ok_and(|document| meant(&document.value));
        if !is_meant {
            return Err(DeskError::NotAsMeant { path, rule });
        }
        save(&path, &edited)?;
        self.take_in(&edited)?;
        Ok(())
    }

    /// Puts the hash of an entry right whose objective text has become the rule's own. Nothing else
    /// of it changes: whoever has signed it has signed this text.
    ///
    /// # Errors
    /// [`DeskError`]; the file is then as it was.
    pub fn adopt(&mut self, rule: &RuleId) -> Result<(), DeskError> {
        let (path, id) = (self.lock_path.clone(), rule.clone());
        let changed = || DeskError::Changed { path: path.clone(), rule: id.clone() };
        let now = self.constitution.rules.iter().find(|found| found.id == *rule);
        let now = now.ok_or_else(changed)?.source_hash();
        let whole = lock::read_lock(&path)?;
        let (mark, text) = bom(&whole);
        let document = read_lock(&path, text)?;
        let mut meant = document.value.clone();
        let index = meant.rules.iter().position(|entry| entry.id == *rule).ok_or_else(changed)?;
        let entry = &mut meant.rules[index];
        if Some(&*entry) != self.entry(rule) {
            return Err(changed());
        }
        let old = (entry.source, entry.content_hash());
        entry.source = now;
        let new_content = entry.content_hash();
        let mut hashes = vec![(old.0, now)];
        if let Some(compiled) = entry.compiled.as_mut().filter(|compiled| compiled.content == old.1)
        {
            compiled.content = new_content;
            hashes.push((old.1, new_content));
        }
        let items = Items::find(text, &document.tree).map_err(layout(&path))?;
        let lines = hashes.iter().fold(items.lines(index).to_owned(), |lines, (old, new)| {
            lines.replace(&old.to_string(), &new.to_string())
        });
        let edited = items.replace(index, &lines);
        if read_lock(&path, &edited).ok().map(|document| document.value) != Some(meant) {
            return Err(DeskError::NotAsMeant { path, rule: id });
        }
        let edited = format!("{mark}{edited}");
        save(&path, &edited)?;
        self.take_in(&edited)?;
        Ok(())
    }

    /// The lock's text with an entry in it.
    fn with_entry(
        &self,
        text: &str,
        document: &Document<Lock>,
        entry: &LockedRule,
    ) -> Result<String, DeskError> {
        let (mark, text) = bom(text);
        let items = Items::find(text, &document.tree).map_err(layout(&self.lock_path))?;
        let entries = &document.value.rules;
        let place = |id: &RuleId| entries.iter().position(|entry| entry.id == *id);
        let lines = render::entry(entry, items.column);
        let edited = if let Some(index) = place(&entry.id) {
            items.replace(index, &lines)
        } else {
            // In the constitution's order, as far as the lock has it.
            let rules = &self.constitution.rules;
            let own = rules.iter().position(|rule| rule.id == entry.id).unwrap_or(rules.len());
            let placed = |rule: &super::Rule| place(&rule.id);
            match (rules[..own].iter().rev().find_map(placed), rules[own..].iter().find_map(placed))
            {
                (Some(before), _) => items.insert_after(before, &lines),
                (None, Some(after)) => items.insert_before(after, &lines),
                (None, None) => items.insert_after(entries.len() - 1, &lines),
            }
        };
        Ok(format!("{mark}{edited}"))
    }

    /// Writes a rule's objective text beside its own in the constitution, as `proposed:`, or takes
    /// an earlier proposal away. Says whether the file had to be changed.
    ///
    /// # Errors
    /// [`DeskError`]; the file is then as it was.
    pub fn propose(&mut self, rule: &RuleId, proposal: Option<&str>) -> Result<bool, DeskError> {
        let (path, id) = (self.path.clone(), rule.clone());
        let whole = source::read_text(&path)?;
        let (mark, text) = bom(&whole);
        let document = read_constitution(&path, text)?;
        let mut meant = document.value.clone();
        let place = meant.rules.iter().position(|found| found.id == *rule);
        let index =
            place.ok_or_else(|| DeskError::Changed { path: path.clone(), rule: id.clone() })?;
        let proposed = &mut meant.rules[index].proposed;
        if proposed.as_deref() == proposal {
            return Ok(false);
        }
        *proposed = proposal.map(str::to_owned);
        let items = Items::find(text, &document.tree).map_err(layout(&path))?;
        let lines = proposal.map(|text| render::line("proposed", text, items.keys(index)));
        let edited = items.set_key(index, ("proposed", "text"), lines.as_deref());
        let edited = edited.map_err(layout(&path))?;
        if read_constitution(&path, &edited).ok().map(|document| document.value) != Some(meant) {
            return Err(DeskError::NotAsMeant { path, rule: id });
        }
        save(&path, &format!("{mark}{edited}"))?;
        Ok(true)
    }
}

fn read_lock(path: &Path, text: &str) -> Result<Document<Lock>, ConstitutionError> {
    lock::document(&shown_path(path), text)
        .map_err(|mistakes| ConstitutionError::Invalid { mistakes })
}

fn read_constitution(path: &Path, text: &str) -> Result<Document<Constitution>, ConstitutionError> {
    source::document(&shown_path(path), text)
        .map_err(|mistakes| ConstitutionError::Invalid { mistakes })
}

/// Entries with a comment inside: whoever wrote it has read them.
fn commented(text: &str, document: &Document<Lock>) -> Vec<RuleId> {
    let (_, text) = bom(text);
    // A layout that can't be edited is reported when it is to be.
    let Ok(items) = Items::find(text, &document.tree) else { return Vec::new() };
    let read = |lines: &str| serde_saphyr::from_str::<Vec<LockedRule>>(lines).ok();
    let rules = document.value.rules.iter().enumerate();
    rules
        .filter(|(index, _)| has_comment(items.lines(*index), read))
        .map(|(_, rule)| rule.id.clone())
        .collect()
}

/// A byte order mark and what follows it.
fn bom(text: &str) -> (&str, &str) {
    text.split_at(if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 })
}

/// The beginning of a lock that does not exist yet.
fn first_lines(constitution: &str) -> String {
    let name = render::line("constitution", constitution, 0);
    format!(
        "# What each rule of the constitution was compiled to: what the model is asked to look for.
#
# A rule is violated when ALL of its preconditions hold. Under `any_of` ONE alternative is enough.
# Read each entry against its rule, mend it here where it is wrong, and set `reviewed: true`:
# `praetor constitution compile` never overwrites what you have reviewed, edited or written.

version: 1
{name}
rules:
"
    )
}

fn layout(path: &Path) -> impl Fn(Unsafe) -> DeskError {
    move |Unsafe { line }| DeskError::Layout { path: path.to_owned(), line }
}

/// Puts a text in a file's place as a whole: whoever reads sees the old one or the new one.
fn save(path: &Path, text: &str) -> Result<(), DeskError> {
    // A link stays one.
    let path = fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unique = RandomState::new().hash_one(std::process::id());
    let partial = path.with_file_name(format!(".{name}.{unique:016x}.partial"));
    let written = write_beside(&partial, &path, text);
    if written.is_err() {
        // Nothing must be left lying about; the error that counts is the first.
        let _ = fs_err::remove_file(&partial);
    }
    written.map_err(|error| DeskError::Unwritable { path, kind: error.kind() })
}

fn write_beside(partial: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs_err::File::create(partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    if let Ok(old) = fs_err::metadata(path) {
        fs_err::set_permissions(partial, old.permissions())?;
    }
    fs_err::rename(partial, path)
}
