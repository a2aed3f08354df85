//! Who is a member of a global table, seen from one replica: who is shipped to, whose changes are taken, who is waited for.
//!
//! A member that was taken out may still have writes that nobody else has. It is *awaited*: its changes are taken, and
//! tombstones that could meet them are kept, until it has *departed*. One that stays away for too long is *expelled*:
//! from then on its changes are refused, so that tombstones need not wait for it any longer.

use std::collections::BTreeMap;

use graticule_model::{RegionName, Version};
use serde::{Deserialize, Serialize};

use crate::schema::{Member, Register, Table, TableStatus};

/// What one Region knows by itself of the members of a global table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The membership that this replica was made for. It tells the replica from an earlier one of the same Region.
    pub born: Option<Version>,
    /// Members that were taken out and have handed over everything they had, or have no replica for whatever reason.
    pub departed: BTreeMap<RegionName, Departed>,
    /// When Regions were expelled: replicas that were made before that are not listened to.
    pub expelled: BTreeMap<RegionName, Version>,
    /// Members that must be compared with this replica before shipping to them is complete again.
    pub resync: BTreeMap<RegionName, Resync>,
}

impl Membership {
    /// Has a member compared with this replica, from its beginning if that is under way. Gives its mark.
    pub(crate) fn owe(&mut self, member: &RegionName, now_ms: u64) -> &mut Resync {
        let mark = self.resync.entry(member.clone());
        let mark = mark.or_insert(Resync { since_ms: now_ms, log_cut: false, reasons: 0 });
        mark.reasons += 1;
        mark
    }
}

/// A member that has handed over everything, or has nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departed {
    /// The membership that this is about: when it was taken out, or became a member.
    pub member: Version,
    /// It has no replica any more; until then it is told of what changes.
    pub absent: bool,
}

/// Since when a member needs more than the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    /// Since when, in milliseconds since the epoch.
    pub since_ms: u64,
    /// Nothing of the log is kept for it. Once the member is there, the log is kept for it again from its end, and this is
    /// false while the replicas are compared.
    pub log_cut: bool,
    /// How often a reason has come up. A comparison answers those that there were when it began.
    pub reasons: u64,
}

/// A replica that becomes a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detaching {
    /// When that was asked for, in milliseconds since the epoch.
    pub requested_ms: u64,
    /// The log position from which on nothing is shipped any more; `None` while it is still a member.
    pub cut: Option<u64>,
    /// It is a member no more, but writes that were under way when it left may lie behind the cut, which has still to be moved
    /// behind them.
    #[serde(default)]
    pub unsettled: bool,
}

impl Register<Member> {
    /// What the register of a new member becomes when it is complete. Whoever takes the member out, knowing that it was to
    /// become one, does so with a later version, be it before or after that.
    #[must_use]
    pub fn completed(&self) -> Register<Member> {
        let version = Version { time: self.version.time.next(), region: self.version.region.clone() };
        Register::new(version, Member::Active)
    }

    /// Whether this member has the replica that it had when its register was `was`.
    pub fn goes_on_from(&self, was: &Register<Member>) -> bool {
        self.version == was.version || *self == was.completed()
    }
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

    /// Whether a Region is no member any more. If Regions take each other out, one stays of those that still have a replica:
    /// somebody must keep the items. It is the one that was taken out last, rather one whose writes are waited for than one
    /// that was expelled. One that leaves by itself goes, and keeps nobody else from staying; nor does one that is still to be
    /// filled.
    pub fn has_left(&self, region: &RegionName) -> bool {
        let members = &self.settings.members;
        let Some(mine) = members.get(region) else { return false };
        let goes = |region: &RegionName, register: &Register<Member>| {
            let by_itself = register.value.is_out() && *register.version.region == *region.as_str();
            by_itself || self.is_gone(region, register)
        };
        let expelled = |register: &Register<Member>| register.value == Member::Expelled;
        let stays_before = |other: &Register<Member>| match other.value {
            Member::Active => true,
            Member::Joining { .. } => false,
            Member::Removed | Member::Expelled if expelled(other) != expelled(mine) => expelled(mine),
            Member::Removed | Member::Expelled => other.version > mine.version,
        };
        let others = members.iter().filter(|(other, register)| *other != region && !goes(other, register));
        goes(region, mine) || (mine.value.is_out() && others.map(|(_, other)| other).any(stays_before))
    }

