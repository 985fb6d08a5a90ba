//! Inputs against a small tree of files.

use super::*;
use tempfile::TempDir;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn tree() -> TempDir {
    let dir = TempDir::new().unwrap();
    for folder in ["b/deep", ".hidden", "empty"] {
        fs_err::create_dir_all(dir.path().join(folder)).unwrap();
    }
    let files: [(&str, &[u8]); 9] = [
        ("c.png", b""),
        ("a.JPG", b""),
        ("b/2.gif", b""),
        ("b/deep/no extension", PNG),
        ("b/deep/1.heic", b""),
        ("notes.txt", b"text"),
        ("renamed.txt", PNG),
        (".secret.png", PNG),
        (".hidden/x.png", PNG),
    ];
    for (name, bytes) in files {
        fs_err::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// What inputs give, relative to the tree; errors by their code.
fn walk(dir: &TempDir, inputs: &[&str], list: &str) -> (Vec<String>, u64) {
    let root = dir.path().display().to_string();
    let inputs: Vec<_> = inputs
        .iter()
        .map(|&input| if input == "-" { input.into() } else { dir.path().join(input) })
        .collect();
    let list = list.replace("ROOT", &root);
    let mut sources = Sources::new(inputs, io::Cursor::new(list.into_bytes()));
    let names = sources
        .by_ref()
        .map(|item| match item {
            Ok(source) => source.to_string().replace(&format!("{root}/"), ""),
            Err(error) => error.code().to_owned(),
        })
        .collect();
    (names, sources.skipped())
}

const ALL: [&str; 6] =
    ["a.JPG", "b/2.gif", "b/deep/1.heic", "b/deep/no extension", "c.png", "renamed.txt"];

#[test]
fn folders_are_walked_by_name_and_hidden_ones_skipped() {
    let dir = tree();
    assert_eq!(walk(&dir, &[""], ""), (ALL.map(str::to_owned).to_vec(), 1));
    assert_eq!(walk(&dir, &[".hidden"], "").0, [".hidden/x.png"]);
}

#[test]
fn a_named_file_is_always_taken_and_an_input_only_once() {
    let dir = tree();
    let inputs = ["notes.txt", ".secret.png", "c.png", "notes.txt"];
    assert_eq!(walk(&dir, &inputs, "").0, ["notes.txt", ".secret.png", "c.png"]);
}

#[test]
fn patterns_match_when_the_shell_did_not() {
    let dir = tree();
    assert_eq!(walk(&dir, &["**/*.gif"], "").0, ["b/2.gif"]);
    assert_eq!(walk(&dir, &["**"], "").0.len(), ALL.len());
    assert_eq!(walk(&dir, &["*.t?t"], ""), (vec!["renamed.txt".to_owned()], 1));
    assert_eq!(walk(&dir, &["*.webp"], "").0, ["no_match"]);
    assert_eq!(walk(&dir, &["a[.png"], "").0, ["bad_pattern"]);
    fs_err::write(dir.path().join("x[1].png"), PNG).unwrap();
    assert_eq!(walk(&dir, &["x[1].png"], "").0, ["x[1].png"]);
}

#[test]
fn what_is_missing_is_an_item_and_not_the_end() {
    let dir = tree();
    let names = walk(&dir, &["gone.png", "empty", "c.png"], "").0;
    assert_eq!(names, ["not_found", "no_images", "c.png"]);
}

#[test]
fn lists_name_files_and_folders() {
    let dir = tree();
    let list = "ROOT/c.png\nROOT/b\nROOT/gone\n";
    let names = walk(&dir, &["a.JPG", "-"], list).0;
    assert_eq!(
        names,
        ["a.JPG", "c.png", "b/2.gif", "b/deep/1.heic", "b/deep/no extension", "not_found"]
    );
}

#[test]
fn counting_ahead_agrees_with_walking() {
    let dir = tree();
    let sources = Sources::new([dir.path().to_owned(), "gone".into()], io::empty());
    assert_eq!(sources.count_ahead(), Some(7));
    assert_eq!(sources.count(), 7);
    assert_eq!(Sources::new(["-"], io::empty()).count_ahead(), None);
}

#[cfg(unix)]
#[test]
fn loops_of_links_end_and_links_to_files_count() {
    use std::os::unix::fs::symlink;
    let dir = tree();
    symlink(dir.path(), dir.path().join("b/up")).unwrap();
    symlink(dir.path().join("c.png"), dir.path().join("b/link.png")).unwrap();
    let (names, _) = walk(&dir, &["b"], "");
    assert_eq!(names.iter().filter(|name| *name == "b/link.png").count(), 1);
    assert!(names.len() < 20, "{names:?}");
}

#[cfg(unix)]
#[test]
fn pipes_in_a_folder_are_not_opened() {
    let dir = tree();
    let pipe = dir.path().join("b/pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert_eq!(walk(&dir, &["b"], ""), (ALL[1..4].iter().map(|&s| s.to_owned()).collect(), 1));
    let refused = crate::imaging::decode(&Source::new(&pipe), &crate::imaging::Limits::default());
    assert_eq!(refused.unwrap_err().code(), "not_a_file");
}
