//! Mistakes and findings alike, as rows: one for every place there is something to say of.

use std::borrow::Cow;

use miette::{Diagnostic, SourceSpan};

use crate::constitution::lint::{self, Checked, Finding, Mark, Replacement};
use crate::constitution::{ConstitutionError, Mistake};

/// How much a row weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warning,
    Advice,
}

/// One thing to say, and of which place.
pub(super) struct Row<'a> {
    pub(super) file: Cow<'a, str>,
    pub(super) level: Level,
    /// The lint, or the code of the mistake.
    pub(super) id: String,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) text: Option<&'a str>,
    pub(super) at: Option<SourceSpan>,
    /// Another place that belongs to it, and what is there.
    pub(super) related: Option<(SourceSpan, String)>,
    pub(super) instead: Option<&'a Replacement>,
}

/// A place as editors count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
    pub(super) start: usize,
    pub(super) length: usize,
}

impl Region {
    /// Lines and columns from one, in characters; the end is one past the last.
    pub(super) fn of(text: &str, at: SourceSpan) -> Option<Self> {
        let place = |offset: usize| {
            let before = text.get(..offset)?;
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Some((line, column, before.chars().count()))
        };
        let (line, column, start) = place(at.offset())?;
        let (end_line, end_column, end) = place(at.offset() + at.len())?;
        Some(Self { line, column, end_line, end_column, start, length: end - start })
    }
}

impl Row<'_> {
    pub(super) fn region(&self) -> Option<Region> {
        Region::of(self.text?, self.at?)
    }
}

/// All rows: errors first, then findings, each by file and line.
pub(super) fn all(checked: &Checked) -> Vec<Row<'_>> {
    let unread = checked.unread.iter().map(of_error);
    let mistakes = checked.mistakes.iter().map(of_mistake);
    let findings = checked.findings.iter();
    let marks =
        findings.flat_map(|finding| finding.marks.iter().map(move |mark| of_mark(finding, mark)));
    unread.chain(by_line(mistakes.collect())).chain(by_line(marks.collect())).collect()
}

/// Rows in the order of their places: the words of two findings may alternate. Of two files the
/// first stays first.
fn by_line(mut rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    let first = rows.first().map(|row| row.file.to_string()).unwrap_or_default();
    rows.sort_by_key(|row| (row.file != first, row.at.map(|at| at.offset())));
    rows
}

fn of_mark<'a>(finding: &'a Finding, mark: &'a Mark) -> Row<'a> {
    Row {
        file: Cow::Borrowed(finding.file()),
        level: match finding.lint.level() {
            lint::Level::Warning => Level::Warning,
            lint::Level::Advice => Level::Advice,
        },
        id: finding.lint.id().to_owned(),
        message: mark.message.clone(),
        help: Some(finding.help.clone()),
        text: Some(finding.text()),
        at: Some(mark.at),
        related: finding.related.as_ref().map(|other| (other.at, other.label.clone())),
        instead: mark.instead.as_ref(),
    }
}

fn of_mistake(mistake: &Mistake) -> Row<'_> {
    let mut labels = mistake.labels().into_iter().flatten();
    let first = labels.next();
    // A mistake of two places names the earlier first, and it is the later that is to be mended.
    let (at, related) = match (first, labels.next()) {
        (Some(first), Some(again)) => (Some(again), Some(first)),
        (first, _) => (first, None),
    };
    Row {
        file: Cow::Borrowed(mistake.file().unwrap_or_default()),
        level: Level::Error,
        id: mistake.code().map(|code| code.to_string()).unwrap_or_default(),
        message: mistake.to_string(),
        help: mistake.help().map(|help| help.to_string()),
        text: mistake.text(),
        at: at.map(|label| *label.inner()),
        related: related
            .map(|label| (*label.inner(), label.label().unwrap_or_default().to_owned())),
        instead: None,
    }
}

fn of_error(error: &ConstitutionError) -> Row<'_> {
    let path = match error {
        ConstitutionError::Unreadable { path, .. }
        | ConstitutionError::NotUtf8 { path, .. }
        | ConstitutionError::NoLock { path } => Some(path),
        ConstitutionError::Invalid { .. } => None,
    };
    Row {
        file: path.map_or(Cow::Borrowed(""), |path| crate::imaging::shown(path).to_string().into()),
        level: Level::Error,
        id: error.code().map(|code| code.to_string()).unwrap_or_default(),
        message: error.to_string(),
        help: error.help().map(|help| help.to_string()),
        text: None,
        at: None,
        related: None,
        instead: None,
    }
}
