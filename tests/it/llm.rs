//! A language model behind a server of a few lines, which answers as a test wants it to: well,
//! sloppily, or not at all.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Such as `/v1/chat/completions`; the whole address where we are asked as a proxy.
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// As JSON, or as a text where it is none.
    pub(crate) body: Value,
}

impl Request {
    /// The question that the conversation began with.
    pub(crate) fn question(&self) -> &str {
        self.body["messages"][0]["content"].as_str().unwrap_or_default()
    }

    /// The last question, and whether a picture stands before it.
    pub(crate) fn about(&self) -> (String, bool) {
        let messages = self.body["messages"].as_array();
        let Some(last) = messages.and_then(|messages| messages.last()) else {
            return Default::default();
        };
        let content = &last["content"];
        let text = content.as_str().or_else(|| content[1]["text"].as_str()).unwrap_or_default();
        (text.to_owned(), content[0]["image_url"]["url"].is_string())
    }

    /// How often the model has answered already.
    pub(crate) fn turn(&self) -> usize {
        self.body["messages"].as_array().map_or(0, Vec::len) / 2
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Http {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// The connection is cut.
    Reset,
    /// The answer stops in its middle for so long.
    Slow(Duration),
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Http { status, headers, body: body.to_string() }
    }

    /// A whole answer with this text in it.
    pub(crate) fn said(text: &str) -> Self {
        Self::ended(text, "stop")
    }

    pub(crate) fn ended(text: &str, finish: &str) -> Self {
        let message = json!({ "role": "assistant", "content": text });
        Self::json(200, &json!({ "choices": [{ "message": message, "finish_reason": finish }] }))
    }
}

/// A server that is gone with its test.
pub(crate) struct Server {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Listens, and answers each request by the function, which also gets its number.
    pub(crate) fn start(
        answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (kept.clone(), answer.clone());
                std::thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let number = {
                        let mut kept = kept.lock().unwrap();
                        kept.push(request.clone());
                        kept.len()
                    };
                    write(stream, &answer(&request, number));
                });
            }
        });
        Self { address, requests }
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| text());
    Some(Request { path, headers, body })
}

/// A client that has hung up meanwhile is no error.
fn write(mut stream: TcpStream, answer: &Answer) {
    match answer {
        Answer::Http { status, headers, body } => {
            let lines: Vec<String> =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let headers = lines.concat();
            let length = body.len();
            // A server that sends its answer in pieces does not say how long it is.
            let body = if headers.contains("transfer-encoding") {
                format!("connection: close\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n")
            } else {
                format!("content-length: {length}\r\nconnection: close\r\n\r\n{body}")
            };
            let _ = write!(stream, "HTTP/1.1 {status} x\r\n{headers}{body}");
        }
        Answer::Reset => {}
        Answer::Slow(pause) => {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{{\"choices\":");
            let _ = stream.flush();
            std::thread::sleep(*pause);
        }
    }
}

/// The table of the stand-in that the guide uses.
fn table() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/scripted-llm/school.json");
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

/// The rest of the last line that begins so.
fn line<'a>(prompt: &'a str, beginning: &str) -> &'a str {
    prompt.lines().rev().find_map(|line| line.strip_prefix(beginning)).unwrap_or_default()
}

/// What a competent model answers to praetor's built-in prompts, about the rules of the guide.
pub(crate) fn competent(prompt: &str) -> Value {
    let table = table();
    let rules = table["rules"].as_array().unwrap();
    let wordings = |rule: &Value| rule["wordings"].as_array().unwrap().clone();
    let find = |text: &str| {
        let knows = |rule: &&Value| {
            rule["text"] == text
                || rule["rebuilt"] == text
                || wordings(rule).iter().any(|wording| wording["text"] == text)
        };
        rules.iter().find(knows).unwrap_or_else(|| panic!("`{text}` is not in the table")).clone()
    };
    if prompt.contains("how objective a rule") {
        let text = line(prompt, "Rule: ");
        let rule = find(text);
        let wording = wordings(&rule).into_iter().find(|wording| wording["text"] == text);
        let rated = wording.unwrap_or(rule);
        json!({ "explanation": rated["explanation"], "rating": rated["rating"] })
    } else if prompt.contains("becomes more objective") {
        let rule = find(line(prompt, "The rule as people wrote it: "));
        let is_new = |wording: &Value| {
            !prompt.contains(&format!("\n- {}\n", wording["text"].as_str().unwrap()))
        };
        json!({ "rule": wordings(&rule).into_iter().find(is_new).unwrap()["text"] })
    } else if prompt.contains("list the preconditions") {
        json!({ "preconditions": find(line(prompt, "Rule: "))["preconditions"] })
    } else if prompt.contains("central objects") {
        let statements = line(prompt, "Statement: ").split(" or ");
        json!({ "objects": statements.map(|one| table["objects"][one].clone()).collect::<Vec<_>>() })
    } else if prompt.contains("Write the rule that these lines stand for") {
        let items = prompt.lines().filter_map(|line| line.strip_prefix("- "));
        let chain: Vec<Vec<&str>> = items.map(|item| item.split(" OR ").collect()).collect();
        let rule = rules.iter().find(|rule| rule["preconditions"] == json!(chain)).unwrap();
        json!({ "rule": rule["rebuilt"] })
    } else {
        assert!(prompt.contains("Do they forbid the same images?"), "{prompt}");
        let same = find(line(prompt, "Rule A: ")) == find(line(prompt, "Rule B: "));
        json!({ "explanation": "x", "missing": [], "added": [], "same": same })
    }
}
