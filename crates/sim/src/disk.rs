//! A simulated disk, and the engine that one incarnation of a Region runs on it.
//!
//! The engine keeps the contract of the embedded one: declared keys are locked, commits queue up in order, a group of them
//! is synced after a delay, and only then visible and acknowledged. Invariant: a crash leaves what was synced and a prefix,
//! drawn from the seed, of what was queued. Commits can also be refused, and now and then the outcome of one is unknown.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use graticule_env::Env;
use graticule_kv::{
    Batch, BoxFuture, CommitError, Committed, Contention, DecideFn, Declared, Direction, EachFn, Effect,
    Engine, KEY_BYTES_MAX, Key, LogBounds, LogPage, LogShard, PageLimit, ReadError, Snapshot,
    TRANSACTION_BYTES_MAX, VALUE_BYTES_MAX, Value,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot, watch};

use crate::{
    executor::yield_once,
    locks::{Held, Locks},
    random::Random,
    store::{Data, Store, walk},
};

/// How well a disk works.
#[derive(Debug, Clone, Copy)]
pub struct Health {
    /// The longest a sync takes, in microseconds.
    pub sync_us_max: u64,
    /// Commits of a thousand that are refused.
    pub aborts_permille: u64,
    /// Commits of a thousand whose outcome is unknown.
    pub unknown_permille: u64,
    /// Commits are acknowledged before they are synced, which breaks the contract.
    pub lies: bool,
}

impl Health {
    /// A disk without faults.
    pub const GOOD: Health =
        Health { sync_us_max: 2_000, aborts_permille: 0, unknown_permille: 0, lies: false };
}

/// Called with every commit when it becomes durable, with the positions of what it appended.
type Tap = Box<dyn Fn(&Batch, &Committed) + Send + Sync>;

struct Queued {
    batch: Batch,
    held: Held,
    done: oneshot::Sender<Result<Committed, CommitError>>,
}

/// A commit and what became of it.
type Ended = (Queued, Result<Committed, CommitError>);

struct State {
    store: Store,
    queue: VecDeque<Queued>,
    health: Health,
    /// Nothing is synced for now.
    held: bool,
    random: Random,
}

/// A disk. It outlives the engines that run on it.
pub struct Disk {
    state: Mutex<State>,
    tap: Tap,
    /// There may be something to sync.
    stirred: Arc<Notify>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    /// An empty disk.
    pub fn new(seed: u64, name: &str, tap: impl Fn(&Batch, &Committed) + Send + Sync + 'static) -> Arc<Disk> {
        let random = Random::new(seed, name);
        let (store, queue) = (Store::default(), VecDeque::new());
        let state = State { store, queue, health: Health::GOOD, held: false, random };
        Arc::new(Disk { state: Mutex::new(state), tap: Box::new(tap), stirred: Arc::new(Notify::new()) })
    }

    /// Says how well it works from now on.
    pub fn set_health(&self, health: Health) {
        self.state.lock().health = health;
    }

    /// Syncs nothing until [`Disk::release`].
    pub(crate) fn hold(&self) {
        self.state.lock().held = true;
    }

    /// Goes on syncing. What waits by now is refused if `refuse` says so.
    pub(crate) fn release(&self, refuse: bool) {
        let waiting = {
            let mut state = self.state.lock();
            state.held = false;
            if refuse { std::mem::take(&mut state.queue) } else { VecDeque::new() }
        };
        for Queued { held, done, .. } in waiting {
            drop(held);
            let _ = done.send(Err(CommitError::Aborted("the simulated disk refuses".to_owned())));
        }
        self.stirred.notify_one();
    }

    /// How many commits wait to be synced.
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Changes what is durable behind the back of whatever runs on the disk.
    pub(crate) fn tamper(&self, change: impl FnOnce(&mut Store)) {
        change(&mut self.state.lock().store);
    }

    /// Loses what was not synced, but for a prefix that happened to reach the disk.
    pub(crate) fn crash(&self) {
        let (survived, lost) = {
            let mut state = self.state.lock();
            let queue = std::mem::take(&mut state.queue);
            let survivors = state.random.below(queue.len() + 1);
            let mut survived = Vec::new();
            let mut lost = Vec::new();
            for (at, queued) in queue.into_iter().enumerate() {
                if at < survivors {
                    let (committed, _) = state.store.apply(&queued.batch);
                    survived.push((queued, committed));
                } else {
                    lost.push(queued);
                }
            }
            (survived, lost)
        };
        for (queued, committed) in &survived {
            (self.tap)(&queued.batch, committed);
        }
        drop((survived, lost));
    }

