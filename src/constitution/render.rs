//! A lock entry as YAML text, in the layout of the shipped locks.
//!
//! A serializer would quote and break lines as it likes; people read this, so it is laid out as a
//! person would. Whatever a model has said goes in as a scalar that can't be anything else.

use std::fmt::Write;

use super::{LockedPrecondition, LockedRule, Provenance};

/// Columns of a line; longer texts are folded.
const COLUMNS: usize = 100;

/// An entry with its dash in `column`.
pub(super) fn entry(entry: &LockedRule, column: usize) -> String {
    let LockedRule { id, source, objectiveness, objective_text, reviewed, preconditions, compiled } =
        entry;
    let mut text = format!("{:column$}- id: {id}\n", "");
    let keys = column + 2;
    let pad = " ".repeat(keys);
    let _ = writeln!(text, "{pad}source: {source}\n{pad}objectiveness: {objectiveness}");
    text += &line("objective_text", objective_text, keys);
    let _ = writeln!(text, "{pad}reviewed: {reviewed}\n{pad}preconditions:");
    for precondition in preconditions {
        text += &item(&precondition_lines(precondition, keys + 4), keys + 2);
    }
    if let Some(compiled) = compiled {
        text += &provenance(compiled, keys);
    }
    text
}

fn precondition_lines(precondition: &LockedPrecondition, column: usize) -> String {
    let LockedPrecondition { statement, any_of, objects } = precondition;
    let mut text = String::new();
    if let Some(statement) = statement {
        text += &line("statement", statement, column);
    }
    text += &list("any_of", any_of, column);
    if !objects.is_empty() {
        let words: Vec<String> = objects.iter().map(|object| flow(object)).collect();
        let _ = writeln!(text, "{:column$}objects: [{}]", "", words.join(", "));
    }
    text
}

fn provenance(compiled: &Provenance, column: usize) -> String {
    let Provenance {
        model,
        fingerprint,
        prompts,
        objective,
        attempts,
        rebuilt,
        covers,
        missing,
        added,
        content,
    } = compiled;
    let keys = column + 2;
    let pad = " ".repeat(keys);
    let mut text = format!("{:column$}compiled:\n", "");
    text += &line("model", model, keys);
    let _ = writeln!(text, "{pad}fingerprint: {fingerprint}\n{pad}prompts: {prompts}");
    let _ = writeln!(text, "{pad}objective: {objective}\n{pad}attempts:");
    for attempt in attempts {
        let inner = keys + 4;
        let mut lines = line("text", &attempt.text, inner);
        let _ = writeln!(lines, "{:inner$}objectiveness: {}", "", attempt.objectiveness);
        lines += &line("explanation", &attempt.explanation, inner);
        text += &item(&lines, keys + 2);
    }
    text += &line("rebuilt", rebuilt, keys);
    let _ = writeln!(text, "{pad}covers: {covers}");
    text += &list("missing", missing, keys);
    text += &list("added", added, keys);
    let _ = writeln!(text, "{pad}content: {content}");
    text
}

/// Lines that are indented by `column + 2`, as an item with its dash in `column`.
fn item(lines: &str, column: usize) -> String {
    format!("{:column$}- {}", "", lines.get(column + 2..).unwrap_or_default())
}

/// A key and a list below it, or nothing where the list is empty.
fn list(key: &str, items: &[String], column: usize) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut text = format!("{:column$}{key}:\n", "");
    for item in items {
        let inner = column + 2;
        let words = folded(item, &scalar(item), inner + 2, inner + 2);
        let _ = writeln!(text, "{:inner$}- {words}", "");
    }
    text
}

/// A key and its text, with the key in `column`.
pub(super) fn line(key: &str, text: &str, column: usize) -> String {
    let short = scalar(text);
    format!("{:column$}{key}: {}\n", "", folded(text, &short, column + key.len() + 2, column + 2))
}

/// The text folded where it would not fit on the line, and can be.
fn folded(text: &str, short: &str, at: usize, indent: usize) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let foldable = words.iter().all(|word| !word.is_empty()) && text.chars().all(is_printable);
    if at + short.chars().count() <= COLUMNS || !foldable {
        return short.to_owned();
    }
    let mut lines = ">-".to_owned();
    let mut used = COLUMNS;
    for word in words {
        let width = word.chars().count();
        if used + 1 + width > COLUMNS {
            let _ = write!(lines, "\n{:indent$}{word}", "");
            used = indent + width;
        } else {
            let _ = write!(lines, " {word}");
            used += 1 + width;
        }
    }
    lines
}

/// A text as a scalar of one line: plain where nobody could take it for something else.
fn scalar(text: &str) -> String {
    if is_plain(text, " ,.;'()/%+-_!?") { text.to_owned() } else { quoted(text) }
}

/// As [`scalar`], inside `[…]`.
fn flow(text: &str) -> String {
    if is_plain(text, " -_./'") { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str, marks: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"];
    text.chars().next().is_some_and(char::is_alphabetic)
        && !text.ends_with(' ')
        && text.chars().all(|c| c.is_alphanumeric() || marks.contains(c))
        && !WORDS.contains(&text.to_lowercase().as_str())
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c if u32::from(c) > 0xffff => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// Whether a character stands in a file as itself: no control character, and nothing that is
/// invisible or turns the direction of the text around it.
fn is_printable(c: char) -> bool {
    let hidden = matches!(
        u32::from(c),
        0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff0..=0xffff | 0xe0000..=0xe0fff
    );
    !c.is_control() && !hidden && (c == ' ' || !c.is_whitespace())
}
