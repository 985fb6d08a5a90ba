//! A constitution joined with a fresh lock: the only thing images are judged by.
//!
//! A stale lock can't be judged by accident, since no [`Policy`] comes of it.

use std::path::Path;

use garde::Validate;

use super::error::{ConstitutionError, Mistake};
use super::lock::{self, Lock, LockedRule, lock_path, misfits};
use super::problem::{Problem, shown_path};
use super::source::{self, Document};
use super::{Constitution, Rule, Settings, Thresholds, Undecided, one_line};
use crate::ids::{Hash, PolicyHash, RuleId};

/// What images are judged by: the rules with their preconditions and every setting resolved.
///
/// ```
/// use praetor::constitution::Policy;
///
/// let policy = Policy::parse(
///     "
/// name: school
/// rules:
///   - id: weapons.child
///     text: A child must not be shown together with a weapon.
/// ",
///     "
/// version: 1
/// constitution: school
/// rules:
///   - id: weapons.child
///     source: b9147899510426990139b82f838f7a21
///     objectiveness: 10
///     objective_text: A child and a knife or gun must not both be visible.
///     reviewed: true
///     preconditions:
///       - statement: a child is visible
///       - any_of: [a knife is visible, a gun is visible]
/// ",
/// )?;
/// assert_eq!(policy.rules[0].chain[1].statement, "a knife is visible or a gun is visible");
/// # Ok::<(), praetor::constitution::ConstitutionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// The constitution's name.
    pub name: String,
    /// The rules, in the constitution's order.
    pub rules: Vec<PolicyRule>,
    /// Changes with everything here that can change a verdict, and with nothing else: not with
    /// notes, examples, descriptions or the way a text is wrapped.
    pub hash: PolicyHash,
}

/// One rule, ready to be judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRule {
    /// Name of the rule.
    pub id: RuleId,
    /// The rule as people wrote it, on one line.
    pub text: String,
    /// The rule made objective, on one line.
    pub objective_text: String,
    /// What must be visible for the rule to be violated: all of it. Empty in [`Policy::of_names`] alone.
    pub chain: Vec<Precondition>,
    /// The rule's thresholds: its own, else the constitution's, else the paper's.
    pub thresholds: Thresholds,
    /// What becomes of a precondition that no stage settles.
    pub undecided: Undecided,
    /// Whether the rule is never put to a model on another machine.
    pub local_only: bool,
}

/// One thing that must be visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// What is asked of the model, on one line.
    pub statement: String,
    /// The alternatives that the statement is made of; empty when it is a single one.
    pub any_of: Vec<String>,
    /// What must be in the picture for the statement to hold at all.
    pub objects: Vec<String>,
}

impl Policy {
    /// Reads a constitution and its lock; without `lock`, the one beside it (see [`lock_path`]).
    ///
    /// What neither the rule nor the constitution sets is as in the paper.
    ///
    /// # Errors
    /// [`ConstitutionError::Unreadable`], [`ConstitutionError::NotUtf8`] or
    /// [`ConstitutionError::NoLock`] for the files, else
    /// [`ConstitutionError::Invalid`] with every mistake in both.
    pub fn load(path: &Path, lock: Option<&Path>) -> Result<Self, ConstitutionError> {
        let beside = lock_path(path);
        let lock = lock.unwrap_or(&beside);
        let text = source::read_text(path)?;
        let constitution = source::document(&shown_path(path), &text);
        match lock::read_lock(lock) {
            Ok(text) => join(constitution, lock::document(&shown_path(lock), &text)),
            Err(error) => {
                // Mistakes in the constitution come first: without it there is nothing to lock.
                constitution.map_err(|mistakes| ConstitutionError::Invalid { mistakes })?;
                Err(error)
            }
        }
    }

