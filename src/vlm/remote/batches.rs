//! OpenAI's Batch API: files of requests are handed in, and their answers fetched when they are
//! there, for half the price (`POST /files`, `POST /batches`, `GET /batches/ID`,
//! `GET /files/ID/content`). Azure has the same below a resource's `openai/v1`; there a file may have to be
//! read first (`GET /files/ID`), and words of state may be capitalised.
//!
//! Every step is noted in the [`Desk`] before the next, so that a run that was cut off goes on where
//! it was: a file that the server has is not sent again, a batch that is begun is not begun again.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::desk::{Desk, Shard, State};
use super::line::{self, Heard};
use super::outcome::{self, Snag};
use super::tape::{Line, TapeError};
use super::{RemoteError, RemoteOptions, Usage, address};
use crate::ids::Hash;
use crate::vlm::VlmError;

/// How often a batch that is waited for is asked after.
const PAUSE: Duration = Duration::from_secs(30);
/// How often a file is asked after that the server has not read yet.
const READING_PAUSE: Duration = Duration::from_secs(2);
/// A file of two hundred megabytes takes its time.
const LONGEST_TRANSFER: Duration = Duration::from_mins(30);

/// The line to a server's batches.
#[derive(Debug)]
pub struct Batches {
    client: reqwest::Client,
    options: RemoteOptions,
    desk: Desk,
    runtime: Runtime,
}

/// How the questions of a desk stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Answers that came in just now.
    pub answered: usize,
    /// Batches that the server works on.
    pub under_way: usize,
    /// Questions in these.
    pub requests: usize,
}

impl Batches {
    /// Makes ready; nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteError`] when the address or the key can't be right.
    pub fn open(options: RemoteOptions, desk: Desk) -> Result<Self, RemoteError> {
        let transfers = RemoteOptions { timeout: LONGEST_TRANSFER, ..options };
        let url = address::endpoint(&transfers.address, "batches", &transfers.query)?;
        let client = line::client(&transfers, &url)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| RemoteError::Client { detail: error.to_string() })?;
        Ok(Self { client, options: transfers, desk, runtime })
    }

    /// The folder.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Hands in what waits.
    ///
    /// # Errors
    /// When the server or the folder can't be reached, or the server does not want it.
    pub fn send(&self) -> Result<Standing, VlmError> {
        self.desk.close()?;
        let mut standing = Standing::default();
        for shard in self.desk.shards()? {
            let state = if shard.state.batch.is_some() { shard.state } else { self.begin(&shard)? };
            standing.under_way += 1;
            standing.requests += state.requests;
        }
        Ok(standing)
    }

    /// Takes in what the server has answered; waits for all that is under way if it is to.
    ///
    /// # Errors
    /// As [`send`](Self::send), and when the server says that a batch has failed.
    pub fn fetch(&self, wait: bool) -> Result<Standing, VlmError> {
        let mut standing = Standing::default();
        for shard in self.desk.shards()? {
            let Some(batch) = shard.state.batch.clone() else { continue };
            let mut told = self.ask_after(&shard, &batch)?;
            while wait && is_under_way(&told) {
                std::thread::sleep(PAUSE);
                told = self.ask_after(&shard, &batch)?;
            }
            if is_under_way(&told) {
                standing.under_way += 1;
                standing.requests += shard.state.requests;
            } else {
                standing.answered += self.take(&shard, &told)?;
            }
        }
        Ok(standing)
    }

    /// Hands one file in and begins its batch.
    fn begin(&self, shard: &Shard) -> Result<State, VlmError> {
        let text = fs_err::read(&shard.path).map_err(TapeError::from)?;
        let requests = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        let mut state = State { requests, ..shard.state.clone() };
        let file = if let Some(file) = &state.file {
            file.clone()
        } else {
            let form = form(&format!("{:04}.jsonl", shard.number), &text);
            let told = json_of(&self.call("files", Some(&form))?)?;
            let file = id_of(&told)?;
            state.file = Some(file.clone());
            state.status = status_of(&told);
            self.desk.keep_state(shard.number, &state)?;
            file
        };
        self.until_read(shard, &file, &mut state)?;
        let begin = json!({
            "input_file_id": file, "endpoint": endpoint(&text)?, "completion_window": "24h",
        });
        let body = ("application/json".to_owned(), begin.to_string().into_bytes());
        let told = json_of(&self.call("batches", Some(&body))?)?;
        state.batch = Some(id_of(&told)?);
        state.status = status_of(&told);
        self.desk.keep_state(shard.number, &state)?;
        Ok(state)
    }

    /// Waits until the server has read a file, which Azure takes its time for.
    fn until_read(&self, shard: &Shard, file: &str, state: &mut State) -> Result<(), VlmError> {
        let since = Instant::now();
        while is(state.status.as_deref(), &["pending", "running", "notrunning"]) {
            if since.elapsed() > LONGEST_TRANSFER {
                return Err(broken("the server has not read the file that it was sent"));
            }
            std::thread::sleep(READING_PAUSE);
            state.status = status_of(&json_of(&self.call(&format!("files/{file}"), None)?)?);
            self.desk.keep_state(shard.number, state)?;
        }
        if is(state.status.as_deref(), &["error", "failed"]) {
            let again = State { requests: state.requests, ..State::default() };
            self.desk.keep_state(shard.number, &again)?;
            return Err(broken("the server could not read the file that it was sent"));
        }
        Ok(())
    }

    fn ask_after(&self, shard: &Shard, batch: &str) -> Result<Value, VlmError> {
        let told = json_of(&self.call(&format!("batches/{batch}"), None)?)?;
        let state = State { status: status_of(&told), ..shard.state.clone() };
        self.desk.keep_state(shard.number, &state)?;
        Ok(told)
    }

    /// Takes the answers of a batch in that is over, whole or not.
    fn take(&self, shard: &Shard, told: &Value) -> Result<usize, VlmError> {
        let mut answers = Vec::new();
        for name in ["output_file_id", "error_file_id"] {
            if let Some(file) = told[name].as_str() {
                let text = self.call(&format!("files/{file}/content"), None)?;
                answers.extend(text.lines().filter_map(answer));
            }
        }
        for line in &answers {
            self.options.meter.took(Usage::of(&line.response));
        }
        let taken = self.desk.take(shard, answers)?;
        if is(told["status"].as_str(), &["failed"]) {
            let words = told.pointer("/errors/data/0/message").and_then(Value::as_str);
            let words = words.unwrap_or("it does not say why");
            return Err(broken(&format!(
                "the server could not use batch {} of {} requests: {}",
                shard.number,
                shard.state.requests,
                Heard::new(&self.options, 200, None, String::new()).words(words)
            )));
        }
        Ok(taken)
    }

    /// Fetches what lies at a path, or posts a body of some kind there; again after a passing failure.
    fn call(&self, path: &str, body: Option<&(String, Vec<u8>)>) -> Result<String, VlmError> {
        let url = address::endpoint(&self.options.address, path, &self.options.query);
        let url = url.map_err(|error| broken(&error.to_string()))?;
        let once = || async {
            let request = match body {
                None => self.client.get(url.clone()),
                Some((kind, body)) => {
                    self.client.post(url.clone()).header("Content-Type", kind).body(body.clone())
                }
            };
            let failed = |error| outcome::broken(&self.options, error);
            let response = request.send().await.map_err(failed)?;
            let status = response.status();
            let text = response.text().await.map_err(failed)?;
            if status.is_success() {
                return Ok(text);
            }
            Err(Heard::new(&self.options, status.as_u16(), None, text).snag())
        };
        let waits = ExponentialBuilder::default()
            .with_min_delay(self.options.first_wait)
            .with_max_times(self.options.retries)
            .with_jitter();
        let tried = self
            .runtime
            .block_on(once.retry(waits).when(|snag: &Snag| matches!(snag, Snag::Passing { .. })));
        tried.map_err(|snag| match snag {
            Snag::Fatal(error) => error,
            Snag::Passing { detail, .. } => broken(&detail),
            Snag::Final(why) | Snag::Rephrase(why) => broken(&why.to_string()),
        })
    }
}

