//! The names a verdict points to: which rule, which image, which policy, which model.

use std::borrow::Borrow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Region;

/// Name of a rule within its constitution, such as `weapons.child`.
///
/// Lower-case words and digits joined by `.`, `-` or `_`, so that policy packs
/// with dotted codes fit.
///
/// ```
/// use praetor::ids::RuleId;
/// assert!(RuleId::new("violence.gore-2").is_ok());
/// assert!(RuleId::new("No Weapons!").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleId(String);

impl RuleId {
    /// Checks the form of the name.
    ///
    /// # Errors
    /// [`InvalidRuleId`] when it has other characters, starts or ends with a separator, or is empty.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidRuleId> {
        let text = text.into();
        let is_word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.split(['.', '-', '_']).all(is_word) {
            Ok(Self(text))
        } else {
            Err(InvalidRuleId { text })
        }
    }

    /// A name of praetor's own, known to have the form of one.
    pub(crate) fn named(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RuleId {
    type Error = InvalidRuleId;

    fn try_from(text: String) -> Result<Self, InvalidRuleId> {
        Self::new(text)
    }
}

impl From<RuleId> for String {
    fn from(id: RuleId) -> String {
        id.0
    }
}

impl JsonSchema for RuleId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RuleId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Name of a rule: lower-case words and digits joined by `.`, `-` or `_`.",
            "type": "string",
            "pattern": "^[a-z0-9]+([._-][a-z0-9]+)*$"
        })
    }
}

impl Borrow<str> for RuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A rule's name that does not have the form of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a rule id: use lower-case words and digits joined by `.`, `-` or `_`, such as `weapons.child`"
)]
pub struct InvalidRuleId {
    /// What was written.
    pub text: String,
}

/// The first 128 bits of a BLAKE3 hash, written as 32 hexadecimal digits.
///
/// One type for every content hash; the names below say of what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 16]);

/// Hash of an image file's bytes, or of a view's pixels.
pub type ImageHash = Hash;
/// Hash of everything in a policy that can change a verdict.
pub type PolicyHash = Hash;

impl Hash {
    /// Hashes parts one after the other, each with its length, so that `["ab", "c"]` and
    /// `["a", "bc"]` differ.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self::truncate(&hasher.finalize())
    }

    /// Hashes bytes as they are.
    pub fn of(bytes: &[u8]) -> Self {
        Self::truncate(&blake3::hash(bytes))
    }

    /// Hashes what can be read as [`Hash::of`] does, a block at a time.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of_reader(reader: impl std::io::Read) -> std::io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(reader)?;
        Ok(Self::truncate(&hasher.finalize()))
    }

    /// The bytes themselves, as a key of a table.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn truncate(hash: &blake3::Hash) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&hash.as_bytes()[..16]);
        Self(first)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = InvalidHash;

    fn try_from(text: String) -> Result<Self, InvalidHash> {
        let invalid = || InvalidHash { text: text.clone() };
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(invalid());
        }
        let mut bytes = [0; 16];
        for (byte, at) in bytes.iter_mut().zip((0..32).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl JsonSchema for Hash {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hash".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
    }
}

/// A text that is not a hash of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a hash: expected 32 digits from `0` to `f`")]
pub struct InvalidHash {
    /// What was written.
    pub text: String,
}

/// Which model answered: a name for people, and a fingerprint that changes when its numbers may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelId {
    /// Such as `demo` or a file's name.
    pub name: String,
    /// Hash over a sample of the weights and the settings that move the numbers.
    pub fingerprint: Hash,
}

/// Which part of a picture a question was asked of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ViewKind {
    /// The picture as it is.
    Whole,
    /// The picture with regions painted over: strategy 2's "x without i".
    Without {
        /// What was painted over.
        regions: Vec<Region>,
    },
    /// A part of the picture, where what is asked about is small.
    Crop {
        /// Which part.
        region: Region,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_ids_take_dotted_codes_and_refuse_prose() {
        for good in ["a", "violence.gore.a", "gv1-a", "no_fire"] {
            assert!(RuleId::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "a.", "A", "a b", "ä", "a..b"] {
            assert!(RuleId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hashes_survive_writing_and_reading() {
        let hash = Hash::of(b"praetor");
        assert_eq!(Hash::try_from(hash.to_string()), Ok(hash));
        for bad in ["zz".repeat(16), "+f".repeat(16), "AB".repeat(16)] {
            assert!(Hash::try_from(bad).is_err());
        }
        assert!(Hash::try_from("ab".to_owned()).is_err());
    }

    #[test]
    fn the_cut_between_parts_counts() {
        let one = Hash::of_parts([b"ab".as_slice(), b"c"]);
        let other = Hash::of_parts([b"a".as_slice(), b"bc"]);
        assert_ne!(one, other);
    }
}
