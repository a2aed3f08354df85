//! The settings that replicas of a table share.
//!
//! Each is a last-writer-wins register, so that merging two Regions' settings in any order gives the same. What one
//! replica has of its own is here too, so that every Region can show it.

use std::collections::BTreeMap;

use graticule_model::{IndexName, RegionName, Version};
use serde::{Deserialize, Serialize};

use crate::{
    auto_scaling::{AutoScaling, Dimension},
    overrides::Overrides,
    schema::{IndexDefinition, Maximum, Throughput},
};

/// A value that replicas share: the one with the latest version stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register<T> {
    /// When it was set.
    pub version: Version,
    /// What it was set to.
    pub value: T,
}

impl<T: Clone + PartialEq> Register<T> {
    /// A register set at `version`.
    pub fn new(version: Version, value: T) -> Register<T> {
        Register { version, value }
    }

    /// Takes `other` if it is later; tells whether the value changed.
    pub(crate) fn merge(&mut self, other: &Register<T>) -> bool {
        if other.version <= self.version {
            return false;
        }
        let changed = self.value != other.value;
        *self = other.clone();
        changed
    }
}

/// How requests are paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// `PAY_PER_REQUEST` rather than `PROVISIONED`.
    pub on_demand: bool,
    /// The table's capacity.
    pub throughput: Throughput,
    /// The most that the table serves per second when billed per request.
    #[serde(default)]
    pub maximum: Maximum,
    /// What the table serves at once, if somebody has asked for more than the usual.
    #[serde(default)]
    pub warm: Option<Throughput>,
}

/// What stream records show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StreamView {
    /// The key.
    KeysOnly,
    /// The item after.
    NewImage,
    /// The item before.
    OldImage,
    /// Both.
    NewAndOldImages,
}

/// Where a Region stands in a global table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Member {
    /// Being filled by `source`.
    Joining {
        /// The Region that ships its items.
        source: RegionName,
    },
    /// Takes reads and writes.
    Active,
    /// Was taken out, or left. What clients wrote there before is still taken.
    Removed,
    /// Was taken out and could not be reached for too long: nothing that it may still send is taken.
    Expelled,
}

impl Member {
    /// Whether it was taken out, waited for or not.
    pub fn is_out(&self) -> bool {
        matches!(self, Member::Removed | Member::Expelled)
    }
}

/// Settings that all replicas of a table share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How requests are paid for.
    pub billing: Register<Billing>,
    /// The global secondary indexes; `None` for one that was deleted.
    pub indexes: BTreeMap<IndexName, Register<Option<IndexDefinition>>>,
    /// The attribute that holds the time to live, while it is enabled.
    pub ttl: Register<Option<String>>,
    /// The stream's view, while it is enabled.
    pub stream: Register<Option<StreamView>>,
    /// `STANDARD_INFREQUENT_ACCESS` rather than `STANDARD`; `None` until it was set explicitly.
    pub infrequent_access: Register<Option<bool>>,
    /// The replicas by Region, this one included; empty for a table that was never global.
    pub members: BTreeMap<RegionName, Register<Member>>,
    /// How capacity is to be scaled; `None` where that was switched off.
    #[serde(default)]
    pub auto_scaling: BTreeMap<Dimension, Register<Option<AutoScaling>>>,
    /// What replicas have of their own.
    #[serde(default)]
    pub overrides: BTreeMap<RegionName, Overrides>,
    /// By the Region of a replica, the Region whose endpoint was asked to add it.
    #[serde(default)]
    pub sources: BTreeMap<RegionName, Register<RegionName>>,
}

impl Settings {
    /// Takes what is later in `other`; tells whether a value changed.
    pub fn merge(&mut self, other: &Settings) -> bool {
        let mut changed = self.billing.merge(&other.billing);
        changed |= self.ttl.merge(&other.ttl);
        changed |= self.stream.merge(&other.stream);
        changed |= self.infrequent_access.merge(&other.infrequent_access);
        changed |= merge_map(&mut self.indexes, &other.indexes);
        changed |= merge_map(&mut self.auto_scaling, &other.auto_scaling);
        changed |= merge_map(&mut self.sources, &other.sources);
        for (region, overrides) in &other.overrides {
            changed |= self.overrides.entry(region.clone()).or_default().merge(overrides);
        }
        changed | merge_map(&mut self.members, &other.members)
    }

    /// How a dimension is to be scaled, if it is.
    pub fn auto_scaling(&self, dimension: &Dimension) -> Option<&AutoScaling> {
        self.auto_scaling.get(dimension)?.value.as_ref()
    }

    /// Whether the writes of the table, or of a GSI, are to be scaled, and by what.
    pub fn scales_writes(&self, index: Option<&IndexName>) -> bool {
        let scaling = self.auto_scaling(&Dimension::Writes(index.cloned()));
        scaling.is_some_and(|scaling| scaling.policy.is_some())
    }

    /// The version of the latest change.
    pub fn version(&self) -> &Version {
        let single =
            [&self.billing.version, &self.ttl.version, &self.stream.version, &self.infrequent_access.version];
        single
            .into_iter()
            .chain(self.indexes.values().map(|register| &register.version))
            .chain(self.members.values().map(|register| &register.version))
            .chain(self.auto_scaling.values().map(|register| &register.version))
            .chain(self.sources.values().map(|register| &register.version))
            .chain(self.overrides.values().flat_map(Overrides::versions))
            .max()
            .expect("there is a billing mode")
    }
}

fn merge_map<K: Ord + Clone, T: Clone + PartialEq>(
    mine: &mut BTreeMap<K, Register<T>>,
    other: &BTreeMap<K, Register<T>>,
) -> bool {
    let mut changed = false;
    for (key, register) in other {
        match mine.get_mut(key) {
            Some(current) => changed |= current.merge(register),
            None => {
                mine.insert(key.clone(), register.clone());
                changed = true;
            }
        }
    }
    changed
}
