//! A conventional classifier in the place of a judge.
//!
//! It says of each category it knows whether its surest label reaches the threshold. A category is a rule
//! where the constitution has one of that id, and what other rules say is nothing to it; where the
//! constitution has none of them, the image is judged as a whole.

use std::path::Path;

use super::pixels::tensor;
use super::scores::scores;
use super::spec::Spec;
use crate::constitution::Policy;
use crate::ids::{Hash, ModelId, RuleId, ViewKind};
use crate::imaging::View;
use crate::pipeline::{JudgeError, Judging, Signature};
use crate::units::Probability;
use crate::verdict::{Finding, Holds, IMAGE, Method, Outcome, RuleVerdict, Step, Why};

/// What runs the weights.
pub trait Runner: Send + Sync {
    /// The first output for one tensor of 1 by 3 by side by side.
    ///
    /// # Errors
    /// [`ClassifierError`] when the numbers can't be had; that is one image's misfortune.
    fn run(&self, side: u32, tensor: Vec<f32>) -> Result<Vec<f32>, ClassifierError>;

    /// Changes with the weights.
    fn fingerprint(&self) -> Hash;
}

/// A classifier that can't be had, or that can't answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// praetor was built without ONNX.
    #[error("this praetor was built without classifiers")]
    NotBuilt,
    /// ONNX Runtime can't be loaded.
    #[error("can't load ONNX Runtime from `{path}`: {detail}")]
    Runtime {
        /// The library.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// The weights can't be loaded.
    #[error("can't load the weights `{path}`: {detail}")]
    Weights {
        /// The file.
        path: String,
        /// What the runtime said.
        detail: String,
    },
    /// The weights are another classifier's.
    #[error(
        "`{path}` is not the file of `{name}`: it gives {numbers} numbers a picture, for {labels} labels"
    )]
    Output {
        /// The file.
        path: String,
        /// The classifier.
        name: String,
        /// How many numbers it gives.
        numbers: usize,
        /// How many labels the spec has.
        labels: usize,
    },
    /// The weights give what is no number.
    #[error(
        "`{path}` is not the file of `{name}`, or damaged: of an empty picture it gives what is no finite number"
    )]
    NotFinite {
        /// The file.
        path: String,
        /// The classifier.
        name: String,
    },
    /// The runtime failed on an image.
    #[error("the classifier failed: {detail}")]
    Failed {
        /// What the runtime said.
        detail: String,
    },
}

/// Runs the weights once, on nothing, to see whether they give what the spec says; `path` is for the error.
///
/// # Errors
/// [`ClassifierError::Output`] or [`ClassifierError::NotFinite`] where the numbers are other ones, or what the
/// runtime said.
pub fn fits(spec: &Spec, runner: &dyn Runner, path: &Path) -> Result<(), ClassifierError> {
    let side = spec.input.side;
    let numbers = runner.run(side, vec![0.0; 3 * side as usize * side as usize])?;
    if scores(spec, &numbers, [f64::from(side); 2]).is_some() {
        return Ok(());
    }
    let (path, name) = (path.display().to_string(), spec.name.clone());
    if numbers.iter().any(|number| !number.is_finite()) {
        return Err(ClassifierError::NotFinite { path, name });
    }
    let (numbers, labels) = (numbers.len(), spec.labels.len());
    Err(ClassifierError::Output { path, name, numbers, labels })
}

/// A classifier that judges.
pub struct ClassifierJudge<'a> {
    signature: Signature,
    spec: &'a Spec,
    runner: &'a dyn Runner,
    /// The rules it speaks of, with the labels that speak of each.
    rules: Vec<(RuleId, Vec<usize>)>,
    /// Whether those are rules of the policy.
    names_rules: bool,
}

