//! The flags that choose a language model, and the factory that opens it.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::gpu::GpuArgs;
use crate::cli::model;
use crate::cli::models::named;
use crate::cli::number::at_least_one;
use crate::cli::remote::{Named, Server, ServerArgs};
use crate::vlm::Chat;
use crate::vlm::llama::{DEFAULT_CONTEXT_TOKENS, LlamaChat, LlamaOptions, LoadError, demo};

/// Which language model compiles.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(super) struct LanguageModelArgs {
    /// `openai:NAME` on any OpenAI-compatible server, `azure:DEPLOYMENT`, the GGUF file of an instruct
    /// model, a name from your file of models, or one that `praetor models pull` has fetched, such as
    /// `hf:OWNER/NAME:QUANT`; needed when there is something to compile
    #[arg(short, long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// Threads for a GGUF model [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    threads: Option<NonZeroUsize>,
    /// Room for a GGUF model's conversations, in tokens; at most what it was trained on
    #[arg(long, default_value_t = DEFAULT_CONTEXT_TOKENS, value_name = "TOKENS",
          value_parser = at_least_one::<NonZeroU32>)]
    context: NonZeroU32,
    #[command(flatten)]
    gpu: GpuArgs,
    #[command(flatten)]
    server: ServerArgs,
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
            Some(name) => match self.server.resolve(name)? {
                Some(Named::Server(server)) => remote(&server),
                Some(Named::Local { model, .. }) => self.on_this_machine(&model),
                None => self.on_this_machine(name),
            },
        }
    }

    fn on_this_machine(&self, name: &str) -> Result<Box<dyn Chat>, Failure> {
        match named::resolve(name)? {
            Some((_, found)) => self.local(&found.model),
            None => self.local(Path::new(name)),
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
}

#[cfg(feature = "remote")]
fn remote(server: &Server) -> Result<Box<dyn Chat>, Failure> {
    crate::cli::remote::open_chat(server)
}

#[cfg(not(feature = "remote"))]
fn remote(server: &Server) -> Result<Box<dyn Chat>, Failure> {
    Err(model::no_servers(server))
}
