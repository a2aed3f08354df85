//! Regions in memory under a clock that tests set, tables to fill, and the plain model of what an index holds.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use graticule_env::{Boot, BoxTask, Env, Environment};
use graticule_kv::{Engine, memory::MemoryEngine};
use graticule_model::{
    AttributeValue, Error, Item, KeyType, Number, RegionName, TableName, codec::item_to_json,
    value::item_size_bytes, version::HybridTime,
};
use graticule_tables::{
    Action, ActionKind, Direction, PageLimit, PageRequest, Region, Span, StoredItem, Table, Written,
    schema::{
        Billing, CapacityHistory, IndexDefinition, IndexState, KeyAttribute, KeySchema, Member, Membership,
        Projection, Register, ReplicaRecord, Settings, TABLE_FORMAT, TableStatus,
    },
};

/// How long anything may take on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// The clock of a test. It stands still unless it is told otherwise.
#[derive(Clone)]
pub(crate) struct TestClock {
    unix_ms: Arc<AtomicI64>,
    monotonic_ms: Arc<AtomicI64>,
    boots: Arc<AtomicU64>,
}

impl TestClock {
    /// Moves the clock on (or back), and what measures durations with it (never back).
    pub(crate) fn advance(&self, by_ms: i64) {
        self.unix_ms.fetch_add(by_ms, Ordering::SeqCst);
        self.monotonic_ms.fetch_add(by_ms.max(0), Ordering::SeqCst);
    }

    /// Sets the clock; no time passes.
    pub(crate) fn set_unix_ms(&self, unix_ms: u64) {
        self.unix_ms.store(unix_ms as i64, Ordering::SeqCst);
    }

    /// Boots the machine.
    pub(crate) fn boot(&self) {
        self.boots.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn unix_ms(&self) -> u64 {
        self.unix_ms.load(Ordering::SeqCst).unsigned_abs()
    }
}

struct TestMachine {
    clock: TestClock,
    random: AtomicU64,
}

impl Environment for TestMachine {
    fn unix_time(&self) -> Duration {
        Duration::from_millis(self.clock.unix_ms())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.clock.monotonic_ms.load(Ordering::SeqCst).unsigned_abs())
    }

    fn boot(&self) -> Option<Boot> {
        Some(Boot { id: self.clock.boots.load(Ordering::SeqCst).into(), age: self.monotonic() })
    }

