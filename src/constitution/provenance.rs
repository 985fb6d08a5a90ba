//! Where a lock entry comes from: who compiled it, by which wordings, and what its check came to.
//!
//! It is for people and for the next compilation: it changes neither a verdict nor the policy's
//! hash. From it praetor knows which entries people have touched, and leaves those alone.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LockedPrecondition, LockedRule, one_line};
use crate::ids::Hash;

/// How `praetor constitution compile` came to an entry. Entries that people wrote have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "compilation notes")]
pub struct Provenance {
    /// The language model that compiled the rule.
    #[garde(length(chars, min = 1))]
    pub model: String,
    /// Hash of what may change the model's answers.
    #[garde(skip)]
    pub fingerprint: Hash,
    /// Hash of the prompts.
    #[garde(skip)]
    pub prompts: Hash,
    /// Whether a wording of the objectiveness that the paper asks for was found; if not, the entry
    /// has the best of the attempts.
    #[garde(skip)]
    pub objective: bool,
    /// The wordings in the order in which they were tried; the first is the rule as people wrote
    /// it.
    #[garde(length(min = 1), dive)]
    pub attempts: Vec<Attempt>,
    /// The rule as the model rebuilt it from the preconditions alone.
    #[garde(length(chars, min = 1))]
    pub rebuilt: String,
    /// Whether the model finds that the rebuilt rule and the objective text forbid the same images.
    #[garde(skip)]
    pub covers: bool,
    /// What the objective text forbids and the preconditions do not, as the model sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(skip)]
    pub missing: Vec<String>,
    /// What the preconditions forbid and the objective text does not, as the model sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(skip)]
    pub added: Vec<String>,
    /// Hash of what was compiled; when the entry's content differs from it, somebody has edited it.
    #[garde(skip)]
    pub content: Hash,
}

/// A wording of a rule, and how objective the model found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "attempt")]
pub struct Attempt {
    /// The wording.
    #[garde(length(chars, min = 1))]
    pub text: String,
    /// How objective it is, from 1 to 10.
    #[garde(range(min = 1, max = 10))]
    pub objectiveness: u8,
    /// Why, in the model's words.
    #[garde(skip)]
    pub explanation: String,
}

/// Why an entry counts as people's own, so that it is never compiled over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Somebody has set `reviewed: true`.
    Reviewed,
    /// It was compiled, and somebody has changed it since or put a comment in it.
    Edited,
    /// It was never compiled: somebody wrote it.
    Written,
}

impl LockedRule {
    /// Hash of what was compiled, wherever its lines break.
    pub fn content_hash(&self) -> Hash {
        let mut parts = vec![
            self.source.to_string(),
            self.objectiveness.to_string(),
            one_line(&self.objective_text),
        ];
        for LockedPrecondition { statement, any_of, objects } in &self.preconditions {
            // Each list begins with its length, so that items can't move from one to the next.
            parts.push(statement.as_deref().map(one_line).unwrap_or_default());
            for list in [any_of, objects] {
                parts.push(list.len().to_string());
                parts.extend(list.iter().map(|item| one_line(item)));
            }
        }
        Hash::of_parts(parts.iter().map(String::as_bytes))
    }

    /// Whether people have made the entry theirs, as far as its values tell.
    pub fn touched(&self) -> Option<Touched> {
        if self.reviewed {
            return Some(Touched::Reviewed);
        }
        match &self.compiled {
            None => Some(Touched::Written),
            Some(compiled) if compiled.content != self.content_hash() => Some(Touched::Edited),
            Some(_) => None,
        }
    }
}
