//! The report of a run as a policy team meets it: what is written and said, and what a browser makes
//! of ten thousand images.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use praetor::ids::{Hash, ModelId, RuleId};
use praetor::store::{RunFolder, RunManifest};
use praetor::units::Probability;
use praetor::verdict::{
    Conclusion, ImageError, Method, Outcome, RuleVerdict, Verdict, Why, conclude, image_score,
};

use crate::cli::Praetor;
use crate::tune::judged;

fn page(praetor: &Praetor, name: &str) -> String {
    fs_err::read_to_string(praetor.path(name)).unwrap()
}

#[test]
fn a_run_of_the_examples_becomes_a_page() {
    let praetor = Praetor::new();
    judged(&praetor, &["--trace"]);
    let run = praetor.run(&["report", "run"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let said: Vec<&str> = run.out.lines().collect();
    assert!(said[0].contains(" of 16 images violate the constitution."), "{}", run.out);
    assert!(said[1].starts_with("report in run/report.html ("), "{}", run.out);
    assert!(said[1].contains("16 images, 16 pictures of ") && said[1].contains("behind 16 of "));
    let page = page(&praetor, "run/report.html");
    assert!(page.contains("A child must not be shown"), "the texts of the run's own constitution");
    assert!(page.contains("child-and-knife.png") && page.contains("data:image/jpeg;base64,"));
}

#[test]
fn pictures_are_of_what_was_judged_or_not_shown() {
    let praetor = Praetor::new();
    for name in ["a.png", "b.png", "c.png"] {
        praetor.picture(&format!("inbox/{name}"));
    }
    let judge = ["judge", "inbox", "-c", "pets.yaml", "--out", "run", "--quiet"];
    assert!(praetor.run(&judge).code <= 1);
    fs_err::remove_file(praetor.path("inbox/a.png")).unwrap();
    praetor.write("inbox/b.png", "no image any more");
    let run = praetor.run(&["report", "run", "--html", "r.html"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("1 image is gone; if paths are relative"), "{}", run.err);
    assert!(run.err.contains("1 image is no longer what was judged"), "{}", run.err);
    let text = page(&praetor, "r.html");
    assert!(text.contains("1 image is not where the run found it."));
    assert!(text.contains("1 image is changed since the run, and not shown."));
    assert!(run.out.contains("1 pictures of") || run.out.contains("1 picture of"), "{}", run.out);

    fs_err::rename(praetor.path("inbox"), praetor.path("moved")).unwrap();
    fs_err::create_dir(praetor.path("root")).unwrap();
    fs_err::rename(praetor.path("moved"), praetor.path("root/inbox")).unwrap();
    let lost = praetor.run(&["report", "run"]);
    assert!(lost.err.contains("3 images are gone"), "{}", lost.err);
    let found = praetor.run(&["report", "run", "--images", "root"]);
    assert!(found.err.contains("1 image is gone"), "{}", found.err);
}

#[test]
fn a_redacted_report_holds_no_name_and_no_picture() {
    let praetor = Praetor::new();
    judged(&praetor, &["--trace"]);
    let run = praetor.run(&["report", "run", "--redact", "--html", "r.html"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let page = page(&praetor, "r.html");
    for text in ["child-and-knife", "models/demo", "data:image/jpeg;base64,/9j"] {
        assert!(!page.contains(text), "{text}");
    }
    assert!(page.contains("Redacted: no pictures"));
}

#[test]
fn mistakes_say_how_to_mend_them() {
    let praetor = Praetor::new();
    let none = praetor.run(&["report", "no-run"]);
    assert_eq!(none.code, 3);
    assert!(none.err.contains("is no folder") && none.err.contains("--out FOLDER"), "{}", none.err);
    judged(&praetor, &[]);
    let verdicts = praetor.path("run/verdicts.jsonl");
    let text = fs_err::read_to_string(&verdicts).unwrap();
    fs_err::write(&verdicts, &text[..text.len() - 40]).unwrap();
    let cut = praetor.run(&["report", "run"]);
    assert_eq!(cut.code, 0, "{}", cut.err);
    assert!(cut.err.contains("cut off") && cut.err.contains("the 15 images before"), "{}", cut.err);
    assert!(page(&praetor, "run/report.html").contains("This run was cut off"));
    fs_err::write(&verdicts, "").unwrap();
    let empty = praetor.run(&["report", "run"]);
    assert_eq!(empty.code, 3);
    assert!(empty.err.contains("holds no verdict") && empty.err.contains("judge again"));
    let unwritable = praetor.run(&["report", "run", "--html", "no/such/r.html"]);
    assert_eq!(unwritable.code, 3);
}

const IMAGES: usize = 10_000;

/// One of ten thousand images: every 97th unsafe, every 53rd refused, every 1,000th not read.
fn synthetic(index: usize, model: &ModelId) -> Verdict {
    let score = |value: f64| Probability::new(value);
    let share = f64::from(u32::try_from(index % 1_000).unwrap()) / 1_000.0;
    let rule = |place: usize| {
        let (outcome, why, score) = match (place, index) {
            (3, _) if index.is_multiple_of(97) => {
                (Outcome::Violated, None, score(0.9 + share / 10.0))
            }
            (7, _) if index.is_multiple_of(53) => {
                (Outcome::Undetermined, Some(Why::Refused), score(0.5))
            }
            _ => (Outcome::Clear, None, score(share * 0.4)),
        };
        let rule = RuleId::new(format!("rule.{place}")).unwrap();
        let findings = Vec::new();
        RuleVerdict { rule, outcome, relevance: None, why, score, frame: None, findings }
    };
    let failed = index % 1_000 == 999;
    let rules: Vec<RuleVerdict> = if failed { Vec::new() } else { (0..14).map(rule).collect() };
    let code = "corrupt".to_owned();
    let error = failed.then(|| ImageError { code, message: "the file is cut short".to_owned() });
    let image = format!("inbox/2026-11/upload-{index:05}.jpg");
    let violated = rules.iter().filter(|rule| rule.outcome == Outcome::Violated);
    Verdict {
        hash: (!failed).then(|| Hash::of(image.as_bytes())),
        image,
        verdict: if failed { Conclusion::Failed } else { conclude(&rules) },
        score: image_score(&rules),
        violated: violated.map(|rule| rule.rule.clone()).collect(),
        rules,
        frames: None,
        error,
        method: Method::Clue,
        without: Vec::new(),
        policy: Hash::of(b"policy"),
        model: model.clone(),
        took_ms: 20 + (index as u64 * 7_919) % 900,
    }
}

fn large_run(path: &Path) {
    let model = ModelId { name: "internvl3-8b".to_owned(), fingerprint: Hash::of(b"m") };
    let manifest = RunManifest {
        praetor: "0.1.0".to_owned(),
        started: "2026-11-24T06:00:00Z".to_owned(),
        constitution: "school".to_owned(),
        policy: Hash::of(b"policy"),
        model: model.clone(),
        settings: [("cache".to_owned(), "false".to_owned())].into(),
        machine: "linux x86_64".to_owned(),
    };
    let mut folder = RunFolder::create(path, &manifest).unwrap();
    for index in 0..IMAGES {
        folder.append(&synthetic(index, &model)).unwrap();
    }
}

/// Chromium, by one of the names that distributions give it.
fn chromium() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success())
    })
}

/// The page as a browser has it once its script has run, and how long that took.
fn opened(browser: &str, file: &Path, fragment: &str) -> (String, Duration) {
    let profile = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg("--dump-dom")
        .arg(format!("file://{}{fragment}", file.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), started.elapsed())
}

/// The text of the element with this id, without markup.
fn text_of<'a>(dom: &'a str, id: &str) -> &'a str {
    let from = dom.split_once(&format!("id=\"{id}\"")).unwrap().1.split_once('>').unwrap().1;
    from.split_once("</").unwrap().0
}

