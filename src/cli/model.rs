//! The flags that choose a model, and the factory that loads it.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::cache::cache_folder;
use super::exit::Failure;
use super::gpu::GpuArgs;
use super::jobs::JobsArgs;
use super::models::named;
use super::number::{at_least_one, between};
use super::remote::{BatchArgs, GuardArgs, Named, Remote, Server, ServerArgs, how};
use crate::cache::Cache;
use crate::prompts::{Prompts, QuestionForm};
use crate::store::Settings;
use crate::vlm::Vlm;
use crate::vlm::llama::{
    DEFAULT_CONTEXT_TOKENS, DEFAULT_FORKS, LlamaOptions, LlamaVlm, LoadError, MOST_FORKS, demo,
    name_in,
};

/// Which model judges.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Model")]
pub(super) struct ModelArgs {
    /// `demo`, the built-in model of pictograms; a GGUF file; a name that `praetor models list` shows; or
    /// `hf:OWNER/NAME[@REVISION][:QUANT]`. The last two are fetched by `praetor models pull` before.
    /// Behind a server: `openai:NAME`, `azure:DEPLOYMENT`, `decisions:NAME`, `systemone:NAME`, or a
    /// name from your file of models
    #[arg(short, long, default_value = demo::NAME, value_name = "MODEL")]
    model: String,
    /// The projector by which the model sees, a GGUF file; models by name have their own
    #[arg(long, value_name = "GGUF")]
    mmproj: Option<PathBuf>,
    /// The form in which content is asked for; some models were trained on one of their own, and are
    /// known by their names
    #[arg(long, value_enum, default_value_t = FormWord::Auto, value_name = "FORM")]
    question_form: FormWord,
    /// Threads for the model [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    threads: Option<NonZeroUsize>,
    /// Room for an image and its questions, in tokens; at most what the model was trained on
    #[arg(long, default_value_t = DEFAULT_CONTEXT_TOKENS, value_name = "TOKENS",
          value_parser = at_least_one::<NonZeroU32>)]
    context: NonZeroU32,
    /// Questions evaluated as one batch (1 to 248); more is quicker and takes more memory
    #[arg(long, default_value_t = DEFAULT_FORKS, value_name = "N",
          value_parser = between::<NonZeroU32>(1, MOST_FORKS))]
    batch_questions: NonZeroU32,
    /// Images judged at a time, where the command judges several.
    #[arg(skip)]
    jobs: JobsArgs,
    #[command(flatten)]
    pub(super) gpu: GpuArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    guard: GuardArgs,
}

/// A model that is ready to judge.
pub(super) struct Loaded {
    pub(super) vlm: Box<dyn Vlm>,
    /// What there is to know of one behind a server.
    pub(super) remote: Option<Remote>,
}

/// A model on this machine, as it is named.
struct Local {
    model: String,
    mmproj: Option<PathBuf>,
}

/// A form of the question about content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormWord {
    /// The model's own where it has one
    Auto,
    /// A question that wants Yes or No
    Plain,
    /// Instruction, query and document; yes or no
    Shieldstral,
    /// A policy; JSON rated Unsafe or Safe
    Llavaguard,
}

/// The files of a model, and all names it goes by.
struct Files {
    model: PathBuf,
    projector: Option<PathBuf>,
    /// Repository and commit, for models of the hub.
    revision: Option<String>,
}

impl ModelArgs {
    /// The same model, its questions handed in for later.
    pub(super) fn by_batch(&mut self, batch: BatchArgs) {
        self.guard.batch = batch;
    }

    /// The same model, asked about so many images at a time.
    pub(super) fn at_once(&mut self, jobs: JobsArgs) {
        self.jobs = jobs;
    }

    /// How many images it is asked about at a time.
    pub(super) fn jobs(&self) -> JobsArgs {
        self.jobs
    }

    /// Loads the model. What its vision encoder makes of images is kept in the cache, if there is one.
    pub(super) fn load(&self, cache: Option<&Arc<Cache>>) -> Result<Loaded, Failure> {
        self.try_load(cache)?.map_err(|error| Failure::unopened(&error, help(&error)))
    }

    /// Loads the model; that it can't be loaded is a finding of its own.
    pub(super) fn try_load(
        &self,
        cache: Option<&Arc<Cache>>,
    ) -> Result<Result<Loaded, LoadError>, Failure> {
        let local = match self.resolve()? {
            Named::Server(server) => return self.open(&server).map(Ok),
            Named::Local { model, mmproj } => Local { model, mmproj },
        };
        let loaded = self.load_local(&local)?;
        Ok(loaded.map(|vlm| {
            let vlm = match cache {
                Some(cache) => vlm.keeping_images(Arc::clone(cache)),
                None => vlm,
            };
            Loaded { vlm: Box::new(vlm), remote: None }
        }))
    }

