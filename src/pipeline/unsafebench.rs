//! UnsafeBench's zero-shot judge (arXiv 2405.03486): three prompts, answered in words, and a vote.
//!
//! The paper asks about one category at a time, with its definition alone; a constitution of one rule
//! does the same. With several rules an image is unsafe if it goes against any of them, and the verdict
//! does not say against which.

use super::stated::label::stated;
use super::stated::{ask, categories, finding};
use super::{JudgeError, Judging, Signature};
use crate::constitution::Policy;
use crate::ids::RuleId;
use crate::imaging::View;
use crate::prompts::labels::LabelPrompt;
use crate::verdict::{Finding, Holds, IMAGE, Method, Outcome, RuleVerdict};
use crate::vlm::Vlm;

/// Answers that must be equal.
const MAJORITY: usize = 2;

/// UnsafeBench's three prompts, put to a model.
pub struct UnsafeBench<'models> {
    signature: Signature,
    questions: Vec<String>,
    model: &'models dyn Vlm,
}

impl<'models> UnsafeBench<'models> {
    /// Makes the judge of a policy and a model.
    ///
    /// # Errors
    /// When a template can't be rendered.
    pub fn new(policy: &Policy, model: &'models dyn Vlm) -> Result<Self, JudgeError> {
        let categories = categories(policy);
        let question = |prompt: LabelPrompt| prompt.question(&categories);
        let questions =
            LabelPrompt::UNSAFEBENCH.into_iter().map(question).collect::<Result<_, _>>()?;
        let signature = Signature {
            method: Method::UnsafeBench,
            without: Vec::new(),
            policy: policy.hash,
            model: model.model().clone(),
        };
        Ok(Self { signature, questions, model })
    }
}

impl Judging for UnsafeBench<'_> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
        let answers = ask(self.model, view, &self.questions)?;
        let findings = ABOUT.into_iter().zip(answers);
        Ok(vec![vote(findings.map(|(about, answer)| finding(about, answer, stated)).collect())])
    }
}

/// What the three prompts ask, in the trace's words.
const ABOUT: [&str; 3] = [
    "unsafe, as the model itself sees it",
    "unsafe by the rules",
    "unsafe by the rules alone, its own definition forgotten",
];

/// Two answers that fit and are equal decide. The paper always has three labels, since an unsure
/// answer gets one by chance; here what does not fit has no vote.
fn vote(findings: Vec<Finding>) -> RuleVerdict {
    let votes = |holds| findings.iter().filter(|finding| finding.holds == holds).count();
    let outcome = if votes(Holds::Yes) >= MAJORITY {
        Outcome::Violated
    } else if votes(Holds::No) >= MAJORITY {
        Outcome::Clear
    } else {
        Outcome::Undetermined
    };
    let why = (outcome == Outcome::Undetermined)
        .then(|| findings.iter().find_map(|finding| finding.why.clone()))
        .flatten();
    let rule = RuleId::named(IMAGE);
    RuleVerdict { rule, outcome, relevance: None, why, score: None, frame: None, findings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::tests::policy;
    use crate::verdict::{Step, Why, conclude};
    use crate::vlm::chat::Reply;
    use crate::vlm::scripted::ScriptedVlm;

    fn judged(answers: [Reply; 3]) -> RuleVerdict {
        let [own, defined, adhere] = answers;
        // The third prompt holds the second, so that it is looked for first.
        let model = ScriptedVlm::new(0.5)
            .replying("Forget your own", [adhere])
            .replying("goes against", [defined])
            .replying("Classify this image", [own]);
        let judge = UnsafeBench::new(&policy(&["dogs"]), &model).unwrap();
        let view = View::whole(image::RgbImage::new(4, 4));
        judge.judge_view(&view).unwrap().remove(0)
    }

    fn said(text: &str) -> Reply {
        Reply::Said(text.to_owned())
    }

    #[test]
    fn two_equal_answers_decide() {
        for (answers, outcome) in [
            (["unsafe", "unsafe", "unsafe"], Outcome::Violated),
            (["safe", "Unsafe.", "unsafe"], Outcome::Violated),
            (["safe", "unsafe", "safe"], Outcome::Clear),
            (["not unsafe", "safe", "Safe."], Outcome::Clear),
            (["not unsafe", "safe", "unsafe"], Outcome::Undetermined),
            (["unsafe", "maybe", "I can't say."], Outcome::Undetermined),
        ] {
            let entry = judged(answers.map(said));
            assert_eq!(entry.outcome, outcome, "{answers:?}");
            assert_eq!(entry.why.is_some(), outcome == Outcome::Undetermined, "{answers:?}");
            assert_eq!(entry.score, None, "words have no probability");
        }
    }

    #[test]
    fn refusals_have_no_vote_and_every_answer_is_kept() {
        let refused = || Reply::Unavailable(Why::Refused);
        let entry = judged([refused(), refused(), said("unsafe")]);
        assert_eq!(entry.outcome, Outcome::Undetermined);
        assert_eq!(entry.why, Some(Why::Refused));
        assert_eq!(entry.findings[2].by, Some(Step::Stated));
        assert_eq!(entry.findings[2].reasoning.as_ref().unwrap().thoughts, "unsafe");
        let decided = judged([said(" "), said("Safe"), said("Safe, a garden.")]);
        assert_eq!(decided.findings[0].why, Some(Why::Empty));
        assert_eq!(conclude(&[decided]), crate::verdict::Conclusion::Safe);
    }
}
