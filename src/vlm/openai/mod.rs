//! Models behind any server that speaks OpenAI's `/chat/completions`: llama-server, vLLM, Ollama,
//! `OpenRouter`, OpenAI itself.
//!
//! It talks and does not judge yet: a [`Chat`] and no `Vlm`. Many conversations go out at once, a
//! few at a time. What a server does not understand (a JSON schema, a temperature, a name of a
//! limit) is left out from then on, see [`dialect`]; which answers are failures of the one
//! conversation and which of the whole run, [`outcome`] says.
//!
//! A key is given by the caller, goes to the one address, and is never shown.

mod dialect;
mod outcome;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::dialect::Dialect;
use self::outcome::Snag;
use super::chat::{Generate, Reply, Turn};
use super::{Chat, VlmError};
use crate::ids::{Hash, ModelId};
use crate::imaging::View;
use crate::verdict::Why;

/// OpenAI's own address.
pub const DEFAULT_ADDRESS: &str = "https://api.openai.com/v1";
/// Bytes of an answer at most; a longer one is none.
const MOST_BYTES: usize = 4 << 20;
/// A server that wants to be left alone for longer is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(90);

/// Which model to talk to, and how.
#[derive(Clone, Debug)]
pub struct OpenAiOptions {
    /// The address below which `/chat/completions` is.
    pub address: String,
    /// The model's name there.
    pub model: String,
    /// The key, if the server wants one.
    pub key: Option<Key>,
    /// Requests under way at once.
    pub concurrency: usize,
    /// How long one request may take.
    pub timeout: Duration,
    /// How often a request is sent again after a passing failure.
    pub retries: usize,
    /// How long to wait before the first time, twice as long before the next, and so on; a server
    /// that says how long to wait is believed.
    pub first_wait: Duration,
}

impl OpenAiOptions {
    /// A model at OpenAI: four requests at once, two minutes each, four retries.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            address: DEFAULT_ADDRESS.to_owned(),
            model: model.into(),
            key: None,
            concurrency: 4,
            timeout: Duration::from_mins(2),
            retries: 4,
            first_wait: Duration::from_millis(500),
        }
    }
}

/// A server's key: what shows it shows dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Takes a key in.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// A text without the key, should a server repeat it.
    fn hidden_in(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "…") }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why a server can't be talked to, before anything is sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenAiError {
    /// The address is none.
    #[error("`{address}` is not the address of a server: {detail}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The key can't be sent in a header.
    #[error("the key holds characters that no key has")]
    Key,
    /// The client can't be made.
    #[error("can't make requests: {detail}")]
    Client {
        /// What the system said.
        detail: String,
    },
}

/// A model behind a server.
///
/// Its methods block until the answers are there, and must not be called from asynchronous code.
#[derive(Debug)]
pub struct OpenAiChat {
    line: Arc<Line>,
    model: ModelId,
    runtime: Runtime,
    concurrency: usize,
}

/// What the requests share.
#[derive(Debug)]
struct Line {
    client: reqwest::Client,
    url: reqwest::Url,
    options: OpenAiOptions,
    dialect: Mutex<Dialect>,
}

