//! What computes: the processor alone, or a GPU with so many of the model's layers.
//!
//! llama.cpp finds GPUs through the backends that it was built with (`cuda`, `metal`, `rocm`,
//! `vulkan`). The projector is on a GPU when any layer is.

use std::path::Path;

use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::{LlamaBackendDeviceType, list_llama_ggml_backend_devices};
use serde::Serialize;

use super::file::texts_in;
use super::{LlamaOptions, LoadError, worker};

/// As [`LlamaOptions::gpu_layers`]: every layer, however many the model has.
pub const ALL_LAYERS: u32 = u32::MAX;

/// The features of Cargo that bring a GPU.
const BACKENDS: [(&str, bool); 4] = [
    ("cuda", cfg!(feature = "cuda")),
    ("metal", cfg!(feature = "metal")),
    ("rocm", cfg!(feature = "rocm")),
    ("vulkan", cfg!(feature = "vulkan")),
];

/// A GPU that llama.cpp found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gpu {
    /// By which it is chosen: `CUDA0`, `Vulkan1`, `MTL0`.
    pub name: String,
    /// Which make it is.
    pub description: String,
    /// Its memory in bytes.
    pub memory_bytes: u64,
    /// Its place in llama.cpp's list.
    #[serde(skip)]
    index: usize,
}

/// The GPU backends that this build has.
pub fn backends() -> Vec<&'static str> {
    BACKENDS.iter().filter(|(_, built)| *built).map(|(name, _)| *name).collect()
}

/// The GPUs of this machine that this build can use; none without a GPU backend.
///
/// # Errors
/// When llama.cpp can't run on this processor at all.
pub fn gpus() -> Result<Vec<Gpu>, LoadError> {
    worker::backend()?;
    let gpu =
        |kind| matches!(kind, LlamaBackendDeviceType::Gpu | LlamaBackendDeviceType::IntegratedGpu);
    let found = list_llama_ggml_backend_devices().into_iter();
    let found = found.filter(|device| gpu(device.device_type)).map(|device| Gpu {
        name: device.name,
        description: device.description,
        memory_bytes: device.memory_total as u64,
        index: device.index,
    });
    Ok(found.collect())
}

/// Layers on these GPUs: as many as are asked for, else all where there is one.
pub fn layers_on(gpus: &[Gpu], asked: Option<u32>) -> u32 {
    asked.unwrap_or(if gpus.is_empty() { 0 } else { ALL_LAYERS })
}

/// What is computed where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    layers: u32,
    /// Those that were named, or all.
    gpus: Vec<Gpu>,
    named: bool,
}

impl Placement {
    /// What the options ask for, where this machine has it: by default everything on the GPUs.
    pub(super) fn of(options: &LlamaOptions) -> Result<Self, LoadError> {
        let placement = Self::among(gpus()?, options.gpu_layers, &options.devices)?;
        match &options.projector {
            Some(path) if placement.on_gpu() && reads_unwritten_memory(path) => {
                Err(LoadError::UnsafeOnGpu { path: path.clone() })
            }
            _ => Ok(placement),
        }
    }

    fn among(found: Vec<Gpu>, layers: Option<u32>, asked: &[String]) -> Result<Self, LoadError> {
        let named = !asked.is_empty();
        let wanted = named || layers.is_some_and(|layers| layers > 0);
        if found.is_empty() && wanted {
            return Err(LoadError::NoGpu { backends: backends() });
        }
        let layers = layers_on(&found, layers);
        let gpus = if named { pick(&found, asked)? } else { found };
        Ok(Self { layers, gpus, named })
    }

    /// Whether anything is on a GPU.
    pub(super) fn on_gpu(&self) -> bool {
        self.layers > 0
    }

    /// As llama.cpp wants it. Without layers it is given no GPU at all, since it would otherwise
    /// still send it large batches; where none is named, it chooses (GPUs before integrated ones).
    pub(super) fn model_params(&self) -> Result<LlamaModelParams, LoadError> {
        let params = LlamaModelParams::default().with_n_gpu_layers(self.layers);
        let indices: Vec<usize> = match (self.on_gpu(), self.named) {
            (true, false) => return Ok(params),
            (true, true) => self.gpus.iter().map(|gpu| gpu.index).collect(),
            (false, _) => Vec::new(),
        };
        params
            .with_devices(&indices)
            .map_err(|error| LoadError::Context { detail: error.to_string() })
    }

