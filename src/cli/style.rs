//! Colour: when, and which for what.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use clap::ValueEnum;

use crate::verdict::{Conclusion, Outcome};

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

static COLOR: OnceLock<bool> = OnceLock::new();

/// Things worth knowing, on stderr, a line each.
pub(super) fn notes(notes: &[String]) -> std::io::Result<()> {
    let mut err = std::io::stderr().lock();
    notes.iter().try_for_each(|note| writeln!(err, "{} {note}", bold("note:")))
}

/// Words in lines of so many columns at most; a word that is longer has a line of its own.
pub(super) fn lines<'a>(words: impl Iterator<Item = &'a str>, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `1 image`, `2 images`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Decides on colour for the whole run, and dresses error reports.
pub(super) fn install(when: When) {
    let color = match when {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            std::io::stdout().is_terminal()
                && std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none()
        }
    };
    let _ = COLOR.set(color);
    // Fails only when a hook is installed already, which then stays.
    let _ = miette::set_hook(Box::new(move |_| {
        let options = miette::MietteHandlerOpts::new().color(color);
        // A terminal's own width is found by miette.
        let is_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        Box::new(if is_terminal { options } else { options.width(100) }.build())
    }));
}

fn paint(code: &str, text: &str) -> String {
    if COLOR.get().copied().unwrap_or(false) {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

pub(super) fn red(text: &str) -> String {
    paint("31;1", text)
}

pub(super) fn yellow(text: &str) -> String {
    paint("33", text)
}

pub(super) fn green(text: &str) -> String {
    paint("32", text)
}

pub(super) fn dim(text: &str) -> String {
    paint("2", text)
}

pub(super) fn bold(text: &str) -> String {
    paint("1", text)
}

/// A conclusion in its word and colour, padded to `width`.
pub(super) fn conclusion(conclusion: Conclusion, width: usize) -> String {
    let padded = |word: &str| format!("{word:<width$}");
    match conclusion {
        Conclusion::Unsafe => red(&padded("unsafe")),
        Conclusion::Undetermined => yellow(&padded("undetermined")),
        Conclusion::Safe => green(&padded("safe")),
        Conclusion::Failed => yellow(&padded("failed")),
    }
}

/// A rule's outcome in its word and colour.
pub(super) fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Violated => red("violated"),
        Outcome::Undetermined => yellow("undetermined"),
        Outcome::Clear => green("clear"),
        Outcome::Irrelevant => dim("irrelevant"),
    }
}
