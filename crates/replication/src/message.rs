//! What Regions say to each other. Part of the link protocol: a change here is a new [`PROTOCOL_VERSION`].

use std::sync::Arc;

use bytes::Bytes;
use graticule_model::{Error, Version, version::HybridTime};
use graticule_tables::{Change, KeyState, SharedTable, Stretch};
use serde::{Deserialize, Serialize};

/// The newest version of the link protocol, the one of the messages here. Older ones are kept in [`crate::tcp`].
pub const PROTOCOL_VERSION: u16 = 2;

/// One message on a link: a request of the source, or the target's reply to the request of the same id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Pairs replies with requests.
    pub id: u64,
    /// What is said.
    pub body: Body,
}

/// Either side's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// From the source of a link.
    Request(Request),
    /// From its target.
    Reply(Reply),
}

/// What the source of a link asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// What is there by this name?
    Table {
        /// The name.
        table: String,
    },
    /// Take over what is later in these settings.
    Settings {
        /// A `SharedTable` as JSON.
        shared: Bytes,
    },
    /// Which replica is there, and how far has it applied my log?
    Position {
        /// The table.
        table: String,
        /// Names the source's log, which comes over the connection that has asked last; empty if none is to come.
        log: String,
    },
    /// Apply these changes.
    Changes(Changes),
    /// What do these stretches of your replica hold?
    Digests {
        /// The replica that is asked.
        to: Address,
        /// The stretches.
        stretches: Vec<WireStretch>,
    },
    /// Which live items does the beginning of this stretch hold?
    Keys {
        /// The replica that is asked.
        to: Address,
        /// The stretch.
        stretch: WireStretch,
    },
    /// What is stored under these keys?
    Items {
        /// The replica that is asked.
        to: Address,
        /// Stored keys without the table's id.
        keys: Vec<Bytes>,
    },
    /// Do you have everything that any member wrote before this time?
    Settled {
        /// The replica that is asked.
        to: Address,
        /// Hybrid time, as bits.
        time: u64,
    },
}

/// Names one replica of a global table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The table.
    pub table: String,
    /// The global table.
    pub group: String,
    /// The TableId of the replica: one that was dropped and made anew has another.
    pub replica: String,
}

/// Changes on their way from one replica to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// Where they go.
    pub to: Address,
    /// Names the source's log.
    pub log: String,
    /// The membership that the source's replica was made for.
    pub born: Option<WireVersion>,
    /// The changes.
    pub changes: Vec<WireChange>,
    /// How they come.
    pub road: WireRoad,
    /// With these changes, everything older than this time has been sent.
    pub watermark: Option<u64>,
    /// The source has everything that any member wrote before this time.
    pub settled: Option<u64>,
}

/// How changes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WireRoad {
    /// From the source's log; they reach this position.
    Log(u64),
    /// From the snapshot that fills a new replica: what was written before this hybrid time, as bits, and is not in it, was
    /// deleted.
    Snapshot(u64),
    /// From a comparison.
    Resync,
    /// From a comparison, when both replicas had everything from before this time.
    Repair(u64),
}

/// A version as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireVersion {
    /// Hybrid time, as bits.
    pub time: u64,
    /// The Region.
    pub region: String,
}

impl From<&Version> for WireVersion {
    fn from(version: &Version) -> WireVersion {
        WireVersion { time: version.time.to_bits(), region: version.region.to_string() }
    }
}

impl From<WireVersion> for Version {
    fn from(version: WireVersion) -> Version {
        Version { time: HybridTime::from_bits(version.time), region: Arc::from(version.region) }
    }
}

/// A stretch of stored keys without the table's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireStretch {
    /// Its first key.
    pub start: Bytes,
    /// The first key after it; `None` for the end of the table.
    pub end: Option<Bytes>,
}

impl From<&Stretch> for WireStretch {
    fn from(stretch: &Stretch) -> WireStretch {
        let end = stretch.end.as_ref().map(|end| Bytes::copy_from_slice(end));
        WireStretch { start: Bytes::copy_from_slice(&stretch.start), end }
    }
}

