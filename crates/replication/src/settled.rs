//! What is known to be everywhere: who has heard everything from before a time, and the deletes that can be forgotten then.
//!
//! A watermark is one member's word that nothing older of its own is to come. What all of them have said tells up to when
//! this replica has everything; what all have said of that tells up to when everybody has.

use std::time::Duration;

use graticule_model::{RegionName, version::HybridTime};
use graticule_tables::{Table, schema::TableStatus};

use crate::replicator::{Replicator, State};

/// How long each side waits for what others have on their way.
const SETTLE_MAX: Duration = Duration::from_secs(10);

impl Replicator {
    /// A time before which everything is here that any member wrote, or that a member which is not waited for had told
    /// others: all know of the same members, and have promised something since they do. `None` if it is not known anew.
    /// While a replica is being filled it is not, since what others send that one is not covered by what they promise here.
    pub(crate) fn settled_time(&self, table: &Table) -> Option<HybridTime> {
        let here = self.region.name();
        // One that was taken out and stays as the last one is still to be told what those had who took it for gone.
        let stays = table.is_out(here) && table.awaited(here).next().is_some();
        if table.status != TableStatus::Active || table.is_being_joined(here) || stays {
            return None;
        }
        let state = self.state.lock();
        let promised = |region: &RegionName| {
            let known = state.knowing(table, region)?;
            let shared = (table.uuid.clone(), region.clone());
            state.watermarks.get(&shared).copied().filter(|promised| *promised > known.known_since)
        };
        let peers = table.peers(here).map(|(peer, _)| promised(peer));
        let awaited = table.awaited(here).map(|(region, _)| promised(region));
        peers.chain(awaited).min().flatten()
    }

    /// A tombstone can go when everything older is in every replica that stays, whoever wrote it: then none can send
    /// anything that it would have to meet, and none lacks the delete.
    pub(crate) fn settle_tombstones(&self, table: &Table) {
        let Some(here) = self.settled_time(table) else { return };
        let floor = {
            let state = self.state.lock();
            let settled = |peer: &RegionName| state.settled.get(&(table.uuid.clone(), peer.clone())).copied();
            table.peers(self.region.name()).map(|(peer, _)| settled(peer).unwrap_or_default()).min()
        };
        self.region.set_tombstone_floor(table, floor.map_or(here, |floor| floor.min(here)));
    }

    /// Waits for a while until everything is here that any member wrote before `time`; false if it is not.
    pub(crate) async fn wait_settled(&self, table: &Table, time: HybridTime) -> bool {
        let settled = self.wait_until(|state| self.has_heard(state, table, time));
        self.env().timeout(SETTLE_MAX, settled).await.is_some()
    }

    /// Whether everything is here that any member wrote before `time`.
    pub fn is_settled(&self, table: &Table, time: HybridTime) -> bool {
        self.has_heard(&self.state.lock(), table, time)
    }

    pub(crate) fn has_heard(&self, state: &State, table: &Table, time: HybridTime) -> bool {
        self.heard_time(state, table) >= time
    }

    /// The time before which everything is here that any member wrote.
    pub(crate) fn heard_time(&self, state: &State, table: &Table) -> HybridTime {
        let here = self.region.name();
        let members = table.peers(here).map(|(region, _)| region);
        let awaited = table.awaited(here).map(|(region, _)| region);
        let promised =
            |region: &RegionName| state.watermarks.get(&(table.uuid.clone(), region.clone())).copied();
        let promised = members.chain(awaited).map(|region| promised(region).unwrap_or_default());
        promised.min().unwrap_or(HybridTime::from_bits(u64::MAX))
    }
}