impl OpenAiChat {
    /// Makes ready to talk; nothing is sent yet.
    ///
    /// # Errors
    /// [`OpenAiError`] when the address or the key can't be right.
    pub fn new(options: OpenAiOptions) -> Result<Self, OpenAiError> {
        let url = endpoint(&options.address)?;
        if let Some(key) = &options.key
            && reqwest::header::HeaderValue::from_str(&key.0).is_err()
        {
            return Err(OpenAiError::Key);
        }
        let failed =
            |error: &dyn std::fmt::Display| OpenAiError::Client { detail: error.to_string() };
        let mut builder = reqwest::Client::builder()
            .timeout(options.timeout)
            // A key goes to the address that was named and nowhere else.
            .redirect(reqwest::redirect::Policy::none());
        if is_this_machine(&url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| failed(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let fingerprint = Hash::of_parts([url.as_str().as_bytes(), options.model.as_bytes()]);
        let model = ModelId { name: options.model.clone(), fingerprint };
        let concurrency = options.concurrency.max(1);
        let line = Arc::new(Line { client, url, options, dialect: Mutex::default() });
        Ok(Self { line, model, runtime, concurrency })
    }
}

fn endpoint(address: &str) -> Result<reqwest::Url, OpenAiError> {
    let wrong = |detail: &dyn std::fmt::Display| OpenAiError::Address {
        address: address.to_owned(),
        detail: detail.to_string(),
    };
    let base = reqwest::Url::parse(address).map_err(|error| wrong(&error))?;
    if !["http", "https"].contains(&base.scheme()) || base.host_str().is_none() {
        return Err(wrong(&"it has to begin with `http://` or `https://`"));
    }
    let whole = format!("{}/chat/completions", address.trim_end_matches('/'));
    reqwest::Url::parse(&whole).map_err(|error| wrong(&error))
}

/// A proxy has no business between two programs of one machine.
fn is_this_machine(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Chat for OpenAiChat {
    fn chat(
        &self,
        view: Option<&View>,
        conversations: &[Vec<Turn>],
        generate: &Generate,
    ) -> Result<Vec<Reply>, VlmError> {
        let picture = match view.map(wire::picture).transpose() {
            Ok(picture) => picture,
            Err(detail) => {
                let reply = Reply::Unavailable(Why::Failed { detail });
                return Ok(vec![reply; conversations.len()]);
            }
        };
        self.runtime.block_on(async {
            let turnstile = Arc::new(Semaphore::new(self.concurrency));
            let mut under_way = JoinSet::new();
            for (index, turns) in conversations.iter().enumerate() {
                let (line, turnstile) = (self.line.clone(), turnstile.clone());
                let messages = wire::messages(picture.as_deref(), turns);
                let generate = generate.clone();
                under_way.spawn(async move {
                    let _turn = turnstile.acquire_owned().await;
                    (index, line.converse(&messages, &generate).await)
                });
            }
            let broken = || {
                let detail = "the request was broken off".to_owned();
                Reply::Unavailable(Why::Failed { detail })
            };
            let mut replies: Vec<Option<Reply>> = vec![None; conversations.len()];
            while let Some(done) = under_way.join_next().await {
                if let Ok((index, reply)) = done {
                    replies[index] = Some(reply?);
                }
            }
            Ok(replies.into_iter().map(|reply| reply.unwrap_or_else(broken)).collect())
        })
    }

    fn model(&self) -> &ModelId {
        &self.model
    }
}

impl Line {
    /// One conversation's reply, however often it has to be asked for.
    async fn converse(
        &self,
        messages: &serde_json::Value,
        generate: &Generate,
    ) -> Result<Reply, VlmError> {
        let waits = ExponentialBuilder::default()
            .with_min_delay(self.options.first_wait)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(self.options.retries)
            .with_jitter();
        let tried = (|| self.try_once(messages, generate))
            .retry(waits)
            .when(|snag| matches!(snag, Snag::Passing { .. }))
            .adjust(|snag, planned| match snag {
                Snag::Passing { wait: Some(asked), .. } => {
                    planned.and(Some(*asked)).filter(|wait| *wait <= LONGEST_WAIT)
                }
                _ => planned,
            })
            .notify(|snag, wait| tracing::debug!("asking again in {wait:?}: {snag:?}"));
        match tried.await {
            Ok(reply) => Ok(reply),
            Err(Snag::Final(why)) => Ok(Reply::Unavailable(why)),
            Err(Snag::Passing { detail, .. }) => Ok(Reply::Unavailable(Why::Failed { detail })),
            Err(Snag::Fatal(error)) => Err(error),
        }
    }

    /// Sends one request, again at once where the server did not understand its form.
    async fn try_once(
        &self,
        messages: &serde_json::Value,
        generate: &Generate,
    ) -> Result<Reply, Snag> {
        loop {
            let dialect = *self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
            let body = wire::request(&self.options.model, messages, generate, dialect);
            let (status, wait, text) = self.send(&body).await?;
            let simpler = dialect.simpler(status, &text, generate);
            let Some(simpler) = simpler else {
                let asked = outcome::Asked { options: &self.options, limit: generate.most_tokens };
                return outcome::of(&asked, status, wait, &text);
            };
            tracing::debug!("the server does not understand {dialect:?}, trying {simpler:?}");
            *self.dialect.lock().unwrap_or_else(PoisonError::into_inner) = simpler;
        }
    }

    async fn send(
        &self,
        body: &serde_json::Value,
    ) -> Result<(u16, Option<Duration>, String), Snag> {
        let mut request = self.client.post(self.url.clone()).json(body);
        if let Some(key) = &self.options.key {
            request = request.bearer_auth(&key.0);
        }
        let broken = |error: reqwest::Error| outcome::broken(&self.options, error);
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let wait = outcome::wait(response.headers());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST_BYTES {
                let detail = format!("the server's answer is longer than {MOST_BYTES} bytes");
                return Err(Snag::Final(Why::Failed { detail }));
            }
        }
        Ok((status, wait, String::from_utf8_lossy(&bytes).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new("sk-secret");
        let options = OpenAiOptions { key: Some(key.clone()), ..OpenAiOptions::new("m") };
        let chat = OpenAiChat::new(options).unwrap();
        assert!(!format!("{chat:?} {key:?}").contains("secret"));
        assert_eq!(key.hidden_in("no key sk-secret here"), "no key … here");
        let odd = OpenAiOptions { key: Some(Key::new("a\nb")), ..OpenAiOptions::new("m") };
        assert!(matches!(OpenAiChat::new(odd), Err(OpenAiError::Key)));
    }

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        let url = |address: &str| endpoint(address).map(|url| url.to_string());
        assert_eq!(url("http://a:1/v1/").unwrap(), "http://a:1/v1/chat/completions");
        for bad in ["", "localhost:8080/v1", "ftp://a/v1", "http://"] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
        for here in ["http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:8/v1"] {
            assert!(is_this_machine(&endpoint(here).unwrap()), "{here}");
        }
        assert!(!is_this_machine(&endpoint(DEFAULT_ADDRESS).unwrap()));
    }
}
