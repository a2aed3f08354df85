//! The engine contract: the whole seam between DynamoDB's semantics and a store.
//!
//! DynamoDB needs little of a store because every write names its keys before it starts. So an engine offers
//! point reads, consistent snapshots, and [`transact`]: lock and read the declared keys, let a pure
//! function decide, commit what it decided atomically and durably. Logs are part of the contract, because on a
//! distributed engine their order cannot be had from commit times.
//!
//! The contract is asynchronous and bounded, so that a network may stand behind it.

use std::fmt;

use bytes::Bytes;
pub use futures_util::future::BoxFuture;
use tokio::sync::watch;

/// An ordered key. Keys compare as unsigned bytes.
pub type Key = Vec<u8>;
/// A stored value.
pub type Value = Bytes;

/// Longest key that an engine must accept, in bytes. A GSI entry carries two full primary keys.
pub const KEY_BYTES_MAX: usize = 16 * 1024;
/// Largest value that an engine must accept, in bytes: a log record with two images of a 400 KB item, whose JSON may be
/// ten times as long as the item counts.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest batch that an engine must accept, in bytes of keys and values.
pub const TRANSACTION_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Names one log. Its entries have positions 0, 1, 2, ... in commit order, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogShard(pub u64);

/// One effect of a commit. Effects of a batch apply in order; all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Sets a key.
    Put(Key, Vec<u8>),
    /// Removes a key; removing a missing one is no error.
    Delete(Key),
    /// Removes every key in `[start, end)`. Meant for dropping whole tables and indexes.
    DeleteRange(Key, Key),
    /// Adds to a counter, which starts at 0. Additions never conflict with each other, so a counter is not
    /// declared. Counter keys are read with [`Engine::counter`] and belong to no other effect but
    /// [`Effect::Delete`] and [`Effect::DeleteRange`], which reset them to 0.
    Add(Key, i64),
    /// Appends an entry to a log; the engine gives it the next position.
    Append(LogShard, Vec<u8>),
    /// Forgets the entries of a log below a position. Positions are never reused.
    TrimLog(LogShard, u64),
}

/// The effects of one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Effects in the order in which they apply.
    pub effects: Vec<Effect>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: impl Into<Key>, value: impl Into<Vec<u8>>) {
        self.effects.push(Effect::Put(key.into(), value.into()));
    }

    /// Removes `key`.
    pub fn delete(&mut self, key: impl Into<Key>) {
        self.effects.push(Effect::Delete(key.into()));
    }

    /// Removes every key in `[start, end)`.
    pub fn delete_range(&mut self, start: impl Into<Key>, end: impl Into<Key>) {
        self.effects.push(Effect::DeleteRange(start.into(), end.into()));
    }

    /// Adds `delta` to the counter `key`.
    pub fn add(&mut self, key: impl Into<Key>, delta: i64) {
        self.effects.push(Effect::Add(key.into(), delta));
    }

    /// Appends `entry` to `shard`.
    pub fn append(&mut self, shard: LogShard, entry: impl Into<Vec<u8>>) {
        self.effects.push(Effect::Append(shard, entry.into()));
    }

    /// Forgets the entries of `shard` before `position`.
    pub fn trim_log(&mut self, shard: LogShard, position: u64) {
        self.effects.push(Effect::TrimLog(shard, position));
    }

    /// Whether the batch does nothing.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// Bytes of keys and values, the measure of [`TRANSACTION_BYTES_MAX`].
    pub fn size_bytes(&self) -> usize {
        self.effects
            .iter()
            .map(|effect| match effect {
                Effect::Put(key, value) => key.len() + value.len(),
                Effect::Delete(key) | Effect::Add(key, _) => key.len() + 8,
                Effect::DeleteRange(start, end) => start.len() + end.len(),
                Effect::Append(_, entry) => 16 + entry.len(),
                Effect::TrimLog(..) => 16,
            })
            .sum()
    }
}

/// The keys of a transaction, named before it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Keys that the decision depends on and the batch does not touch. Readers share them.
    pub reads: Vec<Key>,
    /// Keys that the batch may touch, read under an exclusive lock. May overlap nothing in `reads`.
    ///
    /// Effects on undeclared keys are allowed only where the caller knows that a declared key guards them,
    /// as an item guards its index entries.
    pub writes: Vec<Key>,
}

/// How a transaction stands to others that want its keys at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Contention {
    /// Waits for whoever has them.
    #[default]
    Wait,
    /// Waits, but gives up with [`CommitError::Contended`] where another one claims a key that it writes.
    Yield,
    /// Gives up likewise, and claims what it writes from its start until its outcome is known. Claims are on keys, not
    /// on what an engine may lock with them, and they are gone before the outcome is told.
    Claim,
}

/// What a decision comes to.
#[derive(Debug)]
pub enum Decision<T> {
    /// Commit the batch, then answer `T`.
    Commit(Batch, T),
    /// Change nothing, answer `T`.
    Abort(T),
}

/// Where the entries of one commit went, in the order of its [`Effect::Append`]s.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Position of each appended entry.
    pub positions: Vec<u64>,
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The device, the network or the store failed.
    #[error("the storage engine could not read: {0}")]
    Io(String),
    /// Stored bytes are not what was written.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
}

