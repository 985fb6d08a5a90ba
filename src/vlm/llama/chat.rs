//! The model's own chat template, around a conversation that begins with the image.
//!
//! Real templates are Jinja programs stored in the GGUF file. They differ in whether a message's
//! content is a string or a list of parts; which one a template takes is found by trying, as
//! llama.cpp does.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};

use super::LoadError;
use crate::vlm::chat::Turn;

/// For models that bring no template: the form LLaVA 1.5 was trained on.
const VICUNA: &str = "{% for message in messages %}{% if message.role == 'user' %}USER: \
{{ message.content }}{% else %} ASSISTANT: {{ message.content }}</s>{% endif %}{% endfor %}\
{% if add_generation_prompt %} ASSISTANT:{% endif %}";

/// How a message's content is handed to the template.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    Text,
    Parts,
}

/// A chat template that is known to keep the question and the image's place.
#[derive(Debug)]
pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    prepend_bos: bool,
    content: Content,
    marker: String,
}

/// A rendered conversation: what stands before the end of the image, and what follows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prompt {
    /// Up to and with the image's marker; empty when there is no image.
    pub(super) head: String,
    /// From the image's end to where the model is to answer.
    pub(super) tail: String,
}

/// What stands around a question: nothing for most models.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Manner {
    /// Said before, as the system.
    pub(super) system: Option<String>,
    /// The beginning of the answer, put into the model's mouth.
    pub(super) lead: String,
    /// Whether the answer is the model's own words and not Yes or No.
    pub(super) own_words: bool,
}

impl ChatTemplate {
    /// Takes the template out of the model and tries it.
    ///
    /// `marker` stands for the image; it is random, so that a rule's text can't hold it.
    pub(super) fn of_model(model: &LlamaModel, marker: &str) -> Result<Self, LoadError> {
        let text = if let Ok(template) = model.chat_template(None) {
            let text = template.to_string();
            text.map_err(|error| LoadError::ChatTemplate { detail: error.to_string() })?
        } else {
            tracing::warn!("the model has no chat template: asking in LLaVA 1.5's form");
            VICUNA.to_owned()
        };
        let vocab = model.vocab();
        // A vocabulary without such a token says -1, and llama.cpp throws on looking that up.
        let piece = |token: LlamaToken| {
            let known = (0..vocab.n_tokens()).contains(&token.0);
            let text = known.then(|| vocab.text(token)).flatten();
            text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
        };
        Self::new(text, piece(vocab.bos()), piece(vocab.eos()), vocab.should_add_bos(), marker)
    }

