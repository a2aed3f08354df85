//! What an embedded engine knows after it was closed and opened again.

use std::sync::Arc;

use graticule_kv::embedded::EmbeddedEngine;
use graticule_kv::{Batch, Engine, LogBounds, LogShard};

use crate::harness::{commit, get, log_entries, options};

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_is_there_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let shard = LogShard(5);
    for round in 0..4 {
        let engine = Arc::new(EmbeddedEngine::open(directory.path(), &options()).unwrap());
        for earlier in 0..round {
            for task in 0..8 {
                assert_eq!(get(&*engine, &format!("{earlier}/{task}")).await.unwrap(), "value");
            }
        }
        assert_eq!(engine.counter(b"commits").await.unwrap(), round * 8);
        assert_eq!(log_entries(&*engine, shard).await.len() as i64, round * 8);
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let engine = engine.clone();
                tokio::spawn(async move {
                    let mut batch = Batch::new();
                    batch.put(format!("{round}/{task}"), "value");
                    batch.append(shard, "entry");
                    batch.add("commits", 1);
                    commit(&*engine, batch).await.positions[0]
                })
            })
            .collect();
        let mut positions = Vec::new();
        for task in tasks {
            positions.push(task.await.unwrap() as i64);
        }
        positions.sort_unstable();
        assert_eq!(positions, (round * 8..round * 8 + 8).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_of_a_log_trimmed_to_nothing_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let shard = LogShard(5);
    for round in 0..3 {
        let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
        let next = round * 100;
        assert_eq!(engine.log_bounds(shard).await.unwrap(), LogBounds { first: next, next });
        let mut batch = Batch::new();
        (0..100).for_each(|_| batch.append(shard, "entry"));
        assert_eq!(commit(&engine, batch).await.positions[0], next);
        let mut batch = Batch::new();
        batch.trim_log(shard, u64::MAX);
        commit(&engine, batch).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_counters_stay_removed() {
    let directory = tempfile::tempdir().unwrap();
    let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    let mut batch = Batch::new();
    ["a", "b", "c"].iter().for_each(|key| batch.add(*key, 7));
    commit(&engine, batch).await;
    drop(engine);

    // The commit thread of this engine has seen none of them.
    let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    let mut batch = Batch::new();
    batch.delete("a");
    batch.delete_range("b", "c");
    batch.add("b", 1);
    batch.add("c", 1);
    commit(&engine, batch).await;
    drop(engine);

    let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    for (key, expected) in [("a", 0), ("b", 1), ("c", 8)] {
        assert_eq!(engine.counter(key.as_bytes()).await.unwrap(), expected, "{key}");
    }
}

/// Commits that nobody waits for any more are finished before the directory is closed.
#[tokio::test(flavor = "multi_thread")]
async fn closing_finishes_what_is_queued() {
    let directory = tempfile::tempdir().unwrap();
    let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    for n in 0..50 {
        let mut batch = Batch::new();
        batch.put(format!("{n}"), "value");
        // One poll reaches the queue: there is neither a lock nor a full queue to wait for.
        let mut future = std::pin::pin!(commit(&engine, batch));
        let _ = futures_util::poll!(&mut future);
    }
    drop(engine);
    let engine = EmbeddedEngine::open(directory.path(), &options()).unwrap();
    for n in 0..50 {
        assert_eq!(get(&engine, &format!("{n}")).await.unwrap(), "value");
    }
}
