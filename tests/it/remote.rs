//! Judges behind servers: what they are asked, how their answers are read, and what becomes of an
//! answer that can't be had. The servers are scripted; `same_judge` asks a real one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use praetor::imaging::View;
use praetor::prompts::Prompts;
use praetor::verdict::{Conclusion, Outcome, Step, Verdict, Why};
use praetor::vlm::decisions::{DecisionVlm, Interface};
use praetor::vlm::openai::OpenAiVlm;
use praetor::vlm::remote::{Bounds, Key, KeyHeader, Meter, RemoteOptions};
use praetor::vlm::{Answer as Said, Vlm, VlmError};
use serde_json::{Value, json};

use crate::cli::{Praetor, Run};
use crate::llm::{Answer, Request, Server};

const KEY: &str = "sk-never-to-be-seen";

fn view() -> View {
    View::whole(image::RgbImage::from_pixel(8, 8, image::Rgb([9, 90, 200])))
}

fn options(server: &Server) -> RemoteOptions {
    RemoteOptions {
        address: server.address.clone(),
        key: Some(Key::new(KEY)),
        first_wait: Duration::from_millis(5),
        timeout: Duration::from_millis(700),
        retries: 2,
        ..RemoteOptions::new("m")
    }
}

fn judge_at(options: RemoteOptions) -> OpenAiVlm {
    OpenAiVlm::new(options, Prompts::built_in().unwrap()).unwrap()
}

/// What a server says whose first token is Yes with this probability, and No with the rest.
pub(crate) fn leaning(yes: f64) -> Answer {
    told(&[("Yes", yes), ("No", 1.0 - yes)], "length")
}

fn told(top: &[(&str, f64)], finish: &str) -> Answer {
    let one = |(token, p): &(&str, f64)| json!({ "token": token, "logprob": p.ln() });
    let all: Vec<Value> = top.iter().map(one).collect();
    Answer::json(
        200,
        &json!({
            "choices": [{
                "message": { "role": "assistant", "content": top[0].0 },
                "finish_reason": finish,
                "logprobs": { "content": [{
                    "token": top[0].0, "logprob": top[0].1.ln(), "top_logprobs": all,
                }] },
            }],
            "usage": { "prompt_tokens": 1_000, "completion_tokens": 1,
                "prompt_tokens_details": { "cached_tokens": 600 } },
        }),
    )
}

/// Sees dogs, and nothing without a picture.
pub(crate) fn sees_dogs(request: &Request) -> Answer {
    match request.about() {
        (_, false) => leaning(0.5),
        (question, true) => leaning(if question.contains("dog") { 0.99 } else { 0.01 }),
    }
}

fn one_answer(server: &Server) -> Result<Said, VlmError> {
    Ok(judge_at(options(server)).visible(Some(&view()), &["a dog is visible"])?.remove(0))
}

