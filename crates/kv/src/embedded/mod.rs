//! The default engine: one RocksDB directory on local disk.
//!
//! Transactions lock and read their declared keys in the caller's task, then hand the batch and the locks to
//! one commit thread (`commit.rs`), which makes a group of waiting batches durable with one fsync. Invariants:
//!
//! - Commit order is queue order. Exclusive locks are held until the commit is durable and visible, and they
//!   travel with the batch: a caller that goes away changes nothing about a commit that is under way.
//! - Nothing is visible before it is durable.
//! - Once a write has failed, nobody knows what is on disk; from then on the engine neither reads nor commits
//!   until it is reopened, so that no reader sees an outcome that a restart could reverse.
//!
//! Reads run inline on the caller's thread and never wait for writers. The engine knows nothing of what the
//! keys mean, and it has the directory to itself.

mod commit;
mod group;
mod open;
mod resident;
mod store;

use std::fmt;
use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::contract::{
    BoxFuture, CommitError, Committed, Contention, DecideFn, Declared, Direction, EachFn, Engine, Key,
    LogBounds, LogPage, LogShard, PageLimit, ReadError, Snapshot, TRANSACTION_BYTES_MAX, Value,
};
use crate::limits;
use crate::locks::Locks;
use crate::watches::Watches;
use commit::{Committer, Request};
use store::Store;

pub use open::{Memory, OpenError, Options};

/// Most commits that wait for the commit thread; further ones wait for room.
const QUEUE_ENTRIES_MAX: usize = 4096;
/// Most bytes of batches that wait for the commit thread.
const QUEUE_BYTES_MAX: usize = 2 * TRANSACTION_BYTES_MAX;
/// Queue bytes are counted in units of this size, because a semaphore counts in 32 bits.
const QUEUE_UNIT_BYTES: usize = 1024;

/// An [`Engine`] on a directory. Dropping it finishes the queued commits and closes the directory.
pub struct EmbeddedEngine {
    locks: Locks,
    store: Arc<Store>,
    watches: Arc<Watches>,
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Request>>,
    queue_room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

struct EmbeddedSnapshot<'a> {
    snapshot: rocksdb::Snapshot<'a>,
}

impl EmbeddedEngine {
    /// Opens the store in the directory `path`, creating it if there is none. One process at a time may have
    /// a directory open. Blocks on disk I/O; after a crash it replays the write-ahead log.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<EmbeddedEngine, OpenError> {
        let path = path.as_ref();
        let database = open::open(path, options)?;
        let store = Store::new(database, options).map_err(|error| OpenError::from_read(path, &error))?;
        let store = Arc::new(store);
        let watches = Arc::new(Watches::default());
        let (queue, requests) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let committer = Committer::new(Arc::clone(&store), Arc::clone(&watches));
        let thread = std::thread::Builder::new()
            .name("kv-commit".to_owned())
            .spawn(move || committer.run(requests))
            .map_err(|error| OpenError::from_io(path, error))?;
        Ok(EmbeddedEngine {
            locks: Locks::new(),
            store,
            watches,
            queue: Some(queue),
            queue_room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX / QUEUE_UNIT_BYTES)),
            thread: Some(thread),
        })
    }

    async fn transact(
        &self,
        declared: &Declared,
        contention: Contention,
        decide: &mut DecideFn<'_>,
    ) -> Result<Committed, CommitError> {
        let mut held = self.locks.acquire(declared, contention).await?;
        // Only now: the commit thread declares the store failed before it releases the locks of a commit
        // whose outcome is open.
        self.store.check_usable().map_err(CommitError::Aborted)?;
        let keys = declared.reads.iter().chain(&declared.writes);
        let values = keys.map(|key| self.store.get(key)).collect::<Result<Vec<_>, _>>()?;
        let Some(batch) = decide(&values) else { return Ok(Committed::default()) };
        limits::check(&batch)?;
        if batch.is_empty() {
            return Ok(Committed::default());
        }

        let units = 1 + batch.size_bytes() / QUEUE_UNIT_BYTES;
        let units = u32::try_from(units).expect("the limit of a batch is far below 2^32 units");
        let room = Arc::clone(&self.queue_room).acquire_many_owned(units).await;
        let room = room.expect("the semaphore is never closed");
        let shared = held.take_shared();
        let (done, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().expect("the queue lives until drop");
        if queue.send(Request { batch, held, room, done }).await.is_err() {
            return Err(CommitError::Aborted(commit::STOPPED.to_owned()));
        }
        // The commit has its place in the order, so a later writer of these keys comes after it.
        drop(shared);
        let stopped = || CommitError::Unknown(commit::STOPPED.to_owned());
        outcome.await.map_err(|_| stopped())?.outcome
    }

    fn readable<T>(&self, read: impl FnOnce(&Store) -> Result<T, ReadError>) -> Result<T, ReadError> {
        self.store.check_usable().map_err(ReadError::Io)?;
        read(&self.store)
    }
}

impl Engine for EmbeddedEngine {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>> {
        Box::pin(ready(self.readable(|store| store.get(key))))
    }

    fn counter<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<i64, ReadError>> {
        Box::pin(ready(self.readable(|store| Ok(store.counter(key)?.unwrap_or(0)))))
    }

    fn snapshot<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Snapshot + 'a>, ReadError>> {
        let taken = self.store.check_usable().map_err(ReadError::Io).map(|()| {
            let snapshot: Box<dyn Snapshot + 'a> =
                Box::new(EmbeddedSnapshot { snapshot: self.store.snapshot() });
            snapshot
        });
        Box::pin(ready(taken))
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
        Box::pin(self.transact(declared, contention, decide))
    }

    fn read_log<'a>(
        &'a self,
        shard: LogShard,
        from: u64,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<LogPage, ReadError>> {
        Box::pin(ready(self.readable(|store| store.read_log(shard, from, limit))))
    }

    fn log_bounds<'a>(&'a self, shard: LogShard) -> BoxFuture<'a, Result<LogBounds, ReadError>> {
        Box::pin(ready(self.readable(|store| store.log_bounds(shard))))
    }

    fn watch_log(&self, shard: LogShard) -> watch::Receiver<u64> {
        // A failed read shows itself to the reader that follows; the hint then starts low.
        self.watches.subscribe(shard, || self.store.log_bounds(shard).map_or(0, |bounds| bounds.next))
    }
}

impl Snapshot for EmbeddedSnapshot<'_> {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>> {
        Box::pin(ready(store::get_at(&self.snapshot, key)))
    }

    fn walk<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        direction: Direction,
        limit: PageLimit,
        each: &'a mut EachFn<'_>,
    ) -> BoxFuture<'a, Result<Option<Key>, ReadError>> {
        Box::pin(ready(store::walk_at(&self.snapshot, start, end, direction, limit, each)))
    }
}

impl fmt::Debug for EmbeddedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedEngine").field("path", &self.store.path()).finish_non_exhaustive()
    }
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        // Without senders the commit thread finishes what is queued and ends.
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(path = %self.store.path().display(), "the commit thread panicked");
        }
        self.store.close();
    }
}
