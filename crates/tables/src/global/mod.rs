//! A table replica as a member of a global table: the settings that replicas share, and what follows from them.
//!
//! [`apply`] takes in what other replicas ship, [`outgoing`] gives what they are to get, [`cursor`] remembers how far both
//! have come, [`conflicts`] lists what was discarded. How anything travels is decided above.

mod apply;
mod conflicts;
mod cursor;
mod outgoing;
mod pending;

use std::{collections::BTreeMap, sync::Arc};

use graticule_kv::Batch;
use graticule_model::{Error, IndexName, RegionName, TableName, version::HybridTime};
use serde::{Deserialize, Serialize};

pub use apply::Origin;
pub(crate) use conflicts::Journal;
pub use conflicts::{Conflict, ConflictPage, ConflictQuery};
pub use outgoing::Outgoing;
pub use pending::Pending;

use crate::{
    global::cursor::{CursorKind, cursor_key, encode_cursor},
    region::Region,
    schema::{CapacityHistory, IndexDefinition, KeySchema, Member, Settings, Table, TableStatus},
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
    /// They are merged, or change nothing here. Carries the time before which this Region's writes did not know them.
    Done(HybridTime),
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
    /// `here`. `log_next` is a log position not after the change.
    pub fn settle_settings(
        &mut self,
        here: &RegionName,
        before: &Settings,
        log_next: u64,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        self.reconcile_indexes(false);
        match (self.settings.stream.value, self.stream().map(|stream| stream.view)) {
            (wanted, open) if wanted == open => {}
            (None, _) => self.close_stream(log_next, now_ms),
            (Some(view), open) => {
                if open.is_some() {
                    self.close_stream(log_next, now_ms);
                }
                self.open_stream(view, log_next, now_ms);
            }
        }
        let gone = |member: Option<&Member>| member.is_none_or(|member| *member == Member::Removed);
        for (region, register) in &self.settings.members {
            let was = before.members.get(region).map(|register| &register.value);
            if region != here && gone(was) && !gone(Some(&register.value)) {
                // The new member gets everything that is logged from here on; what is older comes with its snapshot.
                // One that has left does not wait for that: the source may never have had what it still has to say.
                let from = if self.has_left(here) { 0 } else { log_next };
                batch.put(cursor_key(self, CursorKind::Sent, region), encode_cursor(from, &self.uuid));
            }
        }
        let me = self.settings.members.get(here).map(|register| &register.value);
        if self.has_left(here) {
            self.status = TableStatus::Deleting;
        } else if (me == Some(&Member::Active) && self.status == TableStatus::Creating)
            // Taken out, it seemed, and then it turned out to be the last one.
            || (me == Some(&Member::Removed) && self.status == TableStatus::Deleting)
        {
            self.status = TableStatus::Active;
        }
        if self.settings.billing.value.on_demand && !before.billing.value.on_demand {
            self.on_demand_since_ms = Some(now_ms);
        }
        self.capacity.note(before, &self.settings, now_ms);
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
            let log_next = self.log_bounds(&seen).await?.next;
            let (table, answer) = self
                .update_table(name, |table, batch| {
                    // Changed or made anew meanwhile: the log may have gone on, or be another one.
                    if table.id != seen.id || table.revision != seen.revision {
                        return Ok(None);
                    }
                    let before = table.settings.clone();
                    let answer = change(table)?;
                    table.settle_settings(&self.name, &before, log_next, self.env.unix_ms(), batch);
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
                Merged::Done(HybridTime::ZERO)
            })
        });
        match merged.await {
            Ok((_, other @ (Merged::Foreign | Merged::Leaving))) => Ok(other),
            Ok((_, Merged::Done(_))) => Ok(Merged::Done(self.clock.last())),
            Err(Error::ResourceNotFound) => {
                let me = shared.settings.members.get(&self.name).map(|register| &register.value);
                if matches!(me, Some(Member::Joining { .. })) {
                    match self.create_table(self.new_replica(shared)).await {
                        // Created meanwhile: merge with that one on the next occasion.
                        Ok(_) | Err(Error::TableExists(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(Merged::Done(self.clock.last()))
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
        };
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
