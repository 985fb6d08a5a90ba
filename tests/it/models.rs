//! Models by name: fetched, checked, found, judged with.

use std::path::PathBuf;

use serde_json::Value;

use super::cli::{Praetor, Run};
use super::hub_server::{COMMIT, Faults, HubServer, NEXT, sha256};

/// A machine with a hub.
struct Machine {
    praetor: Praetor,
    hub: HubServer,
}

const PAIR: &str = "tiny/smolvlm-GGUF";
const TOKEN: &str = "hf_neverPrintThis";

impl Machine {
    fn new() -> Self {
        let this = Self { praetor: Praetor::new(), hub: HubServer::start() };
        this.hub.has_pair(PAIR, "smolvlm");
        this.praetor.picture("a.png");
        this
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(&[], arguments)
    }

    fn run_with(&self, more: &[(&str, &str)], arguments: &[&str]) -> Run {
        let home = self.praetor.path("hf");
        let base = [
            ("HF_ENDPOINT", self.hub.endpoint.as_str()),
            ("HF_HOME", home.to_str().unwrap()),
            ("HF_HUB_CACHE", ""),
            ("HUGGINGFACE_HUB_CACHE", ""),
            ("HF_TOKEN", ""),
            ("HF_TOKEN_PATH", ""),
            ("HF_HUB_OFFLINE", ""),
        ];
        let run = self.praetor.run_in(&[&base, more].concat(), arguments);
        for text in [&run.out, &run.err] {
            assert!(!text.contains(TOKEN) && !text.contains("signature"), "a secret: {text}");
        }
        run
    }

    fn pull(&self, name: &str) -> Run {
        let run = self.run(&["models", "pull", name]);
        assert_eq!(run.code, 0, "{}", run.err);
        run
    }

    fn judge(&self, more: &[(&str, &str)], model: &[&str]) -> Run {
        self.run_with(more, &[&["judge", "a.png", "-c", "pets.yaml"], model].concat())
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.praetor.path("hf/hub").join(format!("models--{}", name.replace('/', "--")))
    }

    fn incomplete(&self, name: &str) -> Vec<PathBuf> {
        let blobs = fs_err::read_dir(self.repository(name).join("blobs")).unwrap();
        let paths = blobs.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "incomplete")).collect()
    }
}

fn model(name: &str) -> Vec<u8> {
    fs_err::read(format!("tests/models/{name}.gguf")).unwrap()
}

