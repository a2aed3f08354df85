//! One Region: a full database of its own, with catalogue, tables and log on one engine.
//!
//! Holds no truth: what it caches of a table is checked against the table's fence at every use, inside the same
//! transaction for writes.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use graticule_env::Env;
use graticule_kv::{BoxFuture, Engine, ReadError};
use graticule_model::{
    Error, RegionName, TableName,
    limits::{COLLECTION_BYTES_MAX, STREAM_SHARD_MS},
    version::HybridTime,
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    clock::{Clock, Mark},
    global::Journal,
    layout::{KeyBuilder, Space},
    schema::Table,
    throughput::Meters,
};

/// What a Region asks of the other Regions when a client changes who replicates a table.
pub trait Peers: Send + Sync {
    /// The Regions that this one can replicate with; `None` if any Region can be named.
    fn known(&self) -> Option<Vec<RegionName>>;

    /// The table of this name in `region`, whatever it is, if there is one.
    fn table<'a>(
        &'a self,
        region: &'a RegionName,
        table: &'a TableName,
    ) -> BoxFuture<'a, Result<Option<PeerTable>, Error>>;

    /// How far this Region has come with filling the replica of `table` in `region`, if it does that.
    fn join_percent(&self, _table: &Table, _region: &RegionName) -> Option<u8> {
        None
    }
}

/// What another Region tells of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerTable {
    /// It may not be deleted there.
    pub deletion_protection: bool,
}

/// How much of a table's log is kept for members that cannot be reached. One that lacks more is compared when it is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Entries.
    pub changes: u64,
    /// Bytes, as the engine estimates them.
    pub bytes: u64,
}

impl Default for LogLimits {
    fn default() -> LogLimits {
        LogLimits { changes: 100_000_000, bytes: 16 << 30 }
    }
}

/// A Region.
#[derive(Debug)]
pub struct Region {
    pub(crate) name: RegionName,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) env: Env,
    pub(crate) clock: Arc<Clock>,
    pub(crate) cache: Mutex<HashMap<TableName, Arc<Table>>>,
    /// Counts the changes of the catalogue; what works in the background waits for it.
    pub(crate) catalogue: watch::Sender<u64>,
    peers: PeersSlot,
    /// Below this, tombstones are no longer needed, by table id; set by replication.
    pub(crate) tombstone_floor: Mutex<HashMap<u64, HybridTime>>,
    shard_ms: AtomicU64,
    /// The capacity that limited tables and indexes have left.
    pub(crate) meters: Meters,
    /// Most bytes of an item collection.
    pub(crate) collection_bytes_max: AtomicU64,
    /// The bound of the conflict journal.
    pub(crate) journal: Journal,
    log_limits: Mutex<LogLimits>,
    /// Whether replicas that others were added from have to stay for a day.
    source_region_rule: AtomicBool,
}

#[derive(Default)]
struct PeersSlot(OnceLock<Arc<dyn Peers>>);

impl std::fmt::Debug for PeersSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Peers")
    }
}

/// What went wrong inside. Whoever handles it, the server or a job's runner, logs it.
pub(crate) fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("Internal server error: {error}"))
}

pub(crate) fn clock_key() -> Vec<u8> {
    KeyBuilder::new(Space::Region).bytes(b"clock").build()
}

impl Region {
    /// Opens a Region on its engine.
    ///
    /// # Errors
    /// If the engine cannot be read.
    pub async fn open(name: RegionName, engine: Arc<dyn Engine>, env: Env) -> Result<Arc<Region>, ReadError> {
        let mark = match engine.get(&clock_key()).await? {
            Some(bytes) => {
                Mark::decode(&bytes).ok_or_else(|| ReadError::Corrupt("the clock's mark".to_owned()))?
            }
            None => Mark::NONE,
        };
        let clock = Clock::new(env.clone(), &name, mark);
        Ok(Arc::new(Region {
            name,
            engine,
            env,
            clock,
            cache: Mutex::default(),
            catalogue: watch::Sender::new(0),
            peers: PeersSlot::default(),
            tombstone_floor: Mutex::default(),
            shard_ms: AtomicU64::new(STREAM_SHARD_MS),
            meters: Meters::default(),
            collection_bytes_max: AtomicU64::new(COLLECTION_BYTES_MAX),
            journal: Journal::default(),
            log_limits: Mutex::default(),
            source_region_rule: AtomicBool::new(false),
        }))
    }

    /// The Region's name.
    pub fn name(&self) -> &RegionName {
        &self.name
    }

    /// The environment.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The clock that gives this Region's versions.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Tells when the catalogue has changed.
    pub fn watch_catalogue(&self) -> watch::Receiver<u64> {
        self.catalogue.subscribe()
    }

    pub(crate) fn catalogue_changed(&self) {
        self.catalogue.send_modify(|count| *count += 1);
    }

    /// How long a shard of a stream takes records before another one follows it, in milliseconds.
    pub fn shard_ms(&self) -> u64 {
        self.shard_ms.load(Ordering::Relaxed)
    }

    /// Sets how long a shard of a stream takes records.
    pub fn set_shard_ms(&self, shard_ms: u64) {
        self.shard_ms.store(shard_ms, Ordering::Relaxed);
    }

    /// How much of a table's log is kept for members.
    pub fn log_limits(&self) -> LogLimits {
        *self.log_limits.lock()
    }

    /// Sets how much of a table's log is kept for members.
    pub fn set_log_limits(&self, limits: LogLimits) {
        *self.log_limits.lock() = limits;
    }

    /// Says how to reach other Regions. Once.
    pub fn set_peers(&self, peers: Arc<dyn Peers>) {
        let _ = self.peers.0.set(peers);
    }

    /// Sets how many bytes an item collection may have; the service's limit stands until then.
    pub fn set_collection_bytes_max(&self, bytes_max: u64) {
        self.collection_bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    /// Sets whether a replica that was used in the last 24 hours to add another one must stay, as on the service.
    pub fn set_source_region_rule(&self, on: bool) {
        self.source_region_rule.store(on, Ordering::Relaxed);
    }

    /// Whether a replica that was used in the last 24 hours to add another one must stay.
    pub fn source_region_rule(&self) -> bool {
        self.source_region_rule.load(Ordering::Relaxed)
    }

    /// How to reach other Regions.
    pub fn peers(&self) -> Option<&Arc<dyn Peers>> {
        self.peers.0.get()
    }
}
