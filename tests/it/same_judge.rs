//! A real server: the demo model behind llama-server gives the verdicts that it gives in process.
//!
//! It takes a llama-server: `make same-judge` builds one, `PRAETOR_PEERS` names the folder of another.
//! Without one the test says that it has not run.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use praetor::verdict::{Finding, Verdict};

use crate::cli::Praetor;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How far apart in log-odds the two may be: the server rounds a question by itself, the engine in a
/// batch, and a server tells only the twenty likeliest tokens.
const APART: f64 = 0.05;

/// Where llama-server is, if it is anywhere.
fn program() -> Option<PathBuf> {
    let folder = std::env::var_os("PRAETOR_PEERS")
        .map_or_else(|| Path::new(ROOT).join("target/peers/bin"), PathBuf::from);
    let program = folder.join("llama-server");
    program.is_file().then_some(program)
}

/// llama-server with the demo model, gone with its test.
struct LlamaServer {
    child: Child,
    address: String,
}

impl LlamaServer {
    fn start(program: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let demo = Path::new(ROOT).join("models/demo");
        let child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--no-webui", "--offline"])
            .args(["--parallel", "1", "--threads", "2", "--ctx-size", "4096"])
            .arg("--model")
            .arg(demo.join("demo.gguf"))
            .arg("--mmproj")
            .arg(demo.join("demo-mmproj.gguf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, address: format!("http://127.0.0.1:{port}") };
        let started = Instant::now();
        while !server.is_ready() {
            assert!(started.elapsed() < Duration::from_mins(2), "llama-server did not get ready");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    fn is_ready(&self) -> bool {
        use std::io::{Read, Write};
        let host = self.address.trim_start_matches("http://");
        let Ok(mut stream) = std::net::TcpStream::connect(host) else { return false };
        let asked = write!(stream, "GET /health HTTP/1.0\r\nHost: {host}\r\n\r\n");
        let mut answer = String::new();
        asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains("200 OK")
    }
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn judged(praetor: &Praetor, model: &[&str]) -> Vec<Verdict> {
    let examples = format!("{ROOT}/models/demo/examples");
    let constitution = format!("{ROOT}/constitutions/demo.yaml");
    let policy = ["judge", &examples, "-c", &constitution, "--trace", "--format", "jsonl"];
    let run = praetor.run(&[&policy[..], model].concat());
    assert!(run.code <= 1, "{}", run.err);
    run.verdicts()
}

fn log_odds(finding: &Finding) -> Option<f64> {
    Some(finding.m?.log_odds())
}

#[test]
fn the_demo_model_behind_llama_server_gives_the_verdicts_it_gives_here() {
    let Some(program) = program() else {
        eprintln!(
            "NOT RUN: there is no llama-server; `make same-judge` builds one, or PRAETOR_PEERS names \
             the folder that holds it"
        );
        return;
    };
    let praetor = Praetor::new();
    let server = LlamaServer::start(&program);
    let here = judged(&praetor, &["--model", "demo"]);
    let address = format!("{}/v1", server.address);
    let there = ["--model", "openai:demo", "--base-url", &address, "--encoder", "demo"];
    let there = judged(&praetor, &there);
    assert_eq!((here.len(), there.len()), (16, 16));
    let mut furthest: f64 = 0.0;
    for (one, other) in here.iter().zip(&there) {
        assert_eq!((one.verdict, &one.violated), (other.verdict, &other.violated), "{}", one.image);
        for (one_rule, other_rule) in one.rules.iter().zip(&other.rules) {
            assert_eq!(one_rule.outcome, other_rule.outcome, "{} {}", one.image, one_rule.rule);
            for (here, there) in one_rule.findings.iter().zip(&other_rule.findings) {
                assert_eq!(here.holds, there.holds, "{} {}", one.image, here.precondition);
                let gap =
                    log_odds(here).zip(log_odds(there)).map(|(one, other)| (one - other).abs());
                assert_eq!(gap.is_some(), here.m.is_some(), "{}", here.precondition);
                furthest = furthest.max(gap.unwrap_or_default());
            }
        }
    }
    assert!(furthest < APART, "{furthest}");
    println!("the same 16 verdicts; M differs by up to {furthest:.4} in log-odds");
}
