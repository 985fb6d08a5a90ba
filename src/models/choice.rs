//! Which files of a repository make a model: quantisations, parts, and the projector.

use std::collections::BTreeMap;

/// The quantisation that is taken where none is asked for: the first of these that is there.
///
/// Four bits first, as llama.cpp does: the most for its size. Then more exact ones, then larger.
pub const PREFERRED: [&str; 10] =
    ["Q4_K_M", "Q8_0", "Q5_K_M", "Q6_K", "Q4_K_S", "Q4_0", "UD-Q4_K_XL", "BF16", "F16", "F32"];

/// The projector that is taken where several are there: the first of these. A projector is small,
/// and loses more by rounding than the language model does.
pub const PROJECTORS: [&str; 4] = ["F16", "BF16", "Q8_0", "F32"];

/// The files of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// Which quantisation it is, if its name says so.
    pub quantisation: Option<String>,
    /// The language model: one file, or its parts in order.
    pub model: Vec<String>,
    /// What it sees by, if the repository has one.
    pub projector: Option<String>,
}

/// Why no files can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// No model at all.
    #[error("holds no GGUF model; choose a repository whose name ends in `-GGUF`")]
    NoModel,
    /// Not the one that was asked for.
    #[error("has no quantisation `{wanted}`; it has {there}", there = list(there))]
    NoSuchQuantisation {
        /// What was asked for.
        wanted: String,
        /// What there is.
        there: Vec<String>,
    },
    /// None that is taken by itself.
    #[error("has several models; name one behind a colon: {there}", there = list(there))]
    Several {
        /// What there is.
        there: Vec<String>,
    },
    /// A part of a model is not there.
    #[error("lacks part {part} of {parts} of `{file}`")]
    Part {
        /// The first part's name.
        file: String,
        /// The part that is missing, from 1.
        part: usize,
        /// How many there should be.
        parts: usize,
    },
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Chooses the files of one model among a repository's.
///
/// # Errors
/// [`ChoiceError`] when there is none, or not the one that is wanted.
///
/// ```
/// use praetor::models::choose;
/// let files = ["m-Q8_0.gguf", "m-Q4_K_M.gguf", "mmproj-m-f16.gguf", "README.md"];
/// let chosen = choose(files, Some("q8_0")).unwrap();
/// assert_eq!(chosen.model, ["m-Q8_0.gguf"]);
/// assert_eq!(chosen.projector.as_deref(), Some("mmproj-m-f16.gguf"));
/// assert_eq!(choose(files, None).unwrap().model, ["m-Q4_K_M.gguf"]);
/// ```
pub fn choose<'a>(
    files: impl IntoIterator<Item = &'a str>,
    wanted: Option<&str>,
) -> Result<Choice, ChoiceError> {
    let files: Vec<&str> = files.into_iter().collect();
    let models = quantisations(files.iter().copied());
    let label = pick(&models, wanted)?;
    let model = models.get(&label).cloned().unwrap_or_default();
    let model = whole(model)?;
    let quantisation = model.first().and_then(|file| quantisation(file));
    Ok(Choice { quantisation, model, projector: projector_among(&files) })
}

/// Every quantisation of a repository by its label, with its files.
pub fn quantisations<'a>(
    files: impl IntoIterator<Item = &'a str>,
) -> BTreeMap<String, Vec<String>> {
    let is_model = |file: &&str| is_gguf(file) && !is_projector(file) && !is_aside(file);
    let mut models: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files.into_iter().filter(is_model) {
        let label = quantisation(file).unwrap_or_else(|| stem(file).to_owned());
        models.entry(label).or_default().push(file.to_owned());
    }
    for parts in models.values_mut() {
        parts.sort();
    }
    models
}

