//! Reading items: by key, and in pages of a range for Query and Scan.
//!
//! A page is read from one snapshot and is bounded in items and bytes; what a filter or a projection makes of it is
//! decided above.

use std::sync::Arc;

use graticule_expr::SortCondition;
use graticule_kv::{Direction, PageLimit, Snapshot, Value};
use graticule_model::{AttributeValue, CapacityKind, Error, Item, limits::PAGE_BYTES_MAX};

use crate::{
    consumed::{Consumed, read_units},
    derive::{BASE, COUNT_BYTES, COUNT_ITEMS, counter_key, entry_key, index_prefix},
    layout::{KeyBuilder, Space, encode_key_prefix, encode_key_value, prefix_end, prefix_range},
    record::StoredItem,
    region::{Region, internal},
    schema::{IndexDefinition, IndexState, KeySchema, LocalIndex, PrimaryKey, Table},
};

/// Entries fetched from the engine at a time.
const CHUNK_ENTRIES: usize = 256;
/// Room for rows that is taken at once.
const ROWS_BYTES: usize = 16 * 1024;

/// Which part of a table or an index.
#[derive(Debug, Clone, PartialEq)]
pub enum Span {
    /// One partition, or part of it.
    Partition {
        /// The values of the partition key's attributes.
        partition: Vec<AttributeValue>,
        /// Which values of the sort key's attributes, in their order: all conditions but the last are equalities.
        sort: Vec<SortCondition>,
    },
    /// Everything, or one of several equal segments of it.
    Segment {
        /// Which one, from 0.
        segment: u32,
        /// Of how many.
        total: u32,
    },
}

/// A request for one page.
#[derive(Debug, Clone)]
pub struct PageRequest<'a> {
    /// The index to read, or the table itself.
    pub index: Option<&'a str>,
    /// What to read.
    pub span: Span,
    /// Ascending or descending sort keys.
    pub direction: Direction,
    /// Where the page before ended.
    pub after: Option<&'a Item>,
    /// Most items to evaluate.
    pub limit: Option<usize>,
    /// Give whole items even where the (local) index holds less.
    pub whole_items: bool,
    /// Strongly consistent, which costs twice as much; every read is.
    pub consistent: bool,
}

/// One page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The items in order.
    pub records: Vec<StoredItem>,
    /// Bytes of the items, by DynamoDB's rules.
    pub size_bytes: usize,
    /// What reading it has cost.
    pub consumed: Consumed,
    /// The key to go on after, if the page ended before the span did.
    pub last_key: Option<Item>,
}

/// How reading several items as of one moment ended.
#[derive(Debug)]
pub enum ReadOutcome {
    /// Done; one entry per key.
    Done(Vec<Option<StoredItem>>),
    /// Refused; says for each key what stood in its way, if anything.
    Refused(Vec<Option<Error>>),
}

/// What is read: the table or one of its indexes.
struct Source<'a> {
    table: &'a Table,
    index: Option<(&'a LocalIndex, &'a IndexDefinition)>,
}

