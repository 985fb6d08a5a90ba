//! What `praetor judge` writes while it runs: lines, rows, a progress bar, and the summary.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::remote::Bill;
use super::summary::Summary;
use super::{Failure, style};
use crate::constitution::Policy;
use crate::ids::RuleId;
use crate::imaging::shown;
use crate::pipeline::Spent;
use crate::store::{self, RunFolder};
use crate::verdict::{Outcome as RuleOutcome, RuleVerdict, Verdict};

/// What is written where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Keep the run in this folder: `manifest.json` and `verdicts.jsonl`
    #[arg(short, long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// Write every number behind each verdict
    #[arg(long)]
    pub(super) trace: bool,
    /// No progress bar and no summary
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table on a terminal, JSON lines in a pipe, nothing beside `--out` in a pipe
    Auto,
    /// One row an image
    Table,
    /// One JSON object a line
    Jsonl,
    /// Nothing
    None,
}

/// Takes the verdicts as they come: writes, shows and counts.
pub(super) struct Report {
    folder: Option<RunFolder>,
    format: Format,
    trace: bool,
    quiet: bool,
    heading: bool,
    progress: ProgressBar,
    pub(super) summary: Summary,
}

impl Report {
    /// Decides what goes where; `count` is how many images there are, if known.
    pub(super) fn new(
        output: &OutputArgs,
        folder: Option<RunFolder>,
        policy: &Policy,
        count: Option<u64>,
    ) -> Self {
        let terminal = io::stdout().is_terminal();
        let format = match (output.format, terminal, &folder) {
            (Format::Auto, true, _) => Format::Table,
            (Format::Auto, false, Some(_)) => Format::None,
            (Format::Auto, false, None) => Format::Jsonl,
            (chosen, _, _) => chosen,
        };
        Self {
            folder,
            format,
            trace: output.trace,
            quiet: output.quiet,
            heading: true,
            progress: if output.quiet { ProgressBar::hidden() } else { progress_bar(count) },
            summary: Summary::new(policy),
        }
    }

    /// Counts, keeps and shows one verdict.
    pub(super) fn take(&mut self, mut verdict: Verdict) -> Result<(), Failure> {
        self.summary.count(&verdict);
        self.progress.inc(1);
        let row = (self.format == Format::Table).then(|| row(&verdict));
        if !self.trace {
            let bare = |rule: RuleVerdict| RuleVerdict { findings: Vec::new(), ..rule };
            verdict.rules = verdict.rules.into_iter().map(bare).collect();
        }
        if let Some(folder) = &mut self.folder {
            folder.append(&verdict)?;
        }
        match (self.show(&verdict, row), &self.folder) {
            // The run is kept, so that it goes on when nobody watches any more.
            (Err(Failure::Hangup), Some(_)) => self.format = Format::None,
            (shown, _) => shown?,
        }
        Ok(())
    }

    fn show(&mut self, verdict: &Verdict, row: Option<String>) -> Result<(), Failure> {
        let heading = std::mem::take(&mut self.heading);
        match (self.format, row) {
            (Format::Table, Some(row)) => Ok(self.progress.suspend(|| {
                let mut out = io::stdout().lock();
                if heading {
                    writeln!(out, "{}", style::bold("VERDICT       SCORE  IMAGE"))?;
                }
                writeln!(out, "{row}")
            })?),
            (Format::Jsonl, _) => {
                Ok(self.progress.suspend(|| store::write_line(io::stdout().lock(), verdict))?)
            }
            _ => Ok(()),
        }
    }

    /// Clears the bar and shows the summary on stderr, so that stdout stays a clean stream. When
    /// nobody reads stderr the run has still ended as it has.
    pub(super) fn finish(&self, took: Duration, spent: Option<Spent>, bill: Option<&Bill>) {
        self.progress.finish_and_clear();
        if let (Some(folder), Some(bill)) = (&self.folder, bill)
            && let Err(error) = folder.keep_spending(&bill.spending())
        {
            // The verdicts are there all the same.
            let _ = style::notes(&[format!("what was spent could not be written down: {error}")]);
        }
        if self.quiet {
            return;
        }
        let mut text = self.summary.table(took, spent);
        if let Some(bill) = bill {
            text = format!("{text}\n  {}\n", bill.told());
        }
        if let Some(folder) = &self.folder {
            text = format!("{text}\n  verdicts in {}\n", shown(folder.verdicts_path()));
        }
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// A bar on a terminal, nothing in a pipe; without a known count a spinner.
pub(super) fn progress_bar(count: Option<u64>) -> ProgressBar {
    let template = if count.is_some() {
        "{bar:28} {human_pos}/{human_len}  {per_sec}  {eta} left"
    } else {
        "{spinner} {human_pos} images  {per_sec}"
    };
    let bar = ProgressBar::with_draw_target(count, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template(template) {
        Ok(style) => {
            bar.enable_steady_tick(Duration::from_millis(250));
            bar.with_style(style)
        }
        Err(_) => bar,
    }
}

/// One row of the table: `unsafe  0.981  park.png  weapons.child, fire`.
fn row(verdict: &Verdict) -> String {
    let score = verdict.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
    let word = style::conclusion(verdict.verdict, 12);
    let image = shown(&verdict.image);
    let note = match &verdict.error {
        Some(error) => style::dim(&shown(&error.message).to_string()),
        None if verdict.violated.is_empty() => unsettled(verdict),
        None => names(verdict.violated.iter()),
    };
    format!("{word}  {score:>5}  {image}  {note}").trim_end().to_owned()
}

/// The rules that an undetermined image leaves open.
fn unsettled(verdict: &Verdict) -> String {
    let open = |rule: &&RuleVerdict| rule.outcome == RuleOutcome::Undetermined;
    let open = names(verdict.rules.iter().filter(open).map(|rule| &rule.rule));
    let cut = verdict.frames.is_some_and(|frames| frames.cut);
    match (open.is_empty(), cut) {
        (false, _) => style::dim(&format!("open: {open}")),
        (true, true) => style::dim("open: frames beyond the limit were not judged"),
        (true, false) => String::new(),
    }
}

/// Up to three names, and how many more there are.
fn names<'a>(ids: impl Iterator<Item = &'a RuleId>) -> String {
    let ids: Vec<&str> = ids.map(RuleId::as_str).collect();
    let shown = ids.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if ids.len() > 3 { format!("{shown} and {} more", ids.len() - 3) } else { shown }
}
