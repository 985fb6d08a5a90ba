//! What the documents promise: links lead somewhere, commands exist, the README's fit in a screen.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn documents() -> Vec<PathBuf> {
    let of = |folder: &str| {
        let entries = fs_err::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let mut found: Vec<PathBuf> = [".", "docs", "models/demo"].into_iter().flat_map(of).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found.sort();
    assert!(found.len() > 8, "{found:?}");
    found
}

/// The targets of `[text](target)` that are files.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
}

#[test]
fn links_lead_somewhere() {
    for path in documents() {
        let text = fs_err::read_to_string(&path).unwrap();
        for target in links(&text) {
            let file = target.split('#').next().unwrap();
            let there = path.parent().unwrap().join(file).exists();
            assert!(there, "{}: {target} is not there", path.display());
        }
    }
}

#[test]
fn make_targets_that_documents_name_exist() {
    let makefile = fs_err::read_to_string(root().join("Makefile")).unwrap();
    for path in documents() {
        let text = fs_err::read_to_string(&path).unwrap();
        let named = ["`make ", "\n    make ", "\nmake "].into_iter();
        for rest in named.flat_map(|before| text.split(before).skip(1)) {
            let target: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            let defined = makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
            assert!(defined, "{}: no target `{target}` in the Makefile", path.display());
        }
    }
}

#[test]
fn the_readme_is_short() {
    let lines = fs_err::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 200, "README.md has {lines} lines");
}