impl<'a> ClassifierJudge<'a> {
    /// Joins a classifier and a policy.
    pub fn new(policy: &Policy, spec: &'a Spec, runner: &'a dyn Runner) -> Self {
        let labels_of = |id: &str| -> Vec<usize> {
            let labels = spec.labels.iter().enumerate();
            let speaking = labels.filter(|(_, label)| label.categories.iter().any(|one| one == id));
            speaking.map(|(index, _)| index).collect()
        };
        let known = policy.rules.iter().map(|rule| (rule.id.clone(), labels_of(rule.id.as_str())));
        let mut rules: Vec<_> = known.filter(|(_, labels)| !labels.is_empty()).collect();
        let names_rules = !rules.is_empty();
        if !names_rules {
            let labels = spec.labels.iter().enumerate();
            let of_safety = labels.filter(|(_, label)| !label.categories.is_empty());
            rules.push((RuleId::named(IMAGE), of_safety.map(|(index, _)| index).collect()));
        }
        let signature = Signature {
            method: Method::Classifier,
            without: Vec::new(),
            policy: policy.hash,
            model: Self::model(spec, runner),
        };
        Self { signature, spec, runner, rules, names_rules }
    }

    /// How verdicts name a classifier.
    pub fn model(spec: &Spec, runner: &dyn Runner) -> ModelId {
        let parts = [spec.hash(), runner.fingerprint()];
        let fingerprint = Hash::of_parts(parts.iter().map(|part| part.bytes().as_slice()));
        ModelId { name: spec.name.clone(), fingerprint }
    }

    fn numbers(&self, view: &View) -> Result<Vec<Probability>, Why> {
        let (pixels, input) = (view.pixels(), &self.spec.input);
        let tensor = tensor(pixels, input);
        let numbers = self.runner.run(input.side, tensor).map_err(Why::failed)?;
        let extent = input.extent(pixels.width(), pixels.height());
        scores(self.spec, &numbers, extent).ok_or_else(|| {
            let (got, name) = (numbers.len(), &self.spec.name);
            let detail = format!("{got} numbers came that are not the output of `{name}`");
            Why::Failed { detail }
        })
    }

    fn rule(
        &self,
        rule: &RuleId,
        labels: &[usize],
        scores: &Result<Vec<Probability>, Why>,
    ) -> RuleVerdict {
        let judged = |label: &usize| {
            let open = Finding::open(&*self.spec.labels[*label].name, ViewKind::Whole);
            match scores {
                Err(why) => Finding { why: Some(why.clone()), ..open },
                Ok(scores) => reached(open, scores[*label], self.spec.threshold),
            }
        };
        let findings: Vec<Finding> = labels.iter().map(judged).collect();
        let any = |holds| findings.iter().any(|finding| finding.holds == holds);
        let outcome = if any(Holds::Yes) {
            Outcome::Violated
        } else if any(Holds::Unknown) {
            Outcome::Undetermined
        } else {
            Outcome::Clear
        };
        let why = findings.iter().find_map(|finding| finding.why.clone());
        let scores = findings.iter().filter_map(|finding| finding.score);
        let score = scores.max_by(|one, other| one.value().total_cmp(&other.value()));
        let (relevance, frame) = (None, None);
        RuleVerdict { rule: rule.clone(), outcome, relevance, why, score, frame, findings }
    }
}

fn reached(open: Finding, score: Probability, threshold: f64) -> Finding {
    let holds = if score.value() > threshold { Holds::Yes } else { Holds::No };
    Finding {
        score: Some(score),
        accepts_above: Some(threshold),
        holds,
        by: Some(Step::Score),
        ..open
    }
}

