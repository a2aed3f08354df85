//! What is left of dropped tables: the streams, which can be read for another day.
//!
//! A dropped table with streams leaves its record under its name and id, and its log, in the commit that drops it. The
//! log no longer grows. A new table of the name has an id, a log and streams of its own.

use std::sync::Arc;

use graticule_kv::{Batch, Decision, Declared, Direction, PageLimit, Value, transact};
use graticule_model::{Error, TableName};

use crate::{
    catalogue::{commit_error, decode_table},
    layout::{KeyBuilder, Space, prefix_range},
    region::{Region, internal},
    schema::Table,
};

fn dropped_key(table: &Table) -> Vec<u8> {
    prefix(&table.name).number(table.id).build()
}

/// Names cannot contain the byte that ends them here.
fn prefix(name: &TableName) -> KeyBuilder {
    KeyBuilder::new(Space::Dropped).bytes(name.as_str().as_bytes()).bytes(&[0])
}

/// Adds to `batch` what is left of a table that is dropped with it.
pub(crate) fn leave_streams(table: &Table, now_ms: u64, batch: &mut Batch) -> Result<(), Error> {
    let mut left = table.clone();
    left.end_streams(now_ms);
    left.forget_streams(now_ms);
    if left.streams.is_empty() {
        batch.trim_log(left.log(), u64::MAX);
    } else {
        batch.put(dropped_key(&left), serde_json::to_vec(&left).map_err(internal)?);
    }
    Ok(())
}

impl Region {
    /// Dropped tables that have streams yet: those of this name or all, oldest first.
    pub(crate) async fn dropped_tables(&self, name: Option<&TableName>) -> Result<Vec<Arc<Table>>, Error> {
        let prefix = name.map_or_else(|| KeyBuilder::new(Space::Dropped), prefix);
        let (start, end) = prefix_range(prefix.build());
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
        let rows = snapshot.scan(&start, &end, Direction::Forward, whole).await.map_err(internal)?;
        rows.iter().map(|(_, value)| decode_table(value).map(Arc::new)).collect()
    }

    /// When the newest stream was enabled that earlier tables of this name have left.
    pub(crate) async fn newest_dropped_stream(&self, name: &TableName) -> Result<u64, Error> {
        let dropped = self.dropped_tables(Some(name)).await?;
        let enabled = dropped.iter().flat_map(|table| &table.streams).map(|stream| stream.enabled_ms);
        Ok(enabled.max().unwrap_or(0))
    }

    /// Forgets streams of dropped tables, and the part of their logs, that are no longer kept.
    pub(crate) async fn keep_dropped(&self) -> Result<(), Error> {
        for table in self.dropped_tables(None).await? {
            let mut left = Table::clone(&table);
            left.forget_streams(self.env.unix_ms());
            let floor = self.stream_retention(&left).await?;
            if left == *table && floor <= self.log_bounds(&table).await?.first {
                continue;
            }
            let row = if left.streams.is_empty() {
                None
            } else {
                Some(serde_json::to_vec(&left).map_err(internal)?)
            };
            let declared = Declared { reads: Vec::new(), writes: vec![dropped_key(&table)] };
            let decide = |_: &[Option<Value>]| {
                let mut batch = Batch::new();
                match &row {
                    Some(row) => batch.put(dropped_key(&table), row.clone()),
                    None => batch.delete(dropped_key(&table)),
                }
                batch.trim_log(table.log(), floor);
                Decision::Commit(batch, ())
            };
            transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        }
        Ok(())
    }
}
