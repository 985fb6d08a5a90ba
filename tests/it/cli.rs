//! The command line as a user meets it: what is printed, written, and returned.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use praetor::verdict::{Conclusion, Verdict, verdict_schema};
use serde_json::Value;

const RULES: &str = "\
name: pets
rules:
  - id: dogs
    text: Dogs must not be shown.
  - id: cats.indoors
    text: Cats must not be shown in a house.
";

const LOCK: &str = "\
version: 1
constitution: pets
rules:
  - id: dogs
    source: {dogs}
    objectiveness: 10
    objective_text: A dog must not be visible.
    reviewed: true
    preconditions:
      - statement: a dog is visible
        objects: [dog]
  - id: cats.indoors
    source: {cats}
    objectiveness: 10
    objective_text: A cat and a house must not be visible together.
    reviewed: true
    preconditions:
      - statement: a cat is visible
        objects: [cat]
      - statement: a house is visible
        objects: [house]
";

/// A folder of one's own, the binary, and what differs from run to run filtered out.
pub(crate) struct Praetor {
    folder: tempfile::TempDir,
    keeps_answers: bool,
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Praetor {
    pub(crate) fn new() -> Self {
        let this = Self { folder: tempfile::tempdir().unwrap(), keeps_answers: false };
        let hash = |text: &str| praetor::ids::Hash::of(text.as_bytes()).to_string();
        let lock = LOCK
            .replace("{dogs}", &hash("Dogs must not be shown."))
            .replace("{cats}", &hash("Cats must not be shown in a house."));
        this.write("pets.yaml", RULES);
        this.write("pets.lock.yaml", &lock);
        this
    }

    /// With an answer cache of its own.
    pub(crate) fn keeping_answers() -> Self {
        Self { keeps_answers: true, ..Self::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }

    pub(crate) fn picture(&self, name: &str) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        let pixel =
            |x: u32, y: u32| image::Rgb([u8::try_from(x * 3).unwrap(), 90, (y % 200) as u8]);
        image::RgbImage::from_fn(64, 64, pixel).save(path).unwrap();
    }

    /// As [`run`](Self::run), with variables.
    pub(crate) fn run_in(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).envs(variables.iter().copied()).stdin(Stdio::null()))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_praetor"));
        command.args(arguments).current_dir(self.folder.path()).env_remove("PRAETOR_LOG");
        if self.keeps_answers {
            command.env("PRAETOR_CACHE", self.path("cache")).env_remove("PRAETOR_NO_CACHE");
        } else {
            let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
            command.env("PRAETOR_CACHE", shared).env("PRAETOR_NO_CACHE", "1");
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        self.write("input", input);
        let input = fs_err::File::open(self.path("input")).unwrap();
        Run::of(self.command(arguments).stdin(Stdio::from(input.into_parts().0)))
    }
}

