//! A file of labels that names its images: JSON lines, or CSV from any spreadsheet.
//!
//! ```text
//! {"image": "trained/000.png", "set": "trained", "violated": ["weapons.child"]}
//! {"image": "trained/001.png", "set": "trained", "violated": []}
//! ```
//!
//! Paths are relative to the file. Keys and columns that praetor does not know are for people and
//! are left alone.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::columns::Role;
use super::error::Place;
use super::row::{Cells, Reach, filled, image_path, rules_of};
use super::{Content, DatasetError, Example, Format, Mistake, Options, RowError};
use crate::imaging::Source;

type Rows = Box<dyn Iterator<Item = Result<Example, RowError>> + Send>;

/// Reads a file of labels whose images may lie anywhere.
pub(super) fn read(
    file: &Path,
    format: Format,
    options: Arc<Options>,
) -> Result<Rows, DatasetError> {
    read_within(file, format, options, Reach::Anywhere)
}

/// As [`read`], with a say in where images may lie.
pub(super) fn read_within(
    file: &Path,
    format: Format,
    options: Arc<Options>,
    reach: Reach,
) -> Result<Rows, DatasetError> {
    let sheet = Sheet { file: file.to_owned(), options, reach };
    match format {
        Format::Csv => csv_rows(sheet),
        _ => json_rows(sheet),
    }
}

/// A file of labels.
struct Sheet {
    file: PathBuf,
    options: Arc<Options>,
    reach: Reach,
}

impl Sheet {
    fn open(&self) -> Result<BufReader<fs_err::File>, DatasetError> {
        Ok(BufReader::new(fs_err::File::open(&self.file)?))
    }

    fn missing(&self, (role, wanted): (Role, String), available: Vec<String>) -> DatasetError {
        DatasetError::MissingColumn { path: self.file.clone(), wanted, role, available }
    }

    fn error(&self, line: u64, mistake: Mistake) -> RowError {
        RowError { place: Place { file: self.file.clone(), row: Some(line) }, mistake }
    }

    fn example(&self, image: Option<String>, cells: Cells) -> Result<Example, Mistake> {
        let image = image.ok_or_else(|| Mistake::NoImage {
            column: self.options.columns.find(Role::Image, |_| true).unwrap_or("image").to_owned(),
        })?;
        let folder = self.file.parent().unwrap_or_else(|| Path::new(""));
        let path = image_path(folder, &image, self.reach)?;
        Ok(Example {
            name: path.to_string_lossy().into_owned(),
            content: Content::File(Source::new(path)),
            label: cells.label(&self.options)?,
        })
    }
}

fn json_rows(sheet: Sheet) -> Result<Rows, DatasetError> {
    // A column that is named and nowhere there would otherwise be missed in silence.
    let mut first = sheet.open()?.split(b'\n').map_while(Result::ok);
    let first = first.find(|line| !is_blank(line)).and_then(|line| object(&line).ok());
    if let Some(object) = first
        && let Some(missing) = sheet.options.columns.missing(|name| object.contains_key(name))
    {
        return Err(sheet.missing(missing, object.keys().cloned().collect()));
    }
    let mut lines = sheet.open()?.split(b'\n').fuse();
    let mut number = 0;
    let mut broken = false;
    Ok(Box::new(std::iter::from_fn(move || {
        while !broken {
            number += 1;
            let row = match lines.next()? {
                Ok(line) if is_blank(&line) => continue,
                Ok(line) => json_row(&sheet, &line),
                Err(error) => {
                    broken = true;
                    Err(Mistake::Damaged { detail: error.to_string() })
                }
            };
            return Some(row.map_err(|mistake| sheet.error(number, mistake)));
        }
        None
    })))
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn object(line: &[u8]) -> Result<Map<String, Value>, Mistake> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    serde_json::from_slice(line).map_err(|error| Mistake::NotJson { detail: error.to_string() })
}

