//! What people say of an image, and what the words of folders and columns mean.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{InvalidRuleId, RuleId};

/// Whether an image may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "an image is safe or unsafe, or it has no label")]
pub enum Safety {
    /// It may be shown.
    Safe,
    /// It may not.
    Unsafe,
}

impl Safety {
    /// Reads `safe` or `unsafe`, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.trim() {
            word if word.eq_ignore_ascii_case("safe") => Some(Self::Safe),
            word if word.eq_ignore_ascii_case("unsafe") => Some(Self::Unsafe),
            _ => None,
        }
    }
}

/// As UnsafeBench writes it: `Safe`, `Unsafe`.
impl fmt::Display for Safety {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Safe => "Safe",
            Self::Unsafe => "Unsafe",
        })
    }
}

/// What people say of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "callers with labels of their own make these")]
pub struct Label {
    /// Whether it is safe; nothing where nobody has said. Follows from `violated` where only that
    /// is known.
    pub safety: Option<Safety>,
    /// The rules it violates, where somebody has looked rule by rule; empty means none.
    pub violated: Option<BTreeSet<RuleId>>,
    /// What it was collected for, such as `Violence`. UnsafeBench's safe images have one as well.
    pub category: Option<String>,
    /// Where it comes from, such as `Laion5B` and `Lexica`.
    pub source: Option<String>,
    /// The group it is counted in, such as a split; empty where there is only one.
    pub set: String,
    /// A caption or a prompt, for people.
    pub text: Option<String>,
}

impl Label {
    /// Whether the image is unsafe; nothing where it has no label.
    pub fn is_unsafe(&self) -> Option<bool> {
        self.safety.map(|safety| safety == Safety::Unsafe)
    }
}

/// What a word of a folder, a class, a set, a source or a category stands for instead of itself.
///
/// ```
/// use praetor::dataset::{Meaning, Safety};
/// assert_eq!("unsafe".parse(), Ok(Meaning::Safety(Safety::Unsafe)));
/// assert_eq!("source:unseen art".parse(), Ok(Meaning::Source("unseen art".to_owned())));
/// assert!("nsfw".parse::<Meaning>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// The image is safe, or unsafe.
    Safety(Safety),
    /// It violates this rule.
    Rule(RuleId),
    /// It belongs to this category.
    Category(String),
    /// It comes from this source.
    Source(String),
    /// It is counted in this set.
    Set(String),
    /// Nothing that matters.
    Ignored,
}

impl FromStr for Meaning {
    type Err = BadMeaning;

    fn from_str(text: &str) -> Result<Self, BadMeaning> {
        if let Some(safety) = Safety::from_word(text) {
            return Ok(Self::Safety(safety));
        }
        match text.split_once(':') {
            Some(("rule", id)) => Ok(Self::Rule(RuleId::new(id)?)),
            Some(("category", name)) if !name.is_empty() => Ok(Self::Category(name.to_owned())),
            Some(("source", name)) if !name.is_empty() => Ok(Self::Source(name.to_owned())),
            Some(("set", name)) => Ok(Self::Set(name.to_owned())),
            None if text == "ignore" => Ok(Self::Ignored),
            _ => Err(BadMeaning::Unknown { text: text.to_owned() }),
        }
    }
}

/// A meaning that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadMeaning {
    /// None of the words.
    #[error(
        "`{text}` is no meaning: use `safe`, `unsafe`, `rule:ID`, `category:NAME`, `source:NAME`, \
         `set:NAME` or `ignore`"
    )]
    Unknown {
        /// What was written.
        text: String,
    },
    /// A rule's name that can't be one.
    #[error(transparent)]
    Rule(#[from] InvalidRuleId),
}
