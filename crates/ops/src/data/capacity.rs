//! Consumed capacity: the arithmetic of read and write units, and how answers show it.
//!
//! Units are counted in halves, so that sums are exact. A failed request shows nothing.

use std::collections::BTreeMap;

use graticule_model::{AttributeValue, Error, Item, TableName, value::item_size_bytes};
use graticule_tables::{
    Table, Written,
    schema::{Derivation, IndexDefinition, IndexState, LocalIndex, Projection},
};
use serde_json::{Map, Value, json};

use super::{shape::Choice, stored_item};

/// Bytes that one read unit pays for.
const READ_BLOCK_BYTES: u64 = 4096;
/// Bytes that one write unit pays for.
const WRITE_BLOCK_BYTES: u64 = 1024;

/// `ReturnConsumedCapacity`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Nothing.
    #[default]
    None,
    /// The sum for each table.
    Total,
    /// What the table and each index had a part in.
    Indexes,
}

impl Choice for Detail {
    const VALUES: &'static [(&'static str, Detail)] =
        &[("INDEXES", Detail::Indexes), ("TOTAL", Detail::Total), ("NONE", Detail::None)];
}

/// Which units transactions name beside the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    /// None: not a transaction.
    None,
    /// `ReadCapacityUnits`
    Read,
    /// `WriteCapacityUnits`
    Write,
}

/// Half capacity units.
type Halves = u64;

/// The cost of reading so many bytes.
pub(crate) fn read_units(size_bytes: usize, consistent: bool) -> Halves {
    let blocks = (size_bytes as u64).div_ceil(READ_BLOCK_BYTES).max(1);
    if consistent { blocks * 2 } else { blocks }
}

/// The cost of writing so many bytes.
fn write_units(size_bytes: usize) -> Halves {
    (size_bytes as u64).div_ceil(WRITE_BLOCK_BYTES).max(1) * 2
}

/// What one table and its indexes have consumed.
#[derive(Debug, Default)]
pub(crate) struct Consumed {
    /// The table itself.
    pub(crate) table: Halves,
    local: BTreeMap<String, Halves>,
    global: BTreeMap<String, Halves>,
}

impl Consumed {
    /// Of the table alone.
    pub(crate) fn table(units: Halves) -> Consumed {
        Consumed { table: units, ..Consumed::default() }
    }

    /// Adds the part of an index.
    pub(crate) fn add_index(&mut self, name: &str, index: &LocalIndex, units: Halves) {
        let indexes = if index.local { &mut self.local } else { &mut self.global };
        *indexes.entry(name.to_owned()).or_default() += units;
    }

    /// What a write has consumed, with the indexes that had to follow.
    ///
    /// # Errors
    /// If a stored item is damaged.
    pub(crate) fn of_write(written: &Written) -> Result<Consumed, Error> {
        let Written { table, old, new } = written;
        let largest = [old, new].into_iter().flatten().map(|record| record.size_bytes).max();
        let mut consumed = Consumed::table(write_units(largest.unwrap_or(0) as usize));
        let mut secondary = table.indexes.iter().filter_map(|(name, index)| match &index.derivation {
            Derivation::Secondary(definition) if index.state != IndexState::Deleting => {
                Some((name, index, definition))
            }
            _ => None,
        });
        let Some(first) = secondary.next() else { return Ok(consumed) };
        let old = old.as_ref().map(stored_item).transpose()?;
        let new = new.as_ref().map(stored_item).transpose()?;
        for (name, index, definition) in std::iter::once(first).chain(secondary) {
            let units = index_write_units(table, definition, old.as_ref(), new.as_ref());
            if units > 0 {
                consumed.add_index(name, index, units);
            }
        }
        Ok(consumed)
    }

    /// Adds what another operation on the same table has consumed.
    pub(crate) fn add(&mut self, other: Consumed) {
        self.table += other.table;
        for (mine, theirs) in [(&mut self.local, other.local), (&mut self.global, other.global)] {
            for (name, units) in theirs {
                *mine.entry(name).or_default() += units;
            }
        }
    }

