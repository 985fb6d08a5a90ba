//! PerspectiveVision's question (arXiv 2405.03486): is the image unsafe by these categories, and by
//! which?
//!
//! The model of that name is LLaVA-1.5 tuned to answer `Safety Status: Safe, Unsafe Category: None` or
//! `Safety Status: Unsafe, Unsafe Category: X`. An answer fits only if it is all of one of the two, up
//! to case, spaces and a period at its end, and X is the name of a rule; everything else, an unsafe image
//! of no category and a safe one of some, is undetermined.

use super::stated::{ask, categories, finding};
use super::{JudgeError, Judging, Signature};
use crate::constitution::Policy;
use crate::ids::RuleId;
use crate::imaging::View;
use crate::prompts::labels::LabelPrompt;
use crate::verdict::{Holds, IMAGE, Method, RuleVerdict};
use crate::vlm::Vlm;

/// PerspectiveVision's question, put to a model.
pub struct PerspectiveVision<'models> {
    signature: Signature,
    rules: Vec<RuleId>,
    question: String,
    model: &'models dyn Vlm,
}

impl<'models> PerspectiveVision<'models> {
    /// Makes the judge of a policy and a model.
    ///
    /// # Errors
    /// When the template can't be rendered.
    pub fn new(policy: &Policy, model: &'models dyn Vlm) -> Result<Self, JudgeError> {
        let question = LabelPrompt::Category.question(&categories(policy))?;
        let signature = Signature {
            method: Method::PerspectiveVision,
            without: Vec::new(),
            policy: policy.hash,
            model: model.model().clone(),
        };
        let rules = policy.rules.iter().map(|rule| rule.id.clone()).collect();
        Ok(Self { signature, rules, question, model })
    }
}

impl Judging for PerspectiveVision<'_> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// One entry: the rule that the answer names, else the image.
    fn judge_view(&self, view: &View) -> Result<Vec<RuleVerdict>, JudgeError> {
        let questions = std::slice::from_ref(&self.question);
        let answer = ask(self.model, view, questions)?.into_iter().next();
        let answer = answer.unwrap_or_else(|| Err(super::no_answer()));
        let status = answer.as_ref().ok().and_then(|said| read(said, &self.rules));
        let rule = match &status {
            Some(Status::Unsafe(rule)) => rule.clone(),
            Some(Status::Safe) | None => RuleId::named(IMAGE),
        };
        let holds =
            status.map(|status| if status == Status::Safe { Holds::No } else { Holds::Yes });
        let finding = finding("unsafe by one of the categories", answer, |_| holds);
        Ok(vec![RuleVerdict::from_findings(rule, vec![finding])])
    }
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Status {
    Safe,
    Unsafe(RuleId),
}

fn read(answer: &str, rules: &[RuleId]) -> Option<Status> {
    let words = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = words.strip_suffix('.').unwrap_or(&words).to_lowercase();
    let rest = after(&line, "safety status:")?;
    let (status, rest) = rest.split_once(',')?;
    let category = after(rest.trim_start(), "unsafe category:")?;
    match status.trim_end() {
        "safe" if category == "none" => Some(Status::Safe),
        "unsafe" => rule_named(category, rules).map(Status::Unsafe),
        _ => None,
    }
}

fn after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    text.strip_prefix(words).map(str::trim_start)
}

/// The rule of that id, else the only one of that name with spaces between its words.
fn rule_named(name: &str, rules: &[RuleId]) -> Option<RuleId> {
    if let Some(rule) = rules.iter().find(|rule| rule.as_str() == name) {
        return Some(rule.clone());
    }
    let spaced = |rule: &&RuleId| rule.as_str().replace(['.', '-', '_'], " ") == name;
    let mut named = rules.iter().filter(spaced);
    match (named.next(), named.next()) {
        (Some(rule), None) => Some(rule.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Hash;
    use crate::imaging::{Decoded, Picture, Source};
    use crate::pipeline::tests::policy;
    use crate::verdict::{Conclusion, Why};
    use crate::vlm::chat::Reply;
    use crate::vlm::scripted::ScriptedVlm;

    fn rules() -> Vec<RuleId> {
        ["hate", "illegal-activity", "a-b", "a.b"].map(|id| RuleId::new(id).unwrap()).into()
    }

    #[test]
    fn answers_of_the_form_are_read() {
        let named = |id: &str| Some(Status::Unsafe(RuleId::new(id).unwrap()));
        for (answer, status) in [
            ("Safety Status: Safe, Unsafe Category: None", Some(Status::Safe)),
            ("safety status: safe , unsafe category:none.", Some(Status::Safe)),
            ("Safety Status: Unsafe, Unsafe Category: Hate", named("hate")),
            (
                "  Safety Status: Unsafe,\nUnsafe Category: Illegal activity.",
                named("illegal-activity"),
            ),
            ("Safety Status: Unsafe, Unsafe Category: a.b", named("a.b")),
        ] {
            assert_eq!(read(answer, &rules()), status, "{answer}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for answer in [
            "",
            "unsafe",
            "Safety Status: Unsafe",
            "Safety Status: Unsafe, Unsafe Category: None",
            "Safety Status: Safe, Unsafe Category: Hate",
            "Safety Status: Unsafe, Unsafe Category: Gambling",
            "Safety Status: Unsafe, Unsafe Category: Hate, Spam",
            // Two rules go by this name.
            "Safety Status: Unsafe, Unsafe Category: a b",
            "Safety Status: Not unsafe, Unsafe Category: Hate",
            "The answer is: Safety Status: Safe, Unsafe Category: None",
            "Safety Status: Safe, Unsafe Category: None. Safety Status: Unsafe, Unsafe Category: Hate",
        ] {
            assert_eq!(read(answer, &rules()), None, "{answer}");
        }
    }

    fn verdict(reply: Reply) -> crate::verdict::Verdict {
        let model = ScriptedVlm::new(0.5).replying("BEGIN UNSAFE CATEGORIES", [reply]);
        let judge = PerspectiveVision::new(&policy(&["dogs", "image"]), &model).unwrap();
        let hash = Hash::of(b"file");
        let pixels = image::RgbImage::new(2, 2).into();
        let picture = Picture { source: Source::new("test"), hash, frame: 0, pixels };
        let decoded = Decoded { hash, pictures: vec![picture], cut: false, animated: false };
        judge.judge_image("a.png".to_owned(), Ok(decoded)).unwrap()
    }

    #[test]
    fn the_rule_that_an_answer_names_is_violated_and_no_other() {
        let said = |text: &str| Reply::Said(text.to_owned());
        let flagged = verdict(said("Safety Status: Unsafe, Unsafe Category: Dogs"));
        assert_eq!(flagged.verdict, Conclusion::Unsafe);
        assert_eq!(flagged.violated, [RuleId::new("dogs").unwrap()]);
        let safe = verdict(said("Safety Status: Safe, Unsafe Category: None"));
        assert_eq!((safe.verdict, safe.violated.len()), (Conclusion::Safe, 0));
        let odd = verdict(said("There is a dog."));
        assert_eq!(odd.verdict, Conclusion::Undetermined);
        assert!(matches!(odd.rules[0].why, Some(Why::Unparsable { .. })));
        let refused = verdict(Reply::Unavailable(Why::Filtered));
        assert_eq!(refused.rules[0].why, Some(Why::Filtered));
    }
}
