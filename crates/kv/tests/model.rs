//! Random histories on every engine against plain maps.

use std::collections::BTreeMap;

use graticule_kv::embedded::EmbeddedEngine;
use graticule_kv::memory::MemoryEngine;
use graticule_kv::{Batch, Direction, Effect, Engine, LogBounds, LogShard, PageLimit, Snapshot};
use proptest::prelude::*;

use crate::harness::{commit, options, text};

#[derive(Debug, Clone)]
enum Op {
    Commit(Vec<Effect>),
    /// Takes a snapshot, commits the batches, then looks through the snapshot.
    SnapshotAcross(Vec<Vec<Effect>>, Look),
    Look(Look),
    ReadLog(LogShard, u64, PageLimit),
    /// Closes and opens again what can be.
    Reopen,
}

#[derive(Debug, Clone)]
struct Look {
    start: Vec<u8>,
    end: Vec<u8>,
    direction: Direction,
    limit: PageLimit,
}

#[derive(Default)]
struct Model {
    data: BTreeMap<Vec<u8>, Vec<u8>>,
    counters: BTreeMap<Vec<u8>, i64>,
    logs: BTreeMap<LogShard, (LogBounds, BTreeMap<u64, Vec<u8>>)>,
}

impl Model {
    fn apply(&mut self, effects: &[Effect]) -> Vec<u64> {
        let mut positions = Vec::new();
        for effect in effects {
            match effect.clone() {
                Effect::Put(key, value) => drop(self.data.insert(key, value)),
                Effect::Delete(key) => {
                    self.data.remove(&key);
                    self.counters.remove(&key);
                }
                Effect::DeleteRange(start, end) => {
                    self.data.retain(|key, _| *key < start || *key >= end);
                    self.counters.retain(|key, _| *key < start || *key >= end);
                }
                Effect::Add(key, delta) => *self.counters.entry(key).or_default() += delta,
                Effect::Append(shard, entry) => {
                    let (bounds, entries) = self.logs.entry(shard).or_default();
                    entries.insert(bounds.next, entry);
                    positions.push(bounds.next);
                    bounds.next += 1;
                }
                Effect::TrimLog(shard, position) => {
                    let (bounds, entries) = self.logs.entry(shard).or_default();
                    bounds.first = position.clamp(bounds.first, bounds.next);
                    entries.retain(|position, _| *position >= bounds.first);
                }
            }
        }
        positions
    }

    fn scan(&self, look: &Look) -> Vec<(Vec<u8>, Vec<u8>)> {
        let within = self.data.iter().filter(|(key, _)| **key >= look.start && **key < look.end);
        let mut all: Vec<_> = within.map(|(key, value)| (key.clone(), value.clone())).collect();
        if look.direction == Direction::Backward {
            all.reverse();
        }
        let mut bytes = 0;
        let mut room = true;
        let fits = |(key, value): &(Vec<u8>, Vec<u8>)| {
            let fits = room;
            bytes += key.len() + value.len();
            room = room && bytes < look.limit.bytes;
            fits
        };
        all.into_iter().take(look.limit.entries.max(1)).take_while(fits).collect()
    }
}

async fn check_look(snapshot: &dyn Snapshot, model: &Model, look: &Look) {
    let page = snapshot.scan(&look.start, &look.end, look.direction, look.limit).await.unwrap();
    let page: Vec<_> = page.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
    assert_eq!(page, model.scan(look), "{look:?}");
    let value = snapshot.get(&look.start).await.unwrap();
    assert_eq!(value.as_deref(), model.data.get(&look.start).map(Vec::as_slice));
}

async fn check_commit(engine: &dyn Engine, model: &mut Model, effects: &[Effect]) {
    let committed = commit(engine, Batch { effects: effects.to_vec() }).await;
    assert_eq!(committed.positions, model.apply(effects));
    for (shard, (bounds, _)) in &model.logs {
        assert_eq!(engine.log_bounds(*shard).await.unwrap(), *bounds);
    }
    for key in (0..8).map(key) {
        assert_eq!(engine.counter(&key).await.unwrap(), model.counters.get(&key).copied().unwrap_or(0));
        assert_eq!(engine.get(&key).await.unwrap().map(Vec::from), model.data.get(&key).cloned());
    }
}

