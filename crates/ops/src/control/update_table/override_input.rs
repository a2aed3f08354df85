//! What a request wants one replica to have of its own, checked against what all replicas share.

use graticule_model::{Error, IndexName, RegionName, Version};
use graticule_tables::schema::{Billing, CapacityOverrides, Settings};
use serde::Deserialize;

use super::{super::settings::table_class, invalid, parameter};

/// `ProvisionedThroughputOverride`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProvisionedInput {
    read_capacity_units: Option<u64>,
}

/// `OnDemandThroughputOverride`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnDemandInput {
    max_read_request_units: Option<i64>,
}

/// An entry of `GlobalSecondaryIndexes`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexInput {
    index_name: String,
    provisioned_throughput_override: Option<ProvisionedInput>,
    on_demand_throughput_override: Option<OnDemandInput>,
}

/// The members of an action that are about the replica's own settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OverrideInput {
    provisioned_throughput_override: Option<ProvisionedInput>,
    on_demand_throughput_override: Option<OnDemandInput>,
    global_secondary_indexes: Option<Vec<IndexInput>>,
    table_class_override: Option<String>,
}

/// Takes a maximum away.
const NO_MAXIMUM: i64 = -1;

/// What a replica, or an index of it, is to have.
#[derive(Debug, Clone, Copy)]
struct CapacityInput {
    read: Option<u64>,
    read_max: Option<i64>,
}

impl CapacityInput {
    fn new(provisioned: Option<&ProvisionedInput>, on_demand: Option<&OnDemandInput>) -> CapacityInput {
        CapacityInput {
            read: provisioned.and_then(|input| input.read_capacity_units),
            read_max: on_demand.and_then(|input| input.max_read_request_units),
        }
    }

    fn is_empty(&self) -> bool {
        self.read.is_none() && self.read_max.is_none()
    }

    /// Sets it for `index`, or for the table. What all share already is nothing of the replica's own.
    fn apply(
        &self,
        index: Option<&IndexName>,
        shared: &Billing,
        version: &Version,
        own: &mut CapacityOverrides,
    ) -> Result<(), Error> {
        if let Some(read) = self.read {
            if shared.on_demand {
                let of_index = index.map(|name| format!(" for index: {name}")).unwrap_or_default();
                return parameter(format!(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified{of_index} when BillingMode is PAY_PER_REQUEST"
                ));
            }
            own.read.set(version, Some(read).filter(|read| *read != shared.throughput.read));
        }
        if let Some(units) = self.read_max {
            if !shared.on_demand {
                return invalid(
                    "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED",
                );
            }
            let read_max = match u64::try_from(units) {
                Ok(units) if units > 0 => units,
                _ if units == NO_MAXIMUM => 0,
                _ => {
                    let owner = index.map_or("table".to_owned(), |name| format!("index: {name}"));
                    return parameter(format!(
                        "Requested MaxReadRequestUnits for OnDemandThroughput for {owner} is outside of valid range"
                    ));
                }
            };
            let shared = shared.maximum.read.unwrap_or(0);
            own.read_max.set(version, Some(read_max).filter(|units| *units != shared));
        }
        Ok(())
    }
}

impl IndexInput {
    fn capacity(&self) -> CapacityInput {
        CapacityInput::new(
            self.provisioned_throughput_override.as_ref(),
            self.on_demand_throughput_override.as_ref(),
        )
    }
}

impl OverrideInput {
    fn capacity(&self) -> CapacityInput {
        CapacityInput::new(
            self.provisioned_throughput_override.as_ref(),
            self.on_demand_throughput_override.as_ref(),
        )
    }

    fn indexes(&self) -> &[IndexInput] {
        self.global_secondary_indexes.as_deref().unwrap_or_default()
    }

    /// Whether it wants nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.capacity().is_empty()
            && self.indexes().iter().all(|index| index.capacity().is_empty())
            && self.table_class_override.is_none()
    }

    /// The class that it wants: whether it is the one for infrequent access.
    ///
    /// # Errors
    /// If there is no such class.
    pub(super) fn infrequent_access(&self) -> Result<Option<bool>, Error> {
        self.table_class_override.as_deref().map(table_class).transpose()
    }

    /// Gives it to the replica in `region`. Indexes that the table does not have are passed over, as the service does.
    ///
    /// # Errors
    /// If the billing mode has no use for it, or it is out of range.
    pub(super) fn apply(
        &self,
        settings: &mut Settings,
        region: &RegionName,
        version: &Version,
    ) -> Result<(), Error> {
        let shared = settings.billing.value;
        let mut own = settings.overrides.get(region).cloned().unwrap_or_default();
        self.capacity().apply(None, &shared, version, &mut own.capacity)?;
        for input in self.indexes() {
            let found = settings.indexes.get_key_value(input.index_name.as_str());
            let Some((name, Some(definition))) = found.map(|(name, it)| (name, it.value.as_ref())) else {
                continue;
            };
            let shared = Billing { throughput: definition.throughput, maximum: definition.maximum, ..shared };
            let own = own.indexes.entry(name.clone()).or_default();
            input.capacity().apply(Some(name), &shared, version, own)?;
        }
        if let Some(infrequent_access) = self.infrequent_access()? {
            own.infrequent_access.set(version, Some(infrequent_access));
        }
        settings.overrides.insert(region.clone(), own);
        Ok(())
    }
}
