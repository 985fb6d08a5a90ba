//! From what a user wrote after `--model` to a server, its key and its settings.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;

use super::Leaving;
use super::file::{self, Entry, Kind, PriceList};
use crate::cli::exit::Failure;
use crate::cli::number::at_least_one;

/// How a server is reached.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub(in crate::cli) struct ServerArgs {
    /// The server's address [default: that in the models' file, else `OPENAI_BASE_URL` or
    /// `AZURE_OPENAI_ENDPOINT`, else OpenAI's own]; its key is read from `OPENAI_API_KEY` or
    /// `AZURE_OPENAI_API_KEY`, which local servers do without
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Requests to the server at once [default: 4]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    parallel: Option<NonZeroUsize>,
    /// Seconds that one request to the server may take [default: 120]
    #[arg(long, value_name = "SECONDS", value_parser = at_least_one::<NonZeroU32>)]
    timeout: Option<NonZeroU32>,
    /// Models by names of your own [default: `models.yaml`, where there is one]
    #[arg(long, value_name = "YAML")]
    models_file: Option<PathBuf>,
}

/// What a name after `--model` stands for, unless it is a model on this machine.
#[derive(Debug)]
pub(in crate::cli) enum Named {
    /// A model behind a server.
    Server(Box<Server>),
    /// A GGUF file, or a name of the hub, and its projector.
    Local { model: String, mmproj: Option<PathBuf> },
}

/// A model behind a server.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "remote"),
    expect(dead_code, reason = "named here, opened in the other build")
)]
pub(in crate::cli) struct Server {
    pub(super) kind: Kind,
    pub(super) model: String,
    pub(super) address: String,
    pub(super) query: Vec<(String, String)>,
    /// The variable that holds the key, and whether it has to.
    pub(super) key: Variable,
    pub(super) parallel: usize,
    pub(super) timeout_seconds: u32,
    pub(super) allow_remote: bool,
    pub(super) local_only: Vec<String>,
    pub(super) prices: Option<PriceList>,
    pub(super) image_tokens: Option<u32>,
    pub(super) longest_side: Option<u32>,
    /// When it goes, where that is written down somewhere.
    pub(super) leaving: Option<Leaving>,
    pub(super) extra: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "remote"),
    expect(dead_code, reason = "named here, read in the other build")
)]
pub(super) enum Variable {
    /// No key is sent.
    None,
    /// A key is sent where the variable has one; the kind's own.
    Usual(&'static str),
    /// A key has to be there.
    Wanted(String),
}

/// OpenAI's own address, which wants a key.
pub(super) const OPENAI: &str = "https://api.openai.com/v1";
/// Where llama-server listens by itself.
const LLAMA_SERVER: &str = "http://localhost:8080/v1";

const HOW: &str = "`openai:NAME`, `azure:DEPLOYMENT`, `decisions:NAME`, `systemone:NAME`, or a name \
                   from the file of models";

/// A variable that is set to something.
pub(super) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name).and_then(|value| value.into_string().ok());
    value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

impl ServerArgs {
    /// The same without an address.
    #[must_use]
    pub(in crate::cli) fn without_address(self) -> Self {
        Self { base_url: None, ..self }
    }

    /// What a name stands for; nothing where it is that of a model on this machine.
    pub(in crate::cli) fn resolve(&self, text: &str) -> Result<Option<Named>, Failure> {
        let kinds = [
            ("openai", Kind::Openai),
            ("azure", Kind::Azure),
            ("decisions", Kind::Decisions),
            ("systemone", Kind::Systemone),
        ];
        for (word, kind) in kinds {
            if let Some(name) = text.strip_prefix(word).and_then(|rest| rest.strip_prefix(':')) {
                if name.trim().is_empty() {
                    return Err(Failure::Input(miette::miette!(
                        code = "praetor::model::no_name",
                        help = "write the model's name after it, as the server calls it: \
                                `openai:gpt-4.1`",
                        "`{word}:` names no model"
                    )));
                }
                return Ok(Some(Named::Server(Box::new(self.server(kind, name, None)?))));
            }
        }
        match file::find(self.models_file.as_deref(), text)? {
            None => Ok(None),
            Some(entry) if entry.kind == Kind::Gguf => {
                let model = entry.model.unwrap_or(entry.name);
                Ok(Some(Named::Local { model, mmproj: entry.mmproj }))
            }
            Some(entry) => {
                let name = entry.model.clone().unwrap_or_else(|| entry.name.clone());
                let server = self.server(entry.kind, &name, Some(&entry))?;
                Ok(Some(Named::Server(Box::new(server))))
            }
        }
    }

    /// Whether anything here was said, which a model on this machine has no use for.
    pub(in crate::cli) fn named_address(&self) -> bool {
        self.base_url.is_some()
    }

