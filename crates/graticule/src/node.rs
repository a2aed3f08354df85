//! A node: the Regions that this process hosts, opened when somebody first asks for them.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use graticule_env::Env;
use graticule_kv::{
    Engine,
    embedded::{EmbeddedEngine, Memory, OpenError, Options},
    memory::MemoryEngine,
};
use graticule_model::{Error, RegionName, limits::HOSTED_REGIONS_MAX};
use graticule_replication::{
    LinkError, Policy, Replicator, Transport, Wire,
    local::{LocalTransport, OpenRegion},
    tcp::TcpTransport,
};
use graticule_tables::{BoxFuture, LogLimits, RESIDENT_PREFIX, Region};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::dials::Dials;

/// Where the Regions of a node keep their data.
#[derive(Debug)]
pub(crate) enum Storage {
    /// Nowhere: it is gone when the process ends.
    Memory,
    /// Below a directory, which this process has to itself.
    Directory {
        path: PathBuf,
        memory: Memory,
        /// Locked as long as it is open.
        _lock: fs::File,
    },
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("cannot use the data directory {}: {source}; choose another one with --data-dir", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error(
        "the data directory {} is in use by another process; stop that one or choose another directory with --data-dir",
        path.display()
    )]
    InUse { path: PathBuf },
}

impl Storage {
    /// Takes a data directory for this process alone; makes it if it is missing.
    pub(crate) fn directory(path: &Path, memory: Memory) -> Result<Storage, StorageError> {
        let failed = |source| StorageError::Directory { path: path.to_owned(), source };
        fs::create_dir_all(path.join("regions")).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let lock = fs::File::create(path.join("LOCK")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Storage::Directory { path, memory, _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(StorageError::InUse { path }),
            Err(fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The Regions that have data.
    fn existing(&self) -> Result<Vec<RegionName>, io::Error> {
        let Storage::Directory { path, .. } = self else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in fs::read_dir(path.join("regions"))? {
            if let Some(name) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open_engine(&self, region: &RegionName) -> Result<Arc<dyn Engine>, OpenError> {
        Ok(match self {
            Storage::Memory => Arc::new(MemoryEngine::new()),
            Storage::Directory { path, memory, .. } => {
                let resident_prefix = Some(RESIDENT_PREFIX.to_vec());
                let options = Options { memory: memory.clone(), resident_prefix, ..Options::default() };
                Arc::new(EmbeddedEngine::open(path.join("regions").join(region.as_str()), &options)?)
            }
        })
    }
}

/// What holds for every Region of a node.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) log_limits: LogLimits,
    pub(crate) conflict_journal_max: u64,
    pub(crate) dials: Arc<Dials>,
    /// Whether replicas that others were added from have to stay for a day.
    pub(crate) source_region_rule: bool,
}

/// The Regions of this process.
#[derive(Debug)]
pub(crate) struct Node {
    env: Env,
    storage: Storage,
    /// The Regions that may be hosted; empty for any.
    hosted: Vec<RegionName>,
    settings: Settings,
    transport: Arc<NodeTransport>,
    open: RwLock<HashMap<String, Arc<Replicator>>>,
    /// Held while a Region is opened, so that it is opened once.
    opening: Mutex<()>,
}

impl Node {
    pub(crate) fn new(
        env: Env,
        storage: Storage,
        hosted: Vec<RegionName>,
        tcp: Option<TcpTransport>,
        settings: Settings,
    ) -> Arc<Node> {
        Arc::new_cyclic(|node: &Weak<Node>| {
            let local = LocalTransport::new(Weak::<Node>::clone(node));
            let transport = Arc::new(NodeTransport { node: Weak::clone(node), local, tcp });
            Node {
                env,
                storage,
                hosted,
                settings,
                transport,
                open: RwLock::default(),
                opening: Mutex::default(),
            }
        })
    }

    /// Opens the Regions that have data or that this node is told to host, so that replication goes on.
    pub(crate) async fn open_existing(&self) -> Result<(), Error> {
        let existing = self.storage.existing().map_err(|error| Error::Internal(error.to_string()))?;
        for region in existing.iter().filter(|region| self.hosts(region)).chain(&self.hosted) {
            self.region(region.as_str()).await?;
        }
        Ok(())
    }

    fn hosts(&self, region: &RegionName) -> bool {
        self.hosted.is_empty() || self.hosted.contains(region)
    }

    /// A Region of this node that is open already.
    pub(crate) fn find(&self, region: &str) -> Option<Arc<Replicator>> {
        self.open.read().get(region).cloned()
    }

    /// All Regions that are open, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Replicator>> {
        let mut all: Vec<Arc<Replicator>> = self.open.read().values().cloned().collect();
        all.sort_by(|a, b| a.region().name().cmp(b.region().name()));
        all
    }

    /// A Region of this node, opened if need be.
    ///
    /// # Errors
    /// If this node does not host it, or its data cannot be opened.
    pub(crate) async fn region(&self, name: &str) -> Result<Arc<Replicator>, Error> {
        if let Some(found) = self.find(name) {
            return Ok(found);
        }
        let region: RegionName = name.parse().map_err(|_| {
            Error::InvalidSignature("Credential should be scoped to a valid region.".to_owned())
        })?;
        if !self.hosts(&region) {
            let hosted: Vec<&str> = self.hosted.iter().map(RegionName::as_str).collect();
            return Err(Error::InvalidSignature(format!(
                "Credential should be scoped to a valid region. This server hosts {}, not {region}.",
                hosted.join(", ")
            )));
        }
        let _opening = self.opening.lock().await;
        if let Some(found) = self.find(name) {
            return Ok(found);
        }
        if self.open.read().len() >= HOSTED_REGIONS_MAX {
            return Err(Error::LimitExceeded(format!(
                "This server hosts {HOSTED_REGIONS_MAX} Regions already; {region} would be one more"
            )));
        }
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%region, %error, "a Region cannot be opened");
            Error::Internal(format!("Region {region} cannot be opened: {error}"))
        };
        let engine = self.storage.open_engine(&region).map_err(|error| failed(&error))?;
        let env = self.env.shifted(&self.settings.dials.clock(&region));
        let opened = Region::open(region.clone(), engine, env).await.map_err(|error| failed(&error))?;
        opened.set_conflict_journal_max(self.settings.conflict_journal_max);
        opened.set_log_limits(self.settings.log_limits);
        opened.set_source_region_rule(self.settings.source_region_rule);
        opened.start_jobs();
        let transport: Arc<dyn Transport> = Arc::clone(&self.transport) as _;
        let replicator = Replicator::start(opened, transport, self.settings.policy.clone());
        self.open.write().insert(name.to_owned(), Arc::clone(&replicator));
        tracing::info!(%region, "Region open");
        Ok(replicator)
    }
}

impl OpenRegion for Node {
    fn open<'a>(&'a self, region: &'a RegionName) -> BoxFuture<'a, Result<Arc<Replicator>, LinkError>> {
        Box::pin(async move {
            self.region(region.as_str()).await.map_err(|error| LinkError::Refused(error.to_string()))
        })
    }
}

/// Reaches Regions of this process directly and others over the network.
#[derive(Debug)]
struct NodeTransport {
    node: Weak<Node>,
    local: LocalTransport,
    tcp: Option<TcpTransport>,
}

impl Transport for NodeTransport {
    fn known(&self) -> Option<Vec<RegionName>> {
        let hosted = self.node.upgrade().map(|node| node.hosted.clone()).unwrap_or_default();
        if hosted.is_empty() {
            return None;
        }
        let peers = self.tcp.as_ref().and_then(Transport::known).unwrap_or_default();
        Some(hosted.into_iter().chain(peers).collect())
    }

    fn address(&self, to: &RegionName) -> Option<String> {
        self.tcp.as_ref().and_then(|tcp| tcp.address(to))
    }

    fn connect<'a>(
        &'a self,
        from: &'a RegionName,
        to: &'a RegionName,
    ) -> BoxFuture<'a, Result<Wire, LinkError>> {
        let here = self.node.upgrade().is_some_and(|node| node.hosts(to));
        match &self.tcp {
            Some(tcp) if !here => tcp.connect(from, to),
            _ => self.local.connect(from, to),
        }
    }

    fn status(&self, from: &RegionName, to: &RegionName) -> Option<serde_json::Value> {
        self.tcp.as_ref().and_then(|tcp| tcp.status(from, to))
    }
}
