//! Finds every mistake of form in a file at once, by the file's own JSON Schema.
//!
//! serde would stop at the first unknown key. The schema knows all keys, kinds and ranges, since it
//! is made from the same types, so a new setting needs no line here. Only the two words with a form
//! of their own, [`RuleId`] and [`Hash`], are known by name.

use serde_json::{Map, Value};

use super::problem::{Problem, nearest, shown};
use super::tree::{Entry, Kind, Node};
use crate::ids::{Hash, RuleId};

/// All mistakes of form under a node.
pub(super) fn check(root: &Node, schema: &Value) -> Vec<Problem> {
    let mut shape = Shape { schema, problems: Vec::new() };
    shape.node(
        root,
        schema,
        &Place { key: "the file", within: "", optional: false, span: root.span },
    );
    shape.problems
}

struct Shape<'a> {
    schema: &'a Value,
    problems: Vec<Problem>,
}

/// What a value is called, and where it stands.
struct Place<'a> {
    /// The key it is under.
    key: &'a str,
    /// Whether it is an item of a list, and of which.
    within: &'a str,
    /// Whether it may be left out.
    optional: bool,
    span: miette::SourceSpan,
}

impl Place<'_> {
    /// The value in words, to begin a message with.
    fn words(&self) -> String {
        match (self.key, self.within) {
            ("the file", _) => "the file".to_owned(),
            ("", list) => format!("an item of `{list}`"),
            (key, _) => format!("`{key}`"),
        }
    }
}

impl<'a> Shape<'a> {
    fn node(&mut self, node: &Node, schema: &'a Value, place: &Place<'_>) {
        let nullable =
            schema["anyOf"].as_array().is_some_and(|any| any.iter().any(|s| s["type"] == "null"));
        let (schema, form) = self.resolve(schema);
        let words = words(schema);
        let takes = |kind: &str| match &schema["type"] {
            Value::String(one) => one == kind,
            Value::Array(several) => several.iter().any(|one| one == kind),
            _ => false,
        };
        match &node.kind {
            Kind::Null if nullable || takes("null") => {}
            Kind::Map(entries) if takes("object") => self.map(node, entries, schema),
            Kind::List(items) if takes("array") => self.list(items, schema, place),
            Kind::Bool(_) if takes("boolean") => {}
            Kind::Number(number, written) if takes("number") || takes("integer") => {
                self.number(*number, written, schema, place);
            }
            Kind::Text(text) | Kind::Number(_, text) if words.is_some() || takes("string") => {
                self.text(text, schema, form, place);
            }
            // A bare `no` or `true` is a text where a text is asked for.
            Kind::Bool(_) if takes("string") && words.is_none() && form.is_none() => {}
            Kind::Null => self.problems.push(Problem::Empty {
                what: place.words(),
                at: Some(place.span),
                help: if place.optional {
                    format!("write {} there, or delete the line", expected(schema, form))
                } else {
                    format!("write {} there", expected(schema, form))
                },
            }),
            other => self.wrong_kind(other, schema, form, place),
        }
    }

