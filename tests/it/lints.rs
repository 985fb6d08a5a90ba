//! `praetor constitution check` and `explain` as a policy person meets them.
//!
//! `tests/inputs/lints/*/` are constitutions with their locks; the snapshots are what is said of
//! them, to be read as the one who wrote them would.

use std::path::Path;

use praetor::constitution::lint::{Checked, Level, Lint, Replacement, check, check_texts, pages};
use praetor::constitution::{Constitution, Policy, lock_path};
use proptest::prelude::*;
use serde_json::Value;

use crate::cli::{Praetor, Run};

/// A run of `check` on a folder of the inputs, by the names `rules.yaml` and `rules.lock.yaml`.
fn run(case: &Path, more: &[&str]) -> Run {
    let praetor = Praetor::new();
    for (from, to) in [("constitution.yaml", "rules.yaml"), ("lock.yaml", "rules.lock.yaml")] {
        if let Ok(text) = fs_err::read(case.join(from)) {
            praetor.write(to, text);
        }
    }
    praetor.run(&[&["constitution", "check", "rules.yaml"], more].concat())
}

fn shown(run: &Run) -> String {
    let out = run.out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    format!("exit {}\n{out}\n--- stderr\n{}", run.code, run.err)
}

#[test]
fn what_check_says() {
    insta::glob!("../inputs", "lints/*/constitution.yaml", |path| {
        let case = path.parent().unwrap();
        insta::assert_snapshot!("full", shown(&run(case, &[])));
        insta::assert_snapshot!("concise", shown(&run(case, &["--format", "concise"])));
    });
}

#[test]
fn sarif_has_what_code_review_needs() {
    for (case, code) in [("every", 1), ("written", 1), ("mistakes", 2), ("clean", 0)] {
        let run = run(&Path::new("tests/inputs/lints").join(case), &["--format", "sarif"]);
        assert_eq!(run.code, code, "{case}");
        let text = fs_err::read_to_string(format!("tests/inputs/lints/{case}/constitution.yaml"));
        let text: Vec<char> = text.unwrap().chars().collect();
        let log: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(log["version"], "2.1.0");
        assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
        let driver = &log["runs"][0]["tool"]["driver"];
        assert_eq!(driver["name"], "praetor");
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.is_empty(), case == "clean");
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            let place = &result["locations"][0]["physicalLocation"];
            let region = &place["region"];
            for key in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(region[key].as_u64().unwrap() > 0, "{result}");
            }
            // The words that a message begins with are those of the place.
            let message = result["message"]["text"].as_str().unwrap();
            if place["artifactLocation"]["uri"] == "rules.yaml"
                && ["subjective-word", "vague-quantity"]
                    .contains(&result["ruleId"].as_str().unwrap())
            {
                let number = |key: &str| usize::try_from(region[key].as_u64().unwrap()).unwrap();
                let words: String =
                    text[number("charOffset")..][..number("charLength")].iter().collect();
                let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
                assert_eq!(message.split('`').nth(3).unwrap(), words);
            }
        }
    }
}

#[test]
fn sarif_names_a_file_that_can_not_be_read() {
    let run = Praetor::new().run(&["constitution", "check", "no such.yaml", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&run.out).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!((run.code, &result["level"]), (2, &Value::from("error")));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "no%20such.yaml");
}

#[test]
fn a_finding_can_not_steer_the_terminal() {
    let praetor = Praetor::new();
    let rules =
        "name: a\nrules:\n  - {id: \"x\\e]0;\", text: \"Many \\e[2J dogs must not be shown.\"}\n";
    praetor.write("rules.yaml", rules);
    for format in ["full", "concise", "sarif"] {
        let run = praetor.run(&["constitution", "check", "rules.yaml", "--format", format]);
        assert_eq!(run.code, 2, "{}", run.err);
        assert!(run.out.contains("Many") && !run.out.contains('\x1b'), "{}", run.out);
    }
}

/// A text with its replacements made.
fn mended(text: &str, checked: &Checked) -> String {
    let marks = checked.findings.iter().flat_map(|finding| &finding.marks);
    let mut changes: Vec<&Replacement> = marks.filter_map(|mark| mark.instead.as_ref()).collect();
    changes.sort_by_key(|change| change.at.offset());
    let mut text = text.to_owned();
    for change in changes.iter().rev() {
        let start = change.at.offset();
        text.replace_range(start..start + change.at.len(), &change.by);
    }
    text
}

#[test]
fn mechanical_changes_keep_the_file_whole() {
    for (case, before, after) in [
        ("written", "A cow''s gruesome wounds", "A cow''s wounds"),
        ("written", "{id: flow, text: A gruesome wound must", "{id: flow, text: A wound must"),
        ("written", "Many wounds on a cat", "More than five wounds on a cat"),
        ("every", "A shocking injury", "An injury"),
    ] {
        let path = format!("tests/inputs/lints/{case}/constitution.yaml");
        let text = fs_err::read_to_string(&path).unwrap();
        let mended = mended(&text, &check_texts((&path, &text), None));
        assert!(text.contains(before) && mended.contains(after), "{mended}");
        Constitution::parse(&mended).unwrap();
    }
}

