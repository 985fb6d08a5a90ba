//! A server on this machine that speaks as the Hugging Face hub does, with its faults at will.
//!
//! It has two addresses: the hub, which knows the repositories, and the place where large files
//! lie, to which the hub sends whoever asks for one.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use sha2::{Digest, Sha256};

/// The commit that `main` is at in the beginning.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// The commit of the branch `next`.
pub(crate) const NEXT: &str = "fedcba9876543210fedcba9876543210fedcba98";

/// What goes wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// Large files break off after so many bytes, this often.
    pub(crate) break_after: Option<(usize, u32)>,
    /// Large files have another content than the hub says.
    pub(crate) damaged: bool,
    /// Requests for the rest of a file are answered with all of it.
    pub(crate) ignores_ranges: bool,
    /// What the hub tells has neither sizes nor hashes.
    pub(crate) tells_little: bool,
    /// The hub answers 503 so often.
    pub(crate) unwell: u32,
}

/// One request, as it was made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) token: Option<String>,
    pub(crate) range: Option<String>,
    pub(crate) of_large_files: bool,
}

#[derive(Default)]
struct State {
    repositories: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    gated: BTreeMap<String, String>,
    faults: Faults,
    asked: Vec<Asked>,
}

/// A running hub.
pub(crate) struct HubServer {
    pub(crate) endpoint: String,
    state: Arc<Mutex<State>>,
}

impl HubServer {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let files = listen(Arc::clone(&state), None);
        let endpoint = listen(Arc::clone(&state), Some(files));
        Self { endpoint, state }
    }

    /// Gives a repository files, by name.
    pub(crate) fn has(&self, repository: &str, files: &[(&str, &[u8])]) -> &Self {
        let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec()));
        lock(&self.state).repositories.entry(repository.to_owned()).or_default().extend(files);
        self
    }

    /// The same for a pair of `tests/models`, under the names that the hub would give it.
    pub(crate) fn has_pair(&self, repository: &str, family: &str) -> &Self {
        let read = |name: String| fs_err::read(Path::new("tests/models").join(name)).unwrap();
        let model = read(format!("{family}.gguf"));
        let projector = read(format!("{family}-mmproj.gguf"));
        let names = [format!("{family}-Q8_0.gguf"), format!("mmproj-{family}-f16.gguf")];
        self.has(repository, &[(&names[0], &model), (&names[1], &projector), ("README.md", b"# x")])
    }

    /// Lets only this token see a repository.
    pub(crate) fn gate(&self, repository: &str, token: &str) {
        lock(&self.state).gated.insert(repository.to_owned(), token.to_owned());
    }

    pub(crate) fn faults(&self, faults: Faults) {
        lock(&self.state).faults = faults;
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut lock(&self.state).asked)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until the process ends; with `files`, as the hub, else as where large files lie.
fn listen(state: Arc<Mutex<State>>, files: Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever hangs up is served by the next connection.
            let _ = serve(stream, &state, files.as_deref());
        }
    });
    address
}

struct Response {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Bytes of the body that are sent before the connection is cut.
    cut: Option<usize>,
}

fn plain(status: &'static str, headers: &[(&'static str, &str)], body: &[u8]) -> Response {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Response { status, headers, body: body.to_vec(), cut: None }
}