/// How a commit ended, when it did not end well.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing was committed and nothing will be; the same call may succeed later.
    #[error("the commit was aborted: {0}")]
    Aborted(String),
    /// The outcome is open. The caller finds out by reading a declared key whose value its batch set to
    /// something unique (in Graticule the version of a write): once such a read has answered, the commit is
    /// either visible or will never be.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    /// The declared keys could not be read; nothing was committed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Others claim these of [`Declared::writes`]; nothing was committed. Only where [`Contention`] asks for it.
    #[error("another transaction is writing the same keys")]
    Contended(Vec<usize>),
    /// The batch is larger than the contract allows; nothing was committed.
    #[error("a commit of {size_bytes} bytes exceeds the limit of {limit_bytes}")]
    TooLarge {
        /// What was asked for.
        size_bytes: usize,
        /// What is allowed.
        limit_bytes: usize,
    },
}

/// Which way a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// Bounds one answer of a scan or a log read. At least one entry is always returned if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit {
    /// Most entries.
    pub entries: usize,
    /// Stop after the entry that reaches this many bytes of keys and values.
    pub bytes: usize,
}

/// Entries of one log in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// Positions and entries, without gaps.
    pub entries: Vec<(u64, Value)>,
    /// Where the next read goes on.
    pub next: u64,
}

/// The extent of one log: entries exist for `first..next`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogBounds {
    /// Position of the oldest entry kept (equal to `next` if none is).
    pub first: u64,
    /// Position that the next appended entry gets.
    pub next: u64,
}

/// A consistent view of the store at one moment. Meant to live for one page of a scan: seconds, not hours.
pub trait Snapshot: Send + Sync {
    /// The value of one key.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>>;

    /// Shows `each` the entries with keys in `[start, end)`, in the order of `direction`, up to `limit`. Gives the key of the
    /// last one if the limit was reached, and `None` if the range is exhausted. `each` may be called under a lock: it does
    /// little.
    fn walk<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        direction: Direction,
        limit: PageLimit,
        each: &'a mut EachFn<'_>,
    ) -> BoxFuture<'a, Result<Option<Key>, ReadError>>;

    /// The entries that [`Snapshot::walk`] shows.
    fn scan<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        direction: Direction,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Vec<(Key, Value)>, ReadError>> {
        Box::pin(async move {
            let mut rows = Vec::new();
            let mut keep =
                |key: &[u8], value: &[u8]| rows.push((key.to_vec(), Value::copy_from_slice(value)));
            self.walk(start, end, direction, limit, &mut keep).await?;
            Ok(rows)
        })
    }
}

/// Who looks at entries one by one, at keys and values where they lie.
pub type EachFn<'a> = dyn FnMut(&[u8], &[u8]) + Send + 'a;

/// The decision function in the form that trait objects can take: `None` aborts.
///
/// It is pure: an engine may call it again after a conflict. Values come in the order of
/// [`Declared::reads`], then [`Declared::writes`].
pub type DecideFn<'a> = dyn FnMut(&[Option<Value>]) -> Option<Batch> + Send + 'a;

/// An ordered, transactional, durable key-value store.
///
/// Transactions are serializable among themselves. A commit is acknowledged once it is durable (as far as the
/// engine is durable at all). A commit is visible to every read that starts after its acknowledgement.
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// The latest committed value of one key.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>>;

    /// The value of a counter, 0 if nothing was ever added.
    fn counter<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<i64, ReadError>>;

    /// A consistent view of everything acknowledged so far.
    fn snapshot<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Snapshot + 'a>, ReadError>>;

    /// Which of these keys a running transaction claims ([`Contention::Claim`]) at this moment.
    fn claimed<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Vec<bool>>;

    /// Locks and reads the declared keys, decides, commits. Use [`transact`], which carries an answer.
    fn transact_dyn<'a>(
        &'a self,
        declared: &'a Declared,
        contention: Contention,
        decide: &'a mut DecideFn<'_>,
    ) -> BoxFuture<'a, Result<Committed, CommitError>>;

    /// Entries of a log from `from` on (from the oldest kept entry, if that is later).
    fn read_log<'a>(
        &'a self,
        shard: LogShard,
        from: u64,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<LogPage, ReadError>>;

    /// The extent of a log.
    fn log_bounds<'a>(&'a self, shard: LogShard) -> BoxFuture<'a, Result<LogBounds, ReadError>>;

    /// Tells when a log has grown: holds the next position as last seen. A hint: a reader that also looks by
    /// itself now and then misses nothing.
    fn watch_log(&self, shard: LogShard) -> watch::Receiver<u64>;
}

/// Runs one transaction, which waits for others, and carries the decision's answer out of it.
pub async fn transact<T: Send>(
    engine: &dyn Engine,
    declared: &Declared,
    decide: impl FnMut(&[Option<Value>]) -> Decision<T> + Send,
) -> Result<(T, Committed), CommitError> {
    transact_contending(engine, declared, Contention::Wait, decide).await
}

/// Runs one transaction that stands to others as `contention` says.
pub async fn transact_contending<T: Send>(
    engine: &dyn Engine,
    declared: &Declared,
    contention: Contention,
    mut decide: impl FnMut(&[Option<Value>]) -> Decision<T> + Send,
) -> Result<(T, Committed), CommitError> {
    let mut answer = None;
    let mut decide_dyn = |values: &[Option<Value>]| match decide(values) {
        Decision::Commit(batch, value) => {
            answer = Some(value);
            Some(batch)
        }
        Decision::Abort(value) => {
            answer = Some(value);
            None
        }
    };
    let committed = engine.transact_dyn(declared, contention, &mut decide_dyn).await?;
    Ok((answer.expect("an engine that returns Ok has called decide"), committed))
}
