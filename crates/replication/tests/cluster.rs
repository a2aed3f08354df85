//! Regions of a test: each with its own engine, clock and tasks, so that it can be stopped dead and opened again.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use graticule_env::{Boot, BoxTask, Env, Environment};
use graticule_kv::{Direction, Engine, memory::MemoryEngine};
use graticule_model::{
    AttributeValue, Error, Item, KeyType, RegionName, TableName, Version, version::HybridTime,
};
use graticule_replication::{Policy, Replicator};
use graticule_tables::{
    Action, ActionKind, LogLimits, PageLimit, PageRequest, Region, Span, Table,
    schema::{
        Billing, CapacityHistory, KeyAttribute, KeySchema, Member, Membership, Register, ReplicaRecord,
        Settings, StreamView, TABLE_FORMAT, TableStatus,
    },
};
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::network::{Net, Network};

/// How long anything that is promised may take on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(25);

/// The real machine, with a clock that can be set and tasks that can be killed.
struct Machine {
    real: Env,
    clock_ahead_ms: Arc<AtomicI64>,
    tasks: Tasks,
}

/// The tasks of one Region; `None` once it is dead.
type Tasks = Arc<Mutex<Option<Vec<AbortHandle>>>>;

impl Environment for Machine {
    fn unix_time(&self) -> Duration {
        let ahead_ms = self.clock_ahead_ms.load(Ordering::SeqCst);
        let by = Duration::from_millis(ahead_ms.unsigned_abs());
        if ahead_ms < 0 { self.real.unix_time() - by } else { self.real.unix_time() + by }
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }

    fn boot(&self) -> Option<Boot> {
        self.real.boot()
    }

    fn random_u64(&self) -> u64 {
        self.real.random_u64()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn(&self, _name: &'static str, task: BoxTask) {
        let mut tasks = self.tasks.lock();
        let Some(tasks) = &mut *tasks else { return };
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(tokio::spawn(task).abort_handle());
    }
}

/// One Region.
pub(crate) struct Node {
    pub(crate) name: RegionName,
    pub(crate) region: Arc<Region>,
    pub(crate) replicator: Arc<Replicator>,
    machine: Option<Owned>,
}

/// What a test can do to a Region that it opened on the test's network.
struct Owned {
    engine: Arc<dyn Engine>,
    clock_ahead_ms: Arc<AtomicI64>,
    tasks: Tasks,
}

/// An [`Env`] for a Region that lives as long as the test.
pub(crate) fn env() -> Env {
    machine().0
}

fn machine() -> (Env, Arc<AtomicI64>, Tasks) {
    let clock_ahead_ms = Arc::new(AtomicI64::new(0));
    let tasks: Tasks = Arc::new(Mutex::new(Some(Vec::new())));
    let machine =
        Machine { real: Env::real(), clock_ahead_ms: Arc::clone(&clock_ahead_ms), tasks: Arc::clone(&tasks) };
    (Env::new(machine), clock_ahead_ms, tasks)
}

/// The Regions `a`, `b`, `c`, ... on one network.
pub(crate) async fn cluster<const N: usize>() -> (Arc<Network>, [Node; N]) {
    let network = Arc::new(Network::default());
    let mut nodes = Vec::new();
    for letter in ('a'..).take(N) {
        nodes.push(Node::open(&network, &letter.to_string()).await);
    }
    (network, nodes.try_into().ok().unwrap())
}

impl Node {
    pub(crate) async fn open(network: &Arc<Network>, name: &str) -> Node {
        Node::open_on(network, name.parse().unwrap(), Arc::new(MemoryEngine::new()), 0).await
    }

    pub(crate) async fn open_on(
        network: &Arc<Network>,
        name: RegionName,
        engine: Arc<dyn Engine>,
        ahead_ms: i64,
    ) -> Node {
        Node::open_with(network, name, engine, ahead_ms, Policy::default(), LogLimits::default()).await
    }

    pub(crate) async fn open_with(
        network: &Arc<Network>,
        name: RegionName,
        engine: Arc<dyn Engine>,
        ahead_ms: i64,
        policy: Policy,
        limits: LogLimits,
    ) -> Node {
        let (env, clock_ahead_ms, tasks) = machine();
        clock_ahead_ms.store(ahead_ms, Ordering::SeqCst);
        let region = Region::open(name.clone(), Arc::clone(&engine), env).await.unwrap();
        region.set_log_limits(limits);
        region.start_jobs();
        let transport = Arc::new(Net(Arc::clone(network)));
        let replicator = Replicator::start(Arc::clone(&region), transport, policy);
        network.register(name.clone(), Arc::clone(&replicator));
        Node { name, region, replicator, machine: Some(Owned { engine, clock_ahead_ms, tasks }) }
    }

