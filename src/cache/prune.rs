//! What is kept, and what goes: the answers that were used longest ago.

use std::collections::BTreeMap;

use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableError};

use super::Kind;
use super::file::{STAMP, begin_write, stamp_of, table};

/// Bytes of a key, and about what the tree adds to an entry.
const KEY_AND_TREE: u64 = 16 + 16;

/// Bytes of redb's pages.
const PAGE: u64 = 4_096;

/// Values whose lengths are looked at to reckon what all take.
const LOOKED_AT: usize = 32;

/// Which answers stay.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep {
    Nothing,
    /// Those used in this minute or later.
    Since(u32),
    /// Those used last, of so many bytes in all.
    Newest {
        bytes: u64,
    },
}

/// What a pruning came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Answers that were forgotten.
    pub forgotten: u64,
    /// Answers that are still there.
    pub kept: u64,
}

/// What a cache holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How many of each kind, and how many bytes they take without the file's own order.
    pub kinds: Vec<(Kind, u64, u64)>,
    /// The file's size.
    pub file_bytes: u64,
}

/// Counts what is there.
pub(super) fn stats(
    database: &Database,
    of: &[Kind],
    file_bytes: u64,
) -> Result<Stats, redb::Error> {
    let reading = database.begin_read()?;
    let mut kinds = Vec::new();
    for &kind in of {
        let (count, bytes) = match reading.open_table(table(kind)) {
            Ok(table) => (table.len()?, table.stats()?.stored_bytes()),
            Err(TableError::TableDoesNotExist(_)) => (0, 0),
            Err(error) => return Err(error.into()),
        };
        kinds.push((kind, count, bytes));
    }
    Ok(Stats { kinds, file_bytes })
}

/// Bytes that a value of so many takes. What is longer than a page gets a power of two of them.
pub(super) fn taken(value_bytes: usize) -> u64 {
    let taken = KEY_AND_TREE + STAMP as u64 + value_bytes as u64;
    if taken > PAGE { taken.next_power_of_two() } else { taken }
}

/// Bytes that all values of a kind take if they are on average as long as the first few; nothing else
/// is read. Keys are hashes, so that the first are a fair draw.
pub(super) fn stored_bytes(database: &Database, kind: Kind) -> Result<u64, redb::Error> {
    let table = match database.begin_read()?.open_table(table(kind)) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let (mut looked_at, mut bytes) = (0, 0);
    for entry in table.iter()?.take(LOOKED_AT) {
        let (_, value) = entry?;
        looked_at += 1;
        bytes += taken(value.value().len().saturating_sub(STAMP));
    }
    Ok((bytes * table.len()?).checked_div(looked_at).unwrap_or(0))
}

/// Forgets what is not to be kept and gives the space back to the system.
pub(super) fn prune(
    database: &mut Database,
    kinds: &[Kind],
    keep: Keep,
) -> Result<Pruned, redb::Error> {
    let since = match keep {
        Keep::Nothing => None,
        Keep::Since(minute) => Some(minute),
        Keep::Newest { bytes } => first_minute_kept(database, kinds, bytes)?,
    };
    let stays =
        |value: &[u8]| value.len() >= STAMP && since.is_some_and(|since| stamp_of(value) >= since);
    let writing = begin_write(database)?;
    let mut pruned = Pruned::default();
    for &kind in kinds {
        let mut table = writing.open_table(table(kind))?;
        let before = table.len()?;
        table.retain(|_, value| stays(value))?;
        pruned.kept += table.len()?;
        pruned.forgotten += before - table.len()?;
    }
    writing.commit()?;
    database.compact()?;
    Ok(pruned)
}

/// The earliest minute of use whose answers, with all later ones, fit in so many bytes.
fn first_minute_kept(
    database: &Database,
    kinds: &[Kind],
    bytes: u64,
) -> Result<Option<u32>, redb::Error> {
    let mut by_minute: BTreeMap<u32, u64> = BTreeMap::new();
    let reading = database.begin_read()?;
    for &kind in kinds {
        let table = match reading.open_table(table(kind)) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in table.iter()? {
            let (_, value) = entry?;
            let value = value.value();
            if value.len() >= STAMP {
                *by_minute.entry(stamp_of(value)).or_default() += taken(value.len() - STAMP);
            }
        }
    }
    let mut total = 0;
    let fits = by_minute.into_iter().rev().take_while(|(_, taken)| {
        total += taken;
        total <= bytes
    });
    Ok(fits.last().map(|(minute, _)| minute))
}