    fn random_u64(&self) -> u64 {
        mix(self.random.fetch_add(1, Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn(&self, _name: &'static str, task: BoxTask) {
        tokio::spawn(task);
    }
}

/// Turns a count into something that looks random.
pub(crate) fn mix(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// An environment whose clock the test sets.
pub(crate) fn test_env() -> (Env, TestClock) {
    let unix_ms = Arc::new(AtomicI64::new(1_800_000_000_000));
    let clock =
        TestClock { unix_ms, monotonic_ms: Arc::new(AtomicI64::new(1_000_000)), boots: Arc::default() };
    (Env::new(TestMachine { clock: clock.clone(), random: AtomicU64::new(1) }), clock)
}

/// A Region with its engine and clock.
pub(crate) struct Opened {
    pub(crate) region: Arc<Region>,
    pub(crate) engine: Arc<MemoryEngine>,
    pub(crate) clock: TestClock,
    pub(crate) env: Env,
}

pub(crate) async fn open(name: &str) -> Opened {
    let (env, clock) = test_env();
    let engine = Arc::new(MemoryEngine::new());
    let region =
        Region::open(region_name(name), Arc::<MemoryEngine>::clone(&engine), env.clone()).await.unwrap();
    Opened { region, engine, clock, env }
}

impl Opened {
    /// The raw keys and values of part of the key space.
    pub(crate) async fn raw(&self, spaces: std::ops::Range<u8>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let snapshot = self.engine.snapshot().await.unwrap();
        let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
        let rows = snapshot.scan(&[spaces.start], &[spaces.end], Direction::Forward, whole).await.unwrap();
        rows.into_iter().map(|(key, value)| (key, value.to_vec())).collect()
    }
}

pub(crate) fn region_name(name: &str) -> RegionName {
    name.parse().unwrap()
}

pub(crate) fn table_name(name: &str) -> TableName {
    name.parse().unwrap()
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: i64) -> AttributeValue {
    AttributeValue::N(Number::from(number))
}

pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn key_schema(partition: (&str, KeyType), sort: Option<(&str, KeyType)>) -> KeySchema {
    let attribute = |(name, kind): (&str, KeyType)| KeyAttribute { name: name.to_owned(), kind };
    KeySchema::simple(attribute(partition), sort.map(attribute))
}

pub(crate) fn definition(key: KeySchema, projection: Projection) -> IndexDefinition {
    IndexDefinition::new(key, projection)
}

/// A table that can be created.
pub(crate) fn new_table(region: &Region, name: &str, key: KeySchema) -> Table {
    let version = region.clock().version(HybridTime::ZERO);
    let billing = Billing { on_demand: true, ..Billing::default() };
    Table {
        format: TABLE_FORMAT,
        id: 0,
        uuid: region.env().random_uuid(),
        name: table_name(name),
        revision: 0,
        created_ms: region.env().unix_ms(),
        status: TableStatus::Active,
        key,
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

/// A table with the key `pk`.
pub(crate) fn plain_table(region: &Region, name: &str) -> Table {
    new_table(region, name, key_schema(("pk", KeyType::S), None))
}

/// Adds the global index `name`, or deletes it.
pub(crate) fn set_index(region: &Region, table: &mut Table, name: &str, definition: Option<IndexDefinition>) {
    let version = region.clock().version(table.settings.version().time);
    table.settings.indexes.insert(name.parse().unwrap(), Register::new(version, definition));
}

/// Makes a table a replica of a global table with these members, this Region included.
pub(crate) fn make_global(region: &Region, table: &mut Table, members: &[&str]) {
    let version = region.clock().version(table.settings.version().time);
    table.group = Some("the group".to_owned());
    for member in members {
        table.settings.members.insert(region_name(member), Register::new(version.clone(), Member::Active));
    }
}

pub(crate) async fn put(region: &Arc<Region>, table: &str, item: Item) -> Result<Written, Error> {
    region.write_one(Action::new(table_name(table), ActionKind::Put(item))).await
}

pub(crate) async fn delete(region: &Arc<Region>, table: &str, key: Item) -> Result<Written, Error> {
    region.write_one(Action::new(table_name(table), ActionKind::Delete(key))).await
}

/// A whole scan of a table or index, in pages of at most `limit`.
pub(crate) async fn read_all(
    region: &Region,
    table: &Table,
    index: Option<&str>,
    span: &Span,
    (direction, limit): (Direction, Option<usize>),
) -> Result<Vec<StoredItem>, Error> {
    let mut after: Option<Item> = None;
    let mut records = Vec::new();
    loop {
        let request = PageRequest {
            index,
            span: span.clone(),
            direction,
            after: after.as_ref(),
            limit,
            whole_items: false,
            consistent: true,
        };
        let page = region.page(table, &request).await?;
        assert!(limit.is_none_or(|limit| page.records.len() <= limit));
        records.extend(page.records);
        match page.last_key {
            Some(key) => after = Some(key),
            None => return Ok(records),
        }
    }
}

pub(crate) const ALL: Span = Span::Segment { segment: 0, total: 1 };

pub(crate) async fn scan(region: &Region, table: &Table, index: Option<&str>) -> Vec<Item> {
    let records = read_all(region, table, index, &ALL, (Direction::Forward, None)).await.unwrap();
    records.iter().map(|record| record.item().unwrap()).collect()
}

/// What an index holds by its definition.
pub(crate) fn projected(table: &Table, definition: &IndexDefinition, item: &Item) -> Option<Item> {
    for attribute in definition.key.attributes() {
        let value = item.get(&attribute.name)?;
        let empty = matches!(value, AttributeValue::S(text) if text.is_empty());
        if !attribute.kind.matches(value) || empty {
            return None;
        }
    }
    let shown = |name: &String| match &definition.projection {
        Projection::All => true,
        Projection::KeysOnly => table.key.contains(name) || definition.key.contains(name),
        Projection::Include(names) => {
            table.key.contains(name) || definition.key.contains(name) || names.contains(name)
        }
    };
    Some(
        item.iter()
            .filter(|(name, _)| shown(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

fn sorted(items: impl IntoIterator<Item = Item>) -> Vec<String> {
    let mut texts: Vec<String> =
        items.into_iter().map(|item| String::from_utf8(item_to_json(&item)).unwrap()).collect();
    texts.sort();
    texts
}

fn counted(items: &[Item]) -> (u64, u64) {
    (items.len() as u64, items.iter().map(|item| item_size_bytes(item) as u64).sum())
}

/// Asserts that the sizes of item collections say what the items of a table say.
async fn assert_collections(region: &Region, table: &Table, items: &[Item]) {
    let mut expected: BTreeMap<String, (Item, u64)> = BTreeMap::new();
    for item in items {
        let partition = &item[&table.key.partition_key().name];
        let entries =
            table.local_indexes.values().filter_map(|definition| projected(table, definition, item));
        let bytes = item_size_bytes(item) + entries.map(|entry| item_size_bytes(&entry)).sum::<usize>();
        let collection = expected.entry(format!("{partition:?}")).or_insert_with(|| (item.clone(), 0));
        collection.1 += bytes as u64;
    }
    for (item, bytes) in expected.values() {
        let key = table.key_of(item).unwrap();
        assert_eq!(
            region.collection_bytes(table, &key).await.unwrap(),
            Some(*bytes),
            "collection of {item:?}"
        );
    }
}

/// Asserts that counters and every index of a table say what its items say, while nobody writes.
pub(crate) async fn assert_derived(region: &Region, name: &str) {
    let table = region.table(&table_name(name)).await.unwrap();
    let items = scan(region, &table, None).await;
    assert_eq!(region.counts(&table, None).await.unwrap(), counted(&items), "counters of the table");
    if table.has_collections() {
        assert_collections(region, &table, &items).await;
    }
    for (name, index) in &table.indexes {
        let Some((_, definition)) = table.secondary(name) else { continue };
        assert_eq!(index.state, IndexState::Active, "{name}");
        let expected: Vec<Item> =
            items.iter().filter_map(|item| projected(&table, definition, item)).collect();
        let found = scan(region, &table, Some(name)).await;
        assert_eq!(
            region.counts(&table, Some(index)).await.unwrap(),
            counted(&expected),
            "counters of {name}"
        );
        assert_eq!(sorted(found), sorted(expected), "entries of {name}");
    }
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs an asynchronous test case of a property.
pub(crate) fn block_on<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}
