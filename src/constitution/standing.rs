//! How a constitution's rules stand with its lock.

use super::{Constitution, Lock, Touched, one_line};
use crate::ids::RuleId;

/// How one rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The rule.
    pub rule: RuleId,
    /// Whether its entry is of its text.
    pub state: State,
    /// Whether people have made the entry theirs.
    pub touched: Option<Touched>,
}

/// Whether a rule's entry is of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is.
    Fresh,
    /// The text was changed after the entry was made.
    Stale,
    /// The text was changed to the entry's own objective text: what was proposed is now the rule.
    Adopted,
    /// There is no entry.
    Missing,
}

/// How every rule stands, in the constitution's order.
pub(super) fn standings(constitution: &Constitution, lock: Option<&Lock>) -> Vec<Standing> {
    let of_rule = |rule: &super::Rule| {
        let entry = lock.and_then(|lock| lock.rules.iter().find(|entry| entry.id == rule.id));
        let state = match entry {
            None => State::Missing,
            Some(entry) if entry.source == rule.source_hash() => State::Fresh,
            Some(entry) if one_line(&entry.objective_text) == one_line(&rule.text) => {
                State::Adopted
            }
            Some(_) => State::Stale,
        };
        let touched = entry.and_then(super::LockedRule::touched);
        Standing { rule: rule.id.clone(), state, touched }
    };
    constitution.rules.iter().map(of_rule).collect()
}

/// Entries of a lock that are no rule's.
pub(super) fn leftovers(constitution: &Constitution, lock: Option<&Lock>) -> Vec<RuleId> {
    let entries = lock.into_iter().flat_map(|lock| &lock.rules);
    let is_leftover = |id: &&RuleId| !constitution.rules.iter().any(|rule| rule.id == **id);
    entries.map(|entry| &entry.id).filter(is_leftover).cloned().collect()
}
