//! The JSON Schemas of the two files, for editors and for our own check.
//!
//! They are made from the types and their doc comments, and kept in `docs/` for
//! yaml-language-server. `shape` checks files by the same schemas, so that an editor underlines what
//! praetor refuses.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{Constitution, Lock};

/// JSON Schema of a constitution, as in `docs/constitution.schema.json`.
pub fn constitution_schema() -> Value {
    of::<Constitution>()
}

/// JSON Schema of a lock, as in `docs/lock.schema.json`.
pub fn lock_schema() -> Value {
    of::<Lock>()
}

/// The schema in draft 7, which is what yaml-language-server reads.
pub(super) fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<T>().to_value()
}
