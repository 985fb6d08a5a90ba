//! What lints are called, and how much their findings weigh.

use std::fmt;
use std::str::FromStr;

use super::{Level, Lint};

impl Lint {
    /// All lints: those of a rule's text, then those of the lock, then those of `allow`.
    pub const ALL: [Self; 14] = [
        Self::SubjectiveWord,
        Self::VagueQuantity,
        Self::NotVisible,
        Self::SeveralRules,
        Self::Exception,
        Self::Absence,
        Self::TooLong,
        Self::NearDuplicate,
        Self::Unreviewed,
        Self::LowObjectiveness,
        Self::StatementWords,
        Self::RepeatedStatement,
        Self::NoObjects,
        Self::UnusedAllow,
    ];

    /// The name by which findings, `allow` and `praetor constitution explain` know it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::SubjectiveWord => "subjective-word",
            Self::VagueQuantity => "vague-quantity",
            Self::NotVisible => "not-visible",
            Self::SeveralRules => "several-rules",
            Self::Exception => "exception",
            Self::Absence => "absence",
            Self::TooLong => "too-long",
            Self::NearDuplicate => "near-duplicate",
            Self::Unreviewed => "unreviewed",
            Self::LowObjectiveness => "low-objectiveness",
            Self::StatementWords => "statement-words",
            Self::RepeatedStatement => "repeated-statement",
            Self::NoObjects => "no-objects",
            Self::UnusedAllow => "unused-allow",
        }
    }

    /// How much its findings weigh.
    pub const fn level(self) -> Level {
        match self {
            Self::Unreviewed | Self::NoObjects | Self::UnusedAllow => Level::Advice,
            _ => Level::Warning,
        }
    }

    /// Whether it looks at the lock rather than at the rule's own text.
    pub(super) const fn is_of_the_lock(self) -> bool {
        matches!(
            self,
            Self::Unreviewed
                | Self::LowObjectiveness
                | Self::StatementWords
                | Self::RepeatedStatement
                | Self::NoObjects
        )
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Lint {
    type Err = UnknownLint;

    fn from_str(id: &str) -> Result<Self, UnknownLint> {
        Self::ALL.into_iter().find(|lint| lint.id() == id).ok_or(UnknownLint)
    }
}

/// A word that is no lint's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no lint has this id; `praetor constitution explain` lists them")]
pub struct UnknownLint;
