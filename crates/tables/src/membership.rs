//! Who is a member of a global table, seen from one replica: who is shipped to, whose changes are taken, who is waited for.
//!
//! A member that was taken out may still have writes that nobody else has. It is *awaited*: its changes are taken, and
//! tombstones that could meet them are kept, until it has *departed*. One that stays away for too long is *expelled*:
//! from then on its changes are refused, so that tombstones need not wait for it any longer.

use std::collections::BTreeMap;

use graticule_model::{RegionName, Version};
use serde::{Deserialize, Serialize};

use crate::schema::{Member, Table};

/// What one Region knows by itself of the members of a global table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The membership that this replica was made for. It tells the replica from an earlier one of the same Region.
    pub born: Option<Version>,
    /// Members that were taken out and have handed over everything they had.
    pub departed: BTreeMap<RegionName, Departed>,
    /// When Regions were expelled: replicas that were made before that are not listened to.
    pub expelled: BTreeMap<RegionName, Version>,
    /// Members that must be compared with this replica before shipping to them is complete again.
    pub resync: BTreeMap<RegionName, Resync>,
}

/// A member that has handed over everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departed {
    /// When it was taken out.
    pub removed: Version,
    /// It has no replica any more; until then it is told of what changes.
    pub absent: bool,
}

/// Why and since when a member needs more than the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    /// Since when, in milliseconds since the epoch.
    pub since_ms: u64,
    /// Nothing of the log is kept for it. Once the member is there, the log is kept for it again from its end, and this is
    /// false while the replicas are compared.
    pub log_cut: bool,
    /// The log no longer has some of what was written here and the member lacks.
    pub missing: bool,
    /// It may lack what a member that is expelled has told this replica.
    pub orphans: bool,
}

/// A replica that becomes a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detaching {
    /// When that was asked for, in milliseconds since the epoch.
    pub requested_ms: u64,
    /// The log position from which on nothing is shipped any more; `None` while it is still a member.
    pub cut: Option<u64>,
}

impl Table {
    /// Whether this is a replica of a global table.
    pub fn is_global(&self) -> bool {
        self.settings.members.keys().filter(|region| !self.has_left(region)).count() > 1
    }

    /// Whether versions decide between writes: this is, or was, a replica of a global table. A Region that was taken
    /// out may still send what it has.
    pub fn compares_versions(&self) -> bool {
        self.group.is_some()
    }

    /// Whether a Region is no member any more. If Regions take each other out at once, the one that was taken out last
    /// stays: somebody must keep the items.
    pub fn has_left(&self, region: &RegionName) -> bool {
        let members = &self.settings.members;
        let Some(mine) = members.get(region).filter(|register| register.value.is_out()) else {
            return false;
        };
        if mine.value == Member::Expelled {
            return true;
        }
        let by_itself = *mine.version.region == *region.as_str();
        let last_of_all = members.values().all(|other| match other.value {
            Member::Removed => other.version <= mine.version,
            // Only members expel, so this one was out before.
            Member::Expelled => true,
            Member::Joining { .. } | Member::Active => false,
        });
        by_itself || !last_of_all
    }

    /// Whether this replica, in Region `here`, takes what others ship: not on its way out, unless it has still to fill
    /// a new one.
    pub fn takes_changes(&self, here: &RegionName) -> bool {
        self.status != crate::schema::TableStatus::Deleting || self.is_source(here)
    }

    /// Whether changes are taken from the replica in `region` that was made for the membership `born`.
    pub fn listens_to(&self, region: &RegionName, born: Option<&Version>) -> bool {
        self.membership.expelled.get(region).is_none_or(|expelled| born.is_some_and(|born| born > expelled))
    }

    /// Whether no member tells of a write: its Region is none, or was expelled since.
    pub fn is_orphan(&self, version: &Version) -> bool {
        let region = &*version.region;
        self.settings.members.get(region).is_none_or(|register| register.value.is_out())
            || self.membership.expelled.get(region).is_some_and(|expelled| version < expelled)
    }

    /// Whether `peer` is to get this table's changes: it is a member, or has still to fill a new one.
    pub fn ships_to(&self, peer: &RegionName) -> bool {
        !self.has_left(peer) || self.is_source(peer)
    }

    /// The other Regions of the global table, with their state.
    pub fn peers<'a>(&'a self, here: &'a RegionName) -> impl Iterator<Item = (&'a RegionName, &'a Member)> {
        self.settings
            .members
            .iter()
            .map(|(region, register)| (region, &register.value))
            .filter(move |(region, _)| *region != here && !self.has_left(region))
    }

    /// Regions that were taken out and may still send what clients wrote there.
    pub fn awaited<'a>(
        &'a self,
        here: &'a RegionName,
    ) -> impl Iterator<Item = (&'a RegionName, &'a Version)> {
        let left = self.settings.members.iter().filter(move |(region, register)| {
            *region != here && register.value == Member::Removed && self.has_left(region)
        });
        left.map(|(region, register)| (region, &register.version))
            .filter(|(region, version)| self.departed(region, version).is_none())
    }

    /// Whether there is still something to say to `region`, or to hear from it.
    pub fn concerns(&self, region: &RegionName) -> bool {
        let Some(register) = self.settings.members.get(region) else { return false };
        !register.value.is_out()
            || !self.has_left(region)
            || self.is_source(region)
            || self.departed(region, &register.version).is_none_or(|departed| !departed.absent)
    }

    /// What is known of the departure of a member that was taken out at `removed`.
    pub fn departed(&self, region: &RegionName, removed: &Version) -> Option<&Departed> {
        self.membership.departed.get(region).filter(|departed| departed.removed == *removed)
    }

    /// Whether a new replica somewhere is being filled from the one in `here`.
    pub fn is_source(&self, here: &RegionName) -> bool {
        self.peers(here).any(|(_, member)| matches!(member, Member::Joining { source } if source == here))
    }

    /// Whether a new replica is being filled somewhere.
    pub fn is_being_joined(&self, here: &RegionName) -> bool {
        self.peers(here).any(|(_, member)| matches!(member, Member::Joining { .. }))
    }
}
