//! `praetor constitution explain`: what a lint is about.

use std::io::{self, Write};

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::{Ending, Outcome, style};
use crate::constitution::lint::{Level, Lint};

/// Explain what `check` looks for: one lint, or the list of all
#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainLint {
    /// The lint, such as `subjective-word`
    #[arg(value_parser = PossibleValuesParser::new(Lint::ALL.map(Lint::id)))]
    #[arg(hide_possible_values = true)]
    lint: Option<String>,
}

impl ExplainLint {
    pub(in crate::cli) fn run(self) -> Outcome {
        let mut out = io::stdout().lock();
        match self.lint.as_deref().and_then(|id| id.parse::<Lint>().ok()) {
            Some(lint) => write!(out, "{}", dressed(&lint.page()))?,
            None => {
                for lint in Lint::ALL {
                    let level = match lint.level() {
                        Level::Warning => style::yellow("warning"),
                        Level::Advice => style::dim("advice "),
                    };
                    let id = style::bold(&format!("{:<18}", lint.id()));
                    writeln!(out, "{id}  {level}  {}", lint.summary())?;
                }
            }
        }
        Ok(Ending::Done)
    }
}

/// Markdown as a terminal shows it: headings in bold, examples indented.
fn dressed(page: &str) -> String {
    let mut text = String::new();
    let mut is_example = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_example = !is_example;
            continue;
        }
        let heading = line.trim_start_matches('#');
        text += &match heading.strip_prefix(' ') {
            _ if is_example => style::dim(&format!("    {line}")),
            Some(heading) if heading.len() < line.len() && line.starts_with('#') => {
                style::bold(heading)
            }
            _ => line.to_owned(),
        };
        text.push('\n');
    }
    text
}
