//! What a Region knows of a table: keys, indexes, settings, streams, replicas.
//!
//! Replicas share their [`Settings`]; everything else in [`Table`] belongs to its Region alone. Stored as JSON, versioned.

use std::collections::BTreeMap;

use graticule_kv::LogShard;
use graticule_model::{IndexName, KeyType, RegionName, TableName, names};
use serde::{Deserialize, Serialize};

pub use crate::capacity::{CapacityHistory, ThroughputHistory};
pub use crate::key::{KeyAttribute, KeySchema, PrimaryKey};
pub use crate::membership::{Departed, Detaching, Membership, Resync};
pub use crate::overrides::{CapacityOverrides, Override, Overrides};
pub use crate::replica::{ReplicaRecord, ReplicaStatus};
pub use crate::settings::{Billing, Member, Register, Settings, StreamView};

/// What an index holds besides keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projection {
    /// Every attribute.
    All,
    /// The keys of table and index.
    KeysOnly,
    /// The keys and these.
    Include(Vec<String>),
}

/// Read and write capacity units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    /// Read capacity units; 0 when billed per request.
    pub read: u64,
    /// Write capacity units; 0 when billed per request.
    pub write: u64,
}

/// Most read and write request units per second of what is billed per request; `None` is no maximum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maximum {
    /// Read request units.
    pub read: Option<u64>,
    /// Write request units.
    pub write: Option<u64>,
}

/// A secondary index as it was defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDefinition {
    /// Its key.
    pub key: KeySchema,
    /// What it holds.
    pub projection: Projection,
    /// Its capacity (global indexes only).
    pub throughput: Throughput,
    /// The most that it serves per second when billed per request (global indexes only).
    #[serde(default)]
    pub maximum: Maximum,
    /// What it serves at once, if somebody has asked for more than the usual (global indexes only).
    #[serde(default)]
    pub warm: Option<Throughput>,
}

impl IndexDefinition {
    /// An index without capacity of its own.
    pub fn new(key: KeySchema, projection: Projection) -> IndexDefinition {
        IndexDefinition {
            key,
            projection,
            throughput: Throughput::default(),
            maximum: Maximum::default(),
            warm: None,
        }
    }
}

/// How far this Region has an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexState {
    /// New writes maintain it; older items are being added.
    Backfilling,
    /// Complete.
    Active,
    /// No longer maintained; its entries are being removed.
    Deleting,
}

/// What an index of this Region is derived from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Derivation {
    /// A secondary index.
    Secondary(IndexDefinition),
    /// Expiry times, from the TTL attribute.
    Expiry(String),
    /// Sizes of item collections, of a table with local secondary indexes.
    Collections,
}

/// An index as this Region keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalIndex {
    /// Names its entries; never used again.
    pub id: u32,
    /// How far it is.
    pub state: IndexState,
    /// What it holds.
    pub derivation: Derivation,
    /// A local secondary index rather than a global one.
    pub local: bool,
}

/// One stream of a table: from its enabling to its disabling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Tells the table's streams apart; part of the ARN.
    pub label: String,
    /// What records show.
    pub view: StreamView,
    /// When it was enabled, in milliseconds since the epoch.
    pub enabled_ms: u64,
    /// The log position of its first record.
    pub first: u64,
    /// Where it ended, and when; `None` while it is enabled.
    pub closed: Option<(u64, u64)>,
    /// Its shards, oldest first, each up to where the next one begins. Of those that are no longer kept, the newest one
    /// stays, as a parent. None in records of streams that have only ever had one.
    #[serde(default)]
    pub shards: Vec<Shard>,
    /// While a shard is being closed: its end is not before this log position, and its records behind wait until the
    /// end is known.
    #[serde(default)]
    pub unsettled: Option<u64>,
}

/// Where a shard of a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// The log position of its first record.
    pub first: u64,
    /// When it was opened, in milliseconds since the epoch; tells the shards of a table apart.
    pub opened_ms: u64,
}

/// Whether a table can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableStatus {
    /// A new replica, not filled yet: answers DescribeTable only.
    Creating,
    /// Takes reads and writes.
    Active,
    /// A replica on its way out: ships what the others lack, takes no requests.
    Deleting,
}

/// The name of the expiry index among a table's local indexes. No index can have it: it is too short.
pub const EXPIRY_INDEX: &str = "#";

/// The name of the sizes of item collections among a table's local indexes. No index can have it.
pub const COLLECTIONS_INDEX: &str = "##";

