//! A finding: what a lint has to say, and the very words it says it of.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode, SourceSpan};

use super::Lint;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The rule is judged worse than it could be: mend it, or allow it with a reason.
    Warning,
    /// Worth doing when there is time.
    Advice,
}

impl Level {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Advice => "advice",
        }
    }
}

/// Words in a file, and what is said of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where the words stand.
    pub at: SourceSpan,
    /// What is said of them right there, in a few words.
    pub label: String,
    /// What is said of them where each mark has a line of its own.
    pub message: String,
    /// What could be written in their place, where that is mechanical.
    pub instead: Option<Replacement>,
}

/// A change to the file, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// What is replaced.
    pub at: SourceSpan,
    /// What by.
    pub by: String,
}

/// What one lint says of one text of a file; implements [`Diagnostic`].
#[derive(Clone, Debug)]
pub struct Finding {
    /// The lint.
    pub lint: Lint,
    /// What was found, in plain words.
    pub message: String,
    /// The words it was found at; never empty.
    pub marks: Vec<Mark>,
    /// Another place that belongs to it: the rule that says the same.
    pub related: Option<Mark>,
    /// What to do, and the sentence rewritten where that is mechanical.
    pub help: String,
    pub(super) source: Arc<NamedSource<String>>,
}

impl Finding {
    /// The file's name.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// The file's text, which the places are of.
    pub fn text(&self) -> &str {
        self.source.inner()
    }

    /// Where the first mark stands.
    pub(super) fn position(&self) -> usize {
        self.marks.first().map_or(0, |mark| mark.at.offset())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Finding {}

impl Diagnostic for Finding {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.lint))
    }

    fn severity(&self) -> Option<Severity> {
        Some(match self.lint.level() {
            Level::Warning => Severity::Warning,
            Level::Advice => Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        // Brackets around whole paragraphs help nobody.
        let line = |at: SourceSpan| match self.text().get(at.offset()..at.offset() + at.len()) {
            Some(words) => (at.offset(), words.lines().next().map_or(0, str::len)).into(),
            None => at,
        };
        let label =
            move |mark: &Mark| LabeledSpan::new_with_span(Some(mark.label.clone()), line(mark.at));
        Some(Box::new(self.marks.iter().chain(&self.related).map(label)))
    }
}
