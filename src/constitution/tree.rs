//! A YAML file as a tree in which every value knows its place.
//!
//! serde stops at the first mistake, and its values forget where they came from. This tree keeps
//! both: it is read once, `shape` walks it to find every mistake, and later checks ask it where a
//! value stands. It holds no decision; values are read from the text by their own types.

use miette::SourceSpan;
use serde::{Deserialize, Deserializer, de};
use serde_saphyr::{Location, Spanned};

/// A value and its place in the text.
#[derive(Debug)]
pub(super) struct Node {
    /// Where to point: the value, or its first key where the value itself has no width.
    pub(super) span: SourceSpan,
    /// All of what is written: for a text with its quotes, for a block without its `>`.
    pub(super) written: SourceSpan,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// A number, and how it is written.
    Number(f64, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: SourceSpan,
    pub(super) value: Node,
}

impl Entry {
    /// Whether nothing is written after the key.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.value.kind, Kind::Null)
    }

    /// The value's place, or the key's where the value is a whole block or nothing.
    pub(super) fn span(&self) -> SourceSpan {
        match self.value.kind {
            Kind::Null | Kind::List(_) | Kind::Map(_) => self.key_span,
            _ => self.value.span,
        }
    }
}

impl Node {
    /// Reads a text; the error is serde-saphyr's, about the first place that is not YAML.
    pub(super) fn read(text: &str) -> Result<Self, serde_saphyr::Error> {
        let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options())?;
        Ok(Self::from_raw(raw, text))
    }

    fn from_raw(raw: Spanned<Raw>, text: &str) -> Self {
        let mut span = first_line(range(&raw.referenced), text);
        let written = range(&raw.defined);
        let literal = || {
            let place = written.offset()..written.offset() + written.len();
            text.get(place).unwrap_or_default().to_owned()
        };
        let kind = match raw.value {
            Raw::Null => Kind::Null,
            Raw::Bool(value) => Kind::Bool(value),
            Raw::Number(number) => Kind::Number(number, literal()),
            Raw::Text(content) => Kind::Text(content),
            Raw::List(items) => {
                Kind::List(items.into_iter().map(|item| Self::from_raw(item, text)).collect())
            }
            Raw::Map(entries) => {
                Kind::Map(entries.into_iter().map(|entry| Entry::from_raw(entry, text)).collect())
            }
        };
        if let Kind::Map(entries) = &kind
            && let Some(first) = entries.first()
        {
            span = first.key_span;
        }
        Self { span, written, kind }
    }

    /// The value of a key, if this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The items under a key, if it holds a list.
    pub(super) fn items(&self, key: &str) -> &[Node] {
        match self.get(key).map(|entry| &entry.value.kind) {
            Some(Kind::List(items)) => items,
            _ => &[],
        }
    }

    /// The text under a key, if it holds one.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value.kind {
            Kind::Text(text) | Kind::Number(_, text) => Some(text),
            _ => None,
        }
    }
}

impl Entry {
    fn from_raw((key, value): (Spanned<Raw>, Spanned<Raw>), text: &str) -> Self {
        let key_span = first_line(range(&key.referenced), text);
        let place = range(&key.defined);
        let key = match key.value {
            Raw::Text(content) => content,
            _ => text.get(place.offset()..place.offset() + place.len()).unwrap_or("?").to_owned(),
        };
        Self { key, key_span, value: Node::from_raw(value, text) }
    }
}

/// How both passes over a file read YAML: repeated keys are passed on, since `shape` reports them
/// with both places.
pub(super) fn options() -> serde_saphyr::options::Options {
    serde_saphyr::options! {
        with_snippet: false,
        // A constitution needs no aliases; a bomb of them is to be refused at once.
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 10_000 },
        // Not a number is out of every range, which `shape` says better than the reader.
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
    }
}

fn range(location: &Location) -> SourceSpan {
    let span = location.span();
    let at = |index: Option<u64>| index.and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
    (at(span.byte_offset()), at(span.byte_len())).into()
}

/// A span cut at the end of its line: carets under whole paragraphs help nobody.
fn first_line(span: SourceSpan, text: &str) -> SourceSpan {
    let written = text.get(span.offset()..span.offset() + span.len()).unwrap_or_default();
    (span.offset(), written.lines().next().map_or(0, str::len)).into()
}

/// What serde-saphyr hands over.
enum Raw {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> de::Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "only compared with small bounds")]
    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "only compared with small bounds")]
    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "only compared with small bounds")]
    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "only compared with small bounds")]
    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}
