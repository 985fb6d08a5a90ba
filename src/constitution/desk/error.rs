//! Why a constitution or its lock could not be edited, with a way to mend it.

use std::io::ErrorKind;
use std::path::PathBuf;

use miette::Diagnostic;

use crate::constitution::ConstitutionError;
use crate::constitution::problem::{shown, shown_path};
use crate::ids::RuleId;

/// Why a file could not be edited. It is then as it was.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum DeskError {
    /// A file can't be read any more, or has mistakes.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Constitution(#[from] ConstitutionError),
    /// A file is laid out in a way that whole lines can't be put into.
    #[error(
        "`{}` can't be edited: `rules` is no plain list of one `- id: …` a rule (line {line})",
        shown_path(path)
    )]
    #[diagnostic(
        code(praetor::constitution::layout),
        help(
            "write every rule on lines of its own, with `- id:` first and each key on a line below it, as in `constitutions/demo.lock.yaml`"
        )
    )]
    Layout {
        /// Which file.
        path: PathBuf,
        /// The line that shows it.
        line: usize,
    },
    /// Somebody has changed the entry since it was read.
    #[error(
        "`{}` has changed meanwhile: the entry of `{rule}` is no longer the one that was compiled anew",
        shown_path(path)
    )]
    #[diagnostic(
        code(praetor::lock::changed),
        help(
            "nothing was overwritten; run the command again if the entry is still to be compiled"
        )
    )]
    Changed {
        /// Which file.
        path: PathBuf,
        /// Whose entry.
        rule: RuleId,
    },
    /// The edited text does not read back as it should.
    #[error("`{}` can't be edited: with the entry of `{}` put in, something else in it would change", shown_path(path), shown(rule.as_str()))]
    #[diagnostic(
        code(praetor::constitution::not_as_meant),
        help(
            "anchors, aliases and quoted texts over several lines can be in the way; write them out"
        )
    )]
    NotAsMeant {
        /// Which file.
        path: PathBuf,
        /// Whose entry.
        rule: RuleId,
    },
    /// A file can't be written.
    #[error("can't write `{}`: {kind}", shown_path(path))]
    #[diagnostic(
        code(praetor::constitution::unwritable),
        help("check that there is room, and that you may write in its folder")
    )]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        kind: ErrorKind,
    },
}
