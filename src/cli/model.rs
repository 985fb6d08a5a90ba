//! The flags that choose a model, and the factory that loads it.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;

use super::cache::cache_folder;
use super::exit::Failure;
use super::gpu::GpuArgs;
use crate::prompts::Prompts;
use crate::store::Settings;
use crate::vlm::llama::{
    DEFAULT_CONTEXT_TOKENS, DEFAULT_FORKS, LlamaOptions, LlamaVlm, LoadError, MOST_FORKS, demo,
};

/// Which model judges.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(super) struct ModelArgs {
    /// `demo`, the built-in model of pictograms, or a GGUF file
    #[arg(short, long, default_value = demo::NAME, value_name = "demo|GGUF")]
    model: PathBuf,
    /// The GGUF model's projector, by which it sees
    #[arg(long, value_name = "GGUF")]
    mmproj: Option<PathBuf>,
    /// Threads for the model [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Room for an image and its questions, in tokens; at most what the model was trained on
    #[arg(long, default_value_t = DEFAULT_CONTEXT_TOKENS, value_name = "TOKENS")]
    context: NonZeroU32,
    /// Questions evaluated as one batch (1 to 247); more is quicker and takes more memory
    #[arg(long, default_value_t = DEFAULT_FORKS, value_name = "N", value_parser = forks)]
    batch_questions: NonZeroU32,
    #[command(flatten)]
    pub(super) gpu: GpuArgs,
}

fn forks(text: &str) -> Result<NonZeroU32, String> {
    match text.parse::<NonZeroU32>() {
        Ok(count) if count.get() <= MOST_FORKS => Ok(count),
        _ => Err(format!("expected a number from 1 to {MOST_FORKS}")),
    }
}

impl ModelArgs {
    /// Loads the model.
    pub(super) fn load(&self) -> Result<LlamaVlm, Failure> {
        self.try_load()?.map_err(|error| Failure::unopened(&error, help(&error)))
    }

    /// Loads the model; that it can't be loaded is a finding of its own.
    pub(super) fn try_load(&self) -> Result<Result<LlamaVlm, LoadError>, Failure> {
        let files = self.files()?;
        let options = LlamaOptions {
            threads: self.threads.unwrap_or(files.threads),
            context_tokens: self.context,
            forks: self.batch_questions,
            ..files
        };
        let prompts = Prompts::built_in().map_err(|error| Failure::unopened(&error, None))?;
        Ok(LlamaVlm::load(self.gpu.given_to(options), prompts))
    }

    /// Tokens of context that the model is given at most.
    pub(super) fn context_tokens(&self) -> u32 {
        self.context.get()
    }

    /// Whether the built-in model judges.
    pub(super) fn is_demo(&self) -> bool {
        self.model.as_os_str() == demo::NAME
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        let threads = self.threads.map_or_else(|| "all".to_owned(), |count| count.to_string());
        let settings = [
            ("model", self.model.display().to_string()),
            ("threads", threads),
            ("context", self.context.to_string()),
            ("batch_questions", self.batch_questions.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        settings.into_iter().chain(self.gpu.settings()).collect()
    }

    fn files(&self) -> Result<LlamaOptions, Failure> {
        if self.is_demo() {
            if self.mmproj.is_some() {
                return Err(Failure::Input(miette::miette!(
                    code = "praetor::model::mmproj_without_model",
                    help = "leave `--mmproj` away, or name the model it belongs to with `--model`",
                    "the demo model brings its own projector"
                )));
            }
            return demo::unpack(&cache_folder()).map_err(|error| {
                Failure::unopened(&error, Some("set PRAETOR_CACHE to a folder that can be written"))
            });
        }
        let Some(projector) = &self.mmproj else {
            return Err(Failure::Input(miette::miette!(
                code = "praetor::model::no_mmproj",
                help = "add `--mmproj FILE`: a vision model in GGUF comes as two files, and the \
                        projector's name usually starts with `mmproj`",
                "`{}` is only half of a model",
                self.model.display()
            )));
        };
        Ok(LlamaOptions::new(&self.model, projector))
    }
}

/// How to mend it, where the error itself does not say.
pub(super) fn help(error: &LoadError) -> Option<&'static str> {
    match error {
        LoadError::Unreadable { .. } => Some("check the path; `--model demo` needs no file at all"),
        LoadError::Context { .. } => Some("a smaller `--context` needs less memory"),
        LoadError::NoGpu { .. } | LoadError::UnknownDevice { .. } => {
            Some("without `--gpu-layers` and `--device` praetor takes what there is")
        }
        _ => None,
    }
}
