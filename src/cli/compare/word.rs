//! A judge as it is named on the command line: `[NAME=]RUN`, `[NAME=]MODEL[,MMPROJ][+VARIATION…]` or
//! `[NAME=]classifier:NAME|YAML,ONNX`.

use std::path::{Path, PathBuf};

use crate::cli::stages::StageArgs;
use crate::vlm::llama::demo;

/// One judge, as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JudgeWord {
    /// What it is called in all that is shown.
    pub(super) name: String,
    pub(super) what: What,
}

/// Where its verdicts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A run that was made before.
    Run(PathBuf),
    /// A model that is run now.
    Model {
        /// As `--model` takes it.
        model: String,
        /// A projector of its own.
        mmproj: Option<PathBuf>,
        /// Methods and `without-STAGE`, as they were written.
        variations: Vec<String>,
    },
    /// A conventional classifier that is run now.
    Classifier {
        /// As `--classifier` takes it.
        classifier: String,
        /// Its weights.
        weights: PathBuf,
    },
}

/// What a classifier's word begins with.
const CLASSIFIER: &str = "classifier:";

impl JudgeWord {
    /// Reads a judge's name; a folder is a run, but for the word `demo`, which is always the model.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = named(text);
        if rest.is_empty() {
            return Err("a judge is a run folder or a model".to_owned());
        }
        let classifier = rest.strip_prefix(CLASSIFIER);
        if let Some((classifier, weights)) = classifier.and_then(|rest| rest.split_once(',')) {
            let name = name.unwrap_or(classifier).to_owned();
            let (classifier, weights) = (classifier.to_owned(), PathBuf::from(weights));
            return Ok(Self { name, what: What::Classifier { classifier, weights } });
        }
        if classifier.is_some() {
            return Err(format!("a classifier has weights: `{rest},FILE.onnx`"));
        }
        let name = name.unwrap_or(rest).to_owned();
        if rest != demo::NAME && Path::new(rest).is_dir() {
            return Ok(Self { name, what: What::Run(PathBuf::from(rest)) });
        }
        let (rest, variations) = varied(rest)?;
        let (model, mmproj) = match rest.split_once(',') {
            Some((model, mmproj)) => (model, Some(PathBuf::from(mmproj))),
            None => (rest, None),
        };
        if looks_like_a_folder(model) {
            return Err(format!(
                "there is neither a run folder nor a model at `{model}`; runs are written by `praetor judge \
                 --out FOLDER`"
            ));
        }
        Ok(Self { name, what: What::Model { model: model.to_owned(), mmproj, variations } })
    }

    /// Whether it is run now, and no run yet.
    pub(super) fn runs_now(&self) -> bool {
        !matches!(self.what, What::Run(_))
    }

    /// The name as a folder's: other than letters, digits and `.-_+` becomes `-`.
    pub(super) fn folder(&self) -> String {
        let kept = |c: char| if c.is_alphanumeric() || "-_+.".contains(c) { c } else { '-' };
        let name: String = self.name.chars().map(kept).collect();
        if name.chars().all(|c| c == '.') { "judge".to_owned() } else { name }
    }
}

/// `NAME=REST`, where what is before the sign is a plain word and the whole is no file.
fn named(text: &str) -> (Option<&str>, &str) {
    let plain = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c))
    };
    match text.split_once('=') {
        Some((name, rest)) if plain(name) && !Path::new(text).exists() => (Some(name), rest),
        _ => (None, text),
    }
}

/// Takes what is known after a `+` off the end; a file may have a `+` in its name.
fn varied(text: &str) -> Result<(&str, Vec<String>), String> {
    let mut variations = Vec::new();
    let mut rest = text;
    while let Some((before, last)) = rest.rsplit_once('+') {
        if Path::new(rest).exists() {
            break;
        }
        let known = StageArgs::variations();
        if !known.iter().any(|word| word == last) {
            return Err(format!("`{last}` is none of the variations {}", known.join(", ")));
        }
        variations.insert(0, last.to_owned());
        rest = before;
    }
    Ok((rest, variations))
}

/// A path that leads nowhere and could be no file of a model. Names of the hub and of remote models have
/// a colon.
fn looks_like_a_folder(model: &str) -> bool {
    let path = Path::new(model);
    model.contains(['/', '\\'])
        && !model.contains(':')
        && path.extension().is_none()
        && !path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str) -> (String, String, Option<PathBuf>, Vec<String>) {
        let JudgeWord { name, what } = JudgeWord::parse(text).unwrap();
        let What::Model { model, mmproj, variations } = what else { panic!("{text} is a model") };
        (name, model, mmproj, variations)
    }

    #[test]
    fn models_have_names_projectors_and_variations() {
        assert_eq!(model("demo"), ("demo".into(), "demo".into(), None, vec![]));
        let (name, model_, _, variations) = model("fast=demo+without-region+without-reasoning");
        assert_eq!((name.as_str(), model_.as_str()), ("fast", "demo"));
        assert_eq!(variations, ["without-region", "without-reasoning"]);
        let (name, model_, mmproj, _) = model("a.gguf,b.gguf+prior-knowledge");
        assert_eq!((name.as_str(), model_.as_str()), ("a.gguf,b.gguf+prior-knowledge", "a.gguf"));
        assert_eq!(mmproj, Some(PathBuf::from("b.gguf")));
        assert_eq!(model("gpt=openai:gpt-4o").1, "openai:gpt-4o");
        assert_eq!(model("hf:owner/name@main:Q8_0").1, "hf:owner/name@main:Q8_0");
    }

    #[test]
    fn classifiers_bring_their_weights() {
        let word = JudgeWord::parse("old=classifier:q16,files/q16.onnx").unwrap();
        let (classifier, weights) = ("q16".to_owned(), PathBuf::from("files/q16.onnx"));
        assert_eq!(word.what, What::Classifier { classifier, weights });
        assert_eq!(word.name, "old");
        assert_eq!(JudgeWord::parse("classifier:q16,q16.onnx").unwrap().name, "q16");
        let error = JudgeWord::parse("classifier:q16").unwrap_err();
        assert!(error.contains("classifier:q16,FILE.onnx"), "{error}");
    }

    #[test]
    fn folders_are_runs_and_what_is_neither_is_told() {
        let word = JudgeWord::parse("old=src").unwrap();
        assert_eq!((word.name.as_str(), word.what), ("old", What::Run(PathBuf::from("src"))));
        let error = JudgeWord::parse("runs/of-yesterday").unwrap_err();
        assert!(error.contains("neither a run folder nor a model"), "{error}");
        let error = JudgeWord::parse("demo+prior").unwrap_err();
        assert!(error.contains("prior-knowledge") && error.contains("without-region"), "{error}");
        assert!(JudgeWord::parse("a=").is_err() && JudgeWord::parse("").is_err());
    }

    #[test]
    fn folders_get_names_that_stay_below_theirs() {
        let folder =
            |name: &str| JudgeWord { name: name.into(), what: What::Run("x".into()) }.folder();
        assert_eq!(folder("demo+prior-knowledge"), "demo+prior-knowledge");
        assert_eq!(folder("hf:a/b@c:Q4"), "hf-a-b-c-Q4");
        assert_eq!((folder("../x").as_str(), folder("..").as_str()), ("..-x", "judge"));
    }
}
