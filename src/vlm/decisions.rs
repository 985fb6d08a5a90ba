//! Decision models: many questions about one image in one request, each answered with the
//! probability that it is so.
//!
//! Two interfaces are spoken, which differ in words: OpenAI's `POST /v1/decisions`, and
//! `POST /v1/systemone` as llama-server (since October 2026) and gateways have it. OpenAI rounds
//! probabilities to two decimals; where the prior is rounded to 0, Algorithm 1 can't say No any more
//! (see `docs/remote.md`). A question can be refused by itself. llama-server answers 501 for a model
//! that is no decision model, or has no projector; that ends the run, since no question could be
//! answered.
//!
//! Such models do not write, so that they can't reason.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::chat::{Generate, Reply, Turn};
use super::openai::about_content;
use super::remote::{Ask, Heard, Line, RemoteError, RemoteOptions, Sheet, Snag};
use super::{Answer, Chat, Vlm, VlmError, YesNo};
use crate::ids::{Hash, ModelId};
use crate::imaging::View;
use crate::prompts::Prompts;
use crate::units::Probability;
use crate::verdict::Why;

/// Where llama-server listens by itself.
pub const LLAMA_SERVER: &str = "http://localhost:8080/v1";

/// What stands beside the image, and alone where there is none: all text is kept for the prior.
const STATE: &str = "Judge the image.";

/// In which words a decision model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// OpenAI's `/v1/decisions`.
    Decisions,
    /// `/v1/systemone`.
    SystemOne,
}

impl Interface {
    fn path(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::SystemOne => "systemone",
        }
    }

    /// Questions of one request at most: OpenAI documents 400, the other names no limit.
    fn most_questions(self) -> usize {
        match self {
            Self::Decisions => 400,
            Self::SystemOne => 100,
        }
    }
}

/// A decision model behind a server.
///
/// Its methods block until the answers are there, and must not be called from asynchronous code.
#[derive(Debug)]
pub struct DecisionVlm {
    interface: Interface,
    line: Line,
    options: Arc<RemoteOptions>,
    model: ModelId,
    prompts: Prompts,
}

/// Questions that go into one request.
struct Sheaf {
    interface: Interface,
    options: Arc<RemoteOptions>,
    sheet: Option<Sheet>,
    questions: Vec<String>,
}

impl DecisionVlm {
    /// Makes ready to judge; nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteError`] when the address or the key can't be right.
    pub fn new(
        interface: Interface,
        options: RemoteOptions,
        prompts: Prompts,
    ) -> Result<Self, RemoteError> {
        let line = Line::open(options, interface.path())?;
        let options = Arc::new(line.options().clone());
        let settings =
            format!("{:?} {}", options.longest_side, Value::Object(options.extra.clone()));
        let parts = [line.url(), &options.model, &settings, STATE, &prompts.hash().to_string()];
        let fingerprint = Hash::of_parts(parts.map(str::as_bytes));
        let model = ModelId { name: options.model.clone(), fingerprint };
        Ok(Self { interface, line, options, model, prompts })
    }

    fn ask(&self, view: Option<&View>, questions: &[String]) -> Result<Vec<Answer>, VlmError> {
        let sheet = match Sheet::of(view, self.options.longest_side) {
            Ok(sheet) => sheet,
            Err(why) => return Ok(vec![Answer::Unavailable(why); questions.len()]),
        };
        let sheaf = |questions: &[String]| Sheaf {
            interface: self.interface,
            options: self.options.clone(),
            sheet: sheet.clone(),
            questions: questions.to_vec(),
        };
        let sheaves: Vec<Sheaf> =
            questions.chunks(self.interface.most_questions()).map(sheaf).collect();
        let sizes: Vec<usize> = sheaves.iter().map(|sheaf| sheaf.questions.len()).collect();
        // What stood in the way of a request stood in that of each question in it.
        let each = |(size, answers): (usize, Result<Vec<Answer>, Why>)| {
            answers.unwrap_or_else(|why| vec![Answer::Unavailable(why); size])
        };
        Ok(sizes.into_iter().zip(self.line.ask_all(sheaves)?).flat_map(each).collect())
    }
}

/// The name of a question within its request.
fn name(index: usize) -> String {
    format!("q{index}")
}

