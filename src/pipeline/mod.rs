//! One picture through the stages of CLUE, and many pictures in a row.
//!
//! This is the only room that knows all stages. Relevance will come before the questions, region
//! and reasoning after them; each settles only what the one before left open.

pub mod stream;

use std::time::Instant;

use crate::constitution::Policy;
use crate::ids::RuleId;
use crate::imaging::{Decoded, View};
use crate::judge::Judge;
pub use crate::judge::Switches;
use crate::verdict::{
    Conclusion, Frames, ImageError, Outcome, RuleVerdict, Verdict, conclude, gravest, image_score,
};
use crate::vlm::{Vlm, VlmError};

/// A policy, a model and the stages between them.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use praetor::constitution::Policy;
/// use praetor::judge::decision::PAPER;
/// use praetor::pipeline::{Pipeline, Switches};
/// use praetor::vlm::scripted::ScriptedVlm;
///
/// let policy = Policy::parse(
///     "{name: pets, rules: [{id: dogs, text: No dogs.}]}",
///     &format!(
///         "{{version: 1, constitution: pets, rules: [{{id: dogs, source: {},
///            objectiveness: 10, objective_text: A dog must not be visible., reviewed: true,
///            preconditions: [{{statement: a dog is visible, objects: [dog]}}]}}]}}",
///         praetor::ids::Hash::of(b"No dogs.")
///     ),
///     PAPER,
/// )?;
/// let model = ScriptedVlm::new(0.5).saying("a dog is visible", 0.98);
/// let pipeline = Pipeline::new(policy, &model, Switches::default())?;
/// let view = praetor::imaging::View::whole(image::RgbImage::new(8, 8));
/// let rules = pipeline.judge_view(&view)?;
/// assert_eq!(rules[0].outcome, praetor::verdict::Outcome::Violated);
/// # Ok(()) }
/// ```
pub struct Pipeline<'model> {
    policy: Policy,
    model: &'model dyn Vlm,
    judge: Judge,
    switches: Switches,
}

impl<'model> Pipeline<'model> {
    /// Joins the stages and asks the model its priors.
    ///
    /// # Errors
    /// When the model is gone.
    pub fn new(
        policy: Policy,
        model: &'model dyn Vlm,
        switches: Switches,
    ) -> Result<Self, VlmError> {
        let judge = Judge::new(&policy, model, switches)?;
        Ok(Self { policy, model, judge, switches })
    }

    /// One view through the stages: a verdict for every rule of the policy, in its order.
    ///
    /// # Errors
    /// When the model is gone.
    pub fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, VlmError> {
        let asked = self.judge.ask(self.model, view)?;
        let findings = self.judge.findings(&self.policy, &asked);
        let rules = self.policy.rules.iter().zip(findings);
        Ok(rules.map(|(rule, found)| RuleVerdict::from_findings(rule.id.clone(), found)).collect())
    }

    /// One image file through the stages: every frame of an animation, the gravest decides.
    ///
    /// # Errors
    /// When the model is gone. An image that could not be read is a verdict with an error.
    pub fn judge_image(
        &self,
        image: String,
        decoded: Result<Decoded, ImageError>,
    ) -> Result<Verdict, VlmError> {
        let started = Instant::now();
        let verdict = match decoded {
            Err(error) => self.failed(image, error),
            Ok(decoded) => self.judge_frames(image, &decoded)?,
        };
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Verdict { took_ms, ..verdict })
    }

    fn judge_frames(&self, image: String, decoded: &Decoded) -> Result<Verdict, VlmError> {
        let frames = decoded
            .pictures
            .iter()
            .map(|picture| Ok((picture.frame, self.judge_view(&picture.whole())?)))
            .collect::<Result<Vec<_>, VlmError>>()?;
        let judged = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        let rules = if judged > 1 {
            gravest(frames).unwrap_or_default()
        } else {
            frames.into_iter().flat_map(|(_, rules)| rules).collect()
        };
        Ok(Verdict {
            hash: Some(decoded.hash),
            verdict: match conclude(&rules) {
                // What was not looked at can't be called safe.
                Conclusion::Safe if decoded.cut => Conclusion::Undetermined,
                concluded => concluded,
            },
            score: image_score(&rules),
            violated: violated(&rules),
            frames: (decoded.animated || decoded.cut)
                .then_some(Frames { judged, cut: decoded.cut }),
            rules,
            ..self.blank(image)
        })
    }

    fn failed(&self, image: String, error: ImageError) -> Verdict {
        Verdict { error: Some(error), ..self.blank(image) }
    }

    fn blank(&self, image: String) -> Verdict {
        Verdict {
            image,
            hash: None,
            verdict: Conclusion::Failed,
            score: None,
            violated: Vec::new(),
            rules: Vec::new(),
            frames: None,
            error: None,
            without: self.switches.left_out(),
            policy: self.policy.hash,
            model: self.model.model().clone(),
            took_ms: 0,
        }
    }

    /// The policy that judges.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many different questions an image is asked.
    pub fn questions(&self) -> usize {
        self.judge.questions()
    }
}

fn violated(rules: &[RuleVerdict]) -> Vec<RuleId> {
    let grave = rules.iter().filter(|rule| rule.outcome == Outcome::Violated);
    grave.map(|rule| rule.rule.clone()).collect()
}
