//! The flags that put a conventional classifier in the place of a model, and what loads it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Failure;
use crate::classifier::{Checked, ClassifierError, Runner, Spec, fits};
use crate::ids::ModelId;
use crate::imaging::View;
use crate::store::Settings;
use crate::verdict::Why;
use crate::vlm::chat::{Generate, Reply, Turn};
use crate::vlm::{Answer, Chat, Vlm, VlmError};

/// A conventional classifier of UnsafeBench, to compare a judge with.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Classifier")]
pub(super) struct ClassifierArgs {
    /// Judge by a conventional classifier in the place of a model: nudenet, nsfw-detector, multiheaded, q16,
    /// sd-filter, or a YAML file that describes one (docs/classifiers.md). Needs a build with
    /// `--features onnx`
    #[arg(long, value_name = "NAME|YAML", requires = "weights")]
    classifier: Option<String>,
    /// The classifier's weights, an ONNX file
    #[arg(long, value_name = "ONNX", requires = "classifier")]
    weights: Option<PathBuf>,
    /// ONNX Runtime's library [default: `ORT_DYLIB_PATH`, else the system's]
    #[arg(long, value_name = "LIBRARY", requires = "classifier")]
    onnxruntime: Option<PathBuf>,
}

/// A classifier with its weights.
pub(super) struct LoadedClassifier {
    pub(super) spec: Spec,
    pub(super) runner: Box<dyn Runner>,
}

impl LoadedClassifier {
    /// What a person should know of it: which rules it can speak of, and how far it was checked.
    pub(super) fn notes(&self, names_rules: bool) -> Vec<String> {
        let (name, categories) = (&self.spec.name, self.spec.categories().join(", "));
        let speaks = if names_rules {
            format!("`{name}` knows {categories}: other rules are left out of the verdict")
        } else {
            format!(
                "no rule is named like what `{name}` knows ({categories}): each image is judged as a whole"
            )
        };
        let wiring = format!(
            "`{name}` was checked on random weights alone, the real ones could not be had \
             (docs/classifiers.md)"
        );
        std::iter::once(speaks)
            .chain((self.spec.checked == Checked::Wiring).then_some(wiring))
            .collect()
    }
}

impl ClassifierArgs {
    /// Loads the classifier, if one is to judge.
    pub(super) fn load(&self) -> Result<Option<LoadedClassifier>, Failure> {
        let (Some(name), Some(weights)) = (&self.classifier, &self.weights) else {
            return Ok(None);
        };
        let spec = spec(name)?;
        let runtime = self
            .onnxruntime
            .clone()
            .or_else(|| std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from))
            .filter(|path| !path.as_os_str().is_empty());
        let runner = run(runtime.as_deref(), weights)
            .and_then(|runner| fits(&spec, &*runner, weights).map(|()| runner))
            .map_err(|error| Failure::unopened(&error, Some(help(&error))))?;
        Ok(Some(LoadedClassifier { spec, runner }))
    }

    /// Another classifier by the same runtime.
    pub(super) fn of(&self, name: &str, weights: &Path) -> Self {
        let (classifier, weights) = (Some(name.to_owned()), Some(weights.to_owned()));
        Self { classifier, weights, onnxruntime: self.onnxruntime.clone() }
    }

    /// Whether a classifier judges.
    pub(super) fn is_chosen(&self) -> bool {
        self.classifier.is_some()
    }

    /// By name, for a run's manifest.
    pub(super) fn settings(&self) -> Settings {
        let chosen = [
            ("method", self.is_chosen().then(|| "classifier".to_owned())),
            ("classifier", self.classifier.clone()),
            ("weights", self.weights.as_ref().map(|path| path.display().to_string())),
        ];
        chosen.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// A spec by its name, or from its file.
fn spec(name: &str) -> Result<Spec, Failure> {
    let parsed = match Spec::built_in(name) {
        Some(spec) => spec,
        None if Path::new(name).extension().is_some_and(|end| end == "yaml" || end == "yml") => {
            let text = fs_err::read_to_string(name)
                .map_err(|error| Failure::unopened(&error, Some("check the path")))?;
            Spec::parse(&text)
        }
        None => {
            let known = Spec::names().collect::<Vec<_>>().join(", ");
            return Err(Failure::Input(miette::miette!(
                code = "praetor::classifier::unknown",
                help = format!("name one of {known}, or a file that ends in `.yaml`"),
                "there is no classifier `{name}`"
            )));
        }
    };
    let help = "docs/classifiers.md says what stands in such a file";
    parsed.map_err(|error| Failure::mistake(&error, Some(help)))
}

#[cfg(feature = "onnx")]
fn run(runtime: Option<&Path>, weights: &Path) -> Result<Box<dyn Runner>, ClassifierError> {
    use crate::classifier::onnx::OnnxRunner;
    Ok(Box::new(OnnxRunner::load(runtime, weights)?))
}

#[cfg(not(feature = "onnx"))]
fn run(_: Option<&Path>, _: &Path) -> Result<Box<dyn Runner>, ClassifierError> {
    Err(ClassifierError::NotBuilt)
}

fn help(error: &ClassifierError) -> &'static str {
    match error {
        ClassifierError::NotBuilt => "build with `cargo build --release --features onnx`",
        ClassifierError::Runtime { .. } => {
            "name the library with `--onnxruntime`; `tools/nudenet/fetch.sh` takes one out of PyPI's \
             package onnxruntime"
        }
        _ => "docs/classifiers.md says what the file of each classifier has to hold",
    }
}

/// In the place of a model where a classifier judges: it bears the classifier's name, and nobody asks it.
pub(super) struct Unasked(pub(super) ModelId);

impl Unasked {
    fn why() -> Why {
        Why::failed("a classifier judges here, which can't be asked")
    }
}

impl Chat for Unasked {
    fn chat(
        &self,
        _: Option<&View>,
        conversations: &[Vec<Turn>],
        _: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        Ok(conversations.iter().map(|_| Reply::Unavailable(Self::why())).collect())
    }

    fn model(&self) -> &ModelId {
        &self.0
    }
}

impl Vlm for Unasked {
    fn visible(&self, _: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        Ok(statements.iter().map(|_| Answer::Unavailable(Self::why())).collect())
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        self.visible(view, questions)
    }
}
