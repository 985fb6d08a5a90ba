//! The flags that choose the dual encoder and the localizer, and the factory that loads them.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::exit::Failure;
use crate::cache::Cache;
use crate::encoder::cached::{CachedEncoder, CachedLocalizer};
use crate::encoder::{
    Dual, DualEncoder, EncoderError, Localizer, Owlv2, PatchLocalizer, Source, Tiling, demo,
};
use crate::imaging::Fill;
use crate::store::Settings;

/// Which models find relevant rules and central objects.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Encoders")]
pub(super) struct EncoderArgs {
    /// The dual encoder of the relevance scan: `demo`, a folder with a CLIP or SigLIP model as Hugging
    /// Face lays it out, or `hf:OWNER/NAME` [default: `demo` with the demo model, else none]
    #[arg(long, value_name = "ENCODER")]
    encoder: Option<String>,
    /// Judge rules whose cosine with the image is above this [default: the constitution's, else the
    /// encoder's own; 0.22 for CLIP]
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true, value_parser = cosine)]
    pub(super) relevance_threshold: Option<f64>,
    /// What finds central objects: `patches` of the dual encoder, or a folder or `hf:OWNER/NAME` with
    /// an OWLv2 model
    #[arg(long, default_value = PATCHES, value_name = "LOCALIZER")]
    localizer: String,
    /// What is painted over a removed object
    #[arg(long, value_enum, default_value_t = FillWord::Blend)]
    fill: FillWord,
}

const PATCHES: &str = "patches";

/// How an object is named to a dual encoder that looks for it by its patches: as CLIP and SigLIP
/// were measured by their authors.
const OBJECT: &str = "a photo of {}";

/// What is painted over a removed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FillWord {
    /// The background goes on, blended from the region's edges
    Blend,
    /// The mean colour of what is around
    Surroundings,
    /// Grey
    Grey,
}

fn cosine(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(cosine) if (-1.0..=1.0).contains(&cosine) => Ok(cosine),
        _ => Err("expected a number from -1 to 1".to_owned()),
    }
}

/// The encoders that were asked for.
pub(super) struct Encoders {
    pub(super) dual: Option<Arc<dyn DualEncoder>>,
    pub(super) localizer: Option<Box<dyn Localizer>>,
    pub(super) fill: Fill,
}

impl Encoders {
    /// The same, with everything they find out kept.
    fn cached(self, cache: &Arc<Cache>) -> Self {
        let dual = self.dual.map(|dual| -> Arc<dyn DualEncoder> {
            Arc::new(CachedEncoder::new(dual, Arc::clone(cache)))
        });
        let localizer = self.localizer.map(|localizer| -> Box<dyn Localizer> {
            Box::new(CachedLocalizer::new(localizer, Arc::clone(cache)))
        });
        Self { dual, localizer, ..self }
    }
}

impl EncoderArgs {
    /// Loads what the stages that run need, and keeps what it finds out where there is a cache.
    /// `demo_model` is whether the demo model judges, which has an encoder of its own.
    pub(super) fn load(
        &self,
        demo_model: bool,
        (relevance, regions): (bool, bool),
        cache: Option<&Arc<Cache>>,
    ) -> Result<Encoders, Failure> {
        let by_patches = self.localizer == PATCHES;
        let needed = relevance || (regions && by_patches);
        let dual = match (needed, self.encoder.as_deref()) {
            (true, Some(name)) => Some(Arc::new(load_dual(name)?)),
            (true, None) if demo_model => Some(Arc::new(load_dual(demo::NAME)?)),
            (true, None) | (false, _) => None,
        };
        let localizer: Option<Box<dyn Localizer>> = match (regions, by_patches, &dual) {
            (true, true, Some(dual)) => {
                let (is_demo, dual) = (dual.model().name == demo::NAME, Arc::clone(dual));
                Some(Box::new(if is_demo {
                    demo::localizer(dual)
                } else {
                    PatchLocalizer::new(dual, OBJECT, Tiling::Fitting)
                }))
            }
            (true, false, _) => Some(Box::new(Owlv2::load(&files(&self.localizer)?)?)),
            (true, true, None) | (false, ..) => None,
        };
        let dual = dual.filter(|_| relevance).map(|dual| -> Arc<dyn DualEncoder> { dual });
        let encoders = Encoders { dual, localizer, fill: self.fill.into() };
        Ok(match cache {
            Some(cache) => encoders.cached(cache),
            None => encoders,
        })
    }

    /// Loads the dual encoder alone.
    pub(super) fn load_dual(&self, demo_model: bool) -> Result<Dual, Failure> {
        match self.encoder.as_deref() {
            Some(name) => load_dual(name),
            None if demo_model => load_dual(demo::NAME),
            None => Err(Failure::Input(miette::miette!(
                code = "praetor::encoder::none",
                help = "add `--encoder hf:openai/clip-vit-base-patch16`, or a folder",
                "no dual encoder was named"
            ))),
        }
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self, encoders: &Encoders) -> Settings {
        let name = |model: Option<&crate::ids::ModelId>| {
            let named =
                |model: &crate::ids::ModelId| format!("{} {}", model.name, model.fingerprint);
            model.map_or_else(|| "none".to_owned(), named)
        };
        let threshold = self.relevance_threshold.map(|cosine| cosine.to_string());
        [
            ("encoder", name(encoders.dual.as_ref().map(|dual| dual.model()))),
            ("localizer", name(encoders.localizer.as_ref().map(|localizer| localizer.model()))),
            ("relevance_threshold", threshold.unwrap_or_else(|| "default".to_owned())),
            ("fill", format!("{:?}", self.fill).to_lowercase()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

impl From<FillWord> for Fill {
    fn from(word: FillWord) -> Self {
        match word {
            FillWord::Blend => Self::Blend,
            FillWord::Surroundings => Self::Surroundings,
            FillWord::Grey => Self::Grey,
        }
    }
}

fn load_dual(name: &str) -> Result<Dual, Failure> {
    Ok(if name == demo::NAME { demo::load()? } else { Dual::load(&files(name)?)? })
}

fn files(name: &str) -> Result<crate::encoder::Files, EncoderError> {
    Source::parse(name)?.files(&super::models::hub())
}

impl From<EncoderError> for Failure {
    fn from(error: EncoderError) -> Self {
        Self::unopened(&error, None)
    }
}
