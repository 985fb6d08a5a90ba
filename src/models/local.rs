//! Finding a model's files in the cache, without asking anybody.

use std::path::PathBuf;

use super::choice::projector_among;
use super::{Choice, ChoiceError, ModelName, choose};
use crate::hub::{Cached, Hub, Stored};

/// A model whose files are there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The commit they are of.
    pub commit: String,
    /// The language model; its first part, where it has several.
    pub model: PathBuf,
    /// What it sees by, unless it only talks.
    pub projector: Option<PathBuf>,
    /// All files of it.
    pub files: Vec<Stored>,
}

/// Why a model is not to be had from the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotFound {
    /// Nothing of it was ever fetched whole.
    #[error("the model `{name}` is not in the cache ({folder})", folder = folder.display())]
    Nothing {
        /// How it was named.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Other files of it are there.
    #[error("the model `{name}` is not in the cache as it was asked for: {folder} {reason}",
        folder = folder.display())]
    Other {
        /// How it was named.
        name: String,
        /// The snapshot that was looked through.
        folder: PathBuf,
        /// What it lacks.
        reason: ChoiceError,
    },
}

impl ModelName {
    /// Which of a repository's files are meant.
    ///
    /// # Errors
    /// [`ChoiceError`] when there are none such.
    pub fn choose<'a>(
        &self,
        files: impl IntoIterator<Item = &'a str>,
    ) -> Result<Choice, ChoiceError> {
        let files: Vec<&str> = files.into_iter().collect();
        let mut choice = match self.pair() {
            Some((model, _)) if self.quantisation.is_none() && files.contains(&model) => {
                choose([model], None)?
            }
            _ => choose(files.iter().copied(), self.quantisation.as_deref())?,
        };
        // The pair's projector goes with every quantisation.
        let of_pair = self.pair().map(|(_, projector)| projector);
        choice.projector = match of_pair.filter(|projector| files.contains(projector)) {
            Some(projector) => Some(projector.to_owned()),
            None => projector_among(&files),
        };
        Ok(choice)
    }

    fn pair(&self) -> Option<(&'static str, &'static str)> {
        self.entry.and_then(|entry| entry.pair)
    }
}

/// Looks for a model in the cache: at the commit that its revision stood for when it was last
/// fetched.
///
/// # Errors
/// [`NotFound`] when it is not there, or not whole.
pub fn find(name: &ModelName, hub: &Hub) -> Result<Found, NotFound> {
    let cached = Cached::of(hub, &name.repository);
    let nothing =
        || NotFound::Nothing { name: name.to_string(), folder: cached.folder().to_owned() };
    let commit = cached.commit(name.repository.revision()).ok_or_else(nothing)?;
    let stored = cached.files(&commit);
    if stored.is_empty() {
        return Err(nothing());
    }
    let choice = name.choose(stored.iter().map(|stored| stored.file.as_str()));
    let choice = choice.map_err(|reason| {
        let folder = cached.snapshot(&commit);
        NotFound::Other { name: name.to_string(), folder, reason }
    })?;
    let path = |file: &str| {
        stored.iter().find(|stored| stored.file == file).map(|stored| stored.path.clone())
    };
    let model = choice.model.first().and_then(|file| path(file)).ok_or_else(nothing)?;
    let projector = choice.projector.as_deref().and_then(path);
    let is_of_it = |stored: &Stored| {
        choice.model.contains(&stored.file) || choice.projector.as_ref() == Some(&stored.file)
    };
    let files = stored.iter().filter(|stored| is_of_it(stored)).cloned().collect();
    Ok(Found { commit, model, projector, files })
}
