//! The engine that keeps everything in memory, for tests and throw-away servers.
//!
//! Multi-version: a key holds the versions that some live snapshot can still see. Invariant: without a live
//! snapshot every key has exactly one version, which is a value; with snapshots, everything that none of them
//! can see is pruned when the snapshot that needed it goes.
//!
//! It knows nothing of durability: an acknowledged commit is gone with the process.

use std::collections::{BTreeMap, HashMap, VecDeque, btree_map::Entry};
use std::fmt;
use std::future::ready;
use std::ops::Bound;

use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;
use tokio::sync::watch;

use crate::contract::{
    Batch, BoxFuture, CommitError, Committed, Contention, DecideFn, Declared, Direction, EachFn, Effect,
    Engine, Key, LogBounds, LogPage, LogShard, PageLimit, ReadError, Snapshot, Value,
};
use crate::limits;
use crate::locks::Locks;
use crate::watches::Watches;

/// An [`Engine`] in memory.
pub struct MemoryEngine {
    locks: Locks,
    watches: Watches,
    state: RwLock<State>,
}

/// A key as it lies in the map. Most keys are short enough to lie in the nodes of the tree themselves: a search that had to
/// fetch each key that it looks at from elsewhere would wait for memory at every step.
type StoredKey = SmallVec<[u8; 40]>;

#[derive(Default)]
struct State {
    /// Number of the latest commit.
    sequence: u64,
    data: BTreeMap<StoredKey, Versions>,
    counters: BTreeMap<StoredKey, i64>,
    logs: HashMap<LogShard, Log>,
    /// Live snapshots: sequence and how many have it. Readers come and go without keeping each other out.
    snapshots: Mutex<BTreeMap<u64, usize>>,
    /// Keys that got a version over an older one, with the sequence of the newer version, ascending.
    superseded: VecDeque<(u64, StoredKey)>,
}

/// What a key was set to, and by which commit; `None` is a removal.
struct Version {
    sequence: u64,
    value: Option<Value>,
}

/// The versions of a key. The newest lies in the map itself: readers seldom want another one.
struct Versions {
    newest: Version,
    /// Ascending.
    older: Vec<Version>,
}

#[derive(Default)]
struct Log {
    first: u64,
    entries: VecDeque<Value>,
}

struct MemorySnapshot<'a> {
    state: &'a RwLock<State>,
    sequence: u64,
}

impl MemoryEngine {
    /// An empty store.
    pub fn new() -> MemoryEngine {
        MemoryEngine { locks: Locks::new(), watches: Watches::default(), state: RwLock::default() }
    }
}

impl Default for MemoryEngine {
    fn default() -> MemoryEngine {
        MemoryEngine::new()
    }
}

impl fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.read();
        f.debug_struct("MemoryEngine")
            .field("keys", &state.data.len())
            .field("sequence", &state.sequence)
            .finish_non_exhaustive()
    }
}

impl Engine for MemoryEngine {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>> {
        Box::pin(ready(Ok(self.state.read().get(key, u64::MAX))))
    }

    fn counter<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<i64, ReadError>> {
        Box::pin(ready(Ok(self.state.read().counters.get(key).copied().unwrap_or(0))))
    }

    fn snapshot<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Snapshot + 'a>, ReadError>> {
        let state = self.state.read();
        let sequence = state.sequence;
        *state.snapshots.lock().entry(sequence).or_default() += 1;
        let snapshot: Box<dyn Snapshot + 'a> = Box::new(MemorySnapshot { state: &self.state, sequence });
        Box::pin(ready(Ok(snapshot)))
    }

    fn claimed<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Vec<bool>> {
        Box::pin(ready(self.locks.claimed(keys)))
    }

    fn transact_dyn<'a>(
        &'a self,
        declared: &'a Declared,
        contention: Contention,
        decide: &'a mut DecideFn<'_>,
    ) -> BoxFuture<'a, Result<Committed, CommitError>> {
        Box::pin(async move {
            let _held = self.locks.acquire(declared, contention).await?;
            let values: Vec<Option<Value>> = {
                let state = self.state.read();
                let keys = declared.reads.iter().chain(&declared.writes);
                keys.map(|key| state.get(key, u64::MAX)).collect()
            };
            let Some(batch) = decide(&values) else { return Ok(Committed::default()) };
            limits::check(&batch)?;
            let (committed, grown) = self.state.write().apply(batch);
            for (shard, next) in grown {
                self.watches.publish(shard, next);
            }
            Ok(committed)
        })
    }

    fn read_log<'a>(
        &'a self,
        shard: LogShard,
        from: u64,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<LogPage, ReadError>> {
        Box::pin(ready(Ok(self.state.read().read_log(shard, from, limit))))
    }

    fn log_bounds<'a>(&'a self, shard: LogShard) -> BoxFuture<'a, Result<LogBounds, ReadError>> {
        Box::pin(ready(Ok(self.state.read().log_bounds(shard))))
    }

    fn watch_log(&self, shard: LogShard) -> watch::Receiver<u64> {
        self.watches.subscribe(shard, || self.state.read().log_bounds(shard).next)
    }
}

