//! What other replicas are to get: the changes that clients made here, and snapshots for new members.

use graticule_kv::{Direction, LogBounds, PageLimit, Value};
use graticule_model::{Error, codec::item_to_json};
use tokio::sync::watch;

use crate::{
    layout::{KeyBuilder, Space, prefix_range},
    record::{Change, Record},
    region::{Region, internal},
    schema::Table,
};

/// Changes to ship.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// The log no longer has what was asked for, so nothing can be shipped from there.
    pub cut: bool,
    /// Changes that clients made in this Region, in the order of the log.
    pub changes: Vec<Change>,
    /// Log position to go on at.
    pub next: u64,
}

impl Region {
    /// The extent of a table's log.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn log_bounds(&self, table: &Table) -> Result<LogBounds, Error> {
        self.engine.log_bounds(table.log()).await.map_err(internal)
    }

    /// Tells when a table's log has grown.
    pub fn watch_log(&self, table: &Table) -> watch::Receiver<u64> {
        self.engine.watch_log(table.log())
    }

    /// The changes to ship from log position `from` on: those that clients made here. Every one of them, since each is
    /// a record in the streams of the Regions where it wins.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn outgoing(&self, table: &Table, from: u64, limit: PageLimit) -> Result<Outgoing, Error> {
        let page = self.engine.read_log(table.log(), from, limit).await.map_err(internal)?;
        let mut changes = Vec::with_capacity(page.entries.len());
        if page.entries.first().map_or(page.next, |(position, _)| *position) > from {
            return Ok(Outgoing { cut: true, changes, next: from });
        }
        let end = table.shipping_end();
        let mut next = page.next.max(from);
        for (position, entry) in page.entries {
            if position >= end {
                next = end;
                break;
            }
            let change = Change::decode(entry).map_err(internal)?;
            if *change.version.region == *self.name.as_str() {
                changes.push(change.for_shipping());
            }
        }
        Ok(Outgoing { cut: false, changes, next })
    }

    /// Part of a table as changes, for a new replica: after the stored key `after`, with tombstones. Also gives the
    /// stored key to go on after, until there is nothing left.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn snapshot_changes(
        &self,
        table: &Table,
        after: Option<&[u8]>,
        limit: PageLimit,
    ) -> Result<(Vec<Change>, Option<Vec<u8>>), Error> {
        let (mut start, end) = prefix_range(KeyBuilder::table(Space::Items, table.id).build());
        if let Some(after) = after {
            start = [after, &[0]].concat();
        }
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let rows = snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?;
        let last = rows.last().map(|(key, _)| key.clone());
        let changes =
            rows.into_iter().map(|(_, stored)| change_of_record(table, stored)).collect::<Result<_, _>>()?;
        Ok((changes, last))
    }
}

/// What is stored of an item as a change: how it came to be is not told.
pub(super) fn change_of_record(table: &Table, stored: Value) -> Result<Change, Error> {
    let record = Record::decode(stored).map_err(internal)?;
    let (key, new) = if record.tombstone {
        (record.json.clone(), None)
    } else {
        let key = table.key_of(&record.item().map_err(internal)?)?;
        (item_to_json(&table.key_item(&key)).into(), Some(record.json))
    };
    Ok(Change { version: record.version, key, old: None, new, written_ms: 0, expired: false, silent: true })
}
