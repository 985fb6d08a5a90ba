//! Tables with a heading, separated by commas, semicolons or tabs.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};

use csv::{ByteRecord, Position, StringRecord};

use super::{Names, Rows, Sheet};
use crate::dataset::columns::Role;
use crate::dataset::inline::Written;
use crate::dataset::lines::{LONGEST, Records};
use crate::dataset::references::{References, Rows as Referred};
use crate::dataset::row::{Cells, filled, rules_of};
use crate::dataset::{DatasetError, Example, Mistake};

pub(super) fn rows(sheet: Sheet) -> Result<Rows, DatasetError> {
    let delimiter = delimiter(&sheet)?;
    let mut reader = reader(&sheet, delimiter)?;
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
    let table = Table { sheet, headers, delimiter };
    let mut references = References::new();
    Ok(Box::new(std::iter::from_fn(move || {
        let begun = reader.position().line();
        let mut record = ByteRecord::new();
        reader.get_mut().begin();
        let (line, row) = match reader.read_byte_record(&mut record) {
            Ok(false) => return None,
            Ok(true) => (line(&reader, &record), StringRecord::from_byte_record(record)),
            Err(error) => {
                let mistake = Mistake::NotCsv { detail: error.to_string() };
                return Some(Err(table.sheet.error(begun, mistake)));
            }
        };
        let row = row.map_err(|error| Mistake::NotCsv { detail: error.to_string() });
        let example = row.and_then(|record| table.row(line, &record, &mut references));
        Some(example.map_err(|mistake| table.sheet.error(line, mistake)))
    })))
}

/// The line that a record, which was just read, begins on.
///
/// A record ends at the first character of a line's end and lines are counted at the second, so that where
/// there are two the counter is one behind; and empty lines before the record are read with it.
fn line(reader: &Reader, record: &ByteRecord) -> u64 {
    let end = reader.position();
    let within = record.as_slice().split(|byte| *byte == b'\n').skip(1).count() as u64;
    let ended = u64::from(reader.get_ref().ends_line(end.byte()));
    end.line().saturating_sub(within + ended)
}

type Reader = csv::Reader<Records<BufReader<fs_err::File>>>;

fn reader(sheet: &Sheet, delimiter: u8) -> Result<Reader, DatasetError> {
    let records = Records::new(sheet.open()?, LONGEST);
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).trim(csv::Trim::Headers).flexible(true);
    Ok(builder.from_reader(records))
}

/// Commas, semicolons or tabs, whichever the first line has most of.
fn delimiter(sheet: &Sheet) -> Result<u8, DatasetError> {
    let mut header = Vec::new();
    sheet.open()?.take(LONGEST).read_until(b'\n', &mut header)?;
    let header = String::from_utf8_lossy(&header);
    let count = |wanted: u8| header.matches(char::from(wanted)).count();
    let most = [b',', b';', b'\t'].into_iter().rev().max_by_key(|wanted| count(*wanted));
    Ok(most.unwrap_or(b','))
}

/// A file with a heading.
struct Table {
    sheet: Sheet,
    headers: Vec<String>,
    delimiter: u8,
}

impl Table {
    fn row(
        &self,
        line: u64,
        record: &StringRecord,
        references: &mut References<Position>,
    ) -> Result<Example, Mistake> {
        if record.len() != self.headers.len() {
            let detail = format!("has {} cells for {} columns", record.len(), self.headers.len());
            return Err(Mistake::NotCsv { detail });
        }
        let text = |role| self.text(record, role);
        let cells = Cells {
            safety: text(Role::Safety),
            violated: text(Role::Violated).map(|cell| rules_of(&cell)),
            classes: text(Role::Class).into_iter().collect(),
            category: text(Role::Category),
            source: text(Role::Source),
            set: text(Role::Set),
            text: text(Role::Text),
        };
        self.sheet.example(line, (self.names(record), cells), references, self)
    }

    fn names(&self, record: &StringRecord) -> Names {
        Names { image: self.text(record, Role::Image), indexed: self.column(Role::Index).is_some() }
    }

    fn column(&self, role: Role) -> Option<usize> {
        let has = |name: &str| self.headers.iter().any(|header| header == name);
        let column = self.sheet.options.columns.find(role, has)?;
        self.headers.iter().position(|header| header == column)
    }

    fn text(&self, record: &StringRecord, role: Role) -> Option<String> {
        filled(record.get(self.column(role)?)?)
    }
}

impl Referred for Table {
    type At = Position;

    fn places(&self) -> Result<BTreeMap<String, Position>, Mistake> {
        let mut reader = reader(&self.sheet, self.delimiter)?;
        let mut places = BTreeMap::new();
        let mut record = StringRecord::new();
        loop {
            reader.get_mut().begin();
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(places),
                // A bad record is told of in its turn.
                Err(_) => continue,
            }
            if let (Some(index), Some(at)) = (self.text(&record, Role::Index), record.position()) {
                places.entry(index).or_insert_with(|| at.clone());
            }
        }
    }

    fn image(&self, at: &Position) -> Result<Written, Mistake> {
        let mut reader = reader(&self.sheet, self.delimiter)?;
        let damaged = |error: csv::Error| Mistake::Damaged { detail: error.to_string() };
        reader.seek(at.clone()).map_err(damaged)?;
        let mut record = StringRecord::new();
        reader.read_record(&mut record).map_err(damaged)?;
        self.sheet.written(self.names(&record))
    }
}