async fn check_log(engine: &dyn Engine, model: &Model, shard: LogShard, from: u64, limit: PageLimit) {
    let page = engine.read_log(shard, from, limit).await.unwrap();
    let (bounds, entries) = model.logs.get(&shard).cloned().unwrap_or_default();
    let from = from.max(bounds.first);
    let mut expected = Vec::new();
    let mut bytes = 0;
    for (position, entry) in entries.range(from..) {
        expected.push((*position, String::from_utf8(entry.clone()).unwrap()));
        bytes += entry.len();
        if expected.len() >= limit.entries || bytes >= limit.bytes {
            break;
        }
    }
    assert_eq!(page.next, expected.last().map_or(from, |(position, _)| position + 1));
    let seen: Vec<_> = page.entries.into_iter().map(|(position, entry)| (position, text(entry))).collect();
    assert_eq!(seen, expected);
}

fn run(ops: &[Op], mut open: impl FnMut(Option<Box<dyn Engine>>) -> Box<dyn Engine>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut model = Model::default();
    let mut engine = open(None);
    for op in ops {
        runtime.block_on(async {
            match op {
                Op::Commit(effects) => check_commit(&*engine, &mut model, effects).await,
                Op::SnapshotAcross(batches, look) => {
                    let snapshot = engine.snapshot().await.unwrap();
                    let before = Model { data: model.data.clone(), ..Model::default() };
                    for effects in batches {
                        check_commit(&*engine, &mut model, effects).await;
                    }
                    check_look(&*snapshot, &before, look).await;
                }
                Op::Look(look) => check_look(&*engine.snapshot().await.unwrap(), &model, look).await,
                Op::ReadLog(shard, from, limit) => check_log(&*engine, &model, *shard, *from, *limit).await,
                Op::Reopen => {}
            }
        });
        if matches!(op, Op::Reopen) {
            engine = open(Some(engine));
        }
    }
}

fn key(n: usize) -> Vec<u8> {
    format!("k{n}").into_bytes()
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    (0..8_usize).prop_map(key)
}

fn shards() -> impl Strategy<Value = LogShard> {
    (0..3_u64).prop_map(LogShard)
}

fn effects() -> impl Strategy<Value = Vec<Effect>> {
    let effect = prop_oneof![
        4 => (keys(), "[a-z]{0,6}").prop_map(|(key, value)| Effect::Put(key, value.into_bytes())),
        2 => keys().prop_map(Effect::Delete),
        1 => (keys(), keys()).prop_map(|(start, end)| Effect::DeleteRange(start, end)),
        3 => (keys(), -9..9_i64).prop_map(|(key, delta)| Effect::Add(key, delta)),
        3 => (shards(), "[a-z]{0,6}").prop_map(|(shard, entry)| Effect::Append(shard, entry.into_bytes())),
        1 => (shards(), 0..12_u64).prop_map(|(shard, position)| Effect::TrimLog(shard, position)),
    ];
    prop::collection::vec(effect, 0..8)
}

fn limits() -> impl Strategy<Value = PageLimit> {
    (0..6_usize, 0..40_usize).prop_map(|(entries, bytes)| PageLimit { entries, bytes })
}

fn looks() -> impl Strategy<Value = Look> {
    let directions = prop_oneof![Just(Direction::Forward), Just(Direction::Backward)];
    (keys(), keys(), directions, limits()).prop_map(|(start, end, direction, limit)| Look {
        start,
        end,
        direction,
        limit,
    })
}

fn histories() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => effects().prop_map(Op::Commit),
        2 => (prop::collection::vec(effects(), 1..4), looks())
            .prop_map(|(batches, look)| Op::SnapshotAcross(batches, look)),
        3 => looks().prop_map(Op::Look),
        3 => (shards(), 0..15_u64, limits())
            .prop_map(|(shard, from, limit)| Op::ReadLog(shard, from, limit)),
        1 => Just(Op::Reopen),
    ];
    prop::collection::vec(op, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_engine_equals_plain_maps(ops in histories()) {
        run(&ops, |old| old.unwrap_or_else(|| Box::new(MemoryEngine::new())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn embedded_engine_equals_plain_maps(ops in histories()) {
        let directory = tempfile::tempdir().unwrap();
        run(&ops, |old| {
            drop(old);
            Box::new(EmbeddedEngine::open(directory.path(), &options()).unwrap())
        });
    }
}
