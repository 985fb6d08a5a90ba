//! Tables as text: columns as wide as they need be.

use std::fmt::Write;

use super::style;

/// A heading row, and rows below it.
pub(super) type Rows = Vec<Vec<String>>;

/// Writes a heading and a table; nothing where there are no rows below the first.
pub(super) fn section(text: &mut String, heading: &str, rows: &[Vec<String>]) {
    if rows.len() < 2 {
        return;
    }
    if !heading.is_empty() {
        let _ = writeln!(text, "{}", style::bold(heading));
    }
    let _ = writeln!(text, "{}", aligned(rows));
}

/// Columns as wide as they need be: numbers to the right, and to the left the first column and those
/// without a heading.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    let named = |column: usize| rows[0].get(column).is_some_and(|cell| !cell.is_empty());
    let headless = rows[0].iter().all(String::is_empty);
    for row in rows.iter().skip(usize::from(headless)) {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let room = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, after) = if at == 0 || !named(at) { ("", &*room) } else { (&*room, "") };
            let _ = write!(line, "{before}{cell}{after}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// A row of words.
pub(super) fn cells<const N: usize>(row: [&str; N]) -> Vec<String> {
    row.map(str::to_owned).into()
}
