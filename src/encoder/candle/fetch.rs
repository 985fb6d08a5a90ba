//! Models fetched from the hub, or found in its cache.

use super::super::EncoderError;
use super::files::{ALL, Files, TOKENIZER_CONFIG, WEIGHTS};
use crate::hub::{Cached, Cause, Hub, HubError, Repository};

/// The files that are read, and no others; what the cache has is not fetched again.
pub(super) fn fetch(repository: &Repository, hub: &Hub) -> Result<Files, EncoderError> {
    #[cfg(feature = "hub")]
    if !hub.offline {
        match online(repository, hub) {
            // What was fetched before is as good as it was then.
            Err(error)
                if matches!(*error.cause, Cause::Unreachable { .. })
                    && cached(repository, hub).is_ok() => {}
            Err(error) => return Err(problem(error)),
            Ok(()) => {}
        }
    }
    cached(repository, hub).map_err(problem)
}

/// Fetches what is missing.
#[cfg(feature = "hub")]
fn online(repository: &Repository, hub: &Hub) -> Result<(), HubError> {
    let client = crate::hub::Client::new(hub)?;
    let listing = client.listing(repository)?;
    let mut wanted = Vec::new();
    for file in ALL {
        match listing.get(file) {
            Some(listed) => wanted.push(listed),
            // Old models have no such file, and can do without.
            None if file == TOKENIZER_CONFIG => {}
            None => {
                return Err(HubError::new(repository, Cause::NoFile { file: file.to_owned() }));
            }
        }
    }
    client.fetch(repository, &listing, &wanted, &|_| {}).map(drop)
}

fn cached(repository: &Repository, hub: &Hub) -> Result<Files, HubError> {
    let missing = |file: &str| {
        let offline = Cause::Offline { file: file.to_owned() };
        let cause = if cfg!(feature = "hub") { offline } else { Cause::NoDownloads };
        HubError::new(repository, cause)
    };
    let cached = Cached::of(hub, repository);
    let commit = cached.commit(repository.revision()).ok_or_else(|| missing(ALL[0]))?;
    for file in ALL.into_iter().filter(|file| *file != TOKENIZER_CONFIG) {
        cached.file(&commit, file).ok_or_else(|| missing(file))?;
    }
    Ok(Files::folder(cached.snapshot(&commit)).named(repository.to_string()))
}

fn problem(error: HubError) -> EncoderError {
    let detail = match &*error.cause {
        Cause::NoFile { file } if file == WEIGHTS => {
            "it has no `model.safetensors`; convert its weights to one file of safetensors, as \
             transformers' `save_pretrained` does, and name the folder"
                .to_owned()
        }
        Cause::NoFile { file } => {
            format!("it has no `{file}`; choose a model in the layout of transformers")
        }
        cause => cause.to_string(),
    };
    EncoderError::Hub { repository: error.repository, detail }
}

impl From<HubError> for EncoderError {
    fn from(error: HubError) -> Self {
        problem(error)
    }
}
