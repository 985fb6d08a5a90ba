//! Models behind any server that speaks OpenAI's `/chat/completions`: llama-server, vLLM, `SGLang`,
//! Ollama, `OpenRouter`, Azure, OpenAI itself.
//!
//! [`OpenAiChat`] talks; [`OpenAiVlm`] judges as well, by the probabilities of the first token. What
//! a server does not understand (a JSON schema, a temperature, a name of a limit, probabilities) is
//! left out from then on, see `dialect`; how an answer is read off the likeliest tokens, `first`
//! says.

mod dialect;
mod first;
mod wire;

use std::sync::Arc;

use serde_json::{Value, json};

use self::dialect::{Dialect, Learned, Room};
use self::first::{Read, Words};
use self::wire::{Said, Wish};
use super::chat::{Generate, Reply, Turn};
use super::remote::{Ask, Heard, Line, RemoteError, RemoteOptions, Sheet, Snag};
use super::{Answer, Chat, Vlm, VlmError};
use crate::ids::{Hash, ModelId};
use crate::imaging::View;
use crate::prompts::{PromptError, Prompts, Topic};
use crate::verdict::Why;

const PATH: &str = "chat/completions";

/// A model behind a server.
///
/// Its methods block until the answers are there, and must not be called from asynchronous code.
#[derive(Debug)]
pub struct OpenAiChat {
    line: Line,
    model: ModelId,
    dialect: Arc<Learned>,
}

/// One question, whatever is wanted of it.
#[derive(Debug)]
struct Asked {
    options: RemoteOptions,
    messages: Vec<Value>,
    wish: Wish,
    sheet: Option<Sheet>,
    dialect: Arc<Learned>,
}

/// A conversation that goes on.
struct Conversation(Asked);

/// A question that wants Yes or No.
struct Question {
    asked: Asked,
    words: Words,
}

impl OpenAiChat {
    /// Makes ready to talk; nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteError`] when the address or the key can't be right.
    pub fn new(options: RemoteOptions) -> Result<Self, RemoteError> {
        let line = Line::open(options, PATH)?;
        let options = line.options();
        let mut parts = vec![line.url().to_owned(), options.model.clone()];
        // What is added to every request moves the numbers, and so does shrinking.
        if !options.extra.is_empty() {
            parts.push(Value::Object(options.extra.clone()).to_string());
        }
        parts.extend(options.longest_side.map(|side| format!("longest side {side}")));
        let fingerprint = Hash::of_parts(parts.iter().map(String::as_bytes));
        let model = ModelId { name: options.model.clone(), fingerprint };
        Ok(Self { line, model, dialect: Arc::default() })
    }

    fn asked(&self, messages: Vec<Value>, wish: Wish, sheet: Option<&Sheet>) -> Asked {
        let (options, dialect) = (self.line.options().clone(), self.dialect.clone());
        Asked { options, messages, wish, sheet: sheet.cloned(), dialect }
    }
}

impl Chat for OpenAiChat {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        let sheet = match Sheet::of(view, self.line.options().longest_side) {
            Ok(sheet) => sheet,
            Err(why) => return Ok(vec![Reply::Unavailable(why); conversations.len()]),
        };
        let url = sheet.as_ref().map(|sheet| &*sheet.url);
        let conversation = |turns: &Vec<Turn>| {
            let messages = wire::messages(url, turns);
            Conversation(self.asked(messages, Wish::Say(generate.clone()), sheet.as_ref()))
        };
        let replies = self.line.ask_all(conversations.iter().map(conversation).collect())?;
        let reply = |reply: Result<Reply, Why>| reply.unwrap_or_else(Reply::Unavailable);
        Ok(replies.into_iter().map(reply).collect())
    }

    fn model(&self) -> &ModelId {
        &self.model
    }

    fn leaves_machine(&self) -> bool {
        self.line.leaves_machine()
    }
}

