//! The flags that choose a dataset, and the way of its rows to the judge.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use clap::Args;

use super::exit::Failure;
use super::inputs::{Decode, Unread, example_task};
use super::style;
use crate::constitution::Policy;
use crate::dataset::survey::Found;
use crate::dataset::{
    Dataset, DatasetError, Example, Examples, Format, Label, Meaning, Mistake, Options, Role,
    RowError,
};
use crate::ids::RuleId;
use crate::imaging::{Limits, shown};
use crate::pipeline::stream::Task;

/// Which labelled images, and how they are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Dataset")]
pub(super) struct DatasetArgs {
    /// Labelled images: a folder by label (`safe/`, `unsafe/`, ..), a .jsonl or .csv file that names
    /// them, a Hugging Face folder with metadata, or Parquet with the images inside
    #[arg(value_name = "DATASET")]
    pub(super) path: PathBuf,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
}

/// How a dataset is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Dataset")]
pub(super) struct ReadingArgs {
    /// What it is, where that is not recognised: folder, jsonl, csv, imagefolder, parquet
    #[arg(long = "as", value_name = "FORMAT")]
    layout: Option<Format>,
    /// Which column holds what: image, index, `safety_label`, violated, label, category, source, set
    /// or text, such as `category=rule` (repeat for more)
    #[arg(long = "column", value_name = "WHAT=NAME", value_parser = column)]
    columns: Vec<(Role, String)>,
    /// What the word of a folder, class, category, source or set means: safe, unsafe, rule:ID,
    /// category:NAME, source:NAME, set:NAME or ignore, such as `porn=unsafe` (repeat for more)
    #[arg(long = "label", value_name = "WORD=MEANING", value_parser = meaning)]
    meanings: Vec<(String, Meaning)>,
}

fn column(text: &str) -> Result<(Role, String), String> {
    match text.split_once('=') {
        Some((role, name)) if !name.is_empty() => Ok((role.parse()?, name.to_owned())),
        _ => Err("expected WHAT=NAME, such as `category=rule`".to_owned()),
    }
}

fn meaning(text: &str) -> Result<(String, Meaning), String> {
    match text.split_once('=') {
        Some((word, meaning)) => {
            let meaning = meaning.parse().map_err(|error| format!("{error}"))?;
            Ok((word.to_owned(), meaning))
        }
        None => Err("expected WORD=MEANING, such as `porn=unsafe`".to_owned()),
    }
}

impl DatasetArgs {
    /// Opens the dataset; with a policy its labels may name only rules that the policy has.
    pub(super) fn open(&self, policy: Option<&Policy>) -> Result<Dataset, Failure> {
        let rules = policy.map(|policy| policy.rules.iter().map(|rule| rule.id.clone()).collect());
        Ok(Dataset::open(&self.path, &self.reading.options(rules))?)
    }
}

impl ReadingArgs {
    /// The options these flags say; with rules, labels may name no other.
    pub(super) fn options(&self, rules: Option<BTreeSet<RuleId>>) -> Options {
        let mut options = Options { format: self.layout, rules, ..Options::default() };
        for (role, name) in &self.columns {
            options.columns.set(*role, name.clone());
        }
        options.meanings = self.meanings.iter().cloned().collect();
        options
    }
}

/// What a dataset's labels say, before any image is judged.
#[derive(Debug, Default)]
pub(super) struct Overview {
    /// Rows that can be used.
    pub(super) rows: u64,
    /// Those that say safe or unsafe.
    pub(super) labelled: u64,
    /// The categories.
    pub(super) categories: BTreeSet<String>,
}

