//! The thread that owns a llama context.
//!
//! A context can't be shared and must not move while it borrows its model, so that it lives
//! on this thread's stack from loading to the end; the model may be shared with other threads. Work comes over a channel, one view at a time; what
//! comes of it goes back over the work's own.

use std::ffi::CString;
use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use image::{Rgb, RgbImage};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;

use super::chat::ChatTemplate;
use super::devices::Placement;
use super::engine::{Engine, Eyes, FIRST_FORK, Limits};
use super::ffi::{Context, Piece, Projector, Settings, Wiring};
use super::spent::Spent;
use super::trunk::Trunks;
use super::yes_no::YesNoTokens;
use super::{LlamaOptions, LoadError, MOST_FORKS};

/// The side of the square that is used to ask a model how many tokens an image takes at most.
const LARGE_IMAGE: u32 = 2_048;

/// Work for the thread: it is handed the engine, and sends its result where it likes.
type Job = Box<dyn FnOnce(&mut Engine<'_>) + Send>;

/// The running thread. Dropping it waits until the model is freed, so that the process never ends
/// in the middle of that.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Worker {
    /// Runs work on the thread and waits for its result; nothing when the thread has stopped.
    pub(super) fn run<Result: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine<'_>) -> Result + Send + 'static,
    ) -> Option<Result> {
        let (reply, result) = mpsc::sync_channel(1);
        let job = move |engine: &mut Engine<'_>| {
            // Whoever asked may have gone; the next job is still to be done.
            let _ = reply.send(work(engine));
        };
        self.jobs.as_ref()?.send(Box::new(job)).ok()?;
        result.recv().ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        // A thread that panicked has said so already.
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

/// The words that mean Yes and No, where a model has its own.
pub(super) type Words = Option<(&'static str, &'static str)>;

/// What to load, on what, and how its answers are read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) options: LlamaOptions,
    pub(super) placement: Placement,
    pub(super) words: Words,
}

/// Starts a thread and waits until its engine stands or can't be made. The first one loads the model,
/// which others are given.
pub(super) fn start(
    plan: &Arc<Plan>,
    model: Option<Arc<LlamaModel>>,
) -> Result<(Worker, Arc<LlamaModel>), LoadError> {
    let (jobs, inbox) = mpsc::channel();
    let (ready, loaded) = mpsc::sync_channel(1);
    let plan = Arc::clone(plan);
    let thread = thread::Builder::new()
        .name("llama".to_owned())
        // Tokenizers that llama.cpp has no code of its own for recurse through std::regex.
        .stack_size(16 << 20)
        .spawn(move || run(&plan, model, &inbox, &ready))
        .map_err(|error| LoadError::Context { detail: error.to_string() })?;
    match loaded.recv() {
        Ok(Ok(model)) => Ok((Worker { jobs: Some(jobs), thread: Some(thread) }, model)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(LoadError::Context { detail: "the model's thread stopped".to_owned() }),
    }
}

fn run(
    plan: &Plan,
    model: Option<Arc<LlamaModel>>,
    inbox: &mpsc::Receiver<Job>,
    ready: &mpsc::SyncSender<Result<Arc<LlamaModel>, LoadError>>,
) {
    let loaded = backend().and_then(|backend| {
        let load = || load_model(backend, &plan.options, &plan.placement).map(Arc::new);
        Ok((backend, model.map_or_else(load, Ok)?))
    });
    let (backend, model) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let mut engine = match build_engine(backend, &model, plan) {
        Ok(engine) => engine,
        Err(error) => return drop(ready.send(Err(error))),
    };
    if ready.send(Ok(Arc::clone(&model))).is_err() {
        return;
    }
    for job in inbox {
        job(&mut engine);
    }
}

/// llama.cpp's process-wide state, made at most once; its log lines go to `tracing`.
pub(super) fn backend() -> Result<&'static LlamaBackend, LoadError> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    if let Some(feature) = missing_processor_feature() {
        return Err(LoadError::Processor { feature });
    }
    let made = BACKEND.get_or_init(|| {
        llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
        LlamaBackend::init().map_err(|error| error.to_string())
    });
    made.as_ref().map_err(|detail| LoadError::Context { detail: detail.clone() })
}

/// What llama.cpp was built to use and this processor lacks; using it would end the process with
/// an illegal instruction.
#[cfg(target_arch = "x86_64")]
fn missing_processor_feature() -> Option<&'static str> {
    // `make portable` turns them off, and llama-cpp-sys-2 hands that on to cmake.
    if option_env!("GGML_AVX2") == Some("OFF") {
        return None;
    }
    let present = [
        ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
        ("FMA", std::arch::is_x86_feature_detected!("fma")),
        ("F16C", std::arch::is_x86_feature_detected!("f16c")),
        ("BMI2", std::arch::is_x86_feature_detected!("bmi2")),
    ];
    present.iter().find(|(_, present)| !present).map(|(feature, _)| *feature)
}

#[cfg(not(target_arch = "x86_64"))]
fn missing_processor_feature() -> Option<&'static str> {
    None
}

