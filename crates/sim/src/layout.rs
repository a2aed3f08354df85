//! Where the checks find things on a disk, told independently of the code that puts them there.

use graticule_kv::Key;

pub(crate) const CATALOGUE: u8 = 0x01;
pub(crate) const REGION: u8 = 0x03;
pub(crate) const ITEMS: u8 = 0x10;
pub(crate) const TOMBSTONES: u8 = 0x13;
pub(crate) const CURSORS: u8 = 0x15;
pub(crate) const CONFLICTS: u8 = 0x16;
pub(crate) const TOKENS: u8 = 0x18;

/// The partition key of the table of every run.
pub(crate) const PARTITION_KEY: &str = "pk";

/// The kind of thing that a key belongs to.
pub(crate) fn space(key: &[u8]) -> u8 {
    key.first().copied().unwrap_or(0)
}

/// The table id in a key of a table's, and what follows it.
pub(crate) fn split_table(key: &[u8]) -> (u64, &[u8]) {
    match key.get(1..9).and_then(|id| id.try_into().ok()) {
        Some(id) => (u64::from_be_bytes(id), &key[9..]),
        None => (0, &[]),
    }
}

/// What the keys of one table's things of one kind start with.
pub(crate) fn prefix(space: u8, table: u64) -> Key {
    let mut prefix = vec![space];
    prefix.extend_from_slice(&table.to_be_bytes());
    prefix
}
