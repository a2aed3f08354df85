//! How much a Replicator remembers: the sizes of all that grows with replicas and peers.
//!
//! Invariant: each is bounded by tables times peers, however often replicas and members come and go. Figures for tests and
//! people; nothing here decides anything.

use crate::replicator::{Replicator, Work};

/// Entries of each map of a Replicator, by name.
pub type Footprint = Vec<(&'static str, usize)>;

impl Replicator {
    /// How much is remembered of replicas and peers.
    pub fn footprint(&self) -> Footprint {
        let state = self.state.lock();
        let under_way = |kind| state.under_way.iter().filter(|(work, _)| *work == kind).count();
        vec![
            ("links", state.links.len()),
            ("acknowledged", state.acknowledged.len()),
            ("shipped", state.shipped.len()),
            ("lanes", state.lanes.len()),
            ("watermarks", state.watermarks.len()),
            ("settled", state.settled.len()),
            ("joins", under_way(Work::Join)),
            ("comparisons to bring up to date", under_way(Work::Resync)),
            ("comparisons to verify", under_way(Work::Verify)),
            ("detachments", under_way(Work::Detach)),
            ("join percent", state.join_percent.len()),
            ("verified", state.verified.len()),
            ("telemetry", self.telemetry.len()),
        ]
    }
}