    /// Reads a constitution without a lock, for judges that know its rules by their names and ask nothing:
    /// nothing must be visible for any of them, so that a model asked by it would leave all undetermined.
    ///
    /// # Errors
    /// [`ConstitutionError::Unreadable`] or [`ConstitutionError::NotUtf8`] for the file, else
    /// [`ConstitutionError::Invalid`] with every mistake in it.
    pub fn of_names(path: &Path) -> Result<Self, ConstitutionError> {
        let document = source::document(&shown_path(path), &source::read_text(path)?);
        let constitution =
            document.map_err(|mistakes| ConstitutionError::Invalid { mistakes })?.value;
        let shared = &constitution.settings;
        let rules = constitution.rules.iter();
        let rules: Vec<PolicyRule> =
            rules.map(|rule| PolicyRule::new(rule, &rule.text, Vec::new(), shared)).collect();
        let hash = hash(&rules);
        Ok(Self { name: constitution.name, rules, hash })
    }

    /// Reads a constitution and its lock from texts.
    ///
    /// # Errors
    /// [`ConstitutionError::Invalid`] with every mistake in both.
    pub fn parse(yaml: &str, lock_yaml: &str) -> Result<Self, ConstitutionError> {
        join(source::document("constitution", yaml), lock::document("lock", lock_yaml))
    }

    /// Joins a constitution and a lock that were built in code.
    ///
    /// # Errors
    /// [`ConstitutionError::Invalid`] with everything that is wrong, without places.
    pub fn new(constitution: &Constitution, lock: &Lock) -> Result<Self, ConstitutionError> {
        let mut problems = Vec::new();
        for report in [constitution.validate(), lock.validate()] {
            problems.extend(report.err().iter().flat_map(source::from_garde));
        }
        problems.extend(unreadable_as_a_file(constitution, lock));
        let (in_constitution, in_lock) = misfits((constitution, None), (lock, None));
        problems.extend(in_constitution.into_iter().chain(in_lock));
        if !problems.is_empty() {
            let mistakes =
                problems.into_iter().map(|problem| Mistake::new(problem, None)).collect();
            return Err(ConstitutionError::Invalid { mistakes });
        }
        Ok(Self::assemble(constitution, lock))
    }

    /// A policy of the same name by other rules.
    pub(super) fn of(&self, rules: Vec<PolicyRule>) -> Self {
        let hash = hash(&rules);
        Self { name: self.name.clone(), rules, hash }
    }

    /// Joins two that are known to fit.
    fn assemble(constitution: &Constitution, lock: &Lock) -> Self {
        let rules: Vec<PolicyRule> = constitution
            .rules
            .iter()
            .filter_map(|rule| {
                let entry = lock.rules.iter().find(|entry| entry.id == rule.id)?;
                Some(PolicyRule::locked(rule, entry, &constitution.settings))
            })
            .collect();
        let hash = hash(&rules);
        Self { name: constitution.name.clone(), rules, hash }
    }
}

impl PolicyRule {
    fn locked(rule: &Rule, entry: &LockedRule, shared: &Settings) -> Self {
        let lines = |texts: &[String]| texts.iter().map(|text| one_line(text)).collect();
        let chain = entry
            .preconditions
            .iter()
            .map(|precondition| Precondition {
                statement: precondition.question(),
                any_of: lines(&precondition.any_of),
                objects: lines(&precondition.objects),
            })
            .collect();
        Self::new(rule, &entry.objective_text, chain, shared)
    }

    fn new(rule: &Rule, objective: &str, chain: Vec<Precondition>, shared: &Settings) -> Self {
        Self {
            id: rule.id.clone(),
            text: one_line(&rule.text),
            objective_text: one_line(objective),
            chain,
            thresholds: rule.settings.thresholds.over(shared.thresholds.over(Thresholds::PAPER)),
            undecided: rule.settings.undecided.or(shared.undecided).unwrap_or_default(),
            local_only: rule.local_only,
        }
    }
}

