//! What a write answers with: images of the item, consumed capacity, item collection metrics.

use bytes::Bytes;
use graticule_model::{Error, Item, codec::item_to_value};
use graticule_tables::Written;
use serde::Deserialize;
use serde_json::{Value, json};

use super::capacity::{Detail, Split, consumed_json};
use crate::reply::Reply;

/// `ReturnValues`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ReturnValues {
    /// Nothing.
    #[default]
    None,
    /// The item before.
    AllOld,
    /// What the update has changed, as it was before.
    UpdatedOld,
    /// The item after.
    AllNew,
    /// What the update has changed, as it is now.
    UpdatedNew,
}

/// `ReturnValuesOnConditionCheckFailure`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OnFailure {
    /// Nothing.
    #[default]
    None,
    /// The stored item.
    AllOld,
}

/// `ReturnItemCollectionMetrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Metrics {
    /// Nothing.
    #[default]
    None,
    /// The estimated size of the item collection.
    Size,
}

/// What a write of one item is asked to answer with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Which image of the item.
    pub(crate) values: ReturnValues,
    /// Whether a failed condition carries the stored item.
    pub(crate) on_failure: OnFailure,
    /// Consumed capacity.
    pub(crate) capacity: Detail,
    /// Item collection metrics.
    pub(crate) metrics: Metrics,
}

impl Wanted {
    /// What the four parameters ask for.
    pub(crate) fn new(
        values: Option<ReturnValues>,
        on_failure: Option<OnFailure>,
        capacity: Option<Detail>,
        metrics: Option<Metrics>,
    ) -> Wanted {
        Wanted {
            values: values.unwrap_or_default(),
            on_failure: on_failure.unwrap_or_default(),
            capacity: capacity.unwrap_or_default(),
            metrics: metrics.unwrap_or_default(),
        }
    }

    /// Refuses what only updates can answer with.
    ///
    /// # Errors
    /// [`Error::ReturnValuesNotThere`].
    pub(crate) fn refuse_updated_values(&self) -> Result<(), Error> {
        match self.values {
            ReturnValues::None | ReturnValues::AllOld => Ok(()),
            _ => Err(Error::ReturnValuesNotThere),
        }
    }

    /// The answer to a write of the item with the key attributes in `key`; `attributes` is the image to show.
    ///
    /// # Errors
    /// If a stored item is damaged.
    pub(crate) fn answer(
        &self,
        table: &str,
        written: &Written,
        attributes: Option<Bytes>,
        key: Option<&Item>,
    ) -> Result<Vec<u8>, Error> {
        let mut reply = Reply::with_capacity(attributes.as_ref().map_or(0, Bytes::len));
        if let Some(attributes) = attributes {
            reply.json("Attributes", &attributes);
        }
        if self.capacity != Detail::None {
            let consumed = consumed_json(&written.consumed()?, table, self.capacity, Split::None);
            reply.value("ConsumedCapacity", &consumed);
        }
        let metrics = key.and_then(|key| collection_metrics(written, key));
        reply.optional("ItemCollectionMetrics", metrics.as_ref());
        Ok(reply.finish())
    }

    /// What [`Wanted::answer`] needs of an item or key that is about to be given away.
    pub(crate) fn key_for_metrics(&self, item: &Item) -> Option<Item> {
        (self.metrics == Metrics::Size).then(|| item.clone())
    }
}

/// Bytes of a unit of `SizeEstimateRangeGB`.
const GIGABYTE: u64 = 1024 * 1024 * 1024;

/// The metrics of the collection of an item that was written, of which only the key attributes matter; `None` for a
/// table whose items form no collections.
pub(crate) fn collection_metrics(written: &Written, key: &Item) -> Option<Value> {
    let table = &written.table;
    let name = &table.key.partition_key().name;
    let value = key.get(name).filter(|_| table.has_collections())?;
    let collection = Item::from([(name.clone(), value.clone())]);
    let range = size_range(written.collection_bytes.unwrap_or(0));
    Some(json!({"ItemCollectionKey": item_to_value(&collection), "SizeEstimateRangeGB": range}))
}

/// Whole gigabytes below and above a size.
fn size_range(bytes: u64) -> [f64; 2] {
    let lower = (bytes / GIGABYTE) as f64;
    [lower, lower + 1.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_estimated_in_whole_gigabytes() {
        let rows = [
            (0, [0.0, 1.0]),
            (GIGABYTE - 1, [0.0, 1.0]),
            (GIGABYTE, [1.0, 2.0]),
            (5 * GIGABYTE / 2, [2.0, 3.0]),
            (10 * GIGABYTE, [10.0, 11.0]),
        ];
        for (bytes, range) in rows {
            assert_eq!(size_range(bytes), range, "{bytes}");
        }
    }
}
