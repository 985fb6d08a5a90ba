//! Models that will leave: the day is told, kept, and told once.

use std::time::{Duration, SystemTime};

use praetor::store::Run as Kept;
use serde_json::json;

use crate::cli::{Praetor, Run};
use crate::llm::{Answer, Server};
use crate::remote::{elsewhere, http, judge, sees_dogs};

/// The day that is so many days from now.
fn in_days(days: u64) -> String {
    let day = SystemTime::now() + Duration::from_hours(24 * days);
    humantime::format_rfc3339_seconds(day).to_string()[..10].to_owned()
}

fn notes(run: &Run, words: &str) -> usize {
    run.err.matches(words).count()
}

#[test]
fn a_day_in_the_file_of_models_is_told_when_it_is_near_and_kept_with_the_run() {
    let praetor = Praetor::new();
    praetor.picture("dog.png");
    let server = Server::start(|request, _| sees_dogs(request));
    let near = in_days(30);
    for (day, words, out) in [
        (near.as_str(), "`openai:m` leaves on", "near"),
        ("2026-01-02", "`openai:m` was to leave on 2026-01-02", "past"),
        ("2999-01-02", "", "far"),
    ] {
        let entry = format!(
            "models: [{{name: old, kind: openai, model: m, base_url: \"{}\", shutdown_date: {day}}}]",
            server.address
        );
        praetor.write("models.yaml", entry);
        let arguments = ["judge", "dog.png", "-c", "pets.yaml", "--model", "old", "--out", out];
        let run = praetor.run(&arguments);
        assert_eq!(run.code, 0, "{}", run.err);
        match words {
            "" => assert_eq!(notes(&run, "leave"), 0, "{}", run.err),
            words => {
                assert_eq!(notes(&run, words), 1, "{}", run.err);
                assert!(run.err.contains("--record"), "{}", run.err);
            }
        }
        let manifest = Kept::open(&praetor.path(out)).unwrap().manifest;
        assert_eq!(manifest.settings["shutdown_date"], day);
    }
    let again = ["judge", "dog.png", "-c", "pets.yaml", "--model", "old", "--record", "tape"];
    praetor.write(
        "models.yaml",
        format!(
            "models: [{{name: old, kind: openai, model: m, base_url: \"{}\", shutdown_date: {near}}}]",
            server.address
        ),
    );
    let recorded = praetor.run(&again);
    assert_eq!((notes(&recorded, "leaves on"), notes(&recorded, "--record")), (1, 0));
}

/// Eleven answers say it, the run says it once.
#[test]
fn what_the_answers_headers_say_is_told_once_at_the_end() {
    for (header, value, words) in [
        ("sunset", "Thu, 14 Jan 2999 00:00:00 GMT", "leaves on 2999-01-14"),
        ("deprecation", "@1688169599", "deprecated since 2023-06-30"),
    ] {
        let praetor = Praetor::new();
        let server = Server::start(move |request, _| {
            let Answer::Http { status, body, .. } = sees_dogs(request) else { panic!("answered") };
            Answer::Http { status, headers: vec![(header, value.to_owned())], body }
        });
        let run = judge(&praetor, &server, &[]);
        assert_eq!((run.code, notes(&run, words)), (0, 1), "{}", run.err);
        assert!(run.err.contains("--record"), "{}", run.err);
    }
}

#[test]
fn a_server_elsewhere_is_asked_after_its_model_and_what_it_says_is_kept() {
    // A server may say how long its answer is, or send it in pieces.
    for headers in [&[][..], &[("transfer-encoding", "chunked")]] {
        let praetor = Praetor::new();
        let server = Server::start(move |request, _| {
            if request.path.ends_with("/models/m") {
                return http(200, headers, &json!({ "id": "m", "shutdown_date": "2999-01-14" }));
            }
            sees_dogs(request)
        });
        let run = elsewhere(&praetor, &server, &["--allow-remote", "--out", "run"]);
        assert_eq!(run.code, 0, "{}", run.err);
        assert_eq!(notes(&run, "leaves on 2999-01-14"), 1, "{headers:?}: {}", run.err);
        assert!(run.err.contains("`shutdown_date`"), "{}", run.err);
        let manifest = Kept::open(&praetor.path("run")).unwrap().manifest;
        assert_eq!(manifest.settings["shutdown_date"], "2999-01-14");
    }
}