/// A table replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Form of this record.
    pub format: u32,
    /// Names the table's keys and its log in this Region; never used again.
    pub id: u64,
    /// The public TableId.
    pub uuid: String,
    /// Its name.
    pub name: TableName,
    /// Counts the changes of this record.
    pub revision: u64,
    /// When it was created, in milliseconds since the epoch.
    pub created_ms: u64,
    /// Whether it can be used.
    pub status: TableStatus,
    /// Its primary key.
    pub key: KeySchema,
    /// Its local secondary indexes.
    pub local_indexes: BTreeMap<IndexName, IndexDefinition>,
    /// What all replicas share.
    pub settings: Settings,
    /// Names the global table that this is a replica of, if it is one.
    pub group: Option<String>,
    /// The indexes that this Region keeps, by name.
    pub indexes: BTreeMap<String, LocalIndex>,
    /// The id for the next index.
    pub next_index_id: u32,
    /// The table's streams, newest last.
    pub streams: Vec<Stream>,
    /// DeleteTable is refused.
    pub deletion_protection: bool,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// When billing last became on-demand, in milliseconds since the epoch.
    pub on_demand_since_ms: Option<u64>,
    /// How its capacity and its indexes' has changed.
    #[serde(default)]
    pub capacity: CapacityHistory,
    /// What this Region alone knows of the members of the global table.
    #[serde(default)]
    pub membership: Membership,
    /// What this Region alone keeps of being a replica.
    #[serde(default)]
    pub replica: ReplicaRecord,
    /// Set while this replica becomes a table of its own.
    #[serde(default)]
    pub detaching: Option<Detaching>,
}

/// The current form of a table record.
pub const TABLE_FORMAT: u32 = 1;

impl Table {
    /// The table's log.
    pub fn log(&self) -> LogShard {
        LogShard(self.id)
    }

    /// The stream that is enabled now.
    pub fn stream(&self) -> Option<&Stream> {
        self.streams.last().filter(|stream| stream.closed.is_none())
    }

    /// A secondary index that can be named in requests.
    pub fn secondary(&self, name: &str) -> Option<(&LocalIndex, &IndexDefinition)> {
        let index = self.indexes.get(name).filter(|index| index.state != IndexState::Deleting)?;
        match &index.derivation {
            Derivation::Secondary(definition) => Some((index, definition)),
            Derivation::Expiry(_) | Derivation::Collections => None,
        }
    }

    /// The attribute that holds the time to live, while it is enabled.
    pub fn ttl_attribute(&self) -> Option<&str> {
        self.settings.ttl.value.as_deref()
    }

    /// Whether its items form collections: it has local secondary indexes.
    pub fn has_collections(&self) -> bool {
        !self.local_indexes.is_empty()
    }

    /// Every key attribute of the table and its indexes with its type, by name.
    pub fn attribute_definitions(&self) -> BTreeMap<&str, KeyType> {
        let global = self.settings.indexes.values().filter_map(|register| register.value.as_ref());
        let indexes = self.local_indexes.values().chain(global);
        std::iter::once(&self.key)
            .chain(indexes.map(|definition| &definition.key))
            .flat_map(KeySchema::attributes)
            .map(|attribute| (attribute.name.as_str(), attribute.kind))
            .collect()
    }

    /// The global secondary indexes as defined.
    pub fn global_indexes(&self) -> impl Iterator<Item = (&IndexName, &IndexDefinition)> {
        self.settings.indexes.iter().filter_map(|(name, register)| Some((name, register.value.as_ref()?)))
    }

    /// Brings the kept indexes in line with the settings. Indexes of a table that can have no items yet are complete
    /// at once.
    pub fn reconcile_indexes(&mut self, empty: bool) {
        let mut wanted: BTreeMap<String, (Derivation, bool)> = BTreeMap::new();
        for (name, definition) in &self.local_indexes {
            wanted.insert(name.to_string(), (Derivation::Secondary(definition.clone()), true));
        }
        for (name, definition) in self.global_indexes() {
            wanted.insert(name.to_string(), (Derivation::Secondary(definition.clone()), false));
        }
        if let Some(attribute) = self.ttl_attribute() {
            wanted.insert(EXPIRY_INDEX.to_owned(), (Derivation::Expiry(attribute.to_owned()), false));
        }
        if self.has_collections() {
            wanted.insert(COLLECTIONS_INDEX.to_owned(), (Derivation::Collections, false));
        }
        for (name, index) in &mut self.indexes {
            match wanted.get(name) {
                Some((derivation, _)) if same_entries(derivation, &index.derivation) => {
                    index.derivation = derivation.clone();
                }
                _ => index.state = IndexState::Deleting,
            }
        }
        for (name, (derivation, local)) in wanted {
            // A name whose old entries are still being removed waits for the removal to finish.
            if self.indexes.contains_key(&name) {
                continue;
            }
            let state = if empty { IndexState::Active } else { IndexState::Backfilling };
            let id = self.next_index_id;
            self.next_index_id += 1;
            self.indexes.insert(name, LocalIndex { id, state, derivation, local });
        }
    }

    /// The table's ARN in `region`.
    pub fn arn(&self, region: &RegionName) -> String {
        names::table_arn(region, &self.name)
    }
}

/// Whether two derivations have the same entries: throughput plays no part.
fn same_entries(a: &Derivation, b: &Derivation) -> bool {
    match (a, b) {
        (Derivation::Secondary(a), Derivation::Secondary(b)) => {
            a.key == b.key && a.projection == b.projection
        }
        _ => a == b,
    }
}
