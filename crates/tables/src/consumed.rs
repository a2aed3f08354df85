//! What reads and writes cost: the arithmetic of capacity units, for the table and each of its indexes.
//!
//! Pure. Units are counted in halves, so that sums are exact. What is charged and what answers show are the same number.

use std::collections::BTreeMap;

use graticule_kv::ReadError;
use graticule_model::{Item, value::item_size_bytes};

use crate::{
    action::LazyItem,
    derive::{is_indexed, project},
    record::StoredItem,
    schema::{Derivation, IndexDefinition, IndexState, LocalIndex, Table},
};

/// Bytes that one read unit pays for.
const READ_BLOCK_BYTES: u64 = 4096;
/// Bytes that one write unit pays for.
const WRITE_BLOCK_BYTES: u64 = 1024;

/// Half capacity units.
pub type HalfUnits = u64;

/// The cost of reading so many bytes.
pub fn read_units(size_bytes: usize, consistent: bool) -> HalfUnits {
    let blocks = (size_bytes as u64).div_ceil(READ_BLOCK_BYTES).max(1);
    if consistent { blocks * 2 } else { blocks }
}

/// The cost of writing so many bytes.
pub(crate) fn write_units(size_bytes: usize) -> HalfUnits {
    (size_bytes as u64).div_ceil(WRITE_BLOCK_BYTES).max(1) * 2
}

/// What one table and its indexes have consumed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consumed {
    /// The table itself.
    pub table: HalfUnits,
    /// Local secondary indexes that had a part in it.
    pub local: BTreeMap<String, HalfUnits>,
    /// Global secondary indexes that had a part in it.
    pub global: BTreeMap<String, HalfUnits>,
}

impl Consumed {
    /// Of the table alone.
    pub fn table(units: HalfUnits) -> Consumed {
        Consumed { table: units, ..Consumed::default() }
    }

    /// Adds the part of an index.
    pub fn add_index(&mut self, name: &str, index: &LocalIndex, units: HalfUnits) {
        let indexes = if index.local { &mut self.local } else { &mut self.global };
        *indexes.entry(name.to_owned()).or_default() += units;
    }

    /// What a change of one item consumes, with the indexes that have to follow: the larger image of the item counts.
    ///
    /// # Errors
    /// If a stored item is damaged.
    pub fn of_change(
        table: &Table,
        old: Option<&StoredItem>,
        new: Option<&StoredItem>,
    ) -> Result<Consumed, ReadError> {
        let largest = [old, new].into_iter().flatten().map(|record| record.size_bytes).max();
        let mut consumed = Consumed::table(write_units(largest.unwrap_or(0) as usize));
        let old = LazyItem::new(old.map(|item| &item.json));
        let new = LazyItem::new(new.map(|item| &item.json));
        for (name, index) in &table.indexes {
            let Derivation::Secondary(definition) = &index.derivation else { continue };
            if index.state == IndexState::Deleting {
                continue;
            }
            let units = index_write_units(table, definition, old.get()?, new.get()?);
            if units > 0 {
                consumed.add_index(name, index, units);
            }
        }
        Ok(consumed)
    }

    /// Adds what another operation on the same table has consumed.
    pub fn add(&mut self, other: Consumed) {
        self.table += other.table;
        for (mine, theirs) in [(&mut self.local, other.local), (&mut self.global, other.global)] {
            for (name, units) in theirs {
                *mine.entry(name).or_default() += units;
            }
        }
    }

    /// The price of the same in a transaction, which prepares and commits.
    #[must_use]
    pub fn in_transaction(mut self) -> Consumed {
        self.table *= 2;
        self.local.values_mut().chain(self.global.values_mut()).for_each(|units| *units *= 2);
        self
    }
}

/// An entry that enters or leaves costs its size, one whose key changes costs both, one that stays the same nothing.
fn index_write_units(
    table: &Table,
    definition: &IndexDefinition,
    old: Option<&Item>,
    new: Option<&Item>,
) -> HalfUnits {
    let entry = |item: Option<&Item>| {
        let item = item.filter(|item| is_indexed(definition, item))?;
        Some(project(table, definition, item))
    };
    let units = |entry: &Item| write_units(item_size_bytes(entry));
    match (entry(old), entry(new)) {
        (None, None) => 0,
        (Some(entry), None) | (None, Some(entry)) => units(&entry),
        (Some(before), Some(after)) if before == after => 0,
        (Some(before), Some(after)) => {
            let same = |name: &str| before.get(name) == after.get(name);
            if definition.key.attributes().all(|attribute| same(&attribute.name)) {
                units(&before).max(units(&after))
            } else {
                units(&before) + units(&after)
            }
        }
    }
}
