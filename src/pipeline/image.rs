//! One image file: every frame of an animation is judged, and the gravest decides.

use std::time::Instant;

use crate::ids::{ModelId, PolicyHash, RuleId};
use crate::imaging::{Decoded, View};
use crate::judge::JudgeError;
use crate::verdict::{
    Conclusion, Frames, ImageError, Method, Outcome, RuleVerdict, Stage, Verdict, conclude,
    gravest, image_score,
};

/// What every verdict of a run says of how it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// How it judges.
    pub method: Method,
    /// Stages that are left out.
    pub without: Vec<Stage>,
    /// Which policy.
    pub policy: PolicyHash,
    /// Which model.
    pub model: ModelId,
}

impl Signature {
    /// The verdict on an image of which nothing is known yet.
    pub fn blank(&self, image: String) -> Verdict {
        let Signature { method, without, policy, model } = self.clone();
        Verdict {
            image,
            hash: None,
            verdict: Conclusion::Failed,
            score: None,
            violated: Vec::new(),
            rules: Vec::new(),
            frames: None,
            error: None,
            method,
            without,
            policy,
            model,
            took_ms: 0,
        }
    }
}

/// A way of judging: CLUE, or one of the baselines.
pub trait Judging: Sync {
    /// How it judges, by what, with which model.
    fn signature(&self) -> &Signature;

    /// Judges one view.
    ///
    /// # Errors
    /// When a model is gone.
    fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError>;

    /// Whether its entries are rules of the policy.
    fn names_rules(&self) -> bool {
        self.signature().method.names_rules()
    }

    /// Judges one image file: every frame of an animation, of which the gravest decides.
    ///
    /// # Errors
    /// When the vision-language model is gone. An image that could not be read, or that an encoder
    /// can't take, is a verdict with an error.
    fn judge_image(
        &self,
        image: String,
        decoded: Result<Decoded, ImageError>,
    ) -> Result<Verdict, JudgeError> {
        let started = Instant::now();
        let judged = decoded.map(|decoded| judge_frames(self, image.clone(), &decoded));
        let verdict = match judged {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(JudgeError::Encoder(error))) => {
                let (code, message) = ("encoder".to_owned(), error.to_string());
                failed(self.signature(), image, ImageError { code, message })
            }
            Ok(Err(error)) => return Err(error),
            Err(error) => failed(self.signature(), image, error),
        };
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Verdict { took_ms, ..verdict })
    }
}

fn judge_frames<Way: Judging + ?Sized>(
    way: &Way,
    image: String,
    decoded: &Decoded,
) -> Result<Verdict, JudgeError> {
    let frames = decoded
        .pictures
        .iter()
        .map(|picture| Ok((picture.frame, way.judge_view(&picture.whole())?)))
        .collect::<Result<Vec<_>, JudgeError>>()?;
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
        // A baseline does not say which rule.
        violated: if way.names_rules() { violated(&rules) } else { Vec::new() },
        frames: (decoded.animated || decoded.cut).then_some(Frames { judged, cut: decoded.cut }),
        rules,
        ..way.signature().blank(image)
    })
}

fn failed(signature: &Signature, image: String, error: ImageError) -> Verdict {
    Verdict { error: Some(error), ..signature.blank(image) }
}

fn violated(rules: &[RuleVerdict]) -> Vec<RuleId> {
    let grave = rules.iter().filter(|rule| rule.outcome == Outcome::Violated);
    grave.map(|rule| rule.rule.clone()).collect()
}