/// A probability as an answer that is nothing but Yes or No; something that is none is no answer.
fn answer(probability: Option<f64>) -> Answer {
    let detail = || "the server's answer to this question holds no probability".to_owned();
    let yes = probability.and_then(Probability::new).map(YesNo::certain);
    yes.map_or_else(|| Answer::Unavailable(Why::Unparsable { detail: detail() }), Answer::Seen)
}

impl Sheaf {
    fn decisions(&self) -> Value {
        let image = |sheet: &Sheet| json!({ "type": "input_image", "image_url": &*sheet.url });
        let text = json!({ "type": "input_text", "text": STATE });
        let content: Vec<Value> = self.sheet.iter().map(image).chain([text]).collect();
        let question = |(index, text): (usize, &String)| json!({ "type": "predicate", "name": name(index), "instructions": text });
        let questions: Vec<Value> = self.questions.iter().enumerate().map(question).collect();
        json!({
            "model": self.options.model,
            "input": [{ "type": "message", "role": "user", "content": content }],
            "questions": questions,
        })
    }

    fn systemone(&self) -> Value {
        let question = |(index, text): (usize, &String)| {
            (name(index), json!({ "type": "noul", "instructions": text }))
        };
        let questions: Map<String, Value> =
            self.questions.iter().enumerate().map(question).collect();
        let mut body = json!({ "model": self.options.model, "state": STATE });
        if let Some(sheet) = &self.sheet {
            body["images"] = json!([&*sheet.url]);
        }
        body["questions"] = Value::Object(questions);
        body
    }

    /// The answer to one question, of all that came.
    fn answer_to(&self, index: usize, answers: &Value) -> Answer {
        let wanted = name(index);
        if self.interface == Interface::SystemOne {
            return answer(answers.get(&wanted).and_then(|one| one["noul"].as_f64()));
        }
        let list = answers.as_array().map_or(&[][..], Vec::as_slice);
        let named = list.iter().find(|one| one["name"] == wanted.as_str());
        // They come in the questions' order, should a server not repeat the names.
        let found = named.or_else(|| list.get(index).filter(|one| one["name"].is_null()));
        match found {
            Some(found) if found["type"] == "refusal" => Answer::Unavailable(Why::Refused),
            found => answer(found.and_then(|found| found["probability"].as_f64())),
        }
    }
}

impl Ask for Sheaf {
    type Reply = Vec<Answer>;
    type Manner = ();

    fn manner(&self) {}

    fn body(&self, (): &()) -> Value {
        let mut body = match self.interface {
            Interface::Decisions => self.decisions(),
            Interface::SystemOne => self.systemone(),
        };
        for (key, value) in &self.options.extra {
            body[key.as_str()] = value.clone();
        }
        body
    }

    fn identity(&self) -> Value {
        self.body(&())
    }

    fn sheet(&self) -> Option<&Sheet> {
        self.sheet.as_ref()
    }

    fn read(&self, (): &(), heard: &Heard<'_>) -> Result<Vec<Answer>, Snag> {
        let json = heard.json.as_ref().filter(|_| heard.is_well());
        let answers = json.and_then(|json| json.get("answers")).ok_or_else(|| heard.snag())?;
        Ok((0..self.questions.len()).map(|index| self.answer_to(index, answers)).collect())
    }
}

impl Vlm for DecisionVlm {
    fn visible(&self, view: Option<&View>, statements: &[&str]) -> Result<Vec<Answer>, VlmError> {
        match about_content(&self.prompts, statements) {
            Ok(questions) => self.ask(view, &questions),
            Err(failed) => Ok(failed),
        }
    }

    fn answers(&self, view: Option<&View>, questions: &[&str]) -> Result<Vec<Answer>, VlmError> {
        let questions: Vec<String> = questions.iter().map(|&text| text.to_owned()).collect();
        self.ask(view, &questions)
    }
}

impl Chat for DecisionVlm {
    fn chat(
        &self,
        _: Option<&View>,
        conversations: &[Vec<Turn>],
        _: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        let detail = "a decision model answers questions and does not write".to_owned();
        Ok(vec![Reply::Unavailable(Why::Failed { detail }); conversations.len()])
    }

    fn model(&self) -> &ModelId {
        &self.model
    }

    fn leaves_machine(&self) -> bool {
        self.line.leaves_machine()
    }
}
