//! Vision-language models in this process, through llama.cpp and its `mtmd` library.
//!
//! Any pair of a GGUF language model and its `mmproj` projector loads; the model's own chat
//! template is used. A thread owns each context ([`worker`]), of which there are as many as views are
//! to be looked at at a time ([`engines`]); a [`LlamaVlm`] is a handle that can be shared. What makes
//! many questions cheap is in [`trunk`] and [`tree`]; what makes it talk, in [`talk`].

mod asking;
mod chat;
pub mod demo;
pub mod devices;
mod engine;
mod engines;
mod error;
mod ffi;
mod file;
mod kept;
mod spent;
mod talk;
mod tree;
mod trunk;
mod worker;
mod yes_no;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

use self::chat::Manner;
use self::devices::Placement;
use self::engine::{Engine, FIRST_FORK};
use self::engines::Engines;
pub use self::error::LoadError;
pub use self::file::name_in;
use self::file::sample;
use self::kept::KeptImages;
pub use self::spent::Spent;
use self::worker::{Plan, Words};
use super::chat::{Generate, Reply, Turn};
use super::{Answer, Chat, Vlm, VlmError};
use crate::cache::Cache;
use crate::ids::{Hash, ModelId};
use crate::imaging::View;
use crate::prompts::{PromptError, Prompts, Topic};
use crate::verdict::Why;

/// Tokens of the KV cache unless another number is asked for.
pub const DEFAULT_CONTEXT_TOKENS: NonZeroU32 = NonZeroU32::MIN.saturating_add(8_191);
/// Questions evaluated at once unless another number is asked for.
pub const DEFAULT_FORKS: NonZeroU32 = NonZeroU32::MIN.saturating_add(31);
/// Questions evaluated at once at most: `LLAMA_MAX_SEQ` is 256, and some hold what is shared.
pub const MOST_FORKS: u32 = 256 - FIRST_FORK;

/// Which model to load, and how much room to give it.
#[derive(Clone, Debug)]
pub struct LlamaOptions {
    /// The language model, a GGUF file.
    pub model: PathBuf,
    /// Its projector (`mmproj`), a GGUF file; a model that only talks has none.
    pub projector: Option<PathBuf>,
    /// Name for people; by default the model's file name.
    pub name: String,
    /// Threads for the computation, which all engines share.
    pub threads: NonZeroUsize,
    /// How many views are looked at at a time. Each engine has a KV cache and a projector of its own
    /// and a share of the threads; the language model's weights are there once.
    pub engines: NonZeroUsize,
    /// Tokens of the KV cache, at most what the model was trained on. All questions of an image
    /// share it.
    pub context_tokens: NonZeroU32,
    /// Questions evaluated as one batch, at most [`MOST_FORKS`].
    pub forks: NonZeroU32,
    /// Layers of the model on a GPU; by default all ([`devices::ALL_LAYERS`]) where this build and
    /// this machine have one, and none elsewhere.
    pub gpu_layers: Option<u32>,
    /// Names of the GPUs that share these layers, as [`devices::gpus`] has them; by default
    /// llama.cpp chooses.
    pub devices: Vec<String>,
    /// How llama.cpp computes.
    pub tuning: Tuning,
}

/// How llama.cpp computes. The defaults are what `cargo bench --bench settings` found quickest; the
/// page on performance has its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever measures makes these")]
pub struct Tuning {
    /// Whether attention is computed in one pass where the model allows it.
    pub flash_attention: bool,
    /// Whether keys and values are kept in eight bits in place of sixteen.
    pub quantised_cache: bool,
    /// Tokens that are computed at once; an image whose tokens see each other raises it.
    pub micro_batch: NonZeroU32,
}

impl Default for Tuning {
    fn default() -> Self {
        let micro_batch = NonZeroU32::MIN.saturating_add(511);
        Self { flash_attention: true, quantised_cache: false, micro_batch }
    }
}

impl LlamaOptions {
    /// A model that sees: all cores, 8,192 tokens, 32 questions at once.
    pub fn new(model: impl Into<PathBuf>, projector: impl Into<PathBuf>) -> Self {
        Self { projector: Some(projector.into()), ..Self::text_only(model) }
    }