impl Snapshot for MemorySnapshot<'_> {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>> {
        Box::pin(ready(Ok(self.state.read().get(key, self.sequence))))
    }

    fn walk<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        direction: Direction,
        limit: PageLimit,
        each: &'a mut EachFn<'_>,
    ) -> BoxFuture<'a, Result<Option<Key>, ReadError>> {
        let last = self.state.read().walk(start, end, direction, limit, self.sequence, each);
        Box::pin(ready(Ok(last)))
    }
}

impl Drop for MemorySnapshot<'_> {
    fn drop(&mut self) {
        if self.state.read().forget(self.sequence) {
            self.state.write().prune();
        }
    }
}

impl State {
    fn get(&self, key: &[u8], sequence: u64) -> Option<Value> {
        self.data.get(key)?.visible(sequence).cloned()
    }

    /// Takes note of the end of a snapshot; tells whether there are versions now that nobody can see.
    fn forget(&self, sequence: u64) -> bool {
        let mut snapshots = self.snapshots.lock();
        if let Some(count) = snapshots.get_mut(&sequence) {
            *count -= 1;
            if *count == 0 {
                snapshots.remove(&sequence);
            }
        }
        let oldest = snapshots.keys().next().copied().unwrap_or(u64::MAX);
        self.superseded.front().is_some_and(|(sequence, _)| *sequence <= oldest)
    }

    fn walk<'s>(
        &'s self,
        start: &[u8],
        end: &[u8],
        direction: Direction,
        limit: PageLimit,
        sequence: u64,
        each: &mut EachFn<'_>,
    ) -> Option<Key> {
        if start >= end {
            return None;
        }
        let range = self.data.range::<[u8], _>((Bound::Included(start), Bound::Excluded(end)));
        let seen = |(key, versions): (&'s StoredKey, &'s Versions)| Some((key, versions.visible(sequence)?));
        match direction {
            Direction::Forward => show(range.filter_map(seen), limit, each),
            Direction::Backward => show(range.rev().filter_map(seen), limit, each),
        }
    }

    fn log_bounds(&self, shard: LogShard) -> LogBounds {
        self.logs.get(&shard).map(Log::bounds).unwrap_or_default()
    }

    fn read_log(&self, shard: LogShard, from: u64, limit: PageLimit) -> LogPage {
        let Some(log) = self.logs.get(&shard) else { return LogPage { entries: Vec::new(), next: from } };
        let from = from.max(log.first);
        let mut entries = Vec::new();
        let mut bytes = 0;
        for position in from..log.bounds().next {
            let entry = &log.entries[(position - log.first) as usize];
            bytes += entry.len();
            entries.push((position, entry.clone()));
            if entries.len() >= limit.entries || bytes >= limit.bytes {
                break;
            }
        }
        let next = from + entries.len() as u64;
        LogPage { entries, next }
    }

    /// Applies a commit; answers also the next position of every log that grew.
    fn apply(&mut self, batch: Batch) -> (Committed, BTreeMap<LogShard, u64>) {
        self.sequence += 1;
        let mut committed = Committed::default();
        let mut grown = BTreeMap::new();
        for effect in batch.effects {
            match effect {
                Effect::Put(key, value) => self.set(StoredKey::from_slice(&key), Some(Value::from(value))),
                Effect::Delete(key) => {
                    self.counters.remove(key.as_slice());
                    self.set(StoredKey::from_slice(&key), None);
                }
                Effect::DeleteRange(start, end) => self.delete_range(&start, &end),
                // Wrapping, because only that commutes: overflow must not depend on the order.
                Effect::Add(key, delta) => {
                    let key = key.as_slice();
                    let value = self.counters.get(key).map_or(delta, |value| value.wrapping_add(delta));
                    // A counter that is back at 0 is as if it had never been.
                    if value == 0 {
                        self.counters.remove(key);
                    } else {
                        self.counters.insert(StoredKey::from_slice(key), value);
                    }
                }
                Effect::Append(shard, entry) => {
                    let log = self.logs.entry(shard).or_default();
                    committed.positions.push(log.bounds().next);
                    log.entries.push_back(Value::from(entry));
                    grown.insert(shard, log.bounds().next);
                }
                Effect::TrimLog(shard, position) => {
                    if let Some(log) = self.logs.get_mut(&shard) {
                        log.trim(position);
                    }
                }
            }
        }
        (committed, grown)
    }

    fn set(&mut self, key: StoredKey, value: Option<Value>) {
        if self.snapshots.get_mut().is_empty() {
            match value {
                Some(_) => self.data.insert(key, Versions::new(self.sequence, value)),
                None => self.data.remove(&key),
            };
            return;
        }
        match self.data.entry(key) {
            Entry::Vacant(_) if value.is_none() => {}
            Entry::Vacant(vacant) => _ = vacant.insert(Versions::new(self.sequence, value)),
            Entry::Occupied(mut occupied) => {
                self.superseded.push_back((self.sequence, occupied.key().clone()));
                occupied.get_mut().set(self.sequence, value);
            }
        }
    }

    fn delete_range(&mut self, start: &[u8], end: &[u8]) {
        if start >= end {
            return;
        }
        let range = (Bound::Included(start), Bound::Excluded(end));
        let keys: Vec<StoredKey> = self.data.range::<[u8], _>(range).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.set(key, None);
        }
        let counters = self.counters.range::<[u8], _>(range).map(|(key, _)| key.clone());
        for key in counters.collect::<Vec<StoredKey>>() {
            self.counters.remove(&key);
        }
    }

    /// Drops the versions that no live snapshot can see.
    fn prune(&mut self) {
        let oldest = self.snapshots.get_mut().keys().next().copied().unwrap_or(u64::MAX);
        while let Some((sequence, _)) = self.superseded.front()
            && *sequence <= oldest
        {
            let Some((_, key)) = self.superseded.pop_front() else { break };
            let Some(versions) = self.data.get_mut(&key) else { continue };
            versions.prune(oldest);
            if versions.older.is_empty() && versions.newest.value.is_none() {
                self.data.remove(&key);
            }
        }
    }
}

