//! The policy people write: a constitution of rules in YAML, its compiled lock, and the two joined.
//!
//! A policy team edits `demo.yaml` (a [`Constitution`]). Beside it lies `demo.lock.yaml` (a
//! [`Lock`]): for every rule its objective wording and the chain of preconditions that are asked of
//! the model, made once, reviewed and committed. Judging takes neither of them but a [`Policy`],
//! which is a constitution joined with a lock that is fresh.
//!
//! Whatever is wrong with the two files is reported at once, each mistake with its place and a way
//! to mend it: see [`ConstitutionError`] and [`Problem`].

mod altered;
mod desk;
pub mod diff;
mod edit;
mod error;
pub mod lint;
mod lock;
mod policy;
mod problem;
mod provenance;
mod render;
mod schema;
mod shape;
mod source;
mod standing;
mod syntax;
mod thresholds;
mod tree;
mod written;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::lint::Lint;
use crate::ids::{Hash, RuleId};

pub use desk::{Desk, DeskError};
pub use error::{ConstitutionError, Mistake};
pub use lock::{Lock, LockedPrecondition, LockedRule, lock_path};
pub use policy::{Policy, PolicyRule, Precondition};
pub use problem::Problem;
pub use provenance::{Attempt, Provenance, Touched};
pub use schema::{constitution_schema, lock_schema};
pub use source::read_strictly;
pub use standing::{Standing, State};
pub use thresholds::{ThresholdSettings, Thresholds};

/// A safety policy for images: what must not be seen, rule by rule.
///
/// praetor judges an image by each rule on its own; the image is unsafe when at least one rule is
/// violated.
///
/// ```
/// use praetor::constitution::Constitution;
///
/// let constitution = Constitution::parse("
/// name: school
/// rules:
///   - id: weapons.child
///     text: A child must not be shown together with a weapon.
/// ")?;
/// assert_eq!(constitution.rules[0].id.as_str(), "weapons.child");
/// # Ok::<(), praetor::constitution::ConstitutionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "praetor constitution",
    description = "A safety policy for images: what must not be seen, rule by rule."
)]
pub struct Constitution {
    /// Name of the policy, such as `demo`; the lock repeats it.
    #[garde(length(chars, min = 1))]
    pub name: String,
    /// What the policy is for and whom to ask about it; for people, no model sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub description: Option<String>,
    /// Settings for every rule; a rule's own settings come before these.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    #[garde(dive)]
    pub settings: Settings,
    /// Lints that `praetor constitution check` is not to report for any rule: findings that are
    /// known and accepted. It changes no verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(skip)]
    pub allow: Vec<Lint>,
    /// The rules, in the order in which they are reported; each has an id of its own.
    #[garde(length(min = 1), dive)]
    pub rules: Vec<Rule>,
}

/// One rule: what must not be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "rule")]
pub struct Rule {
    /// Name of the rule: lower-case words and digits joined by `.`, `-` or `_`, such as
    /// `weapons.child`. Verdicts name the rule by it, so keep it when the text changes.
    #[garde(skip)]
    pub id: RuleId,
    /// The rule in words. After a change its entry in the lock has to be made or reviewed anew.
    #[garde(length(chars, min = 1))]
    pub text: String,
    /// The text made objective, as `praetor constitution compile --write` proposes it; for people,
    /// no model sees it. Delete it, or make it the `text` if it says what you mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub proposed: Option<String>,
    /// Why the rule is there, and how to read it; for people, no model sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub notes: Option<String>,
    /// Images that should and should not count, in words; for people, no model sees it.
    #[serde(default, skip_serializing_if = "Examples::is_empty")]
    #[garde(dive)]
    pub examples: Examples,
    /// Never put this rule to a model on another machine: it then ends undetermined, `kept_local`. The
    /// image may still be sent for other rules; `--local-only` keeps images.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[garde(skip)]
    pub local_only: bool,
    /// Settings for this rule alone; what is left out comes from the constitution's settings.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    #[garde(dive)]
    pub settings: Settings,
    /// Lints that `praetor constitution check` is not to report for this rule: findings that are
    /// known and accepted. It changes no verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(skip)]
    pub allow: Vec<Lint>,
}

impl Rule {
    /// Hash of the text, by which a lock knows whether its entry is still of this rule.
    ///
    /// Runs of white space count as one space, so that wrapping a text anew is no change.
    pub fn source_hash(&self) -> Hash {
        Hash::of(one_line(&self.text).as_bytes())
    }
}

/// Images that violate a rule and images that come near and do not, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "examples")]
pub struct Examples {
    /// Images that violate the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(inner(length(chars, min = 1)))]
    pub violating: Vec<String>,
    /// Images that come near and are allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(inner(length(chars, min = 1)))]
    pub allowed: Vec<String>,
}

impl Examples {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What can be tuned, for a constitution or for one rule; what is left out keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "settings")]
pub struct Settings {
    /// Where the stages draw their lines.
    #[serde(default, skip_serializing_if = "ThresholdSettings::is_empty")]
    #[garde(dive)]
    pub thresholds: ThresholdSettings,
    /// What becomes of a precondition between the thresholds when no later stage settles it.
    /// Default: `undetermined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub undecided: Option<Undecided>,
}

impl Settings {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of a precondition whose M lies between the thresholds when no later stage settles
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// It stays open, and the rule with it: somebody should look.
    #[default]
    Undetermined,
    /// It follows the side of the prior on which M lies.
    Lean,
}

impl Undecided {
    /// The word that stands for it in YAML.
    fn as_str(self) -> &'static str {
        match self {
            Self::Undetermined => "undetermined",
            Self::Lean => "lean",
        }
    }
}

/// A text as one line: white space trimmed, and runs of it made one space.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
