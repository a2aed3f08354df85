//! Engines that refuse a commit now and then, as one on an almost full disk does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use graticule_kv::{
    BoxFuture, CommitError, Committed, Contention, DecideFn, Declared, Engine, Key, LogBounds, LogPage,
    LogShard, PageLimit, ReadError, Snapshot, Value, memory::MemoryEngine,
};
use tokio::sync::watch;

use crate::cluster::{Node, cluster, equal, share};

/// Refuses every third commit while it is told to.
#[derive(Debug)]
struct Refusing {
    engine: MemoryEngine,
    commits: AtomicU64,
    refusing: AtomicBool,
}

impl Engine for Refusing {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>> {
        self.engine.get(key)
    }

    fn counter<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<i64, ReadError>> {
        self.engine.counter(key)
    }

    fn snapshot<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Snapshot + 'a>, ReadError>> {
        self.engine.snapshot()
    }

    fn claimed<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Vec<bool>> {
        self.engine.claimed(keys)
    }

    fn transact_dyn<'a>(
        &'a self,
        declared: &'a Declared,
        contention: Contention,
        decide: &'a mut DecideFn<'_>,
    ) -> BoxFuture<'a, Result<Committed, CommitError>> {
        let commit = self.commits.fetch_add(1, Ordering::SeqCst);
        if self.refusing.load(Ordering::SeqCst) && commit % 3 == 2 {
            return Box::pin(async { Err(CommitError::Aborted("told to".to_owned())) });
        }
        self.engine.transact_dyn(declared, contention, decide)
    }

    fn read_log<'a>(
        &'a self,
        shard: LogShard,
        from: u64,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<LogPage, ReadError>> {
        self.engine.read_log(shard, from, limit)
    }

    fn log_bounds<'a>(&'a self, shard: LogShard) -> BoxFuture<'a, Result<LogBounds, ReadError>> {
        self.engine.log_bounds(shard)
    }

    fn watch_log(&self, shard: LogShard) -> watch::Receiver<u64> {
        self.engine.watch_log(shard)
    }
}

/// The batch behind a refused one was applied, and moved the cursor past what was missing for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_is_shipped_again() {
    let (network, [a]) = cluster().await;
    // With slow wires several batches are on their way at once. No write repairs what another one's batch has lost.
    network.delay(10);
    let engine = Arc::new(Refusing {
        engine: MemoryEngine::new(),
        commits: AtomicU64::new(0),
        refusing: AtomicBool::new(false),
    });
    let b = Node::open_on(&network, "b".parse().unwrap(), Arc::clone(&engine) as _, 0).await;
    share(&[&a, &b]).await;
    engine.refusing.store(true, Ordering::SeqCst);
    for round in 0..300 {
        a.put(&format!("k{round}"), "v").await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    engine.refusing.store(false, Ordering::SeqCst);
    assert_eq!(equal(&[&a, &b]).await.len(), 300);
}
