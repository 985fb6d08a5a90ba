//! One JSON object a line.

use std::collections::BTreeMap;
use std::io::{BufReader, Seek as _, SeekFrom};

use serde_json::{Map, Value};

use super::{Names, Rows, Sheet};
use crate::dataset::columns::Role;
use crate::dataset::inline::Written;
use crate::dataset::lines::{LONGEST, Line, Lines};
use crate::dataset::references::{References, Rows as Referred};
use crate::dataset::row::{Cells, filled, rules_of};
use crate::dataset::{DatasetError, Example, Mistake};

pub(super) fn rows(sheet: Sheet) -> Result<Rows, DatasetError> {
    // A column that is named and nowhere there would otherwise be missed in silence.
    let first = lines(&sheet)?.map_while(Result::ok).find(|(_, line)| !is_blank(line));
    if let Some((_, line)) = first
        && let Ok(object) = object(&line)
        && let Some(missing) = sheet.options.columns.missing(|name| object.contains_key(name))
    {
        return Err(sheet.missing(missing, object.keys().cloned().collect()));
    }
    let mut lines = lines(&sheet)?.fuse();
    let mut references = References::new();
    let mut number = 0;
    let mut broken = false;
    Ok(Box::new(std::iter::from_fn(move || {
        while !broken {
            number += 1;
            let row = match lines.next()? {
                Ok((_, line)) if is_blank(&line) => continue,
                Ok((_, line)) => row(&sheet, number, &line, &mut references),
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

fn lines(sheet: &Sheet) -> Result<Lines<BufReader<fs_err::File>>, DatasetError> {
    Ok(Lines::new(sheet.open()?, LONGEST))
}

fn is_blank(line: &Line) -> bool {
    matches!(line, Line::Whole(line) if line.iter().all(u8::is_ascii_whitespace))
}

fn object(line: &Line) -> Result<Map<String, Value>, Mistake> {
    let Line::Whole(line) = line else { return Err(Mistake::TooLong { most_mib: LONGEST >> 20 }) };
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    serde_json::from_slice(line).map_err(|error| Mistake::NotJson { detail: error.to_string() })
}

fn row(
    sheet: &Sheet,
    number: u64,
    line: &Line,
    references: &mut References<u64>,
) -> Result<Example, Mistake> {
    let object = object(line)?;
    let text = |role| text(sheet, &object, role);
    let violated = match value(sheet, &object, Role::Violated) {
        Some((column, value)) => rules(column, value)?,
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
    sheet.example(number, (names(sheet, &object)?, cells), references, &Objects(sheet))
}

fn names(sheet: &Sheet, object: &Map<String, Value>) -> Result<Names, Mistake> {
    let indexed = value(sheet, object, Role::Index).is_some();
    Ok(Names { image: text(sheet, object, Role::Image)?, indexed })
}

/// The lines of a file, by the byte that each begins at.
struct Objects<'a>(&'a Sheet);

impl Referred for Objects<'_> {
    type At = u64;

    fn places(&self) -> Result<BTreeMap<String, u64>, Mistake> {
        let mut places = BTreeMap::new();
        for line in lines(self.0)? {
            let (at, line) = line?;
            // A bad line is told of in its turn.
            let Ok(object) = object(&line) else { continue };
            if let Ok(Some(index)) = text(self.0, &object, Role::Index) {
                places.entry(index).or_insert(at);
            }
        }
        Ok(places)
    }

    fn image(&self, at: &u64) -> Result<Written, Mistake> {
        let mut file = self.0.open()?;
        file.seek(SeekFrom::Start(*at))?;
        let Some(line) = Lines::new(file, LONGEST).next() else {
            return Err(Mistake::Damaged { detail: "it has become shorter".to_owned() });
        };
        let object = object(&line?.1)?;
        self.0.written(names(self.0, &object)?)
    }
}

fn value<'a>(
    sheet: &'a Sheet,
    object: &'a Map<String, Value>,
    role: Role,
) -> Option<(&'a str, &'a Value)> {
    let column = sheet.options.columns.find(role, |name| object.contains_key(name))?;
    Some((column, object.get(column)?))
}

fn text(sheet: &Sheet, object: &Map<String, Value>, role: Role) -> Result<Option<String>, Mistake> {
    let Some((column, value)) = value(sheet, object, role) else { return Ok(None) };
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(filled(text)),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        Value::Array(_) => Err(cell(column, "a list", "a text")),
        Value::Object(_) => Err(cell(column, "an object", "a text")),
    }
}

fn rules(column: &str, value: &Value) -> Result<Option<Vec<String>>, Mistake> {
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
