//! The line to a server: questions go out a few at a time, and each comes back as an answer or as
//! what stood in its way.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::meter::Usage;
use super::outcome::{self, Snag};
use super::tape::{self, Tape};
use super::{Desk, Farewell, KeyHeader, RemoteError, RemoteOptions, Sheet, address};
use crate::ids::Hash;
use crate::verdict::Why;
use crate::vlm::VlmError;

/// Bytes of an answer at most; a longer one is none.
const MOST_BYTES: usize = 4 << 20;
/// A server that wants to be left alone for longer is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// Kept connections are dropped after so long without a request: llama-server hangs up after five
/// seconds, which is noticed too late.
const IDLE: Duration = Duration::from_secs(4);
/// A question is put in so many forms at most before it is given up.
const MOST_MANNERS: usize = 12;

/// How one kind of question is written and how its answer is read.
pub(in crate::vlm) trait Ask: Send + Sync + 'static {
    /// What comes of it.
    type Reply: Send + 'static;
    /// What of the server's language it is written in: learned from its complaints.
    type Manner: Send + Sync;

    /// How it is to be written now.
    fn manner(&self) -> Self::Manner;
    /// The request.
    fn body(&self, manner: &Self::Manner) -> Value;
    /// What makes it this question and no other, however it has to be written.
    fn identity(&self) -> Value;
    /// The view it is about, if any.
    fn sheet(&self) -> Option<&Sheet>;
    /// Reads the answer to a request that was written in `manner`.
    fn read(&self, manner: &Self::Manner, heard: &Heard<'_>) -> Result<Self::Reply, Snag>;
}

/// What a server answered.
pub(in crate::vlm) struct Heard<'a> {
    pub(in crate::vlm) options: &'a RemoteOptions,
    pub(in crate::vlm) status: u16,
    /// How long it wants to be left alone.
    pub(in crate::vlm) wait: Option<Duration>,
    pub(in crate::vlm) text: String,
    /// The text as JSON, where it is.
    pub(in crate::vlm) json: Option<Value>,
}

impl<'a> Heard<'a> {
    pub(super) fn new(
        options: &'a RemoteOptions,
        status: u16,
        wait: Option<Duration>,
        text: String,
    ) -> Self {
        let json = serde_json::from_str(&text).ok();
        Self { options, status, wait, text, json }
    }
}

/// The line to one method of a server. It blocks until answers are there, and must not be used from
/// asynchronous code.
#[derive(Debug)]
pub(in crate::vlm) struct Line {
    wire: Arc<Wire>,
    runtime: Runtime,
}

#[derive(Debug)]
struct Wire {
    client: reqwest::Client,
    url: reqwest::Url,
    path: &'static str,
    options: RemoteOptions,
    /// Lets so many requests through at a time, whoever asks.
    turnstile: Arc<Semaphore>,
}

impl Line {
    /// Makes ready to talk; nothing is sent yet.
    pub(in crate::vlm) fn open(
        options: RemoteOptions,
        path: &'static str,
    ) -> Result<Self, RemoteError> {
        let url = address::endpoint(&options.address, path, &options.query)?;
        let client = client(&options, &url)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unmade(&error))?;
        let turnstile = Arc::new(Semaphore::new(options.concurrency.max(1)));
        Ok(Self { wire: Arc::new(Wire { client, url, path, options, turnstile }), runtime })
    }

    /// Where it leads.
    pub(in crate::vlm) fn url(&self) -> &str {
        self.wire.url.as_str()
    }

    /// With what it was opened.
    pub(in crate::vlm) fn options(&self) -> &RemoteOptions {
        &self.wire.options
    }

    /// Whether what is sent over it leaves this machine. A replay, which sends nothing, says what its
    /// recording said.
    pub(in crate::vlm) fn leaves_machine(&self) -> bool {
        !address::is_here(&self.wire.url)
    }

    /// Asks all questions, a few at a time; what came of each, in their order.
    pub(in crate::vlm) fn ask_all<Question: Ask>(
        &self,
        questions: Vec<Question>,
    ) -> Result<Vec<Result<Question::Reply, Why>>, VlmError> {
        self.runtime.block_on(async {
            let mut under_way = JoinSet::new();
            let mut replies: Vec<_> = questions.iter().map(|_| Err(broken_off())).collect();
            for (index, question) in questions.into_iter().enumerate() {
                let wire = self.wire.clone();
                under_way.spawn(async move {
                    let _turn = wire.turnstile.acquire().await;
                    (index, wire.ask(&question).await)
                });
            }
            while let Some(done) = under_way.join_next().await {
                if let Ok((index, reply)) = done {
                    replies[index] = reply?;
                }
            }
            Ok(replies)
        })
    }
}

