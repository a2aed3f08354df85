//! Everything that follows from a change of one item: index entries, expiry entries, counters.
//!
//! Pure: from the item before and after to effects of the same commit. There is no second road to an index.

use bytes::Bytes;
use graticule_expr::Update;
use graticule_kv::{Batch, ReadError};
use graticule_model::{
    AttributeValue, Error, Item, Version,
    codec::item_to_json,
    error::LegacyError,
    limits::{PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX, TTL_AGE_SECONDS_MAX},
};

use crate::{
    collections::size_effect,
    key::empty_kind,
    layout::{KeyBuilder, Space},
    record::{Record, parse_stored_part},
    schema::{
        Derivation, IndexDefinition, IndexState, KeyAttribute, LocalIndex, PrimaryKey, Projection, Table,
    },
};

/// An item before or after a change, as its indexes see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Image<'a> {
    /// Its attributes: all of them, or at least those that some index looks at.
    pub(crate) item: &'a Item,
    /// Its canonical JSON.
    pub(crate) json: &'a Bytes,
    /// Its size by DynamoDB's rules.
    pub(crate) size_bytes: u32,
}

impl<'a> Image<'a> {
    /// What `record` holds, of which `item` was read.
    pub(crate) fn new(item: &'a Item, record: &'a Record) -> Image<'a> {
        Image { item, json: &record.json, size_bytes: record.size_bytes }
    }
}

/// Counter of items of a table (index 0 stands for the table itself) or of an index.
pub(crate) const COUNT_ITEMS: u32 = 0;
/// Counter of their bytes.
pub(crate) const COUNT_BYTES: u32 = 1;
/// Counter of replicated changes that lost against a later write.
pub(crate) const COUNT_CONFLICTS: u32 = 2;
/// Counter of those that the conflict journal had no room for any more.
pub(crate) const COUNT_CONFLICTS_FORGOTTEN: u32 = 3;
/// The index id that stands for the table itself.
pub(crate) const BASE: u32 = 0;

pub(crate) fn counter_key(table_id: u64, index_id: u32, which: u32) -> Vec<u8> {
    KeyBuilder::table(Space::Counters, table_id).small(index_id).small(which).build()
}