/// A model behind a server that judges images.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use praetor::vlm::{Vlm, openai::OpenAiVlm, remote::RemoteOptions};
/// let address = "http://localhost:8080/v1".to_owned();
/// let options = RemoteOptions { address, ..RemoteOptions::new("gemma-3-4b") };
/// let model = OpenAiVlm::new(options, praetor::prompts::Prompts::built_in()?)?;
/// let priors = model.visible(None, &["a knife is visible"])?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct OpenAiVlm {
    chat: OpenAiChat,
    prompts: Prompts,
    /// What stands before the question about content, and what is put into the model's mouth.
    system: Option<String>,
    lead: Option<String>,
}

impl OpenAiVlm {
    /// Makes ready to judge; nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteError`] when the address or the key can't be right, or a template can't be rendered.
    pub fn new(options: RemoteOptions, prompts: Prompts) -> Result<Self, RemoteError> {
        let broken = |error: PromptError| RemoteError::Prompt { detail: error.to_string() };
        let (system, lead) = (prompts.system().map_err(broken)?, prompts.lead().map_err(broken)?);
        let mut chat = OpenAiChat::new(options)?;
        // What is asked moves the numbers as much as who answers.
        let parts = [chat.model.fingerprint, prompts.hash()].map(|part| part.to_string());
        chat.model.fingerprint = Hash::of_parts(parts.iter().map(String::as_bytes));
        Ok(Self { chat, prompts, system, lead })
    }

    fn ask(
        &self,
        view: Option<&View>,
        questions: &[String],
        own_form: bool,
    ) -> Result<Vec<Answer>, VlmError> {
        let sheet = match Sheet::of(view, self.chat.line.options().longest_side) {
            Ok(sheet) => sheet,
            Err(why) => return Ok(vec![Answer::Unavailable(why); questions.len()]),
        };
        let (system, lead, words) = if own_form {
            (self.system.as_deref(), self.lead.as_deref(), self.prompts.form().words())
        } else {
            (None, None, None)
        };
        let url = sheet.as_ref().map(|sheet| &*sheet.url);
        let question = |text: &String| {
            let mut messages = wire::messages(url, &[Turn::User(text.clone())]);
            if let Some(system) = system {
                messages.insert(0, json!({ "role": "system", "content": system }));
            }
            if let Some(lead) = lead {
                messages.push(json!({ "role": "assistant", "content": lead }));
            }
            Question { asked: self.chat.asked(messages, Wish::YesNo, sheet.as_ref()), words }
        };
        let answers = self.chat.line.ask_all(questions.iter().map(question).collect())?;
        let answer = |answer: Result<Answer, Why>| answer.unwrap_or_else(Answer::Unavailable);
        Ok(answers.into_iter().map(answer).collect())
    }
}

/// Statements as questions about content; an error is every question's.
pub(super) fn about_content(
    prompts: &Prompts,
    statements: &[&str],
) -> Result<Vec<String>, Vec<Answer>> {
    let question =
        |statement: &&str| prompts.question(&Topic::Visible { statement: (*statement).to_owned() });
    let questions: Result<Vec<String>, PromptError> = statements.iter().map(question).collect();
    questions.map_err(|error| vec![Answer::Unavailable(Why::failed(error)); statements.len()])
}

impl Vlm for OpenAiVlm {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        match about_content(&self.prompts, statements) {
            Ok(questions) => self.ask(view, &questions, true),
            Err(failed) => Ok(failed),
        }
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        let questions: Vec<String> = questions.iter().map(|&text| text.to_owned()).collect();
        self.ask(view, &questions, false)
    }
}

impl Chat for OpenAiVlm {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        self.chat.chat(view, conversations, generate)
    }

    fn model(&self) -> &ModelId {
        self.chat.model()
    }

    fn leaves_machine(&self) -> bool {
        self.chat.leaves_machine()
    }
}

impl Asked {
    fn request(&self, dialect: Dialect) -> Value {
        let RemoteOptions { model, extra, .. } = &self.options;
        wire::request(model, &self.messages, &self.wish, dialect, extra)
    }

