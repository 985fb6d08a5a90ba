//! Constitutions and locks as people write them: what is read, and what is said of mistakes.
//!
//! `tests/inputs/constitutions/err_*.yaml` and `tests/inputs/locks/err_*/` are mistakes; their
//! snapshots are the reports, to be read as a policy person would.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use praetor::constitution::{
    Constitution, ConstitutionError, Lock, Policy, Problem, Rule, constitution_schema, lock_path,
    lock_schema,
};

use proptest::prelude::*;

/// Those with a lock.
const SHIPPED: [&str; 2] = ["constitutions/demo.yaml", "constitutions/clue.yaml"];

/// Those that are to be compiled first.
const UNCOMPILED: [&str; 2] =
    ["constitutions/clue-original.yaml", "constitutions/unsafebench.yaml"];

/// A report as a terminal of 100 columns without colours would show it.
fn report(error: &ConstitutionError) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut text, error)
        .unwrap();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Checks what holds for every report, whatever it says.
fn check_style(error: &ConstitutionError) {
    let ConstitutionError::Invalid { mistakes } = error else { return };
    for mistake in mistakes {
        let (code, message) = (mistake.code().unwrap().to_string(), mistake.to_string());
        assert!(code.starts_with("praetor::"), "{code}");
        assert!(!message.ends_with('.') && !message.starts_with(char::is_uppercase), "{message}");
        assert!(mistake.help().is_some() || mistake.labels().is_some(), "{message}");
        // What garde finds in a file has no place: the schema must have found it first.
        let has_place = !matches!(mistake.problem, Problem::InvalidValue { .. });
        assert!(has_place, "{message}");
    }
}

/// A path from the repository's root, as a user would type it.
fn typed(path: &Path) -> &Path {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap()
}

#[test]
fn constitutions_are_read_or_explained() {
    insta::glob!("../inputs", "constitutions/*.yaml", |path| {
        let path = typed(path);
        let expects_error = path.file_name().unwrap().to_str().unwrap().starts_with("err_");
        match Constitution::load(path) {
            Ok(constitution) => {
                assert!(!expects_error, "{} has no mistake", path.display());
                insta::assert_debug_snapshot!(constitution);
            }
            Err(error) => {
                let report = report(&error);
                check_style(&error);
                assert!(expects_error, "{report}");
                insta::assert_snapshot!(report);
            }
        }
    });
}

#[test]
fn locks_are_joined_or_explained() {
    insta::glob!("../inputs", "locks/*/constitution.yaml", |path| {
        let path = typed(path);
        let case = path.parent().unwrap();
        let expects_error = case.file_name().unwrap().to_str().unwrap().starts_with("err_");
        match Policy::load(path, Some(&case.join("lock.yaml"))) {
            Ok(policy) => {
                assert!(!expects_error, "{} has no mistake", case.display());
                insta::assert_debug_snapshot!(policy);
            }
            Err(error) => {
                let report = report(&error);
                check_style(&error);
                assert!(expects_error, "{report}");
                insta::assert_snapshot!(report);
            }
        }
    });
}

#[test]
fn files_that_cannot_be_read_are_explained() {
    let missing = Constitution::load("no/such.yaml".as_ref()).unwrap_err();
    insta::assert_snapshot!(report(&missing));
    let folder = Constitution::load("constitutions".as_ref()).unwrap_err();
    insta::assert_snapshot!(report(&folder));
    let path = "tests/inputs/constitutions/ok_smallest.yaml".as_ref();
    let unlocked = Policy::load(path, None).unwrap_err();
    insta::assert_snapshot!(report(&unlocked));
}

#[test]
fn a_report_cannot_steer_the_terminal() {
    let yaml = "name: a\n\"ru\\eles\\u009b2J\": []\nrules: [{id: \"x\\e]0;\", text: t}]\n";
    let error = Constitution::parse(yaml).unwrap_err();
    assert!(!report(&error).contains(|c: char| c.is_control() && c != '\n'), "{}", report(&error));
    // A raw escape is no YAML; the text around it is shown all the same.
    let error = Constitution::parse("name: a\x1b[31m\nrules: []\nx\n").unwrap_err();
    assert!(!report(&error).contains('\x1b'), "{}", report(&error));
}

