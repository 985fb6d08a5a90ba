//! `models.yaml`: models by names of one's own, with everything that a server wants to have said.
//!
//! It is read as strictly as a constitution: an unknown key is an error with its place. The key to a
//! server is never in it, only the name of the variable that holds it.

use std::path::{Path, PathBuf};

use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use super::leaving::Day;
use crate::cli::exit::Failure;
use crate::constitution::read_strictly;

/// Where the file is when nobody says.
pub(in crate::cli) const DEFAULT: &str = "models.yaml";

const START: &str =
    "a file of models begins with `models:` and a list; docs/remote.md has one to copy";

/// The file.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "praetor models")]
pub(in crate::cli) struct ModelsFile {
    /// The models.
    #[garde(length(min = 1), dive)]
    pub(super) models: Vec<Entry>,
}

/// One model.
#[derive(Clone, Debug, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "model")]
pub(in crate::cli) struct Entry {
    /// What it is called after `--model`.
    #[garde(length(chars, min = 1))]
    pub(super) name: String,
    /// How it is talked to.
    #[garde(skip)]
    pub(super) kind: Kind,
    /// Its name at the server, or its GGUF file; by default `name`.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1)))]
    #[schemars(length(min = 1))]
    pub(super) model: Option<String>,
    /// The projector, for `gguf`.
    #[serde(default)]
    #[garde(skip)]
    pub(super) mmproj: Option<PathBuf>,
    /// The server's address; by default that of the kind's usual variable.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1)))]
    #[schemars(length(min = 1))]
    pub(super) base_url: Option<String>,
    /// The variable that holds the key. Without it, a server that `base_url` names gets none.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1)))]
    #[schemars(length(min = 1))]
    pub(super) key_env: Option<String>,
    /// Azure's version of the interface, such as `2024-10-21`; without it the newest, `v1`.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1)))]
    #[schemars(length(min = 1))]
    pub(super) api_version: Option<String>,
    /// Whether images may be sent to it, where it is on another machine.
    #[serde(default)]
    #[garde(skip)]
    pub(super) allow_remote: bool,
    /// Images that are never sent to it, as `--local-only` has them.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1)))]
    pub(super) local_only: Vec<String>,
    /// Requests at once.
    #[serde(default)]
    #[garde(inner(range(min = 1)))]
    #[schemars(range(min = 1))]
    pub(super) parallel: Option<u32>,
    /// Seconds that one request may take.
    #[serde(default)]
    #[garde(inner(range(min = 1)))]
    #[schemars(range(min = 1))]
    pub(super) timeout: Option<u32>,
    /// What tokens cost, for a million.
    #[serde(default)]
    #[garde(dive)]
    pub(super) prices: Option<PriceList>,
    /// Tokens that an image takes there, for the estimate before a run.
    #[serde(default)]
    #[garde(inner(range(min = 1)))]
    #[schemars(range(min = 1))]
    pub(super) image_tokens: Option<u32>,
    /// Images with a longer side are shrunk to it before they are sent; by default 2048 for a server
    /// on another machine, and not at all for one on this.
    #[serde(default)]
    #[garde(inner(range(min = 32)))]
    #[schemars(range(min = 32))]
    pub(super) longest_side: Option<u32>,
    /// The day after which the model answers no more, such as `2027-01-14`; praetor says so from 90 days
    /// before.
    #[serde(default)]
    #[garde(skip)]
    pub(super) shutdown_date: Option<Day>,
    /// What is added to every request as it is, such as `reasoning_effort: none`.
    #[serde(default)]
    #[garde(skip)]
    pub(super) extra: serde_json::Map<String, serde_json::Value>,
}

/// How a model is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Kind {
    /// OpenAI's chat completions, which most servers speak.
    Openai,
    /// The same at Azure.
    Azure,
    /// OpenAI's decisions.
    Decisions,
    /// A decision model behind `/v1/systemone`.
    Systemone,
    /// A GGUF file, in this process.
    Gguf,
}

/// What tokens cost, for a million, in any one currency.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "prices")]
pub(in crate::cli) struct PriceList {
    /// Tokens read.
    #[garde(range(min = 0.0))]
    pub(super) input: f64,
    /// Tokens written.
    #[serde(default)]
    #[garde(range(min = 0.0))]
    pub(super) output: f64,
    /// Tokens read that the server had kept; by default as `input`.
    #[serde(default)]
    #[garde(inner(range(min = 0.0)))]
    #[schemars(range(min = 0.0))]
    pub(super) cached: Option<f64>,
}

/// The entry of a name; nothing where there is no such file or name. A file that was asked for has
/// to be there.
pub(in crate::cli) fn find(file: Option<&Path>, name: &str) -> Result<Option<Entry>, Failure> {
    let path = file.unwrap_or(Path::new(DEFAULT));
    let names_a_file = name.starts_with("hf:") || Path::new(name).exists();
    if file.is_none() && (names_a_file || !path.exists()) {
        return Ok(None);
    }
    let read: ModelsFile = read_strictly(path, START).map_err(Failure::input)?;
    let mut of_name = read.models.into_iter().filter(|entry| entry.name == name);
    let found = of_name.next();
    if of_name.next().is_some() {
        return Err(Failure::Input(miette::miette!(
            code = "praetor::models_file::twice",
            help = "give one of the two another name",
            "`{}` has two models of the name `{name}`",
            path.display()
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Entry>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.yaml");
        fs_err::write(&path, text).unwrap();
        find(Some(&path), "gpt")
    }

    #[test]
    fn an_entry_is_read_whole() {
        let entry = read(
            "models:\n  - name: gpt\n    kind: openai\n    model: m-1\n    allow_remote: true\n    \
             prices: {input: 2.5, output: 10}\n    extra: {reasoning_effort: none, a: [1, {b: true}]}\n",
        );
        let entry = entry.unwrap().unwrap();
        assert_eq!((entry.kind, entry.model.as_deref()), (Kind::Openai, Some("m-1")));
        assert_eq!(entry.prices.unwrap().cached, None);
        assert_eq!(entry.extra["a"][1]["b"], true);
    }

    #[test]
    fn mistakes_are_reported_with_what_is_known() {
        for (text, word) in [
            ("models: [{name: gpt, kind: openai, alow_remote: true}]", "allow_remote"),
            ("models: [{name: gpt, kind: opnai}]", "openai"),
            ("models: [{name: gpt, kind: openai, parallel: 0}]", "at least 1"),
            ("models: []", "models"),
            ("models: [{name: gpt, kind: openai, shutdown_date: soon}]", "2027-01-14"),
            ("models: [{name: gpt, kind: openai}, {name: gpt, kind: azure}]", "two models"),
        ] {
            let error = format!("{:?}", read(text).unwrap_err());
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