    /// A language model, for [`LlamaChat`].
    pub fn text_only(model: impl Into<PathBuf>) -> Self {
        let model = model.into();
        let name = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            name,
            model,
            projector: None,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            engines: NonZeroUsize::MIN,
            context_tokens: DEFAULT_CONTEXT_TOKENS,
            forks: DEFAULT_FORKS,
            gpu_layers: None,
            devices: Vec::new(),
            tuning: Tuning::default(),
        }
    }
}

/// A language model loaded in this process, to talk with.
#[derive(Debug)]
pub struct LlamaChat {
    engines: Engines,
    model: ModelId,
    /// What moves the vision encoder's numbers.
    encoder: Hash,
}

impl LlamaChat {
    /// Loads a model, with its projector if the options name one, and starts the thread that owns
    /// it.
    ///
    /// # Errors
    /// [`LoadError`] says which file can't be used and why.
    pub fn load(options: LlamaOptions) -> Result<Self, LoadError> {
        Self::load_with(options, None)
    }

    fn load_with(options: LlamaOptions, words: Words) -> Result<Self, LoadError> {
        let placement = Placement::of(&options)?;
        let (fingerprint, encoder) = fingerprints(&options, &placement)?;
        let model = ModelId { name: options.name.clone(), fingerprint };
        Ok(Self { engines: Engines::start(Plan { options, placement, words })?, model, encoder })
    }
}

impl Chat for LlamaChat {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        let (shown, conversations) = (view.cloned(), conversations.to_vec());
        let generate = generate.clone();
        let work =
            move |engine: &mut Engine<'_>| engine.talk(shown.as_ref(), &conversations, &generate);
        self.engines.run(view, work).ok_or(VlmError::Gone)
    }

    fn model(&self) -> &ModelId {
        &self.model
    }
}

/// A model that sees, loaded in this process.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use praetor::vlm::{Vlm, llama::{LlamaOptions, LlamaVlm}};
/// let options = LlamaOptions::new("model.gguf", "mmproj.gguf");
/// let model = LlamaVlm::load(options, praetor::prompts::Prompts::built_in()?)?;
/// let priors = model.visible(None, &["a knife is visible"])?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct LlamaVlm {
    talker: LlamaChat,
    prompts: Prompts,
    /// How the question about content is put.
    manner: Manner,
}

impl LlamaVlm {
    /// Loads the pair and starts the thread that owns it.
    ///
    /// # Errors
    /// [`LoadError`] says which file can't be used and why.
    pub fn load(options: LlamaOptions, prompts: Prompts) -> Result<Self, LoadError> {
        if options.projector.is_none() {
            return Err(LoadError::NoProjector { path: options.model });
        }
        let broken = |error: PromptError| LoadError::Prompt { detail: error.to_string() };
        let words = prompts.form().words();
        let manner = Manner {
            system: prompts.system().map_err(broken)?,
            lead: prompts.lead().map_err(broken)?.unwrap_or_default(),
            own_words: words.is_some(),
        };
        let mut talker = LlamaChat::load_with(options, words)?;
        // What is asked moves the numbers as much as who answers.
        let parts = [talker.model.fingerprint, prompts.hash()].map(|part| part.to_string());
        talker.model.fingerprint = Hash::of_parts(parts.iter().map(String::as_bytes));
        Ok(Self { talker, prompts, manner })
    }

    /// Keeps what the vision encoder makes of images, and looks there first: an image that was seen in
    /// another run is not encoded again. Answers are the same to the last bit.
    #[must_use]
    pub fn keeping_images(self, cache: Arc<Cache>) -> Self {
        let kept = KeptImages::new(cache, self.talker.encoder);
        // A thread that is gone is told by the first question.
        let _ = self.talker.engines.on_each(move |engine| engine.kept = Some(kept.clone()));
        self
    }

    /// Answers each question from nothing: the plain path that [`Vlm::visible`] is held against.
    ///
    /// # Errors
    /// As [`Vlm::visible`].
    pub fn visible_one_by_one(
        &self,
        view: Option<&View>,
        statements: &[&str],
    ) -> Result<Vec<Answer>, VlmError> {
        self.ask_visible(view, statements, |engine, view, questions, manner| {
            engine.ask_one_by_one(view, questions, manner)
        })
    }