fn serve(stream: TcpStream, state: &Mutex<State>, files: Option<&str>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut headers = BTreeMap::new();
    for header in lines.map_while(Result::ok).take_while(|header| !header.is_empty()) {
        if let Some((name, value)) = header.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    let asked = Asked {
        line,
        token: headers.get("authorization").cloned(),
        range: headers.get("range").cloned(),
        of_large_files: files.is_none(),
    };
    let mut state = lock(state);
    state.asked.push(asked.clone());
    let mut words = asked.line.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let response = match files {
        Some(files) => hub(&mut state, path, &asked, files),
        None => large(&mut state, path, &asked),
    };
    drop(state);
    write!(out, "HTTP/1.1 {}\r\nConnection: close\r\n", response.status)?;
    for (name, value) in &response.headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    write!(out, "Content-Length: {}\r\n\r\n", response.body.len())?;
    if method == "GET" {
        out.write_all(&response.body[..response.cut.unwrap_or(response.body.len())])?;
    }
    out.flush()
}

fn hub(state: &mut State, path: &str, asked: &Asked, files: &str) -> Response {
    if state.faults.unwell > 0 {
        state.faults.unwell -= 1;
        return plain("503 Service Unavailable", &[], b"");
    }
    let path = path.split('?').next().unwrap_or(path);
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (owner, name, rest) = match parts.as_slice() {
        ["api", "models", owner, name, "revision", revision] => (*owner, *name, vec![*revision]),
        [owner, name, "resolve", rest @ ..] => (*owner, *name, rest.to_vec()),
        _ => return plain("404 Not Found", &[("X-Error-Code", "RepoNotFound")], b""),
    };
    let repository = format!("{owner}/{name}");
    if let Some(token) = state.gated.get(&repository) {
        let given = asked.token.as_deref();
        if given.is_none() {
            return plain("401 Unauthorized", &[("X-Error-Code", "GatedRepo")], b"who asks?");
        }
        if given != Some(&format!("Bearer {token}")) {
            return plain("403 Forbidden", &[("X-Error-Code", "GatedRepo")], b"not you");
        }
    }
    let Some(held) = state.repositories.get(&repository) else {
        return plain("404 Not Found", &[("X-Error-Code", "RepoNotFound")], b"");
    };
    let commit = match rest.first() {
        Some(&"main" | &COMMIT) => COMMIT,
        Some(&"next" | &NEXT) => NEXT,
        _ => return plain("404 Not Found", &[("X-Error-Code", "RevisionNotFound")], b""),
    };
    match rest.get(1..).filter(|file| !file.is_empty()) {
        None => told(held, commit, state.faults.tells_little),
        Some(file) => match held.get(&file.join("/")) {
            None => plain("404 Not Found", &[("X-Error-Code", "EntryNotFound")], b""),
            Some(content) => sent_on(content, commit, &format!("{files}{path}?signature=secret")),
        },
    }
}

/// What a repository holds, as `?blobs=true` asks for.
fn told(held: &BTreeMap<String, Vec<u8>>, commit: &str, little: bool) -> Response {
    let files: Vec<_> = held
        .iter()
        .map(|(name, content)| match (little, name.contains(".gguf")) {
            (true, _) => json!({ "rfilename": name }),
            (false, false) => {
                json!({ "rfilename": name, "size": content.len(), "blobId": &sha256(content)[..40] })
            }
            (false, true) => json!({
                "rfilename": name, "size": content.len(), "blobId": &sha256(name.as_bytes())[..40],
                "lfs": { "sha256": sha256(content), "size": content.len(), "pointerSize": 134 },
            }),
        })
        .collect();
    let body = json!({ "sha": commit, "cardData": { "license": "mit" }, "siblings": files });
    plain("200 OK", &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

/// The hub tells of a large file, and where it lies.
fn sent_on(content: &[u8], commit: &str, location: &str) -> Response {
    let tag = format!("\"{}\"", sha256(content));
    let size = content.len().to_string();
    plain(
        "302 Found",
        &[
            ("X-Repo-Commit", commit),
            ("X-Linked-ETag", &tag),
            ("X-Linked-Size", &size),
            ("Location", location),
        ],
        b"",
    )
}

fn large(state: &mut State, path: &str, asked: &Asked) -> Response {
    let path = path.split('?').next().unwrap_or(path);
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let [owner, name, "resolve", _, file @ ..] = parts.as_slice() else {
        return plain("404 Not Found", &[], b"");
    };
    let held = state.repositories.get(&format!("{owner}/{name}"));
    let Some(content) = held.and_then(|held| held.get(&file.join("/"))) else {
        return plain("404 Not Found", &[], b"");
    };
    let mut content = content.clone();
    if let Some(last) = content.last_mut().filter(|_| state.faults.damaged) {
        *last ^= 1;
    }
    let from = asked.range.as_ref().filter(|_| !state.faults.ignores_ranges);
    let from = from.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let mut response = match from {
        None => plain("200 OK", &[], &content),
        Some(from) => {
            let (last, all) = (content.len() - 1, content.len());
            let range = format!("bytes {from}-{last}/{all}");
            plain("206 Partial Content", &[("Content-Range", &range)], &content[from..])
        }
    };
    if let Some((bytes, times)) = state.faults.break_after.filter(|(_, times)| *times > 0) {
        state.faults.break_after = Some((bytes, times - 1));
        response.cut = Some(bytes.min(response.body.len()));
    }
    response
}

/// As the hub writes it.
pub(crate) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
