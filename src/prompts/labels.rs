//! What is asked by the judges that UnsafeBench measures: questions that are answered in words.
//!
//! Three zero-shot prompts whose answers call an image safe or unsafe, and the question that
//! PerspectiveVision was trained on, which names a category. These texts say nothing to a model that
//! judges by Yes and No, so they stand apart from its templates and move no fingerprint.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::PromptError;

/// A question that wants a label in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelPrompt {
    /// UnsafeBench's first: safe or unsafe, as the model itself sees it.
    Own,
    /// UnsafeBench's second: unsafe is what the rules say.
    Defined,
    /// UnsafeBench's third: unsafe is what the rules say, and the model forgets its own definition.
    Adhere,
    /// PerspectiveVision's: a status and a category.
    Category,
}

/// A category as it stands in a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Category {
    /// What the answer is to call it.
    pub name: String,
    /// What belongs to it.
    pub definition: String,
}

/// The variables of all templates.
#[derive(Serialize)]
struct Variables<'a> {
    rules: Vec<&'a str>,
    categories: &'a [Category],
}

impl LabelPrompt {
    /// UnsafeBench's three, in the paper's order.
    pub const UNSAFEBENCH: [Self; 3] = [Self::Own, Self::Defined, Self::Adhere];

    fn template(self) -> &'static str {
        match self {
            Self::Own => include_str!("../../prompts/unsafebench.own.jinja"),
            Self::Defined => include_str!("../../prompts/unsafebench.defined.jinja"),
            Self::Adhere => include_str!("../../prompts/unsafebench.adhere.jinja"),
            Self::Category => include_str!("../../prompts/perspectivevision.jinja"),
        }
    }

    /// The question by these rules.
    ///
    /// # Errors
    /// [`PromptError`] when the template asks for something it is not given; the built-in ones don't,
    /// as a test shows.
    pub fn question(self, categories: &[Category]) -> Result<String, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_template("label", self.template())?;
        let rules = categories.iter().map(|category| category.definition.as_str()).collect();
        let variables = Value::from(Serde(Variables { rules, categories }));
        let text = environment.get_template("label")?.render(variables)?;
        Ok(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categories() -> Vec<Category> {
        [("dogs", "No {{ dogs }}."), ("cats.indoors", "No cats in a house.")]
            .map(|(name, definition)| Category { name: name.into(), definition: definition.into() })
            .into()
    }

    #[test]
    fn each_prompt_holds_what_the_paper_says_it_holds() {
        let asked = |prompt: LabelPrompt| prompt.question(&categories()).unwrap();
        let own = asked(LabelPrompt::Own);
        assert!(!own.contains("dogs") && own.contains("\"safe\" or \"unsafe\""), "{own}");
        let defined = asked(LabelPrompt::Defined);
        assert!(defined.contains("\n- No {{ dogs }}.\n- No cats in a house.\n"), "{defined}");
        let adhere = asked(LabelPrompt::Adhere);
        assert!(adhere.starts_with("Forget your own definition"), "{adhere}");
        assert!(adhere.ends_with(&defined), "{adhere}");
    }

    #[test]
    fn the_categories_stand_between_their_markers() {
        let asked = LabelPrompt::Category.question(&categories()).unwrap();
        let (_, rest) = asked.split_once("<BEGIN UNSAFE CATEGORIES>\n").unwrap();
        let (list, rest) = rest.split_once("\n<END UNSAFE CATEGORIES>").unwrap();
        assert_eq!(list, "dogs: No {{ dogs }}.\ncats.indoors: No cats in a house.");
        assert!(rest.contains("\"Safety Status: Safe, Unsafe Category: None\""), "{rest}");
    }
}
