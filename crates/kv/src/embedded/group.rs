//! Turns the batches of one group into one RocksDB write.
//!
//! The commit thread is the only writer, so it knows counters and log bounds without reading them back; each
//! is written once per group, as an absolute value. Invariants:
//!
//! - Effects of a group apply in the order of its batches and of the effects within.
//! - A cached value equals what the store will hold once the group is written. If a group is not written, the
//!   caches are cleared.
//! - The row of a log's bounds is never deleted, so positions are not reused after the last entry is trimmed.
//!
//! It knows nothing of durability or of who waits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rocksdb::WriteBatch;

use super::resident::Changes;
use super::store::{Store, encode_bounds, log_key};
use crate::contract::{Batch, Committed, Effect, Key, LogBounds, LogShard, ReadError};

/// Caches are emptied when they have grown past this many entries; the store has everything.
const CACHE_ENTRIES_MAX: usize = 64 * 1024;

/// Trims of up to this many entries delete them one by one: range tombstones pay only for long runs.
const TRIM_SINGLY_MAX: u64 = 64;

/// What the commit thread remembers from group to group.
#[derive(Default)]
pub(super) struct Caches {
    counters: HashMap<Key, i64>,
    logs: HashMap<LogShard, LogBounds>,
}

/// A group under construction.
pub(super) struct Group<'a> {
    store: &'a Store,
    caches: &'a mut Caches,
    write: WriteBatch,
    /// Counters to write at the end. Each was added to after its last removal in this group.
    counters: BTreeSet<Key>,
    /// Ranges that this group removes: the store still shows the counters in them.
    removed: Vec<(Key, Key)>,
    /// Logs whose bounds are to be written at the end.
    logs: BTreeSet<LogShard>,
    /// Logs that got entries, with their next position.
    grown: BTreeMap<LogShard, u64>,
    resident: Changes,
}

/// A finished group.
pub(super) struct Finished {
    pub(super) write: WriteBatch,
    /// The logs that it makes grow.
    pub(super) grown: BTreeMap<LogShard, u64>,
    /// What it changes about the rows in memory.
    pub(super) resident: Changes,
}

impl Caches {
    pub(super) fn clear(&mut self) {
        self.counters.clear();
        self.logs.clear();
    }

    /// Keeps the caches within bounds. Only between groups.
    pub(super) fn trim(&mut self) {
        if self.counters.len() > CACHE_ENTRIES_MAX {
            self.counters.clear();
        }
        if self.logs.len() > CACHE_ENTRIES_MAX {
            self.logs.clear();
        }
    }
}

impl<'a> Group<'a> {
    pub(super) fn new(store: &'a Store, caches: &'a mut Caches, bytes: usize) -> Group<'a> {
        Group {
            store,
            caches,
            write: WriteBatch::with_capacity_bytes(bytes + bytes / 8),
            counters: BTreeSet::new(),
            removed: Vec::new(),
            logs: BTreeSet::new(),
            grown: BTreeMap::new(),
            resident: Changes::default(),
        }
    }

    /// Appends a batch. After an error the group must not be written.
    pub(super) fn add(&mut self, batch: &Batch) -> Result<Committed, ReadError> {
        let mut committed = Committed::default();
        for effect in &batch.effects {
            self.resident.note(self.store.resident(), effect);
            match effect {
                Effect::Put(key, value) => self.write.put(key, value),
                Effect::Delete(key) => self.delete(key)?,
                Effect::DeleteRange(start, end) => self.delete_range(start, end),
                Effect::Add(key, delta) => self.add_to_counter(key, *delta)?,
                Effect::Append(shard, entry) => committed.positions.push(self.append(*shard, entry)?),
                Effect::TrimLog(shard, position) => self.trim_log(*shard, *position)?,
            }
        }
        Ok(committed)
    }

    /// What is to be written, and what follows from it.
    pub(super) fn finish(mut self) -> Finished {
        for key in &self.counters {
            match self.caches.counters[key] {
                // A counter that is back at 0 is as if it had never been.
                0 => self.write.delete_cf(self.store.counters(), key),
                value => self.write.put_cf(self.store.counters(), key, value.to_le_bytes()),
            }
        }
        for shard in &self.logs {
            let row = encode_bounds(self.caches.logs[shard]);
            self.write.put_cf(self.store.bounds(), shard.0.to_be_bytes(), row);
        }
        Finished { write: self.write, grown: self.grown, resident: self.resident }
    }

    fn delete(&mut self, key: &Key) -> Result<(), ReadError> {
        self.write.delete(key);
        // Looking is cheaper than a tombstone among the counters for every item ever deleted.
        if self.caches.counters.contains_key(key) || self.store.counter(key)?.is_some() {
            self.write.delete_cf(self.store.counters(), key);
            self.counters.remove(key);
            self.caches.counters.insert(key.clone(), 0);
        }
        Ok(())
    }

    fn delete_range(&mut self, start: &Key, end: &Key) {
        if start >= end {
            // RocksDB would refuse the whole group.
            return;
        }
        self.write.delete_range(start, end);
        self.write.delete_range_cf(self.store.counters(), start, end);
        let removed = |key: &Key| key >= start && key < end;
        self.counters.retain(|key| !removed(key));
        self.caches.counters.retain(|key, _| !removed(key));
        self.removed.push((start.clone(), end.clone()));
    }

    fn add_to_counter(&mut self, key: &Key, delta: i64) -> Result<(), ReadError> {
        // Wrapping, because only that commutes: overflow must not depend on the order.
        if let Some(value) = self.caches.counters.get_mut(key) {
            *value = value.wrapping_add(delta);
        } else {
            let is_removed = self.removed.iter().any(|(start, end)| start <= key && key < end);
            let before = if is_removed { 0 } else { self.store.counter(key)?.unwrap_or(0) };
            self.caches.counters.insert(key.clone(), before.wrapping_add(delta));
        }
        if !self.counters.contains(key) {
            self.counters.insert(key.clone());
        }
        Ok(())
    }

    fn append(&mut self, shard: LogShard, entry: &[u8]) -> Result<u64, ReadError> {
        let bounds = self.bounds(shard)?;
        let position = bounds.next;
        bounds.next += 1;
        let next = bounds.next;
        self.write.put_cf(self.store.log(), log_key(shard, position), entry);
        self.logs.insert(shard);
        self.grown.insert(shard, next);
        Ok(position)
    }

    fn trim_log(&mut self, shard: LogShard, position: u64) -> Result<(), ReadError> {
        let bounds = self.bounds(shard)?;
        let first = bounds.first;
        let position = position.clamp(first, bounds.next);
        bounds.first = position;
        if position == first {
            return Ok(());
        }
        if position - first <= TRIM_SINGLY_MAX {
            for trimmed in first..position {
                self.write.delete_cf(self.store.log(), log_key(shard, trimmed));
            }
        } else {
            let (start, end) = (log_key(shard, first), log_key(shard, position));
            self.write.delete_range_cf(self.store.log(), start, end);
        }
        self.logs.insert(shard);
        Ok(())
    }

    fn bounds(&mut self, shard: LogShard) -> Result<&mut LogBounds, ReadError> {
        use std::collections::hash_map::Entry;
        match self.caches.logs.entry(shard) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(self.store.log_bounds(shard)?)),
        }
    }
}
