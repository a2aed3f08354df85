//! Members that go: a replica that leaves hands over what it has; the others wait for that, but not for ever.

use std::sync::Arc;

use graticule_model::{Error, RegionName, Version, version::HybridTime};
use graticule_tables::{
    Table,
    schema::{Departed, Member, TableStatus},
};

use crate::replicator::{Replicator, TICK};

impl Replicator {
    /// Drops a replica that has left, once every remaining member knows and has everything that was written here.
    pub(crate) async fn finish_departure(&self, table: &Arc<Table>) -> Result<(), Error> {
        let here = self.region.name();
        let head = self.region.log_bounds(table).await?.next;
        if !self.may_go(table, head) {
            return Ok(());
        }
        let still_leaving = |current: &Table| {
            // It may just have heard of another member.
            let same = current.uuid == table.uuid && current.settings == table.settings;
            if same && current.status == TableStatus::Deleting {
                Ok(())
            } else {
                Err(Error::ResourceNotFound)
            }
        };
        match self.region.drop_table(&table.name, still_leaving).await {
            Ok(_) => {}
            Err(Error::ResourceNotFound) => return Ok(()),
            Err(error) => return Err(error),
        }
        if table.is_expelled(here) {
            tracing::warn!(region = %here, table = %table.name, log_positions = head,
                "the other members did not wait for this replica; what only it had is gone with it");
        } else {
            tracing::info!(region = %here, table = %table.name, "the replica has left its global table");
        }
        Ok(())
    }

    /// Whether a replica that has left may be dropped: those that stay have its log before `end`. One that was expelled hands
    /// nothing over, but goes only when it has heard from one that stays.
    fn may_go(&self, table: &Table, end: u64) -> bool {
        if table.is_expelled(self.region.name()) {
            self.knows_who_stays(table)
        } else {
            self.is_handed_over(table, end)
        }
    }

    /// Whether some member has a replica and knows the settings of this one.
    fn knows_who_stays(&self, table: &Table) -> bool {
        let state = self.state.lock();
        let mut peers = table.peers(self.region.name());
        peers.any(|(peer, _)| state.knowing(table, peer).is_some_and(|known| !known.absent))
    }

    /// Whether every member knows the settings of this replica and has its log before `end`, and has said since that it knows
    /// of nobody else.
    fn is_handed_over(&self, table: &Table, end: u64) -> bool {
        let state = self.state.lock();
        table.membership.resync.is_empty()
            && table.peers(self.region.name()).all(|(peer, _)| {
                // One that has no replica any more has nothing to keep what is handed over in.
                state.knowing(table, peer).is_some_and(|known| !known.absent && known.shipped >= end)
            })
    }

