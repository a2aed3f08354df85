//! Background jobs of a Region: small steps, taken by one runner, each safe to repeat after a crash.
//!
//! Indexes are filled and removed, expired items deleted, logs trimmed, tombstones, tokens and old conflicts forgotten.

use std::{sync::Arc, time::Duration};

use graticule_expr::{Condition, Placeholders};
use graticule_kv::{Batch, Decision, Declared, Direction, PageLimit, Value, transact};
use graticule_model::{
    AttributeValue, Error, ExpressionKind, Item, Number, limits::STREAM_RETENTION_MS, version::HybridTime,
};

use crate::{
    action::{Action, ActionKind},
    catalogue::{commit_error, fence_key, fence_value},
    derive::{COUNT_BYTES, COUNT_ITEMS, counter_key, has_expired, index_effect, index_prefix},
    global::conflicts_before,
    layout::{KeyBuilder, Space, prefix_range},
    record::Record,
    region::{Region, clock_key, internal},
    schema::{Derivation, IndexState, LocalIndex, Table, TableStatus},
    write::{Progress, decode_token, progress_key},
};

/// Items that an index is filled with at a time: writes of these wait meanwhile.
const BACKFILL_ITEMS: usize = 128;
/// Items that one step deletes.
const SWEEP_ITEMS: usize = 256;
/// How often the runner looks around when nothing happens.
const IDLE: Duration = Duration::from_millis(500);
/// How long the runner rests after an error.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// How often logs, tombstones and tokens are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// Tombstones younger than this stay, so that a clock set back a little does no harm.
const TOMBSTONE_AGE_MS_MIN: u64 = 10_000;
/// How long discarded changes are listed.
const CONFLICT_AGE_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1000;

/// Entries as an engine gives them.
type Rows = Vec<(Vec<u8>, Value)>;

/// Whether a job has more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progressed {
    /// It did something and has more.
    Busy,
    /// Nothing to do for now.
    Idle,
}

impl Region {
    /// Runs the Region's background jobs for as long as the process lives.
    pub fn start_jobs(self: &Arc<Region>) {
        let region = Arc::clone(self);
        self.env.supervise("region jobs", move || Arc::clone(&region).run_jobs());
    }

    async fn run_jobs(self: Arc<Region>) {
        let mut catalogue = self.watch_catalogue();
        let mut kept_house = Duration::ZERO;
        let mut saved = HybridTime::ZERO;
        loop {
            catalogue.mark_unchanged();
            let mut progress = self.step_all().await;
            if self.env.monotonic() >= kept_house + HOUSEKEEPING {
                kept_house = self.env.monotonic();
                progress = self.keep_house(&mut saved).await.and(progress);
            }
            match progress {
                Ok(Progressed::Busy) => tokio::task::yield_now().await,
                Ok(Progressed::Idle) => {
                    let _ = self.env.timeout(IDLE, catalogue.changed()).await;
                }
                Err(error) => {
                    tracing::error!(region = %self.name, %error, "background jobs are interrupted");
                    self.env.sleep(AFTER_ERROR).await;
                }
            }
        }
    }

