//! Why there is no policy, with all mistakes of all files at once.
//!
//! A [`Problem`] is one mistake and its place; a [`Mistake`] adds the text it is in; a
//! [`ConstitutionError`] is what the callers of this room get. All implement
//! [`miette::Diagnostic`]; who shows them, and how, is up to the caller.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

use super::problem::{Problem, shown_path};

/// Why a constitution, a lock or a policy can't be had.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum ConstitutionError {
    /// A file can't be opened or read.
    #[error("can't read `{}`: {}", shown_path(path), reason(*kind))]
    #[diagnostic(code(praetor::constitution::unreadable))]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        kind: ErrorKind,
        /// How to mend it.
        #[help]
        help: &'static str,
    },
    /// A file is not UTF-8 text.
    #[error("`{}` is not UTF-8 text (line {line})", shown_path(path))]
    #[diagnostic(code(praetor::constitution::not_utf8))]
    NotUtf8 {
        /// Which file.
        path: PathBuf,
        /// The line with the first byte that is not UTF-8, counted from one.
        line: usize,
        /// How to mend it.
        #[help]
        help: String,
    },
    /// The constitution was never compiled: there is no lock beside it.
    #[error("there is no lock `{}` for the constitution", shown_path(path))]
    #[diagnostic(
        code(praetor::lock::missing),
        help(
            "every rule needs its preconditions in a lock before images can be judged; `praetor constitution compile` makes it with a language model, or write them to `{}` yourself, or name the lock if it is elsewhere",
            shown_path(path)
        )
    )]
    NoLock {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The files were read, and are not right.
    #[error("{}", summary(mistakes))]
    #[diagnostic(code(praetor::constitution::invalid))]
    Invalid {
        /// All that is wrong, in the order of the files' lines.
        #[related]
        mistakes: Vec<Mistake>,
    },
}

fn reason(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        other => other.to_string(),
    }
}

fn summary(mistakes: &[Mistake]) -> String {
    let mut files: Vec<String> = Vec::new();
    for mistake in mistakes {
        let file = mistake.file().map_or("the policy".to_owned(), |name| format!("`{name}`"));
        if !files.contains(&file) {
            files.push(file);
        }
    }
    let count = if mistakes.len() == 1 {
        "1 mistake".to_owned()
    } else {
        format!("{} mistakes", mistakes.len())
    };
    format!("{count} in {}", files.join(" and "))
}

/// A problem and the text it is in.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{problem}")]
pub struct Mistake {
    /// What is wrong, and where.
    pub problem: Problem,
    text: Option<Arc<NamedSource<String>>>,
}

impl Mistake {
    pub(super) fn new(problem: Problem, text: Option<Arc<NamedSource<String>>>) -> Self {
        Self { problem, text }
    }

    /// The file's name; absent for what was built in code.
    pub fn file(&self) -> Option<&str> {
        self.text.as_ref().map(|text| text.name())
    }

    /// The file's text, which the places are of; absent for what was built in code.
    pub fn text(&self) -> Option<&str> {
        self.text.as_ref().map(|text| text.inner().as_str())
    }
}

impl Diagnostic for Mistake {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.problem.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text.as_deref().map(|text| text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.problem.labels()
    }
}
