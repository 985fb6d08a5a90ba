//! The dependency rule: which room of `src/` may use which, and how long a file may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A room, and the rooms it may use. Everything below the waist is named; nothing is implied.
const ROOMS: &[(&str, &[&str])] = &[
    // Words.
    ("units", &[]),
    ("paper", &[]),
    ("ids", &["units"]),
    ("verdict", &["units", "ids"]),
    ("constitution", &["units", "ids", "paper"]),
    ("imaging", &["units", "ids"]),
    ("prompts", &["units", "ids"]),
    ("cache", &["ids"]),
    ("hub", &[]),
    ("models", &["hub"]),
    // Models.
    ("vlm", &["units", "ids", "imaging", "prompts", "verdict", "cache"]),
    ("encoder", &["units", "ids", "imaging", "paper", "cache", "hub"]),
    // Stages: never each other.
    ("compile", &["units", "ids", "paper", "verdict", "constitution", "prompts", "vlm"]),
    ("relevance", &["units", "ids", "verdict", "constitution", "imaging", "encoder"]),
    ("judge", &["units", "ids", "verdict", "constitution", "imaging", "prompts", "vlm", "encoder"]),
    ("reason", &["units", "ids", "verdict", "constitution", "imaging", "prompts", "vlm"]),
    // Order.
    (
        "pipeline",
        &[
            "units",
            "ids",
            "verdict",
            "constitution",
            "imaging",
            "prompts",
            "vlm",
            "encoder",
            "relevance",
            "judge",
            "reason",
        ],
    ),
    // Judges of another kind: numbers in the place of a model's words.
    ("classifier", &["units", "ids", "verdict", "constitution", "imaging", "pipeline"]),
    // Evidence: never what judges.
    ("store", &["units", "ids", "verdict", "constitution"]),
    ("dataset", &["units", "ids", "imaging"]),
    ("eval", &["units", "ids", "verdict", "constitution", "dataset"]),
    // What an edit does to verdicts: it decides anew from findings, and asks no model.
    ("workbench", &["units", "ids", "verdict", "constitution", "judge", "eval", "store"]),
    (
        "report",
        &["units", "ids", "verdict", "constitution", "imaging", "eval", "workbench", "store"],
    ),
    // Changes pictures and counts what becomes of verdicts; who judges hands it a closure.
    ("robustness", &["units", "ids", "verdict", "imaging", "eval"]),
    // Looks at a model as judging would.
    (
        "doctor",
        &[
            "units",
            "ids",
            "verdict",
            "constitution",
            "imaging",
            "prompts",
            "vlm",
            "judge",
            "reason",
        ],
    ),
    // Edge: all.
    (
        "cli",
        &[
            "units",
            "ids",
            "verdict",
            "constitution",
            "imaging",
            "prompts",
            "vlm",
            "encoder",
            "compile",
            "relevance",
            "judge",
            "doctor",
            "pipeline",
            "store",
            "dataset",
            "eval",
            "report",
            "workbench",
            "robustness",
            "classifier",
            "cache",
            "hub",
            "models",
        ],
    ),
];

const LONGEST_FILE: usize = 400;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    found
}

/// The room a file stands in: the first name under `src/`.
fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms a line names with `crate::`, outside comments.
fn named_rooms(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>()
        })
        .filter(|room| !room.is_empty())
        .collect()
}

/// The lint is `deny`, which any module could lift; one does.
#[test]
fn unsafe_code_is_in_one_module() {
    let lifts = |path: &PathBuf| fs_err::read_to_string(path).unwrap().contains("(unsafe_code");
    let found: Vec<PathBuf> = all_sources().into_iter().filter(lifts).collect();
    assert_eq!(found, [Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vlm/llama/ffi/mod.rs")]);
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let rule: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut broken = Vec::new();
    for path in all_sources() {
        let room = room_of(&path);
        if room == "lib" || room == "main" {
            continue;
        }
        let allowed = rule
            .get(room.as_str())
            .unwrap_or_else(|| panic!("room `{room}` is not in tests/it/architecture.rs"));
        let text = fs_err::read_to_string(&path).unwrap();
        // Unit tests may set up more than the room they test uses.
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            assert!(!line.contains("crate::{"), "{}: name one room a line", path.display());
            for named in named_rooms(line) {
                if named != room && !allowed.contains(&named.as_str()) {
                    broken.push(format!(
                        "{room} may not use {named} ({}:{}); help: return the value and let \
                         pipeline or cli pass it on",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn stages_know_the_trait_and_never_the_engine() {
    for path in all_sources() {
        let room = room_of(&path);
        let text = fs_err::read_to_string(&path).unwrap();
        let named = [
            "vlm::llama",
            "llama_cpp_2",
            "vlm::openai",
            "vlm::decisions",
            "vlm::remote",
            "reqwest",
        ];
        let engine = named.iter().any(|name| text.contains(name));
        let allowed = ["vlm", "cli", "hub"].contains(&room.as_str());
        assert!(!engine || allowed, "{}", path.display());
    }
}

#[test]
fn only_the_edge_prints_or_reads_the_environment() {
    for path in all_sources() {
        let room = room_of(&path);
        if ["cli", "main"].contains(&room.as_str()) {
            continue;
        }
        let text = fs_err::read_to_string(&path).unwrap();
        for forbidden in ["println!(", "print!(", "std::env::var", "stdout()", "stderr()"] {
            assert!(!text.contains(forbidden), "{} uses {forbidden}", path.display());
        }
    }
}

#[test]
fn a_file_fits_in_the_head() {
    for path in all_sources() {
        let lines = fs_err::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_file_says_what_it_owns() {
    for path in all_sources() {
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} opens without `//!`", path.display());
    }
}

/// What no module names is not compiled, and rots.
#[test]
fn every_file_is_part_of_the_crate() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in all_sources() {
        let folder = path.parent().unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["lib", "main"].contains(&stem.as_str()) {
            continue;
        }
        let (name, above) = if stem == "mod" {
            (folder.file_name().unwrap().to_string_lossy().into_owned(), folder.parent().unwrap())
        } else {
            (stem, folder)
        };
        let parent = if above == src { src.join("lib.rs") } else { above.join("mod.rs") };
        let text = fs_err::read_to_string(parent).unwrap();
        assert!(text.contains(&format!("mod {name};")), "no module names {}", path.display());
    }
}
