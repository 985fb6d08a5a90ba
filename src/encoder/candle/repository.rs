//! Names of repositories on the Hugging Face hub, and the settings by which they are reached.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::super::EncoderError;

/// A model on the hub: `owner/name`, or `owner/name@revision`.
///
/// ```
/// use praetor::encoder::Repository;
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

impl FromStr for Repository {
    type Err = EncoderError;

    fn from_str(text: &str) -> Result<Self, EncoderError> {
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
            _ => Err(EncoderError::Hub {
                repository: super::super::error::shown(text),
                detail: "not the name of a repository; write `owner/name` or \
                         `owner/name@revision`"
                    .to_owned(),
            }),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)?;
        self.revision.as_deref().map_or(Ok(()), |revision| write!(f, "@{revision}"))
    }
}

/// How the hub is reached. What is left open is as `hf-hub` has it: it reads `HF_ENDPOINT`,
/// `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN` and the token file by itself.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "settings, filled in by who chooses them")]
pub struct Hub {
    /// Where the hub is, such as `https://huggingface.co`.
    pub endpoint: Option<String>,
    /// The cache folder, laid out as Hugging Face's own tools do.
    pub cache: Option<PathBuf>,
    /// The token of a user, for models that are private or gated.
    pub token: Option<String>,
    /// Take files from the cache alone. `hf-hub` does not know `HF_HUB_OFFLINE`: whoever reads the
    /// environment sets this.
    pub offline: bool,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .field("token", &self.token.as_ref().map(|_| "(set)"))
            .field("offline", &self.offline)
            .finish()
    }
}