    fn new(
        template: String,
        bos: String,
        eos: String,
        prepend_bos: bool,
        marker: &str,
    ) -> Result<Self, LoadError> {
        let unusable =
            |error: minijinja::Error| LoadError::ChatTemplate { detail: error.to_string() };
        let mut environment = Environment::new();
        // As transformers' apply_chat_template sets Jinja up.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(unusable)?);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<Value, _> {
            Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
        });
        // The numbers must not change with the day.
        environment.add_function("strftime_now", |_: String| "2026-01-01");
        environment.add_template_owned("chat", template).map_err(unusable)?;
        let mut chat = Self {
            environment,
            bos,
            eos,
            prepend_bos,
            content: Content::Text,
            marker: marker.to_owned(),
        };
        chat.content = chat.find_content()?;
        Ok(chat)
    }

    /// Which form of content brings both the marker and the question through the template.
    fn find_content(&self) -> Result<Content, LoadError> {
        let mut detail = "it drops the question or the image".to_owned();
        for content in [Content::Text, Content::Parts] {
            match self.render_as(content, true, None, &[Turn::User("is it so?".to_owned())]) {
                Ok(text)
                    if text.matches(&self.marker).count() == 1 && text.contains("is it so?") =>
                {
                    return Ok(content);
                }
                Ok(_) => {}
                Err(error) => detail = error.to_string(),
            }
        }
        Err(LoadError::ChatTemplate { detail })
    }

    fn render_as(
        &self,
        content: Content,
        with_image: bool,
        system: Option<&str>,
        turns: &[Turn],
    ) -> Result<String, minijinja::Error> {
        let said = |role: &str, text: String| {
            let content = match content {
                Content::Text => Value::from(text),
                Content::Parts => Value::from(vec![context! { type => "text", text => text }]),
            };
            context! { role => role, content => content }
        };
        let mut image = if with_image { self.marker.as_str() } else { "" };
        let message = |turn: &Turn| {
            let (role, text) = match turn {
                Turn::User(text) => ("user", text),
                Turn::Assistant(text) => ("assistant", text),
            };
            said(role, format!("{}{text}", std::mem::take(&mut image)))
        };
        let system = system.map(|text| said("system", text.to_owned()));
        let messages: Vec<Value> = system.into_iter().chain(turns.iter().map(message)).collect();
        let text = self.environment.get_template("chat")?.render(context! {
            messages => messages,
            add_generation_prompt => true,
            enable_thinking => false,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
        })?;
        if self.prepend_bos && !text.starts_with(&self.bos) {
            return Ok(format!("{}{text}", self.bos));
        }
        Ok(text)
    }

    /// Renders one question with or without the image before it, up to where the answer is read.
    pub(super) fn prompt(
        &self,
        with_image: bool,
        question: &str,
        manner: &Manner,
    ) -> Result<Prompt, String> {
        let turns = |text: String| [Turn::User(text)];
        let mut prompt = match manner.system.as_deref() {
            None => self.conversation(with_image, &turns(question.to_owned()))?,
            Some(system) => {
                let asked = turns(question.to_owned());
                match self.render_as(self.content, with_image, Some(system), &asked) {
                    Ok(text) if text.contains(system) => self.split(with_image, &text)?,
                    // A template that knows no system drops or refuses it.
                    _ => {
                        self.conversation(with_image, &turns(format!("{system}\n\n{question}")))?
                    }
                }
            }
        };
        prompt.tail.push_str(&manner.lead);
        Ok(prompt)
    }

    /// Renders turns up to where the model is to go on.
    pub(super) fn conversation(&self, with_image: bool, turns: &[Turn]) -> Result<Prompt, String> {
        let text = self
            .render_as(self.content, with_image, None, turns)
            .map_err(|error| format!("the model's chat template failed: {error}"))?;
        self.split(with_image, &text)
    }

    fn split(&self, with_image: bool, text: &str) -> Result<Prompt, String> {
        if !with_image {
            return Ok(Prompt { head: String::new(), tail: text.to_owned() });
        }
        let Some(at) = text.find(&self.marker) else {
            return Err("the model's chat template dropped the image".to_owned());
        };
        let (head, tail) = text.split_at(at + self.marker.len());
        Ok(Prompt { head: head.to_owned(), tail: tail.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(template: &str, prepend_bos: bool) -> Result<ChatTemplate, LoadError> {
        ChatTemplate::new(
            template.to_owned(),
            "<s>".to_owned(),
            "</s>".to_owned(),
            prepend_bos,
            "<IMG>",
        )
    }

    #[test]
    fn string_and_part_templates_give_the_same_prompt() {
        let text = "{% for m in messages %}[{{ m.content.strip() }}]{% endfor %}A:";
        let parts = "{% for m in messages %}[{% for p in m['content'] %}\
                     {% if p['type'] == 'text' %}{{ p['text'] }}{% endif %}{% endfor %}]{% endfor %}A:";
        for template in [text, parts] {
            let prompt =
                chat(template, false).unwrap().prompt(true, "a dog?", &Manner::default()).unwrap();
            assert_eq!((prompt.head.as_str(), prompt.tail.as_str()), ("[<IMG>", "a dog?]A:"));
        }
    }

    #[test]
    fn without_an_image_the_text_stays_and_the_marker_goes() {
        let prompt =
            chat(VICUNA, false).unwrap().prompt(false, "a dog?", &Manner::default()).unwrap();
        assert_eq!((prompt.head.as_str(), prompt.tail.as_str()), ("", "USER: a dog? ASSISTANT:"));
    }

    #[test]
    fn turns_alternate_and_the_image_stands_before_the_first() {
        let turns = ["a dog?", "I see a dog.", "rate"].map(str::to_owned);
        let [first, second, third] = turns;
        let turns = [Turn::User(first), Turn::Assistant(second), Turn::User(third)];
        let prompt = chat(VICUNA, false).unwrap().conversation(true, &turns).unwrap();
        assert_eq!(prompt.head, "USER: <IMG>");
        assert_eq!(prompt.tail, "a dog? ASSISTANT: I see a dog.</s>USER: rate ASSISTANT:");
    }

    #[test]
    fn the_begin_token_comes_once() {
        let own = "{{ bos_token }}{{ messages[0].content }}";
        let none = "{{ messages[0].content }}";
        for template in [own, none] {
            let prompt =
                chat(template, true).unwrap().prompt(false, "q", &Manner::default()).unwrap();
            assert_eq!(prompt.tail, "<s>q");
        }
    }

    #[test]
    fn a_system_stands_first_even_where_the_template_knows_none() {
        let manner = Manner {
            system: Some("Judge.".to_owned()),
            lead: "{\"rating\": \"".to_owned(),
            own_words: true,
        };
        let knows = "{% for m in messages %}[{{ m.role }}:{{ m.content }}]{% endfor %}A:";
        let prompt = chat(knows, false).unwrap().prompt(true, "a dog?", &manner).unwrap();
        assert_eq!(prompt.head, "[system:Judge.][user:<IMG>");
        assert_eq!(prompt.tail, "a dog?]A:{\"rating\": \"");
        let refuses = "{% for m in messages %}{% if m.role == 'system' %}{{ \
                       raise_exception('no system') }}{% endif %}[{{ m.content }}]{% endfor %}A:";
        let prompt = chat(refuses, false).unwrap().prompt(true, "a dog?", &manner).unwrap();
        assert_eq!(prompt.head, "[<IMG>");
        assert_eq!(prompt.tail, "Judge.\n\na dog?]A:{\"rating\": \"");
    }

    #[test]
    fn templates_that_refuse_or_drop_the_question_are_named() {
        let refuses = chat("{{ raise_exception('roles must alternate') }}", false).unwrap_err();
        assert!(refuses.to_string().contains("roles must alternate"), "{refuses}");
        assert!(chat("hello", false).is_err());
        assert!(chat("{% for %}", false).is_err());
    }
}
