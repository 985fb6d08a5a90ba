//! SARIF 2.1.0, the form in which code review takes findings (OASIS, March 2020).
//!
//! Places are given both as lines and columns and as characters from the start of the file, counted
//! in Unicode code points. A finding with a mechanical change carries it under `fixes`.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::rows::{Level, Region, Row};
use crate::constitution::lint::Lint;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// All rows as one log; `notes` are about the run.
pub(super) fn log(rows: &[Row<'_>], notes: &[String]) -> Value {
    let rules = rules(rows);
    let results: Vec<Value> = rows.iter().map(|row| result(row, &rules)).collect();
    let notifications: Vec<Value> =
        notes.iter().map(|note| json!({ "level": "note", "message": { "text": note } })).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "praetor",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

/// Every lint, and the codes of the mistakes that there are.
fn rules(rows: &[Row<'_>]) -> Vec<Value> {
    let lints = Lint::ALL.iter().map(|lint| {
        let page = lint.page();
        json!({
            "id": lint.id(),
            "shortDescription": { "text": lint.summary() },
            "help": { "text": page, "markdown": page },
            "defaultConfiguration": { "level": match lint.level() {
                crate::constitution::lint::Level::Warning => "warning",
                crate::constitution::lint::Level::Advice => "note",
            } },
        })
    });
    let mut rules: Vec<Value> = lints.collect();
    for row in rows.iter().filter(|row| row.level == Level::Error) {
        if index_of(&row.id, &rules).is_none() {
            rules.push(json!({ "id": row.id, "defaultConfiguration": { "level": "error" } }));
        }
    }
    rules
}

fn index_of(id: &str, rules: &[Value]) -> Option<usize> {
    rules.iter().position(|rule| rule["id"] == id)
}

fn result(row: &Row<'_>, rules: &[Value]) -> Value {
    let help = row.help.as_ref().map_or_else(String::new, |help| format!("\nhelp: {help}"));
    let mut result = json!({
        "ruleId": row.id,
        "ruleIndex": index_of(&row.id, rules),
        "level": match row.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Advice => "note",
        },
        "message": { "text": format!("{}{help}", row.message) },
        "locations": [location(row, row.region())],
    });
    if let Some((at, words)) = &row.related
        && let Some(region) = row.text.and_then(|text| Region::of(text, *at))
    {
        let mut place = location(row, Some(region));
        place["message"] = json!({ "text": words });
        result["relatedLocations"] = json!([place]);
    }
    if let Some(instead) = row.instead
        && let Some(region) = row.text.and_then(|text| Region::of(text, instead.at))
    {
        result["fixes"] = json!([{
            "description": { "text": if instead.by.trim().is_empty() {
                "leave the word out".to_owned()
            } else {
                format!("write `{}`", instead.by.trim())
            } },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(&row.file) },
                "replacements": [{
                    "deletedRegion": region_of(region),
                    "insertedContent": { "text": instead.by },
                }],
            }],
        }]);
    }
    result
}

fn location(row: &Row<'_>, region: Option<Region>) -> Value {
    let mut place = Map::new();
    place.insert("artifactLocation".to_owned(), json!({ "uri": uri(&row.file) }));
    if let Some(region) = region {
        place.insert("region".to_owned(), region_of(region));
    }
    json!({ "physicalLocation": place })
}

fn region_of(region: Region) -> Value {
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
        "charOffset": region.start,
        "charLength": region.length,
    })
}

/// A path as a reference: relative to where praetor ran, or absolute.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            byte => {
                // Writing to a string can't fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    if uri.starts_with('/') { format!("file://{uri}") } else { uri }
}