/// Whether the server is still at it.
fn is_under_way(told: &Value) -> bool {
    !is(told["status"].as_str(), &["completed", "failed", "expired", "cancelled"])
}

/// The server's word for how something stands.
fn status_of(told: &Value) -> Option<String> {
    told["status"].as_str().map(str::to_owned)
}

/// Whether a word of the server is one of ours, however it is written.
fn is(word: Option<&str>, ours: &[&str]) -> bool {
    word.is_some_and(|word| ours.iter().any(|one| word.eq_ignore_ascii_case(one)))
}

/// One answer of a batch; nothing for a request that was never asked, such as one that came too
/// late in the day.
fn answer(line: &str) -> Option<Line> {
    let line: Value = serde_json::from_str(line).ok()?;
    let key = Hash::try_from(line["custom_id"].as_str()?.to_owned()).ok()?;
    let response = line.get("response").filter(|response| !response.is_null())?;
    let status = response["status_code"].as_u64().and_then(|status| u16::try_from(status).ok())?;
    // What passes is asked again.
    let passes = matches!(status, 408 | 429 | 500..);
    let request = json!({ "batch": line["id"] });
    let body = response["body"].to_string();
    (!passes).then(|| Line::now(key, "batch", request, status, &body))
}

/// A form with one file, as `POST /files` wants it.
fn form(name: &str, text: &[u8]) -> (String, Vec<u8>) {
    let draw = || RandomState::new().hash_one("boundary");
    let boundary = format!("praetor-{:016x}{:016x}", draw(), draw());
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/jsonl\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let body = [head.as_bytes(), text, tail.as_bytes()].concat();
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// The method that a file's requests call: one for all, since they are of one kind of model.
fn endpoint(text: &[u8]) -> Result<String, VlmError> {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first: Value = serde_json::from_slice(first).map_err(|error| broken(&error.to_string()))?;
    Ok(first["url"].as_str().unwrap_or_default().to_owned())
}

fn json_of(text: &str) -> Result<Value, VlmError> {
    serde_json::from_str(text)
        .map_err(|error| broken(&format!("the server's answer is not JSON: {error}")))
}

fn id_of(told: &Value) -> Result<String, VlmError> {
    let id = told["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| broken("the server's answer has no `id`"))
}

fn broken(detail: &str) -> VlmError {
    VlmError::Batch { detail: detail.to_owned() }
}

impl From<TapeError> for VlmError {
    fn from(error: TapeError) -> Self {
        Self::Recording { detail: error.to_string() }
    }
}