impl Source<'_> {
    fn key(&self) -> &KeySchema {
        self.index.map_or(&self.table.key, |(_, definition)| &definition.key)
    }

    fn prefix(&self) -> KeyBuilder {
        match self.index {
            Some((index, _)) => index_prefix(self.table, index),
            None => KeyBuilder::table(Space::Items, self.table.id),
        }
    }

    /// The engine's keys of a span.
    fn range(&self, span: &Span) -> (Vec<u8>, Vec<u8>) {
        match span {
            Span::Partition { partition, sort } => {
                let mut prefix = self.prefix().partitions(partition).build();
                let Some((last, equalities)) = sort.split_last() else { return prefix_range(prefix) };
                for condition in equalities {
                    let SortCondition::Equal(value) = condition else {
                        unreachable!("a key condition has one inequality, the last");
                    };
                    encode_key_value(value, &mut prefix);
                }
                sort_range(prefix, last)
            }
            Span::Segment { segment, total } => {
                let bound = |segment: u32| {
                    ((u128::from(segment) << 64) / u128::from(*total))
                        .try_into()
                        .ok()
                        .map(|hash: u64| self.prefix().number(hash).build())
                };
                let (start, all_end) = prefix_range(self.prefix().build());
                (bound(*segment).unwrap_or(start), bound(segment + 1).unwrap_or(all_end))
            }
        }
    }

    /// The engine's key of the item that a page ended with.
    fn start_key(&self, after: &Item) -> Result<Vec<u8>, Error> {
        let invalid = |_| Error::StartKeyInvalid;
        let key = self.table.key_of(after).map_err(invalid)?;
        let expected = |name: &str| self.table.key.contains(name) || self.key().contains(name);
        if !after.keys().all(|name| expected(name)) {
            return Err(Error::StartKeyInvalid);
        }
        match self.index {
            Some((index, definition)) => {
                entry_key(self.table, index, definition, &key, after).ok_or(Error::StartKeyInvalid)
            }
            None => Ok(self.table.item_key(&key)),
        }
    }

    /// The attributes of an item that say where to go on.
    fn last_key(&self, item: &Item) -> Item {
        item.iter()
            .filter(|(name, _)| self.table.key.contains(name) || self.key().contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

fn sort_range(prefix: Vec<u8>, condition: &SortCondition) -> (Vec<u8>, Vec<u8>) {
    let with = |value: &AttributeValue| {
        let mut key = prefix.clone();
        encode_key_value(value, &mut key);
        key
    };
    let whole_end = prefix_end(&prefix);
    match condition {
        SortCondition::Equal(value) => prefix_range(with(value)),
        SortCondition::Less(value) => (prefix.clone(), with(value)),
        SortCondition::LessOrEqual(value) => (prefix.clone(), prefix_end(&with(value))),
        SortCondition::Greater(value) => (prefix_end(&with(value)), whole_end),
        SortCondition::GreaterOrEqual(value) => (with(value), whole_end),
        SortCondition::Between(low, high) => (with(low), prefix_end(&with(high))),
        SortCondition::BeginsWith(value) => {
            let mut key = prefix.clone();
            encode_key_prefix(value, &mut key);
            prefix_range(key)
        }
    }
}

fn live(stored: Option<Value>) -> Result<Option<StoredItem>, Error> {
    stored.map_or(Ok(None), |stored| StoredItem::decode(stored).map_err(internal))
}

impl Region {
    /// The latest committed item with this key. A read that is not to be `consistent` costs half as much.
    ///
    /// # Errors
    /// [`Error::Throttled`], or if the engine fails.
    pub async fn get(
        &self,
        table: &Table,
        key: &PrimaryKey,
        consistent: bool,
    ) -> Result<Option<StoredItem>, Error> {
        let metered = table.is_metered();
        if metered {
            self.admit(table, None, CapacityKind::Read)?;
        }
        let record = live(self.engine.get(&table.item_key(key)).await.map_err(internal)?)?;
        if metered {
            let size_bytes = record.as_ref().map_or(0, |record| record.size_bytes as usize);
            let consumed = Consumed::table(read_units(size_bytes, consistent));
            self.charge(table, &consumed, CapacityKind::Read);
        }
        Ok(record)
    }

    /// Several items as of one moment, at a transaction's price.
    ///
    /// # Errors
    /// If the engine fails. What stands in the way of a single item is in [`ReadOutcome::Refused`].
    pub async fn get_together(&self, keys: &[(Arc<Table>, PrimaryKey)]) -> Result<ReadOutcome, Error> {
        let item_keys: Vec<Vec<u8>> = keys.iter().map(|(table, key)| table.item_key(key)).collect();
        let claimed = self.engine.claimed(&item_keys).await;
        if claimed.contains(&true) {
            let conflict = |claimed: bool| claimed.then_some(Error::TransactionConflict);
            return Ok(ReadOutcome::Refused(claimed.into_iter().map(conflict).collect()));
        }
        let metered = keys.iter().any(|(table, _)| table.is_metered());
        if metered {
            let admit = |(table, _): &(Arc<Table>, _)| self.admit(table, None, CapacityKind::Read).err();
            let errors: Vec<Option<Error>> = keys.iter().map(admit).collect();
            if errors.iter().any(Option::is_some) {
                return Ok(ReadOutcome::Refused(errors));
            }
        }
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let mut records = Vec::with_capacity(keys.len());
        for ((table, _), item_key) in keys.iter().zip(&item_keys) {
            let record = live(snapshot.get(item_key).await.map_err(internal)?)?;
            if metered {
                let size_bytes = record.as_ref().map_or(0, |record| record.size_bytes as usize);
                let consumed = Consumed::table(read_units(size_bytes, true)).in_transaction();
                self.charge(table, &consumed, CapacityKind::Read);
            }
            records.push(record);
        }
        Ok(ReadOutcome::Done(records))
    }

    /// One page of a table or an index.
    ///
    /// # Errors
    /// If the index or the start key does not fit, [`Error::Throttled`], or if the engine fails.
    pub async fn page(&self, table: &Table, request: &PageRequest<'_>) -> Result<Page, Error> {
        let source = self.source(table, request)?;
        let (mut start, mut end) = source.range(&request.span);
        if let Some(after) = request.after {
            let key = source.start_key(after)?;
            if key < start || key >= end {
                return Err(Error::StartKeyInvalid);
            }
            match request.direction {
                Direction::Forward => {
                    start = key;
                    start.push(0);
                }
                Direction::Backward => end = key,
            }
        }
        let metered = table.is_metered();
        if metered {
            let index = request.index.zip(source.index).map(|(name, (index, _))| (name, index));
            self.admit(table, index, CapacityKind::Read)?;
        }
        let page = self.fill_page(&source, request, start, end).await?;
        if metered {
            self.charge(table, &page.consumed, CapacityKind::Read);
        }
        Ok(page)
    }

    /// Reads the page that begins at `start` (going forward) or ends before `end`.
    async fn fill_page(
        &self,
        source: &Source<'_>,
        request: &PageRequest<'_>,
        mut start: Vec<u8>,
        mut end: Vec<u8>,
    ) -> Result<Page, Error> {
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let limit = request.limit.unwrap_or(usize::MAX);
        let mut page = Page::default();
        let fetches = request.whole_items && source.index.is_some();
        // Items fetched from behind an index may be much larger than its entries.
        let mut fetched_bytes = 0;
        'page: while start < end {
            let chunk = PageLimit {
                entries: CHUNK_ENTRIES.min(limit - page.records.len()),
                bytes: PAGE_BYTES_MAX.saturating_sub(page.size_bytes).max(1),
            };
            // Copied one behind the other: rows lie all over the memory, and each is touched once.
            let mut stored = Vec::with_capacity(chunk.bytes.min(ROWS_BYTES));
            let mut ends = Vec::new();
            let mut keep = |_: &[u8], value: &[u8]| {
                stored.extend_from_slice(value);
                ends.push(stored.len());
            };
            let walked = snapshot.walk(&start, &end, request.direction, chunk, &mut keep).await;
            let last = walked.map_err(internal)?;
            let mut stored = Value::from(stored);
            let mut taken = 0;
            for to in ends {
                let value = stored.split_to(to - taken);
                taken = to;
                let Some(mut record) = live(Some(value))? else { continue };
                page.size_bytes += record.size_bytes as usize;
                if fetches {
                    record = self.complete(&*snapshot, source, &record).await?;
                    page.consumed.table += read_units(record.size_bytes as usize, request.consistent);
                }
                fetched_bytes += record.size_bytes as usize;
                page.records.push(record);
                if page.records.len() >= limit || page.size_bytes.max(fetched_bytes) >= PAGE_BYTES_MAX {
                    let item = page.records.last().map(StoredItem::item).transpose().map_err(internal)?;
                    page.last_key = item.map(|item| source.last_key(&item));
                    break 'page;
                }
            }
            let Some(mut last) = last else { break };
            match request.direction {
                Direction::Forward => {
                    last.push(0);
                    start = last;
                }
                Direction::Backward => end = last,
            }
            // Tombstones count toward no limit; a stretch of them must not keep others waiting.
            tokio::task::yield_now().await;
        }
        // The page costs its size; items fetched from behind an index cost each their own.
        let units = read_units(page.size_bytes, request.consistent);
        match request.index.zip(source.index) {
            Some((name, (index, _))) => page.consumed.add_index(name, index, units),
            None => page.consumed.table = units,
        }
        Ok(page)
    }

    fn source<'a>(&self, table: &'a Table, request: &PageRequest<'_>) -> Result<Source<'a>, Error> {
        let Some(name) = request.index else { return Ok(Source { table, index: None }) };
        let (index, definition) =
            table.secondary(name).ok_or_else(|| Error::IndexMissing(name.to_owned()))?;
        if index.state == IndexState::Backfilling {
            return Err(Error::IndexBackfilling(name.to_owned()));
        }
        Ok(Source { table, index: Some((index, definition)) })
    }

    /// The whole item behind an index entry.
    async fn complete(
        &self,
        snapshot: &dyn Snapshot,
        source: &Source<'_>,
        entry: &StoredItem,
    ) -> Result<StoredItem, Error> {
        let key = source.table.key_of(&entry.item().map_err(internal)?)?;
        let stored = snapshot.get(&source.table.item_key(&key)).await.map_err(internal)?;
        live(stored)?.ok_or_else(|| internal("an index entry without an item"))
    }

    /// Items and bytes of a table (`None`) or of one of its indexes.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn counts(&self, table: &Table, index: Option<&LocalIndex>) -> Result<(u64, u64), Error> {
        // Index ids start at 1.
        let id = index.map_or(BASE, |index| index.id);
        let counter = async |which| {
            let count = self.engine.counter(&counter_key(table.id, id, which)).await.map_err(internal)?;
            Ok::<u64, Error>(u64::try_from(count).unwrap_or(0))
        };
        Ok((counter(COUNT_ITEMS).await?, counter(COUNT_BYTES).await?))
    }
}