    /// What `--model` stands for.
    fn resolve(&self) -> Result<Named, Failure> {
        let named = if self.is_demo() { None } else { self.server.resolve(&self.model)? };
        let named = match named {
            Some(Named::Local { model, mmproj }) => {
                Named::Local { model, mmproj: self.mmproj.clone().or(mmproj) }
            }
            Some(server) => server,
            None => Named::Local { model: self.model.clone(), mmproj: self.mmproj.clone() },
        };
        let odd = match &named {
            Named::Server(_) if self.mmproj.is_some() => {
                "`--mmproj` is for a model on this machine"
            }
            Named::Local { .. } if self.server.named_address() => {
                "`--base-url` is for a model behind a server"
            }
            _ => return Ok(named),
        };
        let help = format!("a model behind a server is {}", how());
        Err(Failure::Input(miette::miette!(help = help, "{odd}, and `{}` is none", self.model)))
    }

    /// The server that judges, if one does.
    pub(super) fn server(&self) -> Option<Box<Server>> {
        // What can't be resolved is told when it is loaded.
        match self.resolve() {
            Ok(Named::Server(server)) => Some(server),
            _ => None,
        }
    }

    #[cfg(not(feature = "remote"))]
    #[expect(clippy::unused_self, reason = "the other build needs it")]
    fn open(&self, server: &Server) -> Result<Loaded, Failure> {
        Err(no_servers(server))
    }

    #[cfg(feature = "remote")]
    fn open(&self, server: &Server) -> Result<Loaded, Failure> {
        let form = self.chosen_form().unwrap_or_else(|| QuestionForm::of_name(&server.shown()));
        let prompts = Prompts::of_form(form).map_err(|error| Failure::unopened(&error, None))?;
        let (vlm, remote) = server.open(&self.guard, prompts)?;
        Ok(Loaded { vlm, remote: Some(remote) })
    }

    fn load_local(&self, local: &Local) -> Result<Result<LlamaVlm, LoadError>, Failure> {
        let files = self.options(local)?;
        let form = self.form(local, &files.model);
        let options = LlamaOptions {
            threads: self.threads.unwrap_or(files.threads),
            engines: self.jobs.at_once(),
            context_tokens: self.context,
            forks: self.batch_questions,
            ..files
        };
        let prompts = Prompts::of_form(form).map_err(|error| Failure::unopened(&error, None))?;
        Ok(LlamaVlm::load(self.gpu.given_to(options), prompts))
    }

    /// The same with another model, named as `--model` takes it. A GGUF file that comes without a
    /// projector has that of the flags; models by name have their own. A server's address is for models
    /// behind servers.
    #[must_use]
    pub(super) fn with_model(&self, model: &str, mmproj: Option<PathBuf>) -> Self {
        let is_file = Path::new(model).extension().is_some_and(|ending| ending == "gguf");
        let of_flags = || self.mmproj.clone().filter(|_| is_file);
        let server = self.server.clone();
        let behind = matches!(server.resolve(model), Ok(Some(Named::Server(_))));
        let server = if behind { server } else { server.without_address() };
        let mmproj = mmproj.or_else(of_flags);
        Self { model: model.to_owned(), mmproj, server, ..self.clone() }
    }

    /// Tokens of context that the model is given at most.
    pub(super) fn context_tokens(&self) -> u32 {
        self.context.get()
    }