/// A client that knows the key, and goes where it is told and nowhere else.
pub(super) fn client(
    options: &RemoteOptions,
    url: &reqwest::Url,
) -> Result<reqwest::Client, RemoteError> {
    let mut headers = reqwest::header::HeaderMap::new();
    if let Some(key) = &options.key {
        let (name, before) = match options.key_header {
            KeyHeader::Bearer => ("authorization", "Bearer "),
            KeyHeader::ApiKey => ("api-key", ""),
        };
        headers.insert(name, key.header(before).ok_or(RemoteError::Key)?);
    }
    let mut builder = reqwest::Client::builder()
        .timeout(options.timeout)
        .pool_idle_timeout(IDLE)
        .default_headers(headers)
        // A key goes to the address that was named and nowhere else.
        .redirect(reqwest::redirect::Policy::none());
    if address::is_here(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| unmade(&error))
}

/// What a server answers, unless it is longer than may be.
pub(super) async fn bytes_of(response: &mut reqwest::Response) -> reqwest::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

fn unmade(error: &dyn std::fmt::Display) -> RemoteError {
    RemoteError::Client { detail: error.to_string() }
}

fn broken_off() -> Why {
    Why::Failed { detail: "the request was broken off".to_owned() }
}

impl Wire {
    /// One question's answer, however often it has to be asked for.
    async fn ask<Question: Ask>(
        &self,
        question: &Question,
    ) -> Result<Result<Question::Reply, Why>, VlmError> {
        match &self.options.tape {
            Tape::Replay(recording) => return self.replay(recording, question),
            Tape::Batch(desk) => return self.ask_later(desk, question),
            Tape::Off | Tape::Record(_) => {}
        }
        let waits = ExponentialBuilder::default()
            .with_min_delay(self.options.first_wait)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(self.options.retries)
            .with_jitter();
        let tried = (|| self.try_once(question))
            .retry(waits)
            .when(|snag| matches!(snag, Snag::Passing { .. }))
            .adjust(|snag, planned| match snag {
                // A little more than was asked for, not the same for all who wait.
                Snag::Passing { wait: Some(asked), .. } => {
                    planned.map(|planned| *asked + planned / 8).filter(|_| *asked <= LONGEST_WAIT)
                }
                _ => planned,
            })
            .notify(|snag, wait| tracing::debug!("asking again in {wait:?}: {snag:?}"));
        match tried.await {
            Ok(reply) => Ok(Ok(reply)),
            Err(Snag::Final(why)) => {
                if why == Why::Filtered {
                    self.options.meter.blocked()?;
                }
                Ok(Err(why))
            }
            Err(Snag::Rephrase(why)) => Ok(Err(why)),
            Err(Snag::Passing { detail, .. }) => Ok(Err(Why::Failed { detail })),
            Err(Snag::Fatal(error)) => Err(error),
        }
    }

    /// Sends one request, again at once where the server did not understand its form.
    async fn try_once<Question: Ask>(&self, question: &Question) -> Result<Question::Reply, Snag> {
        let mut last = broken_off();
        for _ in 0..MOST_MANNERS {
            let manner = question.manner();
            let body = question.body(&manner);
            let heard = self.send(&body).await?;
            let read = question.read(&manner, &heard);
            match read {
                Err(Snag::Rephrase(why)) => last = why,
                Err(Snag::Passing { .. } | Snag::Fatal(_)) => return read,
                Ok(_) | Err(Snag::Final(_)) => {
                    self.keep(question, &body, &heard, &read)?;
                    return read;
                }
            }
        }
        Err(Snag::Final(last))
    }

