//! DynamoDB Streams, read from the table's log.
//!
//! A record's sequence number is its log position. Changes that streams do not show are passed over. Where shards begin
//! and end is told by the table's record (`shards`); a page of an open shard counts only if that record was still the
//! current one after the log was read. Streams of dropped tables are read like others (`dropped`).

use std::sync::Arc;

use graticule_kv::PageLimit;
use graticule_model::{
    Error, TableName,
    limits::{STREAM_PAGE_BYTES_MAX, STREAM_RECORDS_PAGE_MAX, STREAM_RETENTION_MS},
};

use crate::{
    catalogue::{fence_key, fence_value},
    record::Change,
    region::{Region, internal},
    schema::{Stream, StreamView, Table, TableStatus},
    shards::is_kept,
};

/// A stream with its table, which may be gone.
#[derive(Debug, Clone)]
pub struct FoundStream {
    /// The table as it is, or last was.
    pub table: Arc<Table>,
    /// The stream.
    pub stream: Stream,
    /// The table is there.
    live: bool,
}

/// A shard of a stream as it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamShard {
    /// When it was opened, in milliseconds since the epoch; tells the shards of a table apart.
    pub opened_ms: u64,
    /// When the shard before it was opened, if there was one. That one may be forgotten already.
    pub parent_ms: Option<u64>,
    /// Position of its first record, which may be forgotten already.
    pub first: u64,
    /// Position of the oldest record that can be read.
    pub oldest: u64,
    /// Position after the newest record that can be read.
    pub next: u64,
    /// It takes no more records.
    pub closed: bool,
    /// The next position of the log: nobody can have been told to go on behind it.
    pub log_next: u64,
}

/// Records of one shard, in order.
#[derive(Debug, Clone, Default)]
pub struct StreamPage {
    /// Log positions and changes.
    pub changes: Vec<(u64, Change)>,
    /// Where to go on; `None` at the end of a closed shard.
    pub next: Option<u64>,
}

/// Bytes of what a record shows of a change.
fn shown_bytes(view: StreamView, change: &Change) -> usize {
    let size = |image: &Option<bytes::Bytes>| image.as_ref().map_or(0, bytes::Bytes::len);
    let images = match view {
        StreamView::KeysOnly => 0,
        StreamView::NewImage => size(&change.new),
        StreamView::OldImage => size(&change.old),
        StreamView::NewAndOldImages => size(&change.new) + size(&change.old),
    };
    change.key.len() + images
}

impl Region {
    /// The stream of a table, dropped or not, with this label.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if there is none.
    pub async fn find_stream(&self, name: &TableName, label: &str) -> Result<FoundStream, Error> {
        let now_ms = self.env.unix_ms();
        let found = |table: Arc<Table>, live: bool| {
            let stream = table.stream_by_label(label).filter(|stream| stream.is_kept(now_ms))?.clone();
            Some(FoundStream { table, stream, live })
        };
        match self.table(name).await {
            Ok(table) if table.status != TableStatus::Creating => {
                if let Some(found) = found(table, true) {
                    return Ok(found);
                }
            }
            Ok(_) | Err(Error::ResourceNotFound) => {}
            Err(error) => return Err(error),
        }
        let mut dropped = self.dropped_tables(Some(name)).await?.into_iter();
        dropped.find_map(|table| found(table, false)).ok_or(Error::ResourceNotFound)
    }

