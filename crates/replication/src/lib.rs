//! Replication between Regions: one link per ordered pair, shipping the changes that clients made in the source.
//!
//! A [`Replicator`] belongs to one Region. It keeps a [`link`] to every other Region that shares a table with it, over
//! which it calls the Replicator there: here are settings, here are changes. What arrives is applied by [`inbound`].
//! How bytes travel is behind [`Transport`]: within a process ([`local`]) or over TCP ([`tcp`]). How a change is applied
//! to a table, and what is durable when, is the business of `tables`.

mod frames;
mod inbound;
mod join;
mod link;
pub mod local;
mod message;
mod replicator;
mod session;
mod ship;
pub mod tcp;
mod traffic;
mod transport;

pub use frames::{Closed, FrameReceiver, FrameSender, frames};
pub use message::{Body, Frame, PROTOCOL_VERSION, Reply, Request, WireChange, WireTable};
pub use replicator::{Policy, Replicator};
pub use traffic::{LinkTraffic, TrafficBook};
pub use transport::{LinkError, Transport, Wire};