#[test]
fn a_small_file_cannot_grow_without_bound() {
    let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{},", level - 1).repeat(9);
        writeln!(yaml, "a{level}: &a{level} [{alias}]").unwrap();
    }
    assert!(Constitution::parse(&yaml).is_err());
    assert!(Constitution::parse(&"[".repeat(100_000)).is_err());
}

#[test]
fn shipped_constitutions_are_whole_and_fresh() {
    for path in SHIPPED {
        let policy = Policy::load(path.as_ref(), None);
        let policy = policy.unwrap_or_else(|error| panic!("{}", report(&error)));
        assert!(policy.rules.len() >= 12);
        assert!(policy.rules.iter().all(|rule| (1..=3).contains(&rule.chain.len())));
    }
}

#[test]
fn shipped_constitutions_without_a_lock_are_whole_too() {
    let rules = UNCOMPILED.map(|path| {
        assert!(!lock_path(path.as_ref()).exists());
        Constitution::load(path.as_ref()).unwrap_or_else(|error| panic!("{}", report(&error))).rules
    });
    let clue = Constitution::load("constitutions/clue.yaml".as_ref()).unwrap().rules;
    let ids = |rules: &[Rule]| rules.iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&rules[0]), ids(&clue));
    assert_eq!(rules[1].len(), 11);
}

#[test]
fn shipped_files_fit_their_schemas_as_editors_see_them() {
    let uncompiled = UNCOMPILED.map(|path| (PathBuf::from(path), constitution_schema()));
    let compiled = SHIPPED.iter().flat_map(|path| {
        [(PathBuf::from(path), constitution_schema()), (lock_path(path.as_ref()), lock_schema())]
    });
    for (path, schema) in compiled.chain(uncompiled) {
        let text = fs_err::read_to_string(&path).unwrap();
        let (first, _) = text.split_once('\n').unwrap();
        assert!(first.starts_with("# yaml-language-server: $schema=../docs/"), "{first}");
        let value: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

#[test]
fn locks_read_back_as_they_were_written() {
    for path in SHIPPED {
        let lock = Lock::load(&lock_path(path.as_ref())).unwrap();
        assert_eq!(Lock::parse(&lock.to_yaml().unwrap()).unwrap(), lock);
    }
}

#[test]
fn schemas_in_docs_are_those_of_the_code() {
    for (path, schema) in [
        ("docs/constitution.schema.json", constitution_schema()),
        ("docs/lock.schema.json", lock_schema()),
        ("docs/verdict.schema.json", praetor::verdict::verdict_schema()),
    ] {
        let now = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs_err::write(path, &now).unwrap();
        }
        let kept = fs_err::read_to_string(path).unwrap_or_default();
        assert!(
            kept == now,
            "{path} is old; help: UPDATE_SCHEMAS=1 cargo test --test it schemas_in_docs",
        );
    }
}

#[test]
fn the_example_in_the_readme_is_a_policy() {
    let docs = fs_err::read_to_string("README.md").unwrap();
    let blocks: Vec<&str> = docs
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
        .collect();
    let policy = Policy::parse(blocks[0], blocks[1]);
    policy.unwrap_or_else(|error| panic!("{}", report(&error)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Slips of the hand, in any number and anywhere, end in a policy or in a report.
    #[test]
    fn no_slip_of_the_hand_is_too_odd_to_be_explained(
        slips in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..4_usize, "[ \t\n\r:\"'{}\\[\\]>|&*!%@`#,~?\\-aä😀\u{1b}\u{85}\u{feff}0.]{0,3}"),
            1..5,
        )
    ) {
        let mut text: Vec<char> = include_str!("../inputs/constitutions/ok_everything.yaml").chars().collect();
        for (place, removed, inserted) in slips {
            let start = place.index(text.len());
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = Constitution::parse(&text) {
            check_style(&error);
            let report = report(&error);
            prop_assert!(!report.contains(|c: char| c.is_control() && c != '\n'), "{report}");
        }
    }
}
