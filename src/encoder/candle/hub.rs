//! Models fetched from the Hugging Face hub into the cache that its own tools share.

use std::path::PathBuf;

use hf_hub::{HFClient, HFError, HFRepositorySync, RepoTypeModel};

use super::super::EncoderError;
use super::super::error::shown;
use super::files::{ALL, Files, TOKENIZER_CONFIG, WEIGHTS};
use super::repository::{Hub, Repository};

/// Fetches the files that are read, and no others; what the cache has is not fetched again.
///
/// All are of one commit: the first answer says which one the revision is, and the rest are asked
/// for by it.
pub(super) fn fetch(repository: &Repository, hub: &Hub) -> Result<Files, EncoderError> {
    let failed = |file, error: &HFError| problem(repository, file, hub, error);
    let mut client = HFClient::builder().retry_max_attempts(2);
    if let Some(endpoint) = &hub.endpoint {
        client = client.endpoint(endpoint);
    }
    if let Some(cache) = &hub.cache {
        client = client.cache_dir(cache);
    }
    if let Some(token) = &hub.token {
        client = client.token(token);
    }
    let client = client.build_sync().map_err(|error| failed("", &error))?;
    let model = client.model(repository.owner.as_str(), repository.name.as_str());
    let mut revision = repository.revision.clone();
    let mut folder: Option<PathBuf> = None;
    for file in ALL {
        let path = match download(&model, file, revision.clone(), hub.offline) {
            Ok(path) => path,
            // Old models have no such file, and can do without.
            Err(HFError::EntryNotFound { .. } | HFError::LocalEntryNotFound { .. })
                if file == TOKENIZER_CONFIG =>
            {
                continue;
            }
            Err(error) => return Err(failed(file, &error)),
        };
        // A snapshot's folder is named by its commit.
        if let Some(parent) = path.parent() {
            revision = parent.file_name().map(|commit| commit.to_string_lossy().into_owned());
            folder = Some(parent.to_path_buf());
        }
    }
    Ok(Files::folder(folder.unwrap_or_default()).named(repository.to_string()))
}

fn download(
    model: &HFRepositorySync<RepoTypeModel>,
    file: &'static str,
    revision: Option<String>,
    offline: bool,
) -> Result<PathBuf, HFError> {
    let request = model.download_file().filename(file).local_files_only(offline);
    match revision {
        Some(revision) => request.revision(revision).send(),
        None => request.send(),
    }
}

fn problem(repository: &Repository, file: &str, hub: &Hub, error: &HFError) -> EncoderError {
    let detail = match error {
        HFError::EntryNotFound { .. } if file == WEIGHTS => {
            "it has no `model.safetensors`; convert its weights to one file of safetensors, as \
             transformers' `save_pretrained` does, and name the folder"
                .to_owned()
        }
        HFError::EntryNotFound { .. } if repository.revision.is_some() => {
            // The hub answers so too where there is no such revision.
            format!("it has no `{file}` at this revision; check what stands behind `@`")
        }
        HFError::EntryNotFound { .. } => {
            format!("it has no `{file}`; choose a model in the layout of transformers")
        }
        HFError::LocalEntryNotFound { .. } if hub.offline => {
            format!("`{file}` is not in the cache; fetch the model once while online")
        }
        HFError::RepoNotFound { .. } => {
            "there is no such model; check the name, and set a token if it is private".to_owned()
        }
        HFError::RevisionNotFound { .. } => {
            "it has no such revision; check what stands behind `@`".to_owned()
        }
        HFError::AuthRequired { .. } | HFError::Forbidden { .. } => {
            "there is no such model, or it is private or gated; check the name, accept its terms \
             on the hub, and set a token"
                .to_owned()
        }
        HFError::RateLimited { .. } => "the hub asks to slow down; try again later".to_owned(),
        HFError::Request { .. } => {
            let said = shown(&error.to_string());
            format!("the hub can't be reached ({said}); check the network, or name a folder")
        }
        other => shown(&other.to_string()),
    };
    EncoderError::Hub { repository: repository.to_string(), detail }
}
