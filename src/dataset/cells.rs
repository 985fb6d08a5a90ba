//! Single cells of Arrow columns, whichever of the types that fit they have.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use super::Mistake;
use super::row::{filled, rules_of};

/// Whether a column can hold images: bytes, a path, or both in a struct.
pub(super) fn is_image(kind: &DataType) -> bool {
    match kind {
        DataType::Binary | DataType::Utf8 => true,
        DataType::Struct(fields) => {
            let is = |name: &str, kind: &DataType| {
                fields.iter().any(|field| field.name() == name && field.data_type() == kind)
            };
            is("bytes", &DataType::Binary) || is("path", &DataType::Utf8)
        }
        _ => false,
    }
}

/// Whether a column can hold words: texts, numbers of classes, yes and no.
pub(super) fn is_text(kind: &DataType) -> bool {
    // A column of nothing but nulls has the type `Null` where nobody has said another.
    matches!(kind, DataType::Utf8 | DataType::Boolean | DataType::Null) || kind.is_integer()
}

/// Whether a column can hold the names of rules.
pub(super) fn is_rules(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::Null => true,
        DataType::List(item) => *item.data_type() == DataType::Utf8,
        _ => false,
    }
}

/// An image's bytes and its name, whichever there are.
pub(super) fn image(
    batch: &RecordBatch,
    column: &str,
    at: usize,
) -> (Option<Arc<[u8]>>, Option<String>) {
    let Some(array) = batch.column_by_name(column).filter(|array| array.is_valid(at)) else {
        return (None, None);
    };
    let (bytes, path) = match array.as_struct_opt() {
        Some(parts) => (parts.column_by_name("bytes"), parts.column_by_name("path")),
        None => (Some(array), Some(array)),
    };
    let there = |array: &&Arc<dyn Array>| array.is_valid(at);
    let bytes = bytes.filter(there).and_then(|array| array.as_binary_opt::<i32>());
    let path = path.filter(there).and_then(|array| array.as_string_opt::<i32>());
    let bytes = bytes.map(|array| Arc::from(array.value(at)));
    (bytes, path.and_then(|array| filled(array.value(at))))
}

/// A word; the number of a class has its name.
pub(super) fn text(
    batch: &RecordBatch,
    column: &str,
    at: usize,
    classes: Option<&Vec<String>>,
) -> Result<Option<String>, Mistake> {
    let Some(array) = batch.column_by_name(column).filter(|array| array.is_valid(at)) else {
        return Ok(None);
    };
    if let Some(texts) = array.as_string_opt::<i32>() {
        return Ok(filled(texts.value(at)));
    }
    if let Some(switches) = array.as_boolean_opt() {
        return Ok(Some(switches.value(at).to_string()));
    }
    let Some(number) = number(array.as_ref(), at) else { return Ok(None) };
    let Some(classes) = classes else { return Ok(Some(number.to_string())) };
    // The `datasets` library writes -1 where there is no label.
    if number == -1 {
        return Ok(None);
    }
    let name = usize::try_from(number).ok().and_then(|number| classes.get(number));
    name.map(|name| Some(name.clone())).ok_or_else(|| Mistake::Cell {
        column: column.to_owned(),
        found: number.to_string(),
        expected: "the number of one of the classes that the file's metadata names",
    })
}

fn number(array: &dyn Array, at: usize) -> Option<i64> {
    match array.data_type() {
        DataType::Int8 => Some(array.as_primitive::<Int8Type>().value(at).into()),
        DataType::Int16 => Some(array.as_primitive::<Int16Type>().value(at).into()),
        DataType::Int32 => Some(array.as_primitive::<Int32Type>().value(at).into()),
        DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(at)),
        DataType::UInt8 => Some(array.as_primitive::<UInt8Type>().value(at).into()),
        DataType::UInt16 => Some(array.as_primitive::<UInt16Type>().value(at).into()),
        DataType::UInt32 => Some(array.as_primitive::<UInt32Type>().value(at).into()),
        DataType::UInt64 => i64::try_from(array.as_primitive::<UInt64Type>().value(at)).ok(),
        _ => None,
    }
}

/// The rules of a cell; nothing where nobody has looked.
pub(super) fn rules(
    batch: &RecordBatch,
    column: &str,
    at: usize,
) -> Result<Option<Vec<String>>, Mistake> {
    let Some(array) = batch.column_by_name(column).filter(|array| array.is_valid(at)) else {
        return Ok(None);
    };
    if let Some(texts) = array.as_string_opt::<i32>() {
        return Ok(filled(texts.value(at)).map(|text| rules_of(&text)));
    }
    let Some(list) = array.as_list_opt::<i32>() else { return Ok(None) };
    let items = list.value(at);
    let texts = items.as_string_opt::<i32>();
    let texts =
        texts.into_iter().flat_map(|texts| texts.iter()).map(|text| text.map(str::to_owned));
    let rules: Option<Vec<String>> = texts.collect();
    rules.map(Some).ok_or_else(|| Mistake::Cell {
        column: column.to_owned(),
        found: "a list with an empty place".to_owned(),
        expected: "a list of rules",
    })
}
