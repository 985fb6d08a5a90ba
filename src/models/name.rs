//! How a user names a model of the hub.

use std::fmt;
use std::str::FromStr;

use super::catalogue::{CATALOGUE, Entry};
use crate::hub::{HubError, Repository};

/// What begins the name of a repository.
const HUB: &str = "hf:";

/// A model of the hub: `NAME[:QUANT]` of the catalogue, or `hf:OWNER/NAME[@REVISION][:QUANT]`.
///
/// ```
/// use praetor::models::ModelName;
/// let name: ModelName = "hf:ggml-org/gemma-3-4b-it-GGUF:Q8_0".parse().unwrap();
/// assert_eq!(name.repository.to_string(), "ggml-org/gemma-3-4b-it-GGUF");
/// assert_eq!(name.quantisation.as_deref(), Some("Q8_0"));
/// let short: ModelName = "gemma-3-4b".parse().unwrap();
/// assert_eq!(short.repository, name.repository);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelName {
    /// The entry of the catalogue, if it was named by that.
    pub entry: Option<&'static Entry>,
    /// Where its files are.
    pub repository: Repository,
    /// Which of the quantisations; the catalogue's or the preferred one without.
    pub quantisation: Option<String>,
}

/// A text that names no model of the hub.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The repository's name is none.
    #[error(transparent)]
    Repository(#[from] HubError),
    /// What follows the colon can't be a quantisation.
    #[error("`{text}` is no name of a quantisation; write one as in `Q4_K_M`")]
    Quantisation {
        /// What was written.
        text: String,
    },
    /// No such entry.
    #[error("the catalogue has no model `{text}`")]
    Unknown {
        /// What was written.
        text: String,
        /// The entry that looks most like it.
        near: Option<&'static str>,
    },
}

impl ModelName {
    /// Whether a text is meant as a model of the hub, right or wrong, and not as a file.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(HUB) || {
            let (name, _) = parted(text);
            CATALOGUE.iter().any(|entry| entry.name == name)
        }
    }
}

impl FromStr for ModelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (name, quantisation) = parted(text.strip_prefix(HUB).unwrap_or(text));
        let is_label = |label: &str| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            !label.is_empty() && label.len() <= 64 && label.bytes().all(fits)
        };
        if let Some(label) = quantisation.filter(|label| !is_label(label)) {
            return Err(NameError::Quantisation { text: label.to_owned() });
        }
        let quantisation = quantisation.map(str::to_owned);
        if text.starts_with(HUB) {
            return Ok(Self { entry: None, repository: name.parse()?, quantisation });
        }
        let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == name) else {
            return Err(NameError::Unknown { text: name.to_owned(), near: nearest(name) });
        };
        Ok(Self { entry: Some(entry), repository: entry.repository.parse()?, quantisation })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => f.write_str(entry.name)?,
            None => write!(f, "{HUB}{}", self.repository)?,
        }
        self.quantisation.as_deref().map_or(Ok(()), |label| write!(f, ":{label}"))
    }
}

fn parted(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, label)) => (name, Some(label)),
        None => (text, None),
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    let likeness = |entry: &Entry| strsim::jaro_winkler(entry.name, name);
    CATALOGUE
        .iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
        .filter(|entry| likeness(entry) > 0.75)
        .map(|entry| entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_name_comes_back_as_it_was_written() {
        for text in
            ["gemma-3-4b", "gemma-3-4b:Q8_0", "hf:a/b", "hf:a/b@v1.0:IQ4_XS", "hf:a/b@refs/pr/1"]
        {
            let name: ModelName = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            assert!(ModelName::is_meant_by(text));
        }
    }

    #[test]
    fn what_names_no_model_says_why() {
        let error = "gemma-3-5b".parse::<ModelName>().unwrap_err();
        assert!(matches!(error, NameError::Unknown { near: Some("gemma-3-4b"), .. }), "{error:?}");
        for text in ["hf:", "hf:a", "hf:a/b:", "hf:a/b:Q4/..", "hf:../b", "hf:a/b@:Q8_0", "nothing"]
        {
            assert!(text.parse::<ModelName>().is_err(), "{text}");
        }
        for text in ["model.gguf", "./gemma-3-4b", "dir/model", "C:\\model.gguf"] {
            assert!(!ModelName::is_meant_by(text), "{text}");
        }
    }
}