fn why(answer: Answer) -> (Why, usize) {
    let server = Server::start(move |_, _| answer.clone());
    match one_answer(&server).unwrap() {
        Said::Unavailable(why) => (why, server.requests().len()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn http(status: u16, headers: &[(&'static str, &str)], body: &Value) -> Answer {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Answer::Http { status, headers, body: body.to_string() }
}

#[test]
fn a_question_is_one_token_with_its_alternatives_and_the_picture_first() {
    let server = Server::start(|request, _| sees_dogs(request));
    let model = judge_at(options(&server));
    let statements = ["a dog is visible", "a cat is visible"];
    let seen = model.visible(Some(&view()), &statements).unwrap();
    let m = |answer: &Said| match answer {
        Said::Seen(answer) => answer.m().value(),
        other => panic!("{other:?}"),
    };
    assert!((m(&seen[0]) - 0.99).abs() < 1e-6 && (m(&seen[1]) - 0.01).abs() < 1e-6);
    let priors = model.visible(None, &statements).unwrap();
    assert!((m(&priors[0]) - 0.5).abs() < 1e-6);
    for request in server.requests() {
        let body = &request.body;
        assert_eq!(body["max_tokens"], 1);
        assert_eq!((&body["logprobs"], &body["top_logprobs"]), (&json!(true), &json!(20)));
        assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
        let (question, pictured) = request.about();
        assert!(question.starts_with("Is the following content visible in this image?"));
        if pictured {
            let url = body["messages"][0]["content"][0]["image_url"]["url"].as_str().unwrap();
            assert!(url.starts_with("data:image/png;base64,"));
        }
    }
}

#[test]
fn every_failure_lands_in_its_own_outcome() {
    let choice = |inner: Value| json!({ "choices": [inner] });
    let refusal = choice(json!({ "message": { "content": null, "refusal": "I can't." } }));
    assert_eq!(why(http(200, &[], &refusal)), (Why::Refused, 1));
    let filtered = choice(json!({ "finish_reason": "content_filter", "message": {} }));
    assert_eq!(why(http(200, &[], &filtered)), (Why::Filtered, 1));
    // Azure's, which must not be taken for a limit and asked again for ever.
    let azure =
        json!({ "error": { "code": "content_filter", "message": "filtered", "status": 400 } });
    assert_eq!(why(http(400, &[], &azure)), (Why::Filtered, 1));
    let small = json!({ "error": { "code": 400, "n_prompt_tokens": 900, "n_ctx": 512,
        "message": "too long" } });
    assert_eq!(why(http(400, &[], &small)), (Why::TooLong { needed: 900, limit: 512 }, 1));
    for (name, answer, requests, words) in [
        ("a long wait", http(429, &[("retry-after", "3600")], &json!({})), 1, "answered 429"),
        ("a limit", http(429, &[("retry-after", "0")], &json!({})), 3, "answered 429"),
        ("errors", http(500, &[], &json!({ "error": "oops" })), 3, "answered 500: oops"),
        ("a cut connection", Answer::Reset, 3, "connection to the server broke"),
        ("a slow body", Answer::Slow(Duration::from_secs(2)), 3, "within 0.7 s"),
        ("other JSON", http(200, &[], &json!({ "hello": 1 })), 1, "holds no message"),
        ("another token", told(&[("Sorry", 0.9), ("I", 0.1)], "length"), 1, "neither Yes nor No"),
        ("a complaint", http(400, &[], &json!({ "error": "no images" })), 1, "no images"),
        ("nothing", http(200, &[], &choice(json!({ "message": {} }))), 1, "empty"),
    ] {
        let (why, asked) = why(answer);
        assert!(why.to_string().contains(words), "{name}: {why}");
        assert_eq!(asked, requests, "{name}");
    }
}

#[test]
fn a_limit_that_passes_is_waited_for_and_the_answer_is_had() {
    let server = Server::start(|request, number| match number {
        1 => http(429, &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], &json!({})),
        2 => http(503, &[("retry-after-ms", "10")], &json!({})),
        _ => sees_dogs(request),
    });
    assert!(matches!(one_answer(&server).unwrap(), Said::Seen(_)));
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_model_that_reasons_is_asked_in_its_own_words_and_its_answer_is_a_word() {
    let server = Server::start(|request, _| {
        let complains = |message: &str| http(400, &[], &json!({ "error": { "message": message } }));
        let has = |key: &str| !request.body[key].is_null();
        if has("max_tokens") {
            complains("'max_tokens' is not supported: use 'max_completion_tokens'")
        } else if has("temperature") {
            complains("'temperature' does not support 0 with this model")
        } else if has("logprobs") {
            complains("You are not allowed to request logprobs from this model")
        } else {
            Answer::said(if request.about().0.contains("dog") { "**Yes**" } else { "No idea" })
        }
    });
    let model = judge_at(options(&server));
    let answers = model.visible(Some(&view()), &["a dog is visible", "a cat is visible"]).unwrap();
    assert_eq!(answers[0], Said::Said(true));
    let Said::Unavailable(Why::Unparsable { detail }) = &answers[1] else { panic!("{answers:?}") };
    assert!(detail.contains("`No idea`"), "{detail}");
    // What was learned is remembered.
    let before = server.requests().len();
    model.visible(None, &["a dog is visible"]).unwrap();
    assert_eq!(server.requests().len(), before + 1);
}

#[test]
fn white_space_before_the_answer_is_given_more_room() {
    let server = Server::start(|request, _| {
        let longer = request.body["max_tokens"].as_u64() > Some(1);
        let blank = json!({ "token": "\n\n", "logprob": -0.1 });
        let yes = json!({ "token": "Yes", "logprob": -0.01, "top_logprobs": [
            { "token": "Yes", "logprob": -0.01 }, { "token": "No", "logprob": -5.0 } ] });
        let content = if longer { json!([blank, yes]) } else { json!([blank]) };
        Answer::json(
            200,
            &json!({ "choices": [{ "message": { "content": "\n\n" },
            "finish_reason": "length", "logprobs": { "content": content } }] }),
        )
    });
    let Said::Seen(answer) = one_answer(&server).unwrap() else { panic!("answered") };
    assert!(answer.m().value() > 0.99);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn azure_gets_its_header_and_its_version() {
    let server = Server::start(|request, _| sees_dogs(request));
    let query = vec![("api-version".to_owned(), "2024-10-21".to_owned())];
    let azure = RemoteOptions { query, key_header: KeyHeader::ApiKey, ..options(&server) };
    judge_at(azure).visible(None, &["a dog"]).unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.path, "/v1/chat/completions?api-version=2024-10-21");
    assert_eq!(request.headers["api-key"], KEY);
    assert!(!request.headers.contains_key("authorization"));
}

#[test]
fn too_many_blocks_stop_everything() {
    let filter = json!({ "error": { "code": "content_filter" } });
    let server = Server::start(move |_, _| http(400, &[], &filter));
    let meter = Arc::new(Meter::new(Bounds { most_blocks: Some(3), most_cost: None }));
    let model = judge_at(RemoteOptions { meter, concurrency: 1, ..options(&server) });
    let error = model.visible(Some(&view()), &["a", "b", "c", "d", "e"]).unwrap_err();
    assert!(matches!(error, VlmError::Blocked { blocked: 3 }), "{error}");
    assert!(server.requests().len() < 5);
}

#[test]
fn decisions_are_asked_all_at_once_and_each_can_be_refused() {
    let server = Server::start(|_, _| {
        Answer::json(
            200,
            &json!({ "model": "m", "usage": { "input_tokens": 9, "output_tokens": 0 },
            "answers": [
                { "type": "predicate", "name": "q0", "probability": 0.97 },
                { "type": "refusal", "name": "q1" },
                { "type": "predicate", "name": null, "probability": 0.0 },
            ] }),
        )
    });
    let prompts = Prompts::built_in().unwrap();
    let model = DecisionVlm::new(Interface::Decisions, options(&server), prompts).unwrap();
    let answers = model.visible(Some(&view()), &["a dog", "a cat", "a hen", "a cow"]).unwrap();
    let Said::Seen(dog) = &answers[0] else { panic!("{answers:?}") };
    assert!((dog.m().value() - 0.97).abs() < 1e-9);
    assert_eq!(answers[1], Said::Unavailable(Why::Refused));
    assert!(matches!(answers[2], Said::Seen(no) if no.m().value() < 1e-9));
    assert!(matches!(answers[3], Said::Unavailable(Why::Unparsable { .. })));
    let request = server.requests().remove(0);
    assert_eq!(request.path, "/v1/decisions");
    let content = &request.body["input"][0]["content"];
    assert_eq!(
        (&content[0]["type"], &content[1]["type"]),
        (&json!("input_image"), &json!("input_text"))
    );
    assert_eq!(request.body["questions"][1]["type"], "predicate");
    model.visible(None, &["a dog"]).unwrap();
    let prior = server.requests().remove(1);
    assert_eq!(prior.body["input"][0]["content"].as_array().unwrap().len(), 1);
}

#[test]
fn systemone_is_asked_by_name_and_an_ordinary_model_is_told_apart() {
    let server = Server::start(|request, _| {
        let questions = request.body["questions"].as_object().unwrap();
        let answer = |name: &String| (name.clone(), json!({ "type": "noul", "noul": 0.25 }));
        let answers: serde_json::Map<String, Value> = questions.keys().map(answer).collect();
        Answer::json(200, &json!({ "answers": answers }))
    });
    let one = |server: &Server| {
        let prompts = Prompts::built_in().unwrap();
        DecisionVlm::new(Interface::SystemOne, options(server), prompts).unwrap()
    };
    let answers = one(&server).visible(Some(&view()), &["a dog", "a cat"]).unwrap();
    let quarter =
        |one: &Said| matches!(one, Said::Seen(one) if (one.m().value() - 0.25).abs() < 1e-9);
    assert!(answers.iter().all(quarter));
    let request = server.requests().remove(0);
    assert_eq!(request.path, "/v1/systemone");
    assert!(request.body["images"][0].as_str().unwrap().starts_with("data:image/png"));
    let ordinary =
        Server::start(|_, _| http(501, &[], &json!({ "error": "not a decision model" })));
    let error = one(&ordinary).visible(None, &["a dog"]).unwrap_err();
    assert!(matches!(error, VlmError::Unfit { .. }), "{error}");
}

/// Judges one picture by the constitution of pets, at a server.
pub(crate) fn judge(praetor: &Praetor, server: &Server, more: &[&str]) -> Run {
    praetor.picture("dog.png");
    let model = ["judge", "dog.png", "-c", "pets.yaml", "--model", "openai:m"];
    let at =
        ["--base-url", &server.address, "--format", "jsonl", "--trace", "--without", "reasoning"];
    praetor.run_in(&[("OPENAI_API_KEY", KEY)], &[&model[..], &at, more].concat())
}

/// Nothing that a person or a program can read holds the key.
fn keeps_the_key(praetor: &Praetor, run: &Run) {
    assert!(!run.out.contains(KEY) && !run.err.contains(KEY), "{}\n{}", run.out, run.err);
    for entry in walk(&praetor.path("")) {
        let bytes = fs_err::read(&entry).unwrap();
        let held = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!held, "{}", entry.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_server_judges_a_picture_from_the_command_line() {
    let praetor = Praetor::new();
    let server = Server::start(|request, _| sees_dogs(request));
    let run = judge(&praetor, &server, &["-vv"]);
    assert_eq!(run.code, 0, "{}", run.err);
    keeps_the_key(&praetor, &run);
    let verdict = run.verdicts().remove(0);
    assert_eq!((verdict.verdict, verdict.model.name.as_str()), (Conclusion::Unsafe, "m"));
    assert!(
        run.err.contains("6 requests: 6000 tokens in (3600 of them cached), 6 out"),
        "{}",
        run.err
    );
    assert!(run.err.contains("about 3 requests for 1 image,"), "{}", run.err);
}

#[test]
fn nothing_is_safe_by_failure_and_no_error_shows_the_key() {
    // Even where the server repeats it.
    let echo =
        |status| http(status, &[("retry-after", "0")], &json!({ "error": { "message": KEY } }));
    for (answer, code, kind) in [
        (Answer::ended("", "content_filter"), 1, Some("filtered")),
        (Answer::said("I'd rather not say."), 1, Some("unparsable")),
        (echo(418), 1, Some("failed")),
        (echo(429), 1, Some("failed")),
        (echo(401), 3, None),
        (echo(404), 3, None),
    ] {
        let praetor = Praetor::new();
        let sent = answer.clone();
        // Priors are had, so that what fails is the picture's own.
        let server = Server::start(
            move |request, _| {
                if request.about().1 { sent.clone() } else { leaning(0.5) }
            },
        );
        let run = judge(&praetor, &server, &["-vv", "--out", "run"]);
        assert_eq!(run.code, code, "{answer:?}: {}", run.err);
        keeps_the_key(&praetor, &run);
        let Some(kind) = kind else { continue };
        let verdict = run.verdicts().remove(0);
        assert_eq!(verdict.verdict, Conclusion::Undetermined);
        for rule in &verdict.rules {
            let why = serde_json::to_value(rule.why.as_ref().unwrap()).unwrap();
            assert_eq!((rule.outcome, &why["kind"]), (Outcome::Undetermined, &json!(kind)));
        }
    }
}

#[test]
fn the_breaker_keeps_what_was_judged_and_what_it_cost() {
    let praetor = Praetor::new();
    praetor.picture("a/1.png");
    let server = Server::start(|request, number| match (request.about().1, number) {
        (true, 7..) => Answer::ended("", "content_filter"),
        _ => sees_dogs(request),
    });
    praetor.write("a/2.png", second_picture());
    let arguments = ["judge", "a", "-c", "pets.yaml", "--model", "openai:m", "--base-url"];
    let more = [&server.address, "--out", "run", "--max-blocks", "2", "--parallel", "1"];
    let run = praetor.run_in(&[], &[&arguments[..], &more].concat());
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(
        run.err.contains("stopped after 2 questions") && run.err.contains("--max-blocks"),
        "{}",
        run.err
    );
    let kept = fs_err::read_to_string(praetor.path("run/verdicts.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 1);
    let usage: Value =
        serde_json::from_slice(&fs_err::read(praetor.path("run/usage.json")).unwrap()).unwrap();
    assert_eq!((&usage["blocked"], &usage["requests"]), (&json!(2), &json!(8)));
}

/// The server answers nothing about a picture until it is asked about another one too.
#[test]
fn two_images_are_under_way_at_a_time_and_no_more_requests_than_allowed() {
    let praetor = Praetor::new();
    praetor.picture("a/1.png");
    praetor.write("a/2.png", second_picture());
    let (pictures, met) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(Condvar::new()));
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (alone, seen) = (Arc::new(AtomicBool::new(false)), most.clone());
    let waited_alone = alone.clone();
    let server = Server::start(move |request, _| {
        seen.fetch_max(under_way.fetch_add(1, SeqCst) + 1, SeqCst);
        if request.about().1 {
            let mut pictures = pictures.lock().unwrap();
            pictures.insert(request.body["messages"][0]["content"][0].to_string());
            met.notify_all();
            let long = Duration::from_secs(10);
            let waited = met.wait_timeout_while(pictures, long, |pictures| pictures.len() < 2);
            waited_alone.fetch_or(waited.unwrap().1.timed_out(), SeqCst);
        }
        under_way.fetch_sub(1, SeqCst);
        sees_dogs(request)
    });
    let arguments = ["judge", "a", "-c", "pets.yaml", "--model", "openai:m", "--format", "jsonl"];
    let more = ["--base-url", &server.address, "--without", "reasoning", "--jobs", "2"];
    let run = praetor.run_in(&[], &[&arguments[..], &more].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let images: Vec<String> = run.verdicts().into_iter().map(|verdict| verdict.image).collect();
    assert_eq!(images, ["a/1.png", "a/2.png"]);
    assert!(!alone.load(SeqCst), "the second image was not asked about beside the first");
    let most = most.load(SeqCst);
    assert!((2..=4).contains(&most), "{most} requests were under way, of 4");
}

fn second_picture() -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    let pixels = image::RgbImage::from_pixel(32, 32, image::Rgb([200, 3, 3]));
    pixels.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// A server elsewhere: praetor is sent there through a proxy, which is ours.
pub(crate) fn elsewhere(praetor: &Praetor, proxy: &Server, more: &[&str]) -> Run {
    praetor.picture("inbox/dog.png");
    praetor.picture("inbox/private/dog.png");
    let proxied = proxy.address.trim_end_matches("/v1");
    let arguments =
        ["judge", "inbox", "-c", "pets.yaml", "--model", "openai:m", "--format", "jsonl"];
    let at = ["--base-url", "http://judge.example/v1", "--without", "reasoning"];
    praetor.run_in(&[("http_proxy", proxied)], &[&arguments[..], &at, more].concat())
}

#[test]
fn pixels_leave_only_when_they_may() {
    let praetor = Praetor::new();
    let server = Server::start(|request, _| sees_dogs(request));
    let refused = elsewhere(&praetor, &server, &[]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(
        refused.err.contains("--allow-remote") && server.requests().is_empty(),
        "{}",
        refused.err
    );

    let allowed = elsewhere(&praetor, &server, &["--allow-remote", "--local-only", "private"]);
    assert_eq!(allowed.code, 1, "{}", allowed.err);
    let verdicts = allowed.verdicts();
    let of = |name: &str| verdicts.iter().find(|one| one.image.ends_with(name)).unwrap();
    assert_eq!(of("inbox/dog.png").verdict, Conclusion::Unsafe);
    let kept = of("private/dog.png");
    assert_eq!(kept.verdict, Conclusion::Undetermined);
    assert!(
        kept.rules.len() == 2 && kept.rules.iter().all(|rule| rule.why == Some(Why::KeptLocal))
    );
    let pictures = server.requests().iter().filter(|request| request.about().1).count();
    assert_eq!(pictures, 3, "three statements about one picture");
    assert!(server.requests()[0].path.starts_with("http://judge.example/v1/"));
    let after = |request: &&Request| request.path.ends_with("/models/m");
    assert_eq!(server.requests().iter().filter(after).count(), 1, "asked after the model once");
}

#[test]
fn a_rule_that_stays_here_is_not_asked_elsewhere() {
    let praetor = Praetor::new();
    let rules = fs_err::read_to_string(praetor.path("pets.yaml")).unwrap();
    praetor.write(
        "pets.yaml",
        rules.replace("  - id: dogs\n", "  - id: dogs\n    local_only: true\n"),
    );
    let server = Server::start(|request, _| sees_dogs(request));
    let run = elsewhere(&praetor, &server, &["--allow-remote"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.contains("which is elsewhere: dogs"), "{}", run.err);
    for verdict in run.verdicts() {
        assert_eq!(verdict.rules[0].why, Some(Why::KeptLocal));
        assert_eq!(verdict.rules[1].outcome, Outcome::Clear);
    }
    assert!(server.requests().iter().all(|request| !request.about().0.contains("dog")));
    let here = judge(&praetor, &server, &[]);
    assert_eq!(here.verdicts()[0].rules[0].outcome, Outcome::Violated, "this machine may be asked");
}

#[test]
fn answers_are_recorded_without_pixels_or_key_and_replayed_without_a_server() {
    let praetor = Praetor::new();
    let server = Server::start(|request, _| match request.about() {
        (question, true) if question.contains("cat") => Answer::ended("", "content_filter"),
        _ => sees_dogs(request),
    });
    let recorded = judge(&praetor, &server, &["--record", "tape/"]);
    assert_eq!(recorded.code, 0, "{}", recorded.err);
    keeps_the_key(&praetor, &recorded);
    let tape = fs_err::read_to_string(praetor.path("tape/answers.jsonl")).unwrap();
    assert_eq!(tape.lines().count(), 6);
    assert!(!tape.contains("base64") && tape.contains("\"view:"), "{tape}");

    let asked = server.requests().len();
    let replayed = judge(&praetor, &server, &["--replay", "tape"]);
    assert_eq!(replayed.code, 0, "{}", replayed.err);
    assert_eq!(server.requests().len(), asked, "nothing is sent");
    let timeless = |run: &Run| Verdict { took_ms: 0, ..run.verdicts().remove(0) };
    assert_eq!(timeless(&recorded), timeless(&replayed));
    assert!(replayed.err.contains("6 answers from the recording"), "{}", replayed.err);

    // Another picture was never asked about.
    praetor.write("dog.png", second_picture());
    let arguments =
        ["judge", "dog.png", "-c", "pets.yaml", "--model", "openai:m", "--replay", "tape"];
    let at = ["--base-url", &server.address, "--format", "jsonl"];
    let other = praetor.run_in(&[], &[&arguments[..], &at].concat());
    assert_eq!(other.code, 1, "{}", other.err);
    assert!(other.verdicts()[0].rules.iter().all(|rule| rule.why == Some(Why::NotRecorded)));
}

#[test]
fn a_file_of_models_names_servers_with_prices_and_bounds() {
    let praetor = Praetor::new();
    praetor.picture("dog.png");
    let server = Server::start(|request, _| sees_dogs(request));
    let entry = format!(
        "models:\n  - name: near\n    kind: openai\n    model: m-1\n    base_url: {}\n    parallel: 1\n    \
         prices: {{input: 1000, output: 0}}\n    image_tokens: 100\n    extra: {{seed: 7}}\n",
        server.address
    );
    praetor.write("models.yaml", &entry);
    let judge = |more: &[&str]| {
        let model = ["judge", "dog.png", "-c", "pets.yaml", "--model", "near", "--out"];
        praetor.run_in(&[("OPENAI_API_KEY", KEY)], &[&model[..], more].concat())
    };
    let run = judge(&["whole"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("cost 6.0000") && run.err.contains("at the prices"), "{}", run.err);
    for request in server.requests() {
        assert_eq!((&request.body["model"], &request.body["seed"]), (&json!("m-1"), &json!(7)));
        // A file that names a server and no variable sends it no key.
        assert!(!request.headers.contains_key("authorization"));
    }
    let manifest = fs_err::read_to_string(praetor.path("whole/manifest.json")).unwrap();
    assert!(manifest.contains("openai:m-1") && manifest.contains("seed"), "{manifest}");

    let dear = judge(&["dear", "--max-cost", "0.1"]);
    assert_eq!(dear.code, 3, "{}", dear.err);
    assert!(dear.err.contains("stopped at a cost of"), "{}", dear.err);

    praetor.write("models.yaml", entry.replace("parallel", "paralel"));
    let typo = judge(&["typo"]);
    assert_eq!(typo.code, 2);
    assert!(typo.err.contains("paralel") && typo.err.contains("parallel"), "{}", typo.err);
}

#[test]
fn mistakes_in_naming_a_server_are_explained() {
    let praetor = Praetor::new();
    praetor.picture("dog.png");
    for (more, code, words) in [
        (&["--model", "openai:"][..], 2, "names no model"),
        (&["--model", "openai:m"], 2, "--allow-remote"),
        (&["--model", "openai:m", "--allow-remote"], 2, "OPENAI_API_KEY"),
        (&["--model", "azure:d"], 2, "AZURE_OPENAI_ENDPOINT"),
        (&["--model", "openai:m", "--base-url", "localhost:8080"], 3, "http://"),
        (&["--model", "openai:m", "--base-url", "http://127.0.0.1:9/v1"], 3, "can't reach"),
        (&["--base-url", "http://127.0.0.1:9/v1"], 2, "openai:NAME"),
        (&["--model", "openai:m", "--mmproj", "x"], 2, "--mmproj"),
        (&["--model", "x", "--models-file", "nowhere.yaml"], 2, "nowhere.yaml"),
        (&["--model", "openai:m", "--base-url", "http://[::1]:9", "--max-cost", "1"], 2, "prices"),
        (&["--model", "openai:m", "--replay", "nowhere.jsonl"], 3, "nowhere.jsonl"),
    ] {
        let arguments = [&["judge", "dog.png", "-c", "pets.yaml"], more].concat();
        let run = praetor.run_in(&[("OPENAI_API_KEY", "")], &arguments);
        assert_eq!(run.code, code, "{more:?}: {}", run.err);
        assert!(run.err.contains(words), "{more:?}: {}", run.err);
    }
}

#[test]
fn a_model_that_says_nothing_without_a_picture_is_pointed_out() {
    let praetor = Praetor::new();
    let server = Server::start(|request, _| {
        let silent = told(&[("I", 0.9), ("Sorry", 0.1)], "length");
        if request.about().1 { sees_dogs(request) } else { silent }
    });
    let run = judge(&praetor, &server, &[]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.contains("3 of 3 statements have no prior"), "{}", run.err);
    assert_eq!(judge(&praetor, &server, &["--without", "prior"]).code, 0);
}

#[test]
fn a_discrete_answer_is_marked_in_the_verdict() {
    let praetor = Praetor::new();
    let server = Server::start(|request, _| {
        Answer::said(if request.about().0.contains("dog") { "Yes." } else { "No." })
    });
    let run = judge(&praetor, &server, &[]);
    assert_eq!(run.code, 0, "{}", run.err);
    let verdict = run.verdicts().remove(0);
    assert_eq!((verdict.verdict, verdict.score), (Conclusion::Unsafe, None));
    let finding = &verdict.rules[0].findings[0];
    assert!(finding.discrete && finding.by == Some(Step::Word), "{finding:?}");
}

#[test]
fn the_doctor_examines_a_model_behind_a_server() {
    let praetor = Praetor::new();
    let server = Server::start(|request, _| sees_dogs(request));
    let run = praetor.run(&["doctor", "--model", "openai:m", "--base-url", &server.address]);
    assert!(
        run.out.contains("examining openai:m") && run.out.contains("computes at"),
        "{}",
        run.out
    );
    assert!(run.out.contains("does not say how large"), "{}\n{}", run.out, run.err);
    // It sees nothing but dogs.
    assert_eq!(run.code, 3, "{}", run.out);
}