    /// Whether the built-in model judges.
    pub(super) fn is_demo(&self) -> bool {
        self.model == demo::NAME
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        // What can't be found is told when it is loaded.
        let local = match self.resolve() {
            Ok(Named::Server(server)) => return self.settings_of(&server),
            Ok(Named::Local { model, mmproj }) => Local { model, mmproj },
            Err(_) => Local { model: self.model.clone(), mmproj: None },
        };
        let threads = self.threads.map_or_else(|| "all".to_owned(), |count| count.to_string());
        let files = if self.is_demo() { None } else { Self::files(&local).ok() };
        let form = files.as_ref().map(|files| self.form(&local, &files.model)).unwrap_or_default();
        let revision = files.and_then(|files| files.revision);
        let mut settings: Settings = [
            ("model", self.model.clone()),
            ("question_form", form.to_string()),
            ("threads", threads),
            ("jobs", self.jobs.at_once().to_string()),
            ("context", self.context.to_string()),
            ("batch_questions", self.batch_questions.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        settings.extend(revision.map(|revision| ("model_revision".to_owned(), revision)));
        settings.extend(self.gpu.settings());
        settings
    }

    /// Of a server, for a run's manifest.
    fn settings_of(&self, server: &Server) -> Settings {
        let mut settings = server.settings();
        let form = self.chosen_form().unwrap_or_else(|| QuestionForm::of_name(&server.shown()));
        settings.insert("question_form".to_owned(), form.to_string());
        settings.insert("jobs".to_owned(), self.jobs.at_once().to_string());
        let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let taped = [("record", shown(&self.guard.record)), ("replay", shown(&self.guard.replay))];
        let taped = taped.into_iter().filter_map(|(name, path)| Some((name.to_owned(), path?)));
        settings.extend(taped);
        settings
    }

    /// The form that the flag names.
    fn chosen_form(&self) -> Option<QuestionForm> {
        match self.question_form {
            FormWord::Plain => Some(QuestionForm::Plain),
            FormWord::Shieldstral => Some(QuestionForm::Shieldstral),
            FormWord::Llavaguard => Some(QuestionForm::LlavaGuard),
            FormWord::Auto => None,
        }
    }

    /// The flag's form, else that of the model's names: as it was asked for, as its file is called,
    /// as it calls itself.
    fn form(&self, local: &Local, model: &Path) -> QuestionForm {
        if let Some(form) = self.chosen_form() {
            return form;
        }
        if self.is_demo() {
            return QuestionForm::Plain;
        }
        let file = model.file_name().map(|name| name.to_string_lossy().into_owned());
        let asked = local.model.rsplit(['/', '\\']).next().map(str::to_owned);
        // The file itself is read last, and only where it has to be.
        let names = [asked, file].into_iter().chain(std::iter::once_with(|| name_in(model)));
        let mut forms = names.flatten().map(|name| QuestionForm::of_name(&name));
        forms.find(|form| *form != QuestionForm::Plain).unwrap_or_default()
    }

    fn options(&self, local: &Local) -> Result<LlamaOptions, Failure> {
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
        let files = Self::files(local)?;
        let Some(projector) = files.projector else {
            return Err(match files.revision {
                Some(_) => Failure::Input(miette::miette!(
                    code = "praetor::model::no_eyes",
                    help = "`praetor models show` tells whether its repository has one, and `praetor \
                            models pull` fetches it; else name one of the same model with \
                            `--mmproj FILE`",
                    "`{}` is in the cache without a projector, so that it can't see",
                    local.model
                )),
                None => Failure::Input(miette::miette!(
                    code = "praetor::model::no_mmproj",
                    help = "add `--mmproj FILE`: a vision model in GGUF comes as two files, and \
                            the projector's name usually starts with `mmproj`",
                    "`{}` is only half of a model",
                    local.model
                )),
            });
        };
        Ok(LlamaOptions::new(files.model, projector))
    }

    fn files(local: &Local) -> Result<Files, Failure> {
        let mmproj = local.mmproj.clone();
        Ok(match named::resolve(&local.model)? {
            None => Files { model: PathBuf::from(&local.model), projector: mmproj, revision: None },
            Some((name, found)) => Files {
                model: found.model,
                projector: mmproj.or(found.projector),
                revision: Some(format!(
                    "{}/{}@{}",
                    name.repository.owner, name.repository.name, found.commit
                )),
            },
        })
    }
}

/// This praetor was built without servers.
#[cfg(not(feature = "remote"))]
pub(super) fn no_servers(server: &Server) -> Failure {
    Failure::Input(miette::miette!(
        code = "praetor::model::no_remote",
        help = "build praetor with the feature `remote`, or name a GGUF file",
        "this praetor was built without servers, so that `{}` can't be reached",
        server.shown()
    ))
}

/// How to mend it, where the error itself does not say.
pub(super) fn help(error: &LoadError) -> Option<&'static str> {
    match error {
        LoadError::Unreadable { .. } => Some(
            "check the path; `praetor models list` shows models by name, and `--model demo` needs no \
             file at all",
        ),
        LoadError::Context { .. } => Some("a smaller `--context` needs less memory"),
        LoadError::NoGpu { .. } | LoadError::UnknownDevice { .. } => {
            Some("without `--gpu-layers` and `--device` praetor takes what there is")
        }
        _ => None,
    }
}