fn load_model(
    backend: &LlamaBackend,
    options: &LlamaOptions,
    placement: &Placement,
) -> Result<LlamaModel, LoadError> {
    let path = &options.model;
    LlamaModel::load_from_file(backend, path, &placement.model_params()?)
        .map_err(|error| LoadError::Model { path: path.clone(), detail: error.to_string() })
}

fn build_engine<'model>(
    backend: &LlamaBackend,
    model: &'model LlamaModel,
    plan: &Plan,
) -> Result<Engine<'model>, LoadError> {
    let Plan { options, placement, words } = plan;
    let marker = random_marker();
    let eyes = match &options.projector {
        None => None,
        Some(projector) => Some(Eyes {
            projector: load_projector(model, projector, options, &marker, placement.on_gpu())?,
            answers: YesNoTokens::find(&model.vocab())?,
            own_words: words
                .map(|words| YesNoTokens::beginning(&model.vocab(), words))
                .transpose()?,
        }),
    };
    let chat = ChatTemplate::of_model(model, &marker)?;
    let wanted = wanted_limits(model, eyes.as_ref(), &marker, options);
    let threads = i32::try_from(options.threads.get()).unwrap_or(i32::MAX);
    let settings = Settings {
        cells: wanted.cells.max(LEAST_CELLS),
        batch: wanted.batch,
        micro_batch: wanted.micro_batch,
        sequences: wanted.forks + FIRST_FORK,
        threads,
        flash_attention: options.tuning.flash_attention,
        quantised_cache: options.tuning.quantised_cache,
    };
    let context = Context::new(backend, model, settings)
        .map_err(|error| LoadError::Context { detail: error.to_string() })?;
    // llama.cpp rounds and clamps what it is asked for (n_batch to n_ctx, among others); what counts
    // is what it took.
    let limits = Limits {
        cells: context.cells().min(wanted.cells),
        batch: context.batch(),
        micro_batch: context.micro_batch(),
        ..wanted
    };
    let (trunks, spent) = (Trunks::default(), Spent::default());
    Ok(Engine { model, context, eyes, chat, limits, trunks, kept: None, encoded: 0, spent })
}

fn load_projector<'model>(
    model: &'model LlamaModel,
    path: &Path,
    options: &LlamaOptions,
    marker: &str,
    use_gpu: bool,
) -> Result<Projector<'model>, LoadError> {
    let failed = |detail: String| LoadError::Projector { path: path.to_owned(), detail };
    let text = path.to_str().ok_or_else(|| failed("its path is not UTF-8".to_owned()))?;
    let text = CString::new(text).map_err(|error| failed(error.to_string()))?;
    let marker = CString::new(marker).map_err(|error| failed(error.to_string()))?;
    let threads = i32::try_from(options.threads.get()).unwrap_or(i32::MAX);
    let wiring = Wiring { threads, use_gpu, marker: &marker };
    let projector =
        Projector::load(model, &text, wiring).map_err(|error| failed(error.to_string()))?;
    if projector.sees() {
        Ok(projector)
    } else {
        Err(LoadError::NoVision { path: path.to_owned() })
    }
}

/// A marker that no rule's text can hold, since it is made anew for every load.
fn random_marker() -> String {
    use std::hash::{BuildHasher, RandomState};
    let draw = || RandomState::new().hash_one("marker");
    format!("<image-{:016x}{:016x}>", draw(), draw())
}

/// Limits that hold for every image the model can be given.
///
/// A model whose image tokens attend to each other (Gemma 3) needs them all in one micro-batch;
/// how many they are is asked of the model itself, with a large blank image.
fn wanted_limits(
    model: &LlamaModel,
    eyes: Option<&Eyes<'_>>,
    marker: &str,
    options: &LlamaOptions,
) -> Limits {
    let at_once = eyes
        .filter(|eyes| eyes.projector.sees_at_once())
        .and_then(|eyes| largest_image(&eyes.projector, marker));
    let micro_batch = at_once.unwrap_or(0).max(options.tuning.micro_batch.get());
    let positions = model.n_ctx_train();
    let cells = positions.min(options.context_tokens.get());
    let batch = micro_batch.max(cells);
    Limits { cells, positions, batch, micro_batch, forks: options.forks.get().min(MOST_FORKS) }
}

/// `n_batch` is clamped to the cells, and one logit row for each sequence must fit a batch:
/// `GGML_ASSERT(n_outputs_max <= cparams.n_outputs_max)` in `llama_context::output_reserve`.
const LEAST_CELLS: u32 = 512;

fn largest_image(projector: &Projector<'_>, marker: &str) -> Option<u32> {
    let blank = RgbImage::from_pixel(LARGE_IMAGE, LARGE_IMAGE, Rgb([255; 3]));
    let pieces = projector.pieces(marker, Some(&blank)).ok()?;
    let tokens = pieces.iter().map(|piece| match piece {
        Piece::Words(tokens) => tokens.len(),
        Piece::Image(image) => image.tokens,
    });
    tokens.max().and_then(|most| u32::try_from(most).ok())
}
