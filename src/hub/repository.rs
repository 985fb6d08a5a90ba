//! Names of repositories.

use std::fmt;
use std::str::FromStr;

use super::{Cause, HubError};

/// The revision that is meant where none is named.
const MAIN: &str = "main";

/// A model on the hub: `owner/name`, or `owner/name@revision`.
///
/// ```
/// use praetor::hub::Repository;
/// let repository: Repository = "google/siglip-base-patch16-224@main".parse().unwrap();
/// assert_eq!(repository.revision.as_deref(), Some("main"));
/// assert!("../etc/passwd".parse::<Repository>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// User or organisation.
    pub owner: String,
    /// Name of the model.
    pub name: String,
    /// Branch, tag or commit; the hub's `main` without.
    pub revision: Option<String>,
}

impl Repository {
    /// Branch, tag or commit that is meant.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or(MAIN)
    }
}

impl FromStr for Repository {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let is_word = |word: &str| {
            !word.is_empty()
                && !word.starts_with('.')
                && !word.contains("..")
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let (path, revision) = match text.split_once('@') {
            Some((path, revision)) => (path, Some(revision)),
            None => (text, None),
        };
        match path.split_once('/') {
            Some((owner, name))
                if is_word(owner)
                    && is_word(name)
                    && revision.is_none_or(|text| text.split('/').all(is_word)) =>
            {
                let revision = revision.map(str::to_owned);
                Ok(Self { owner: owner.to_owned(), name: name.to_owned(), revision })
            }
            _ => Err(HubError::new(text, Cause::NotAName)),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)?;
        self.revision.as_deref().map_or(Ok(()), |revision| write!(f, "@{revision}"))
    }
}