fn pick(
    models: &BTreeMap<String, Vec<String>>,
    wanted: Option<&str>,
) -> Result<String, ChoiceError> {
    let there = || models.keys().cloned().collect::<Vec<String>>();
    let find = |label: &str| models.keys().find(|name| name.eq_ignore_ascii_case(label)).cloned();
    if models.is_empty() {
        return Err(ChoiceError::NoModel);
    }
    if let Some(wanted) = wanted {
        let unknown =
            || ChoiceError::NoSuchQuantisation { wanted: wanted.to_owned(), there: there() };
        return find(wanted).ok_or_else(unknown);
    }
    let only = || there().into_iter().next().filter(|_| models.len() == 1);
    let preferred = PREFERRED.iter().find_map(|label| find(label));
    preferred.or_else(only).ok_or_else(|| ChoiceError::Several { there: there() })
}

/// The parts of one model, none missing. Several models of one quantisation are none to choose.
fn whole(files: Vec<String>) -> Result<Vec<String>, ChoiceError> {
    let Some((_, parts)) = files.first().and_then(|first| part(first)) else {
        return match files.len() {
            1 => Ok(files),
            _ => Err(ChoiceError::Several { there: files }),
        };
    };
    let numbers: Vec<usize> = files.iter().filter_map(|file| Some(part(file)?.0)).collect();
    match (1..=parts).find(|number| !numbers.contains(number)) {
        Some(part) => {
            let file = files.into_iter().next().unwrap_or_default();
            Err(ChoiceError::Part { file, part, parts })
        }
        None if files.len() > parts => Err(ChoiceError::Several { there: files }),
        None => Ok(files),
    }
}

/// The best projector among a repository's files, if it has one.
pub(super) fn projector_among(files: &[&str]) -> Option<String> {
    let names: Vec<&str> = files.iter().copied().filter(|file| is_projector(file)).collect();
    let label = |name: &str| quantisation(name).unwrap_or_default();
    let preferred = PROJECTORS
        .iter()
        .find_map(|wanted| names.iter().find(|name| label(name).eq_ignore_ascii_case(wanted)));
    preferred.or(names.first()).map(|name| (*name).to_owned())
}

fn is_gguf(file: &str) -> bool {
    file.to_ascii_lowercase().ends_with(".gguf")
}

fn is_projector(file: &str) -> bool {
    is_gguf(file) && file.to_ascii_lowercase().contains("mmproj")
}

/// What helps to make or to speed up a model, and is none.
fn is_aside(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    name.contains("imatrix") || name.starts_with("mtp-") || name.contains("draft")
}

/// The name without folder, ending and number of the part.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.get(..name.len() - ".gguf".len()).unwrap_or(name);
    match split(name) {
        Some((stem, ..)) => stem,
        None => name,
    }
}

/// Which part of how many a file is.
fn part(file: &str) -> Option<(usize, usize)> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let (_, part, parts) = split(name.get(..name.len().checked_sub(5)?)?)?;
    Some((part, parts))
}

/// Splits `NAME-00001-of-00003`.
fn split(name: &str) -> Option<(&str, usize, usize)> {
    let (rest, parts) = name.rsplit_once("-of-")?;
    let (stem, part) = rest.rsplit_once('-')?;
    let number = |text: &str| (text.len() == 5).then(|| text.parse().ok()).flatten();
    Some((stem, number(part)?, number(parts).filter(|parts| (1..=1_000).contains(parts))?))
}

/// The quantisation that a file's name ends in, or its folder's, in capitals: `Q4_K_M`.
///
/// ```
/// use praetor::models::quantisation;
/// assert_eq!(quantisation("gemma-3-4b-it-Q4_K_M.gguf").as_deref(), Some("Q4_K_M"));
/// assert_eq!(quantisation("UD-Q4_K_XL/big-00001-of-00002.gguf").as_deref(), Some("UD-Q4_K_XL"));
/// assert_eq!(quantisation("mmproj-model-f16.gguf").as_deref(), Some("F16"));
/// assert_eq!(quantisation("model.gguf"), None);
/// ```
pub fn quantisation(file: &str) -> Option<String> {
    let folder = file.rsplit_once('/').map(|(folder, _)| folder.rsplit('/').next().unwrap_or(""));
    [Some(stem(file)), folder].into_iter().flatten().find_map(|name| {
        let name = name.to_ascii_uppercase();
        let at = name.rfind(['-', '.']).map_or(0, |at| at + 1);
        let (before, label) = name.split_at(at);
        // Names such as `model_q8_0` join by the sign that the label itself holds.
        let joined = || {
            ["_Q", "_IQ", "_F16", "_BF16"].iter().find_map(|sign| {
                let label = &label[label.find(sign)? + 1..];
                is_quantisation(label).then(|| label.to_owned())
            })
        };
        if !is_quantisation(label) {
            return joined();
        }
        let before = before.trim_end_matches(['-', '.']);
        let dynamic = before.rsplit(['-', '.']).next() == Some("UD");
        Some(if dynamic { format!("UD-{label}") } else { label.to_owned() })
    })
}