impl Log {
    fn bounds(&self) -> LogBounds {
        LogBounds { first: self.first, next: self.first + self.entries.len() as u64 }
    }

    fn trim(&mut self, position: u64) {
        let LogBounds { first, next } = self.bounds();
        let position = position.clamp(first, next);
        self.entries.drain(..(position - first) as usize);
        self.first = position;
    }
}

impl Versions {
    fn new(sequence: u64, value: Option<Value>) -> Versions {
        Versions { newest: Version { sequence, value }, older: Vec::new() }
    }

    /// The value that a snapshot of this sequence sees.
    fn visible(&self, sequence: u64) -> Option<&Value> {
        if self.newest.sequence <= sequence {
            return self.newest.value.as_ref();
        }
        self.older.iter().rev().find(|version| version.sequence <= sequence)?.value.as_ref()
    }

    /// Adds the version of the commit `sequence`, which is not older than the newest.
    fn set(&mut self, sequence: u64, value: Option<Value>) {
        let before = std::mem::replace(&mut self.newest, Version { sequence, value });
        if before.sequence != sequence {
            self.older.push(before);
        }
    }

    /// Drops what no snapshot sees, of those that are not older than `oldest`.
    fn prune(&mut self, oldest: u64) {
        if self.newest.sequence <= oldest {
            self.older = Vec::new();
            return;
        }
        let seen_by_oldest = self.older.partition_point(|version| version.sequence <= oldest);
        self.older.drain(..seen_by_oldest.saturating_sub(1));
    }
}

fn show<'a>(
    entries: impl Iterator<Item = (&'a StoredKey, &'a Value)>,
    limit: PageLimit,
    each: &mut EachFn<'_>,
) -> Option<Key> {
    let mut bytes = 0;
    for (shown, (key, value)) in entries.enumerate() {
        bytes += key.len() + value.len();
        each(key, value);
        if shown + 1 >= limit.entries || bytes >= limit.bytes {
            return Some(key.to_vec());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(state: &mut State, key: &str, value: &str) {
        let mut batch = Batch::new();
        batch.put(key, value);
        state.apply(batch);
    }

    #[tokio::test]
    async fn versions_live_as_long_as_a_snapshot_needs_them() {
        let engine = MemoryEngine::new();
        put(&mut engine.state.write(), "a", "1");
        let old = engine.snapshot().await.unwrap();
        put(&mut engine.state.write(), "a", "2");
        let young = engine.snapshot().await.unwrap();
        put(&mut engine.state.write(), "a", "3");
        let mut batch = Batch::new();
        batch.delete("a");
        engine.state.write().apply(batch);

        assert_eq!(old.get(b"a").await.unwrap().unwrap(), "1");
        assert_eq!(young.get(b"a").await.unwrap().unwrap(), "2");
        assert_eq!(engine.get(b"a").await.unwrap(), None);

        drop(old);
        assert_eq!(young.get(b"a").await.unwrap().unwrap(), "2");
        assert!(engine.state.read().data[b"a".as_slice()].older.len() <= 2);
        drop(young);
        let state = engine.state.read();
        assert!(state.data.is_empty() && state.superseded.is_empty() && state.snapshots.lock().is_empty());
    }
}
