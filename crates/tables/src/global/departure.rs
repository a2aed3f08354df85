//! How members go and how they fall behind: the steps that change a replica's record, each atomic and repeatable.
//!
//! When a step is due is decided by replication, which knows what was shipped and promised.

use std::{collections::BTreeMap, sync::Arc};

use graticule_model::{Error, RegionName, Version};

use crate::{
    global::cursor::{CursorKind, SentCursor, cursor_key},
    region::Region,
    schema::{Departed, Detaching, Member, Membership, Register, ReplicaRecord, Resync, Table, TableStatus},
};

impl Table {
    /// Whether a new replica is to be filled by a Region that is no member any more: those that stay tell it nothing.
    pub fn has_orphaned_join(&self) -> bool {
        self.settings.members.values().any(|register| self.lacks_source(&register.value))
    }

    fn lacks_source(&self, member: &Member) -> bool {
        matches!(member, Member::Joining { source } if self.has_left(source))
    }

    /// Has such a replica filled anew, from the one in `here` if that is complete.
    fn adopt_joins(&mut self, here: &RegionName, version: &Version) {
        if self.status != TableStatus::Active {
            return;
        }
        let orphans = self.settings.members.iter().filter(|(_, register)| self.lacks_source(&register.value));
        let orphans: Vec<RegionName> = orphans.map(|(region, _)| region.clone()).collect();
        if !orphans.is_empty() && self.is_expelled(here) {
            // It stays as the last one. As long as it counts as expelled, a new replica would take nothing from it.
            self.settings.members.insert(here.clone(), Register::new(version.clone(), Member::Active));
        }
        for region in orphans {
            let joining = Member::Joining { source: here.clone() };
            self.settings.members.insert(region, Register::new(version.clone(), joining));
        }
    }
}

impl Region {
    /// Remembers that a member has nothing more to say. If this one was on its way out and nobody else is left, it stays.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if the table is gone; if the engine fails.
    pub async fn mark_departed(
        &self,
        table: &Table,
        member: &RegionName,
        departed: &Departed,
    ) -> Result<(), Error> {
        self.update_replica(table, |table, _| {
            let Some(register) = table.settings.members.get(member) else { return };
            if register.version != departed.member {
                return;
            }
            let lost = departed.absent && !register.value.is_out();
            table.membership.departed.insert(member.clone(), departed.clone());
            table.settle_status(&self.name);
            table.owe_only_to_members(&self.name);
            table.owe_to_the_last(&self.name, self.env.unix_ms());
            if lost {
                table.compare_with_all(&self.name, self.env.unix_ms());
            }
        })
        .await
    }

    /// Stops waiting for a member that was taken out: from here on nothing is taken from it.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if the table is gone, [`Error::Validation`] if nobody waits for that Region.
    pub async fn expel(&self, table: &Table, member: &RegionName) -> Result<Arc<Table>, Error> {
        let expelled = self.update_settings(&table.name, |table| {
            if table.has_left(&self.name) || !table.awaited(&self.name).any(|(region, _)| region == member) {
                return Err(Error::Validation(format!(
                    "{member} was not taken out of the global table {}, or has departed; nobody waits for it",
                    table.name
                )));
            }
            let version = self.clock.register_version(table.settings.version().time);
            table.settings.members.insert(member.clone(), Register::new(version.clone(), Member::Expelled));
            table.adopt_joins(&self.name, &version);
            Ok(())
        });
        Ok(expelled.await?.0)
    }

    /// Takes out a member whose Region has another table of that name, unless this replica has become a table of its own
    /// since it was seen as `replica`, or has heard more of that member.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if the table is gone; if the engine fails.
    pub async fn give_up(&self, replica: &Table, member: &RegionName) -> Result<(), Error> {
        let given_up = self.update_settings(&replica.name, |table| {
            let version = self.clock.register_version(table.settings.version().time);
            let members = &mut table.settings.members;
            if table.uuid == replica.uuid && members.get(member) == replica.settings.members.get(member) {
                members.insert(member.clone(), Register::new(version, Member::Removed));
            }
            Ok(())
        });
        given_up.await.map(drop)
    }

    /// Takes over the joins whose source is no member any more.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if the table is gone; if the engine fails.
    pub async fn take_over_joins(&self, table: &Table) -> Result<(), Error> {
        let taken = self.update_settings(&table.name, |table| {
            let version = self.clock.register_version(table.settings.version().time);
            if !table.has_left(&self.name) {
                table.adopt_joins(&self.name, &version);
            }
            Ok(())
        });
        taken.await.map(drop)
    }

