//! The form in which a model wants to be asked.
//!
//! Most models take a question in words. A few were trained on one form, and answer best in it;
//! they are known by their names.

use std::fmt;

/// How a precondition is put to a model, and which words are its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuestionForm {
    /// A question that wants Yes or No, as in the paper.
    #[default]
    Plain,
    /// Shieldstral's: an instruction, a question, a document; yes or no.
    Shieldstral,
    /// That of LlavaGuard and QwenGuard: a policy, and JSON whose rating is Unsafe or Safe.
    LlavaGuard,
}

impl QuestionForm {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Shieldstral, Self::LlavaGuard];

    /// The form of a model by what it is called: its file, its repository, or the name it gives
    /// itself.
    ///
    /// ```
    /// use praetor::prompts::QuestionForm;
    /// let form = QuestionForm::of_name("noctrex/Shieldstral-1.0-3B-GGUF");
    /// assert_eq!(form, QuestionForm::Shieldstral);
    /// assert_eq!(QuestionForm::of_name("gemma-3-4b-it-Q4_K_M.gguf"), QuestionForm::Plain);
    /// ```
    pub fn of_name(name: &str) -> Self {
        let plain = |c: &char| c.is_ascii_alphanumeric();
        let name: String = name.to_lowercase().chars().filter(plain).collect();
        let is = |word: &str| name.contains(word);
        if is("shieldstral") {
            Self::Shieldstral
        } else if is("llavaguard") || is("qwenguard") {
            Self::LlavaGuard
        } else {
            Self::Plain
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Shieldstral => "shieldstral",
            Self::LlavaGuard => "llavaguard",
        }
    }

    /// The words that mean that the content is there and that it is not, where they are not Yes
    /// and No. They follow the beginning that is put into the model's mouth.
    pub fn words(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Plain | Self::Shieldstral => None,
            Self::LlavaGuard => Some(("Unsafe", "Safe")),
        }
    }

    /// Its templates, beside or in the place of the plain ones.
    pub(super) fn templates(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Plain => &[],
            Self::Shieldstral => &[
                ("visible", include_str!("../../prompts/shieldstral.jinja")),
                ("system", include_str!("../../prompts/shieldstral.system.jinja")),
            ],
            Self::LlavaGuard => &[
                ("visible", include_str!("../../prompts/llavaguard.jinja")),
                ("lead", include_str!("../../prompts/llavaguard.lead.jinja")),
            ],
        }
    }
}

impl fmt::Display for QuestionForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_known_by_the_names_that_models_go_by() {
        for (name, form) in [
            ("Shieldstral-1.0-3B-Q8_0", QuestionForm::Shieldstral),
            ("mistralai/Shieldstral-1.0-3B", QuestionForm::Shieldstral),
            ("LlavaGuard v1.2 7B OV", QuestionForm::LlavaGuard),
            ("Llava-Guard.gguf", QuestionForm::LlavaGuard),
            ("QwenGuard-v1.2-3B.Q4_K_M.gguf", QuestionForm::LlavaGuard),
            ("Qwen3Guard-Gen-4B", QuestionForm::Plain),
            ("llava-v1.6-mistral-7b", QuestionForm::Plain),
        ] {
            assert_eq!(QuestionForm::of_name(name), form, "{name}");
        }
    }
}
