//! `praetor constitution compile` with language models that are good, sloppy or broken, and what
//! becomes of what people wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use praetor::constitution::{Constitution, Lock, Policy};
use praetor::ids::Hash;
use praetor::vlm::chat::{Form, Generate, Reply, Turn};
use praetor::vlm::openai::OpenAiChat;
use praetor::vlm::remote::{Key, RemoteOptions};
use praetor::vlm::{Chat, VlmError};
use serde_json::{Value, json};

use crate::llm::{Answer, Request, Server, competent};

/// A folder with the guide's constitution, and the binary.
struct Desk {
    folder: tempfile::TempDir,
}

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    /// Everything that was printed, for a snapshot.
    fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.out, self.err)
    }
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let school = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide/school.yaml");
        desk.write("school.yaml", &fs_err::read_to_string(school).unwrap());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs_err::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    fn change(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from} in\n{text}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_praetor"))
            .args(["constitution", "compile"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("PRAETOR_LOG")
            .env_remove("OPENAI_API_KEY")
            .env_remove("OPENAI_BASE_URL")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Compiles the guide's constitution.
    fn compile(&self, server: &Server, more: &[&str]) -> Run {
        let model = ["school.yaml", "--model", "openai:test", "--base-url", &server.address];
        self.run(&[&model, more].concat())
    }

    /// The lock, without the one hash that depends on the server's port.
    fn lock(&self) -> String {
        let lines: Vec<String> = self
            .read("school.lock.yaml")
            .lines()
            .map(|line| match line.split_once("fingerprint: ") {
                Some((before, _)) => format!("{before}fingerprint: …"),
                None => line.to_owned(),
            })
            .collect();
        lines.join("\n") + "\n"
    }
}

fn good() -> Server {
    Server::start(|request, _| Answer::said(&competent(request.question()).to_string()))
}

#[test]
fn a_good_model_makes_a_lock_that_can_be_judged_by_and_the_second_time_nothing_is_asked() {
    let (desk, server) = (Desk::new(), good());
    let first = desk.compile(&server, &[]);
    insta::assert_snapshot!("compile_good", first.all());
    insta::assert_snapshot!("compile_good_lock", desk.lock());
    let policy = Policy::load(&desk.path("school.yaml"), None).unwrap();
    assert_eq!(policy.rules.len(), 4);
    for request in server.requests() {
        assert!(!request.headers.contains_key("authorization"), "there is no key");
        assert_eq!(request.body["temperature"], 0);
        assert_eq!(request.body["response_format"]["json_schema"]["strict"], true);
    }

    let (asked, lock) = (server.requests().len(), desk.read("school.lock.yaml"));
    let again = desk.compile(&server, &["--write"]);
    assert_eq!((again.code, server.requests().len()), (0, asked), "{}", again.err);
    assert_eq!(desk.read("school.lock.yaml"), lock);
    // Nothing is to be compiled, so that no model is needed.
    insta::assert_snapshot!("compile_again", desk.run(&["school.yaml"]).all());
    assert_eq!(desk.run(&["school.yaml", "--check"]).code, 0);
}

#[test]
fn a_rule_alone_is_compiled_as_among_others() {
    let (all, one, server) = (Desk::new(), Desk::new(), good());
    all.compile(&server, &[]);
    let run = one.compile(&server, &["--rule", "alcohol.child"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let entries = |desk: &Desk| Lock::load(&desk.path("school.lock.yaml")).unwrap().rules;
    assert_eq!(entries(&one), entries(&all)[1..2]);
    // The others come in the constitution's order, after the rule before them.
    one.compile(&server, &["--rule", "fire.home"]);
    one.compile(&server, &["--rule", "smoking"]);
    let order: Vec<String> = entries(&one).iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(order, ["alcohol.child", "smoking", "fire.home"]);
}

#[test]
fn what_people_wrote_survives_and_what_they_made_theirs_is_kept() {
    let (desk, server) = (Desk::new(), good());
    desk.compile(&server, &[]);
    desk.change("school.lock.yaml", "version: 1", "# Reviewed on Mondays.\nversion: 1 # the first");
    desk.change("school.lock.yaml", "reviewed: false", "reviewed: true # by Ada");
    desk.change("school.lock.yaml", "beer is visible", "a beer mug is visible");
    let before = desk.read("school.lock.yaml");
    // All four rules change, so that every entry is stale.
    let school = desk.read("school.yaml");
    desk.write(
        "school.yaml",
        &school.replace("    text: ", "    text:   Look: ").replace("Look: ", ""),
    );
    assert_eq!(desk.run(&["school.yaml", "--check"]).code, 0, "white space is no change");
    for (from, to) in [
        (
            "Children must not be shown in dangerous situations with weapons.",
            "A child must not be shown close to a weapon such as a knife or a gun.",
        ),
        (
            "Children must not be shown near alcohol.",
            "A child and beer, or a child and wine, must not both be visible.",
        ),
        ("Nobody may be shown smoking in an inappropriate way.", "No cigarette may be visible."),
        (
            "A house and a fire must not be visible together.",
            "A house and fire must not both be visible.",
        ),
    ] {
        desk.change("school.yaml", from, to);
    }
    insta::assert_snapshot!("compile_check", desk.run(&["school.yaml", "--check"]).all());
    let school = desk.read("school.yaml");
    let run = desk.compile(&server, &[]);
    insta::assert_snapshot!("compile_kept", run.out);
    assert_eq!(run.code, 1, "two entries wait for people");
    assert_eq!(desk.read("school.yaml"), school, "without --write the constitution is not touched");
    // The kept half of the file is the same to the byte; the other half is compiled anew.
    let after = desk.read("school.lock.yaml");
    let kept = before.split("\n  - id: smoking").next().unwrap();
    assert!(after.starts_with(kept), "{after}");
    assert!(after.contains("beer mug") && after.contains("# by Ada"));
    let lock = Lock::parse(&after).unwrap();
    let constitution = Constitution::load(&desk.path("school.yaml")).unwrap();
    let fresh = |index: usize| lock.rules[index].source == constitution.rules[index].source_hash();
    assert_eq!([0, 1, 2, 3].map(fresh), [false, false, true, true]);

    // Even --force leaves them alone, until one is named.
    desk.compile(&server, &["--force"]);
    assert!(desk.read("school.lock.yaml").starts_with(kept));
    let forced = desk.compile(&server, &["--force", "--rule", "alcohol.child"]);
    assert_eq!(forced.code, 0, "{}", forced.err);
    let after = desk.read("school.lock.yaml");
    assert!(!after.contains("beer mug") && after.contains("# by Ada"), "{after}");
}

#[test]
fn a_comment_inside_an_entry_makes_it_peoples_own() {
    let (desk, server) = (Desk::new(), good());
    desk.compile(&server, &["--rule", "smoking"]);
    desk.change(
        "school.lock.yaml",
        "    objectiveness: 10",
        "    # Pipes? Ask Bo.\n    objectiveness: 10",
    );
    let lock = desk.read("school.lock.yaml");
    let own = lock.split("  - id: smoking").nth(1).unwrap();
    let run = desk.compile(&server, &["--force"]);
    assert!(run.out.contains("edited by hand"), "{}", run.out);
    assert!(desk.read("school.lock.yaml").contains(own), "the entry is kept to the byte");
}

#[test]
fn proposals_stand_beside_the_text_and_change_nothing() {
    let (desk, server) = (Desk::new(), good());
    let school = desk.read("school.yaml");
    let hash = |desk: &Desk| Policy::load(&desk.path("school.yaml"), None).unwrap().hash;
    let run = desk.compile(&server, &["--write"]);
    assert!(run.out.contains("`proposed` of weapons.child, alcohol.child, smoking"), "{}", run.out);
    let written = desk.read("school.yaml");
    insta::assert_snapshot!("compile_proposed", written);
    let (before, stripped): (Hash, Vec<&str>) =
        (hash(&desk), written.lines().filter(|line| !line.contains("proposed:")).collect());
    assert_eq!(stripped.join("\n") + "\n", school);
    // A proposal that was taken over is taken away, and its entry stays.
    let text = "A cigarette must not be visible.";
    desk.change("school.yaml", "Nobody may be shown smoking in an inappropriate way.", text);
    let run = desk.compile(&server, &["--write", "--rule", "smoking"]);
    assert!(run.out.contains("smoking  adopted"), "{}", run.out);
    assert_eq!(desk.read("school.yaml").matches(text).count(), 1);
    assert_ne!(hash(&desk), before, "the text is another one");
}

/// Answers as small models and hasty servers do.
fn sloppy(request: &Request, number: usize) -> Answer {
    if number == 1 {
        let headers = vec![("retry-after", "0".to_owned())];
        return Answer::Http { status: 429, headers, body: "slow down".to_owned() };
    }
    match request.body["response_format"]["type"].as_str() {
        None => {}
        Some(kind) => {
            let message = format!("response_format: unknown variant `{kind}`");
            return Answer::json(422, &json!({ "detail": message }));
        }
    }
    let answer = competent(request.question());
    let text = match (answer.as_object().unwrap().keys().next().unwrap().as_str(), request.turn()) {
        ("explanation", 0) if answer.get("rating").is_some() => r#"{"score": 8}"#.to_owned(),
        ("explanation", _) if answer.get("rating").is_some() => {
            let why = &answer["explanation"];
            format!(
                "```json\n{{\"Explanation\": {why}, \"RATING\": \"{}\"}}\n```",
                answer["rating"]
            )
        }
        ("preconditions", 0) => r#"{"preconditions": []}"#.to_owned(),
        ("preconditions", _) => answer.to_string().replace("is visible\"", "is visible.\""),
        ("objects", _) => {
            format!("Sure! Here are the {{objects}}:\n\n{answer}\n\nLet me know if you need more.")
        }
        ("rule", 0) => "I think that the rule is clear.".to_owned(),
        ("explanation", 0) => r#"{"same": "maybe"}"#.to_owned(),
        ("explanation", _) => r#"{"same": "true", "missing": "none"}"#.to_owned(),
        _ => format!("<think>{{\"rule\": 1}}</think>{answer}"),
    };
    Answer::said(&text)
}

#[test]
fn a_sloppy_model_comes_to_the_same_lock() {
    let (good_desk, sloppy_desk) = (Desk::new(), Desk::new());
    let run = good_desk.compile(&good(), &[]);
    assert_eq!(run.code, 0, "{}", run.err);
    let server = Server::start(sloppy);
    let run = sloppy_desk.compile(&server, &["--parallel", "1"]);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    assert_eq!(sloppy_desk.lock(), good_desk.lock());
    insta::assert_snapshot!("compile_sloppy", run.err);
    let forms = server.requests();
    let with_form = forms.iter().filter(|request| request.body.get("response_format").is_some());
    assert_eq!(with_form.count(), 3, "what the server does not understand is found out once");
}

#[test]
fn a_broken_model_is_reported_rule_by_rule_and_nothing_is_lost() {
    let desk = Desk::new();
    desk.compile(&good(), &["--rule", "smoking"]);
    let lock = desk.read("school.lock.yaml");
    desk.change("school.yaml", "smoking in an", "smoking or vaping in an");
    let server = Server::start(|request, _| {
        let question = request.question();
        if question.contains("weapons") {
            Answer::json(400, &json!({ "error": { "code": "content_filter", "message": "no" } }))
        } else if question.contains("alcohol") {
            Answer::said("I'm sorry, I can't help with\u{1b}[2J that.")
        } else if question.contains("vaping") {
            let message = json!({ "content": null, "refusal": "I can't do that." });
            Answer::json(200, &json!({ "choices": [{ "message": message }] }))
        } else {
            Answer::said(&competent(question).to_string())
        }
    });
    let run = desk.compile(&server, &[]);
    insta::assert_snapshot!("compile_broken", run.out);
    assert_eq!(run.code, 1);
    assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'));
    assert!(desk.read("school.lock.yaml").starts_with(&lock), "the old entry is as it was");
    let filtered = server.requests();
    let filtered = filtered.iter().filter(|request| request.question().contains("weapons"));
    assert_eq!(filtered.count(), 1, "a content filter is never asked again");
    let refused = server.requests();
    let refused = refused.iter().filter(|request| request.question().contains("alcohol"));
    assert_eq!(refused.count(), 3, "a refusal in prose is an answer that can't be used");
}

#[test]
fn what_is_compiled_before_the_model_is_gone_is_saved() {
    let desk = Desk::new();
    let server = Server::start(|request, _| {
        if request.question().contains("take apart\nRule: A child and a knife") {
            return Answer::json(401, &json!({ "error": { "message": "expired" } }));
        }
        Answer::said(&competent(request.question()).to_string())
    });
    let run = desk.compile(&server, &[]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("refused the key") && run.out.contains("not reached"), "{}", run.out);
    let saved = Lock::load(&desk.path("school.lock.yaml")).unwrap().rules;
    let saved: Vec<&str> = saved.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(saved, ["smoking", "fire.home"]);
    let run = desk.compile(&good(), &[]);
    assert!(run.out.contains("2 compiled, 2 up to date"), "{}", run.out);
}

#[test]
fn a_lock_that_somebody_works_on_is_not_overwritten() {
    use praetor::constitution::Desk as Files;
    let desk = Desk::new();
    desk.compile(&good(), &[]);
    let (school, lock) = (desk.path("school.yaml"), desk.path("school.lock.yaml"));
    let mut entry = Lock::load(&lock).unwrap().rules[2].clone();
    entry.objective_text = "No cigarettes.".to_owned();

    // Another entry was edited meanwhile: both edits are kept.
    let mut files = Files::open(&school, None).unwrap();
    desk.change("school.lock.yaml", "beer is visible", "a beer mug is visible");
    files.put(&entry).unwrap();
    let text = desk.read("school.lock.yaml");
    assert!(text.contains("beer mug") && text.contains("No cigarettes."), "{text}");

    // This very entry was: it stays as it is.
    let mut files = Files::open(&school, None).unwrap();
    desk.change("school.lock.yaml", "objective_text: No cigarettes.", "objective_text: No cigars.");
    let text = desk.read("school.lock.yaml");
    let error = files.put(&entry).unwrap_err();
    assert!(error.to_string().contains("has changed meanwhile"), "{error}");
    assert_eq!(desk.read("school.lock.yaml"), text);

    // An anchor in the entry is needed elsewhere: taking it away would change that.
    desk.change("school.lock.yaml", "objective_text: No cigars.", "objective_text: &no No cigars.");
    let house = "A house and a fire must not be visible together.";
    desk.change("school.lock.yaml", &format!("objective_text: {house}"), "objective_text: *no");
    let text = desk.read("school.lock.yaml");
    let error = Files::open(&school, None).unwrap().put(&entry).unwrap_err();
    assert!(error.to_string().contains("something else in it would change"), "{error}");
    assert_eq!(desk.read("school.lock.yaml"), text);
    let files: Vec<_> = fs_err::read_dir(desk.folder.path()).unwrap().collect();
    assert_eq!(files.len(), 2, "nothing is left lying about: {files:?}");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_a_file_keeps_its_rights() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.compile(&good(), &["--rule", "smoking"]);
    fs_err::rename(desk.path("school.lock.yaml"), desk.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(desk.path("elsewhere"), desk.path("school.lock.yaml")).unwrap();
    let rights = std::fs::Permissions::from_mode(0o640);
    fs_err::set_permissions(desk.path("elsewhere"), rights.clone()).unwrap();
    assert_eq!(desk.compile(&good(), &[]).code, 0);
    assert!(fs_err::symlink_metadata(desk.path("school.lock.yaml")).unwrap().is_symlink());
    let now = fs_err::metadata(desk.path("elsewhere")).unwrap().permissions();
    assert_eq!(now.mode() & 0o777, rights.mode());
}

#[test]
fn mistakes_say_how_to_mend_them() {
    let desk = Desk::new();
    let remote = ["school.yaml", "--model", "openai:m"];
    let with = |arguments: &[&str]| desk.run(arguments).all();
    insta::assert_snapshot!("compile_no_model", with(&["school.yaml"]));
    insta::assert_snapshot!("compile_demo", with(&["school.yaml", "--model", "demo"]));
    insta::assert_snapshot!("compile_no_key", with(&remote));
    let no_file = with(&["school.yaml", "--model", "no.gguf"]);
    assert!(no_file.contains("openai:NAME") && no_file.starts_with("exit 3"), "{no_file}");
    insta::assert_snapshot!("compile_no_rule", with(&["school.yaml", "--rule", "weapon"]));
    let odd = [&remote[..], &["--base-url", "localhost:8080"]].concat();
    insta::assert_snapshot!("compile_address", with(&odd));
    let nobody = [&remote[..], &["--base-url", "http://127.0.0.1:9/v1"]].concat();
    insta::assert_snapshot!("compile_nobody_there", with(&nobody));

    let denies = Server::start(|request, _| {
        let key = request.headers["authorization"].clone();
        Answer::json(401, &json!({ "error": { "message": format!("wrong key {key}") } }))
    });
    let arguments = [&remote[..], &["--base-url", &denies.address]].concat();
    let run = desk.run_with(&arguments, &[("OPENAI_API_KEY", "sk-secret-123")]);
    insta::assert_snapshot!("compile_denied", run.all());
    assert!(!run.all().contains("secret"));
    assert!(denies.requests().len() <= 4, "a wrong key is not tried again");
    let unknown = Server::start(|_, _| Answer::json(404, &json!({ "error": "no such model" })));
    let arguments = [&remote[..], &["--base-url", &unknown.address]].concat();
    let text = with(&arguments).replace(&unknown.address, "ADDRESS");
    assert!(text.starts_with("exit 3") && text.contains("no model `m`"), "{text}");

    fs_err::create_dir(desk.path("prompts")).unwrap();
    desk.write("prompts/compile.objects.jinja", "{{ statement }}");
    let own = [&remote[..], &["--base-url", &denies.address, "--prompts", "prompts"]].concat();
    insta::assert_snapshot!("compile_own_prompt", with(&own));
    desk.write("school.lock.yaml", "version: 1\nconstitution: school\nrules: [{id: smoking, source: 0c0d1e5fbfc54b18c3981b6e498bddaa, objectiveness: 9, objective_text: a, reviewed: false, preconditions: [{statement: a}]}]\n");
    let lock = desk.read("school.lock.yaml");
    let flow = desk.compile(&good(), &["--rule", "fire.home"]);
    insta::assert_snapshot!("compile_flow_style", flow.all());
    assert_eq!(desk.read("school.lock.yaml"), lock);
}

fn talk(server: &Server, change: impl Fn(&mut RemoteOptions)) -> Result<Reply, VlmError> {
    let mut options = RemoteOptions {
        address: server.address.clone(),
        first_wait: Duration::from_millis(5),
        timeout: Duration::from_millis(700),
        retries: 2,
        ..RemoteOptions::new("m")
    };
    change(&mut options);
    let chat = OpenAiChat::new(options).unwrap();
    let turns = vec![Turn::User("Answer in JSON".to_owned())];
    let generate = Generate { most_tokens: 9, form: Form::Json(json!({ "type": "object" })) };
    Ok(chat.chat(None, &[turns], &generate)?.remove(0))
}

#[test]
fn each_failure_of_a_server_is_what_it_is() {
    let http = |status, headers: &[(&'static str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Answer::Http { status, headers, body: body.to_owned() }
    };
    let html = http(200, &[("content-type", "text/html")], "<html>Welcome</html>");
    let huge = Answer::said(&"x".repeat(5 << 20));
    let cases: [(&str, Answer, usize, &str); 11] = [
        ("an error page", html, 1, "not JSON: `<html>Welcome"),
        ("not JSON", http(200, &[], "\u{0}\u{1}{{{"), 1, "not JSON"),
        ("a huge body", huge, 1, "longer than"),
        ("errors", http(500, &[], "oops"), 3, "answered 500: oops"),
        ("a cut connection", Answer::Reset, 3, "connection to the server broke"),
        ("a slow body", Answer::Slow(Duration::from_secs(2)), 3, "within 0.7 s"),
        ("a limit", http(429, &[("retry-after", "0")], "{}"), 3, "answered 429"),
        ("a long wait", http(429, &[("retry-after", "3600")], "{}"), 1, "answered 429"),
        ("an overlong reply", Answer::ended("{", "length"), 1, "did not end within 9 tokens"),
        ("a filter", Answer::ended("", "content_filter"), 1, "content filter"),
        ("a complaint", http(400, &[], "context is full"), 1, "context is full"),
    ];
    for (name, answer, requests, detail) in cases {
        let server = Server::start(move |_, _| answer.clone());
        let reply = talk(&server, |_| {}).unwrap();
        let Reply::Unavailable(why) = reply else { panic!("{name}: {reply:?}") };
        assert!(why.to_string().contains(detail), "{name}: {why}");
        assert_eq!(server.requests().len(), requests, "{name}");
    }
}

#[test]
fn after_some_failures_nothing_more_is_asked() {
    let status = |status: u16| {
        let body = json!({ "error": { "message": "sk-1 is wrong", "code": "x" } });
        Server::start(move |_, _| Answer::json(status, &body))
    };
    let key = |options: &mut RemoteOptions| options.key = Some(Key::new("sk-1"));
    let denied = talk(&status(401), key).unwrap_err();
    assert_eq!(denied.to_string(), "the server refused the key (401): … is wrong");
    assert!(matches!(talk(&status(403), key), Err(VlmError::Denied { .. })));
    assert!(matches!(talk(&status(404), key), Err(VlmError::NoModel { .. })));
    assert!(matches!(talk(&status(307), key), Err(VlmError::Unreachable { .. })));
    let quota = Server::start(|_, _| {
        Answer::json(429, &json!({ "error": { "code": "insufficient_quota" } }))
    });
    assert!(matches!(talk(&quota, key), Err(VlmError::Quota { .. })));
    assert_eq!(quota.requests().len(), 1);
    let nobody = |options: &mut RemoteOptions| options.address = "http://127.0.0.1:9/v1".to_owned();
    assert!(matches!(talk(&quota, nobody), Err(VlmError::Unreachable { .. })));
}

#[test]
fn the_key_goes_along_and_passing_failures_pass() {
    let server = Server::start(|request, number| match number {
        1 => Answer::Reset,
        2 => Answer::json(503, &json!({})),
        _ => Answer::said(&request.headers["authorization"]),
    });
    let reply = talk(&server, |options| options.key = Some(Key::new("sk-1"))).unwrap();
    assert_eq!(reply, Reply::Said("Bearer sk-1".to_owned()));
    assert_eq!(
        talk(&Server::start(|_, _| Answer::said(" ")), |_| {}).unwrap(),
        Reply::Said(String::new())
    );
}

#[test]
fn many_conversations_come_back_in_order_and_few_at_a_time() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|request, number| {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(if number % 2 == 0 { 30 } else { 5 }));
        NOW.fetch_sub(1, Ordering::SeqCst);
        Answer::said(request.question())
    });
    let address = server.address.clone();
    let options = RemoteOptions { address, concurrency: 3, ..RemoteOptions::new("m") };
    let chat = OpenAiChat::new(options).unwrap();
    let turns: Vec<Vec<Turn>> =
        (0..12).map(|number| vec![Turn::User(format!("number {number}"))]).collect();
    let generate = Generate { most_tokens: 9, form: Form::Free };
    let replies = chat.chat(None, &turns, &generate).unwrap();
    let expected: Vec<Reply> =
        (0..12).map(|number| Reply::Said(format!("number {number}"))).collect();
    assert_eq!(replies, expected);
    assert!(MOST.load(Ordering::SeqCst) <= 3);
}

/// The stand-in of the guide, with Python.
#[test]
fn the_guides_stand_in_is_as_good_as_ours() {
    use std::io::{BufRead, BufReader};
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/scripted-llm/serve.py");
    let child =
        Command::new("python3").args([script, "--port", "0"]).stdout(Stdio::piped()).spawn();
    // Who has no Python follows the guide with another model.
    let Ok(mut child) = child else { return };
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    let (desk, ours) = (Desk::new(), Desk::new());
    let run = desk.run(&["school.yaml", "--model", "openai:test", "--base-url", address]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    ours.compile(&good(), &[]);
    let without_comparison = |desk: &Desk| Lock::load(&desk.path("school.lock.yaml")).unwrap();
    let (theirs, ours) = (without_comparison(&desk), without_comparison(&ours));
    let chains = |lock: &Lock| -> Vec<Value> {
        lock.rules
            .iter()
            .map(|rule| json!([rule.id, rule.objective_text, rule.preconditions]))
            .collect()
    };
    assert_eq!(chains(&theirs), chains(&ours));
}

/// A real language model, small enough for a test: every answer keeps to its form, and the same
/// comes out twice. What it says is not worth much.
#[test]
fn a_small_real_model_comes_to_an_entry_or_to_a_reason() {
    let model = std::env::var_os("PRAETOR_INSTRUCT_GGUF").map_or_else(
        || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("target/instruct/SmolLM2-135M-Instruct.Q4_1.gguf")
        },
        PathBuf::from,
    );
    assert!(model.exists(), "{} is not there; run `make instruct-model`", model.display());
    let compile = || {
        let desk = Desk::new();
        let arguments =
            ["school.yaml", "--rule", "fire.home", "--rounds", "0", "--threads", "1", "--model"];
        let run = desk.run(&[&arguments[..], &[model.to_str().unwrap()]].concat());
        let lock = fs_err::read_to_string(desk.path("school.lock.yaml")).ok();
        (run, lock)
    };
    let (first, lock) = compile();
    match (first.code, &lock) {
        (0, Some(lock)) => assert_eq!(Lock::parse(lock).unwrap().rules.len(), 1),
        (1, None) => assert!(first.out.contains("not compiled"), "{}", first.out),
        other => panic!("{other:?}\n{}\n{}", first.out, first.err),
    }
    let complaint = "it is not a JSON object";
    assert!(!first.err.contains(complaint), "the grammar holds it to JSON: {}", first.err);
    let (second, again) = compile();
    assert_eq!((second.out, second.err, again), (first.out, first.err, lock));
}

#[test]
fn a_proposal_that_becomes_the_rule_keeps_its_entry_and_asks_nobody() {
    let desk = Desk::new();
    let server = good();
    assert_eq!(desk.compile(&server, &["--write"]).code, 0);
    let lock = desk.read("school.lock.yaml");
    desk.write("school.lock.yaml", &lock.replacen("reviewed: false", "reviewed: true # by Ada", 1));
    let before = desk.read("school.lock.yaml");
    let asked = server.requests().len();
    let yaml = desk.read("school.yaml");
    let proposal = yaml.lines().find_map(|line| line.trim().strip_prefix("proposed: ")).unwrap();
    let was = "    text: Children must not be shown in dangerous situations with weapons.\n";
    let proposed = format!("    proposed: {proposal}\n");
    desk.change("school.yaml", &format!("{was}{proposed}"), &format!("    text: {proposal}\n"));
    let check = desk.run(&["school.yaml", "--check"]);
    assert_eq!(check.code, 2);
    assert!(check.out.contains("compiling puts the hash right without a model"), "{}", check.out);

    let run = desk.run(&["school.yaml"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("weapons.child  adopted"), "{}", run.out);
    assert_eq!(server.requests().len(), asked);
    let after = desk.read("school.lock.yaml");
    let differing: Vec<(&str, &str)> =
        before.lines().zip(after.lines()).filter(|(before, after)| before != after).collect();
    assert_eq!(before.lines().count(), after.lines().count());
    for (line, _) in &differing {
        let line = line.trim();
        assert!(line.starts_with("source: ") || line.starts_with("content: "), "{line}");
    }
    assert!(!differing.is_empty() && after.contains("reviewed: true # by Ada"));
    assert_eq!(desk.run(&["school.yaml", "--check"]).code, 0);
}