    /// The price of the same in a transaction, which prepares and commits.
    #[must_use]
    pub(crate) fn in_transaction(mut self) -> Consumed {
        self.table *= 2;
        self.local.values_mut().chain(self.global.values_mut()).for_each(|units| *units *= 2);
        self
    }

    /// As an answer shows it.
    pub(crate) fn to_json(&self, table: &TableName, detail: Detail, split: Split) -> Value {
        let indexes: Halves = self.local.values().chain(self.global.values()).sum();
        let mut shown = units_json(self.table + indexes, split);
        shown.insert("TableName".to_owned(), json!(table.as_str()));
        if detail == Detail::Indexes {
            shown.insert("Table".to_owned(), units_json(self.table, split).into());
            for (member, indexes) in
                [("LocalSecondaryIndexes", &self.local), ("GlobalSecondaryIndexes", &self.global)]
            {
                if !indexes.is_empty() {
                    let each = |(name, units): (&String, &Halves)| {
                        (name.clone(), Value::from(units_json(*units, split)))
                    };
                    shown.insert(member.to_owned(), Value::Object(indexes.iter().map(each).collect()));
                }
            }
        }
        Value::Object(shown)
    }
}

/// What several tables have consumed, as an answer shows it; `None` if it is not asked for.
pub(crate) fn list_json(
    consumed: &BTreeMap<TableName, Consumed>,
    detail: Detail,
    split: Split,
) -> Option<Value> {
    (detail != Detail::None)
        .then(|| consumed.iter().map(|(table, consumed)| consumed.to_json(table, detail, split)).collect())
}

fn units_json(units: Halves, split: Split) -> Map<String, Value> {
    let units = json!(units as f64 / 2.0);
    let mut shown = Map::new();
    match split {
        Split::None => None,
        Split::Read => shown.insert("ReadCapacityUnits".to_owned(), units.clone()),
        Split::Write => shown.insert("WriteCapacityUnits".to_owned(), units.clone()),
    };
    shown.insert("CapacityUnits".to_owned(), units);
    shown
}

/// Whether an index holds an attribute.
pub(crate) fn index_holds(table: &Table, definition: &IndexDefinition, name: &str) -> bool {
    match &definition.projection {
        Projection::All => true,
        Projection::KeysOnly => table.key.contains(name) || definition.key.contains(name),
        Projection::Include(names) => {
            table.key.contains(name)
                || definition.key.contains(name)
                || names.iter().any(|included| included == name)
        }
    }
}

/// An entry that enters or leaves costs its size, one whose key changes costs both, one that stays the same nothing.
fn index_write_units(
    table: &Table,
    definition: &IndexDefinition,
    old: Option<&Item>,
    new: Option<&Item>,
) -> Halves {
    let before = old.and_then(|item| index_entry(table, definition, item));
    let after = new.and_then(|item| index_entry(table, definition, item));
    let units = |entry: &Item| write_units(item_size_bytes(entry));
    match (&before, &after) {
        (None, None) => 0,
        (Some(entry), None) | (None, Some(entry)) => units(entry),
        (Some(before), Some(after)) if before == after => 0,
        (Some(before), Some(after)) => {
            let same = |name: &str| before.get(name) == after.get(name);
            if definition.key.attributes().all(|attribute| same(&attribute.name)) {
                units(before).max(units(after))
            } else {
                units(before) + units(after)
            }
        }
    }
}

/// What an index holds of an item; `None` if it does not hold the item.
fn index_entry(table: &Table, definition: &IndexDefinition, item: &Item) -> Option<Item> {
    let usable = |value: &AttributeValue, kind: graticule_model::KeyType| {
        kind.matches(value) && value.size_bytes() > 0
    };
    let indexed = definition
        .key
        .attributes()
        .all(|attribute| item.get(&attribute.name).is_some_and(|value| usable(value, attribute.kind)));
    let held = |(name, value): (&String, &AttributeValue)| {
        index_holds(table, definition, name).then(|| (name.clone(), value.clone()))
    };
    indexed.then(|| item.iter().filter_map(held).collect())
}