    /// Tables whose streams can be read: the one of this name or all, and those that were dropped.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn streamed_tables(&self, name: Option<&TableName>) -> Result<Vec<Arc<Table>>, Error> {
        let mut tables = match name {
            Some(name) => match self.table(name).await {
                Ok(table) => vec![table],
                Err(Error::ResourceNotFound) => Vec::new(),
                Err(error) => return Err(error),
            },
            None => self.tables().await?,
        };
        tables.retain(|table| table.status != TableStatus::Creating);
        for dropped in self.dropped_tables(name).await? {
            // It may have been dropped after it was found above.
            tables.retain(|table| table.id != dropped.id);
            tables.push(dropped);
        }
        Ok(tables)
    }

    /// The shards of a stream that are kept, oldest first.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn shards(&self, found: &FoundStream) -> Result<Vec<StreamShard>, Error> {
        let FoundStream { table, stream, .. } = found;
        let log = self.log_bounds(table).await?;
        let now_ms = self.env.unix_ms();
        let lineage = stream.lineage();
        let mut shards = Vec::with_capacity(lineage.len());
        for (at, shard) in lineage.iter().enumerate() {
            let closed = match (lineage.get(at + 1), stream.closed, stream.unsettled) {
                (Some(child), ..) => Some((child.first, child.opened_ms)),
                (None, closed, None) => closed,
                (None, _, Some(_)) => None,
            };
            if closed.is_some_and(|(_, closed_ms)| !is_kept(closed_ms, now_ms)) {
                continue;
            }
            let end = closed.map(|(end, _)| end).or(stream.unsettled);
            let next = end.map_or(log.next, |end| end.min(log.next));
            shards.push(StreamShard {
                opened_ms: shard.opened_ms,
                parent_ms: at.checked_sub(1).map(|parent| lineage[parent].opened_ms),
                first: shard.first,
                oldest: shard.first.max(log.first).min(next),
                next,
                closed: closed.is_some(),
                log_next: log.next,
            });
        }
        Ok(shards)
    }

    /// Records of a shard from position `from` on; `None` if the shard is no longer what it was when it was found.
    ///
    /// # Errors
    /// [`Error::TrimmedDataAccess`] if they are gone.
    pub async fn shard_page(
        &self,
        found: &FoundStream,
        shard: &StreamShard,
        from: u64,
        limit: usize,
    ) -> Result<Option<StreamPage>, Error> {
        if from < shard.oldest {
            return Err(Error::TrimmedDataAccess);
        }
        let limit = limit.min(STREAM_RECORDS_PAGE_MAX);
        // The log has both images of an item, a record often one.
        let page_limit = PageLimit { entries: limit, bytes: 2 * STREAM_PAGE_BYTES_MAX };
        let log = self.engine.read_log(found.table.log(), from, page_limit).await.map_err(internal)?;
        // What is read of an open shard must have been written before the shard was closed, if it was meanwhile.
        if !shard.closed && !self.is_current(found).await? {
            return Ok(None);
        }
        let mut page = StreamPage::default();
        let mut next = log.next.min(shard.next).max(from);
        let mut bytes = 0;
        for (position, entry) in log.entries {
            if position >= shard.next {
                break;
            }
            let change = Change::decode(entry).map_err(internal)?;
            if change.silent {
                continue;
            }
            bytes += shown_bytes(found.stream.view, &change);
            // The record that would exceed the page begins the next one.
            if bytes > STREAM_PAGE_BYTES_MAX && !page.changes.is_empty() {
                next = position;
                break;
            }
            page.changes.push((position, change));
        }
        page.next = (!shard.closed || next < shard.next).then_some(next);
        Ok(Some(page))
    }

    async fn is_current(&self, found: &FoundStream) -> Result<bool, Error> {
        if !found.live {
            return Ok(true);
        }
        let fence = self.engine.get(&fence_key(&found.table.name)).await.map_err(internal)?;
        Ok(fence.is_some_and(|fence| fence[..] == fence_value(&found.table)))
    }

    /// The first position of a shard whose record was written at `unix_ms` or later.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn shard_position_at(
        &self,
        found: &FoundStream,
        shard: &StreamShard,
        unix_ms: u64,
    ) -> Result<u64, Error> {
        self.log_position_at(&found.table, (shard.oldest, shard.next), unix_ms).await
    }

    async fn log_position_at(
        &self,
        table: &Table,
        (mut low, mut high): (u64, u64),
        unix_ms: u64,
    ) -> Result<u64, Error> {
        while low < high {
            let middle = low + (high - low) / 2;
            let one = PageLimit { entries: 1, bytes: usize::MAX };
            let entry = self.engine.read_log(table.log(), middle, one).await.map_err(internal)?;
            let Some((_, entry)) = entry.entries.into_iter().next() else { break };
            if Change::decode(entry).map_err(internal)?.written_ms < unix_ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The first log position whose record is not older than streams are kept.
    pub async fn stream_retention(&self, table: &Table) -> Result<u64, Error> {
        if table.streams.is_empty() {
            return Ok(u64::MAX);
        }
        let oldest_ms = self.env.unix_ms().saturating_sub(STREAM_RETENTION_MS);
        let log = self.log_bounds(table).await?;
        self.log_position_at(table, (log.first, log.next), oldest_ms).await
    }
}