impl Overview {
    /// Reads all labels. A rule that the policy does not have ends it, since it could never be found
    /// violated; so does a dataset that nothing can be measured on.
    pub(super) fn of(dataset: &Dataset) -> Result<Self, Failure> {
        let mut overview = Self::default();
        let mut first_error = None;
        for row in dataset.labels()? {
            match usable(row)? {
                Ok(label) => {
                    overview.rows += 1;
                    overview.labelled += u64::from(label.safety.is_some());
                    overview.categories.extend(label.category);
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        match (overview.labelled, first_error) {
            (0, Some(error)) if overview.rows == 0 => Err(Failure::mistake(&error, Some(NO_ROW))),
            (0, _) => Err(Failure::Input(unlabelled(dataset))),
            _ => Ok(overview),
        }
    }
}

/// Reads what people say of images beside a judge: hands on every row that can be used, and notes the
/// others. A rule that is none of the options' ends it, and so do labels of which no row can be used.
pub(super) fn read_labels(
    path: &Path,
    options: &Options,
    quiet: bool,
    mut each: impl FnMut(Example),
) -> Result<(), Failure> {
    let (mut used, mut first_error) = (false, None);
    let mut unread = Unread::default();
    for row in Dataset::open(path, options)?.examples()? {
        match usable(row)? {
            Ok(example) => {
                used = true;
                each(example);
            }
            Err(error) => {
                unread.note(shown(&error.to_string()).to_string());
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if !used => Err(Failure::mistake(&error, Some(NO_ROW))),
        Some(_) if !quiet => Ok(style::notes(&unread.notes())?),
        _ => Ok(()),
    }
}

/// A row, or why it can't be used; one that names a rule which is none ends the reading, since that could
/// never be found violated.
fn usable<Row>(row: Result<Row, RowError>) -> Result<Result<Row, RowError>, Failure> {
    match row {
        Err(error) if matches!(error.mistake, Mistake::UnknownRule { .. }) => {
            Err(Failure::mistake(&error, Some(UNKNOWN_RULE)))
        }
        row => Ok(row),
    }
}

const UNKNOWN_RULE: &str =
    "mend the label, or say what the word means with `--label 'WORD=rule:ID'`";
const NO_ROW: &str = "no row could be used, and this is the first; `praetor data` shows more";

fn unlabelled(dataset: &Dataset) -> miette::Report {
    miette::miette!(
        help = "`praetor data` shows what is there; say which column or folder tells, such as \
                `--column safety_label=verdict` or `--label porn=unsafe`",
        "not one image of `{}` is labelled safe or unsafe",
        crate::imaging::shown(dataset.path())
    )
}

/// The labels of examples that have gone to the judge, in their order.
pub(super) struct Labels {
    rows: Receiver<Result<Label, RowError>>,
    /// Rows that could not be used.
    pub(super) bad: Found,
}

impl Labels {
    /// The next example's label; bad rows before it are counted.
    pub(super) fn next(&mut self) -> Option<Label> {
        loop {
            match self.rows.recv() {
                Ok(Ok(label)) => return Some(label),
                Ok(Err(error)) => self.bad.add(|| error.to_string()),
                Err(_) => return None,
            }
        }
    }
}

/// Examples as tasks for the judge, and their labels beside them. Nothing is read before its turn.
pub(super) fn tasks(
    examples: Examples,
    limits: Limits,
) -> (impl Iterator<Item = Task<Decode>> + Send + 'static, Labels) {
    let (send, rows) = channel();
    let tasks = examples.filter_map(move |row| {
        let (label, task) = match row {
            Ok(example) => (Ok(example.label.clone()), Some(example_task(example, limits.clone()))),
            Err(error) => (Err(error), None),
        };
        // Nobody listens any more where judging has stopped.
        let _ = send.send(label);
        task
    });
    (tasks, Labels { rows, bad: Found::default() })
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        match error {
            DatasetError::MissingColumn { role, .. } => {
                let help = format!("say which column it is with `--column {role}=NAME`");
                Self::mistake(&error, Some(&help))
            }
            DatasetError::ColumnType { .. } => {
                Self::mistake(&error, Some("choose another column with `--column WHAT=NAME`"))
            }
            error => Self::unopened(&error, None),
        }
    }
}
