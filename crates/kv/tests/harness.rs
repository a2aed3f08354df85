//! What the tests share: engines to test, and short ways to use them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use graticule_kv::embedded::{EmbeddedEngine, Memory, Options};
use graticule_kv::memory::MemoryEngine;
use graticule_kv::{
    Batch, Committed, Decision, Declared, Direction, Engine, Key, LogShard, PageLimit, Value, transact,
};
use tempfile::TempDir;

pub(crate) const UNLIMITED: PageLimit = PageLimit { entries: usize::MAX, bytes: usize::MAX };

/// An engine and, if it lives on disk, its directory. Fields drop in this order.
pub(crate) struct Fixture {
    pub(crate) engine: Arc<dyn Engine>,
    _directory: Option<TempDir>,
}

impl Fixture {
    pub(crate) fn memory() -> Fixture {
        Fixture { engine: Arc::new(MemoryEngine::new()), _directory: None }
    }

    pub(crate) fn embedded() -> Fixture {
        Fixture::embedded_with(&options())
    }

    /// The embedded engine with every row kept in memory.
    pub(crate) fn resident() -> Fixture {
        Fixture::embedded_with(&Options { resident_prefix: Some(Vec::new()), ..options() })
    }

    fn embedded_with(options: &Options) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let engine = EmbeddedEngine::open(directory.path(), options).unwrap();
        Fixture { engine: Arc::new(engine), _directory: Some(directory) }
    }
}

/// All embedded engines of the test binary share one small memory budget.
pub(crate) fn options() -> Options {
    static MEMORY: OnceLock<Memory> = OnceLock::new();
    let memory = MEMORY.get_or_init(|| Memory::new(64 * 1024 * 1024)).clone();
    Options { memory, ..Options::default() }
}

pub(crate) fn declared(reads: &[&str], writes: &[&str]) -> Declared {
    let keys = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
    Declared { reads: keys(reads), writes: keys(writes) }
}

/// Commits a batch with no declared keys.
pub(crate) async fn commit(engine: &dyn Engine, batch: Batch) -> Committed {
    let declared = Declared::default();
    transact(engine, &declared, |_| Decision::Commit(batch.clone(), ())).await.unwrap().1
}

pub(crate) async fn put(engine: &dyn Engine, key: &str, value: &str) {
    let mut batch = Batch::new();
    batch.put(key, value);
    commit(engine, batch).await;
}

pub(crate) async fn get(engine: &dyn Engine, key: &str) -> Option<String> {
    engine.get(key.as_bytes()).await.unwrap().map(text)
}

pub(crate) async fn scan_all(engine: &dyn Engine) -> Vec<(Key, Value)> {
    let snapshot = engine.snapshot().await.unwrap();
    snapshot.scan(b"", &[0xff; 8], Direction::Forward, UNLIMITED).await.unwrap()
}

/// All kept entries of a log, which must be gap-free, as text.
pub(crate) async fn log_entries(engine: &dyn Engine, shard: LogShard) -> Vec<String> {
    let bounds = engine.log_bounds(shard).await.unwrap();
    let page = engine.read_log(shard, 0, UNLIMITED).await.unwrap();
    let positions: Vec<u64> = page.entries.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, (bounds.first..bounds.next).collect::<Vec<_>>());
    assert_eq!(page.next, bounds.next);
    page.entries.into_iter().map(|(_, entry)| text(entry)).collect()
}

pub(crate) fn text(value: Value) -> String {
    String::from_utf8(value.to_vec()).unwrap()
}

/// Fails instead of hanging, also on a machine that is busy with other things.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("this must not take so long")
}
