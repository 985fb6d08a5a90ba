//! What a classifier is given, and what its numbers mean: a YAML file.

use serde::Deserialize;

use crate::ids::Hash;

/// A classifier, but for its weights.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// What it is called.
    pub name: String,
    /// What praetor's tests have held against others' code.
    #[serde(default)]
    pub checked: Checked,
    /// Where it comes from.
    #[serde(default)]
    pub source: String,
    /// Under which licence.
    #[serde(default)]
    pub licence: String,
    /// What the ONNX file is to hold.
    pub file: String,
    /// What it is given.
    pub input: Input,
    /// What its numbers are.
    pub output: Output,
    /// For detections: a box below this is none.
    #[serde(default = "least_score")]
    pub least_score: f64,
    /// For detections: of two boxes that overlap by more than this, the surer one is kept.
    #[serde(default = "most_overlap")]
    pub most_overlap: f64,
    /// A label whose score is above this is a violation.
    pub threshold: f64,
    /// What each number is about, in their order.
    pub labels: Vec<Label>,
}

fn least_score() -> f64 {
    0.25
}

fn most_overlap() -> f64 {
    0.45
}

/// What praetor's tests have held against others' code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checked {
    /// Nothing.
    #[default]
    Nothing,
    /// How pictures go in and verdicts come out, on random weights in the same wiring. The real weights were
    /// never run.
    Wiring,
    /// The same on the real weights.
    Weights,
}

/// How a picture becomes numbers: one batch, channels first, from 0 to 1, less `mean`, by `std`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Width and height in pixels.
    pub side: u32,
    /// How a picture becomes square.
    pub fit: Fit,
    /// Which channel is first.
    #[serde(default)]
    pub order: Order,
    /// What is subtracted from each channel.
    #[serde(default)]
    pub mean: [f32; 3],
    /// What each channel is divided by.
    #[serde(default = "ones")]
    pub std: [f32; 3],
}

impl Input {
    /// A picture's size in pixels of the square that the classifier sees of it; what is beyond is padding.
    pub fn extent(&self, width: u32, height: u32) -> [f64; 2] {
        let side = f64::from(self.side);
        match self.fit {
            Fit::Pad => {
                let scale = side / f64::from(width.max(height));
                [f64::from(width) * scale, f64::from(height) * scale]
            }
            Fit::Crop | Fit::Squash => [side; 2],
        }
    }
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}

/// How a picture becomes square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Black is added on the right or below; then scaled, each pixel between its four neighbours, as
    /// OpenCV does.
    Pad,
    /// Scaled to the shorter side, smoothly, and the middle taken, as CLIP does.
    Crop,
    /// Scaled to a square whatever its shape, smoothly.
    Squash,
}

/// Which channel is first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// What the first output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Boxes as YOLOv8 gives them: for each place its middle, width, height, and a score a label.
    Detections,
    /// A probability a label.
    Probabilities,
    /// A number a label, each a probability by the logistic function.
    Logits,
    /// A number a label, probabilities together by softmax.
    Classes,
    /// A number a label, a violation above zero; the logistic function makes it a score.
    Margins,
}

/// What one number is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// Rules that it speaks of, by their ids; none where it says nothing of safety.
    #[serde(default)]
    pub categories: Vec<String>,
}

/// The classifiers that UnsafeBench compares.
const BUILT_IN: [(&str, &str); 5] = [
    ("nudenet", include_str!("../../classifiers/nudenet.yaml")),
    ("nsfw-detector", include_str!("../../classifiers/nsfw-detector.yaml")),
    ("multiheaded", include_str!("../../classifiers/multiheaded.yaml")),
    ("q16", include_str!("../../classifiers/q16.yaml")),
    ("sd-filter", include_str!("../../classifiers/sd-filter.yaml")),
];

