//! From what a user wrote after `--model` to files in the cache.

use std::path::Path;

use crate::cli::exit::Failure;
use crate::models::{CATALOGUE, Entry, Found, ModelName, NameError, NotFound, find};

use super::{hub, human};

/// The files of a model by name; `None` where a file was named.
pub(in crate::cli) fn resolve(text: &str) -> Result<Option<(ModelName, Found)>, Failure> {
    if !ModelName::is_meant_by(text) && looks_like_a_file(text) {
        return Ok(None);
    }
    let name = parse(text)?;
    let hub = hub();
    let found = find(&name, &hub).map_err(|error| not_here(&name, &error, hub.offline))?;
    Ok(Some((name, found)))
}

/// Reads a name.
pub(super) fn parse(text: &str) -> Result<ModelName, Failure> {
    text.parse().map_err(|error: NameError| {
        let help = match &error {
            NameError::Unknown { near: Some(near), .. } => {
                format!("did you mean `{near}`? `praetor models list` shows all; {FORMS}")
            }
            _ => format!("`praetor models list` shows names; {FORMS}"),
        };
        Failure::mistake(&error, Some(&help))
    })
}

const FORMS: &str =
    "any other model is `hf:OWNER/NAME[@REVISION][:QUANT]` or the path of a GGUF file";

fn looks_like_a_file(text: &str) -> bool {
    let path = Path::new(text);
    text.contains(['/', '\\', '.']) && !is_almost_a_name(text) || path.exists()
}

/// A mistyped name such as `qwen2.5-vl-4b` has a dot as well.
fn is_almost_a_name(text: &str) -> bool {
    let family = |name: &str| name.split('-').next().unwrap_or(name).to_owned();
    !text.contains(['/', '\\'])
        && !Path::new(text).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"))
        && CATALOGUE.iter().any(|entry| family(entry.name) == family(text))
}

fn not_here(name: &ModelName, error: &NotFound, offline: bool) -> Failure {
    let size = name.entry.filter(|_| name.quantisation.is_none()).and_then(Entry::size);
    let size = size.map(|size| format!(" ({})", human(size))).unwrap_or_default();
    let help = match (offline, cfg!(feature = "hub")) {
        (_, false) => format!(
            "this praetor can't download (feature `hub`): fetch it by Hugging Face's own `hf download \
             {}/{}`, or name GGUF files",
            name.repository.owner, name.repository.name
        ),
        (true, true) => format!(
            "HF_HUB_OFFLINE is set: unset it and run `praetor models pull {name}`{size}, or bring the \
             folder from a machine that has it"
        ),
        (false, true) => {
            format!(
                "run `praetor models pull {name}`{size} once; commands that judge never download"
            )
        }
    };
    Failure::unopened(error, Some(&help))
}
