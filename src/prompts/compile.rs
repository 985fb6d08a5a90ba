//! What a language model is asked when a constitution is compiled: stage 1 of the paper.
//!
//! A [`Task`] is one question, and its fields are the variables of its template under `prompts/`:
//! `compile.objectiveness.jinja` and so on. These texts say nothing to the model that judges, so
//! they have a hash of their own.

use std::collections::BTreeMap;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::PromptError;
use crate::ids::Hash;

/// The built-in templates by name.
const TEMPLATES: [(&str, &str); 7] = [
    ("compile.objectiveness", include_str!("../../prompts/compile.objectiveness.jinja")),
    ("compile.objectify", include_str!("../../prompts/compile.objectify.jinja")),
    ("compile.preconditions", include_str!("../../prompts/compile.preconditions.jinja")),
    ("compile.objects", include_str!("../../prompts/compile.objects.jinja")),
    ("compile.rebuild", include_str!("../../prompts/compile.rebuild.jinja")),
    ("compile.covers", include_str!("../../prompts/compile.covers.jinja")),
    (AGAIN, include_str!("../../prompts/compile.again.jinja")),
];

const AGAIN: &str = "compile.again";

/// One question to the language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Task {
    /// How objective is this rule, from 1 to 10?
    Objectiveness {
        /// The text to rate.
        rule: String,
    },
    /// Write the rule more objectively.
    Objectify {
        /// The rule as people wrote it.
        rule: String,
        /// The wordings so far, the best one last.
        attempts: Vec<Wording>,
        /// The rating to reach.
        target: u8,
    },
    /// What must be visible for the rule to be broken?
    Preconditions {
        /// The objective text.
        rule: String,
        /// What was wrong with earlier answers.
        criticisms: Vec<Criticism>,
    },
    /// What must be in the picture for a precondition to hold?
    Objects {
        /// The precondition's alternatives.
        statements: Vec<String>,
    },
    /// Which rule do these preconditions stand for?
    Rebuild {
        /// The chain: alternatives of each precondition.
        preconditions: Vec<Vec<String>>,
    },
    /// Do two rules forbid the same images?
    Covers {
        /// The objective text.
        rule: String,
        /// The text that was rebuilt from the preconditions.
        rebuilt: String,
    },
}

/// A wording of a rule, and how objective it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wording {
    /// The wording.
    pub text: String,
    /// From 1 to 10.
    pub rating: u8,
    /// Why.
    pub explanation: String,
}

/// Why a chain of preconditions does not stand for its rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Criticism {
    /// The chain.
    pub preconditions: Vec<Vec<String>>,
    /// What the rule forbids and the chain does not.
    pub missing: Vec<String>,
    /// What the chain forbids and the rule does not.
    pub added: Vec<String>,
}

impl Task {
    fn name(&self) -> &'static str {
        match self {
            Self::Objectiveness { .. } => "compile.objectiveness",
            Self::Objectify { .. } => "compile.objectify",
            Self::Preconditions { .. } => "compile.preconditions",
            Self::Objects { .. } => "compile.objects",
            Self::Rebuild { .. } => "compile.rebuild",
            Self::Covers { .. } => "compile.covers",
        }
    }

    /// One of each, with every variable filled.
    fn samples() -> [Self; 6] {
        let word = || "x".to_owned();
        let words = || vec![word()];
        let wording = Wording { text: word(), rating: 1, explanation: word() };
        let criticism =
            Criticism { preconditions: vec![words()], missing: words(), added: words() };
        [
            Self::Objectiveness { rule: word() },
            Self::Objectify { rule: word(), attempts: vec![wording], target: 9 },
            Self::Preconditions { rule: word(), criticisms: vec![criticism] },
            Self::Objects { statements: words() },
            Self::Rebuild { preconditions: vec![words()] },
            Self::Covers { rule: word(), rebuilt: word() },
        ]
    }
}

/// The templates of all tasks.
#[derive(Clone)]
pub struct CompilePrompts {
    environment: Environment<'static>,
    hash: Hash,
}

