//! ONNX Runtime, loaded as a library when it is needed.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::Session;
use ort::value::Tensor;

use super::judge::{ClassifierError, Runner};
use crate::ids::Hash;

/// Weights in ONNX Runtime.
pub struct OnnxRunner {
    session: Mutex<Session>,
    fingerprint: Hash,
}

impl OnnxRunner {
    /// Loads the runtime, the system's where none is named, and the weights.
    ///
    /// # Errors
    /// [`ClassifierError::Runtime`] or [`ClassifierError::Weights`].
    pub fn load(runtime: Option<&Path>, weights: &Path) -> Result<Self, ClassifierError> {
        let environment = environment(runtime.unwrap_or(Path::new(SYSTEM)))?;
        let failed = |error: &dyn std::fmt::Display| ClassifierError::Weights {
            path: weights.display().to_string(),
            detail: error.to_string(),
        };
        let bytes = fs_err::read(weights).map_err(|error| failed(&error))?;
        let session = Session::builder(&environment)
            .and_then(|mut builder| builder.commit_from_memory(&bytes))
            .map_err(|error| failed(&error))?;
        let fingerprint = Hash::of(&bytes);
        Ok(Self { session: Mutex::new(session), fingerprint })
    }
}

/// The library as the system's loader knows it.
const SYSTEM: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// The runtime that this process has loaded: there can be one, and it stays.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

fn environment(runtime: &Path) -> Result<Environment, ClassifierError> {
    let failed = |error: &dyn std::fmt::Display| ClassifierError::Runtime {
        path: runtime.display().to_string(),
        detail: error.to_string(),
    };
    // The loader would look a relative path up beside the program.
    let library = if runtime.exists() {
        fs_err::canonicalize(runtime).map_err(|error| failed(&error))?
    } else {
        runtime.to_owned()
    };
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*loaded {
        Some((known, environment)) if *known == library => Ok(environment.clone()),
        Some((known, _)) => Err(failed(&format!("`{}` is loaded already", known.display()))),
        None => {
            let builder = ort::init_from(&library).map_err(|error| failed(&error))?;
            let environment =
                builder.with_name("praetor").build().map_err(|error| failed(&error))?;
            *loaded = Some((library, environment.clone()));
            Ok(environment)
        }
    }
}

impl Runner for OnnxRunner {
    fn run(&self, side: u32, tensor: Vec<f32>) -> Result<Vec<f32>, ClassifierError> {
        let failed = |error: ort::Error| ClassifierError::Failed { detail: error.to_string() };
        let side = i64::from(side);
        let input = Tensor::from_array((vec![1, 3, side, side], tensor)).map_err(failed)?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(ort::inputs![input]).map_err(failed)?;
        let Some((_, first)) = outputs.iter().next() else {
            return Err(ClassifierError::Failed { detail: "there is no output".to_owned() });
        };
        let (_, numbers) = first.try_extract_tensor::<f32>().map_err(failed)?;
        Ok(numbers.to_vec())
    }

    fn fingerprint(&self) -> Hash {
        self.fingerprint
    }
}
