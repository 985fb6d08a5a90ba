//! The texts that are sent to the model, as templates.
//!
//! A [`Topic`] is what is asked about an image, and its fields are the variables of its templates
//! under `prompts/`: `visible.jinja` is the question that wants Yes or No, `visible.reason.jinja`
//! the turn of thinking, `visible.rating.jinja` its summary. Undefined variables fail. Text written
//! by users goes in as a value and never as a template.
//!
//! What a language model is asked when a constitution is compiled stands apart, in [`compile`].

pub mod compile;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::ids::Hash;

/// The built-in templates by name.
const TEMPLATES: [(&str, &str); 8] = [
    ("visible", include_str!("../../prompts/visible.jinja")),
    ("visible.reason", include_str!("../../prompts/visible.reason.jinja")),
    ("visible.rating", include_str!("../../prompts/visible.rating.jinja")),
    ("broken", include_str!("../../prompts/broken.jinja")),
    ("broken.reason", include_str!("../../prompts/broken.reason.jinja")),
    ("broken.rating", include_str!("../../prompts/broken.rating.jinja")),
    ("unfit", include_str!("../../prompts/unfit.jinja")),
    ("unfit.reason", include_str!("../../prompts/unfit.reason.jinja")),
];

/// What a model is asked about an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Topic {
    /// Is this content visible? CLUE's own question.
    Visible {
        /// The content to look for.
        statement: String,
    },
    /// Is any of these rules broken?
    Broken {
        /// The rules' objective texts.
        rules: Vec<String>,
    },
    /// Is anything to be seen that the model itself finds unfit?
    Unfit,
}

impl Topic {
    fn name(&self) -> &'static str {
        match self {
            Self::Visible { .. } => "visible",
            Self::Broken { .. } => "broken",
            Self::Unfit => "unfit",
        }
    }
}

/// The template of every question praetor asks.
#[derive(Clone)]
pub struct Prompts {
    environment: Environment<'static>,
    hash: Hash,
}

impl Prompts {
    /// The templates built into the binary.
    ///
    /// # Errors
    /// [`PromptError`] when a template is not a template; the built-in ones are, as a test shows.
    pub fn built_in() -> Result<Self, PromptError> {
        Self::of(TEMPLATES.map(|(name, text)| (name, text.to_owned())).into())
    }

    /// As [`built_in`](Self::built_in), with another text for `visible.jinja`: some models are
    /// trained on a question form of their own.
    ///
    /// # Errors
    /// [`PromptError`] when the text is not a template.
    pub fn with_visible(template: &str) -> Result<Self, PromptError> {
        let chosen = |(name, built_in)| {
            (name, if name == "visible" { template } else { built_in }.to_owned())
        };
        Self::of(TEMPLATES.map(chosen).into())
    }

    fn of(templates: Vec<(&'static str, String)>) -> Result<Self, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let texts = templates.iter().map(|(_, text)| text.as_bytes());
        let hash = Hash::of_parts(texts);
        for (name, text) in templates {
            environment.add_template_owned(name, text).map_err(PromptError::from)?;
        }
        Ok(Self { environment, hash })
    }

    /// The question that wants Yes or No.
    ///
    /// # Errors
    /// [`PromptError`] when the template asks for something it is not given.
    pub fn question(&self, topic: &Topic) -> Result<String, PromptError> {
        self.render(topic.name(), topic)
    }

    /// The turn that asks to think step by step.
    ///
    /// # Errors
    /// As [`question`](Self::question).
    pub fn reason(&self, topic: &Topic) -> Result<String, PromptError> {
        self.render(&format!("{}.reason", topic.name()), topic)
    }

    /// The turn that asks for a rating of what was thought.
    ///
    /// # Errors
    /// As [`question`](Self::question).
    pub fn rating(&self, topic: &Topic) -> Result<String, PromptError> {
        let name = match topic {
            // What is unfit is content as well.
            Topic::Visible { .. } | Topic::Unfit => "visible.rating",
            Topic::Broken { .. } => "broken.rating",
        };
        self.render(name, topic)
    }

    fn render(&self, name: &str, topic: &Topic) -> Result<String, PromptError> {
        let template = self.environment.get_template(name).map_err(PromptError::from)?;
        let text = template.render(Value::from(Serde(topic))).map_err(PromptError::from)?;
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

    fn visible(statement: &str) -> Topic {
        Topic::Visible { statement: statement.to_owned() }
    }

    #[test]
    fn the_question_ends_with_the_statement_and_keeps_markup_inert() {
        let prompts = Prompts::built_in().unwrap();
        assert_eq!(
            prompts.question(&visible("{{ statement }} <b>")).unwrap(),
            "Is the following content visible in this image? Answer Yes or No.\n\
             Content: {{ statement }} <b>"
        );
    }

    #[test]
    fn rules_stand_one_a_line() {
        let rules = vec!["No dogs.".to_owned(), "No cats.".to_owned()];
        let question = Prompts::built_in().unwrap().question(&Topic::Broken { rules }).unwrap();
        assert_eq!(
            question,
            "Does this image break any of the following rules? Answer Yes or No.\n\
             Rules:\n- No dogs.\n- No cats."
        );
    }

    #[test]
    fn every_topic_has_all_its_turns() {
        let prompts = Prompts::built_in().unwrap();
        let rules = vec!["No dogs.".to_owned()];
        for topic in [visible("a dog"), Topic::Broken { rules }, Topic::Unfit] {
            assert!(prompts.question(&topic).unwrap().contains("Answer Yes or No."));
            assert!(prompts.reason(&topic).unwrap().contains("Think step by step."));
            assert!(prompts.rating(&topic).unwrap().contains(r#"{"rating": "Yes" or "No""#));
        }
    }

    #[test]
    fn an_unknown_variable_is_an_error() {
        let prompts = Prompts::with_visible("Is {{ contents }} visible?").unwrap();
        assert!(prompts.question(&visible("a dog")).is_err());
        assert!(Prompts::with_visible("{% if %}").is_err());
    }
}
