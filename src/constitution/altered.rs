//! Policies that say something else on purpose, to see whether verdicts follow.
//!
//! A judge that follows its policy gives other verdicts when a rule is taken out or turned into its
//! opposite; one that follows its own taste does not.

use super::policy::{Policy, PolicyRule, Precondition};
use super::{Thresholds, Undecided};
use crate::ids::RuleId;

impl Policy {
    /// The policy without one rule; nothing when it is the only one, or there is none of that id.
    pub fn without_rule(&self, id: &RuleId) -> Option<Self> {
        let rules: Vec<PolicyRule> =
            self.rules.iter().filter(|rule| rule.id != *id).cloned().collect();
        (!rules.is_empty() && rules.len() < self.rules.len()).then(|| self.of(rules))
    }

    /// One rule alone, turned into its opposite: what it forbids is now all that is allowed.
    ///
    /// The one precondition of the new rule is that something of the old chain is missing. Every
    /// image is relevant for it, since what is missing has no likeness, and nothing can be painted
    /// over.
    pub fn inverted(&self, id: &RuleId) -> Option<Self> {
        let rule = self.rules.iter().find(|rule| rule.id == *id)?;
        Some(self.of(vec![rule.inverted()]))
    }

    /// One rule alone.
    pub fn only(&self, id: &RuleId) -> Option<Self> {
        let rule = self.rules.iter().find(|rule| rule.id == *id)?;
        Some(self.of(vec![rule.clone()]))
    }
}

impl PolicyRule {
    fn inverted(&self) -> Self {
        let missing: Vec<String> = self.chain.iter().map(missing).collect();
        let statement = missing.join(", or ");
        let text = format!("An image in which {statement} is not allowed.");
        Self {
            id: self.id.clone(),
            text: text.clone(),
            objective_text: text,
            chain: vec![Precondition { statement, any_of: Vec::new(), objects: Vec::new() }],
            thresholds: Thresholds { relevance: Some(-1.0), ..self.thresholds },
            undecided: Undecided::default(),
            local_only: self.local_only,
        }
    }
}

/// That a precondition does not hold.
fn missing(precondition: &Precondition) -> String {
    if precondition.any_of.is_empty() {
        negated(&precondition.statement)
    } else {
        let parts: Vec<String> = precondition.any_of.iter().map(|one| negated(one)).collect();
        parts.join(" and ")
    }
}

/// The opposite of a statement: `a knife is visible` becomes `no knife is visible`. Statements of
/// another form are denied as a whole.
fn negated(statement: &str) -> String {
    let statement = statement.trim().trim_end_matches('.');
    let visible = [" is visible", " are visible"].iter().find(|end| statement.ends_with(**end));
    let Some(end) = visible else { return format!("it is not so that {statement}") };
    let subject = &statement[..statement.len() - end.len()];
    let lower = subject.to_lowercase();
    // "the dog and a cat is visible" has no opposite in one word.
    let joined = [" and ", " or ", ","].iter().any(|word| lower.contains(word));
    if joined || lower.starts_with("no ") {
        return format!("it is not so that {statement}");
    }
    let bare = ["a ", "an ", "the ", "some ", "any "].iter().find(|word| lower.starts_with(**word));
    let subject = bare.map_or(subject, |word| &subject[word.len()..]);
    format!("no {subject}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Hash;

    fn policy() -> Policy {
        let lock = format!(
            "{{version: 1, constitution: p, rules: [
               {{id: a, source: {0}, objectiveness: 9, objective_text: x, reviewed: true,
                 preconditions: [{{statement: a child is visible, objects: [child]}},
                   {{any_of: [a knife is visible, blood is visible]}}]}},
               {{id: b, source: {0}, objectiveness: 9, objective_text: x, reviewed: true,
                 preconditions: [{{statement: someone smokes}}]}}]}}",
            Hash::of(b"x")
        );
        Policy::parse("{name: p, rules: [{id: a, text: x}, {id: b, text: x}]}", &lock).unwrap()
    }

    fn id(text: &str) -> RuleId {
        RuleId::new(text).unwrap()
    }

    #[test]
    fn the_opposite_of_a_chain_is_that_something_is_missing() {
        let inverted = policy().inverted(&id("a")).unwrap();
        assert_eq!(
            inverted.rules[0].chain[0].statement,
            "no child is visible, or no knife is visible and no blood is visible"
        );
        assert_eq!(inverted.rules[0].thresholds.relevance, Some(-1.0));
        assert_ne!(inverted.hash, policy().hash);
        assert!(policy().inverted(&id("c")).is_none());
    }

    #[test]
    fn statements_without_an_opposite_are_denied_as_a_whole() {
        let inverted = policy().inverted(&id("b")).unwrap();
        assert_eq!(inverted.rules[0].chain[0].statement, "it is not so that someone smokes");
        for (statement, opposite) in [
            ("An apple is visible.", "no apple is visible"),
            ("people are visible", "no people are visible"),
            ("a man and a dog are visible", "it is not so that a man and a dog are visible"),
            ("no dog is visible", "it is not so that no dog is visible"),
        ] {
            assert_eq!(negated(statement), opposite);
        }
    }

    #[test]
    fn a_policy_without_a_rule_is_another_one() {
        let without = policy().without_rule(&id("a")).unwrap();
        assert_eq!(without.rules.len(), 1);
        assert_ne!(without.hash, policy().hash);
        assert!(without.without_rule(&id("b")).is_none(), "the last one stays");
        assert!(policy().without_rule(&id("c")).is_none());
        assert_eq!(policy().only(&id("b")).unwrap().rules, without.rules);
    }
}
