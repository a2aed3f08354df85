//! A table replica as a member of a global table: the settings that replicas share, and what follows from them.
//!
//! [`apply`] takes in what other replicas ship, [`outgoing`] gives what they are to get, [`cursor`] remembers how far both
//! have come, [`conflicts`] lists what was discarded, [`digest`] compares, [`departure`] is how members go. How anything
//! travels is decided above.

mod apply;
mod conflicts;
mod cursor;
mod departure;
mod digest;
mod outgoing;
mod pending;

use std::{collections::BTreeMap, sync::Arc};

use graticule_kv::{Batch, LogBounds};
use graticule_model::{Error, IndexName, RegionName, TableName, version::HybridTime};
use serde::{Deserialize, Serialize};

pub use apply::{Origin, Road};
pub(crate) use conflicts::Journal;
pub use conflicts::{Conflict, ConflictPage, ConflictQuery};
pub use cursor::SentCursor;
pub(crate) use cursor::{decode_forgotten, encode_forgotten, forgotten_key};
pub use digest::{Digest, KeyState, Stretch};
pub use outgoing::Outgoing;
pub use pending::Pending;

use crate::{
    global::cursor::{CursorKind, cursor_key},
    region::Region,
    schema::{
        CapacityHistory, IndexDefinition, KeySchema, Member, Membership, ReplicaRecord, Settings, Table,
        TableStatus,
    },
};

/// What replicas of a table tell each other of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedTable {
    /// The table's name.
    pub name: TableName,
    /// Names the global table; a table of the same name that is none of its replicas has another.
    pub group: String,
    /// The primary key.
    pub key: KeySchema,
    /// The local secondary indexes.
    pub local_indexes: BTreeMap<IndexName, IndexDefinition>,
    /// The shared settings.
    pub settings: Settings,
}

/// What came of merging another replica's settings.
#[derive(Debug, Clone, PartialEq)]
pub enum Merged {
    /// They are merged.
    Done {
        /// This Region's writes before this time did not know them; what it promises beyond that it promises with them in
        /// mind.
        known_since: HybridTime,
        /// What is here, if it says more than what was told.
        more: Option<Box<SharedTable>>,
    },
    /// Here is no replica, and none is to be: the Region is no member, or has lost what it had.
    Absent,
    /// Here is a table of the same name that is not part of the global table.
    Foreign,
    /// This Region is to become a member again, but its former replica has not left yet. To be repeated.
    Leaving,
}

impl Table {
    /// What the other replicas are told of this one.
    pub fn shared(&self) -> Option<SharedTable> {
        Some(SharedTable {
            name: self.name.clone(),
            group: self.group.clone()?,
            key: self.key.clone(),
            local_indexes: self.local_indexes.clone(),
            settings: self.settings.clone(),
        })
    }

    /// Brings everything that follows from the settings in line with them, after a change of settings in Region
    /// `here`. `log` are bounds of the log from before the change.
    pub fn settle_settings(
        &mut self,
        here: &RegionName,
        before: &Settings,
        log: LogBounds,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        self.reconcile_indexes(false);
        match (self.settings.stream.value, self.stream().map(|stream| stream.view)) {
            (wanted, open) if wanted == open => {}
            (None, _) => self.close_stream(log.next, now_ms),
            (Some(view), open) => {
                if open.is_some() {
                    self.close_stream(log.next, now_ms);
                }
                self.open_stream(view, log.next, now_ms);
            }
        }
        self.welcome(here, before, log, now_ms, batch);
        self.settle_membership(here, Some(before), now_ms);
        self.settle_status(here);
        if self.settings.members != before.members {
            self.owe_to_the_last(here, now_ms);
        }
        if self.settings.billing.value.on_demand && !before.billing.value.on_demand {
            self.on_demand_since_ms = Some(now_ms);
        }
        self.capacity.note(before, &self.settings, now_ms);
        self.note_replicas(here, before, now_ms);
    }

