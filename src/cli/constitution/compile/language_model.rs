//! The flags that choose a language model, and the factory that opens it.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::gpu::GpuArgs;
use crate::cli::model;
use crate::cli::models::named;
use crate::vlm::Chat;
use crate::vlm::llama::{DEFAULT_CONTEXT_TOKENS, LlamaChat, LlamaOptions, LoadError, demo};

/// What begins the name of a model behind a server.
const REMOTE: &str = "openai:";

/// Which language model compiles.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(super) struct LanguageModelArgs {
    /// `openai:NAME` on any OpenAI-compatible server, the GGUF file of an instruct model, or one by name
    /// that `praetor models pull` has fetched, such as `hf:OWNER/NAME:QUANT`; needed when there is
    /// something to compile
    #[arg(short, long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// The server's address [default: `OPENAI_BASE_URL`, else OpenAI's own]; its key is
    /// read from `OPENAI_API_KEY`, which local servers do without
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Requests to the server at once
    #[arg(long, default_value = "4", value_name = "N")]
    parallel: NonZeroUsize,
    /// Seconds that one request to the server may take
    #[arg(long, default_value = "120", value_name = "SECONDS")]
    timeout: NonZeroU32,
    /// Threads for a GGUF model [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Room for a GGUF model's conversations, in tokens; at most what it was trained on
    #[arg(long, default_value_t = DEFAULT_CONTEXT_TOKENS, value_name = "TOKENS")]
    context: NonZeroU32,
    #[command(flatten)]
    gpu: GpuArgs,
}

impl LanguageModelArgs {
    /// Opens the model.
    pub(super) fn load(&self) -> Result<Box<dyn Chat>, Failure> {
        const BOTH: &str = "a server's model is `--model openai:NAME` (with its address in \
                            `--base-url` or OPENAI_BASE_URL, and its key in OPENAI_API_KEY); a \
                            model on this machine is `--model FILE.gguf`, of any instruct model";
        match self.model.as_deref() {
            None => Err(Failure::Input(miette::miette!(
                code = "praetor::model::none",
                help = BOTH,
                "there are rules to compile, and no language model to do it"
            ))),
            Some(demo::NAME) => Err(Failure::Input(miette::miette!(
                code = "praetor::model::demo_writes_nothing",
                help = BOTH,
                "the demo model knows pictograms, and can't write"
            ))),
            Some(name) => match name.strip_prefix(REMOTE) {
                Some(name) => self.remote(name),
                None => match named::resolve(name)? {
                    Some((_, found)) => self.local(&found.model),
                    None => self.local(Path::new(name)),
                },
            },
        }
    }

    fn local(&self, path: &Path) -> Result<Box<dyn Chat>, Failure> {
        let files = LlamaOptions::text_only(path);
        let options = LlamaOptions {
            threads: self.threads.unwrap_or(files.threads),
            context_tokens: self.context,
            ..files
        };
        let model = LlamaChat::load(self.gpu.given_to(options)).map_err(|error| {
            let help = match error {
                LoadError::Unreadable { .. } => {
                    "check the path; a model behind a server is `openai:NAME`"
                }
                _ => model::help(&error).unwrap_or("choose an instruct model in GGUF"),
            };
            Failure::unopened(&error, Some(help))
        })?;
        Ok(Box::new(model))
    }

    #[cfg(not(feature = "remote"))]
    #[expect(clippy::unused_self, reason = "the other build needs it")]
    fn remote(&self, name: &str) -> Result<Box<dyn Chat>, Failure> {
        Err(Failure::Input(miette::miette!(
            code = "praetor::model::no_remote",
            help = "build praetor with the feature `remote`, or name a GGUF file",
            "this praetor was built without servers, so that `openai:{name}` can't be reached"
        )))
    }

    #[cfg(feature = "remote")]
    fn remote(&self, name: &str) -> Result<Box<dyn Chat>, Failure> {
        use crate::vlm::openai::{DEFAULT_ADDRESS, Key, OpenAiChat, OpenAiOptions};
        if name.trim().is_empty() {
            return Err(Failure::Input(miette::miette!(
                code = "praetor::model::no_name",
                help = "write the model's name after it, as the server calls it: `openai:gpt-4.1`",
                "`openai:` names no model"
            )));
        }
        let variable = |name: &str| {
            let value = std::env::var_os(name).and_then(|value| value.into_string().ok());
            value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let named = self.base_url.clone().or_else(|| variable("OPENAI_BASE_URL"));
        let address = named.unwrap_or_else(|| DEFAULT_ADDRESS.to_owned());
        let key = variable("OPENAI_API_KEY").map(Key::new);
        if key.is_none() && address == DEFAULT_ADDRESS {
            return Err(Failure::Input(miette::miette!(
                code = "praetor::model::no_key",
                help = "set OPENAI_API_KEY, or name another server with `--base-url`; local ones \
                        need no key",
                "{DEFAULT_ADDRESS} wants a key"
            )));
        }
        let options = OpenAiOptions {
            address,
            key,
            concurrency: self.parallel.get(),
            timeout: std::time::Duration::from_secs(u64::from(self.timeout.get())),
            ..OpenAiOptions::new(name)
        };
        let chat = OpenAiChat::new(options);
        let help = "an address looks like `http://localhost:8080/v1`";
        Ok(Box::new(chat.map_err(|error| Failure::unopened(&error, Some(help)))?))
    }
}
