//! `allow:` — findings that the authors know of and accept.

use miette::SourceSpan;

use super::finding::Mark;
use super::{Draft, Lint, Sheet};
use crate::constitution::tree::{Kind, Node};

/// All of a constitution's `allow`s, and whether each has allowed anything yet.
pub(super) struct Allowances(Vec<Allowance>);

struct Allowance {
    lint: Lint,
    /// The rule it is of; absent at the top of the constitution.
    rule: Option<String>,
    at: SourceSpan,
    used: bool,
}

impl Allowances {
    /// Reads them; an id that is no lint is an error that is reported with the file's others.
    pub(super) fn of(constitution: &Sheet) -> Self {
        let mut all = Vec::new();
        let mut take = |node: &Node, rule: Option<&str>| {
            for item in node.items("allow") {
                let Kind::Text(id) = &item.kind else { continue };
                let Ok(lint) = id.parse() else { continue };
                let rule = rule.map(str::to_owned);
                all.push(Allowance { lint, rule, at: item.span, used: false });
            }
        };
        take(&constitution.tree, None);
        for rule in constitution.tree.items("rules") {
            take(rule, Some(rule.text("id").unwrap_or_default()));
        }
        Self(all)
    }

    /// Whether a finding about these rules is allowed: by one of them, or for all.
    pub(super) fn allow(&mut self, lint: Lint, rules: &[&str]) -> bool {
        let mut allowed = false;
        for one in &mut self.0 {
            let concerns = one.rule.as_ref().is_none_or(|id| rules.contains(&id.as_str()));
            if one.lint == lint && concerns {
                one.used = true;
                allowed = true;
            }
        }
        allowed
    }

    /// Those that have allowed nothing, each with its rule; without a lock, nothing can be said of
    /// the lints of the lock.
    pub(super) fn unused(&self, has_lock: bool) -> Vec<(Option<String>, Draft)> {
        let idle = self.0.iter().filter(|one| {
            !one.used && one.lint != Lint::UnusedAllow && (has_lock || !one.lint.is_of_the_lock())
        });
        idle.map(|one| (one.rule.clone(), one.draft())).collect()
    }
}

impl Allowance {
    fn draft(&self) -> Draft {
        let message = match &self.rule {
            Some(rule) => format!("`allow: {}` allows nothing in the rule `{rule}`", self.lint),
            None => format!("`allow: {}` allows nothing in any rule", self.lint),
        };
        Draft {
            lint: Lint::UnusedAllow,
            marks: vec![Mark {
                at: self.at,
                label: "nothing to allow".to_owned(),
                message: message.clone(),
                instead: None,
            }],
            message,
            related: None,
            help: "delete it, so that it does not hide a finding to come".to_owned(),
        }
    }
}