fn json_row(sheet: &Sheet, line: &[u8]) -> Result<Example, Mistake> {
    let object = object(line)?;
    let value = |role| {
        let column = sheet.options.columns.find(role, |name| object.contains_key(name))?;
        Some((column, object.get(column)?))
    };
    let text = |role| value(role).map_or(Ok(None), |(column, value)| json_text(column, value));
    let violated = match value(Role::Violated) {
        Some((column, value)) => json_rules(column, value)?,
        None => None,
    };
    let cells = Cells {
        safety: text(Role::Safety)?,
        violated,
        classes: text(Role::Class)?.into_iter().collect(),
        category: text(Role::Category)?,
        source: text(Role::Source)?,
        set: text(Role::Set)?,
        text: text(Role::Text)?,
    };
    sheet.example(text(Role::Image)?, cells)
}

fn json_text(column: &str, value: &Value) -> Result<Option<String>, Mistake> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(filled(text)),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        Value::Array(_) => Err(cell(column, "a list", "a text")),
        Value::Object(_) => Err(cell(column, "an object", "a text")),
    }
}

fn json_rules(column: &str, value: &Value) -> Result<Option<Vec<String>>, Mistake> {
    const EXPECTED: &str = "a list of rules, such as `[\"weapons.child\"]` or `[]`";
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(filled(text).map(|text| rules_of(&text))),
        Value::Array(items) => {
            let rule = |item: &Value| item.as_str().map(str::to_owned);
            let rules: Option<Vec<String>> = items.iter().map(rule).collect();
            rules.map(Some).ok_or_else(|| cell(column, "a list of other things", EXPECTED))
        }
        _ => Err(cell(column, "no list", EXPECTED)),
    }
}

fn cell(column: &str, found: &str, expected: &'static str) -> Mistake {
    Mistake::Cell { column: column.to_owned(), found: found.to_owned(), expected }
}

fn csv_rows(sheet: Sheet) -> Result<Rows, DatasetError> {
    let delimiter = delimiter(&sheet)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::Headers)
        .flexible(true)
        .from_reader(sheet.open()?);
    let headers = reader.headers().map_err(|error| DatasetError::Damaged {
        path: sheet.file.clone(),
        detail: error.to_string(),
    })?;
    let headers: Vec<String> =
        headers.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    if let Some(missing) =
        sheet.options.columns.missing(|name| headers.iter().any(|one| one == name))
    {
        return Err(sheet.missing(missing, headers));
    }
    let mut records = reader.into_records();
    Ok(Box::new(std::iter::from_fn(move || {
        let line = records.reader().position().line();
        let row = records.next()?.map_err(|error| Mistake::NotCsv { detail: error.to_string() });
        let example = row.and_then(|record| csv_row(&sheet, &headers, &record));
        Some(example.map_err(|mistake| sheet.error(line, mistake)))
    })))
}

/// Commas, semicolons or tabs, whichever the first line has most of.
fn delimiter(sheet: &Sheet) -> Result<u8, DatasetError> {
    let mut header = Vec::new();
    sheet.open()?.read_until(b'\n', &mut header)?;
    let header = String::from_utf8_lossy(&header);
    let count = |wanted: u8| header.matches(char::from(wanted)).count();
    let most = [b',', b';', b'\t'].into_iter().rev().max_by_key(|wanted| count(*wanted));
    Ok(most.unwrap_or(b','))
}

fn csv_row(
    sheet: &Sheet,
    headers: &[String],
    record: &csv::StringRecord,
) -> Result<Example, Mistake> {
    if record.len() != headers.len() {
        let detail = format!("has {} cells for {} columns", record.len(), headers.len());
        return Err(Mistake::NotCsv { detail });
    }
    let text = |role| {
        let has = |name: &str| headers.iter().any(|header| header == name);
        let column = sheet.options.columns.find(role, has)?;
        let at = headers.iter().position(|header| header == column)?;
        filled(record.get(at)?)
    };
    let cells = Cells {
        safety: text(Role::Safety),
        violated: text(Role::Violated).map(|cell| rules_of(&cell)),
        classes: text(Role::Class).into_iter().collect(),
        category: text(Role::Category),
        source: text(Role::Source),
        set: text(Role::Set),
        text: text(Role::Text),
    };
    sheet.example(text(Role::Image), cells)
}
