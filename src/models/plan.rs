//! What is to be fetched of a model, and how much that is.

use super::local::Found;
use super::{Choice, ChoiceError, ModelName, find};
use crate::hub::{Cached, Client, Hub, HubError, Listed, Listing, Step};

/// The files of a model as the hub has them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// How the model was named.
    pub name: ModelName,
    /// What the repository holds.
    pub listing: Listing,
    /// Which of it is the model.
    pub choice: Choice,
}

/// Why nothing can be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The hub does not tell, or does not give.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The repository does not hold it.
    #[error("`{repository}` {reason}")]
    Choice {
        /// Which repository.
        repository: String,
        /// What it lacks.
        reason: ChoiceError,
    },
}

impl Plan {
    /// Asks the hub which files a model has.
    ///
    /// # Errors
    /// [`PlanError`] when it does not tell, or has no such model.
    pub fn make(name: &ModelName, client: &Client) -> Result<Self, PlanError> {
        let listing = client.listing(&name.repository)?;
        let choice = name.choose(listing.files.iter().map(|listed| listed.file.as_str()));
        let choice = choice.map_err(|reason| PlanError::Choice {
            repository: name.repository.to_string(),
            reason,
        })?;
        Ok(Self { name: name.clone(), listing, choice })
    }

    /// The files to fetch: the language model's, and then the projector.
    pub fn files(&self) -> Vec<&Listed> {
        let names = self.choice.model.iter().chain(&self.choice.projector);
        names.filter_map(|file| self.listing.get(file)).collect()
    }

    /// Bytes of all files, as far as the hub tells.
    pub fn size(&self) -> u64 {
        self.files().iter().filter_map(|listed| listed.size).sum()
    }

    /// Bytes of those that the cache lacks.
    pub fn missing(&self, hub: &Hub) -> u64 {
        let cached = Cached::of(hub, &self.name.repository);
        let lacks = |listed: &&&Listed| cached.file(&self.listing.commit, &listed.file).is_none();
        self.files().iter().filter(lacks).filter_map(|listed| listed.size).sum()
    }

    /// Files whose hash is another than the catalogue's.
    pub fn changed(&self) -> Vec<&Listed> {
        let Some(entry) = self.name.entry else { return Vec::new() };
        let differs = |listed: &&Listed| {
            let known = entry.known(&listed.file);
            known.is_some_and(|known| {
                listed.sha256.as_deref().is_some_and(|sha| sha != known.sha256)
            })
        };
        self.files().into_iter().filter(differs).collect()
    }

    /// Fetches what is missing, and compares everything.
    ///
    /// # Errors
    /// [`HubError`] for the first file that can't be had; what has come is kept.
    pub fn fetch(
        &self,
        client: &Client,
        report: &dyn Fn(Step<'_>),
    ) -> Result<Option<Found>, HubError> {
        client.fetch(&self.name.repository, &self.listing, &self.files(), report)?;
        Ok(find(&self.name, client.hub()).ok())
    }
}