    /// What an answer says, if it says something.
    fn said(&self, dialect: Dialect, heard: &Heard<'_>) -> Result<Said, Snag> {
        if let Some(simpler) = dialect.simpler(heard.status, &heard.text, &self.wish) {
            self.dialect.learn(dialect, simpler);
            let Snag::Final(why) = heard.snag() else { return Err(heard.snag()) };
            return Err(Snag::Rephrase(why));
        }
        let said = heard.json.as_ref().filter(|_| heard.is_well()).and_then(wire::said);
        let said = said.ok_or_else(|| heard.snag())?;
        if said.refusal {
            return Err(Snag::Final(Why::Refused));
        }
        if said.finish == "content_filter" {
            return Err(Snag::Final(Why::Filtered));
        }
        Ok(said)
    }
}

impl Ask for Conversation {
    type Reply = Reply;
    type Manner = Dialect;

    fn manner(&self) -> Dialect {
        self.0.dialect.now()
    }

    fn body(&self, manner: &Dialect) -> Value {
        self.0.request(*manner)
    }

    fn identity(&self) -> Value {
        self.0.request(Dialect::default())
    }

    fn sheet(&self) -> Option<&Sheet> {
        self.0.sheet.as_ref()
    }

    fn read(&self, manner: &Dialect, heard: &Heard<'_>) -> Result<Reply, Snag> {
        let said = self.0.said(*manner, heard)?;
        let limit = match &self.0.wish {
            Wish::Say(generate) => generate.most_tokens,
            Wish::YesNo => 1,
        };
        match (said.finish.as_str(), said.text) {
            ("length", _) => Err(Snag::Final(Why::Overlong { limit })),
            (_, Some(text)) => Ok(Reply::Said(text.trim().to_owned())),
            (_, None) => {
                let detail = "the server's message is no text".to_owned();
                Err(Snag::Final(Why::Unparsable { detail }))
            }
        }
    }
}

impl Ask for Question {
    type Reply = Answer;
    type Manner = Dialect;

    fn manner(&self) -> Dialect {
        self.asked.dialect.now()
    }

    fn body(&self, manner: &Dialect) -> Value {
        self.asked.request(*manner)
    }

    fn identity(&self) -> Value {
        self.asked.request(Dialect::default())
    }

    fn sheet(&self) -> Option<&Sheet> {
        self.asked.sheet.as_ref()
    }

    fn read(&self, manner: &Dialect, heard: &Heard<'_>) -> Result<Answer, Snag> {
        let said = self.asked.said(*manner, heard)?;
        match first::read(&said, self.words) {
            Read::Answer(answer) => Ok(answer),
            Read::Longer(detail) if manner.room == Room::One => {
                self.asked.dialect.learn(*manner, Dialect { room: Room::Few, ..*manner });
                Err(Snag::Rephrase(Why::Unparsable { detail: heard.words(&detail) }))
            }
            Read::Longer(detail) | Read::Neither(detail) => {
                Err(Snag::Final(Why::Unparsable { detail: heard.words(&detail) }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::remote::Key;
    use super::*;

    #[test]
    fn a_key_is_never_shown_and_an_odd_one_never_sent() {
        let with =
            |key: &str| RemoteOptions { key: Some(Key::new(key)), ..RemoteOptions::new("m") };
        let chat = OpenAiChat::new(with("sk-secret")).unwrap();
        assert!(!format!("{chat:?}").contains("secret"));
        assert!(chat.leaves_machine());
        assert!(matches!(OpenAiChat::new(with("a\nb")), Err(RemoteError::Key)));
    }

    #[test]
    fn what_is_added_to_requests_is_part_of_the_fingerprint() {
        let plain = RemoteOptions::new("m");
        let effort = serde_json::json!({ "reasoning_effort": "none" });
        let extra = effort.as_object().cloned().unwrap();
        let added = RemoteOptions { extra, ..plain.clone() };
        let fingerprint = |options| OpenAiChat::new(options).unwrap().model.fingerprint;
        assert_ne!(fingerprint(plain), fingerprint(added));
    }
}
