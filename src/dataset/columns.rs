//! Which column holds what: the names that are known, and those that a user gives.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Role {
    /// The image: a path, the image itself in base64 or in Parquet, or digits: the index of the row that
    /// has it.
    Image,
    /// What other rows call a row by, to have the same image.
    Index,
    /// `Safe` or `Unsafe`.
    Safety,
    /// The rules that are violated.
    Violated,
    /// The name of a class, which is read as the name of a folder is.
    Class,
    /// What the image was collected for.
    Category,
    /// Where it comes from.
    Source,
    /// The group it is counted in.
    Set,
    /// A caption or a prompt.
    Text,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Image,
        Self::Index,
        Self::Safety,
        Self::Violated,
        Self::Class,
        Self::Category,
        Self::Source,
        Self::Set,
        Self::Text,
    ];

    /// The names under which a column of this kind is found, the first of them its own.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Image => &["image", "file_name", "path", "file"],
            Self::Index => &["index"],
            Self::Safety => &["safety_label", "safety"],
            Self::Violated => &["violated"],
            Self::Class => &["label"],
            Self::Category => &["category"],
            Self::Source => &["source"],
            Self::Set => &["set", "split"],
            Self::Text => &["text", "caption", "prompt"],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.names()[0])
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|role| role.names().contains(&text));
        known.ok_or_else(|| {
            let names = Self::ALL.map(|role| format!("`{role}`")).join(", ");
            format!("`{text}` is nothing that praetor reads; what can be named: {names}")
        })
    }
}

/// Columns that have names of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(BTreeMap<Role, String>);

impl Columns {
    /// Says that a column holds something, whatever other columns are called.
    pub fn set(&mut self, role: Role, name: impl Into<String>) {
        self.0.insert(role, name.into());
    }

    /// The column of a role among those that there are, given by what tells if one is there.
    pub(super) fn find(&self, role: Role, has: impl Fn(&str) -> bool) -> Option<&str> {
        match self.0.get(&role) {
            Some(name) => has(name).then_some(name.as_str()),
            None => role.names().iter().copied().find(|name| has(name)),
        }
    }

    /// The first column that a user has named and that is not there, or `image` without any.
    pub(super) fn missing(&self, has: impl Fn(&str) -> bool + Copy) -> Option<(Role, String)> {
        let named = self.0.iter().find(|(_, name)| !has(name));
        if let Some((role, name)) = named {
            return Some((*role, name.clone()));
        }
        let found = self.find(Role::Image, has).is_some();
        (!found).then(|| (Role::Image, Role::Image.names().join("`, `")))
    }
}
