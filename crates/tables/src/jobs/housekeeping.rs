//! Housekeeping: the clock's mark is saved; logs, tombstones, tokens and old conflicts that nobody needs are forgotten.

use std::sync::Arc;

use graticule_kv::{Batch, Decision, Declared, Direction, LogBounds, PageLimit, Value, transact};
use graticule_model::{Error, version::HybridTime};

use super::SWEEP_ITEMS;
use crate::{
    catalogue::{commit_error, fence_key, fence_value},
    global::{decode_forgotten, encode_forgotten, forgotten_key},
    layout::{KeyBuilder, Space, prefix_range},
    record::Record,
    region::{Region, clock_key, internal},
    schema::{Member, Table},
    write::decode_token,
};

/// Tombstones younger than this stay, so that a clock set back a little does no harm.
const TOMBSTONE_AGE_MS_MIN: u64 = 10_000;

impl Region {
    /// Saves the clock's mark, if it has moved.
    pub(super) async fn keep_clock(&self) -> Result<(), Error> {
        if self.clock.has_moved() {
            let mark = self.clock.mark();
            self.put_rows(|batch| batch.put(clock_key(), mark.encode())).await?;
            self.clock.saved(mark);
        }
        Ok(())
    }

    pub(super) async fn keep_house(&self) -> Result<(), Error> {
        self.forget_tokens().await?;
        let mut outcome = self.keep_dropped().await;
        let tables = self.tables().await?;
        self.forget_journals(|id| tables.iter().any(|table| table.id == id));
        for table in tables {
            match self.keep_table(&table).await {
                // The table was dropped meanwhile.
                Ok(()) | Err(Error::ResourceNotFound) => {}
                // Trouble with one table is none of the others'.
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    async fn keep_table(&self, table: &Arc<Table>) -> Result<(), Error> {
        self.trim_log(table).await?;
        self.forget_tombstones(table).await?;
        self.keep_journal(table).await
    }

    /// Commits rows that nobody else writes.
    pub(crate) async fn put_rows(&self, fill: impl Fn(&mut Batch) + Send + Sync) -> Result<(), Error> {
        let decide = |_: &[Option<Value>]| {
            let mut batch = Batch::new();
            fill(&mut batch);
            if batch.is_empty() { Decision::Abort(()) } else { Decision::Commit(batch, ()) }
        };
        transact(&*self.engine, &Declared::default(), decide).await.map_err(commit_error)?;
        Ok(())
    }

    /// As [`Region::put_rows`] for rows of a table; one that was dropped meanwhile gets none.
    pub(crate) async fn put_rows_of(
        &self,
        table: &Table,
        fill: impl Fn(&mut Batch) + Send + Sync,
    ) -> Result<(), Error> {
        let declared = Declared { reads: vec![fence_key(&table.name)], writes: Vec::new() };
        let decide = |values: &[Option<Value>]| {
            if values[0].as_ref().is_none_or(|fence| fence[..8] != table.id.to_be_bytes()) {
                return Decision::Abort(());
            }
            let mut batch = Batch::new();
            fill(&mut batch);
            Decision::Commit(batch, ())
        };
        transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        Ok(())
    }

    pub(crate) async fn forget_range(&self, start: Vec<u8>, end: Vec<u8>) -> Result<(), Error> {
        let found = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            let one = PageLimit { entries: 1, bytes: usize::MAX };
            snapshot.scan(&start, &end, Direction::Forward, one).await.map_err(internal)?
        };
        if found.is_empty() {
            return Ok(());
        }
        self.put_rows(|batch| batch.delete_range(start.clone(), end.clone())).await
    }

    /// Forgets the part of a log that nobody will read any more.
    async fn trim_log(&self, table: &Arc<Table>) -> Result<(), Error> {
        // Who reads the log may have changed since the tables were listed.
        let table = &self.table(&table.name).await?;
        let bounds = self.log_bounds(table).await?;
        let floor = self.stream_retention(table).await?.min(bounds.next);
        let floor = floor.min(self.member_retention(table, bounds).await?);
        if floor > bounds.first {
            let declared = Declared { reads: vec![fence_key(&table.name)], writes: Vec::new() };
            let decide = |values: &[Option<Value>]| {
                if values[0].as_ref().is_none_or(|fence| fence[..] != fence_value(table)) {
                    return Decision::Abort(());
                }
                let mut batch = Batch::new();
                batch.trim_log(table.log(), floor);
                Decision::Commit(batch, ())
            };
            transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        }
        let now_ms = self.env.unix_ms();
        let mut kept = Table::clone(table);
        kept.forget_streams(now_ms);
        if kept != **table {
            self.update_table(&table.name, |table, _| {
                table.forget_streams(now_ms);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// The log position before which no member needs the log. One that is too far behind is not waited for.
    async fn member_retention(&self, table: &Arc<Table>, bounds: LogBounds) -> Result<u64, Error> {
        let mut floor = bounds.next;
        for peer in &table.told(&self.name) {
            if table.membership.resync.get(peer).is_some_and(|mark| mark.log_cut) {
                continue;
            }
            let register = table.settings.members.get(peer);
            let joining = register.is_some_and(|register| matches!(register.value, Member::Joining { .. }));
            let needed = self.sent_cursor(table, peer).await?.floor(joining);
            let (behind, limits) = (self.pending(table, needed).await?, self.log_limits());
            // What a replica that leaves has to hand over is in its log alone: its items go on by themselves.
            if !table.is_detached() && (behind.changes > limits.changes || behind.bytes > limits.bytes) {
                tracing::warn!(region = %self.name, table = %table.name, %peer, ?behind,
                    "a member is further behind than the log is kept; it is compared when it is back");
                self.mark_behind(table, peer).await?;
            } else {
                floor = floor.min(needed);
            }
        }
        Ok(floor)
    }

    /// Removes tombstones that no older write can come after. While a new replica is being filled all of them stay: it gets
    /// them, or is told before that they are gone.
    async fn forget_tombstones(&self, table: &Arc<Table>) -> Result<(), Error> {
        if table.is_being_joined(&self.name) {
            return Ok(());
        }
        let aged = HybridTime::from_unix_ms(self.env.unix_ms().saturating_sub(TOMBSTONE_AGE_MS_MIN));
        // One that is on its way out has still to tell those that stay.
        let alone = table.peers(&self.name).next().is_none() && table.awaited(&self.name).next().is_none();
        let floor = match self.tombstone_floor.lock().get(&table.id) {
            _ if alone => aged,
            Some(floor) => aged.min(*floor),
            None => return Ok(()),
        };
        let prefix = KeyBuilder::table(Space::Tombstones, table.id);
        let (start, end) = (prefix.clone().build(), prefix.clone().number(floor.to_bits()).build());
        let limit = PageLimit { entries: SWEEP_ITEMS * 16, bytes: usize::MAX };
        let rows = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?
        };
        for chunk in rows.chunks(SWEEP_ITEMS) {
            let item_key = |mark: &[u8]| {
                KeyBuilder::table(Space::Items, table.id).bytes(&mark[start.len() + 8..]).build()
            };
            let time = |mark: &[u8]| {
                mark[start.len()..start.len() + 8].try_into().map(u64::from_be_bytes).unwrap_or(0)
            };
            let mut keys: Vec<Vec<u8>> = chunk.iter().map(|(mark, _)| item_key(mark)).collect();
            keys.sort_unstable();
            keys.dedup();
            let forgotten = forgotten_key(table);
            let writes = keys.iter().chain([&forgotten]).cloned().collect();
            let declared = Declared { reads: vec![fence_key(&table.name)], writes };
            let decide = |values: &[Option<Value>]| {
                let (fence, values) = (&values[0], &values[1..]);
                // A table that was dropped meanwhile has left nothing, and nothing is left behind for it. One that was
                // changed may have a new member.
                if fence.as_ref().is_none_or(|fence| fence[..] != fence_value(table)) {
                    return Decision::Abort(());
                }
                let mut batch = Batch::new();
                // Whoever brings something older from a comparison brings back what was deleted.
                if decode_forgotten(values[keys.len()].as_ref()) < floor {
                    batch.put(forgotten.clone(), encode_forgotten(floor));
                }
                for (mark, _) in chunk {
                    batch.delete(mark.clone());
                    let key = item_key(mark);
                    let stored = keys.binary_search(&key).ok().and_then(|index| values[index].clone());
                    let record = stored.and_then(|stored| Record::decode(stored).ok());
                    if record
                        .is_some_and(|record| record.tombstone && record.version.time.to_bits() == time(mark))
                    {
                        batch.delete(key);
                    }
                }
                Decision::Commit(batch, ())
            };
            transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        }
        Ok(())
    }

    /// Forgets request tokens that have expired.
    async fn forget_tokens(&self) -> Result<(), Error> {
        let (mut start, end) = prefix_range(KeyBuilder::new(Space::Tokens).build());
        let now_ms = self.env.unix_ms();
        loop {
            let limit = PageLimit { entries: SWEEP_ITEMS * 4, bytes: usize::MAX };
            let rows = {
                let snapshot = self.engine.snapshot().await.map_err(internal)?;
                snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?
            };
            let Some((last, _)) = rows.last() else { return Ok(()) };
            start = [&last[..], &[0]].concat();
            let expired =
                |value: &Value| decode_token(value).is_none_or(|(_, expires_ms)| expires_ms <= now_ms);
            let keys: Vec<Vec<u8>> =
                rows.into_iter().filter(|(_, value)| expired(value)).map(|(key, _)| key).collect();
            if keys.is_empty() {
                continue;
            }
            let declared = Declared { reads: Vec::new(), writes: keys.clone() };
            let decide = |values: &[Option<Value>]| {
                let mut batch = Batch::new();
                for (key, value) in keys.iter().zip(values) {
                    if value.as_ref().is_some_and(&expired) {
                        batch.delete(key.clone());
                    }
                }
                Decision::Commit(batch, ())
            };
            transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        }
    }
}
