//! What every command that judges takes: models, stages, cache and limits.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clap::{Args, ValueEnum};

use super::cache::{Answers, CacheArgs};
use super::exit::Failure;
use super::inputs::LimitArgs;
use super::model::ModelArgs;
use super::remote::Remote;
use super::stages::{Models, StageArgs};
use crate::cache::Cache;
use crate::constitution::Policy;
use crate::store::{RunManifest, Settings};

/// How images are judged, and by which models.
#[derive(Clone, Debug, Args)]
pub(super) struct JudgingArgs {
    #[command(flatten)]
    pub(super) model: ModelArgs,
    #[command(flatten)]
    pub(super) stages: StageArgs,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

/// What a command prints, where it has more than one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Answers that are kept for few images only, where no cache is.
pub(super) struct Scratch {
    cache: Option<Arc<Cache>>,
    /// For so many images.
    images: usize,
    judged: usize,
}

/// How many images answers are kept for, for each of several that are judged at a time: those that are
/// judged while answers are forgotten ask again, and should be few.
const IMAGES_KEPT: usize = 8;

impl Scratch {
    fn new(cache: Option<Arc<Cache>>, at_once: NonZeroUsize) -> Self {
        let images = if at_once.get() == 1 { 1 } else { at_once.get().saturating_mul(IMAGES_KEPT) };
        Self { cache, images, judged: 0 }
    }

    /// Takes note of an image that was judged; when there were enough of them, forgets what was answered:
    /// the next image is asked other things.
    pub(super) fn judged(&mut self) {
        self.judged += 1;
        if let (Some(cache), 0) = (&self.cache, self.judged % self.images) {
            // What could not be forgotten is only known a little longer.
            let _ = cache.clear();
        }
    }
}

impl JudgingArgs {
    /// Loads the models, with the cache where there is one.
    pub(super) fn load(&self) -> Result<Models, Failure> {
        self.stages.load(&self.model, self.cache.open())
    }

    /// Loads the models for several policies that have most questions in common: without a cache
    /// on disk, what they ask of one image is still asked once.
    pub(super) fn load_for_several(&self) -> Result<(Models, Scratch), Failure> {
        let Answers { cache, note } = self.cache.open();
        let scratch = if cache.is_none() { Some(Arc::new(Cache::in_memory()?)) } else { None };
        let answers = Answers { cache: cache.or_else(|| scratch.clone()), note };
        let scratch = Scratch::new(scratch, self.model.jobs().at_once());
        Ok((self.stages.load(&self.model, answers)?, scratch))
    }

    /// The same with another model, and with a method and stages that are named by words; see
    /// [`StageArgs::variations`].
    pub(super) fn with_judge(
        &self,
        model: &str,
        mmproj: Option<PathBuf>,
        variations: &[String],
    ) -> Self {
        let model = self.model.with_model(model, mmproj);
        let stages =
            variations.iter().fold(self.stages.clone(), |stages, word| stages.varied(word));
        Self { model, stages, ..self.clone() }
    }

    /// The same with a conventional classifier in the place of a model.
    pub(super) fn with_classifier(&self, classifier: &str, weights: &Path) -> Self {
        Self { stages: self.stages.classified(classifier, weights), ..self.clone() }
    }

    /// What a run that begins now is made with; `more` are settings of the command.
    pub(super) fn manifest(&self, policy: &Policy, models: &Models, more: Settings) -> RunManifest {
        let mut settings = self.settings(models);
        settings.extend(more);
        RunManifest {
            praetor: env!("CARGO_PKG_VERSION").to_owned(),
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            constitution: policy.name.clone(),
            policy: policy.hash,
            model: models.vlm.model().clone(),
            settings,
            machine: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self, models: &Models) -> Settings {
        let mut settings = self.limits.settings();
        settings.extend(self.model.settings());
        settings.extend(models.remote.iter().flat_map(Remote::settings));
        settings.extend(self.stages.settings(models));
        settings.extend(self.cache.settings());
        settings
    }
}
