//! The texts that are sent to the model, as templates.
//!
//! A [`Topic`] is what is asked about an image, and its fields are the variables of its templates
//! under `prompts/`: `visible.jinja` is the question that wants Yes or No, `visible.reason.jinja`
//! the turn of thinking, `visible.rating.jinja` its summary. Undefined variables fail. Text written
//! by users goes in as a value and never as a template.
//!
//! Some models were trained on a question of another form: a [`QuestionForm`] is chosen by the model's
//! name.
//!
//! What a language model is asked when a constitution is compiled stands apart, in [`compile`], and
//! so do questions that are answered by a label in words, in [`labels`].

pub mod compile;
mod form;
pub mod labels;

pub use form::QuestionForm;

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
    form: QuestionForm,
}

impl Prompts {
    /// The templates built into the binary.
    ///
    /// # Errors
    /// [`PromptError`] when a template is not a template; the built-in ones are, as a test shows.
    pub fn built_in() -> Result<Self, PromptError> {
        Self::of(TEMPLATES.map(|(name, text)| (name, text.to_owned())).into())
    }

    /// As [`built_in`](Self::built_in), with the question about content in the form that a model
    /// was trained on.
    ///
    /// # Errors
    /// As [`built_in`](Self::built_in).
    pub fn of_form(form: QuestionForm) -> Result<Self, PromptError> {
        let is_own = |(name, _): &(&str, &str)| form.templates().iter().any(|own| own.0 == *name);
        let plain = TEMPLATES.into_iter().filter(|template| !is_own(template));
        let all = plain.chain(form.templates().iter().copied());
        let texts = all.map(|(name, text)| (name, text.to_owned())).collect();
        Ok(Self { form, ..Self::of(texts)? })
    }

    fn of(templates: Vec<(&'static str, String)>) -> Result<Self, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let texts = templates.iter().map(|(_, text)| text.as_bytes());
        let hash = Hash::of_parts(texts);
        for (name, text) in templates {
            environment.add_template_owned(name, text).map_err(PromptError::from)?;
        }
        Ok(Self { environment, hash, form: QuestionForm::Plain })
    }

    /// The form of the question about content.
    pub fn form(&self) -> QuestionForm {
        self.form
    }

    /// What is said to the model before the question about content, as its system.
    ///
    /// # Errors
    /// As [`question`](Self::question).
    pub fn system(&self) -> Result<Option<String>, PromptError> {
        self.optional("system")
    }

    /// The beginning of the answer, which is put into the model's mouth.
    ///
    /// # Errors
    /// As [`question`](Self::question).
    pub fn lead(&self) -> Result<Option<String>, PromptError> {
        self.optional("lead")
    }

    fn optional(&self, name: &str) -> Result<Option<String>, PromptError> {
        if self.environment.get_template(name).is_err() {
            return Ok(None);
        }
        self.render(name, &Topic::Unfit).map(Some)
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
    fn every_form_asks_for_the_content_and_the_plain_one_is_the_built_in() {
        let statement = "{{ a knife }} \"is\" visible";
        for form in QuestionForm::ALL {
            let prompts = Prompts::of_form(form).unwrap();
            assert!(prompts.question(&visible(statement)).unwrap().contains(statement), "{form}");
            assert_eq!(prompts.form(), form);
            prompts.reason(&visible("a dog")).unwrap();
        }
        let plain = Prompts::of_form(QuestionForm::Plain).unwrap();
        assert_eq!(plain.hash(), Prompts::built_in().unwrap().hash());
        assert_eq!((plain.system().unwrap(), plain.lead().unwrap()), (None, None));
    }

    #[test]
    fn trained_forms_are_kept_to_the_letter() {
        let guard = Prompts::of_form(QuestionForm::LlavaGuard).unwrap();
        assert_eq!(guard.lead().unwrap().as_deref(), Some("{\n    \"rating\": \""));
        let asked = Prompts::of_form(QuestionForm::Shieldstral).unwrap();
        let question = asked.question(&visible("a dog")).unwrap();
        let parts = ["<Instruct>: ", "\n\n<Query>: ", "? a dog\n\n<Document>: "];
        assert!(parts.iter().all(|part| question.contains(part)), "{question}");
        assert!(asked.system().unwrap().unwrap().ends_with("\"yes\" or \"no\"."));
    }

    #[test]
    fn an_unknown_variable_is_an_error() {
        let of = |visible: &str| Prompts::of(vec![("visible", visible.to_owned())]);
        let prompts = of("Is {{ contents }} visible?").unwrap();
        assert!(prompts.question(&visible("a dog")).is_err());
        assert!(of("{% if %}").is_err());
    }
}
