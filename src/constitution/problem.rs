//! Every single thing that can be wrong in a constitution or a lock, in words that help to mend it.
//!
//! One variant a mistake, with a stable code such as `praetor::constitution::unknown_key`, the place
//! and a help. House style: lower case, no full stop, the user's literal in backticks; what, where,
//! how to mend it.

use std::path::Path;

use miette::{Diagnostic, SourceSpan};

use crate::ids::Hash;

/// One thing that is wrong in a constitution or a lock.
///
/// Places are absent where the value was built in code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum Problem {
    /// The text is not YAML from some place on, or holds a value its type refuses.
    #[error("{message}")]
    #[diagnostic(code(praetor::constitution::yaml))]
    Yaml {
        /// What the reader made of it.
        message: String,
        /// Where it stopped.
        #[label("here")]
        at: Option<SourceSpan>,
        /// How to mend it, where that can be guessed.
        #[help]
        help: Option<String>,
    },
    /// A value that was built in code and is not allowed; in a file it is found with its place.
    #[error("`{path}`: {message}")]
    #[diagnostic(code(praetor::constitution::invalid_value))]
    InvalidValue {
        /// The fields that lead to it, such as `rules[0].text`.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// There is nothing in the file but comments.
    #[error("the file is empty")]
    #[diagnostic(code(praetor::constitution::empty_file), help("{help}"))]
    EmptyFile {
        /// What such a file begins with.
        help: String,
    },
    /// A value of another kind than its key takes.
    #[error("{what} should be {expected}, and is {found}")]
    #[diagnostic(code(praetor::constitution::wrong_kind))]
    WrongKind {
        /// The key, or what stands for it.
        what: String,
        /// What it takes.
        expected: String,
        /// What is written.
        found: &'static str,
        /// Where.
        #[label("{expected} goes here")]
        at: Option<SourceSpan>,
        /// How it is written.
        #[help]
        help: Option<String>,
    },
    /// A key that is not known here.
    #[error("unknown key `{key}` in {within}")]
    #[diagnostic(code(praetor::constitution::unknown_key), help("{help}"))]
    UnknownKey {
        /// What is written.
        key: String,
        /// Where it was written: `a rule`, `the settings`.
        within: String,
        /// Where.
        #[label("not known here")]
        at: Option<SourceSpan>,
        /// What may have been meant.
        help: String,
    },
    /// A key that is written twice in the same place.
    #[error("{within} has the key `{key}` twice")]
    #[diagnostic(code(praetor::constitution::repeated_key), help("{help}"))]
    RepeatedKey {
        /// The key.
        key: String,
        /// What has it.
        within: String,
        /// The first one.
        #[label("first here")]
        first: Option<SourceSpan>,
        /// The next one.
        #[label("and again here")]
        again: Option<SourceSpan>,
        /// How to mend it.
        help: String,
    },
    /// A key that has to be there and is not.
    #[error("{within} has no `{key}`")]
    #[diagnostic(code(praetor::constitution::missing_key), help("{help}"))]
    MissingKey {
        /// The key.
        key: String,
        /// What lacks it.
        within: String,
        /// What lacks it, by its first key.
        #[label("`{key}` is missing here")]
        at: Option<SourceSpan>,
        /// What to write.
        help: String,
    },
    /// A text without a word in it, or a list without an item.
    #[error("{what} is empty")]
    #[diagnostic(code(praetor::constitution::empty), help("{help}"))]
    Empty {
        /// The key.
        what: String,
        /// Where.
        #[label("nothing is written here")]
        at: Option<SourceSpan>,
        /// What to do.
        help: String,
    },
    /// A number outside its range.
    #[error("{what} is `{value}`, and has to be {range}")]
    #[diagnostic(code(praetor::constitution::out_of_range))]
    OutOfRange {
        /// The key.
        what: String,
        /// What is written.
        value: String,
        /// The numbers it may be, in words.
        range: String,
        /// Where.
        #[label("{range}")]
        at: Option<SourceSpan>,
        /// What may have been meant.
        #[help]
        help: Option<String>,
    },
    /// A word that is not one of those to choose from.
    #[error("{what} can't be `{word}`")]
    #[diagnostic(code(praetor::constitution::unknown_word), help("{help}"))]
    UnknownWord {
        /// The key.
        what: String,
        /// What is written.
        word: String,
        /// Where.
        #[label("not one of the words to choose from")]
        at: Option<SourceSpan>,
        /// The words, and what may have been meant.
        help: String,
    },
    /// An id or a hash that does not have the form of one.
    #[error("`{word}` is not {what}")]
    #[diagnostic(code(praetor::constitution::wrong_form), help("{help}"))]
    WrongForm {
        /// What is written.
        word: String,
        /// What was expected: `a rule id`.
        what: &'static str,
        /// Where.
        #[label("not {what}")]
        at: Option<SourceSpan>,
        /// What it looks like, with a proposal where there is one.
        help: String,
    },
    /// Two rules with one id.
    #[error("two rules have the id `{id}`")]
    #[diagnostic(
        code(praetor::constitution::duplicate_rule),
        help(
            "verdicts name a rule by its id, so each needs one of its own; rename one of the two, or delete it"
        )
    )]
    DuplicateRule {
        /// The id.
        id: String,
        /// The first rule.
        #[label("first here")]
        first: Option<SourceSpan>,
        /// The next rule.
        #[label("and again here")]
        again: Option<SourceSpan>,
    },
    /// A lock with two entries for one rule.
    #[error("the lock has two entries for the rule `{id}`")]
    #[diagnostic(code(praetor::lock::duplicate_entry), help("keep one of the two"))]
    DuplicateEntry {
        /// The rule.
        id: String,
        /// The first entry.
        #[label("first here")]
        first: Option<SourceSpan>,
        /// The next entry.
        #[label("and again here")]
        again: Option<SourceSpan>,
    },
    /// A precondition with nothing to ask.
    #[error("a precondition of the rule `{rule}` says nothing to look for")]
    #[diagnostic(
        code(praetor::lock::no_statement),
        help(
            "give it a `statement:` such as `a child is visible`, or an `any_of:` list of at least two"
        )
    )]
    NoStatement {
        /// The rule.
        rule: String,
        /// The precondition.
        #[label("neither `statement` nor `any_of`")]
        at: Option<SourceSpan>,
    },
    /// An `any_of` with a single alternative.
    #[error("`any_of` has a single alternative")]
    #[diagnostic(
        code(praetor::lock::single_alternative),
        help("add another, or write it as `statement:` and delete `any_of:`")
    )]
    SingleAlternative {
        /// The list.
        #[label("at least two go here")]
        at: Option<SourceSpan>,
    },
    /// A lock written for another release of praetor.
    #[error("the lock has version `{found}`, and this praetor reads version `1`")]
    #[diagnostic(
        code(praetor::lock::version),
        help("use the release of praetor that wrote it, or compile the constitution anew")
    )]
    Version {
        /// What is written.
        found: String,
        /// Where.
        #[label("this version is not known")]
        at: Option<SourceSpan>,
    },
    /// A lock that says it is of another constitution.
    #[error("the lock is of the constitution `{found}`, not of `{expected}`")]
    #[diagnostic(
        code(praetor::lock::other_constitution),
        help(
            "give the lock that belongs to `{expected}`; if the constitution was only renamed, change this name too"
        )
    )]
    OtherConstitution {
        /// The name in the lock.
        found: String,
        /// The constitution's name.
        expected: String,
        /// The lock's line.
        #[label("another constitution")]
        at: Option<SourceSpan>,
    },
    /// A rule whose text is no longer the one its lock entry was made from.
    #[error("the rule `{rule}` was changed after its lock entry was made")]
    #[diagnostic(
        code(praetor::lock::stale),
        help(
            "run `praetor constitution compile`; or read the preconditions of `{rule}` against its new text, change them where they no longer fit, and write `source: {now}` here"
        )
    )]
    Stale {
        /// The rule.
        rule: String,
        /// The hash of its text as it is now.
        now: Hash,
        /// The lock's line.
        #[label("made from an older text")]
        at: Option<SourceSpan>,
    },
    /// A rule that the lock does not know.
    #[error("the rule `{rule}` is not in the lock")]
    #[diagnostic(
        code(praetor::lock::rule_missing),
        help(
            "run `praetor constitution compile`, or add an entry `id: {rule}` with `source: {now}` and the rule's preconditions to the lock"
        )
    )]
    RuleMissing {
        /// The rule.
        rule: String,
        /// The hash of its text.
        now: Hash,
        /// The rule in the constitution.
        #[label("has no preconditions yet")]
        at: Option<SourceSpan>,
    },
    /// A lock entry without a rule.
    #[error("the lock has an entry for `{rule}`, which is no rule of the constitution")]
    #[diagnostic(code(praetor::lock::no_such_rule), help("{help}"))]
    NoSuchRule {
        /// The id in the lock.
        rule: String,
        /// The lock's line.
        #[label("no rule has this id")]
        at: Option<SourceSpan>,
        /// What may have been meant.
        help: String,
    },
}

impl Problem {
    /// Where the first mark stands, to put problems in the order of their lines.
    pub(super) fn position(&self) -> usize {
        self.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset())
    }
}

/// A user's literal as it may be shown: without control characters, and not too long.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).map(harmless).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// A path as it may be shown: without control characters.
pub(super) fn shown_path(path: &Path) -> String {
    path.to_string_lossy().chars().map(harmless).collect()
}

fn harmless(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// The word of several that comes nearest, if one comes near.
pub(super) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    words
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&word.to_lowercase(), known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
