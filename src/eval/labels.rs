//! What people say of images: a file of JSON lines beside them.
//!
//! ```text
//! {"image": "trained/000.png", "set": "trained", "violated": ["weapons.child"]}
//! {"image": "trained/001.png", "set": "trained", "violated": []}
//! ```
//!
//! Paths are relative to the file. `set` names a group that is counted apart; other keys are for
//! people and are left alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::ids::RuleId;

/// One image and the rules that it violates, by its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// Where the image is.
    pub path: PathBuf,
    /// The group it is counted in; empty when there is only one.
    pub set: String,
    /// Rules it violates; none means that it is safe.
    pub violated: BTreeSet<RuleId>,
}

/// All labels of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The images, in the file's order.
    pub images: Vec<Labelled>,
}

#[derive(Deserialize)]
struct Line {
    image: PathBuf,
    #[serde(default)]
    set: String,
    violated: BTreeSet<RuleId>,
}

impl Labels {
    /// Reads a file of labels; `rules` are those of the policy.
    ///
    /// # Errors
    /// [`LabelError`] for a file that can't be read or is empty, a line that is no label, and a
    /// rule that the policy does not have: it could never be found violated.
    pub fn load(path: &Path, rules: &[&RuleId]) -> Result<Self, LabelError> {
        let text = fs_err::read_to_string(path)?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let file = || path.display().to_string();
        let mut images = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let Line { image, set, violated } = serde_json::from_str(line).map_err(|error| {
                LabelError::Line { file: file(), number, detail: error.to_string() }
            })?;
            if let Some(rule) = violated.iter().find(|rule| !rules.contains(rule)) {
                let rule = rule.clone();
                return Err(LabelError::UnknownRule { file: file(), number, rule });
            }
            images.push(Labelled { path: folder.join(image), set, violated });
        }
        if images.is_empty() {
            return Err(LabelError::Empty { file: file() });
        }
        Ok(Self { images })
    }

    /// The groups, in the order in which they first come.
    pub fn sets(&self) -> Vec<&str> {
        let mut sets: Vec<&str> = Vec::new();
        for image in &self.images {
            if !sets.contains(&image.set.as_str()) {
                sets.push(&image.set);
            }
        }
        sets
    }
}

/// Labels that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The file can't be read.
    #[error("can't read the labels: {0}")]
    Unreadable(#[from] std::io::Error),
    /// There is nothing in it.
    #[error(
        "`{file}` holds no labels; write one JSON object a line: {{\"image\": \"a.png\", \"violated\": []}}"
    )]
    Empty {
        /// Which file.
        file: String,
    },
    /// A line is no label.
    #[error(
        "line {number} of `{file}` is no label: {detail}; expected {{\"image\": \"a.png\", \"violated\": []}}"
    )]
    Line {
        /// Which file.
        file: String,
        /// Which line, counted from one.
        number: usize,
        /// What is wrong.
        detail: String,
    },
    /// A rule that is not judged.
    #[error(
        "line {number} of `{file}` names the rule `{rule}`, which the constitution does not have"
    )]
    UnknownRule {
        /// Which file.
        file: String,
        /// Which line, counted from one.
        number: usize,
        /// Which rule.
        rule: RuleId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Labels, LabelError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.jsonl");
        fs_err::write(&path, text).unwrap();
        Labels::load(&path, &[&RuleId::new("dogs").unwrap()])
    }

    #[test]
    fn labels_are_read_with_their_sets_and_other_keys_are_left_alone() {
        let labels = load(
            "{\"image\": \"a.png\", \"set\": \"one\", \"violated\": [\"dogs\"], \"kind\": \"x\"}\n\n\
             {\"image\": \"b.png\", \"set\": \"two\", \"violated\": []}\n",
        )
        .unwrap();
        assert_eq!(labels.sets(), ["one", "two"]);
        assert!(labels.images[0].path.ends_with("a.png"));
        assert_eq!(labels.images[0].violated.len(), 1);
    }

    #[test]
    fn what_is_no_label_is_named_with_its_line() {
        assert!(matches!(load(""), Err(LabelError::Empty { .. })));
        assert!(matches!(load("{\"image\": \"a\"}"), Err(LabelError::Line { number: 1, .. })));
        let unknown = load("{\"image\": \"a\", \"violated\": [\"cats\"]}");
        assert!(matches!(unknown, Err(LabelError::UnknownRule { number: 1, .. })));
    }
}
