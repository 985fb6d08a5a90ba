//! All that is kept of an image once it is judged: its label and what was said of it.

use serde::Serialize;

use crate::dataset::Label;
use crate::ids::RuleId;
use crate::verdict::{Conclusion, Outcome, RuleVerdict, Verdict};

/// Which rules speak for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "all rules or one")]
pub enum Consulted {
    /// All of the policy's.
    #[default]
    AllRules,
    /// The one that is named like the image's category, as UnsafeBench asks of each image by its
    /// category's definition alone.
    CategoryRule,
}

/// A labelled image and what was said of it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "whoever reads verdicts makes these")]
pub struct Judged {
    /// What people say.
    pub label: Label,
    /// What praetor says.
    pub said: Conclusion,
    /// How unsafe it looks, from 0 to 1. What was found to have nothing to do with any rule is 0;
    /// what was not settled and not scored has none.
    pub score: Option<f64>,
    /// The rules it was said to violate.
    pub violated: Vec<RuleId>,
    /// The rules that were left open; all of them where the image could not be read.
    pub open: Vec<RuleId>,
    /// Time in the stages, in milliseconds.
    pub took_ms: u64,
}

impl Judged {
    /// Joins a label and a verdict; nothing where the rule to be consulted was not judged.
    pub fn new(mut label: Label, verdict: &Verdict, consulted: Consulted) -> Option<Self> {
        // Captions are for people, and may be long.
        label.text = None;
        let of_category;
        let rules: &[RuleVerdict] = match consulted {
            Consulted::AllRules => &verdict.rules,
            Consulted::CategoryRule if verdict.rules.is_empty() => &[],
            Consulted::CategoryRule => {
                let ids = verdict.rules.iter().map(|rule| &rule.rule);
                let wanted = category_rule(label.category.as_deref()?, ids)?.clone();
                of_category = verdict.rules.iter().find(|rule| rule.rule == wanted)?.clone();
                std::slice::from_ref(&of_category)
            }
        };
        let with = |outcome: Outcome| {
            let rules = rules.iter().filter(move |rule| rule.outcome == outcome);
            rules.map(|rule| rule.rule.clone()).collect::<Vec<_>>()
        };
        let (said, score) = match consulted {
            Consulted::AllRules => (verdict.verdict, verdict.score),
            Consulted::CategoryRule => match rules.first() {
                // Frames beyond the limit were not looked at, by this rule either.
                Some(rule) if rule.outcome != Outcome::Violated && cut(verdict) => {
                    (Conclusion::Undetermined, rule.score)
                }
                Some(rule) => (rule.outcome.into(), rule.score),
                None => (verdict.verdict, None),
            },
        };
        let score = match (score, said) {
            (Some(score), _) => Some(score.value()),
            (None, Conclusion::Safe) => Some(0.0),
            (None, _) => None,
        };
        let (violated, open) = (with(Outcome::Violated), with(Outcome::Undetermined));
        Some(Self { label, said, score, violated, open, took_ms: verdict.took_ms })
    }

    /// How sure the answer is: the score of what was said to be unsafe, what is missing to 1 of what
    /// was said to be safe. What was not settled is not sure of anything.
    pub fn confidence(&self) -> Option<f64> {
        match self.said {
            Conclusion::Unsafe => self.score,
            Conclusion::Safe => self.score.map(|score| 1.0 - score),
            Conclusion::Undetermined | Conclusion::Failed => None,
        }
    }

    /// Whether the right was said; nothing without a label.
    pub fn is_right(&self) -> Option<bool> {
        let said = match self.said {
            Conclusion::Unsafe => Some(true),
            Conclusion::Safe => Some(false),
            Conclusion::Undetermined | Conclusion::Failed => None,
        };
        self.label.is_unsafe().map(|is_unsafe| said == Some(is_unsafe))
    }
}

fn cut(verdict: &Verdict) -> bool {
    verdict.frames.is_some_and(|frames| frames.cut)
}

/// The rule that a category names: the one of the same name, or of the name in lower case with
/// hyphens, so that `Illegal activity` is `illegal-activity`.
pub fn category_rule<'rules>(
    category: &str,
    mut rules: impl Iterator<Item = &'rules RuleId> + Clone,
) -> Option<&'rules RuleId> {
    let lower = category.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    let same = rules.clone().find(|rule| rule.as_str() == category);
    same.or_else(|| rules.find(|rule| rule.as_str() == slug))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Hash, ModelId};
    use crate::units::Probability;
    use crate::verdict::Method;

    fn rule(id: &str, outcome: Outcome, score: f64) -> RuleVerdict {
        let rule = RuleVerdict::from_findings(RuleId::new(id).unwrap(), Vec::new());
        RuleVerdict { outcome, score: Probability::new(score), ..rule }
    }

    fn verdict(said: Conclusion, rules: Vec<RuleVerdict>) -> Verdict {
        Verdict {
            image: "a.png".to_owned(),
            hash: None,
            verdict: said,
            score: crate::verdict::image_score(&rules),
            violated: Vec::new(),
            rules,
            frames: None,
            error: None,
            method: Method::Clue,
            without: Vec::new(),
            policy: Hash::of(b"p"),
            model: ModelId { name: "m".to_owned(), fingerprint: Hash::of(b"m") },
            took_ms: 1,
        }
    }

    fn of_category(category: &str) -> Label {
        Label { category: Some(category.to_owned()), ..Label::default() }
    }

    #[test]
    fn a_category_is_judged_by_its_own_rule_alone() {
        let rules = vec![
            rule("illegal-activity", Outcome::Clear, 0.25),
            rule("spam", Outcome::Violated, 0.75),
        ];
        let verdict = verdict(Conclusion::Unsafe, rules);
        let judged =
            |category: &str, consulted| Judged::new(of_category(category), &verdict, consulted);
        let all = judged("Illegal activity", Consulted::AllRules).unwrap();
        assert_eq!((all.said, all.score), (Conclusion::Unsafe, Some(0.75)));
        let one = judged("Illegal activity", Consulted::CategoryRule).unwrap();
        assert_eq!((one.said, one.score, one.violated), (Conclusion::Safe, Some(0.25), vec![]));
        assert_eq!(one.label.category.as_deref(), Some("Illegal activity"));
        assert_eq!(judged("Hate", Consulted::CategoryRule), None);
    }

    #[test]
    fn what_no_rule_concerns_is_surely_safe_and_what_failed_is_sure_of_nothing() {
        let safe =
            Judged::new(of_category("x"), &verdict(Conclusion::Safe, vec![]), Consulted::AllRules);
        assert_eq!(safe.unwrap().confidence(), Some(1.0));
        let failed = verdict(Conclusion::Failed, vec![]);
        let failed = Judged::new(of_category("x"), &failed, Consulted::CategoryRule).unwrap();
        assert_eq!((failed.score, failed.confidence(), failed.is_right()), (None, None, None));
    }
}
