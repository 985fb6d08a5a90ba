//! Which rules are compiled, and which are left alone and why.

use crate::cli::exit::Failure;
use crate::constitution::{Desk, Rule, Standing, State, Touched};
use crate::ids::RuleId;

/// What becomes of every rule, in the constitution's order.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
}

/// What becomes of one rule.
pub(super) struct Step {
    pub(super) rule: Rule,
    pub(super) task: Task,
}

/// What is done about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// It is compiled.
    Compile,
    /// Its entry is fresh.
    Fresh,
    /// Its entry's own text has become the rule's, so that only the hash is to be put right.
    Adopt,
    /// Its entry is people's own, and old unless it is only not to be forced.
    Keep { touched: Touched, stale: bool },
    /// Nobody asked for it.
    Skip,
}

impl Plan {
    /// Plans for the rules that are named, or for all.
    pub(super) fn new(desk: &Desk, named: &[String], force: bool) -> Result<Self, Failure> {
        let rules = &desk.constitution().rules;
        for name in named {
            if !rules.iter().any(|rule| rule.id.as_str() == name) {
                let ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
                return Err(Failure::Input(miette::miette!(
                    code = "praetor::constitution::no_such_rule",
                    help = format!("its rules are {}", ids.join(", ")),
                    "the constitution has no rule `{}`",
                    crate::imaging::shown(name)
                )));
            }
        }
        let is_named = |id: &RuleId| named.iter().any(|name| name == id.as_str());
        let steps = rules.iter().zip(desk.standings()).map(|(rule, standing)| {
            let task = match (named.is_empty(), is_named(&rule.id)) {
                (false, false) => Task::Skip,
                (_, is_named) => task(&standing, force, is_named),
            };
            Step { rule: rule.clone(), task }
        });
        Ok(Self { steps: steps.collect() })
    }

    /// The rules whose entries only need their hash put right.
    pub(super) fn rules_to_adopt(&self) -> impl Iterator<Item = &RuleId> {
        let adopted = self.steps.iter().filter(|step| step.task == Task::Adopt);
        adopted.map(|step| &step.rule.id)
    }

    /// The rules that a model is needed for.
    pub(super) fn rules_to_compile(&self) -> Vec<Rule> {
        let compiled = self.steps.iter().filter(|step| step.task == Task::Compile);
        compiled.map(|step| step.rule.clone()).collect()
    }
}

fn task(standing: &Standing, force: bool, is_named: bool) -> Task {
    let stale = match standing.state {
        State::Missing => return Task::Compile,
        State::Fresh if !force => return Task::Fresh,
        State::Adopted if !force => return Task::Adopt,
        State::Fresh | State::Adopted => false,
        State::Stale => true,
    };
    match standing.touched {
        Some(touched) if !(force && is_named) => Task::Keep { touched, stale },
        _ => Task::Compile,
    }
}
