//! The file of answers: opened, put aside when it is broken, read and written in batches.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use redb::{
    Database, DatabaseError, ReadableDatabase, StorageError, TableDefinition, TableError,
    WriteTransaction,
};

use super::{CacheError, Kind, LAYOUT};
use crate::ids::Hash;

/// Bytes of a value that say when it was last used.
pub(super) const STAMP: usize = 4;

/// Bytes of the file that are kept in memory; redb would take a gibibyte.
const PAGES: usize = 32 << 20;

/// The table of one kind.
pub(super) fn table(kind: Kind) -> TableDefinition<'static, [u8; 16], &'static [u8]> {
    TableDefinition::new(kind.name())
}

/// Where a file of answers lies within the cache folder.
pub(super) fn path_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("answers-{LAYOUT}")).join(name).with_extension("redb")
}

/// Opens the file; a broken one is put aside.
pub(super) fn open(path: &Path) -> Result<Database, CacheError> {
    let unusable = |detail: String| CacheError::Unusable { detail };
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
    }
    let create = || Database::builder().set_cache_size(PAGES).create(path);
    let aside = match create() {
        Ok(database) => return Ok(database),
        Err(DatabaseError::DatabaseAlreadyOpen) => return Err(CacheError::Busy),
        Err(error) if is_broken(&error) => error,
        Err(error) => return Err(unusable(error.to_string())),
    };
    tracing::warn!(
        "the answer cache was broken ({aside}): it is put aside, and an empty one begun"
    );
    fs_err::rename(path, path.with_extension("broken"))
        .map_err(|error| unusable(error.to_string()))?;
    create().map_err(|error| unusable(error.to_string()))
}

/// Whether the file itself is the matter, and not the way to it.
fn is_broken(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::RepairAborted
        | DatabaseError::UpgradeRequired(_)
        | DatabaseError::Storage(StorageError::Corrupted(_)) => true,
        DatabaseError::Storage(StorageError::Io(error)) => {
            matches!(
                error.kind(),
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
            )
        }
        _ => false,
    }
}

/// Reads values, stamps and all, from one consistent state.
pub(super) fn read(
    database: &Database,
    kind: Kind,
    keys: &[Hash],
) -> Result<Vec<Option<Vec<u8>>>, redb::Error> {
    let reading = database.begin_read()?;
    let table = match reading.open_table(table(kind)) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(vec![None; keys.len()]),
        Err(error) => return Err(error.into()),
    };
    let value = |key: &Hash| Ok(table.get(key.bytes())?.map(|value| value.value().to_vec()));
    keys.iter().map(value).collect()
}

/// Writes values, stamps and all, as one change.
pub(super) fn write(
    database: &Database,
    waiting: &HashMap<(Kind, Hash), Vec<u8>>,
) -> Result<(), redb::Error> {
    let transaction = begin_write(database)?;
    for kind in Kind::ALL {
        let mut of_kind: Vec<_> = waiting
            .iter()
            .filter(|((of, _), _)| *of == kind)
            .map(|((_, key), value)| (key, value))
            .collect();
        if of_kind.is_empty() {
            continue;
        }
        // Neighbours in the tree are written together.
        of_kind.sort_unstable_by_key(|(key, _)| **key);
        let mut table = transaction.open_table(table(kind))?;
        for (key, value) in of_kind {
            table.insert(key.bytes(), value.as_slice())?;
        }
    }
    Ok(transaction.commit()?)
}

/// A write that a later opening repairs at once, even when this process is killed.
pub(super) fn begin_write(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut writing = database.begin_write()?;
    writing.set_quick_repair(true);
    Ok(writing)
}

/// A value with the minute of its last use before it.
pub(super) fn stamped(minute: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = minute.to_le_bytes().to_vec();
    bytes.extend_from_slice(value);
    bytes
}

/// The minute of a value's last use.
pub(super) fn stamp_of(value: &[u8]) -> u32 {
    let mut stamp = [0; STAMP];
    stamp.copy_from_slice(&value[..STAMP]);
    u32::from_le_bytes(stamp)
}