    /// Whether a Region was taken out, though it may have to stay as the last one.
    pub fn is_out(&self, region: &RegionName) -> bool {
        self.settings.members.get(region).is_some_and(|register| register.value.is_out())
    }

    /// Whether a Region was taken out and is not waited for.
    pub fn is_expelled(&self, region: &RegionName) -> bool {
        self.settings.members.get(region).is_some_and(|register| register.value == Member::Expelled)
    }

    /// Whether a Region has said that it has no replica, whatever the membership says. What it had it had handed over to
    /// those whom it knew to stay; or it has lost it.
    pub(crate) fn is_gone(&self, region: &RegionName, register: &Register<Member>) -> bool {
        self.departed(region, &register.version).is_some_and(|departed| departed.absent)
    }

    /// Brings the status of the replica in `here` in line with the membership.
    pub(crate) fn settle_status(&mut self, here: &RegionName) {
        let me = self.settings.members.get(here).map(|register| &register.value);
        if self.has_left(here) {
            if self.detaching.is_none() {
                self.status = TableStatus::Deleting;
            }
        } else if (me == Some(&Member::Active) && self.status == TableStatus::Creating)
            // Taken out, it seemed, and then it turned out to be the last one.
            || (me.is_some_and(Member::is_out) && self.status == TableStatus::Deleting)
        {
            self.status = TableStatus::Active;
        }
    }

    /// Whether this replica takes what others ship: it is not on its way out.
    pub fn takes_changes(&self) -> bool {
        self.status != TableStatus::Deleting
    }

    /// Whether this replica has left to be a table of its own: of what is written from its cut on, others hear nothing.
    pub(crate) fn is_detached(&self) -> bool {
        self.detaching.is_some_and(|detaching| detaching.cut.is_some())
    }

    /// Whether this replica goes as soon as the others have what it had: it is dropped, or becomes a table of its own.
    pub fn is_leaving(&self) -> bool {
        self.status == TableStatus::Deleting || self.is_detached()
    }

    /// Whether changes are taken from the replica in `region` that was made for the membership `born`.
    pub fn listens_to(&self, region: &RegionName, born: Option<&Version>) -> bool {
        self.membership.expelled.get(region).is_none_or(|expelled| born.is_some_and(|born| born > expelled))
    }

    /// Whether a Region was not taken out, and says that it has no replica.
    pub(crate) fn has_lost_all(&self, region: &str) -> bool {
        let member = self.settings.members.get_key_value(region);
        member.is_some_and(|(region, register)| !register.value.is_out() && self.is_gone(region, register))
    }

    /// Whether this replica, in Region `here`, ships its changes to `peer`, a member. Nobody takes any from one that was
    /// expelled.
    pub fn ships_to(&self, here: &RegionName, peer: &RegionName) -> bool {
        let refused = self.has_left(here) && self.is_expelled(here);
        !refused && !self.has_left(peer)
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
            || self.departed(region, &register.version).is_none_or(|departed| !departed.absent)
    }

    /// The log position from which on this replica ships nothing: the cut of one that becomes a table of its own.
    pub fn shipping_end(&self) -> u64 {
        self.detaching.and_then(|detaching| detaching.cut).unwrap_or(u64::MAX)
    }

    /// What is known of the departure of a member whose membership has this version.
    pub fn departed(&self, region: &RegionName, member: &Version) -> Option<&Departed> {
        self.membership.departed.get(region).filter(|departed| departed.member == *member)
    }

    /// The Region that fills the replica in `region`, if that is new.
    pub fn source_of(&self, region: &RegionName) -> Option<&RegionName> {
        match self.settings.members.get(region).map(|register| &register.value) {
            Some(Member::Joining { source }) => Some(source),
            _ => None,
        }
    }

    /// Whether a new replica is being filled somewhere.
    pub fn is_being_joined(&self, here: &RegionName) -> bool {
        self.peers(here).any(|(_, member)| matches!(member, Member::Joining { .. }))
    }
}