    /// Looks at what is durable.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.state.lock().store)
    }

    /// Applies the oldest `count` queued commits, or what becomes of them.
    fn sync(&self, count: usize) -> (Vec<Ended>, BTreeMap<LogShard, u64>) {
        let mut ended = Vec::new();
        let mut all_grown = BTreeMap::new();
        let mut state = self.state.lock();
        let count = if state.held { 0 } else { count };
        for _ in 0..count {
            let Some(queued) = state.queue.pop_front() else { break };
            let Health { aborts_permille, unknown_permille, .. } = state.health;
            let aborted = state.random.permille(aborts_permille);
            let unknown = !aborted && state.random.permille(unknown_permille);
            if aborted {
                ended.push((queued, Err(CommitError::Aborted("the simulated disk refuses".to_owned()))));
                continue;
            }
            let lost = unknown && state.random.percent(50);
            let mut committed = Committed::default();
            if !lost {
                let (applied, grown) = state.store.apply(&queued.batch);
                all_grown.extend(grown);
                committed = applied;
            }
            if !lost {
                (self.tap)(&queued.batch, &committed);
            }
            let outcome = if unknown {
                Err(CommitError::Unknown("the simulated disk does not say".to_owned()))
            } else {
                Ok(committed)
            };
            ended.push((queued, outcome));
        }
        (ended, all_grown)
    }
}

/// The engine of one incarnation of a Region.
pub struct DiskEngine {
    disk: Weak<Disk>,
    env: Env,
    locks: Locks,
    watches: Arc<Mutex<BTreeMap<LogShard, watch::Sender<u64>>>>,
    queued: Arc<Notify>,
    random: Mutex<Random>,
}

impl fmt::Debug for DiskEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskEngine")
    }
}

struct DiskSnapshot(Data);

fn gone() -> ReadError {
    ReadError::Io("the simulated machine is gone".to_owned())
}

impl DiskEngine {
    /// Opens the disk. The commits of this engine are written by a task of `env`.
    pub fn open(disk: &Arc<Disk>, env: Env) -> Arc<DiskEngine> {
        let seed = env.random_u64();
        let engine = Arc::new(DiskEngine {
            disk: Arc::downgrade(disk),
            env: env.clone(),
            locks: Locks::default(),
            watches: Arc::default(),
            queued: Arc::clone(&disk.stirred),
            random: Mutex::new(Random::new(seed, "engine")),
        });
        let (disk, watches, queued) =
            (Arc::downgrade(disk), Arc::clone(&engine.watches), Arc::clone(&engine.queued));
        let writer = env.clone();
        env.spawn("disk", async move {
            loop {
                let Some(group) = disk.upgrade().map(|disk| next_group(&disk)) else { return };
                let Some((count, delay)) = group else {
                    queued.notified().await;
                    continue;
                };
                writer.sleep(delay).await;
                let Some(disk) = disk.upgrade() else { return };
                let (ended, grown) = disk.sync(count);
                for (shard, next) in grown {
                    publish(&watches, shard, next);
                }
                for (Queued { held, done, .. }, outcome) in ended {
                    drop(held);
                    let _ = done.send(outcome);
                }
            }
        });
        engine
    }

    fn disk(&self) -> Result<Arc<Disk>, ReadError> {
        self.disk.upgrade().ok_or_else(gone)
    }

    /// Reading takes its time now and then.
    async fn read_time(&self) {
        let (kind, delay) = {
            let mut random = self.random.lock();
            (random.below(16), random.micros(10, 400))
        };
        match kind {
            0 => self.env.sleep(delay).await,
            1..4 => yield_once().await,
            _ => {}
        }
    }
}

/// How many of the queued commits are written next, and how long that takes.
fn next_group(disk: &Disk) -> Option<(usize, Duration)> {
    let mut state = disk.state.lock();
    let waiting = state.queue.len();
    if waiting == 0 || state.held {
        return None;
    }
    let count = if state.random.percent(70) { waiting } else { 1 + state.random.below(waiting) };
    let sync_us_max = state.health.sync_us_max;
    let delay = state.random.micros(20.min(sync_us_max), sync_us_max);
    Some((count, delay))
}

fn publish(watches: &Mutex<BTreeMap<LogShard, watch::Sender<u64>>>, shard: LogShard, next: u64) {
    let mut watches = watches.lock();
    let Some(sender) = watches.get(&shard) else { return };
    if sender.is_closed() {
        watches.remove(&shard);
        return;
    }
    sender.send_if_modified(|seen| {
        let grown = *seen < next;
        *seen = next.max(*seen);
        grown
    });
}

