//! What `praetor data` prints for people.

use std::fmt::Write;

use super::{Findings, Shown};
use crate::cli::style;
use crate::cli::table::{Rows, cells, section};
use crate::dataset::survey::{Cell, Found, Survey};
use crate::dataset::{Dataset, Label};
use crate::ids::RuleId;
use crate::imaging::shown;

/// Everything.
pub(super) fn all(dataset: &Dataset, found: &Findings) -> String {
    let survey = &found.survey;
    let mut text = String::new();
    let files = match dataset.files() {
        [_] => String::new(),
        files => format!(" in {} files", files.len()),
    };
    let _ = writeln!(
        text,
        "{}  {}: {} rows{files}, {}\n",
        style::bold(&shown(dataset.path().as_os_str()).to_string()),
        dataset.format(),
        survey.rows,
        images(survey),
    );
    let sets = survey.sets.iter().map(|(set, cell)| (format!("set {}", word(set)), *cell));
    let sets: Vec<(String, Cell)> = if survey.sets.len() > 1 { sets.collect() } else { Vec::new() };
    section(&mut text, "Labels", &labels(survey.labels, &sets));
    section(&mut text, "By category and source", &by_cell(survey));
    section(&mut text, "By rule", &violations(survey));
    section(&mut text, "The first rows", &first_rows(&found.first));
    for (found, kind) in [
        (&survey.bad_rows, "rows can't be used"),
        (&survey.contradictions, "images are labelled in two ways"),
        (&survey.unreadable, "images can't be read"),
        (&survey.duplicates, "images are there more than once"),
    ] {
        told(&mut text, found, kind);
    }
    if let Some(written) = &found.written {
        let _ = writeln!(text, "{} images written to {}", written.images, written.file);
        told(&mut text, &written.left_out, "were left out there");
    }
    text
}

/// Where the images are.
fn images(survey: &Survey) -> String {
    match (survey.in_files, survey.inside) {
        (files, 0) => format!("{} in files", style::counted(files as u64, "image")),
        (0, inside) => format!("{} inside", style::counted(inside as u64, "image")),
        (files, inside) => {
            format!("{} inside, {files} in files", style::counted(inside as u64, "image"))
        }
    }
}

fn word(name: &str) -> String {
    if name.is_empty() { "(none)".to_owned() } else { shown(name).to_string() }
}

fn labels(all: Cell, sets: &[(String, Cell)]) -> Rows {
    let row = |name: String, cell: Cell| {
        let counts = [cell.images(), cell.safe, cell.unsafe_, cell.unlabelled];
        std::iter::once(name).chain(counts.map(|count| count.to_string())).collect()
    };
    let mut rows = vec![cells(["", "images", "safe", "unsafe", "no label"])];
    rows.push(row("all".to_owned(), all));
    rows.extend(sets.iter().map(|(name, cell)| row(name.clone(), *cell)));
    rows
}

/// Categories down, sources across; each cell has safe and unsafe images.
fn by_cell(survey: &Survey) -> Rows {
    if survey.categories().is_empty() && survey.sources().is_empty() {
        return Rows::new();
    }
    let mut sources: Vec<&str> = survey.cells.keys().map(|(_, source)| source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut heading = cells(["safe + unsafe"]);
    heading.extend(sources.iter().map(|source| word(source)));
    let mut categories: Vec<&str> =
        survey.cells.keys().map(|(category, _)| category.as_str()).collect();
    categories.dedup();
    let row = |category: &str| {
        let cell = |source: &&str| {
            let cell = survey.cells.get(&(category.to_owned(), (*source).to_owned()));
            cell.map_or_else(|| "-".to_owned(), |cell| format!("{} + {}", cell.safe, cell.unsafe_))
        };
        std::iter::once(word(category)).chain(sources.iter().map(cell)).collect()
    };
    std::iter::once(heading).chain(categories.into_iter().map(row)).collect()
}

fn violations(survey: &Survey) -> Rows {
    let row = |(rule, images): (&String, &usize)| vec![rule.clone(), images.to_string()];
    let heading = cells(["rule", "images"]);
    std::iter::once(heading).chain(survey.violations.iter().map(row)).collect()
}

fn first_rows(first: &[Shown]) -> Rows {
    let row = |shown_row: &Shown| {
        vec![
            shown(&shown_row.name).to_string(),
            shown_row
                .bytes
                .map_or_else(|| "unreadable".to_owned(), |bytes| format!("{bytes} bytes")),
            says(&shown_row.label),
        ]
    };
    std::iter::once(cells(["", "", ""])).chain(first.iter().map(row)).collect()
}

/// A label in one line.
fn says(label: &Label) -> String {
    let safety = label.safety.map_or_else(|| "no label".to_owned(), |safety| safety.to_string());
    let rules: Vec<&str> = label.violated.iter().flatten().map(RuleId::as_str).collect();
    let text = label.text.as_deref().map(|text| text.chars().take(40).collect::<String>());
    let parts = [
        Some(safety),
        (!rules.is_empty()).then(|| rules.join(", ")),
        label.category.as_ref().map(|category| format!("category {category}")),
        label.source.as_ref().map(|source| format!("source {source}")),
        (!label.set.is_empty()).then(|| format!("set {}", label.set)),
        text.map(|text| format!("\"{text}\"")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    shown(parts.join("; ")).to_string()
}

/// How often something was found, and the first few.
fn told(text: &mut String, found: &Found, kind: &str) {
    if found.count == 0 {
        return;
    }
    let _ = writeln!(text, "{} {kind}", style::bold(&found.count.to_string()));
    for first in &found.first {
        let _ = writeln!(text, "  {}", shown(first));
    }
    let rest = found.count - found.first.len();
    if rest > 0 {
        let _ = writeln!(text, "  and {rest} more");
    }
}