impl CompilePrompts {
    /// The names of the templates; a file of them ends in `.jinja`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TEMPLATES.iter().map(|(name, _)| *name)
    }

    /// The templates built into the binary.
    ///
    /// # Errors
    /// [`PromptError`] when a template is not a template; the built-in ones are, as a test shows.
    pub fn built_in() -> Result<Self, PromptError> {
        Self::with(&BTreeMap::new())
    }

    /// As [`built_in`](Self::built_in), with other texts for some of the templates, by their names.
    ///
    /// # Errors
    /// [`PromptError`] when a text is no template, asks for a variable that it is not given, or has
    /// the name of none of the templates.
    pub fn with(texts: &BTreeMap<String, String>) -> Result<Self, PromptError> {
        if let Some(unknown) = texts.keys().find(|name| !Self::names().any(|known| known == **name))
        {
            let names: Vec<&str> = Self::names().collect();
            let detail = format!("there is none of this name, only {}", names.join(", "));
            return Err(PromptError { name: unknown.clone(), detail });
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut parts = Vec::new();
        for (name, built_in) in TEMPLATES {
            let text = texts.get(name).map_or(built_in, String::as_str);
            parts.push(text.to_owned());
            environment
                .add_template_owned(name, text.to_owned())
                .map_err(|error| named(name, &error))?;
        }
        let hash = Hash::of_parts(parts.iter().map(String::as_bytes));
        let prompts = Self { environment, hash };
        prompts.try_all()?;
        Ok(prompts)
    }

    /// Mistakes are to be found before the first question is asked, which may cost money.
    fn try_all(&self) -> Result<(), PromptError> {
        for task in Task::samples() {
            self.question(&task)?;
        }
        self.again("x").map(|_| ())
    }

    /// The question.
    ///
    /// # Errors
    /// [`PromptError`] when the template asks for something it is not given.
    pub fn question(&self, task: &Task) -> Result<String, PromptError> {
        self.render(task.name(), Value::from(Serde(task)))
    }

    /// The turn that asks again after an answer that can't be used.
    ///
    /// # Errors
    /// As [`question`](Self::question).
    pub fn again(&self, complaint: &str) -> Result<String, PromptError> {
        self.render(AGAIN, minijinja::context! { complaint })
    }

    fn render(&self, name: &str, variables: Value) -> Result<String, PromptError> {
        let rendered =
            self.environment.get_template(name).and_then(|template| template.render(variables));
        Ok(rendered.map_err(|error| named(name, &error))?.trim().to_owned())
    }

    /// Hash of the templates' texts, which a lock entry keeps.
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

fn named(name: &str, error: &minijinja::Error) -> PromptError {
    PromptError { name: name.to_owned(), detail: error.to_string() }
}

impl std::fmt::Debug for CompilePrompts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompilePrompts").field("hash", &self.hash).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(name: &str, text: &str) -> Result<CompilePrompts, PromptError> {
        CompilePrompts::with(&BTreeMap::from([(name.to_owned(), text.to_owned())]))
    }

    #[test]
    fn what_users_write_stays_a_value() {
        let prompts = CompilePrompts::built_in().unwrap();
        let rule = "{{ rule }} <b> {% raw %}".to_owned();
        let question = prompts.question(&Task::Objectiveness { rule: rule.clone() }).unwrap();
        assert!(question.contains(&format!("Rule: {rule}\n")), "{question}");
        let criticism = Criticism {
            preconditions: vec![vec!["a \"dog\" is visible".to_owned()]],
            missing: vec!["wolves".to_owned()],
            added: Vec::new(),
        };
        let task = Task::Preconditions { rule, criticisms: vec![criticism] };
        let question = prompts.question(&task).unwrap();
        assert!(
            question.contains(r#"{"preconditions": [["a \"dog\" is visible"]]}"#),
            "{question}"
        );
        assert!(question.contains("and the answer does not: wolves"), "{question}");
    }

    #[test]
    fn every_built_in_template_opens_with_its_purpose_and_ends_with_its_form() {
        for (name, text) in TEMPLATES {
            assert!(text.starts_with("{#- Purpose: "), "{name}");
            for part in ["Variables: ", "Answer: "] {
                assert!(text.contains(part), "{name} does not say its {part}");
            }
        }
        let prompts = CompilePrompts::built_in().unwrap();
        for task in Task::samples() {
            let question = prompts.question(&task).unwrap();
            assert!(question.contains("Answer in JSON: {\""), "{question}");
        }
    }

    #[test]
    fn a_text_of_ones_own_is_tried_before_anything_is_asked() {
        let own =
            changed("compile.objects", "Objects of {{ statements | join }} as JSON?").unwrap();
        assert_ne!(own.hash(), CompilePrompts::built_in().unwrap().hash());
        let error = changed("compile.objects", "{{ statement }}").unwrap_err();
        assert!(error.to_string().contains("`compile.objects`"), "{error}");
        assert!(changed("compile.objects", "{% if %}").is_err());
        let error = changed("compile.object", "x").unwrap_err();
        assert!(error.to_string().contains("compile.objects"), "{error}");
    }

    #[test]
    fn the_judges_templates_have_a_hash_of_their_own() {
        let judging = super::super::Prompts::built_in().unwrap();
        assert_ne!(judging.hash(), CompilePrompts::built_in().unwrap().hash());
        assert_eq!(judging.hash(), super::super::Prompts::built_in().unwrap().hash());
    }
}