    /// Tokens that the language model has evaluated since it was loaded, those of images too.
    ///
    /// # Errors
    /// As [`Vlm::visible`].
    pub fn evaluated_tokens(&self) -> Result<u64, VlmError> {
        let counts = self.talker.engines.on_each(|engine| engine.context.evaluated());
        Ok(counts.ok_or(VlmError::Gone)?.into_iter().sum())
    }

    /// Images that the vision encoder has seen since the model was loaded; one that was kept is not
    /// encoded again.
    ///
    /// # Errors
    /// As [`Vlm::visible`].
    pub fn encoded_images(&self) -> Result<u64, VlmError> {
        let counts = self.talker.engines.on_each(|engine| engine.encoded);
        Ok(counts.ok_or(VlmError::Gone)?.into_iter().sum())
    }

    /// Where the time of all questions since loading went.
    ///
    /// # Errors
    /// As [`Vlm::visible`].
    pub fn spent(&self) -> Result<Spent, VlmError> {
        let spent = self.talker.engines.on_each(|engine| engine.spent).ok_or(VlmError::Gone)?;
        Ok(spent.into_iter().fold(Spent::default(), Spent::and))
    }

    fn ask_visible(
        &self,
        view: Option<&View>,
        statements: &[&str],
        way: Way,
    ) -> Result<Vec<Answer>, VlmError> {
        let questions = statements
            .iter()
            .map(|&statement| {
                self.prompts.question(&Topic::Visible { statement: statement.to_owned() })
            })
            .collect::<Result<Vec<String>, _>>();
        match questions {
            Ok(questions) => self.ask(view, questions, self.manner.clone(), way),
            Err(error) => {
                let why = Why::Failed { detail: error.to_string() };
                Ok(vec![Answer::Unavailable(why); statements.len()])
            }
        }
    }

    fn ask(
        &self,
        view: Option<&View>,
        questions: Vec<String>,
        manner: Manner,
        way: Way,
    ) -> Result<Vec<Answer>, VlmError> {
        let shown = view.cloned();
        let work = move |engine: &mut Engine<'_>| way(engine, shown.as_ref(), &questions, &manner);
        self.talker.engines.run(view, work).ok_or(VlmError::Gone)
    }
}

/// How a view's questions are evaluated.
type Way = fn(&mut Engine<'_>, Option<&View>, &[String], &Manner) -> Vec<Answer>;

impl Vlm for LlamaVlm {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.ask_visible(view, statements, |engine, view, questions, manner| {
            engine.ask(view, questions, manner)
        })
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        let questions = questions.iter().map(|&question| question.to_owned()).collect();
        self.ask(view, questions, Manner::default(), |engine, view, questions, manner| {
            engine.ask(view, questions, manner)
        })
    }
}

impl Chat for LlamaVlm {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        self.talker.chat(view, conversations, generate)
    }

    fn model(&self) -> &ModelId {
        self.talker.model()
    }
}

/// Hash over what can change the numbers: both files, the batch shape, since rounding depends on
/// which questions are evaluated together (llama.cpp#7052), and the GPU, where one computes. And one
/// over what can change those of the vision encoder.
fn fingerprints(options: &LlamaOptions, placement: &Placement) -> Result<(Hash, Hash), LoadError> {
    let hash = |parts: &[String]| Hash::of_parts(parts.iter().map(String::as_bytes));
    let model = sample(&options.model)?.to_string();
    let projector = options.projector.as_deref().map(sample).transpose()?;
    let projector =
        projector.map_or_else(|| "no projector".to_owned(), |projector| projector.to_string());
    let rounding: Vec<String> = placement.rounding().into_iter().collect();
    let encoder = hash(&[vec![projector.clone()], rounding.clone()].concat());
    let batch = format!("tree forks={} context={}", options.forks, options.context_tokens);
    let mut parts = [vec![model, projector, batch], rounding].concat();
    if options.tuning != Tuning::default() {
        parts.push(format!("{:?}", options.tuning));
    }
    Ok((hash(&parts), encoder))
}