#[test]
fn shipped_constitutions_have_findings_that_we_stand_by() {
    for path in ["constitutions/demo.yaml", "constitutions/clue.yaml"] {
        let checked = check(path.as_ref(), None);
        assert_eq!(checked.errors(), 0);
        let lints: Vec<Lint> = checked.findings.iter().map(|finding| finding.lint).collect();
        assert_eq!(lints, [Lint::Unreviewed], "{path}");
    }
    for path in ["constitutions/clue-original.yaml", "constitutions/unsafebench.yaml"] {
        let checked = check(path.as_ref(), None);
        assert_eq!(checked.errors(), 0);
        assert!(checked.uncompiled.is_some());
        assert!(checked.count(Level::Warning) >= 6, "{path}");
    }
}

#[test]
fn allow_changes_neither_lock_nor_policy() {
    let path = "constitutions/clue.yaml";
    let text = fs_err::read_to_string(path).unwrap();
    let lock = fs_err::read_to_string(lock_path(path.as_ref())).unwrap();
    let bare: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("allow: [")).collect();
    assert!(bare.len() < text.lines().count());
    let with = Policy::parse(&text, &lock).unwrap();
    assert_eq!(with, Policy::parse(&bare.join("\n"), &lock).unwrap());
}

#[test]
fn explain_shows_a_page_or_the_list() {
    let praetor = Praetor::new();
    let list = praetor.run(&["constitution", "explain"]);
    assert_eq!((list.code, list.out.lines().count()), (0, Lint::ALL.len()));
    let page = praetor.run(&["constitution", "explain", "absence"]);
    insta::assert_snapshot!("page", page.out);
    let unknown = praetor.run(&["constitution", "explain", "absense"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("'absence'"), "{}", unknown.err);
}

#[test]
fn every_page_has_its_parts_and_its_examples_are_yaml() {
    for lint in Lint::ALL {
        assert_eq!(lint.id().parse(), Ok(lint));
        let page = lint.page();
        let heads: Vec<&str> = page.lines().filter(|line| line.starts_with('#')).skip(1).collect();
        let parts = ["## What it does", "## Why it matters", "## Example", "## Use instead"];
        assert_eq!(heads, parts, "{lint}");
        let blocks: Vec<&str> = page.split("```yaml\n").skip(1).collect();
        assert_eq!(blocks.len(), 2, "{lint}");
        for block in blocks {
            let yaml = block.split("```").next().unwrap();
            let _: Value = serde_saphyr::from_str(yaml).unwrap();
        }
    }
}

/// Of a lint about words, the example has it and what is written instead has not.
#[test]
fn examples_on_the_pages_are_true() {
    let of = |text: &str| {
        let yaml = format!("name: a\nrules:\n  - id: a\n    {text}\n");
        let checked = check_texts(("a", &yaml), None);
        checked.findings.iter().map(|finding| finding.lint).collect::<Vec<_>>()
    };
    for lint in &Lint::ALL[..6] {
        let page = lint.page();
        let text = |part: &str| {
            let rest = page.split(part).nth(1).unwrap();
            rest.lines().find_map(|line| line.find("text: ").map(|at| line[at..].to_owned()))
        };
        let (example, instead) = (text("## Example").unwrap(), text("## Use instead").unwrap());
        assert!(of(&example).contains(lint), "{lint}: {example}");
        assert_eq!(of(&instead), [], "{lint}: {instead}");
    }
}

#[test]
fn lints_in_docs_are_those_of_the_code_as_the_schemas_are() {
    let path = "docs/lints.md";
    let now = pages();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs_err::write(path, &now).unwrap();
    }
    let kept = fs_err::read_to_string(path).unwrap_or_default();
    assert!(kept == now, "{path} is old; help: make docs");
}

/// A text in one of the ways YAML can write it.
fn written(text: &str, way: usize) -> String {
    let lines = |text: &str| text.split_whitespace().collect::<Vec<_>>().join("\n      ");
    match way {
        0 => format!("'{}'", text.replace('\'', "''")),
        1 => format!("{text:?}"),
        2 => format!(">\n      {}", lines(text)),
        3 => format!("|-\n      {}", lines(text)),
        _ => text.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Whatever is written, and however: places are of the file and cut no character in two.
    #[test]
    fn places_lie_in_the_file(
        words in prop::collection::vec(prop_oneof![
            "[a-zäß’'\"\\\\😀.;:,#-]{1,8}",
            Just("a shocking".to_owned()), Just("Many".to_owned()), Just("must not be shown".to_owned()),
            Just("unless".to_owned()), Just("without".to_owned()), Just("minors".to_owned()),
            Just("must wear".to_owned()), Just("and".to_owned()), Just("\u{85}".to_owned()),
        ], 1..40),
        ways in prop::collection::vec(0..5_usize, 2),
        gap in "[ \n\t]{1,3}",
    ) {
        let text = words.join(&gap);
        let one_line = words.join(" ");
        let rules = format!(
            "name: ü\nrules:\n  - id: a\n    text: {}\n  - id: b\n    text: {}\n",
            written(&text, ways[0]), written(&one_line, ways[1]),
        );
        let lock = format!("rules:\n  - id: a\n    preconditions:\n      - statement: {}\n", written(&one_line, ways[0]));
        let checked = check_texts(("rules", &rules), Some(("lock", &lock)));
        for finding in &checked.findings {
            let replaced = finding.marks.iter().filter_map(|mark| mark.instead.as_ref()).map(|one| one.at);
            let related = finding.related.as_ref().map(|mark| mark.at);
            let marks = finding.marks.iter().map(|mark| mark.at);
            for at in marks.chain(replaced).chain(related) {
                let place = finding.text().get(at.offset()..at.offset() + at.len());
                prop_assert!(place.is_some_and(|words| !words.is_empty()), "{finding:?}");
            }
        }
    }
}