    /// A Region on a network of its own.
    pub(crate) fn of(region: Arc<Region>, replicator: Arc<Replicator>) -> Node {
        Node { name: region.name().clone(), region, replicator, machine: None }
    }

    fn machine(&self) -> &Owned {
        self.machine.as_ref().expect("the Region is on the test's network")
    }

    /// Sets this Region's clock.
    pub(crate) fn set_clock_ahead_ms(&self, ahead_ms: i64) {
        self.machine().clock_ahead_ms.store(ahead_ms, Ordering::SeqCst);
    }

    /// Stops everything that this Region does, wherever it is.
    pub(crate) fn kill(&self, network: &Network) {
        network.forget(&self.name);
        for task in self.machine().tasks.lock().take().into_iter().flatten() {
            task.abort();
        }
    }

    /// Stops this Region dead and opens it again on what its engine has committed.
    pub(crate) async fn restart(self, network: &Arc<Network>) -> Node {
        self.kill(network);
        let ahead_ms = self.machine().clock_ahead_ms.load(Ordering::SeqCst);
        Node::open_on(network, self.name.clone(), Arc::clone(&self.machine().engine), ahead_ms).await
    }

    /// Creates an ordinary table of this Region.
    pub(crate) async fn create(&self) -> Arc<Table> {
        self.region.create_table(new_table(self)).await.unwrap()
    }

    /// Adds a replica in `target`, as UpdateTable does it.
    pub(crate) async fn add(&self, target: &RegionName) {
        self.change(|table| {
            let version = self.region.clock().version(table.settings.version().time);
            table.group.get_or_insert_with(|| self.region.env().random_uuid());
            let me = table.settings.members.get(&self.name);
            if me.is_none_or(|register| register.value != Member::Active) {
                let active = Register::new(version.clone(), Member::Active);
                table.settings.members.insert(self.name.clone(), active);
            }
            if table.settings.stream.value.is_none() {
                table.settings.stream = Register::new(version.clone(), Some(StreamView::NewAndOldImages));
            }
            let joining = Member::Joining { source: self.name.clone() };
            table.settings.members.insert(target.clone(), Register::new(version, joining));
        })
        .await;
    }

    /// Takes the replica in `target` out.
    pub(crate) async fn remove(&self, target: &RegionName) {
        self.change(|table| {
            let version = self.region.clock().version(table.settings.version().time);
            table.settings.members.insert(target.clone(), Register::new(version, Member::Removed));
        })
        .await;
    }

    /// Changes the settings of the table.
    pub(crate) async fn change(&self, mut change: impl FnMut(&mut Table) + Send) {
        let name = name();
        let changed = self.region.update_settings(&name, |table| {
            change(table);
            Ok(())
        });
        changed.await.unwrap();
    }

    /// Writes an item and gives its version.
    pub(crate) async fn put(&self, key: &str, value: &str) -> Result<Version, Error> {
        let mut item = key_item(key);
        item.insert("v".to_owned(), AttributeValue::S(value.to_owned()));
        let written = self.region.write_one(Action::new(name(), ActionKind::Put(item))).await?;
        Ok(written.version)
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        self.region.write_one(Action::new(name(), ActionKind::Delete(key_item(key)))).await.map(drop)
    }

    /// Where the replica stands, if there is one.
    pub(crate) async fn status(&self) -> Option<TableStatus> {
        self.region.table(&name()).await.ok().map(|table| table.status)
    }

    /// Every item of the table, or of one of its indexes, in the order of the stored keys.
    pub(crate) async fn read(&self, index: Option<&str>) -> Result<Vec<String>, Error> {
        let table = self.region.table(&name()).await?;
        let mut after: Option<Item> = None;
        let mut items = Vec::new();
        loop {
            let request = PageRequest {
                index,
                span: Span::Segment { segment: 0, total: 1 },
                direction: Direction::Forward,
                after: after.as_ref(),
                limit: None,
                whole_items: false,
                consistent: true,
            };
            let page = self.region.page(&table, &request).await?;
            let json = |json: &[u8]| String::from_utf8(json.to_vec()).unwrap();
            items.extend(page.records.into_iter().map(|item| json(&item.json)));
            match page.last_key {
                Some(key) => after = Some(key),
                None => return Ok(items),
            }
        }
    }

