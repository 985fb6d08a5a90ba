//! The texts that are sent to the model, as templates.
//!
//! Each template under `prompts/` has a struct here whose fields are the template's variables, so
//! that a wrong variable does not compile and an unknown one does not render. Text written by
//! users goes in as a value and never as a template.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::ids::Hash;

const VISIBLE: &str = include_str!("../prompts/visible.jinja");

/// The template of every question praetor asks.
pub struct Prompts {
    environment: Environment<'static>,
    hash: Hash,
}

/// Variables of `visible.jinja`: is this content visible?
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Visible<'a> {
    /// The content to look for.
    pub statement: &'a str,
}

impl Prompts {
    /// The templates built into the binary.
    ///
    /// # Errors
    /// [`PromptError`] when a template is not a template; the built-in ones are, as a test shows.
    pub fn built_in() -> Result<Self, PromptError> {
        Self::with_visible(VISIBLE)
    }

    /// As [`built_in`](Self::built_in), with another text for `visible.jinja`: some models are
    /// trained on a question form of their own.
    ///
    /// # Errors
    /// [`PromptError`] when the text is not a template.
    pub fn with_visible(template: &str) -> Result<Self, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment
            .add_template_owned("visible", template.to_owned())
            .map_err(PromptError::from)?;
        Ok(Self { environment, hash: Hash::of(template.as_bytes()) })
    }

    /// Renders the question of one precondition.
    ///
    /// # Errors
    /// [`PromptError`] when the template asks for something it is not given.
    pub fn visible(&self, variables: Visible<'_>) -> Result<String, PromptError> {
        let template = self.environment.get_template("visible").map_err(PromptError::from)?;
        let text = template.render(Value::from(Serde(variables))).map_err(PromptError::from)?;
        Ok(text.trim().to_owned())
    }

    /// Hash of the templates' texts; part of the model's fingerprint, since they move the numbers.
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

impl std::fmt::Debug for Prompts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompts").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// A template that does not parse or render.
#[derive(Debug, thiserror::Error)]
#[error("prompt template `{name}` can't be used: {detail}")]
pub struct PromptError {
    /// The template's name.
    pub name: String,
    /// What is wrong, with its line.
    pub detail: String,
}

impl From<minijinja::Error> for PromptError {
    fn from(error: minijinja::Error) -> Self {
        Self { name: error.name().unwrap_or("visible").to_owned(), detail: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_ends_with_the_statement_and_keeps_markup_inert() {
        let prompts = Prompts::built_in().unwrap();
        let statement = "{{ statement }} <b>";
        assert_eq!(
            prompts.visible(Visible { statement }).unwrap(),
            "Is the following content visible in this image? Answer Yes or No.\n\
             Content: {{ statement }} <b>"
        );
    }

    #[test]
    fn an_unknown_variable_is_an_error() {
        let prompts = Prompts::with_visible("Is {{ contents }} visible?").unwrap();
        assert!(prompts.visible(Visible { statement: "a dog" }).is_err());
        assert!(Prompts::with_visible("{% if %}").is_err());
    }
}
