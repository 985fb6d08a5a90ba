//! Questions that are handed in and answered later: the same verdicts as asked at once, however
//! often the run is cut off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use praetor::verdict::{Conclusion, Verdict, Why};
use serde_json::{Value, json};

use crate::cli::{Praetor, Run};
use crate::llm::{Answer, Request, Server};
use crate::remote::{judge, sees_dogs};

/// What a server of batches holds.
#[derive(Default)]
struct Held {
    files: BTreeMap<String, String>,
    batches: BTreeMap<String, Value>,
    asked_after: usize,
    /// Whether the file that came last was asked after.
    read: bool,
}

/// Whether methods are below the address of a resource at Azure.
fn is_azure(at: &str) -> bool {
    at.starts_with("/openai")
}

/// A server that answers batches when it is asked after them for the second time, with the words of
/// `sees_dogs`; how a batch ends is `ending`'s.
fn server(ending: &'static str) -> (Server, Arc<Mutex<Held>>) {
    let held = Arc::new(Mutex::new(Held::default()));
    let kept = Arc::clone(&held);
    let server =
        Server::start(move |request, _| answer(&mut kept.lock().unwrap(), request, ending));
    (server, held)
}

fn answer(held: &mut Held, request: &Request, ending: &str) -> Answer {
    let path = request.path.split('?').next().unwrap();
    let (at, path) = path.split_at(path.find("/files").or_else(|| path.find("/batches")).unwrap());
    let parts: Vec<&str> = path[1..].split('/').collect();
    match parts.as_slice() {
        ["files"] => {
            let id = format!("file-{}", held.files.len());
            held.files.insert(id.clone(), part_of(&request.body));
            let status = if is_azure(at) { "pending" } else { "uploaded" };
            Answer::json(200, &json!({ "id": id, "purpose": "batch", "status": status }))
        }
        ["files", _] if is_azure(at) => {
            held.read = true;
            Answer::json(200, &json!({ "status": "processed" }))
        }
        ["batches"] => {
            assert_eq!(held.read, is_azure(at), "a file is read before its batch begins");
            let method = if is_azure(at) { "/chat/completions" } else { "/v1/chat/completions" };
            assert_eq!(request.body["endpoint"], method);
            let id = format!("batch-{}", held.batches.len());
            let batch = json!({ "id": id, "status": "Validating",
                "input_file_id": request.body["input_file_id"] });
            held.batches.insert(id, batch.clone());
            Answer::json(200, &batch)
        }
        ["batches", id] => {
            let mut batch = held.batches[*id].clone();
            held.asked_after += 1;
            batch["status"] = "in_progress".into();
            if held.asked_after.is_multiple_of(2) {
                batch["status"] = ending.into();
                if ending == "failed" {
                    batch["errors"] = json!({ "data": [{ "message": "no such model" }] });
                } else {
                    batch["output_file_id"] = batch["input_file_id"].clone();
                }
            }
            Answer::json(200, &batch)
        }
        ["files", id, "content"] => {
            let lines = held.files[*id].lines().map(|line| answered(line, ending));
            let body = lines.collect::<Vec<String>>().join("\n");
            Answer::Http { status: 200, headers: Vec::new(), body }
        }
        other => panic!("{other:?}"),
    }
}

/// The file of a form.
fn part_of(body: &Value) -> String {
    let text = body.as_str().unwrap();
    assert!(text.contains("name=\"purpose\"\r\n\r\nbatch\r\n"));
    let (_, file) = text.split_once("Content-Type: application/jsonl\r\n\r\n").unwrap();
    let (file, _) = file.split_once("\r\n--").unwrap();
    file.to_owned()
}

/// One line of a batch's output; in one that is out of time, cats come too late.
fn answered(line: &str, ending: &str) -> String {
    let line: Value = serde_json::from_str(line).unwrap();
    let body = line["body"].clone();
    let request = Request { path: String::new(), headers: BTreeMap::new(), body };
    let id = &line["custom_id"];
    if ending == "expired" && request.about().0.contains("cat") {
        let error = json!({ "code": "batch_expired", "message": "too late" });
        return json!({ "id": "r", "custom_id": id, "response": null, "error": error }).to_string();
    }
    let Answer::Http { status, body, .. } = sees_dogs(&request) else { panic!("answered") };
    let body: Value = serde_json::from_str(&body).unwrap();
    let response = json!({ "status_code": status, "request_id": "q", "body": body });
    json!({ "id": "r", "custom_id": id, "response": response, "error": null }).to_string()
}

fn timeless(run: &Run) -> Verdict {
    Verdict { took_ms: 0, ..run.verdicts().remove(0) }
}

