//! What went over a link, in figures that only grow.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use graticule_model::RegionName;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// Counters of the connections between a Region here and another one, both directions and all connections together.
/// Bytes are those of the link protocol, before encryption.
#[derive(Debug, Default)]
pub struct LinkTraffic {
    /// Frames that were sent.
    pub frames_sent: AtomicU64,
    /// Bytes that were sent.
    pub bytes_sent: AtomicU64,
    /// What would have been sent without compression.
    pub bytes_before_compression: AtomicU64,
    /// Frames that were received.
    pub frames_received: AtomicU64,
    /// Bytes that were received.
    pub bytes_received: AtomicU64,
    /// Connections that were opened, by either end.
    pub connects: AtomicU64,
    /// Connections that came to nothing: not reached, or refused by either end.
    pub handshake_failures: AtomicU64,
}

impl LinkTraffic {
    /// The figures as JSON.
    pub fn to_json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "FramesSent": read(&self.frames_sent),
            "BytesSent": read(&self.bytes_sent),
            "BytesBeforeCompression": read(&self.bytes_before_compression),
            "FramesReceived": read(&self.frames_received),
            "BytesReceived": read(&self.bytes_received),
            "Connects": read(&self.connects),
            "HandshakeFailures": read(&self.handshake_failures),
        })
    }
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}

/// The traffic of every pair of a Region here and another one.
#[derive(Debug, Default)]
pub struct TrafficBook(Mutex<BTreeMap<(RegionName, RegionName), Arc<LinkTraffic>>>);

impl TrafficBook {
    /// The counters of the connections between `here` and `peer`.
    pub fn of(&self, here: &RegionName, peer: &RegionName) -> Arc<LinkTraffic> {
        Arc::clone(self.0.lock().entry((here.clone(), peer.clone())).or_default())
    }

    /// All counters with the Region here and the other one, in the order of their names.
    pub fn all(&self) -> Vec<(RegionName, RegionName, Arc<LinkTraffic>)> {
        let book = self.0.lock();
        book.iter().map(|((here, peer), traffic)| (here.clone(), peer.clone(), Arc::clone(traffic))).collect()
    }
}