    /// Has new members told. They get everything that is logged from here on; what is older comes with their snapshot. But
    /// nobody waits for what a member has still to say that was taken out before the new one was complete, or was complete
    /// before they knew of each other, so that one compares itself with it; what becomes a table of its own, and goes on,
    /// tells all of its log.
    fn welcome(
        &mut self,
        here: &RegionName,
        before: &Settings,
        log: LogBounds,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        let detached = self.is_detached();
        for peer in self.told(here) {
            if self.is_out(&peer) {
                continue;
            }
            let register = &self.settings.members[&peer];
            let was = before.members.get(&peer).filter(|was| register.goes_on_from(was));
            if was.is_none() {
                let base = if detached { log.first } else { log.next };
                let cursor = SentCursor::new(self.uuid.clone(), base);
                batch.put(cursor_key(self, CursorKind::Sent, &peer), cursor.encode());
            }
            let was_complete = was.is_some_and(|was| was.value == Member::Active);
            let unawaited =
                (self.has_left(here) && !was_complete) || (was.is_none() && register.value == Member::Active);
            if unawaited && !detached && self.settings.members != before.members {
                self.membership.owe(&peer, now_ms);
            }
        }
    }

    /// Brings what this Region knows of the members in line with who they are. `before` is who they were; a new replica
    /// has none, and is filled with all that others know.
    fn settle_membership(&mut self, here: &RegionName, before: Option<&Settings>, now_ms: u64) {
        if self.membership.born.is_none() {
            self.membership.born = self.settings.members.get(here).map(|register| register.version.clone());
        }
        let mut newly_expelled = false;
        for (region, register) in &self.settings.members {
            let was = before.map(|before| before.members.get(region));
            if register.value == Member::Expelled && was != Some(Some(register)) {
                self.membership.expelled.insert(region.clone(), register.version.clone());
                newly_expelled |= region != here && before.is_some();
            }
        }
        let Membership { departed, .. } = &mut self.membership;
        departed.retain(|region, departed| {
            self.settings.members.get(region).is_some_and(|register| register.version == departed.member)
        });
        self.owe_only_to_members(here);
        if newly_expelled {
            self.compare_with_all(here, now_ms);
        }
    }

    /// Lets go of comparisons with those that take nothing from this replica any more.
    fn owe_only_to_members(&mut self, here: &RegionName) {
        let told = self.told(here);
        self.membership.resync.retain(|region, _| told.contains(region));
    }

    /// Has a member that was taken out, and stays as the last one, told of everything, if this replica is on its way out:
    /// members that are gone took it for gone too, and handed over what they had to this one alone.
    fn owe_to_the_last(&mut self, here: &RegionName, now_ms: u64) {
        if self.status != TableStatus::Deleting {
            return;
        }
        for peer in self.told(here) {
            if self.is_out(&peer) && !self.has_left(&peer) {
                self.membership.owe(&peer, now_ms);
            }
        }
    }

    /// Has every member compared with this replica: a Region that is gone may have handed some of its last writes to some
    /// members and not to others, and now nobody else will tell of them. What was a replica tells nothing after its cut.
    fn compare_with_all(&mut self, here: &RegionName, now_ms: u64) {
        if self.is_detached() {
            return;
        }
        for peer in self.told(here) {
            self.membership.owe(&peer, now_ms);
        }
    }

    /// The Regions that take what this replica tells.
    pub(crate) fn told(&self, here: &RegionName) -> Vec<RegionName> {
        let others = self.settings.members.keys().filter(|region| *region != here);
        others.filter(|region| self.ships_to(here, region)).cloned().collect()
    }
}

