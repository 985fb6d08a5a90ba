//! Driving llama-server over HTTP: connections are kept alive, and so many requests are in flight.

use std::sync::Arc;
use std::time::Duration;

use praetor::vlm::YesNo;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::drivers::{Answered, Ask};
use crate::questions::{Picture, Question};
use crate::server::{Server, Setting};

/// What a request looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `/v1/chat/completions`, the image before the question.
    ImageFirst { in_flight: usize },
    /// `/v1/chat/completions`, the question before the image, one request after another.
    QuestionFirst,
    /// `/completion`: an array of prompts, each with the image.
    Array,
}

/// Tokens whose probabilities come back with an answer: all spellings of Yes and No among them.
const TOP: usize = 20;
/// Stands where the question goes in the rendered template.
const PLACE: &str = "THE-QUESTION";

/// A client of one server.
pub(crate) struct Http {
    runtime: Runtime,
    client: reqwest::Client,
    address: String,
    form: Form,
    /// Prompts that the server holds at once.
    pub(crate) slots: usize,
    /// The server's own rendering of its chat template, for `/completion`.
    template: Option<String>,
}

impl Http {
    pub(crate) fn new(server: &Server, form: Form) -> Outcome<Self> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            // The server hangs up after five idle seconds, which nobody here would notice in time.
            client: reqwest::Client::builder()
                .no_proxy()
                .pool_idle_timeout(Duration::from_secs(2))
                .build()?,
            address: server.address.clone(),
            form,
            slots: match server.setting {
                Setting::Tuned { slots, .. } => slots,
                Setting::Plain { .. } => 1,
            },
            template: None,
        })
    }

    fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        let url = format!("{}{path}", self.address);
        self.runtime.block_on(send(self.client.clone(), url, serde_json::to_vec(body)?))
    }

    /// Some questions, a few at a time.
    fn chat(&self, image: &str, questions: &[Question]) -> Outcome<Vec<Answered>> {
        let (image_first, in_flight) = match self.form {
            Form::ImageFirst { in_flight } => (true, in_flight),
            Form::QuestionFirst | Form::Array => (false, 1),
        };
        let url = format!("{}/v1/chat/completions", self.address);
        self.runtime.block_on(async {
            let limit = Arc::new(Semaphore::new(in_flight));
            let mut answers = vec![None; questions.len()];
            let mut requests = JoinSet::new();
            for (index, question) in questions.iter().enumerate() {
                let permit = Arc::clone(&limit).acquire_owned().await?;
                let body = serde_json::to_vec(&chat_body(image, &question.text, image_first))?;
                let sent = send(self.client.clone(), url.clone(), body);
                requests.spawn(async move {
                    let answer = sent.await;
                    drop(permit);
                    (index, answer)
                });
            }
            while let Some(done) = requests.join_next().await {
                let (index, answer) = done?;
                let first = answer?["choices"][0]["logprobs"]["content"][0]["top_logprobs"].take();
                answers[index] = yes_no(&first);
            }
            Ok(answers)
        })
    }

    /// All questions in one request.
    fn array(&mut self, image: &str, questions: &[Question]) -> Outcome<Vec<Answered>> {
        if self.template.is_none() {
            let rendered = self.post("/apply-template", &chat_body(image, PLACE, true))?;
            self.template = rendered["prompt"].as_str().map(str::to_owned);
        }
        let template = self.template.as_deref().ok_or("no template came back")?;
        let prompt = |question: &Question| {
            json!({
                "prompt_string": template.replace(PLACE, &question.text),
                "multimodal_data": [image],
            })
        };
        let mut replies = self.post(
            "/completion",
            &json!({
                "prompt": questions.iter().map(prompt).collect::<Vec<Value>>(),
                "n_predict": 1, "temperature": 0, "n_probs": TOP, "cache_prompt": true,
            }),
        )?;
        // One prompt alone comes back without its array.
        if replies.is_object() {
            replies = Value::Array(vec![replies]);
        }
        let mut answers = vec![None; questions.len()];
        for reply in replies.as_array().ok_or("no array came back")? {
            let index = reply["index"].as_u64().and_then(|index| usize::try_from(index).ok());
            let answer = index.and_then(|index| answers.get_mut(index)).ok_or("no such index")?;
            *answer = yes_no(&reply["completion_probabilities"][0]["top_logprobs"]);
        }
        Ok(answers)
    }
}

impl Ask for Http {
    /// Questions that begin alike are asked one after another, so that a slot goes on from as many
    /// words as it can.
    fn ask(&mut self, picture: &Picture, questions: &[Question]) -> Outcome<Vec<Answered>> {
        let image = picture.base64();
        let mut order: Vec<usize> = (0..questions.len()).collect();
        order.sort_by_key(|&index| &questions[index].text);
        let sorted: Vec<Question> = order.iter().map(|&index| questions[index].clone()).collect();
        let found = match self.form {
            Form::Array => self.array(&image, &sorted),
            Form::ImageFirst { .. } | Form::QuestionFirst => self.chat(&image, &sorted),
        };
        let mut answers = vec![None; questions.len()];
        for (index, answer) in order.into_iter().zip(found?) {
            answers[index] = answer;
        }
        Ok(answers)
    }
}

fn chat_body(image: &str, question: &str, image_first: bool) -> Value {
    let url = format!("data:image/png;base64,{image}");
    let mut content = vec![
        json!({"type": "image_url", "image_url": {"url": url}}),
        json!({"type": "text", "text": question}),
    ];
    if !image_first {
        content.reverse();
    }
    json!({
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 1, "temperature": 0, "logprobs": true, "top_logprobs": TOP,
        "cache_prompt": true,
    })
}

async fn send(client: reqwest::Client, url: String, body: Vec<u8>) -> Outcome<Value> {
    let request = client.post(&url).header("Content-Type", "application/json").body(body);
    let response = request.send().await?;
    let status = response.status();
    let bytes = response.bytes().await?;
    if !status.is_success() {
        return Err(format!("{url}: {status}: {}", String::from_utf8_lossy(&bytes)).into());
    }
    Ok(serde_json::from_slice(&bytes)?)
}

/// Sums over the spellings of Yes and No, as praetor does; nothing where one of them is missing.
fn yes_no(top: &Value) -> Answered {
    let mass = |word: &str| -> f64 {
        let tokens = top.as_array().into_iter().flatten();
        let says = |token: &&Value| {
            let text = token["token"].as_str().unwrap_or_default();
            text.strip_prefix(' ').unwrap_or(text).eq_ignore_ascii_case(word)
        };
        tokens.filter(says).filter_map(|token| token["logprob"].as_f64()).map(f64::exp).sum()
    };
    let (yes, no) = (mass("yes"), mass("no"));
    (yes > 0.0 && no > 0.0).then(|| YesNo { ln_yes: yes.ln(), ln_no: no.ln() })
}