#[test]
fn a_batch_gives_the_verdicts_of_asking_at_once() {
    let praetor = Praetor::new();
    let at_once = judge(&praetor, &Server::start(|request, _| sees_dogs(request)), &[]);
    let (server, held) = server("completed");
    let by_batch = || judge(&praetor, &server, &["--batch", "later"]);

    let handed_in = by_batch();
    assert_eq!(handed_in.code, 1, "{}", handed_in.err);
    assert!(handed_in.err.contains("6 questions wait in 1 batch:"), "{}", handed_in.err);
    let waiting = handed_in.verdicts().remove(0);
    assert_eq!(waiting.verdict, Conclusion::Undetermined);
    assert!(waiting.rules.iter().all(|rule| rule.why == Some(Why::Waiting)));
    // Still at it: nothing is handed in twice.
    assert_eq!(timeless(&by_batch()), Verdict { took_ms: 0, ..waiting });
    assert_eq!(held.lock().unwrap().batches.len(), 1);
    assert!(praetor.path("later/0001.jsonl").exists());

    let answered = by_batch();
    assert_eq!(answered.code, 0, "{}", answered.err);
    assert!(answered.err.contains("every question is answered"), "{}", answered.err);
    let Verdict { model, .. } = timeless(&at_once);
    assert_eq!(Verdict { model, ..timeless(&answered) }, timeless(&at_once));
    assert!(!praetor.path("later/0001.jsonl").exists(), "pixels are not kept");
    let everything = fs_err::read_to_string(praetor.path("later/answers.jsonl")).unwrap();
    assert!(!everything.contains("base64"), "{everything}");
    // The folder is a recording as well.
    let replayed = judge(&praetor, &server, &["--replay", "later"]);
    assert_eq!(timeless(&replayed), timeless(&answered));
}

/// As Microsoft's documentation has it: `openai/v1` of the resource, or with a version `openai` of it; the key
/// in its own header, lines that name the deployment and a method without `/v1`, and files that are read
/// before a batch can begin.
#[test]
fn azure_has_batches_below_its_resource() {
    for (version, below) in [(None, "/openai/v1/"), (Some("2024-10-21"), "/openai/")] {
        let praetor = Praetor::new();
        let (server, held) = server("Completed");
        let resource = server.address.trim_end_matches("/v1");
        let by_batch = || {
            praetor.picture("dog.png");
            let model = ["judge", "dog.png", "-c", "pets.yaml", "--model", "azure:cheap"];
            let at = ["--base-url", resource, "--format", "jsonl", "--without", "reasoning"];
            let mut variables = vec![("AZURE_OPENAI_API_KEY", "azure-key")];
            variables.extend(version.map(|version| ("OPENAI_API_VERSION", version)));
            praetor.run_in(&variables, &[&model[..], &at, &["--batch", "later"]].concat())
        };
        let handed_in = by_batch();
        assert!(handed_in.err.contains("6 questions wait in 1 batch:"), "{}", handed_in.err);
        let lines = held.lock().unwrap().files["file-0"].clone();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&line["url"], &line["body"]["model"]),
                (&"/chat/completions".into(), &"cheap".into())
            );
        }
        by_batch();
        let answered = by_batch();
        assert_eq!(answered.code, 0, "{}", answered.err);
        assert!(answered.err.contains("every question is answered"), "{}", answered.err);
        for request in server.requests() {
            assert!(request.path.starts_with(below), "{}", request.path);
            assert!(!request.path.contains("deployments"), "{}", request.path);
            assert_eq!(
                request.path.split_once("api-version=").map(|(_, version)| version),
                version
            );
            assert_eq!(request.headers["api-key"], "azure-key");
        }
    }
}

#[test]
fn what_came_too_late_is_handed_in_again_and_what_failed_says_why() {
    let praetor = Praetor::new();
    let (late, held) = server("expired");
    for _ in 0..3 {
        judge(&praetor, &late, &["--batch", "later"]);
    }
    let held = held.lock().unwrap();
    assert_eq!(held.batches.len(), 2);
    let again = &held.files["file-1"];
    assert!(again.lines().count() == 2 && again.lines().all(|line| line.contains("a cat")));

    let (failing, _) = server("failed");
    judge(&praetor, &failing, &["--batch", "other"]);
    judge(&praetor, &failing, &["--batch", "other"]);
    let failed = judge(&praetor, &failing, &["--batch", "other"]);
    assert_eq!(failed.code, 3);
    assert!(failed.err.contains("no such model"), "{}", failed.err);
}

#[test]
fn a_run_that_was_cut_off_sends_no_file_twice() {
    let praetor = Praetor::new();
    let held = Arc::new(Mutex::new(Held::default()));
    let kept = Arc::clone(&held);
    // The connection breaks after the file is there.
    let server = Server::start(move |request, _| {
        let mut held = kept.lock().unwrap();
        let breaks = request.path.ends_with("/batches") && held.asked_after == 0;
        if breaks {
            return Answer::json(400, &json!({ "error": { "message": "not now" } }));
        }
        answer(&mut held, request, "completed")
    });
    let broken = judge(&praetor, &server, &["--batch", "later"]);
    assert_eq!(broken.code, 3, "{}", broken.err);
    assert!(broken.err.contains("not now"), "{}", broken.err);
    assert_eq!(held.lock().unwrap().files.len(), 1);
    held.lock().unwrap().asked_after = 2;
    let again = judge(&praetor, &server, &["--batch", "later"]);
    assert_eq!(again.code, 1, "{}", again.err);
    let held = held.lock().unwrap();
    assert_eq!((held.files.len(), held.batches.len()), (1, 1));
}