fn is_quantisation(label: &str) -> bool {
    if ["F16", "BF16", "F32", "FP16", "FP32", "MXFP4", "MXFP4_MOE"].contains(&label) {
        return true;
    }
    let rest = ["IQ", "TQ", "Q"].iter().find_map(|kind| label.strip_prefix(kind));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && (rest.len() == 1 || rest[1..].starts_with('_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_quantisations_as_the_hub_has_them() {
        for (file, label) in [
            ("Qwen3VL-4B-Instruct-Q4_K_M.gguf", Some("Q4_K_M")),
            ("SmolVLM-256M-Instruct-f16.gguf", Some("F16")),
            ("model.IQ3_XXS.gguf", Some("IQ3_XXS")),
            ("big-UD-IQ2_M-00001-of-00003.gguf", Some("UD-IQ2_M")),
            ("BF16/big-00002-of-00003.gguf", Some("BF16")),
            ("ggml-model-q4_0.gguf", Some("Q4_0")),
            ("llava_q8_0.gguf", Some("Q8_0")),
            ("Qwen2.5-VL-7B.gguf", None),
            ("quality.gguf", None),
            (".gguf", None),
        ] {
            assert_eq!(quantisation(file).as_deref(), label, "{file}");
        }
    }

    #[test]
    fn an_unknown_quantisation_is_told_with_those_there_are() {
        let files = ["m-Q8_0.gguf", "m-f16.gguf", "mmproj-m-Q8_0.gguf"];
        let error = choose(files, Some("Q4_K_M")).unwrap_err().to_string();
        assert_eq!(error, "has no quantisation `Q4_K_M`; it has `F16`, `Q8_0`");
        assert_eq!(choose(files, None).unwrap().model, ["m-Q8_0.gguf"]);
        assert_eq!(choose(["README.md", "mmproj-f16.gguf"], None), Err(ChoiceError::NoModel));
        assert_eq!(choose(["strange.gguf"], None).unwrap().quantisation, None);
        assert!(choose(["a-Q3_K_L.gguf", "b-Q2_K.gguf"], None).is_err());
        assert!(choose(["a-Q8_0.gguf", "b-Q8_0.gguf"], None).is_err(), "two models of a kind");
    }

    #[test]
    fn projectors_by_their_exactness() {
        let chosen = |names: &[&'static str]| {
            choose([&["m-Q8_0.gguf"], names].concat(), None).unwrap().projector
        };
        let all = ["mmproj-F32.gguf", "mmproj-m-Q8_0.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf"];
        assert_eq!(chosen(&all).as_deref(), Some("mmproj-F16.gguf"));
        assert_eq!(chosen(&all[..3]).as_deref(), Some("mmproj-BF16.gguf"));
        assert_eq!(chosen(&all[..2]).as_deref(), Some("mmproj-m-Q8_0.gguf"));
        assert_eq!(chosen(&["mmproj.gguf"]).as_deref(), Some("mmproj.gguf"));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn a_model_in_parts_is_taken_whole_or_not_at_all() {
        let name = |part: usize| format!("Q4_K_M/big-{part:05}-of-00003.gguf");
        let parts: Vec<String> = (1..=3).map(name).collect();
        let all = parts.iter().map(String::as_str);
        assert_eq!(choose(all.clone().rev(), None).unwrap().model, parts);
        let error = choose(all.filter(|file| !file.contains("00002")), None).unwrap_err();
        assert_eq!(error.to_string(), format!("lacks part 2 of 3 of `{}`", parts[0]));
    }
}