impl Engine for DiskEngine {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>> {
        Box::pin(async move {
            self.read_time().await;
            Ok(self.disk()?.look(|store| store.data.get(key).cloned()))
        })
    }

    fn counter<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<i64, ReadError>> {
        Box::pin(async move {
            self.read_time().await;
            Ok(self.disk()?.look(|store| store.counter(key)))
        })
    }

    fn snapshot<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Snapshot + 'a>, ReadError>> {
        Box::pin(async move {
            self.read_time().await;
            let snapshot = DiskSnapshot(self.disk()?.look(|store| Arc::clone(&store.data)));
            let snapshot: Box<dyn Snapshot + 'a> = Box::new(snapshot);
            Ok(snapshot)
        })
    }

    fn claimed<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Vec<bool>> {
        Box::pin(async move { self.locks.claimed(keys) })
    }

    fn transact_dyn<'a>(
        &'a self,
        declared: &'a Declared,
        contention: Contention,
        decide: &'a mut DecideFn<'_>,
    ) -> BoxFuture<'a, Result<Committed, CommitError>> {
        Box::pin(async move {
            let mut held = self.locks.acquire(declared, contention).await?;
            self.read_time().await;
            let waiting = {
                let disk = self.disk()?;
                let values: Vec<Option<Value>> = disk.look(|store| {
                    let keys = declared.reads.iter().chain(&declared.writes);
                    keys.map(|key| store.data.get(key).cloned()).collect()
                });
                let Some(batch) = decide(&values) else { return Ok(Committed::default()) };
                check(&batch)?;
                let (done, waiting) = oneshot::channel();
                held.release_shared();
                let mut state = disk.state.lock();
                state.queue.push_back(Queued { batch, held, done });
                if state.health.lies {
                    self.queued.notify_one();
                    return Ok(Committed::default());
                }
                waiting
            };
            self.queued.notify_one();
            match waiting.await {
                Ok(outcome) => outcome,
                Err(_) => Err(CommitError::Unknown("the simulated machine is gone".to_owned())),
            }
        })
    }

    fn read_log<'a>(
        &'a self,
        shard: LogShard,
        from: u64,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<LogPage, ReadError>> {
        Box::pin(async move {
            self.read_time().await;
            Ok(self.disk()?.look(|store| store.read_log(shard, from, limit)))
        })
    }

    fn log_bounds<'a>(&'a self, shard: LogShard) -> BoxFuture<'a, Result<LogBounds, ReadError>> {
        Box::pin(async move {
            self.read_time().await;
            Ok(self.disk()?.look(|store| store.log_bounds(shard)))
        })
    }

    fn watch_log(&self, shard: LogShard) -> watch::Receiver<u64> {
        let mut watches = self.watches.lock();
        if let Some(sender) = watches.get(&shard) {
            return sender.subscribe();
        }
        let next = self.disk().map_or(0, |disk| disk.look(|store| store.log_bounds(shard).next));
        let (sender, receiver) = watch::channel(next);
        watches.insert(shard, sender);
        receiver
    }
}

impl Snapshot for DiskSnapshot {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Value>, ReadError>> {
        Box::pin(std::future::ready(Ok(self.0.get(key).cloned())))
    }

    fn walk<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        direction: Direction,
        limit: PageLimit,
        each: &'a mut EachFn<'_>,
    ) -> BoxFuture<'a, Result<Option<Key>, ReadError>> {
        let last = walk(&self.0, start, end, direction, limit, each);
        Box::pin(std::future::ready(Ok(last)))
    }
}

/// Refuses what is larger than the contract allows.
fn check(batch: &Batch) -> Result<(), CommitError> {
    let within = |size_bytes: usize, limit_bytes: usize| {
        if size_bytes <= limit_bytes {
            Ok(())
        } else {
            Err(CommitError::TooLarge { size_bytes, limit_bytes })
        }
    };
    for effect in &batch.effects {
        match effect {
            Effect::Put(key, value) => {
                within(key.len(), KEY_BYTES_MAX)?;
                within(value.len(), VALUE_BYTES_MAX)?;
            }
            Effect::Delete(key) | Effect::Add(key, _) => within(key.len(), KEY_BYTES_MAX)?,
            Effect::DeleteRange(start, end) => within(start.len().max(end.len()), KEY_BYTES_MAX)?,
            Effect::Append(_, entry) => within(entry.len(), VALUE_BYTES_MAX)?,
            Effect::TrimLog(..) => {}
        }
    }
    within(batch.size_bytes(), TRANSACTION_BYTES_MAX)
}