impl From<WireStretch> for Stretch {
    fn from(stretch: WireStretch) -> Stretch {
        Stretch { start: stretch.start.to_vec(), end: stretch.end.map(|end| end.to_vec()) }
    }
}

/// A digest as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireDigest {
    /// Live items.
    pub items: u64,
    /// A hash over them.
    pub hash: u128,
}

/// A live item in short, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireKey {
    /// Its stored key without the table's id.
    pub key: Bytes,
    /// Its version.
    pub version: WireVersion,
    /// A hash over its attributes.
    pub hash: u128,
}

impl From<KeyState> for WireKey {
    fn from(state: KeyState) -> WireKey {
        WireKey { key: state.key.into(), version: (&state.version).into(), hash: state.hash }
    }
}

impl From<WireKey> for KeyState {
    fn from(state: WireKey) -> KeyState {
        KeyState { key: state.key.to_vec(), version: state.version.into(), hash: state.hash }
    }
}

/// What the target of a link answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The table, if there is one.
    Table(Option<WireTable>),
    /// The settings are merged, durably; writes of the target before this time did not know them.
    SettingsMerged {
        /// Hybrid time, as bits.
        known_since: u64,
        /// Those of the target, a `SharedTable` as JSON, if they now say more than it was told.
        more: Option<Bytes>,
    },
    /// There is no replica, and none is to be.
    Absent,
    /// There is a table of this name that is not part of the global table; or, to anything else, not the replica that was
    /// meant.
    Foreign,
    /// What is there.
    Position {
        /// The TableId of the replica, if there is one.
        replica: Option<String>,
        /// The position of the source's log that it has applied, durably; `None` if nothing of this log is.
        applied: Option<u64>,
    },
    /// The changes are applied, durably.
    Applied,
    /// It did not work; the source may try again.
    Failed(String),
    /// The digests, in the order of the stretches.
    Digests(Vec<WireDigest>),
    /// Live items, and what is left of the stretch.
    Keys {
        /// The items in short, in the order of their keys.
        keys: Vec<WireKey>,
        /// What is left of the stretch; `None` at its end.
        left: Option<WireStretch>,
    },
    /// What is stored under the first few of the keys: items and tombstones; nothing for keys that have neither.
    Items {
        /// Items and tombstones.
        items: Vec<WireChange>,
        /// How many keys are answered.
        keys: usize,
    },
    /// Whether everything is there that was written before.
    Settled(bool),
}

/// What is told of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireTable {
    /// It may not be deleted.
    pub deletion_protection: bool,
}

/// A change as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireChange {
    /// Hybrid time of its version, as bits.
    pub time: u64,
    /// Region of its version.
    pub region: String,
    /// The item's key as canonical JSON.
    pub key: Bytes,
    /// The item as canonical JSON; `None` for a delete.
    pub new: Option<Bytes>,
    /// The item's time to live was over.
    pub expired: bool,
}

impl From<Change> for WireChange {
    fn from(change: Change) -> WireChange {
        WireChange {
            time: change.version.time.to_bits(),
            region: change.version.region.to_string(),
            key: change.key,
            new: change.new,
            expired: change.expired,
        }
    }
}

impl From<WireChange> for Change {
    fn from(change: WireChange) -> Change {
        Change {
            version: Version { time: HybridTime::from_bits(change.time), region: Arc::from(change.region) },
            key: change.key,
            old: None,
            new: change.new,
            written_ms: 0,
            expired: change.expired,
            silent: false,
        }
    }
}

/// Settings as they travel.
pub(crate) fn settings_to_json(shared: &SharedTable) -> Result<Bytes, Error> {
    let json = serde_json::to_vec(shared);
    json.map(Bytes::from).map_err(|error| Error::Internal(format!("settings cannot be told: {error}")))
}

/// What [`settings_to_json`] gave.
pub(crate) fn settings_from_json(json: &[u8]) -> Result<SharedTable, Error> {
    serde_json::from_slice(json).map_err(|error| Error::Internal(format!("unreadable settings: {error}")))
}
