//! What Regions say to each other. Part of the link protocol: a change here is a new [`PROTOCOL_VERSION`].

use std::sync::Arc;

use bytes::Bytes;
use graticule_model::{Version, version::HybridTime};
use graticule_tables::Change;
use serde::{Deserialize, Serialize};

/// The newest version of the link protocol, the one of the messages here. Older ones are kept beside the transports.
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
    /// How far have you applied my log?
    Position {
        /// The table.
        table: String,
        /// Names the source's log.
        log: String,
    },
    /// Apply these changes.
    Changes {
        /// The table.
        table: String,
        /// Names the global table.
        group: String,
        /// Names the source's log.
        log: String,
        /// The changes.
        changes: Vec<WireChange>,
        /// The position of the source's log that they reach; `None` for items of a snapshot.
        position: Option<u64>,
        /// With these changes, everything older than this time has been sent.
        watermark: Option<u64>,
    },
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
    },
    /// There is a table of this name that is not part of the global table; or, to changes, no replica to apply them to.
    Foreign,
    /// The position that is applied, durably; `None` if nothing of this log is.
    Position(Option<u64>),
    /// The changes are applied, durably.
    Applied,
    /// It did not work; the source may try again.
    Failed(String),
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