    async fn send(&self, body: &Value) -> Result<Heard<'_>, Snag> {
        self.options.meter.sending().map_err(Snag::Fatal)?;
        let request = self.client.post(self.url.clone()).json(body);
        let broken = |error: reqwest::Error| outcome::broken(&self.options, error);
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let wait = outcome::wait(response.headers());
        let headers = response.headers().clone();
        let Some(bytes) = bytes_of(&mut response).await.map_err(broken)? else {
            let detail = format!("the server's answer is longer than {MOST_BYTES} bytes");
            return Err(Snag::Final(Why::Failed { detail }));
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let heard = Heard::new(&self.options, status, wait, text);
        if let Some(json) = &heard.json {
            self.options.meter.took(Usage::of(json));
        }
        if let Some(farewell) = Farewell::of(&headers, heard.json.as_ref()) {
            self.options.meter.heard(farewell);
        }
        Ok(heard)
    }

    fn key_of(&self, question: &impl Ask) -> Hash {
        let identity = hidden(question.sheet(), &question.identity());
        Hash::of_parts([b"praetor tape 1".as_slice(), self.path.as_bytes(), identity.as_bytes()])
    }

    /// Writes an answer down that is one.
    fn keep<Question: Ask>(
        &self,
        question: &Question,
        body: &Value,
        heard: &Heard<'_>,
        read: &Result<Question::Reply, Snag>,
    ) -> Result<(), Snag> {
        let Tape::Record(recorder) = &self.options.tape else { return Ok(()) };
        let answered = (200..300).contains(&heard.status) && heard.json.is_some();
        if !answered && !matches!(read, Err(Snag::Final(Why::Filtered | Why::Refused))) {
            return Ok(());
        }
        let shown = |text: String| match &self.options.key {
            Some(key) => key.hidden_in(&text),
            None => text,
        };
        let request = serde_json::from_str(&shown(hidden(question.sheet(), body)));
        let line = tape::Line::now(
            self.key_of(question),
            self.path,
            request.unwrap_or_default(),
            heard.status,
            &shown(heard.text.clone()),
        );
        // A recording with holes is worth less than a run that says so.
        recorder.keep(&line).map_err(|error| {
            let path = recorder.path().display();
            Snag::Fatal(VlmError::Recording { detail: format!("can't write `{path}`: {error}") })
        })
    }

    fn replay<Question: Ask>(
        &self,
        recording: &super::Recording,
        question: &Question,
    ) -> Result<Result<Question::Reply, Why>, VlmError> {
        let Some((status, text)) = recording.find(&self.key_of(question)) else {
            return Ok(Err(Why::NotRecorded));
        };
        self.options.meter.replayed();
        let heard = Heard::new(&self.options, status, None, text.to_owned());
        match question.read(&question.manner(), &heard) {
            Ok(reply) => Ok(Ok(reply)),
            Err(Snag::Final(why) | Snag::Rephrase(why)) => Ok(Err(why)),
            Err(Snag::Passing { detail, .. }) => Ok(Err(Why::Failed { detail })),
            Err(Snag::Fatal(error)) => Err(error),
        }
    }

    /// The answer, if it has come; else the question is written down, to be handed in.
    fn ask_later<Question: Ask>(
        &self,
        desk: &Desk,
        question: &Question,
    ) -> Result<Result<Question::Reply, Why>, VlmError> {
        let key = self.key_of(question);
        if let Some((status, text)) = desk.find(&key) {
            let heard = Heard::new(&self.options, status, None, text);
            match question.read(&question.manner(), &heard) {
                Ok(reply) => {
                    self.options.meter.replayed();
                    return Ok(Ok(reply));
                }
                Err(Snag::Final(why)) => return Ok(Err(why)),
                Err(Snag::Fatal(error)) => return Err(error),
                // In other words now, or another time.
                Err(Snag::Rephrase(_) | Snag::Passing { .. }) => {}
            }
        }
        let body = question.body(&question.manner());
        desk.gather(key, self.path, &body).map_err(|error| {
            let folder = desk.folder().display();
            VlmError::Recording { detail: format!("can't write into `{folder}`: {error}") }
        })?;
        Ok(Err(Why::Waiting))
    }
}

/// A request as a text, with its view's hash in the place of the view.
fn hidden(sheet: Option<&Sheet>, body: &Value) -> String {
    let text = body.to_string();
    match sheet {
        Some(sheet) => sheet.hidden_in(&text),
        None => text,
    }
}
