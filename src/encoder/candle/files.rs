//! Where a model's files come from, and reading them whole.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::super::EncoderError;
use super::super::error::shown;
use crate::hub::{Hub, Repository};

/// The model's settings.
pub(super) const CONFIG: &str = "config.json";
/// How images are prepared.
pub(super) const PREPROCESSOR: &str = "preprocessor_config.json";
/// How texts are cut into tokens.
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// What `tokenizer.json` leaves open, such as the padding token.
pub(super) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// The weights.
pub(super) const WEIGHTS: &str = "model.safetensors";

/// All files that are read; the fourth may be missing.
pub(super) const ALL: [&str; 5] = [CONFIG, PREPROCESSOR, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS];

/// No file of settings is larger; Gemma's tokenizer has 34 MB.
const SETTINGS_LIMIT_BYTES: u64 = 256 << 20;

/// How a user names a model: a folder, or `hf:owner/name[@revision]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A folder with the files as Hugging Face lays them out.
    Folder(PathBuf),
    /// A repository of the hub.
    Hub(Repository),
}

impl Source {
    /// Reads a name: what begins with `hf:` is on the hub, all else is a folder.
    ///
    /// ```
    /// use praetor::encoder::Source;
    /// let hub = Source::parse("hf:openai/clip-vit-base-patch16").unwrap();
    /// assert!(matches!(hub, Source::Hub(_)));
    /// assert!(matches!(Source::parse("models/clip").unwrap(), Source::Folder(_)));
    /// ```
    ///
    /// # Errors
    /// [`EncoderError::Hub`] for what is no name of a repository.
    pub fn parse(text: &str) -> Result<Self, EncoderError> {
        match text.strip_prefix("hf:") {
            Some(name) => Ok(Self::Hub(name.parse()?)),
            None => Ok(Self::Folder(PathBuf::from(text))),
        }
    }

    /// The files, fetched into the cache of Hugging Face where they are not there yet.
    ///
    /// # Errors
    /// [`EncoderError::Hub`] when a repository can't be fetched; folders are looked into when the
    /// model is loaded.
    pub fn files(&self, hub: &Hub) -> Result<Files, EncoderError> {
        match self {
            Self::Folder(path) => Ok(Files::folder(path)),
            Self::Hub(repository) => super::fetch::fetch(repository, hub),
        }
    }
}

/// A model's files, in the layout of Hugging Face: `config.json`, `preprocessor_config.json`,
/// `tokenizer.json`, `tokenizer_config.json` (where there is one) and `model.safetensors`.
#[derive(Clone, Debug)]
pub struct Files {
    name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Memory(&'static [(&'static str, &'static [u8])]),
}

impl Files {
    /// The files of a folder; it is named by its last part.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let last = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Self { name: shown(&last), place: Place::Folder(path) }
    }

    /// Files that are part of the program: pairs of name and content.
    pub fn embedded(name: &str, files: &'static [(&'static str, &'static [u8])]) -> Self {
        Self { name: name.to_owned(), place: Place::Memory(files) }
    }

    /// Calls the model something else, as by its repository.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A file's whole content, or `None` when there is no such file.
    pub(super) fn optional(
        &self,
        file: &'static str,
    ) -> Result<Option<Cow<'static, [u8]>>, EncoderError> {
        match &self.place {
            Place::Memory(files) => Ok(files
                .iter()
                .find(|(name, _)| *name == file)
                .map(|(_, content)| Cow::Borrowed(*content))),
            Place::Folder(folder) => match read(&folder.join(file), file) {
                Ok(content) => Ok(Some(Cow::Owned(content))),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(source) => Err(EncoderError::Unreadable { path: folder.join(file), source }),
            },
        }
    }

    /// A file's whole content.
    pub(super) fn required(&self, file: &'static str) -> Result<Cow<'static, [u8]>, EncoderError> {
        self.optional(file)?.ok_or_else(|| EncoderError::Missing {
            model: self.shown_place(),
            file,
            mend: match file {
                WEIGHTS => {
                    "convert its weights to one file of safetensors, as transformers' \
                     `save_pretrained` does"
                }
                TOKENIZER => {
                    "convert its tokenizer, as transformers' `AutoTokenizer` saves it with \
                     `use_fast`"
                }
                _ => "check that the path names a model in the layout of Hugging Face",
            },
        })
    }

    /// A file of JSON, read into a type that names what it needs.
    pub(super) fn json<T: DeserializeOwned>(&self, file: &'static str) -> Result<T, EncoderError> {
        serde_json::from_slice(&self.required(file)?).map_err(|error| self.damaged(file, error))
    }

    /// The error of a file that does not hold what it should.
    pub(super) fn damaged(&self, file: &'static str, detail: impl Display) -> EncoderError {
        let detail = shown(&detail.to_string());
        EncoderError::Damaged { model: self.shown_place(), file, detail }
    }

    /// The error of a setting that can't be followed.
    pub(super) fn unsupported(&self, setting: impl Display) -> EncoderError {
        let setting = shown(&setting.to_string());
        EncoderError::Unsupported { model: self.shown_place(), setting }
    }

    /// The error of a model of another kind.
    pub(super) fn kind(&self, found: &str, expected: &'static str) -> EncoderError {
        EncoderError::Kind { model: self.shown_place(), found: shown(found), expected }
    }

    fn shown_place(&self) -> String {
        match &self.place {
            Place::Folder(path) => shown(&path.to_string_lossy()),
            Place::Memory(_) => self.name.clone(),
        }
    }
}

/// Reads a regular file; what is too large for settings is refused before it is read.
fn read(path: &Path, file: &str) -> std::io::Result<Vec<u8>> {
    let about = fs_err::metadata(path)?;
    if !about.is_file() {
        return Err(std::io::Error::other("is not a regular file"));
    }
    if file != WEIGHTS && about.len() > SETTINGS_LIMIT_BYTES {
        return Err(std::io::Error::other("is too large to be what its name says"));
    }
    fs_err::read(path)
}