    /// What of it moves the numbers: every make of GPU rounds otherwise, and so does each share of
    /// the layers. Nothing on a processor, so that a build with a GPU backend knows the answers of
    /// one without.
    pub(super) fn rounding(&self) -> Option<String> {
        let makes: Vec<String> =
            self.gpus.iter().map(|gpu| format!("{} {}", gpu.name, gpu.description)).collect();
        self.on_gpu().then(|| format!("layers={} on {}", self.layers, makes.join(", ")))
    }
}

/// Pixtral's graph multiplies memory that it never wrote by zero (`tools/mtmd/models/pixtral.cpp`,
/// "clear the tensor"). NaN in it ends as logits that are NaN on a processor; on Vulkan it was seen
/// to end as a wrong number (`docs/models.md`).
fn reads_unwritten_memory(projector: &Path) -> bool {
    let kinds = texts_in(projector, ["clip.projector_type", "clip.vision.projector_type"]);
    kinds.iter().flatten().any(|kind| kind == "pixtral")
}

fn pick(found: &[Gpu], names: &[String]) -> Result<Vec<Gpu>, LoadError> {
    let find = |name: &String| {
        let same = |gpu: &&Gpu| gpu.name.eq_ignore_ascii_case(name);
        found.iter().find(same).cloned().ok_or_else(|| LoadError::UnknownDevice {
            name: name.clone(),
            known: found.iter().map(ToString::to_string).collect(),
        })
    };
    names.iter().map(find).collect()
}

impl std::fmt::Display for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gibibytes = self.memory_bytes >> 30;
        write!(f, "{} ({}, {gibibytes} GiB)", self.name, self.description)
    }
}

/// What to do where no GPU is found, in the words of [`LoadError::NoGpu`].
pub(super) fn no_gpu(backends: &[&str]) -> String {
    if backends.is_empty() {
        "this praetor was built without a GPU backend; build it with `--features` and `cuda`, \
         `vulkan`, `rocm` or `metal`"
            .to_owned()
    } else {
        format!(
            "this praetor was built for {}, which finds no GPU on this machine: look at its \
             driver",
            backends.join(" and ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(index: usize) -> Gpu {
        let description = format!("card {index}");
        Gpu { name: format!("Vulkan{index}"), description, memory_bytes: 2 << 30, index }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn everything_is_on_the_gpu_where_there_is_one_and_nothing_where_there_is_none() {
        let there = Placement::among(vec![gpu(3)], None, &[]).unwrap();
        assert_eq!((there.layers, there.on_gpu(), there.named), (ALL_LAYERS, true, false));
        let none = Placement::among(vec![], None, &[]).unwrap();
        assert_eq!((none.layers, none.on_gpu()), (0, false));
        assert_eq!(none, Placement::among(vec![], Some(0), &[]).unwrap());
    }

    #[test]
    fn a_gpu_that_is_asked_for_and_not_there_is_an_error() {
        let missing = |error| matches!(error, Err(LoadError::NoGpu { .. }));
        assert!(missing(Placement::among(vec![], Some(1), &[])));
        assert!(missing(Placement::among(vec![], None, &names(&["CUDA0"]))));
        let unknown = Placement::among(vec![gpu(0), gpu(1)], None, &names(&["Vulkan1", "CUDA0"]));
        let message = unknown.unwrap_err().to_string();
        assert!(message.contains("`CUDA0`"), "{message}");
        assert!(message.contains("Vulkan0 (card 0, 2 GiB), Vulkan1 (card 1, 2 GiB)"), "{message}");
    }

    #[test]
    fn devices_go_by_name_in_the_order_that_was_asked_for() {
        let picked =
            Placement::among(vec![gpu(4), gpu(7)], Some(9), &names(&["vulkan7", "VULKAN4"]));
        let picked = picked.unwrap();
        assert_eq!(picked.gpus, [gpu(7), gpu(4)]);
        assert_eq!(picked.rounding().unwrap(), "layers=9 on Vulkan7 card 7, Vulkan4 card 4");
    }

    #[test]
    fn without_layers_a_gpu_changes_no_fingerprint() {
        assert_eq!(Placement::among(vec![gpu(0)], Some(0), &[]).unwrap().rounding(), None);
        assert_eq!(Placement::among(vec![], None, &[]).unwrap().rounding(), None);
    }

    #[test]
    fn pixtral_is_known_by_its_projector() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
        let reads = |name: &str| reads_unwritten_memory(&folder.join(name));
        assert!(reads("pixtral-mmproj.gguf"));
        for other in ["pixtral.gguf", "llava-mmproj.gguf", "gemma3-mmproj.gguf", "none.gguf"] {
            assert!(!reads(other), "{other}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        assert!(no_gpu(&[]).contains("`--features`"));
        assert!(no_gpu(&["vulkan"]).contains("built for vulkan"));
    }
}