impl Region {
    /// Changes settings that replicas share, with everything that follows.
    ///
    /// # Errors
    /// As [`Region::update_table`].
    pub async fn update_settings<T: Send>(
        &self,
        name: &TableName,
        mut change: impl FnMut(&mut Table) -> Result<T, Error> + Send,
    ) -> Result<(Arc<Table>, T), Error> {
        loop {
            let seen = self.settle_streams(self.table(name).await?).await?;
            let log = self.log_bounds(&seen).await?;
            let (table, answer) = self
                .update_table(name, |table, batch| {
                    // Changed or made anew meanwhile: the log may have gone on, or be another one.
                    if table.id != seen.id || table.revision != seen.revision {
                        return Ok(None);
                    }
                    let before = table.settings.clone();
                    let answer = change(table)?;
                    table.settle_settings(&self.name, &before, log, self.env.unix_ms(), batch);
                    Ok(Some(answer))
                })
                .await?;
            let Some(answer) = answer else { continue };
            // A stream that was just closed gets the records of writes that were under way when it was.
            return Ok((self.settle_streams(table).await?, answer));
        }
    }

    /// Takes what is later in another replica's settings. Creates the table if this Region is to become a member.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn merge_settings(&self, shared: &SharedTable) -> Result<Merged, Error> {
        let merged = self.update_settings(&shared.name, |table| {
            if table.group.as_ref() != Some(&shared.group) {
                return Ok(Merged::Foreign);
            }
            let register = |settings: &Settings| settings.members.get(&self.name).cloned();
            let (ours, theirs) = (register(&table.settings), register(&shared.settings));
            table.settings.merge(&shared.settings);
            let joining =
                theirs.as_ref().is_some_and(|theirs| matches!(theirs.value, Member::Joining { .. }));
            if joining && ours.is_some_and(|ours| Some(ours.version) < theirs.map(|theirs| theirs.version)) {
                // Taken out and added again, whether we heard of the first or not: what is here has missed what
                // happened between, deletes too, and goes. A new replica follows.
                table.status = TableStatus::Deleting;
            }
            Ok(if joining && table.status == TableStatus::Deleting {
                Merged::Leaving
            } else {
                let more = table.shared().filter(|merged| merged.settings != shared.settings);
                Merged::Done { known_since: HybridTime::ZERO, more: more.map(Box::new) }
            })
        });
        match merged.await {
            Ok((_, Merged::Done { more, .. })) => Ok(Merged::Done { known_since: self.clock.turn(), more }),
            Ok((_, other)) => Ok(other),
            Err(Error::ResourceNotFound) => {
                let me = shared.settings.members.get(&self.name).map(|register| &register.value);
                if !matches!(me, Some(Member::Joining { .. })) {
                    return Ok(Merged::Absent);
                }
                match self.create_table(self.new_replica(shared)).await {
                    // Created meanwhile: merge with that one on the next occasion.
                    Ok(_) | Err(Error::TableExists(_)) => {
                        Ok(Merged::Done { known_since: self.clock.turn(), more: None })
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    fn new_replica(&self, shared: &SharedTable) -> Table {
        let now_ms = self.env.unix_ms();
        let mut table = Table {
            format: crate::schema::TABLE_FORMAT,
            id: 0,
            uuid: self.env.random_uuid(),
            name: shared.name.clone(),
            revision: 0,
            created_ms: now_ms,
            status: TableStatus::Creating,
            key: shared.key.clone(),
            local_indexes: shared.local_indexes.clone(),
            settings: shared.settings.clone(),
            group: Some(shared.group.clone()),
            indexes: BTreeMap::new(),
            next_index_id: 1,
            streams: Vec::new(),
            deletion_protection: false,
            tags: BTreeMap::new(),
            on_demand_since_ms: shared.settings.billing.value.on_demand.then_some(now_ms),
            capacity: CapacityHistory::default(),
            membership: Membership::default(),
            replica: ReplicaRecord::default(),
            detaching: None,
        };
        table.settle_membership(&self.name, None, now_ms);
        table.note_replicas(&self.name, &shared.settings, now_ms);
        table.reconcile_indexes(true);
        if let Some(view) = table.settings.stream.value {
            table.open_stream(view, 0, now_ms);
        }
        table
    }

    /// Says below which time tombstones of a table are needed no longer.
    pub fn set_tombstone_floor(&self, table: &Table, floor: HybridTime) {
        self.tombstone_floor.lock().insert(table.id, floor);
    }
}