impl Spec {
    /// The names of those that are built in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.into_iter().map(|(name, _)| name)
    }

    /// One that is built in.
    pub fn built_in(name: &str) -> Option<Result<Self, SpecError>> {
        let (_, text) = BUILT_IN.into_iter().find(|(known, _)| *known == name)?;
        Some(Self::parse(text))
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`SpecError`] for a text that is no spec, and for one that can't be meant.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let spec: Self = serde_saphyr::from_str(text)
            .map_err(|error| SpecError::Form { detail: error.to_string() })?;
        spec.checked()
    }

    fn checked(self) -> Result<Self, SpecError> {
        let wrong = |detail: &'static str| Err(SpecError::Meaning { detail });
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if !(1..=4_096).contains(&self.input.side) {
            return wrong("`input: side` is a number of pixels from 1 to 4096");
        }
        if self.input.std.iter().any(|std| *std <= 0.0 || !std.is_finite()) {
            return wrong("`input: std` holds three numbers above zero");
        }
        if ![self.threshold, self.least_score, self.most_overlap].into_iter().all(share) {
            return wrong("`threshold`, `least_score` and `most_overlap` are from 0 to 1");
        }
        if self.labels.iter().all(|label| label.categories.is_empty()) {
            return wrong(
                "at least one of `labels` needs `categories`, the rules that it speaks of",
            );
        }
        Ok(self)
    }

    /// The rules that its labels speak of, by their ids, each once.
    pub fn categories(&self) -> Vec<&str> {
        let mut categories: Vec<&str> = Vec::new();
        for category in self.labels.iter().flat_map(|label| &label.categories) {
            if !categories.contains(&category.as_str()) {
                categories.push(category);
            }
        }
        categories
    }

    /// Changes with everything that can change a verdict, and with nothing that is said for people.
    pub fn hash(&self) -> Hash {
        let said = Self {
            checked: Checked::default(),
            source: String::new(),
            licence: String::new(),
            file: String::new(),
            ..self.clone()
        };
        Hash::of(format!("{said:?}").as_bytes())
    }
}

/// A text that is no spec of a classifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// It has not the form of one.
    #[error("not the spec of a classifier: {detail}")]
    Form {
        /// What is wrong, and where.
        detail: String,
    },
    /// It has, and can't be meant.
    #[error("this spec can't be meant: {detail}")]
    Meaning {
        /// What is wrong.
        detail: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constitution::Constitution;

    /// Facts on UnsafeBench: NudeNet and the SD filter speak of Sexual alone, Q16 of all but Spam and
    /// Sexual.
    #[test]
    fn those_built_in_are_read_and_speak_of_what_the_paper_says() {
        let constitution =
            Constitution::parse(include_str!("../../constitutions/unsafebench.yaml"));
        let constitution = constitution.unwrap();
        let all = constitution.rules.iter().map(|rule| rule.id.as_str());
        let but_spam_and_sexual: Vec<&str> =
            all.filter(|id| !["spam", "sexual"].contains(id)).collect();
        for (name, checked, categories) in [
            ("nudenet", Checked::Weights, &["sexual"][..]),
            ("sd-filter", Checked::Wiring, &["sexual"]),
            ("nsfw-detector", Checked::Wiring, &["sexual", "harassment"]),
            (
                "multiheaded",
                Checked::Wiring,
                &["sexual", "violence", "shocking", "hate", "political"],
            ),
            ("q16", Checked::Wiring, &but_spam_and_sexual),
        ] {
            let spec = Spec::built_in(name).unwrap().unwrap();
            assert_eq!((spec.name.as_str(), spec.checked), (name, checked));
            assert_eq!(spec.categories(), categories, "{name}");
        }
        assert!(Spec::built_in("nude").is_none());
    }

    #[test]
    fn what_is_said_for_people_makes_no_other_classifier() {
        let text = include_str!("../../classifiers/q16.yaml");
        let spec = Spec::parse(text).unwrap();
        let words = Spec {
            checked: Checked::Weights,
            source: "elsewhere".to_owned(),
            licence: "another".to_owned(),
            file: "other words".to_owned(),
            ..spec.clone()
        };
        assert_eq!(words.hash(), spec.hash());
        assert_ne!(Spec { threshold: 0.6, ..spec.clone() }.hash(), spec.hash());
    }

    #[test]
    fn a_spec_that_can_not_be_meant_says_what_is_wrong() {
        let text = include_str!("../../classifiers/q16.yaml");
        let with = |from: &str, to: &str| Spec::parse(&text.replace(from, to)).unwrap_err();
        assert!(with("threshold: 0.5", "threshold: 5").to_string().contains("from 0 to 1"));
        assert!(with("side: 224", "side: 0").to_string().contains("from 1 to 4096"));
        assert!(with("output: classes", "output: boxes").to_string().contains("boxes"));
        assert!(with("checked: wiring", "checked: often").to_string().contains("often"));
        assert!(with("checked: wiring", "run: true").to_string().contains("run"));
        let categories = "categories: [hate, harassment, violence, self-harm, shocking, \
                          illegal-activity, deception, political, health]";
        assert!(with(categories, "categories: []").to_string().contains("`categories`"));
    }
}