#[test]
fn a_model_is_pulled_once_into_the_standard_cache_and_judged_with_offline() {
    let machine = Machine::new();
    let before = machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF"]);
    assert_eq!(before.code, 3, "{}", before.err);
    assert!(before.err.contains("praetor models pull hf:tiny/smolvlm-GGUF"), "{}", before.err);
    assert!(machine.hub.asked().is_empty(), "judging asks nobody");

    let run = machine.pull("hf:tiny/smolvlm-GGUF");
    assert!(
        run.err.contains("2 files of tiny/smolvlm-GGUF, 157.86 kB, 157.86 kB of it to fetch"),
        "{}",
        run.err
    );
    let repository = machine.repository(PAIR);
    assert_eq!(fs_err::read_to_string(repository.join("refs/main")).unwrap(), COMMIT);
    let file = repository.join("snapshots").join(COMMIT).join("smolvlm-Q8_0.gguf");
    assert_eq!(fs_err::read(&file).unwrap(), model("smolvlm"));
    // As Hugging Face's own tools lay it out.
    let blob = PathBuf::from(format!("../../blobs/{}", sha256(&model("smolvlm"))));
    assert_eq!(fs_err::read_link(&file).unwrap(), blob);
    assert!(machine.incomplete(PAIR).is_empty());

    machine.hub.asked();
    let offline = [("HF_HUB_OFFLINE", "1")];
    let judged = machine.judge(&offline, &["--model", "hf:tiny/smolvlm-GGUF", "--out", "run"]);
    assert!(judged.code <= 1, "{}", judged.err);
    let verdicts = fs_err::read_to_string(machine.praetor.path("run/verdicts.jsonl")).unwrap();
    assert_eq!(verdicts.lines().count(), 1);
    assert!(machine.hub.asked().is_empty(), "nobody is asked");
    let manifest = fs_err::read_to_string(machine.praetor.path("run/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let settings = &manifest["settings"];
    assert_eq!(settings["model_revision"], format!("{PAIR}@{COMMIT}"));
    assert_eq!(settings["question_form"], "plain");

    // What is here is checked, and not fetched again.
    let again = machine.pull("hf:tiny/smolvlm-GGUF");
    assert!(again.err.contains("all of it here, to be checked"), "{}", again.err);
    assert!(machine.hub.asked().iter().all(|asked| !asked.of_large_files));
}

#[test]
fn the_same_verdicts_by_name_and_by_files() {
    let machine = Machine::new();
    machine.pull("hf:tiny/smolvlm-GGUF:Q8_0");
    let at = |name: &str| format!("{}/tests/models/{name}.gguf", env!("CARGO_MANIFEST_DIR"));
    let (model, projector) = (at("smolvlm"), at("smolvlm-mmproj"));
    let files = machine.judge(&[], &["--model", &model, "--mmproj", &projector, "--trace"]);
    let named = machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF:Q8_0", "--trace"]);
    let m = |run: &Run| {
        let verdicts = run.verdicts();
        verdicts[0]
            .rules
            .iter()
            .flat_map(|rule| &rule.findings)
            .map(|finding| finding.m)
            .collect::<Vec<_>>()
    };
    assert!(!m(&files).is_empty(), "{}", files.err);
    assert_eq!(m(&files), m(&named));
    let other = machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF", "--mmproj", "no.gguf"]);
    assert!(other.err.contains("no.gguf"), "the flag's projector is taken: {}", other.err);
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let machine = Machine::new();
    // Once: it goes on by itself.
    machine.hub.faults(Faults { break_after: Some((40_000, 1)), ..Faults::default() });
    machine.pull("hf:tiny/smolvlm-GGUF");
    let ranges: Vec<String> =
        machine.hub.asked().into_iter().filter_map(|asked| asked.range).collect();
    assert!(ranges.contains(&"bytes=40000-".to_owned()), "{ranges:?}");

    // Again and again without a byte: it gives up, keeps what it has, and goes on next time.
    let machine = Machine::new();
    machine.hub.faults(Faults { break_after: Some((40_000, 1)), ..Faults::default() });
    let tag = sha256(&model("smolvlm"));
    let blobs = machine.repository(PAIR).join("blobs");
    fs_err::create_dir_all(&blobs).unwrap();
    fs_err::write(blobs.join(format!("{tag}.incomplete")), &model("smolvlm")[..50_000]).unwrap();
    machine.hub.faults(Faults { break_after: Some((0, 99)), ..Faults::default() });
    let run = machine.run(&["models", "pull", "hf:tiny/smolvlm-GGUF"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("50000 of 90208 bytes"), "{}", run.err);
    let shown = machine.run(&["models", "show", "hf:tiny/smolvlm-GGUF"]);
    assert!(shown.out.contains("50.00 kB here so far"), "{}", shown.out);
    let judged = machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF"]);
    assert_eq!(judged.code, 3, "half a model is none: {}", judged.err);

    machine.hub.faults(Faults::default());
    machine.hub.asked();
    machine.pull("hf:tiny/smolvlm-GGUF");
    let asked = machine.hub.asked();
    assert!(asked.iter().any(|asked| asked.range.as_deref() == Some("bytes=50000-")), "{asked:?}");
    assert_eq!(fs_err::read(blobs.join(tag)).unwrap(), model("smolvlm"));
}

#[test]
fn a_server_that_can_not_go_on_in_the_middle_begins_anew() {
    let machine = Machine::new();
    let fault =
        Faults { break_after: Some((40_000, 1)), ignores_ranges: true, ..Faults::default() };
    machine.hub.faults(fault);
    machine.pull("hf:tiny/smolvlm-GGUF");
    let stored = machine.repository(PAIR).join("blobs").join(sha256(&model("smolvlm")));
    assert_eq!(fs_err::read(stored).unwrap(), model("smolvlm"));
}

#[test]
fn what_is_not_what_the_hub_says_is_told_and_kept() {
    let machine = Machine::new();
    machine.hub.faults(Faults { damaged: true, ..Faults::default() });
    for _ in 0..2 {
        let run = machine.run(&["models", "pull", "hf:tiny/smolvlm-GGUF"]);
        assert_eq!(run.code, 3);
        let said = run.err.replace(['\n', '│'], "").replace("  ", "");
        assert!(said.contains("is damaged: its SHA-256 is"), "{}", run.err);
        assert!(said.contains("incomplete"), "it says where: {}", run.err);
    }
    let [kept] = machine.incomplete(PAIR).try_into().unwrap();
    let judged = machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF"]);
    assert_eq!(judged.code, 3, "it is never judged with");

    machine.hub.faults(Faults::default());
    fs_err::remove_file(kept).unwrap();
    machine.pull("hf:tiny/smolvlm-GGUF");

    // Damage on this machine's disk is found by the next pull.
    let blob = machine.repository(PAIR).join("blobs").join(sha256(&model("smolvlm")));
    let mut content = model("smolvlm");
    content[80_000] ^= 1;
    fs_err::write(&blob, content).unwrap();
    let run = machine.run(&["models", "pull", "hf:tiny/smolvlm-GGUF"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("is damaged"), "{}", run.err);
    assert!(blob.exists(), "nothing is deleted");
}

#[test]
fn quantisations_are_chosen_as_documented() {
    let machine = Machine::new();
    machine.hub.has(
        PAIR,
        &[
            ("smolvlm-Q4_K_M.gguf", &model("llava")),
            ("mmproj-smolvlm-Q8_0.gguf", &model("llava-mmproj")),
        ],
    );
    let run = machine.run(&["models", "pull", "hf:tiny/smolvlm-GGUF:Q5_K_M"]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("has no quantisation `Q5_K_M`; it has `Q4_K_M`, `Q8_0`"),
        "{}",
        run.err
    );
    let run = machine.pull("hf:tiny/smolvlm-GGUF");
    assert!(run.out.contains("smolvlm-Q4_K_M.gguf"), "{}", run.out);
    assert!(run.out.contains("mmproj-smolvlm-f16.gguf"), "the more exact projector: {}", run.out);
    // In the cache, too, only what is asked for is taken.
    let judged = machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF:Q8_0"]);
    assert_eq!(judged.code, 3);
    assert!(judged.err.contains("it has `Q4_K_M`"), "{}", judged.err);
    let run = machine.pull("hf:tiny/smolvlm-GGUF:q8_0");
    assert!(run.out.contains("smolvlm-Q8_0.gguf"), "{}", run.out);
    assert!(machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF:q8_0"]).code <= 1);
}

#[test]
fn a_model_in_parts_is_fetched_whole_and_one_without_eyes_is_said_to_have_none() {
    let machine = Machine::new();
    let part = |number: usize| format!("big-Q4_K_M-{number:05}-of-00002.gguf");
    machine.hub.has("tiny/big-GGUF", &[(&part(1), b"GGUF one"), (&part(2), b"GGUF two")]);
    let run = machine.pull("hf:tiny/big-GGUF");
    assert!(run.err.contains("2 files") && run.err.contains("has no projector"), "{}", run.err);
    for number in 1..=2 {
        assert!(run.out.contains(&part(number)), "{}", run.out);
    }
    machine.hub.has("tiny/half-GGUF", &[(&part(2), b"GGUF two")]);
    let run = machine.run(&["models", "pull", "hf:tiny/half-GGUF"]);
    assert!(run.code == 2 && run.err.contains("lacks part 1 of 2"), "{}", run.err);
    machine.hub.has("tiny/none", &[("README.md", b"# nothing")]);
    let run = machine.run(&["models", "pull", "hf:tiny/none"]);
    assert!(run.code == 2 && run.err.contains("holds no GGUF model"), "{}", run.err);

    machine.hub.has("tiny/words-GGUF", &[("words-Q8_0.gguf", &model("llava"))]);
    machine.pull("hf:tiny/words-GGUF");
    let judged = machine.judge(&[], &["--model", "hf:tiny/words-GGUF"]);
    assert!(judged.code == 2 && judged.err.contains("without a projector"), "{}", judged.err);
    // It is good enough for talking: the compiler opens it, and its babble is no answer.
    let compile = ["constitution", "compile", "new.yaml", "--model", "hf:tiny/words-GGUF"];
    machine.praetor.write("new.yaml", "name: new\nrules:\n  - id: a\n    text: No dogs.\n");
    let compiled = machine.run(&compile);
    assert!(!compiled.err.contains("can't read the model"), "{}", compiled.err);
    assert_ne!(compiled.code, 3, "{}", compiled.err);
}

#[test]
fn revisions_stand_beside_each_other() {
    let machine = Machine::new();
    machine.pull("hf:tiny/smolvlm-GGUF@next");
    assert_eq!(
        machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF"]).code,
        3,
        "main is not here"
    );
    assert!(machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF@next"]).code <= 1);
    let by_commit = format!("hf:tiny/smolvlm-GGUF@{NEXT}");
    assert!(machine.judge(&[], &["--model", &by_commit]).code <= 1);
    // The same content is not fetched twice.
    machine.hub.asked();
    machine.pull("hf:tiny/smolvlm-GGUF");
    assert!(machine.hub.asked().iter().all(|asked| !asked.of_large_files));
    let run = machine.run(&["models", "pull", "hf:tiny/smolvlm-GGUF@v9"]);
    assert!(run.code == 3 && run.err.contains("no such revision"), "{}", run.err);
}

#[test]
fn gated_models_want_a_token_which_goes_to_the_hub_alone_and_is_never_shown() {
    let machine = Machine::new();
    machine.hub.gate(PAIR, TOKEN);
    let pull = ["models", "pull", "hf:tiny/smolvlm-GGUF"];
    for token in ["", "hf_wrong"] {
        let run = machine.run_with(&[("HF_TOKEN", token)], &pull);
        assert_eq!(run.code, 3);
        assert!(run.err.contains("gated") && run.err.contains("HF_TOKEN"), "{}", run.err);
        assert!(!run.err.contains("hf_wrong"));
    }
    let run = machine.run_with(&[("HF_TOKEN", TOKEN)], &[&pull[..], &["-vv"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let asked = machine.hub.asked();
    let (files, hub): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| asked.of_large_files);
    assert!(!files.is_empty() && files.iter().all(|asked| asked.token.is_none()), "{files:?}");
    assert!(hub.iter().any(|asked| asked.token.is_some()));
    // One that Hugging Face's own login has stored.
    let machine = Machine::new();
    machine.hub.gate(PAIR, TOKEN);
    machine.praetor.write("hf/token", TOKEN);
    machine.pull("hf:tiny/smolvlm-GGUF");
}

#[test]
fn what_stands_in_the_way_is_said() {
    let machine = Machine::new();
    let pull = |more: &[(&str, &str)], name: &str| {
        let run = machine.run_with(more, &["models", "pull", name]);
        (run.code, run.err.replace(['\n', '│'], "").replace("  ", " "))
    };
    let (code, said) = pull(&[], "hf:tiny/nothing");
    assert!(code == 3 && said.contains("there is no such model"), "{said}");
    let (code, said) = pull(&[], "gemma-3-5b");
    assert!(code == 2 && said.contains("did you mean `gemma-3-4b`?"), "{said}");
    let (code, said) = pull(&[], "hf:tiny");
    assert!(code == 2 && said.contains("owner/name"), "{said}");
    let (code, said) = pull(&[("HF_HUB_OFFLINE", "1")], "hf:tiny/smolvlm-GGUF");
    assert!(code == 2 && said.contains("HF_HUB_OFFLINE is set"), "{said}");
    let (code, said) = pull(&[("HF_ENDPOINT", "http://127.0.0.1:9")], "hf:tiny/smolvlm-GGUF");
    assert!(code == 3 && said.contains("can't be reached"), "{said}");
    let (code, said) = pull(&[("HF_ENDPOINT", "not an address")], "hf:tiny/smolvlm-GGUF");
    assert!(code == 3 && said.contains("HF_ENDPOINT"), "{said}");
    machine.hub.faults(Faults { unwell: 2, ..Faults::default() });
    assert_eq!(pull(&[], "hf:tiny/smolvlm-GGUF").0, 0, "a hub that comes to itself is asked again");

    for (name, word) in
        [("qwen2.5-vl-4b", "did you mean"), ("gemma-3-4b", "models pull gemma-3-4b` (3.34 GB)")]
    {
        let run = machine.judge(&[], &["--model", name]);
        let said = run.err.replace(['\n', '│'], "").replace("  ", " ");
        assert!(said.contains(word), "{said}");
    }
    let run = machine.judge(&[("HF_HUB_OFFLINE", "1")], &["--model", "gemma-3-4b"]);
    assert!(run.code == 3 && run.err.contains("HF_HUB_OFFLINE is set"), "{}", run.err);
}

#[test]
fn a_mirror_that_tells_little_is_enough() {
    let machine = Machine::new();
    machine.hub.faults(Faults { tells_little: true, ..Faults::default() });
    machine.pull("hf:tiny/smolvlm-GGUF");
    let asked = machine.hub.asked();
    assert!(asked.iter().any(|asked| asked.line.starts_with("HEAD")), "{asked:?}");
    assert!(machine.judge(&[], &["--model", "hf:tiny/smolvlm-GGUF"]).code <= 1);
}

#[test]
fn the_catalogue_is_listed_and_shown_with_and_without_the_hub() {
    let machine = Machine::new();
    machine.hub.has(
        "ggml-org/SmolVLM-256M-Instruct-GGUF",
        &[
            ("SmolVLM-256M-Instruct-Q8_0.gguf", &model("smolvlm")),
            ("mmproj-SmolVLM-256M-Instruct-Q8_0.gguf", &model("smolvlm-mmproj")),
            ("mmproj-SmolVLM-256M-Instruct-f16.gguf", &model("llava-mmproj")),
        ],
    );
    let list = machine.run(&["models", "list", "--format", "json"]);
    let rows: Value = serde_json::from_str(&list.out).unwrap();
    assert_eq!(rows[0]["name"], "smolvlm-256m");
    assert_eq!((&rows[0]["bytes"], &rows[0]["in_cache"]), (&278_824_384_u64.into(), &false.into()));
    let offline = [("HF_HUB_OFFLINE", "1")];
    let show = ["models", "show", "smolvlm-256m", "--format", "json"];
    let shown: Value = serde_json::from_str(&machine.run_with(&offline, &show).out).unwrap();
    assert_eq!(shown["files"][0]["bytes"], 175_054_528);
    assert_eq!(shown["complete"], false);
    assert!(machine.hub.asked().is_empty());

    // This hub has other files under the catalogue's names, which is told.
    let run = machine.pull("smolvlm-256m");
    assert!(run.err.contains("is another file than the one this version"), "{}", run.err);
    assert!(run.out.contains("mmproj-SmolVLM-256M-Instruct-Q8_0.gguf"), "the pair's: {}", run.out);
    let shown: Value = serde_json::from_str(&machine.run(&show).out).unwrap();
    assert_eq!((&shown["complete"], &shown["commit"]), (&true.into(), &COMMIT.into()));
    assert_eq!(shown["files"][0]["sha256"], sha256(&model("smolvlm")));
    assert_eq!(shown["quantisations"]["Q8_0"], model("smolvlm").len());
    let list = machine.run(&["models", "list"]);
    let line = list.out.lines().find(|line| line.starts_with("smolvlm-256m")).unwrap();
    assert!(line.contains("279") || line.contains("278"), "{line}");
    assert!(line.contains("here"), "{line}");
    assert!(machine.judge(&offline, &["--model", "smolvlm-256m"]).code <= 1);
    let text = machine.run_with(&offline, &["models", "show", "smolvlm-256m"]);
    assert!(text.out.contains("complete, in") && text.out.contains("not asked"), "{}", text.out);
}

#[test]
fn models_with_a_form_of_their_own_are_known_by_name_and_asked_in_it() {
    let machine = Machine::new();
    machine.hub.has_pair("tiny/Shieldstral-1.0-3B-GGUF", "smolvlm");
    machine.hub.has_pair("tiny/LlavaGuard-v1.2-7B-GGUF", "smolvlm");
    machine.pull("hf:tiny/smolvlm-GGUF");
    let asked = |model: &str, form: &[&str]| {
        let arguments = [&["--model", model, "--trace", "--out", "run"], form].concat();
        let _ = fs_err::remove_dir_all(machine.praetor.path("run"));
        let run = machine.judge(&[], &arguments);
        assert!(run.code <= 1, "{}", run.err);
        let manifest = fs_err::read_to_string(machine.praetor.path("run/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let verdict = fs_err::read_to_string(machine.praetor.path("run/verdicts.jsonl")).unwrap();
        let verdict: Value = serde_json::from_str(verdict.trim()).unwrap();
        let m = verdict["rules"][0]["findings"][0]["m"].as_f64();
        (
            manifest["settings"]["question_form"].as_str().unwrap().to_owned(),
            manifest["model"]["fingerprint"].clone(),
            m.expect("answered"),
        )
    };
    let plain = asked("hf:tiny/smolvlm-GGUF", &[]);
    let mut seen = vec![plain.clone()];
    for (repository, form) in
        [("Shieldstral-1.0-3B", "shieldstral"), ("LlavaGuard-v1.2-7B", "llavaguard")]
    {
        let name = format!("hf:tiny/{repository}-GGUF");
        machine.pull(&name);
        let shown = machine.run(&["models", "show", &name, "--format", "json"]);
        let shown: Value = serde_json::from_str(&shown.out).unwrap();
        assert_eq!(shown["question_form"], form);
        let own = asked(&name, &[]);
        assert_eq!(own.0, form);
        assert!(
            seen.iter()
                .all(|(_, fingerprint, m)| *fingerprint != own.1 && (m - own.2).abs() > 1e-9),
            "{own:?}"
        );
        // The flag says so too, and takes it away.
        assert_eq!(asked("hf:tiny/smolvlm-GGUF", &["--question-form", form]), own);
        assert_eq!(asked(&name, &["--question-form", "plain"]), plain);
        seen.push(own);
    }
}