/// What an index of a table cannot take about an item.
enum Misfit<'t, 'i> {
    /// A key attribute of another type.
    Type { index: &'t str, attribute: &'t KeyAttribute, value: &'i AttributeValue },
    /// An empty key attribute: `string` or `binary`.
    Empty { index: &'t str, attribute: &'t KeyAttribute, kind: &'static str },
    /// Key attributes that are too long together; carries the error for an item that is put.
    Size(Error),
}

fn misfit<'t, 'i>(table: &'t Table, item: &'i Item) -> Option<Misfit<'t, 'i>> {
    for (index, kept) in &table.indexes {
        let Derivation::Secondary(definition) = &kept.derivation else { continue };
        if kept.state == IndexState::Deleting {
            continue;
        }
        for attribute in definition.key.attributes() {
            let Some(value) = item.get(&attribute.name) else { continue };
            if !attribute.kind.matches(value) {
                return Some(Misfit::Type { index, attribute, value });
            }
            if let Some(kind) = empty_kind(value) {
                return Some(Misfit::Empty { index, attribute, kind });
            }
        }
        if part_size_bytes(&definition.key.partition, item) > PARTITION_KEY_BYTES_MAX {
            return Some(Misfit::Size(Error::PartitionKeyTooLong));
        }
        if part_size_bytes(&definition.key.sort, item) > SORT_KEY_BYTES_MAX {
            return Some(Misfit::Size(Error::SortKeyTooLong));
        }
    }
    None
}

fn type_mismatch(index: &str, attribute: &KeyAttribute, value: &AttributeValue) -> Error {
    Error::IndexKeyTypeMismatch {
        name: attribute.name.clone(),
        index: index.to_owned(),
        expected: attribute.kind.name(),
        actual: value.type_name(),
    }
}

/// Refuses an item to be put that an index of the table cannot take.
///
/// # Errors
/// If an index key attribute has the wrong type, is empty or too long.
pub(crate) fn check_index_keys(table: &Table, item: &Item) -> Result<(), Error> {
    Err(match misfit(table, item) {
        None => return Ok(()),
        Some(Misfit::Type { index, attribute, value }) => type_mismatch(index, attribute, value),
        Some(Misfit::Empty { index, attribute, kind }) => {
            Error::IndexKeyEmpty { name: attribute.name.clone(), index: index.to_owned(), kind }
        }
        Some(Misfit::Size(error)) => error,
    })
}

/// Refuses an update that gives an index key attribute a value that no index can take, whatever the item is.
///
/// # Errors
/// If it has the wrong type or is empty.
pub(crate) fn check_given_index_keys(table: &Table, update: &Update) -> Result<(), Error> {
    let is_key = |name: &str| {
        table.indexes.values().any(|kept| {
            matches!(&kept.derivation, Derivation::Secondary(definition) if definition.key.contains(name))
        })
    };
    // Other values may be large, and no index has anything against them.
    let given: Item = update
        .given_values()
        .filter(|(name, _)| is_key(name))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    if given.is_empty() {
        return Ok(());
    }
    Err(match misfit(table, &given) {
        Some(Misfit::Type { .. }) if update.is_legacy() => Error::Legacy(LegacyError::UpdateTypesDiffer),
        Some(Misfit::Type { index, attribute, value }) => type_mismatch(index, attribute, value),
        Some(Misfit::Empty { kind, .. }) => Error::IndexKeyUpdatedEmpty(kind),
        Some(Misfit::Size(_)) | None => return Ok(()),
    })
}

/// Refuses an item as an update has left it that an index of the table cannot take. What was there before the index
/// counts as well.
///
/// # Errors
/// If an index key attribute has the wrong type, is empty or too long.
pub(crate) fn check_updated_index_keys(table: &Table, item: &Item) -> Result<(), Error> {
    Err(match misfit(table, item) {
        None => return Ok(()),
        Some(Misfit::Type { .. }) => Error::IndexKeyUpdatedType,
        Some(Misfit::Empty { kind, .. }) => Error::IndexKeyUpdatedEmpty(kind),
        Some(Misfit::Size(_)) => Error::IndexKeyUpdatedSize,
    })
}

/// The bytes that an item's values of these key attributes have together.
fn part_size_bytes(attributes: &[KeyAttribute], item: &Item) -> usize {
    attributes.iter().filter_map(|attribute| item.get(&attribute.name)).map(AttributeValue::size_bytes).sum()
}

/// The expiry time of an item, in seconds since the epoch.
pub(crate) fn expiry_seconds(item: &Item, attribute: &str) -> Option<u64> {
    match item.get(attribute) {
        Some(AttributeValue::N(seconds)) => seconds.to_u64_truncated(),
        _ => None,
    }
}

/// Whether an expiry time has come, and is not so long past that it must be a mistake.
pub(crate) fn has_expired(expiry_seconds: u64, now_seconds: u64) -> bool {
    expiry_seconds <= now_seconds && now_seconds - expiry_seconds <= TTL_AGE_SECONDS_MAX
}

/// The key that all entries of an index start with.
pub(crate) fn index_prefix(table: &Table, index: &LocalIndex) -> KeyBuilder {
    let space = match index.derivation {
        Derivation::Secondary(_) => Space::Index,
        Derivation::Expiry(_) => Space::Expiry,
        Derivation::Collections => Space::Collections,
    };
    KeyBuilder::table(space, table.id).small(index.id)
}

/// Whether an index holds an item: it has all key attributes, of the right types, neither empty nor too long. An item
/// that was there before the index may not fit it; then the index goes without it.
pub(crate) fn is_indexed(definition: &IndexDefinition, item: &Item) -> bool {
    let key = &definition.key;
    let usable = |attribute: &KeyAttribute| {
        item.get(&attribute.name)
            .is_some_and(|value| attribute.kind.matches(value) && empty_kind(value).is_none())
    };
    key.attributes().all(usable)
        && part_size_bytes(&key.partition, item) <= PARTITION_KEY_BYTES_MAX
        && part_size_bytes(&key.sort, item) <= SORT_KEY_BYTES_MAX
}

/// The key of an index entry; `None` if the item is not in the index.
pub(crate) fn entry_key(
    table: &Table,
    index: &LocalIndex,
    definition: &IndexDefinition,
    key: &PrimaryKey,
    item: &Item,
) -> Option<Vec<u8>> {
    if !is_indexed(definition, item) {
        return None;
    }
    let value = |attribute: &KeyAttribute| item.get(&attribute.name);
    let mut builder =
        index_prefix(table, index).partitions(definition.key.partition.iter().filter_map(value));
    for value in definition.key.sort.iter().filter_map(value) {
        builder = builder.value(value);
    }
    // Entries of items with equal index keys are told apart, and ordered, by the primary key.
    Some(table.primary_key(builder, key).build())
}

/// Whether an index holds the attribute `name` of its items.
pub(crate) fn is_projected(table: &Table, definition: &IndexDefinition, name: &str) -> bool {
    match &definition.projection {
        Projection::All => true,
        projection => {
            table.key.contains(name)
                || definition.key.contains(name)
                || matches!(projection, Projection::Include(names) if names.iter().any(|it| it == name))
        }
    }
}

/// The part of an item that an index holds.
fn held<'i>(
    table: &Table,
    definition: &IndexDefinition,
    item: &'i Item,
) -> impl Iterator<Item = (&'i String, &'i AttributeValue)> {
    item.iter().filter(|(name, _)| is_projected(table, definition, name))
}

/// The bytes of the part of an item that an index holds.
pub(crate) fn projected_bytes(table: &Table, definition: &IndexDefinition, item: &Item) -> usize {
    held(table, definition, item).map(|(name, value)| name.len() + value.size_bytes()).sum()
}

/// The part of an item that an index holds, as an item.
pub(crate) fn project(table: &Table, definition: &IndexDefinition, item: &Item) -> Item {
    held(table, definition, item).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Reads of a stored item what the indexes of its table look at: hardly ever more than their keys.
///
/// # Errors
/// If the stored JSON is damaged.
pub(crate) fn looked_at(table: &Table, json: &[u8]) -> Result<Item, ReadError> {
    parse_stored_part(json, |name| {
        table.key.contains(name)
            || table.indexes.values().any(|index| match &index.derivation {
                // An entry that holds everything is as long as the item and made of its JSON.
                Derivation::Secondary(definition) => {
                    definition.key.contains(name)
                        || matches!(&definition.projection, Projection::Include(names) if names.iter().any(|it| it == name))
                }
                Derivation::Expiry(attribute) => attribute == name,
                Derivation::Collections => true,
            })
    })
}

/// Adds to `batch` what a change of one item means for one index that covers the item. The images differ.
pub(crate) fn index_effect(
    table: &Table,
    index: &LocalIndex,
    key: &PrimaryKey,
    (old, new): (Option<Image<'_>>, Option<Image<'_>>),
    version: &Version,
    batch: &mut Batch,
) {
    match &index.derivation {
        Derivation::Secondary(definition) => {
            secondary_effect(table, (index, definition), key, (old, new), version, batch);
        }
        Derivation::Expiry(attribute) => {
            let entry_key = |image: Option<Image<'_>>| {
                let builder = index_prefix(table, index).number(expiry_seconds(image?.item, attribute)?);
                Some(table.primary_key(builder, key).build())
            };
            let (before, after) = (entry_key(old), entry_key(new));
            if before != after {
                before.into_iter().for_each(|key| batch.delete(key));
                after.into_iter().for_each(|key| batch.put(key, Vec::new()));
            }
        }
        Derivation::Collections => {
            size_effect(table, index, key, (old.map(|it| it.item), new.map(|it| it.item)), batch);
        }
    }
}

fn secondary_effect<'i>(
    table: &Table,
    (index, definition): (&LocalIndex, &IndexDefinition),
    key: &PrimaryKey,
    (old, new): (Option<Image<'i>>, Option<Image<'i>>),
    version: &Version,
    batch: &mut Batch,
) {
    let whole = definition.projection == Projection::All;
    let entry = |image: Option<Image<'i>>| {
        let image = image?;
        let entry_key = entry_key(table, index, definition, key, image.item)?;
        let bytes =
            if whole { image.size_bytes as usize } else { projected_bytes(table, definition, image.item) };
        Some((entry_key, image, bytes))
    };
    let (before, after) = (entry(old), entry(new));
    let stays = matches!((&before, &after), (Some((before, ..)), Some((after, ..))) if before == after);
    if let (true, false, Some((_, before, _)), Some((_, after, _))) = (stays, whole, &before, &after)
        && held(table, definition, before.item).eq(held(table, definition, after.item))
    {
        return;
    }
    let bytes = |entry: &Option<(_, _, usize)>| entry.as_ref().map_or(0, |(_, _, bytes)| *bytes as i64);
    let items = i64::from(after.is_some()) - i64::from(before.is_some());
    let growth = bytes(&after) - bytes(&before);
    if items != 0 {
        batch.add(counter_key(table.id, index.id, COUNT_ITEMS), items);
    }
    if growth != 0 {
        batch.add(counter_key(table.id, index.id, COUNT_BYTES), growth);
    }
    if let Some((entry_key, ..)) = before.filter(|_| !stays) {
        batch.delete(entry_key);
    }
    if let Some((entry_key, image, bytes)) = after {
        let json = if whole {
            image.json.clone()
        } else {
            item_to_json(&project(table, definition, image.item)).into()
        };
        let record = Record { version: version.clone(), tombstone: false, size_bytes: bytes as u32, json };
        batch.put(entry_key, record.encode());
    }
}