    fn server(&self, kind: Kind, name: &str, entry: Option<&Entry>) -> Result<Server, Failure> {
        let of_entry = entry.and_then(|entry| entry.base_url.clone());
        let usual_key = match kind {
            Kind::Azure => "AZURE_OPENAI_API_KEY",
            _ => "OPENAI_API_KEY",
        };
        let key = match entry.and_then(|entry| entry.key_env.clone()) {
            Some(name) => Variable::Wanted(name),
            // A key goes where its variable belongs, not wherever a file says.
            None if of_entry.is_some() && self.base_url.is_none() => Variable::None,
            None => Variable::Usual(usual_key),
        };
        let version = entry.and_then(|entry| entry.api_version.clone());
        let version =
            version.or_else(|| variable("OPENAI_API_VERSION").filter(|_| kind == Kind::Azure));
        let address = match (self.base_url.clone().or(of_entry), kind) {
            (Some(address), _) => address,
            (None, Kind::Azure) => variable("AZURE_OPENAI_ENDPOINT").ok_or_else(no_endpoint)?,
            (None, Kind::Systemone) => {
                variable("OPENAI_BASE_URL").unwrap_or_else(|| LLAMA_SERVER.to_owned())
            }
            (None, _) => variable("OPENAI_BASE_URL").unwrap_or_else(|| OPENAI.to_owned()),
        };
        let address =
            if kind == Kind::Azure { azure(&address, name, version.is_some()) } else { address };
        let leaving = entry.and_then(|entry| entry.shutdown_date).map(Leaving::written);
        let at_openai = kind == Kind::Openai && address == OPENAI;
        let known = at_openai.then(|| Leaving::known_at_openai(name)).flatten();
        let of = |value: Option<u32>, usual: u32| value.unwrap_or(usual);
        let parallel = of(entry.and_then(|entry| entry.parallel), 4);
        let timeout = of(entry.and_then(|entry| entry.timeout), 120);
        Ok(Server {
            kind,
            model: name.to_owned(),
            address,
            query: version.map(|version| ("api-version".to_owned(), version)).into_iter().collect(),
            key,
            parallel: self.parallel.map_or(parallel as usize, NonZeroUsize::get),
            timeout_seconds: self.timeout.map_or(timeout, NonZeroU32::get),
            allow_remote: entry.is_some_and(|entry| entry.allow_remote),
            local_only: entry.map(|entry| entry.local_only.clone()).unwrap_or_default(),
            prices: entry.and_then(|entry| entry.prices),
            image_tokens: entry.and_then(|entry| entry.image_tokens),
            longest_side: entry.and_then(|entry| entry.longest_side),
            leaving: leaving.or(known),
            extra: entry.map(|entry| entry.extra.clone()).unwrap_or_default(),
        })
    }
}

fn no_endpoint() -> Failure {
    Failure::Input(miette::miette!(
        code = "praetor::model::no_endpoint",
        help = "set AZURE_OPENAI_ENDPOINT, or name the resource with `--base-url`: \
                `https://NAME.openai.azure.com`",
        "a model at Azure has no address that everybody shares"
    ))
}

/// Azure's address of a deployment: with a version of the interface the older one, else `v1`'s.
fn azure(endpoint: &str, deployment: &str, versioned: bool) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    if endpoint.contains("/openai") {
        // All of it was written out.
        endpoint.to_owned()
    } else if versioned {
        format!("{endpoint}/openai/deployments/{deployment}")
    } else {
        format!("{endpoint}/openai/v1")
    }
}

impl Server {
    /// What it is called, with how it is talked to.
    pub(in crate::cli) fn shown(&self) -> String {
        format!("{}:{}", self.word(), self.model)
    }

    fn word(&self) -> &'static str {
        match self.kind {
            Kind::Openai => "openai",
            Kind::Azure => "azure",
            Kind::Decisions => "decisions",
            Kind::Systemone => "systemone",
            Kind::Gguf => "gguf",
        }
    }

    /// Where it computes, as a sentence without its stop.
    pub(in crate::cli) fn where_it_is(&self) -> String {
        format!("at {}", self.address)
    }

    /// By name, for a run's manifest.
    pub(in crate::cli) fn settings(&self) -> crate::store::Settings {
        let mut settings: crate::store::Settings = [
            ("model", self.shown()),
            ("address", self.address.clone()),
            ("parallel", self.parallel.to_string()),
            ("timeout", self.timeout_seconds.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(side) = self.longest_side {
            settings.insert("longest_side".to_owned(), side.to_string());
        }
        if !self.extra.is_empty() {
            let extra = serde_json::Value::Object(self.extra.clone()).to_string();
            settings.insert("extra".to_owned(), extra);
        }
        settings
    }
}

/// What may stand after `--model` for a server.
pub(in crate::cli) fn how() -> &'static str {
    HOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_has_two_addresses_and_one_written_out_stays() {
        let endpoint = "https://a.openai.azure.com/";
        assert_eq!(azure(endpoint, "d", true), "https://a.openai.azure.com/openai/deployments/d");
        assert_eq!(azure(endpoint, "d", false), "https://a.openai.azure.com/openai/v1");
        let whole = "https://a.example/openai/v1";
        assert_eq!(azure(whole, "d", false), whole);
    }
}
