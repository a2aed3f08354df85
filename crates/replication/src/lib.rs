//! Replication between Regions: one link per ordered pair, shipping the changes that clients made in the source.
//!
//! A [`Replicator`] belongs to one Region. It keeps a [`link`] to every other Region that shares a table with it, over
//! which it calls the Replicator there: here are settings, here are changes. What arrives is applied by [`inbound`].
//! How bytes travel is behind [`Transport`]: within a process ([`local`]) or over TCP ([`tcp`]). How a change is applied
//! to a table, and what is durable when, is the business of `tables`.

mod compare;
mod departure;
mod dials;
mod flow;
mod footprint;
mod frames;
mod inbound;
mod join;
mod latency;
mod link;
pub mod local;
mod message;
mod replicator;
mod resync;
mod session;
mod settled;
mod ship;
mod status;
pub mod tcp;
mod traffic;
mod transport;
mod verify;

pub use dials::{LinkDial, LinkDials, OrderedPair};
pub use footprint::Footprint;
pub use frames::{Closed, FrameReceiver, FrameSender, frames};
pub use latency::{LATENCY_BOUNDS_MS, LatencyHistogram, RecentLatency};
pub use message::{
    Address, Body, Changes, Frame, PROTOCOL_VERSION, Reply, Request, WireChange, WireDigest, WireKey,
    WireRoad, WireStretch, WireTable, WireVersion,
};
pub use replicator::{Policy, Replicator};
pub use status::{LinkState, LinkStatus, PeerStatus, RegionStatus, ReplicaStatus};
pub use traffic::{LinkTraffic, TrafficBook};
pub use transport::{LinkError, Transport, Wire};
pub use verify::{Difference, Verified};