    /// Remembers that a member lacks more than the log has, so that nothing more is kept for it.
    ///
    /// # Errors
    /// As [`Region::mark_departed`].
    pub async fn mark_behind(&self, table: &Table, member: &RegionName) -> Result<(), Error> {
        let since_ms = self.env.unix_ms();
        self.update_replica(table, |table, _| {
            // Of what becomes a table of its own the log alone is told.
            if !table.is_detached() && table.told(&self.name).contains(member) {
                table.membership.owe(member, since_ms).log_cut = true;
            }
        })
        .await
    }

    /// Keeps the log for a member that has fallen behind again, from its present end on. What is before that is in the
    /// items and tombstones that it is compared with afterwards.
    ///
    /// # Errors
    /// As [`Region::mark_departed`].
    pub async fn keep_log_again(&self, table: &Table, member: &RegionName) -> Result<(), Error> {
        let next = self.log_bounds(table).await?.next;
        self.update_replica(table, |table, batch| {
            if let Some(mark) = table.membership.resync.get_mut(member)
                && mark.log_cut
            {
                mark.log_cut = false;
                let cursor = SentCursor::new(table.uuid.clone(), next);
                batch.put(cursor_key(table, CursorKind::Sent, member), cursor.encode());
            }
        })
        .await
    }

    /// Remembers that a member has everything that is here, unless there is a new reason to compare it since it had this
    /// `mark`.
    ///
    /// # Errors
    /// As [`Region::mark_departed`].
    pub async fn mark_complete(
        &self,
        table: &Table,
        member: &RegionName,
        mark: &Resync,
    ) -> Result<(), Error> {
        self.update_replica(table, |table, _| {
            let resync = &mut table.membership.resync;
            if resync.get(member).is_some_and(|current| current.reasons == mark.reasons) {
                resync.remove(member);
            }
        })
        .await
    }

    /// Takes this replica out of its global table while it stays a table, and settles the cut from which on nothing is shipped.
    ///
    /// # Errors
    /// As [`Region::mark_departed`].
    pub async fn begin_detaching(&self, table: &Table) -> Result<(), Error> {
        let next = self.log_bounds(table).await?.next;
        let begun = self.update_settings(&table.name, |current| {
            let waiting = current.detaching.filter(|detaching| detaching.cut.is_none());
            // Somebody may just have fallen behind, and needs a comparison.
            if current.uuid == table.uuid
                && current.membership.resync.is_empty()
                && let Some(detaching) = waiting
            {
                let version = self.clock.register_version(current.settings.version().time);
                let removed = Register::new(version, Member::Removed);
                current.detaching = Some(Detaching { cut: Some(next), unsettled: true, ..detaching });
                // One that was expelled is not to be waited for anew.
                if !current.is_expelled(&self.name) {
                    current.settings.members.insert(self.name.clone(), removed);
                }
            }
            Ok(())
        });
        begun.await?;
        self.settle_detaching(table).await
    }

    /// Puts the cut of a replica that has left behind all that was written before it did, and until now.
    ///
    /// # Errors
    /// As [`Region::mark_departed`].
    pub async fn settle_detaching(&self, table: &Table) -> Result<(), Error> {
        // Read after it was seen to have left.
        let next = self.log_bounds(table).await?.next;
        self.update_replica(table, |table, _| {
            if let Some(detaching) = table.detaching.as_mut().filter(|detaching| detaching.unsettled) {
                detaching.cut = detaching.cut.max(Some(next));
                detaching.unsettled = false;
            }
        })
        .await
    }

    /// Makes a replica that has left its global table a table of its own, if it knows of nobody else than `replica` does.
    ///
    /// # Errors
    /// As [`Region::mark_departed`].
    pub async fn finish_detaching(&self, replica: &Table) -> Result<(), Error> {
        self.update_replica(replica, |table, batch| {
            // It may just have heard of another member.
            let heard = table.settings != replica.settings;
            if heard || !table.is_detached() {
                return;
            }
            for region in table.settings.members.keys() {
                for kind in [CursorKind::Sent, CursorKind::Received] {
                    batch.delete(cursor_key(table, kind, region));
                }
            }
            table.group = None;
            table.settings.members = BTreeMap::new();
            table.membership = Membership::default();
            table.replica = ReplicaRecord::default();
            table.detaching = None;
        })
        .await
    }

    /// Changes the record of this very replica; does nothing to another one of its name.
    async fn update_replica(
        &self,
        replica: &Table,
        mut change: impl FnMut(&mut Table, &mut graticule_kv::Batch) + Send,
    ) -> Result<(), Error> {
        let changed = self.update_table(&replica.name, |table, batch| {
            if table.uuid != replica.uuid {
                return Err(Error::ResourceNotFound);
            }
            change(table, batch);
            Ok(())
        });
        changed.await.map(drop)
    }
}