    /// Takes note of members that have nothing more to say, and gives up those that were taken out and cannot be reached
    /// for too long.
    pub(crate) async fn see_off(&self, table: &Arc<Table>) -> Result<(), Error> {
        let here = self.region.name();
        if table.status == TableStatus::Active && !table.has_left(here) && table.has_orphaned_join() {
            tracing::warn!(region = %here, table = %table.name,
                "the source of a new replica is no member any more; the replica is filled from here");
            match self.region.take_over_joins(table).await {
                Ok(()) | Err(Error::ResourceNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        let members = table.settings.members.iter().filter(|(region, _)| *region != here);
        let members: Vec<(RegionName, Version)> =
            members.map(|(region, register)| (region.clone(), register.version.clone())).collect();
        for (member, version) in members {
            let known = table.departed(&member, &version);
            if known.is_some_and(|departed| departed.absent) {
                continue;
            }
            let departed = self.departure_of(table, &member, &version);
            if let Some(departed) = departed.filter(|departed| known != Some(departed)) {
                match self.region.mark_departed(table, &member, &departed).await {
                    Ok(()) => tracing::info!(region = %self.region.name(), table = %table.name, %member,
                        absent = departed.absent, "a member has nothing more to say"),
                    Err(Error::ResourceNotFound) => return Ok(()),
                    Err(error) => return Err(error),
                }
                continue;
            }
            let waited_ms = self.env().unix_ms().saturating_sub(version.time.unix_ms());
            let waits = table.awaited(self.region.name()).any(|(region, _)| *region == member);
            let decides = table.status == TableStatus::Active && !table.has_left(self.region.name());
            if waits && waited_ms > self.policy.departure_ms_max && decides {
                self.expel(table, &member).await?;
            }
        }
        Ok(())
    }

    /// Stops waiting for a member that was taken out and cannot be reached.
    ///
    /// # Errors
    /// If nobody waits for it, or the engine fails.
    pub async fn expel(&self, table: &Table, member: &RegionName) -> Result<(), Error> {
        match self.region.expel(table, member).await {
            Ok(_) => {
                tracing::warn!(region = %self.region.name(), table = %table.name, %member,
                    "a member that was taken out is not waited for any longer; what it may still have is refused");
                Ok(())
            }
            Err(Error::ResourceNotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// How far a member has gone: it has no replica, or it was taken out and everything is here that it wrote before it
    /// knew of that.
    fn departure_of(&self, table: &Table, member: &RegionName, version: &Version) -> Option<Departed> {
        let shared = (table.uuid.clone(), member.clone());
        let state = self.state.lock();
        let known = state.acknowledged.get(&shared)?;
        let register = table.settings.members.get(member)?;
        if known.settings.members.get(member) != Some(register) {
            return None;
        }
        let told = state.watermarks.get(&shared).is_some_and(|time| *time > known.known_since);
        let out = table.has_left(member) && (told || register.value == Member::Expelled);
        (known.absent || out).then(|| Departed { member: version.clone(), absent: known.absent })
    }

    /// Makes a replica a table of its own: first both sides have everything, then it leaves, then it is told to all.
    pub(crate) async fn detach(&self, table: &Arc<Table>) {
        let Ok(bounds) = self.region.log_bounds(table).await else { return };
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let current = match self.region.table(&table.name).await {
                Ok(current) if current.uuid == table.uuid => current,
                _ => return,
            };
            let Some(detaching) = current.detaching else { return };
            let outcome = match detaching.cut {
                // Taken out meanwhile, it hears nothing more. A comparison would tell what is written after the cut. Whoever
                // fills a new replica waits for what members have to say.
                None if (current.has_left(self.region.name()) && current.membership.resync.is_empty())
                    || (!current.is_being_joined(self.region.name())
                        && self.has_exchanged(&current, detaching.requested_ms, bounds.next)) =>
                {
                    self.region.begin_detaching(&current).await
                }
                Some(_) if detaching.unsettled => self.region.settle_detaching(&current).await,
                // From one that was expelled nobody takes anything. Nothing is lost with it: it stays.
                Some(cut)
                    if current.is_expelled(self.region.name()) || self.is_handed_over(&current, cut) =>
                {
                    let finished = self.region.finish_detaching(&current).await;
                    tracing::info!(region = %self.region.name(), table = %table.name,
                        "the replica has left its global table and is a table of its own");
                    finished
                }
                _ => Ok(()),
            };
            if let Err(error) = outcome {
                tracing::error!(region = %self.region.name(), table = %table.name, %error,
                    "a replica cannot become a table of its own just now");
            }
            let _ = self.env().timeout(TICK, changed.changed()).await;
        }
    }

    /// Whether everything is here that others wrote before `requested_ms`, and there what was logged here before `end`.
    fn has_exchanged(&self, table: &Table, requested_ms: u64, end: u64) -> bool {
        let requested = HybridTime::from_unix_ms(requested_ms);
        let state = self.state.lock();
        table.membership.resync.is_empty()
            && self.has_heard(&state, table, requested.next())
            && table.peers(self.region.name()).all(|(peer, _)| {
                let shared = (table.uuid.clone(), peer.clone());
                state.shipped.get(&shared).is_some_and(|position| *position >= end)
            })
    }
}
