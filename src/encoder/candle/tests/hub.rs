//! Fetching, against a server on this machine that speaks as the hub does.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::super::{DualEncoder, EncoderError};
use super::super::{Dual, Source};
use super::fixture;
use crate::hub::Hub;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A hub with one model, `tiny/<family>`, and a gated one, `tiny/gated`.
struct Server {
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(lacks: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, lacks, &log);
            }
        });
        Self { endpoint, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers one request for what a model holds, or for a file of it.
fn answer(mut stream: TcpStream, lacks: &str, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let parts: Vec<&str> = path.split('/').collect();
    let (status, code, content) = match parts.as_slice() {
        ["", "api", "models", "tiny", "gated", ..] => ("403 Forbidden", "GatedRepo", None),
        ["", "api", "models", "tiny", family, "revision", revision] => {
            match (listing(family, lacks), revision.starts_with("main")) {
                (Some(listing), true) => ("200 OK", "", Some(listing)),
                (Some(_), false) => ("404 Not Found", "RevisionNotFound", None),
                (None, _) => ("404 Not Found", "RepoNotFound", None),
            }
        }
        ["", "tiny", family, "resolve", COMMIT, file] if *file != lacks => {
            match fs_err::read(fixture(family).join(file)) {
                Ok(content) => ("200 OK", "", Some(content)),
                Err(_) => ("404 Not Found", "EntryNotFound", None),
            }
        }
        _ => ("404 Not Found", "RepoNotFound", None),
    };
    let content = content.unwrap_or_default();
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    write!(stream, "X-Repo-Commit: {COMMIT}\r\nX-Error-Code: {code}\r\n")?;
    write!(stream, "ETag: \"{}\"\r\n", crate::ids::Hash::of(path.as_bytes()))?;
    write!(stream, "Content-Length: {}\r\n\r\n", content.len())?;
    if method == "GET" {
        stream.write_all(&content)?;
    }
    stream.flush()
}

/// What the hub says of a model. It tells neither sizes nor hashes, as some mirrors don't.
fn listing(family: &str, lacks: &str) -> Option<Vec<u8>> {
    let entries = fs_err::read_dir(fixture(family)).ok()?;
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name != lacks);
    let files: Vec<_> = names.map(|name| serde_json::json!({ "rfilename": name })).collect();
    serde_json::to_vec(&serde_json::json!({ "sha": COMMIT, "siblings": files })).ok()
}

fn hub(server: &Server, cache: &tempfile::TempDir) -> Hub {
    Hub {
        endpoint: server.endpoint.clone(),
        cache: cache.path().to_path_buf(),
        token: Some("none".to_owned()),
        offline: false,
    }
}

fn refusal(name: &str, hub: &Hub) -> String {
    let error = Source::parse(name).unwrap().files(hub).unwrap_err();
    assert!(matches!(error, EncoderError::Hub { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_model_is_fetched_once_and_found_offline() {
    let (server, cache) = (Server::start("no such"), tempfile::tempdir().unwrap());
    let online = hub(&server, &cache);
    let source = Source::parse("hf:tiny/clip").unwrap();
    let files = source.files(&online).unwrap();
    let fetched = Dual::load(&files).unwrap();
    assert_eq!(fetched.model().name, "tiny/clip");
    let direct = Dual::load(&super::files("clip")).unwrap();
    assert_eq!(fetched.model().fingerprint, direct.model().fingerprint);
    let asked = server.asked();
    assert!(asked[0].starts_with("GET /api/models/tiny/clip/revision/main?"), "{asked:?}");
    // All files are asked for by the commit that the first answer named.
    let (by_commit, other): (Vec<&String>, Vec<&String>) =
        asked[1..].iter().partition(|request| request.contains(COMMIT));
    assert_eq!(by_commit.iter().filter(|request| request.starts_with("GET")).count(), 5);
    assert!(other.is_empty(), "{other:?}");

    let offline = Hub { offline: true, ..online };
    let again = Dual::load(&source.files(&offline).unwrap()).unwrap();
    assert_eq!(again.model().fingerprint, fetched.model().fingerprint);
    assert_eq!(server.asked().len(), asked.len(), "nothing was asked");
    let error = refusal("hf:tiny/siglip", &offline);
    assert!(error.contains("`config.json` is not in the cache"), "{error}");
}

#[test]
fn what_can_not_be_fetched_says_why() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start("model.safetensors");
    let online = hub(&server, &cache);
    let error = refusal("hf:tiny/clip@main", &online);
    assert!(error.contains("`tiny/clip@main`") && error.contains("save_pretrained"), "{error}");
    let error = refusal("hf:tiny/nothing", &online);
    assert!(error.contains("`tiny/nothing`"), "{error}");
    let error = refusal("hf:tiny/gated", &online);
    assert!(error.contains("gated") && error.contains("token"), "{error}");
    let error = refusal("hf:tiny/clip@v2", &online);
    assert!(error.contains("revision"), "{error}");
    let nowhere = Hub { endpoint: "http://127.0.0.1:9".to_owned(), ..online };
    let error = refusal("hf:tiny/siglip", &nowhere);
    assert!(error.contains("can't be reached"), "{error}");
    for bad in ["hf:", "hf:clip", "hf:a/b/c", "hf:../x", "hf:a/b@", "hf:a/b@../c", "hf:a/b?c"] {
        assert!(Source::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_old_model_without_a_tokenizer_s_settings_is_taken() {
    let (server, cache) = (Server::start("tokenizer_config.json"), tempfile::tempdir().unwrap());
    let files = Source::parse("hf:tiny/clip").unwrap().files(&hub(&server, &cache)).unwrap();
    assert!(Dual::load(&files).is_ok());
}
