//! What all models behind servers share: the connection, the key, what an answer means, what is
//! counted, and what is recorded.
//!
//! A kind of server (`openai`, `decisions`, `systemone`) says how a question is written and how an
//! answer is read, as an `Ask`; the line here sends it. Many go out at once, a few at a time, over
//! connections that are kept. Passing failures are asked again, with waits that grow and vary and
//! that heed `Retry-After`; a content filter never is, since it would answer the same and take
//! offence. Which failures are those of one question and which of the whole run, `outcome` says.

mod address;
mod batches;
mod desk;
mod farewell;
mod key;
mod line;
mod meter;
mod outcome;
mod picture;
mod tape;

use std::sync::Arc;
use std::time::Duration;

pub use self::address::is_this_machine;
pub use self::batches::{Batches, Standing};
pub use self::desk::Desk;
pub use self::farewell::Farewell;
pub use self::key::Key;
pub(super) use self::line::{Ask, Heard, Line};
pub use self::meter::{Bounds, Meter, Prices, Usage};
pub(super) use self::outcome::Snag;
pub(super) use self::picture::Sheet;
pub use self::tape::{Recorder, Recording, Tape, TapeError};

/// OpenAI's own address.
pub const OPENAI_ADDRESS: &str = "https://api.openai.com/v1";

/// Which model to talk to, and how.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// The address below which the server's methods are, such as `https://api.openai.com/v1`.
    pub address: String,
    /// What is written after every method's address, such as Azure's `api-version`.
    pub query: Vec<(String, String)>,
    /// The model's name there.
    pub model: String,
    /// The key, if the server wants one.
    pub key: Option<Key>,
    /// How the key is sent.
    pub key_header: KeyHeader,
    /// What is added to every request as it is: settings of one server that others do not know.
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// Views with a longer side are shrunk to it before they are sent: a photograph goes along with
    /// every question about it.
    pub longest_side: Option<u32>,
    /// Requests under way at once.
    pub concurrency: usize,
    /// How long one request may take.
    pub timeout: Duration,
    /// How often a request is sent again after a passing failure.
    pub retries: usize,
    /// How long to wait before the first time, twice as long before the next, and so on; a server
    /// that says how long to wait is believed.
    pub first_wait: Duration,
    /// Counts what is asked, and stops the run at its bounds.
    pub meter: Arc<Meter>,
    /// Whether answers are kept, or come from where they were kept.
    pub tape: Tape,
}

/// How a key is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyHeader {
    /// `Authorization: Bearer …`, as OpenAI and nearly all others want it.
    #[default]
    Bearer,
    /// `api-key: …`, as Azure wants it.
    ApiKey,
}

impl RemoteOptions {
    /// A model at OpenAI: four requests at once, two minutes each, four retries.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            address: OPENAI_ADDRESS.to_owned(),
            query: Vec::new(),
            model: model.into(),
            key: None,
            key_header: KeyHeader::default(),
            extra: serde_json::Map::new(),
            longest_side: None,
            concurrency: 4,
            timeout: Duration::from_mins(2),
            retries: 4,
            first_wait: Duration::from_millis(500),
            meter: Arc::default(),
            tape: Tape::default(),
        }
    }
}

/// Why a server can't be talked to, before anything is sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
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
    /// A template can't be rendered.
    #[error("{detail}")]
    Prompt {
        /// Which, and why.
        detail: String,
    },
}