impl Run {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().expect("the process ended by itself"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Numbers, times and rates differ from model to model and run to run.
pub(crate) fn stable(text: &str) -> String {
    let mut stable = String::new();
    let mut digits = false;
    for c in text.chars() {
        if c.is_ascii_digit() || (digits && c == '.') {
            if !digits {
                stable.push('#');
            }
            digits = true;
        } else {
            digits = false;
            stable.push(c);
        }
    }
    stable
}

#[test]
fn a_folder_becomes_one_line_an_image_in_order_and_a_broken_file_is_one_of_them() {
    let praetor = Praetor::new();
    praetor.picture("in/b.png");
    praetor.picture("in/sub/c.jpg");
    praetor.write("in/a.png", b"not an image");
    let run = praetor.run(&["judge", "in", "-c", "pets.yaml"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let verdicts = run.verdicts();
    let names: Vec<&str> = verdicts.iter().map(|verdict| verdict.image.as_str()).collect();
    assert_eq!(names, ["in/a.png", "in/b.png", "in/sub/c.jpg"]);
    assert_eq!(verdicts[0].verdict, Conclusion::Failed);
    assert_eq!(verdicts[0].error.as_ref().unwrap().code, "unsupported");
    assert!(verdicts[0].rules.is_empty());
    for verdict in &verdicts[1..] {
        assert_ne!(verdict.verdict, Conclusion::Failed);
        assert_eq!(verdict.rules.len(), 2);
        assert!(verdict.rules.iter().all(|rule| rule.findings.is_empty()));
    }
    assert!(run.err.contains("3 images in"), "{}", run.err);
    assert!(!run.err.contains("clip"), "llama.cpp's own lines are kept away: {}", run.err);
}

#[test]
fn every_line_fits_the_schema_with_and_without_trace() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    praetor.write("b.gif", b"GIF89a");
    let schema = jsonschema::validator_for(&verdict_schema()).unwrap();
    for more in [&[][..], &["--trace"], &["--trace", "--without", "prior"]] {
        let arguments =
            [&["judge", "a.png", "b.gif", "none.png", "-c", "pets.yaml"], more].concat();
        let run = praetor.run(&arguments);
        assert_eq!(run.out.lines().count(), 3, "{}", run.err);
        for line in run.out.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            let wrong: Vec<String> =
                schema.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{line}\n{wrong:?}");
        }
    }
}

#[test]
fn the_trace_holds_every_number_behind_a_verdict() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    let all = ["judge", "a.png", "-c", "pets.yaml", "--trace", "--relevance-threshold", "-1"];
    let run = praetor.run(&all);
    let verdict = run.verdicts().remove(0);
    let findings: Vec<_> = verdict.rules.iter().flat_map(|rule| &rule.findings).collect();
    assert_eq!(findings.len(), 3);
    for finding in findings {
        let prior = finding.prior.unwrap().value();
        assert!((finding.rejects_below.unwrap() - 0.7 * prior).abs() < 1e-9);
        assert!((finding.accepts_above.unwrap() - (0.8 + 0.2 * prior)).abs() < 1e-9);
        assert!(finding.m.is_some() && finding.score.is_some() && finding.mass.is_some());
    }
    let plain = praetor.run(&[&all[..], &["--without", "prior"]].concat());
    let verdict = plain.verdicts().remove(0);
    for finding in verdict.rules.iter().flat_map(|rule| &rule.findings) {
        assert_eq!((finding.prior, finding.rejects_below), (None, Some(0.5)));
    }
}

#[test]
fn images_come_from_a_list_a_glob_and_the_name_of_a_file_whatever_its_extension() {
    let praetor = Praetor::new();
    for name in ["in/a.png", "in/b.png", "c.png"] {
        praetor.picture(name);
    }
    fs_err::rename(praetor.path("c.png"), praetor.path("c.jpeg")).unwrap();
    let listed = praetor.run_with(&["judge", "-", "-c", "pets.yaml"], "in/b.png\nc.jpeg\n");
    let names =
        |run: &Run| run.verdicts().into_iter().map(|verdict| verdict.image).collect::<Vec<_>>();
    assert_eq!(names(&listed), ["in/b.png", "c.jpeg"], "{}", listed.err);
    assert_eq!(names(&praetor.run(&["judge", "i*/*.png", "-c", "pets.yaml"])).len(), 2);
}

#[test]
fn a_run_is_kept_in_a_folder_and_never_written_over() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    let arguments = ["judge", "a.png", "-c", "pets.yaml", "--out", "run"];
    let run = praetor.run(&arguments);
    assert_eq!(run.out, "", "the folder holds the lines");
    let line = fs_err::read_to_string(praetor.path("run/verdicts.jsonl")).unwrap();
    let verdict: Verdict = serde_json::from_str(line.trim()).unwrap();
    let manifest: Value =
        serde_json::from_slice(&fs_err::read(praetor.path("run/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["policy"], verdict.policy.to_string());
    assert_eq!(manifest["model"]["name"], "demo");

    let again = praetor.run(&arguments);
    assert_eq!(again.code, 3);
    insta::assert_snapshot!("run_folder_taken", again.err);
    assert_eq!(fs_err::read_to_string(praetor.path("run/verdicts.jsonl")).unwrap(), line);
}

#[test]
fn mistakes_end_with_their_code_and_say_how_to_mend_them() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    praetor.write("empty/readme.txt", "no image");
    let with = |arguments: &[&str]| {
        let run = praetor.run(arguments);
        format!("exit {}\n{}", run.code, run.err)
    };
    insta::assert_snapshot!("no_constitution", with(&["judge", "a.png", "-c", "none.yaml"]));
    insta::assert_snapshot!("no_images", stable(&with(&["judge", "empty", "-c", "pets.yaml"])));
    insta::assert_snapshot!("none_read", stable(&with(&["judge", "b.png", "-c", "pets.yaml"])));
    insta::assert_snapshot!("no_such_image", with(&["explain", "b.png", "-c", "pets.yaml"]));
    let model = |more: &[&str]| with(&[&["judge", "a.png", "-c", "pets.yaml"], more].concat());
    insta::assert_snapshot!("half_a_model", model(&["--model", "a.gguf"]));
    insta::assert_snapshot!("missing_model", model(&["--model", "a.gguf", "--mmproj", "b.gguf"]));
    insta::assert_snapshot!("not_a_model", model(&["--model", "a.png", "--mmproj", "a.png"]));
    insta::assert_snapshot!("no_command", with(&["jugde"]));
}

#[test]
fn a_number_that_can_not_be_nought_is_refused_in_words_for_people() {
    let praetor = Praetor::new();
    let refused = |option: &str, value: &str| {
        let run = praetor.run(&["judge", "a.png", "-c", "pets.yaml", option, value]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{option}");
        run.err
    };
    for option in ["--threads", "--context", "--parallel", "--timeout", "--max-frames"] {
        let err = refused(option, "0");
        assert!(err.contains("expected a whole number, at least 1"), "{err}");
    }
    insta::assert_snapshot!("no_jobs", refused("--jobs", "0"));
    insta::assert_snapshot!("many_questions", refused("--batch-questions", "999"));
}

#[test]
fn a_stale_lock_can_not_judge_by_accident() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    praetor.write("pets.yaml", RULES.replace("Dogs must", "Dogs and wolves must"));
    let run = praetor.run(&["judge", "a.png", "-c", "pets.yaml"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    insta::assert_snapshot!("stale_lock", run.err);
}

#[test]
fn a_model_without_a_lock_to_ask_by_is_refused_and_the_way_to_one_is_told() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    praetor.write("bare.yaml", RULES);
    for command in [
        &["judge", "a.png", "-c", "bare.yaml"][..],
        &["judge", "a.png", "-c", "bare.yaml", "--method", "whole-constitution"],
        &["explain", "a.png", "-c", "bare.yaml"],
        &["robustness", "a.png", "-c", "bare.yaml"],
        &["constitution", "probe", "a.png", "-c", "bare.yaml"],
        &["compare", "demo", "demo+without-prior", "--images", "a.png", "-c", "bare.yaml"],
        &["impact", "bare.yaml", "pets.yaml", "a.png"],
    ] {
        let run = praetor.run(command);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{command:?}: {}", run.err);
        assert!(run.err.contains("praetor::lock::missing"), "{command:?}: {}", run.err);
    }
    insta::assert_snapshot!("no_lock", praetor.run(&["judge", "a.png", "-c", "bare.yaml"]).err);
}

#[test]
fn explain_draws_the_tree_of_one_image() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    let run = praetor.run(&[
        "explain",
        "a.png",
        "-c",
        "pets.yaml",
        "--all",
        "--relevance-threshold",
        "-1",
    ]);
    for part in
        ["a.png", "dogs", "Cats must not be shown in a house.", "a house is visible", "prior"]
    {
        assert!(run.out.contains(part), "{part} is missing:\n{}", run.out);
    }
    assert!(run.code <= 1, "{}", run.err);
}

#[test]
fn explain_writes_a_page_or_says_why_not() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    let run = praetor.run(&["explain", "a.png", "-c", "pets.yaml", "--html", "why.html"]);
    assert!(run.code <= 1, "{}", run.err);
    assert!(run.err.contains("wrote why.html"), "{}", run.err);
    let page = fs_err::read_to_string(praetor.path("why.html")).unwrap();
    for part in ["<!doctype html>", "a.png", "Dogs must not be shown.", "data:image/jpeg;base64,"] {
        assert!(page.contains(part), "{part} is missing");
    }
    let run = praetor.run(&["explain", "a.png", "-c", "pets.yaml", "--html", "no/such/why.html"]);
    assert_eq!((run.code, run.out.as_str()), (3, ""));
}

#[cfg(unix)]
#[test]
fn a_reader_who_leaves_is_no_error() {
    let praetor = Praetor::new();
    for index in 0..40 {
        praetor.picture(&format!("in/{index}.png"));
    }
    let mut child = praetor
        .command(&["judge", "in", "-c", "pets.yaml", "--quiet"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn file_names_can_not_steer_the_terminal() {
    let praetor = Praetor::new();
    praetor.picture("a.png");
    let run =
        praetor.run(&["judge", "a.png", "\u{1b}[2Jb.png", "-c", "pets.yaml", "--format", "table"]);
    assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'), "{}", run.out);
}

#[test]
fn schemas_are_printed_for_editors() {
    let praetor = Praetor::new();
    for arguments in [&["constitution", "schema"][..], &["constitution", "schema", "--lock"]] {
        let run = praetor.run(arguments);
        let schema: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(schema["additionalProperties"], false);
    }
}

#[test]
fn an_animation_is_judged_frame_by_frame() {
    let praetor = Praetor::new();
    let frame = |shade: u8| {
        let buffer = image::RgbaImage::from_pixel(32, 32, image::Rgba([shade, 40, 90, 255]));
        image::Frame::new(buffer)
    };
    let file = fs_err::File::create(praetor.path("a.gif")).unwrap();
    let frames = [10, 200, 10, 120].map(frame);
    image::codecs::gif::GifEncoder::new(file).encode_frames(frames).unwrap();
    let verdict = praetor.run(&["judge", "a.gif", "-c", "pets.yaml"]).verdicts().remove(0);
    let frames = verdict.frames.unwrap();
    assert_eq!((frames.judged, frames.cut), (3, false));
    assert!(verdict.rules.iter().all(|rule| rule.frame.is_some()));
    let cut = praetor.run(&["judge", "a.gif", "-c", "pets.yaml", "--max-frames", "2"]);
    let frames = cut.verdicts().remove(0).frames.unwrap();
    assert_eq!((frames.judged, frames.cut), (2, true));
}
