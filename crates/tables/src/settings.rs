//! The settings that replicas of a table share.
//!
//! Each is a last-writer-wins register, so that merging two Regions' settings in any order gives the same.

use std::collections::BTreeMap;

use graticule_model::{IndexName, RegionName, Version};
use serde::{Deserialize, Serialize};

use crate::schema::{IndexDefinition, Maximum, Throughput};

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
    fn merge(&mut self, other: &Register<T>) -> bool {
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
}

impl Settings {
    /// Takes what is later in `other`; tells whether a value changed.
    pub fn merge(&mut self, other: &Settings) -> bool {
        let mut changed = self.billing.merge(&other.billing);
        changed |= self.ttl.merge(&other.ttl);
        changed |= self.stream.merge(&other.stream);
        changed |= self.infrequent_access.merge(&other.infrequent_access);
        changed |= merge_map(&mut self.indexes, &other.indexes);
        changed | merge_map(&mut self.members, &other.members)
    }

    /// The version of the latest change.
    pub fn version(&self) -> &Version {
        let single =
            [&self.billing.version, &self.ttl.version, &self.stream.version, &self.infrequent_access.version];
        single
            .into_iter()
            .chain(self.indexes.values().map(|register| &register.version))
            .chain(self.members.values().map(|register| &register.version))
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
