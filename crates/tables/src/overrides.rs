//! What one replica has of its own where the others have what all share: read capacity, on-demand read maximum, table
//! class, and the first two per global secondary index.
//!
//! Every one of them is a register by itself, so that Regions which change different ones at once lose nothing. A value
//! that is absent is inherited. Which requests set or reset them is decided by the operations.

use std::collections::BTreeMap;

use graticule_model::{IndexName, RegionName, Version};
use serde::{Deserialize, Serialize};

use crate::{
    schema::{IndexDefinition, Maximum, Table, Throughput},
    settings::{Billing, Register, Settings},
};

/// A value that one replica may have of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Override<T>(Option<Register<Option<T>>>);

impl<T> Default for Override<T> {
    fn default() -> Override<T> {
        Override(None)
    }
}

impl<T: Copy + PartialEq> Override<T> {
    /// The replica's own value; `None` if it has the one that all share.
    pub fn get(&self) -> Option<T> {
        self.0.as_ref().and_then(|register| register.value)
    }

    /// Gives the replica a value of its own, or takes it away.
    pub fn set(&mut self, version: &Version, value: Option<T>) {
        self.0 = Some(Register::new(version.clone(), value));
    }

    fn merge(&mut self, other: &Override<T>) -> bool {
        match (&mut self.0, &other.0) {
            (_, None) => false,
            (Some(mine), Some(other)) => mine.merge(other),
            (mine @ None, other) => {
                *mine = other.clone();
                true
            }
        }
    }

    fn version(&self) -> Option<&Version> {
        self.0.as_ref().map(|register| &register.version)
    }
}

/// The capacity that one replica has of its own, of a table or of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityOverrides {
    /// Provisioned read capacity units.
    #[serde(default)]
    pub read: Override<u64>,
    /// Most read request units per second when billed per request; 0 is no maximum.
    #[serde(default)]
    pub read_max: Override<u64>,
}

impl CapacityOverrides {
    /// Every value is the one that all share again.
    pub fn reset(&mut self, version: &Version) {
        self.read.set(version, None);
        self.read_max.set(version, None);
    }

    fn merge(&mut self, other: &CapacityOverrides) -> bool {
        self.read.merge(&other.read) | self.read_max.merge(&other.read_max)
    }

    fn versions(&self) -> impl Iterator<Item = &Version> {
        self.read.version().into_iter().chain(self.read_max.version())
    }

    /// The capacity of this replica, where all share `throughput` and `maximum`.
    fn apply(
        &self,
        on_demand: bool,
        mut throughput: Throughput,
        mut maximum: Maximum,
    ) -> (Throughput, Maximum) {
        match (on_demand, self.read.get(), self.read_max.get()) {
            (false, Some(read), _) => throughput.read = read,
            (true, _, Some(read_max)) => maximum.read = Some(read_max).filter(|units| *units > 0),
            _ => {}
        }
        (throughput, maximum)
    }
}

/// All that one replica has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// Capacity of the table.
    #[serde(default)]
    pub capacity: CapacityOverrides,
    /// `STANDARD_INFREQUENT_ACCESS` rather than `STANDARD`.
    #[serde(default)]
    pub infrequent_access: Override<bool>,
    /// Capacity of global secondary indexes.
    #[serde(default)]
    pub indexes: BTreeMap<IndexName, CapacityOverrides>,
}

impl Overrides {
    /// What it has of its own for an index.
    pub fn index(&mut self, name: &IndexName) -> &mut CapacityOverrides {
        self.indexes.entry(name.clone()).or_default()
    }

    /// Every value is the one that all share again, whatever another Region has set meanwhile.
    fn reset<'a>(&mut self, version: &Version, indexes: impl Iterator<Item = &'a IndexName>) {
        self.capacity.reset(version);
        self.infrequent_access.set(version, None);
        for name in indexes {
            self.index(name);
        }
        self.indexes.values_mut().for_each(|index| index.reset(version));
    }

    /// Takes what is later in `other`; tells whether a value changed.
    pub(crate) fn merge(&mut self, other: &Overrides) -> bool {
        let mut changed = self.capacity.merge(&other.capacity);
        changed |= self.infrequent_access.merge(&other.infrequent_access);
        for (name, index) in &other.indexes {
            changed |= self.index(name).merge(index);
        }
        changed
    }

    /// When each value was set.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Version> {
        let indexes = self.indexes.values().flat_map(CapacityOverrides::versions);
        self.capacity.versions().chain(self.infrequent_access.version()).chain(indexes)
    }

    /// Whether a replica's own maximum may limit reads.
    fn limits_reads(&self) -> bool {
        self.capacity.read_max.get().is_some()
            || self.indexes.values().any(|index| index.read_max.get().is_some())
    }
}

impl Settings {
    /// Gives every replica what all share again, as far as `reset` says: after a change of the shared value.
    pub fn reset_overrides(&mut self, mut reset: impl FnMut(&mut Overrides)) {
        for (region, register) in &self.members {
            if !register.value.is_out() {
                self.overrides.entry(region.clone()).or_default();
            }
        }
        self.overrides.values_mut().for_each(&mut reset);
    }

    /// Takes away everything that the replica in `region` has of its own: it goes, or is new.
    pub fn clear_overrides(&mut self, region: &RegionName, version: &Version) -> &mut Overrides {
        let overrides = self.overrides.entry(region.clone()).or_default();
        overrides.reset(version, self.indexes.keys());
        overrides
    }
}

impl Table {
    /// What the replica in `region` has of its own.
    pub fn overrides(&self, region: &RegionName) -> Option<&Overrides> {
        self.settings.overrides.get(region)
    }

    /// Billing and capacity of the replica in `region`.
    pub fn billing_in(&self, region: &RegionName) -> Billing {
        let billing = self.settings.billing.value;
        let Some(overrides) = self.overrides(region) else { return billing };
        let (throughput, maximum) =
            overrides.capacity.apply(billing.on_demand, billing.throughput, billing.maximum);
        Billing { throughput, maximum, ..billing }
    }

    /// The capacity of a global secondary index of the replica in `region`.
    pub fn index_capacity_in(
        &self,
        region: &RegionName,
        name: &str,
        definition: &IndexDefinition,
    ) -> (Throughput, Maximum) {
        match self.overrides(region).and_then(|overrides| overrides.indexes.get(name)) {
            Some(overrides) => {
                let on_demand = self.settings.billing.value.on_demand;
                overrides.apply(on_demand, definition.throughput, definition.maximum)
            }
            None => (definition.throughput, definition.maximum),
        }
    }

    /// The class of the replica in `region`: whether it is the one for infrequent access; `None` until somebody has set
    /// one.
    pub fn infrequent_access_in(&self, region: &RegionName) -> Option<bool> {
        let own = self.overrides(region).and_then(|overrides| overrides.infrequent_access.get());
        own.or(self.settings.infrequent_access.value)
    }

    /// Whether a replica, here or elsewhere, has a maximum of its own.
    pub(crate) fn has_own_maximum(&self) -> bool {
        self.settings.overrides.values().any(Overrides::limits_reads)
    }
}
