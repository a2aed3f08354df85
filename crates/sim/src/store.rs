//! What is on a simulated disk: the state that all durable commits add up to.
//!
//! Invariant: it changes by whole commits, in the order in which they were queued. Snapshots share the maps until the next
//! change.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use graticule_kv::{
    Batch, Committed, Direction, EachFn, Effect, Key, LogBounds, LogPage, LogShard, PageLimit, Value,
};

/// Keys and values, shared with snapshots.
pub(crate) type Data = Arc<BTreeMap<Key, Value>>;

/// A simulated disk's contents.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) data: Data,
    counters: BTreeMap<Key, i64>,
    logs: BTreeMap<LogShard, Log>,
}

#[derive(Debug, Default)]
struct Log {
    first: u64,
    entries: VecDeque<Value>,
}

impl Log {
    fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

impl Store {
    /// Loses a value, as no disk should.
    pub(crate) fn lose(&mut self, key: &[u8]) {
        Arc::make_mut(&mut self.data).remove(key);
    }

    /// Applies a commit; answers also the next position of every log that grew.
    pub(crate) fn apply(&mut self, batch: &Batch) -> (Committed, BTreeMap<LogShard, u64>) {
        let data = Arc::make_mut(&mut self.data);
        let mut committed = Committed::default();
        let mut grown = BTreeMap::new();
        for effect in &batch.effects {
            match effect {
                Effect::Put(key, value) => _ = data.insert(key.clone(), Value::from(value.clone())),
                Effect::Delete(key) => {
                    data.remove(key);
                    self.counters.remove(key);
                }
                Effect::DeleteRange(start, end) if start < end => {
                    data.retain(|key, _| key < start || key >= end);
                    self.counters.retain(|key, _| key < start || key >= end);
                }
                Effect::DeleteRange(..) => {}
                Effect::Add(key, delta) => {
                    let value = self.counters.get(key).copied().unwrap_or(0).wrapping_add(*delta);
                    if value == 0 {
                        self.counters.remove(key);
                    } else {
                        self.counters.insert(key.clone(), value);
                    }
                }
                Effect::Append(shard, entry) => {
                    let log = self.logs.entry(*shard).or_default();
                    committed.positions.push(log.next());
                    log.entries.push_back(Value::from(entry.clone()));
                    grown.insert(*shard, log.next());
                }
                Effect::TrimLog(shard, position) => {
                    if let Some(log) = self.logs.get_mut(shard) {
                        let position = (*position).clamp(log.first, log.next());
                        log.entries.drain(..(position - log.first) as usize);
                        log.first = position;
                    }
                }
            }
        }
        (committed, grown)
    }

    pub(crate) fn counter(&self, key: &[u8]) -> i64 {
        self.counters.get(key).copied().unwrap_or(0)
    }

    pub(crate) fn log_bounds(&self, shard: LogShard) -> LogBounds {
        self.logs
            .get(&shard)
            .map_or(LogBounds::default(), |log| LogBounds { first: log.first, next: log.next() })
    }

    pub(crate) fn read_log(&self, shard: LogShard, from: u64, limit: PageLimit) -> LogPage {
        let Some(log) = self.logs.get(&shard) else { return LogPage { entries: Vec::new(), next: from } };
        let from = from.max(log.first);
        let mut entries = Vec::new();
        let mut bytes = 0;
        for position in from..log.next() {
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

    /// The keys that start with `prefix`, without it, and their values.
    pub(crate) fn with_prefix(&self, prefix: &[u8]) -> Vec<(Key, Value)> {
        self.data
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key[prefix.len()..].to_vec(), value.clone()))
            .collect()
    }
}

/// Shows a page of a range.
pub(crate) fn walk(
    data: &Data,
    start: &[u8],
    end: &[u8],
    direction: Direction,
    limit: PageLimit,
    each: &mut EachFn<'_>,
) -> Option<Key> {
    if start >= end {
        return None;
    }
    let range = data.range::<[u8], _>((Bound::Included(start), Bound::Excluded(end)));
    match direction {
        Direction::Forward => show(range, limit, each),
        Direction::Backward => show(range.rev(), limit, each),
    }
}

fn show<'a>(
    entries: impl Iterator<Item = (&'a Key, &'a Value)>,
    limit: PageLimit,
    each: &mut EachFn<'_>,
) -> Option<Key> {
    let mut bytes = 0;
    for (shown, (key, value)) in entries.enumerate() {
        bytes += key.len() + value.len();
        each(key, value);
        if shown + 1 >= limit.entries || bytes >= limit.bytes {
            return Some(key.clone());
        }
    }
    None
}
