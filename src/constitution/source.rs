//! Reading the two files: text in, value or all mistakes out.
//!
//! A file is read in three steps, each only after the one before: YAML into a tree (stops at the
//! first place that is not YAML), the tree against the schema and the room's own checks (finds all
//! mistakes), the text into the typed value. Nothing is printed.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use garde::Validate;
use miette::{NamedSource, SourceSpan};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::error::{ConstitutionError, Mistake};
use super::problem::{Problem, shown, shown_path};
use super::tree::{Kind, Node, options};
use super::{Constitution, schema, shape, syntax};

/// The first lines of a constitution, for who has none.
const CONSTITUTION_START: &str =
    "a constitution begins with `name:` and `rules:`; `constitutions/demo.yaml` is one to copy";

/// A value with the text it came from, so that later checks can point into it.
pub(super) struct Document<T> {
    pub(super) value: T,
    pub(super) tree: Node,
    pub(super) source: Arc<NamedSource<String>>,
}

impl Constitution {
    /// Reads a constitution from a file.
    ///
    /// # Errors
    /// [`ConstitutionError::Unreadable`] or [`ConstitutionError::NotUtf8`] for the file, else
    /// [`ConstitutionError::Invalid`] with every mistake in it.
    pub fn load(path: &Path) -> Result<Self, ConstitutionError> {
        value_of(document(&shown_path(path), &read_text(path)?))
    }

    /// Reads a constitution from a text.
    ///
    /// # Errors
    /// [`ConstitutionError::Invalid`] with every mistake in it.
    pub fn parse(yaml: &str) -> Result<Self, ConstitutionError> {
        value_of(document("constitution", yaml))
    }
}

/// Reads another file of settings as strictly as a constitution: every mistake at once, with its
/// place. `start` says what such a file begins with.
///
/// # Errors
/// As [`Constitution::load`].
pub fn read_strictly<T: DeserializeOwned + JsonSchema + Validate<Context = ()>>(
    path: &Path,
    start: &str,
) -> Result<T, ConstitutionError> {
    value_of(read(&shown_path(path), &read_text(path)?, start, |_, _| {}))
}

/// What was read, or all mistakes in it as one error.
pub(super) fn value_of<T>(
    document: Result<Document<T>, Vec<Mistake>>,
) -> Result<T, ConstitutionError> {
    match document {
        Ok(document) => Ok(document.value),
        Err(mistakes) => Err(ConstitutionError::Invalid { mistakes }),
    }
}

/// Reads a constitution and keeps its places.
pub(super) fn document(name: &str, text: &str) -> Result<Document<Constitution>, Vec<Mistake>> {
    read(name, text, CONSTITUTION_START, |tree, problems| {
        for (id, first, again) in repeated_ids(tree.items("rules")) {
            problems.push(Problem::DuplicateRule { id, first: Some(first), again: Some(again) });
        }
    })
}

/// Ids that an earlier item has too: the id, the earlier place, this place.
pub(super) fn repeated_ids(items: &[Node]) -> Vec<(String, SourceSpan, SourceSpan)> {
    let ids: Vec<(&str, SourceSpan)> =
        items.iter().filter_map(|item| Some((item.text("id")?, item.get("id")?.span()))).collect();
    ids.iter()
        .enumerate()
        .filter_map(|(index, (id, again))| {
            let (_, first) = ids[..index].iter().find(|(earlier, _)| earlier == id)?;
            Some((shown(id), *first, *again))
        })
        .collect()
}

/// Reads a file's text, and says how to mend one that is not UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String, ConstitutionError> {
    let bytes = fs_err::read(path).map_err(|error| {
        let help = match error.kind() {
            ErrorKind::NotFound => "check the path and the spelling of the name",
            ErrorKind::PermissionDenied => "ask its owner for the right to read it",
            ErrorKind::IsADirectory => "name the file in it",
            _ => "check the disk or the share that it is on",
        };
        ConstitutionError::Unreadable { path: path.to_owned(), kind: error.kind(), help }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let line = bytes[..valid].split(|byte| *byte == b'\n').count();
        let help = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            "it looks like UTF-16: open it in an editor and save it with the encoding UTF-8"
        } else {
            "open it in an editor and save it with the encoding UTF-8; check the letters on that line"
        };
        ConstitutionError::NotUtf8 { path: path.to_owned(), line, help: help.to_owned() }
    })
}

/// Reads a text into a value, with all of its mistakes of form and those that `more` finds.
pub(super) fn read<T: DeserializeOwned + JsonSchema + Validate<Context = ()>>(
    name: &str,
    text: &str,
    start: &str,
    more: impl FnOnce(&Node, &mut Vec<Problem>),
) -> Result<Document<T>, Vec<Mistake>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Arc::new(NamedSource::new(name, printable(text)));
    let in_source = |mut problems: Vec<Problem>| {
        problems.sort_by_key(Problem::position);
        problems
            .into_iter()
            .map(|problem| Mistake::new(problem, Some(source.clone())))
            .collect::<Vec<_>>()
    };
    let tree = Node::read(text).map_err(|error| in_source(vec![syntax::problem(&error, text)]))?;
    if matches!(tree.kind, Kind::Null) {
        return Err(in_source(vec![Problem::EmptyFile { help: start.to_owned() }]));
    }
    let mut problems = shape::check(&tree, &schema::of::<T>());
    more(&tree, &mut problems);
    if !problems.is_empty() {
        return Err(in_source(problems));
    }
    let value: T = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| in_source(vec![syntax::problem(&error, text)]))?;
    // The schema carries garde's rules, so this finds nothing unless the two disagree.
    value.validate().map_err(|report| in_source(from_garde(&report)))?;
    Ok(Document { value, tree, source })
}

/// What garde finds in a value, whether it was read or built in code.
pub(super) fn from_garde(report: &garde::Report) -> Vec<Problem> {
    let problem = |(path, error): &(garde::Path, garde::Error)| Problem::InvalidValue {
        path: path.to_string(),
        message: error.message().to_owned(),
    };
    report.iter().map(problem).collect()
}

/// The text with blanks for characters that could steer a terminal, byte for byte as long.
pub(super) fn printable(text: &str) -> String {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(steers) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}
