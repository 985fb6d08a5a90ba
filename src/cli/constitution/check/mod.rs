//! `praetor constitution check`: mistakes and lints, for people, editors and code review.

mod rows;
mod sarif;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use miette::Report;

use self::rows::Row;
use crate::cli::{Ending, Outcome, style};
use crate::constitution::lint::{self, Checked, Level};

/// Check a constitution and its lock: mistakes, and rules that could be judged better
///
/// Besides mistakes it reports words that need an opinion, quantities without a number, exceptions,
/// several rules in one, and whatever else makes a rule hard to judge images by. No model is asked.
/// A constitution without a lock can be checked too. `praetor constitution explain` lists what is
/// looked for; `allow: [LINT]` in a rule accepts a finding.
///
/// Exit codes: 0 clean, or advice alone; 1 warnings; 2 mistakes, or a file that can't be read.
#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// The constitution: a YAML file of rules
    constitution: PathBuf,
    /// Its compiled form [default: the constitution's name with `.lock.yaml`, if it is there]
    #[arg(long, value_name = "YAML")]
    lock: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Full)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The words in their place, what is wrong with them, and what to do
    Full,
    /// One line a finding: `file:line:column: level[lint] message`
    Concise,
    /// SARIF 2.1.0, for code review on GitHub and others, with changes that can be applied
    Sarif,
}

impl Check {
    pub(in crate::cli) fn run(self) -> Outcome {
        let checked = lint::check(&self.constitution, self.lock.as_deref());
        let ending = if checked.errors() > 0 {
            Ending::Mistaken
        } else if checked.count(Level::Warning) > 0 {
            Ending::Unsettled
        } else {
            Ending::Done
        };
        let notes: Vec<String> = note(&checked).into_iter().collect();
        match self.format {
            Format::Full => {
                let summary = summary(&checked);
                full(checked)?;
                style::notes(&notes)?;
                writeln!(io::stdout(), "{summary}")?;
            }
            Format::Concise => {
                let mut out = io::stdout().lock();
                for row in rows::all(&checked) {
                    writeln!(out, "{}", concise(&row))?;
                }
                style::notes(&notes)?;
                writeln!(io::stderr(), "{}", summary(&checked))?;
            }
            Format::Sarif => {
                writeln!(io::stdout(), "{:#}", sarif::log(&rows::all(&checked), &notes))?;
            }
        }
        Ok(ending)
    }
}

/// One report after another, each with the lines it is of.
fn full(checked: Checked) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let unread = checked.unread.into_iter().map(Report::new);
    let mistakes = checked.mistakes.into_iter().map(Report::new);
    let findings = checked.findings.into_iter().map(Report::new);
    for report in unread.chain(mistakes).chain(findings) {
        writeln!(out, "{report:?}")?;
    }
    Ok(())
}

fn concise(row: &Row<'_>) -> String {
    let level = match row.level {
        rows::Level::Error => style::red("error"),
        rows::Level::Warning => style::yellow("warning"),
        rows::Level::Advice => style::dim("advice"),
    };
    let place = match row.region() {
        Some(region) => format!("{}:{}:{}", row.file, region.line, region.column),
        None => row.file.to_string(),
    };
    format!("{}: {level}[{}] {}", style::bold(&place), row.id, row.message)
}

/// What the files are not yet.
fn note(checked: &Checked) -> Option<String> {
    let lock = checked.uncompiled.as_ref()?;
    Some(format!(
        "there is no lock `{}` yet: before images can be judged, the constitution has to be compiled to one",
        crate::imaging::shown(lock)
    ))
}

/// What it comes to, in one line.
fn summary(checked: &Checked) -> String {
    let counted = |number: usize, one: &str, many: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {many}")),
    };
    let rules = counted(checked.rules, "rule", "rules").unwrap_or_else(|| "no rules".to_owned());
    let counts = [
        counted(checked.errors(), "error", "errors").map(|text| style::red(&text)),
        counted(checked.count(Level::Warning), "warning", "warnings")
            .map(|text| style::yellow(&text)),
        counted(checked.count(Level::Advice), "piece of advice", "pieces of advice"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    if counts.is_empty() {
        return format!("{rules}, {}", style::green("nothing to mend"));
    }
    let more = checked.findings.first().map_or_else(String::new, |finding| {
        format!("; `praetor constitution explain {}` says more", finding.lint)
    });
    format!("{rules}, {}{more}", counts.join(", "))
}
