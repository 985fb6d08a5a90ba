//! The flags that put a model on a GPU.

use clap::Args;

use crate::store::Settings;
use crate::vlm::llama::devices::{ALL_LAYERS, Gpu, backends, gpus, layers_on};
use crate::vlm::llama::{LlamaOptions, LoadError};

/// How much of the model is on which GPU.
#[derive(Clone, Debug, Args)]
pub(super) struct GpuArgs {
    /// Layers of the model on a GPU, or `all`; 0 computes on the processor alone [default: all
    /// where this praetor was built for a GPU and finds one]
    #[arg(long, value_name = "N|all", value_parser = layers)]
    gpu_layers: Option<u32>,
    /// The GPU to use, by its name in `praetor doctor`; several share the layers [default: as
    /// llama.cpp chooses]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    device: Vec<String>,
}

fn layers(text: &str) -> Result<u32, String> {
    if text == "all" {
        return Ok(ALL_LAYERS);
    }
    text.parse().map_err(|_| "expected a number of layers, or `all`".to_owned())
}

impl GpuArgs {
    /// The model with what was asked for.
    pub(super) fn given_to(&self, options: LlamaOptions) -> LlamaOptions {
        LlamaOptions { gpu_layers: self.gpu_layers, devices: self.device.clone(), ..options }
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        let layers = match self.gpu_layers {
            None => "default".to_owned(),
            Some(ALL_LAYERS) => "all".to_owned(),
            Some(layers) => layers.to_string(),
        };
        let devices = (!self.device.is_empty()).then(|| ("devices", self.device.join(", ")));
        let settings = [("gpu_layers", layers)].into_iter().chain(devices);
        settings.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Which GPUs there are and whether one is used, as a sentence without its stop.
    pub(super) fn told(&self) -> Result<String, LoadError> {
        let found = gpus()?;
        let layers = layers_on(&found, self.gpu_layers);
        let names: Vec<String> = found.iter().map(Gpu::to_string).collect();
        Ok(match (found.is_empty(), backends().join(" and "), layers) {
            (true, built, _) if built.is_empty() => "on the processor; built for no GPU".to_owned(),
            (true, built, _) => format!("on the processor; built for {built}, which finds no GPU"),
            (false, _, 0) => format!("on the processor; not used: {}", names.join(", ")),
            (false, ..) if !self.device.is_empty() => {
                format!("on {} of {}", self.device.join(", "), names.join(", "))
            }
            (false, ..) => format!("on {}", names.join(", ")),
        })
    }
}
