//! DynamoDB's data on an ordered key-value engine: catalogue, items, indexes, queries, transactions, log, streams,
//! time to live and background jobs of one Region, and its side of global tables.
//!
//! There is one write path (`write`), and everything else that a write entails is derived from the change of the item in
//! the same commit (`derive`). Nothing here knows HTTP, JSON requests, or how Regions reach each other.

mod action;
pub mod auto_scaling;
mod capacity;
mod catalogue;
mod clock;
mod collections;
mod consumed;
mod coverage;
mod derive;
mod dropped;
mod global;
mod jobs;
mod key;
mod layout;
mod membership;
mod overrides;
mod read;
mod ready;
mod record;
mod region;
mod replica;
pub mod schema;
mod settings;
mod shards;
mod streams;
mod throughput;
mod write;

pub use action::{Action, ActionKind};
pub use clock::{Clock, Mark};
pub use consumed::{Consumed, HalfUnits, read_units};
pub use global::{
    Conflict, ConflictPage, ConflictQuery, Digest, KeyState, Merged, Origin, Outgoing, Pending, Road,
    SentCursor, SharedTable, Stretch,
};
pub use graticule_kv::{BoxFuture, Direction, PageLimit};
pub use layout::RESIDENT_PREFIX;
pub use read::{Page, PageRequest, ReadOutcome, Span};
pub use record::{Change, Record, StoredItem};
pub use region::{LogLimits, PeerTable, Peers, Region};
pub use schema::Table;
pub use streams::{FoundStream, StreamPage, StreamShard};
pub use write::{RequestToken, WriteOutcome, Written};
