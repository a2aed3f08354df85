//! A replica among the others, as clients see it: in which status each one is, in which order they are shown, what must
//! wait for whom.
//!
//! Knows nothing of how replicas are filled or dismantled.

use std::collections::{BTreeMap, BTreeSet};

use graticule_model::{
    RegionName,
    limits::{
        REPLICA_LEAVING_BLOCKS_MS, SOURCE_REGION_HOLD_MS, TABLE_CLASS_CHANGES_MAX, TABLE_CLASS_WINDOW_MS,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    schema::{Member, Table},
    settings::Settings,
};

/// Where another replica stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaStatus {
    /// Being filled.
    Creating,
    /// Takes reads and writes.
    Active,
    /// Was taken out, and is not known to be gone.
    Deleting,
}

/// What one Region alone keeps of being a replica.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaRecord {
    /// The other Regions in the order in which this one saw them become members.
    #[serde(default)]
    order: Vec<RegionName>,
    /// Whether Disassociate is refused; `None`, which is yes, until somebody has said so.
    #[serde(default)]
    pub disassociation_protection: Option<bool>,
    /// When the table class of each replica has changed lately, in milliseconds since the epoch.
    #[serde(default)]
    class_changes: BTreeMap<RegionName, Vec<u64>>,
}

impl ReplicaRecord {
    /// Whether Disassociate is refused.
    pub fn is_protected(&self) -> bool {
        self.disassociation_protection.unwrap_or(true)
    }
}

impl Table {
    /// Where the replica in `region` stands; `None` if there is none.
    pub fn replica_status(&self, region: &RegionName) -> Option<ReplicaStatus> {
        let register = self.settings.members.get(region)?;
        if self.departed(region, &register.version).is_some() {
            return None; // it has handed over what it had, or lost it
        }
        match register.value {
            Member::Joining { .. } => Some(ReplicaStatus::Creating),
            Member::Active => Some(ReplicaStatus::Active),
            Member::Removed => Some(ReplicaStatus::Deleting),
            Member::Expelled => None,
        }
    }

    /// The replicas in other Regions, in the order in which this one, in `here`, saw them come.
    pub fn replicas<'a>(
        &'a self,
        here: &'a RegionName,
    ) -> impl Iterator<Item = (&'a RegionName, ReplicaStatus)> {
        let order = &self.replica.order;
        // Records from before there was an order have none.
        let others = self.settings.members.keys().filter(move |region| !order.contains(region));
        let shown = order.iter().chain(others).filter(move |region| *region != here);
        shown.filter_map(|region| Some((region, self.replica_status(region)?)))
    }

    /// Whether a member comes or goes, so that nothing else may change at the moment. One that goes and is not heard of
    /// stands in nobody's way for long.
    pub fn is_changing_members(&self, here: &RegionName, now_ms: u64) -> bool {
        self.replicas(here).any(|(region, status)| match status {
            ReplicaStatus::Creating => true,
            ReplicaStatus::Active => false,
            ReplicaStatus::Deleting => self.settings.members.get(region).is_some_and(|register| {
                now_ms < register.version.time.unix_ms().saturating_add(REPLICA_LEAVING_BLOCKS_MS)
            }),
        })
    }

    /// Whether the endpoint of `region` was used in the last 24 hours to add a replica that is still there.
    pub fn was_source(&self, region: &RegionName, now_ms: u64) -> bool {
        self.settings.sources.iter().any(|(added, register)| {
            let until_ms = register.version.time.unix_ms().saturating_add(SOURCE_REGION_HOLD_MS);
            register.value == *region && now_ms < until_ms && self.replica_status(added).is_some()
        })
    }

    /// A replica whose class has changed as often lately as it may; of these `regions`.
    pub fn class_exhausted<'a>(
        &self,
        mut regions: impl Iterator<Item = &'a RegionName>,
        now_ms: u64,
    ) -> Option<&'a RegionName> {
        let recent = |at_ms: &&u64| at_ms.saturating_add(TABLE_CLASS_WINDOW_MS) > now_ms;
        regions.find(|region| {
            let changes = self.replica.class_changes.get(*region);
            changes.is_some_and(|changes| changes.iter().filter(recent).count() >= TABLE_CLASS_CHANGES_MAX)
        })
    }

    /// Takes note of what a change of settings means for what is shown of replicas.
    pub(crate) fn note_replicas(&mut self, here: &RegionName, before: &Settings, now_ms: u64) {
        let there: BTreeSet<RegionName> = self.replicas(here).map(|(region, _)| region.clone()).collect();
        self.replica.order.retain(|region| there.contains(region));
        let mut new: Vec<RegionName> =
            there.iter().filter(|region| !self.replica.order.contains(region)).cloned().collect();
        // Several at once: the members that a new replica finds.
        new.sort_by_key(|region| self.settings.members.get(region).map(|register| register.version.clone()));
        self.replica.order.extend(new);

        self.replica.class_changes.retain(|region, _| region == here || there.contains(region));
        for region in there.iter().chain([here]) {
            let class = |settings: &Settings| {
                let own = settings.overrides.get(region).and_then(|own| own.infrequent_access.get());
                own.or(settings.infrequent_access.value).unwrap_or(false)
            };
            let was_member = before.members.get(region).is_some_and(|member| !member.value.is_out());
            if was_member && class(before) != class(&self.settings) {
                let changes = self.replica.class_changes.entry(region.clone()).or_default();
                changes.retain(|at_ms| at_ms.saturating_add(TABLE_CLASS_WINDOW_MS) > now_ms);
                changes.push(now_ms);
            }
        }
    }
}