/// Joins two documents, or gathers the mistakes of both.
fn join(
    constitution: Result<Document<Constitution>, Vec<Mistake>>,
    lock: Result<Document<Lock>, Vec<Mistake>>,
) -> Result<Policy, ConstitutionError> {
    let (constitution, lock) = match (constitution, lock) {
        (Ok(constitution), Ok(lock)) => (constitution, lock),
        (constitution, lock) => {
            let mistakes = constitution.err().into_iter().chain(lock.err()).flatten().collect();
            return Err(ConstitutionError::Invalid { mistakes });
        }
    };
    let mistakes = mistakes_between(&constitution, &lock);
    if mistakes.is_empty() {
        Ok(Policy::assemble(&constitution.value, &lock.value))
    } else {
        Err(ConstitutionError::Invalid { mistakes })
    }
}

/// What keeps two documents, each right by itself, from being a policy.
pub(super) fn mistakes_between(
    constitution: &Document<Constitution>,
    lock: &Document<Lock>,
) -> Vec<Mistake> {
    let (in_constitution, in_lock) =
        misfits((&constitution.value, Some(&constitution.tree)), (&lock.value, Some(&lock.tree)));
    let mut mistakes = Vec::new();
    for (mut problems, source) in [(in_constitution, &constitution.source), (in_lock, &lock.source)]
    {
        problems.sort_by_key(Problem::position);
        mistakes.extend(
            problems.into_iter().map(|problem| Mistake::new(problem, Some(source.clone()))),
        );
    }
    mistakes
}

/// Checks on values built in code which reading makes on the tree.
fn unreadable_as_a_file(constitution: &Constitution, lock: &Lock) -> Vec<Problem> {
    let mut problems = Vec::new();
    if lock.version != Lock::VERSION {
        problems.push(Problem::Version { found: lock.version.to_string(), at: None });
    }
    for (index, rule) in constitution.rules.iter().enumerate() {
        if constitution.rules[..index].iter().any(|earlier| earlier.id == rule.id) {
            let id = rule.id.to_string();
            problems.push(Problem::DuplicateRule { id, first: None, again: None });
        }
    }
    for (index, entry) in lock.rules.iter().enumerate() {
        let id = entry.id.to_string();
        if lock.rules[..index].iter().any(|earlier| earlier.id == entry.id) {
            problems.push(Problem::DuplicateEntry { id: id.clone(), first: None, again: None });
        }
        for precondition in &entry.preconditions {
            if precondition.any_of.len() == 1 {
                problems.push(Problem::SingleAlternative { at: None });
            } else if precondition.question().is_empty() {
                problems.push(Problem::NoStatement { rule: id.clone(), at: None });
            }
        }
    }
    problems
}

/// Hash over everything that can change a verdict.
fn hash(rules: &[PolicyRule]) -> PolicyHash {
    let mut parts: Vec<Vec<u8>> = vec![b"praetor policy 2".to_vec()];
    // Each list begins with its length, so that items can't move from one list to the next.
    let list = |items: &[String], parts: &mut Vec<Vec<u8>>| {
        parts.push((items.len() as u64).to_le_bytes().to_vec());
        parts.extend(items.iter().map(|item| item.clone().into_bytes()));
    };
    for rule in rules {
        let PolicyRule { id, text, objective_text, chain, thresholds, undecided, local_only } =
            rule;
        if *local_only {
            parts.push(b"local only".to_vec());
        }
        parts.extend(
            [id.as_str(), text, objective_text, undecided.as_str()]
                .map(|part| part.as_bytes().to_vec()),
        );
        let Thresholds {
            relevance,
            reject_below_prior,
            accept_above_prior,
            region_drop,
            region_score,
            small_object_area,
        } = thresholds;
        for own in [relevance, region_score] {
            parts.push(own.map_or_else(Vec::new, |line| line.to_le_bytes().to_vec()));
        }
        let shares = [reject_below_prior, accept_above_prior, region_drop, small_object_area];
        parts.extend(shares.map(|share| share.to_le_bytes().to_vec()));
        parts.push((chain.len() as u64).to_le_bytes().to_vec());
        for Precondition { statement, any_of, objects } in chain {
            parts.push(statement.clone().into_bytes());
            list(any_of, &mut parts);
            list(objects, &mut parts);
        }
    }
    Hash::of_parts(parts.iter().map(Vec::as_slice))
}