fn listed(dom: &str) -> Vec<&str> {
    let list = dom.split_once("<ol id=\"hits\"").unwrap().1.split_once("</ol>").unwrap().0;
    list.split("data-row=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn a_browser_filters_and_opens_ten_thousand_images() {
    let praetor = Praetor::new();
    large_run(&praetor.path("run"));
    let run = praetor.run(&["report", "run", "--thumbnails", "0", "--html", "large.html"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let file: PathBuf = praetor.path("large.html");
    assert!(fs_err::metadata(&file).unwrap().len() < 6 << 20, "{}", run.out);
    let Some(browser) = chromium() else {
        eprintln!("SKIPPED: no chromium is installed, so that the page's script was not run");
        return;
    };
    let (all, took) = opened(browser, &file, "");
    eprintln!("chromium opened {IMAGES} images in {took:.1?}, its own start included");
    assert_eq!(text_of(&all, "count"), "10,000 images");
    assert_eq!(listed(&all).len(), 50, "a page of them");
    assert_eq!(listed(&all)[0], "9991", "the most severe first");
    assert!(all.contains("page 1 of 200"));

    // Every 53rd that is not every 97th, nor unreadable.
    let (refused, _) = opened(browser, &file, "#verdict=undetermined&why=refused&sort=run&page=2");
    let expected: Vec<usize> = (0..IMAGES)
        .filter(|index| index % 53 == 0 && index % 97 != 0 && index % 1_000 != 999)
        .collect();
    let count = format!("{} of 10,000 images", expected.len());
    assert_eq!(text_of(&refused, "count"), count);
    let shown: Vec<usize> = listed(&refused).iter().map(|row| row.parse().unwrap()).collect();
    assert_eq!(shown, expected[50..100]);

    let (one, _) = opened(browser, &file, "#text=upload-00097&image=97");
    assert_eq!(text_of(&one, "count"), "1 of 10,000 images");
    let dialog = one.split_once("<dialog").unwrap().1.split_once("</dialog>").unwrap().0;
    assert!(dialog.starts_with(" id=\"detail\"") && dialog.contains(" open=\"\""));
    assert!(dialog.contains("inbox/2026-11/upload-00097.jpg") && dialog.contains("rule.3"));
    assert!(dialog.contains(&Hash::of(b"inbox/2026-11/upload-00097.jpg").to_string()));
}

#[test]
fn a_browser_shows_what_is_behind_an_image() {
    let praetor = Praetor::new();
    judged(&praetor, &["--trace"]);
    assert_eq!(praetor.run(&["report", "run", "--html", "r.html"]).code, 0);
    let Some(browser) = chromium() else {
        eprintln!("SKIPPED: no chromium is installed, so that the page's script was not run");
        return;
    };
    let verdicts = fs_err::read_to_string(praetor.path("run/verdicts.jsonl")).unwrap();
    let knife = verdicts.lines().position(|line| line.contains("child-and-knife.png")).unwrap();
    let (dom, _) = opened(browser, &praetor.path("r.html"), &format!("#image={knife}"));
    let dialog = dom.split_once("<dialog").unwrap().1.split_once("</dialog>").unwrap().0;
    for part in ["child-and-knife.png", "a child is visible", "visible: M ", "class=\"scale\""] {
        assert!(dialog.contains(part), "{part}");
    }
    assert!(dialog.contains("src=\"data:image/jpeg;base64,"));
    // Whatever a page of a browser holds of its own, nothing is loaded from elsewhere.
    assert!(!dom.contains("src=\"http"));
}

/// For eyes: `cargo test --test it -- --ignored report_of_ten_thousand` writes `/tmp/large`.
#[test]
#[ignore = "writes a run to look at"]
fn report_of_ten_thousand_images_to_look_at() {
    let path = std::env::temp_dir().join("large");
    let _ = fs_err::remove_dir_all(&path);
    large_run(&path);
}