impl Judging for ClassifierJudge<'_> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
        let scores = self.numbers(view);
        Ok(self.rules.iter().map(|(rule, labels)| self.rule(rule, labels, &scores)).collect())
    }

    fn names_rules(&self) -> bool {
        self.names_rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Decoded, Picture, Source};
    use crate::verdict::{Conclusion, Verdict};

    /// Answers with the same numbers always, or fails.
    struct Fixed(Option<Vec<f32>>);

    impl Runner for Fixed {
        fn run(&self, side: u32, tensor: Vec<f32>) -> Result<Vec<f32>, ClassifierError> {
            assert_eq!(tensor.len(), 3 * (side * side) as usize);
            self.0.clone().ok_or_else(|| ClassifierError::Failed { detail: "out of luck".into() })
        }

        fn fingerprint(&self) -> Hash {
            Hash::of(b"fixed")
        }
    }

    fn policy(id: &str) -> Policy {
        let text = "No such thing.";
        let lock = format!(
            "{{version: 1, constitution: p, rules: [{{id: {id}, source: {}, objectiveness: 10, \
             objective_text: {text}, reviewed: true, preconditions: [{{statement: a thing}}]}}]}}",
            Hash::of(text.as_bytes())
        );
        Policy::parse(&format!("{{name: p, rules: [{{id: {id}, text: {text}}}]}}"), &lock).unwrap()
    }

    fn verdict(rule: &str, numbers: Option<[f32; 5]>) -> Verdict {
        let spec = Spec::built_in("multiheaded").unwrap().unwrap();
        let runner = Fixed(numbers.map(Vec::from));
        let policy = policy(rule);
        let judge = ClassifierJudge::new(&policy, &spec, &runner);
        let hash = Hash::of(b"file");
        let pixels = image::RgbImage::new(9, 7).into();
        let picture = Picture { source: Source::new("test"), hash, frame: 0, pixels };
        let decoded = Decoded { hash, pictures: vec![picture], cut: false, animated: false };
        judge.judge_image("a.png".to_owned(), Ok(decoded)).unwrap()
    }

    #[test]
    fn a_category_is_the_rule_of_its_name() {
        let flagged = verdict("violence", Some([-3.0, 2.0, -3.0, -3.0, -3.0]));
        assert_eq!((flagged.method, flagged.verdict), (Method::Classifier, Conclusion::Unsafe));
        assert_eq!(flagged.violated, [RuleId::new("violence").unwrap()]);
        assert_eq!(flagged.model.name, "multiheaded");
        // Sexual is another rule's affair.
        let other = verdict("violence", Some([9.0, -2.0, -3.0, -3.0, -3.0]));
        assert_eq!((other.verdict, other.violated.len()), (Conclusion::Safe, 0));
    }

    #[test]
    fn where_the_constitution_has_none_of_its_categories_the_image_is_judged() {
        let flagged = verdict("dogs", Some([9.0, -2.0, -3.0, -3.0, -3.0]));
        assert_eq!((flagged.verdict, flagged.violated.len()), (Conclusion::Unsafe, 0));
        assert_eq!(flagged.rules[0].rule.as_str(), IMAGE);
        assert_eq!(flagged.rules[0].findings.len(), 5);
    }

    #[test]
    fn a_score_at_the_threshold_is_no_violation() {
        let at = verdict("violence", Some([-3.0, 0.0, -3.0, -3.0, -3.0]));
        assert_eq!((at.verdict, at.score), (Conclusion::Safe, Probability::new(0.5)));
        let above = verdict("violence", Some([-3.0, 0.001, -3.0, -3.0, -3.0]));
        assert_eq!(above.verdict, Conclusion::Unsafe);
    }

    #[test]
    fn weights_that_do_not_fit_are_told_of_by_what_is_wrong() {
        let spec = Spec::built_in("q16").unwrap().unwrap();
        let told = |numbers: &[f32]| {
            let runner = Fixed(Some(numbers.to_vec()));
            fits(&spec, &runner, Path::new("w.onnx")).map_err(|error| error.to_string())
        };
        assert_eq!(told(&[1.0, 2.0]), Ok(()));
        assert!(told(&[1.0]).unwrap_err().contains("gives 1 numbers a picture, for 2 labels"));
        let not_finite = told(&[1.0, f32::NAN]).unwrap_err();
        assert!(not_finite.contains("no finite number"), "{not_finite}");
        assert!(!not_finite.contains("for 2 labels"), "{not_finite}");
    }

    #[test]
    fn a_classifier_that_fails_leaves_the_image_undetermined() {
        let open = verdict("violence", None);
        assert_eq!(open.verdict, Conclusion::Undetermined);
        assert!(matches!(open.rules[0].why, Some(Why::Failed { .. })));
        assert_eq!(open.score, None);
    }
}