    fn map(&mut self, node: &Node, entries: &[Entry], schema: &'a Value) {
        let Some(known) = schema["properties"].as_object() else {
            return;
        };
        let within = subject(schema, node);
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut meant = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let optional = !required.contains(&entry.key.as_str());
            if let Some(first) = entries[..index].iter().find(|earlier| earlier.key == entry.key) {
                self.problems.push(repeated(entry, first, &within));
            } else if let Some(schema) = known.get(&entry.key) {
                let place = Place { key: &entry.key, within: "", optional, span: entry.span() };
                self.node(&entry.value, schema, &place);
            } else {
                let unused = known.keys().filter(|key| !entries.iter().any(|e| e.key == **key));
                let near = nearest(&entry.key, unused.map(String::as_str));
                meant.extend(near);
                self.problems.push(Problem::UnknownKey {
                    key: shown(&entry.key),
                    within: within.clone(),
                    at: Some(entry.key_span),
                    help: near.map_or_else(
                        || self.belongs(&entry.key, known),
                        |near| format!("did you mean `{near}`?"),
                    ),
                });
            }
        }
        // A key that is only misspelt is no second mistake.
        let absent = |key: &&str| !meant.contains(key) && !entries.iter().any(|e| e.key == *key);
        for key in required.into_iter().filter(absent) {
            let (schema, form) = self.resolve(&known[key]);
            self.problems.push(Problem::MissingKey {
                key: key.to_owned(),
                within: within.clone(),
                at: Some(node.span),
                help: format!("add a line `{key}:` with {}", expected(schema, form)),
            });
        }
    }

    fn list(&mut self, items: &[Node], schema: &'a Value, place: &Place<'_>) {
        let least = schema["minItems"].as_u64().unwrap_or(0);
        if items.is_empty() && least > 0 {
            self.problems.push(Problem::Empty {
                what: place.words(),
                at: Some(place.span),
                help: format!(
                    "write at least {least} below `{}:`, on a line that begins with `- `",
                    place.key
                ),
            });
        }
        for item in items {
            self.node(
                item,
                &schema["items"],
                &Place { key: "", within: place.key, optional: true, span: item.span },
            );
        }
    }

    fn number(&mut self, number: f64, written: &str, schema: &Value, place: &Place<'_>) {
        let least = schema["minimum"].as_f64().unwrap_or(f64::NEG_INFINITY);
        let most = schema["maximum"].as_f64().unwrap_or(f64::INFINITY);
        let whole = kind(schema) == Some("integer");
        if (least..=most).contains(&number) && (!whole || number.fract() == 0.0) {
            return;
        }
        let numbers = if whole { "a whole number" } else { "a number" };
        let bounds = if most.is_finite() {
            format!("from {least} to {most}")
        } else {
            format!("of at least {least}")
        };
        let share = !whole && most <= 1.0;
        self.problems.push(Problem::OutOfRange {
            what: place.words(),
            value: shown(written),
            range: format!("{numbers} {bounds}"),
            at: Some(place.span),
            help: (share && (2.0..=100.0).contains(&number))
                .then(|| format!("for {written} per cent write `{}`", number / 100.0)),
        });
    }

    fn text(&mut self, text: &str, schema: &Value, form: Option<&str>, place: &Place<'_>) {
        let at = Some(place.span);
        if let Some(words) = words(schema) {
            if !words.contains(&text) {
                let meant = nearest(text, words.iter().copied())
                    .map_or_else(String::new, |word| format!("did you mean `{word}`? "));
                let help = format!("{meant}choose one of {}", listed(&words));
                self.problems.push(Problem::UnknownWord {
                    what: place.words(),
                    word: shown(text),
                    at,
                    help,
                });
            }
        } else if text.trim().is_empty()
            && (form.is_some() || schema["minLength"].as_u64() > Some(0))
        {
            let help = format!("write {} here", expected(schema, form));
            self.problems.push(Problem::Empty { what: place.words(), at, help });
        } else if form == Some("RuleId") && RuleId::new(text).is_err() {
            let help = format!(
                "an id is made of words of a to z and digits, joined by `.`, `-` or `_`{}",
                proposal(text).map_or_else(String::new, |id| format!("; try `{id}`")),
            );
            self.problems.push(Problem::WrongForm {
                word: shown(text),
                what: "a rule id",
                at,
                help,
            });
        } else if form == Some("Hash") && Hash::try_from(text.to_owned()).is_err() {
            let help = "a hash has 32 digits out of 0-9 and a-f, as praetor prints it".to_owned();
            self.problems.push(Problem::WrongForm { word: shown(text), what: "a hash", at, help });
        }
    }

    fn wrong_kind(&mut self, found: &Kind, schema: &Value, form: Option<&str>, place: &Place<'_>) {
        let found_words = match found {
            Kind::Null => "nothing",
            Kind::Bool(_) => "yes or no",
            Kind::Number(..) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a group of keys",
        };
        let required = schema["required"].as_array().into_iter().flatten();
        let lines: Vec<String> =
            required.filter_map(Value::as_str).map(|key| format!("`{key}: …`")).collect();
        let help = match (kind(schema), found) {
            (Some("array"), _) => Some("begin each item on a line of its own with `- `".to_owned()),
            (Some("object"), Kind::List(_)) if lines.is_empty() => {
                Some("write its keys without a leading `- `".to_owned())
            }
            (Some("object"), _) if lines.is_empty() => {
                Some("write its keys on lines of their own, as `key: value`".to_owned())
            }
            (Some("object"), _) => Some(format!("it takes the lines {}", lines.join(", "))),
            (Some("number"), Kind::Text(text)) => share_of(text),
            (_, Kind::Map(_)) => Some("a text that holds `: ` has to stand in quotes".to_owned()),
            (_, Kind::Bool(_)) => Some("put the word in quotes".to_owned()),
            _ => None,
        };
        let (expected, at) = (expected(schema, form), Some(place.span));
        self.problems.push(Problem::WrongKind {
            what: place.words(),
            expected,
            found: found_words,
            at,
            help,
        });
    }

    /// Where an unknown key belongs, and what would be known here.
    fn belongs(&self, key: &str, known: &Map<String, Value>) -> String {
        let definitions = self.schema["definitions"].as_object().into_iter().flatten();
        let homes: Vec<String> = std::iter::once(self.schema)
            .chain(definitions.map(|(_, definition)| definition))
            .filter(|definition| !definition["properties"][key].is_null())
            .map(with_article)
            .collect();
        let keys = listed(&known.keys().map(String::as_str).collect::<Vec<_>>());
        if homes.is_empty() {
            format!("the keys here are {keys}")
        } else {
            format!(
                "`{key}` belongs to {}: check how far the line is indented (the keys here are {keys})",
                homes.join(" or ")
            )
        }
    }

    /// A schema without its references, and the name of the definition it came from.
    fn resolve(&self, schema: &'a Value) -> (&'a Value, Option<&'a str>) {
        let inner = schema["allOf"].get(0).unwrap_or(schema);
        let inner = inner["anyOf"].get(0).unwrap_or(inner);
        match inner["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            Some(name) => (&self.schema["definitions"][name], Some(name)),
            None => (inner, None),
        }
    }
}

