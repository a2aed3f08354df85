//! Item collections: the items of one partition key in a table with local secondary indexes, with their entries there.
//!
//! Their sizes are counters, kept like an index: derived from each change of an item in the same commit, and filled by
//! the same job for tables that were there before. A write that lets a collection grow looks at the size just before it
//! is decided, so several at once can pass the limit together by what they add.

use std::collections::BTreeMap;

use graticule_kv::{Batch, Effect, Engine};
use graticule_model::{Error, Item, value::item_size_bytes};

use crate::{
    derive::{index_prefix, is_indexed, projected_bytes},
    region::{Region, internal},
    schema::{COLLECTIONS_INDEX, IndexState, LocalIndex, PrimaryKey, Table},
};

/// The counter of the collection of a partition key's items; `None` if their sizes are not known, or not yet.
pub(crate) fn known_collection(table: &Table, key: &PrimaryKey) -> Option<Vec<u8>> {
    let index = table.indexes.get(COLLECTIONS_INDEX).filter(|index| index.state == IndexState::Active)?;
    Some(counter_key(table, index, key))
}

fn counter_key(table: &Table, index: &LocalIndex, key: &PrimaryKey) -> Vec<u8> {
    index_prefix(table, index).value(&key.partition).build()
}

/// The bytes of an item and of its entries in local secondary indexes.
fn bytes_with_entries(table: &Table, item: &Item) -> usize {
    let entries = table.local_indexes.values().filter(|definition| is_indexed(definition, item));
    let entry_bytes = entries.map(|definition| projected_bytes(table, definition, item));
    item_size_bytes(item) + entry_bytes.sum::<usize>()
}

/// Adds to `batch` what a change of one item means for the size of its collection.
pub(crate) fn size_effect(
    table: &Table,
    index: &LocalIndex,
    key: &PrimaryKey,
    (old, new): (Option<&Item>, Option<&Item>),
    batch: &mut Batch,
) {
    let bytes = |item: Option<&Item>| item.map_or(0, |item| bytes_with_entries(table, item) as i64);
    let growth = bytes(new) - bytes(old);
    if growth != 0 {
        batch.add(counter_key(table, index, key), growth);
    }
}

/// Sizes of the collections that a write is about, by their counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct CollectionSizes(BTreeMap<Vec<u8>, i64>);

impl CollectionSizes {
    /// Reads the counters.
    ///
    /// # Errors
    /// If the engine fails.
    pub(crate) async fn read<'k>(
        engine: &dyn Engine,
        counters: impl Iterator<Item = &'k Vec<u8>>,
    ) -> Result<CollectionSizes, Error> {
        let mut sizes = BTreeMap::new();
        for counter in counters {
            if !sizes.contains_key(counter) {
                sizes.insert(counter.clone(), engine.counter(counter).await.map_err(internal)?);
            }
        }
        Ok(CollectionSizes(sizes))
    }

    /// The size of a collection.
    pub(crate) fn bytes(&self, counter: &[u8]) -> Option<u64> {
        self.0.get(counter).map(|bytes| u64::try_from(*bytes).unwrap_or(0))
    }

    /// Takes in the effects of one action.
    ///
    /// # Errors
    /// [`Error::CollectionTooLarge`] if it lets a collection grow beyond the limit.
    pub(crate) fn take(&mut self, effects: &[Effect], bytes_max: u64) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        for effect in effects {
            if let Effect::Add(counter, growth) = effect
                && let Some(bytes) = self.0.get_mut(counter)
            {
                *bytes += growth;
                if *growth > 0 && u64::try_from(*bytes).is_ok_and(|bytes| bytes > bytes_max) {
                    return Err(Error::CollectionTooLarge);
                }
            }
        }
        Ok(())
    }
}

impl Region {
    /// The size of the item collection with this key's partition key; `None` if it is not known.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn collection_bytes(&self, table: &Table, key: &PrimaryKey) -> Result<Option<u64>, Error> {
        let Some(counter) = known_collection(table, key) else { return Ok(None) };
        Ok(CollectionSizes::read(&*self.engine, std::iter::once(&counter)).await?.bytes(&counter))
    }
}