    /// One step of every job that is about items.
    async fn step_all(self: &Arc<Region>) -> Result<Progressed, Error> {
        let mut progress = Progressed::Idle;
        for table in self.tables().await? {
            for step in [self.step_indexes(&table).await, self.step_expiry(&table).await] {
                match step {
                    Ok(Progressed::Busy) => progress = Progressed::Busy,
                    // The table was dropped meanwhile.
                    Ok(Progressed::Idle) | Err(Error::ResourceNotFound) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(progress)
    }

    async fn step_indexes(&self, table: &Arc<Table>) -> Result<Progressed, Error> {
        for (name, index) in &table.indexes {
            match index.state {
                IndexState::Active => {}
                IndexState::Backfilling => {
                    self.backfill_step(table, name, index).await?;
                    return Ok(Progressed::Busy);
                }
                IndexState::Deleting => {
                    self.remove_index(table, name, index).await?;
                    return Ok(Progressed::Busy);
                }
            }
        }
        Ok(Progressed::Idle)
    }

    /// Removes what a deleted index has left, and lets go of its name.
    async fn remove_index(&self, table: &Table, name: &str, index: &LocalIndex) -> Result<(), Error> {
        self.update_table(&table.name, |table, batch| {
            if table.indexes.get(name).is_some_and(|current| current.id == index.id) {
                let (start, end) = prefix_range(index_prefix(table, index).build());
                batch.delete_range(start, end);
                for which in [COUNT_ITEMS, COUNT_BYTES] {
                    batch.delete(counter_key(table.id, index.id, which));
                }
                batch.delete(progress_key(table.id, index.id));
                table.indexes.remove(name);
                table.reconcile_indexes(false);
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Fills an index with the next few items: freezes them, reads them, adds their entries and covers them.
    async fn backfill_step(&self, table: &Table, name: &str, index: &LocalIndex) -> Result<(), Error> {
        let progress_key = progress_key(table.id, index.id);
        let stored = self.engine.get(&progress_key).await.map_err(internal)?;
        let progress = Progress::decode(stored.as_ref());
        let (first, end) = prefix_range(KeyBuilder::table(Space::Items, table.id).build());
        if progress.covered == end {
            self.update_table(&table.name, |table, batch| {
                if let Some(current) = table.indexes.get_mut(name)
                    && current.id == index.id
                {
                    current.state = IndexState::Active;
                    batch.delete(progress_key.clone());
                }
                Ok(())
            })
            .await?;
            match &index.derivation {
                Derivation::Secondary(_) => {
                    tracing::info!(region = %self.name, table = %table.name, index = name, "an index is complete");
                }
                Derivation::Expiry(attribute) => {
                    tracing::info!(region = %self.name, table = %table.name, attribute, "the time to live is enabled");
                }
            }
            return Ok(());
        }
        let start = if progress.covered.is_empty() { first } else { [&progress.covered[..], &[0]].concat() };
        let limit = PageLimit { entries: BACKFILL_ITEMS, bytes: 1024 * 1024 };
        let ahead = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?
        };
        let frozen = match ahead.last() {
            Some((key, _)) => key.clone(),
            None => end.clone(),
        };
        let freeze = Progress { covered: progress.covered.clone(), frozen: frozen.clone() };
        if !self.put_progress(table, &progress_key, &freeze, None).await? {
            return Ok(());
        }
        let past = [&frozen[..], &[0]].concat();
        let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
        let rows = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            snapshot
                .scan(&start, past.as_slice().min(&end), Direction::Forward, whole)
                .await
                .map_err(internal)?
        };
        let cover = Progress { covered: frozen, frozen: Vec::new() };
        self.put_progress(table, &progress_key, &cover, Some((index, rows))).await?;
        Ok(())
    }

    /// Moves the progress of a filling index, adding entries. Tells whether the table's record was still current.
    async fn put_progress(
        &self,
        table: &Table,
        progress_key: &[u8],
        progress: &Progress,
        fill: Option<(&LocalIndex, Rows)>,
    ) -> Result<bool, Error> {
        let declared = Declared { reads: vec![fence_key(&table.name)], writes: vec![progress_key.to_vec()] };
        let decide = |values: &[Option<Value>]| {
            if values[0].as_ref().is_none_or(|fence| fence[..] != fence_value(table)) {
                return Decision::Abort(Ok(false));
            }
            let mut batch = Batch::new();
            batch.put(progress_key, progress.encode());
            if let Some((index, rows)) = &fill {
                for (_, stored) in rows {
                    let mut add = || {
                        let record = Record::decode(stored.clone()).map_err(internal)?;
                        if !record.tombstone {
                            let item = record.item().map_err(internal)?;
                            let key = table.key_of(&item)?;
                            index_effect(
                                table,
                                index,
                                &key,
                                (None, Some(&item)),
                                &record.version,
                                &mut batch,
                            );
                        }
                        Ok(())
                    };
                    if let Err(error) = add() {
                        return Decision::Abort(Err(error));
                    }
                }
            }
            Decision::Commit(batch, Ok(true))
        };
        let (current, _) = transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        current
    }

    /// Deletes items whose time to live is over.
    async fn step_expiry(self: &Arc<Region>, table: &Arc<Table>) -> Result<Progressed, Error> {
        let due = table.indexes.values().find_map(|index| match &index.derivation {
            Derivation::Expiry(attribute) if index.state == IndexState::Active => Some((index, attribute)),
            _ => None,
        });
        let Some((index, attribute)) = due else { return Ok(Progressed::Idle) };
        if table.status != TableStatus::Active {
            return Ok(Progressed::Idle);
        }
        let now_seconds = self.env.unix_ms() / 1000;
        let prefix = index_prefix(table, index);
        let oldest = now_seconds.saturating_sub(graticule_model::limits::TTL_AGE_SECONDS_MAX);
        let (start, end) =
            (prefix.clone().number(oldest).build(), prefix.clone().number(now_seconds + 1).build());
        let limit = PageLimit { entries: SWEEP_ITEMS, bytes: usize::MAX };
        let rows = {
            let snapshot = self.engine.snapshot().await.map_err(internal)?;
            snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?
        };
        let prefix_length = prefix.build().len();
        for (entry_key, _) in &rows {
            let (seconds, suffix) = entry_key[prefix_length..].split_at(8);
            let seconds = u64::from_be_bytes(seconds.try_into().map_err(internal)?);
            let item_key = KeyBuilder::table(Space::Items, table.id).bytes(suffix).build();
            let Some(stored) = self.engine.get(&item_key).await.map_err(internal)? else { continue };
            let record = Record::decode(stored).map_err(internal)?;
            if record.tombstone || !has_expired(seconds, now_seconds) {
                continue;
            }
            let key = table.key_item(&table.key_of(&record.item().map_err(internal)?)?);
            let action = Action {
                condition: Some(unchanged(&record.item().map_err(internal)?, attribute)?),
                expiry: true,
                ..Action::new(table.name.clone(), ActionKind::Delete(key))
            };
            match self.write_one(action).await {
                // Changed meanwhile: its new time to live has an entry of its own.
                Ok(_) | Err(Error::ConditionalCheckFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(if rows.len() == SWEEP_ITEMS { Progressed::Busy } else { Progressed::Idle })
    }

    async fn keep_house(&self, saved: &mut HybridTime) -> Result<(), Error> {
        // After a restart no version may come before what was promised, even with a clock that was set back. Up to
        // one interval of promises may be lost; tombstones stay for longer than that.
        let last = self.clock.last();
        if last > *saved {
            self.put_rows(|batch| batch.put(clock_key(), last.to_bits().to_be_bytes())).await?;
            *saved = last;
        }
        self.forget_tokens().await?;
        for table in self.tables().await? {
            self.trim_log(&table).await?;
            self.forget_tombstones(&table).await?;
            let horizon = HybridTime::from_unix_ms(self.env.unix_ms().saturating_sub(CONFLICT_AGE_MS_MAX));
            let (start, end) = conflicts_before(&table, horizon);
            self.forget_range(start, end).await?;
        }
        Ok(())
    }

    /// Commits rows that nobody else writes.
    async fn put_rows(&self, fill: impl Fn(&mut Batch) + Send + Sync) -> Result<(), Error> {
        let decide = |_: &[Option<Value>]| {
            let mut batch = Batch::new();
            fill(&mut batch);
            if batch.is_empty() { Decision::Abort(()) } else { Decision::Commit(batch, ()) }
        };
        transact(&*self.engine, &Declared::default(), decide).await.map_err(commit_error)?;
        Ok(())
    }

    async fn forget_range(&self, start: Vec<u8>, end: Vec<u8>) -> Result<(), Error> {
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
        let mut floor = self.stream_retention(table).await?;
        for (peer, _) in table.peers(&self.name) {
            floor = floor.min(self.sent_cursor(table, peer).await?);
        }
        let bounds = self.log_bounds(table).await?;
        let floor = floor.min(bounds.next);
        if floor > bounds.first {
            self.put_rows(|batch| batch.trim_log(table.log(), floor)).await?;
        }
        let horizon_ms = self.env.unix_ms().saturating_sub(STREAM_RETENTION_MS);
        let outlived =
            |closed: Option<(u64, u64)>| closed.is_some_and(|(_, closed_ms)| closed_ms < horizon_ms);
        if table.streams.iter().any(|stream| outlived(stream.closed)) {
            self.update_table(&table.name, |table, _| {
                table.streams.retain(|stream| !outlived(stream.closed));
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Removes tombstones that no older write can come after.
    async fn forget_tombstones(&self, table: &Arc<Table>) -> Result<(), Error> {
        let aged = HybridTime::from_unix_ms(self.env.unix_ms().saturating_sub(TOMBSTONE_AGE_MS_MIN));
        let floor = match self.tombstone_floor.lock().get(&table.id) {
            _ if !table.is_global() => aged,
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
            let declared = Declared { reads: Vec::new(), writes: keys.clone() };
            let decide = |values: &[Option<Value>]| {
                let mut batch = Batch::new();
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

/// The condition that an item still has the expiry time that was found.
fn unchanged(item: &Item, attribute: &str) -> Result<Condition, Error> {
    let value = item.get(attribute).cloned().unwrap_or(AttributeValue::N(Number::ZERO));
    let names = [("#ttl".to_owned(), attribute.to_owned())].into();
    let mut placeholders = Placeholders::new(Some(names), Some(Item::from([(":seen".to_owned(), value)])))?;
    Condition::parse(ExpressionKind::Condition, "#ttl = :seen", &mut placeholders)
}