/// What a group of keys is called: `rule`, `thresholds`.
fn title(schema: &Value) -> &str {
    let title = schema["title"].as_str().unwrap_or("group");
    title.strip_prefix("praetor ").unwrap_or(title)
}

/// A group of keys in words: ``rule `fire` ``, `a precondition`, `the settings`.
fn subject(schema: &Value, node: &Node) -> String {
    match node.text("id").filter(|_| !schema["properties"]["id"].is_null()) {
        Some(id) => format!("{} `{}`", title(schema), shown(id)),
        None => with_article(schema),
    }
}

/// A group of keys as there is one, or may be several, of.
fn with_article(schema: &Value) -> String {
    let title = title(schema);
    let single = title.ends_with('s') || schema["title"] != title;
    format!("{} {title}", if single { "the" } else { "a" })
}

/// A text such as `80%` or `0,8` as the number it stands for.
fn share_of(text: &str) -> Option<String> {
    let text = text.replace(',', ".");
    let number = match text.trim().strip_suffix('%') {
        Some(per_cent) => per_cent.trim().parse::<f64>().ok()? / 100.0,
        None => text.trim().parse().ok()?,
    };
    number.is_finite().then(|| format!("write `{number}`"))
}

/// The same key twice; a second `id` is most often a rule without its dash.
fn repeated(entry: &Entry, first: &Entry, within: &str) -> Problem {
    let help = if entry.key == "id" {
        "if another rule begins here, write `- ` before its `id`; otherwise delete one of the two"
    } else {
        "delete one of the two"
    };
    Problem::RepeatedKey {
        key: shown(&entry.key),
        within: within.to_owned(),
        first: Some(first.key_span),
        again: Some(entry.key_span),
        help: help.to_owned(),
    }
}

/// The words to choose from, where a schema has some.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema["enum"].as_array() {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let choices = schema["oneOf"].as_array()?;
    Some(choices.iter().filter_map(|choice| choice["const"].as_str()).collect())
}

/// The kind of value a schema asks for, whether or not it may also be nothing.
fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::Array(several) => several.first()?.as_str(),
        one => one.as_str(),
    }
}

/// What a schema asks for, in words.
fn expected(schema: &Value, form: Option<&str>) -> String {
    match (form, kind(schema)) {
        (Some("RuleId"), _) => "a rule id such as `weapons.child`".to_owned(),
        (Some("Hash"), _) => "a hash of 32 digits".to_owned(),
        _ if words(schema).is_some() => "a word to choose".to_owned(),
        (_, Some("object")) => "a group of `key: value` lines".to_owned(),
        (_, Some("array")) => "a list".to_owned(),
        (_, Some("boolean")) => "`true` or `false`".to_owned(),
        (_, Some("integer")) => "a whole number".to_owned(),
        (_, Some("number")) => "a number".to_owned(),
        _ => "a text".to_owned(),
    }
}

/// An id made of a text that is not one.
fn proposal(text: &str) -> Option<RuleId> {
    if !text.is_ascii() {
        return None;
    }
    let words = |c: char| !c.is_ascii_alphanumeric() && c != '.';
    let lower = text.to_lowercase();
    let joined = lower.split(words).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    RuleId::new(joined.trim_matches('.')).ok()
}

/// Words in backticks: `` `a`, `b` ``.
fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