    /// The table's contents, and what its counters say of them.
    pub(crate) async fn contents(&self) -> Option<(BTreeMap<String, Version>, (u64, u64))> {
        let table = self.region.active_table(&name()).await.ok()?;
        let counts = self.region.counts(&table, None).await.unwrap();
        let limit = PageLimit { entries: 1000, bytes: 1024 * 1024 };
        let mut items = BTreeMap::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let (rows, last) = self.region.snapshot_changes(&table, after.as_deref(), limit).await.ok()?;
            for change in rows {
                if let Some(json) = change.new {
                    items.insert(String::from_utf8(json.to_vec()).unwrap(), change.version);
                }
            }
            after = last;
            if after.is_none() {
                return Some((items, counts));
            }
        }
    }
}

/// The one table of every test.
pub(crate) fn name() -> TableName {
    "orders".parse().unwrap()
}

pub(crate) fn key_item(key: &str) -> Item {
    Item::from([("pk".to_owned(), AttributeValue::S(key.to_owned()))])
}

fn new_table(node: &Node) -> Table {
    let region = &node.region;
    let version = region.clock().version(HybridTime::ZERO);
    let billing = Billing { on_demand: true, ..Billing::default() };
    Table {
        format: TABLE_FORMAT,
        id: 0,
        uuid: region.env().random_uuid(),
        name: name(),
        revision: 0,
        created_ms: region.env().unix_ms(),
        status: TableStatus::Active,
        key: string_key("pk"),
        local_indexes: BTreeMap::new(),
        settings: Settings {
            billing: Register::new(version.clone(), billing),
            indexes: BTreeMap::new(),
            ttl: Register::new(version.clone(), None),
            stream: Register::new(version.clone(), None),
            infrequent_access: Register::new(version, None),
            members: BTreeMap::new(),
            auto_scaling: BTreeMap::new(),
            overrides: BTreeMap::new(),
            sources: BTreeMap::new(),
        },
        group: None,
        indexes: BTreeMap::new(),
        next_index_id: 1,
        streams: Vec::new(),
        deletion_protection: false,
        tags: BTreeMap::new(),
        on_demand_since_ms: None,
        capacity: CapacityHistory::default(),
        membership: Membership::default(),
        replica: ReplicaRecord::default(),
        detaching: None,
    }
}

/// A key of one string.
pub(crate) fn string_key(name: &str) -> KeySchema {
    KeySchema::simple(KeyAttribute { name: name.to_owned(), kind: KeyType::S }, None)
}

/// Creates the table in the first of `nodes`, adds replicas in the others, and waits until all are members.
pub(crate) async fn share(nodes: &[&Node]) {
    nodes[0].create().await;
    for other in &nodes[1..] {
        nodes[0].add(&other.name).await;
    }
    let names: Vec<&RegionName> = nodes.iter().map(|node| &node.name).collect();
    members(nodes, &names).await;
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until all replicas are active and equal.
pub(crate) async fn equal(nodes: &[&Node]) -> BTreeMap<String, Version> {
    let mut last = Vec::new();
    let started = Instant::now();
    while started.elapsed() < DEADLINE {
        last.clear();
        for node in nodes {
            last.push(node.contents().await);
        }
        if let Some(Some((items, counts))) = last.first()
            && last.iter().all(|other| *other == last[0])
        {
            let bytes = if items.is_empty() { 0 } else { counts.1 };
            assert_eq!(*counts, (items.len() as u64, bytes), "counters say what is there");
            return items.clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (node, contents) in nodes.iter().zip(&last) {
        eprintln!("{}: {:?}", node.name, contents.as_ref().map(|(items, counts)| (items.len(), counts)));
        if let (Some((items, _)), Some(Some((first, _)))) = (contents, last.first()) {
            for (item, version) in items {
                if first.get(item) != Some(version) {
                    eprintln!("  only here: {item} {version}");
                }
            }
        }
        eprintln!("{:#?}", node.replicator.status().await.unwrap());
    }
    panic!("the replicas are not equal within {DEADLINE:?}");
}

/// Waits until the replica in every one of `nodes` knows exactly `members`, all active.
pub(crate) async fn members(nodes: &[&Node], members: &[&RegionName]) {
    let mut expected: Vec<&RegionName> = members.to_vec();
    expected.sort();
    eventually(&format!("members {expected:?}"), async || {
        for node in nodes {
            let table = node.region.table(&name()).await.ok()?;
            let present: Vec<_> =
                table.settings.members.iter().filter(|(_, register)| !register.value.is_out()).collect();
            let active = present.iter().all(|(_, register)| register.value == Member::Active);
            let names: Vec<&RegionName> = present.iter().map(|(name, _)| *name).collect();
            if !active || names != expected {
                return None;
            }
        }
        Some(())
    })
    .await;
}
