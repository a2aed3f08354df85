//! Billing mode and the capacity of the table. Capacity of indexes goes with the indexes.

use std::collections::BTreeSet;

use graticule_model::{Error, IndexName, Version};
use graticule_tables::{
    Table,
    schema::{Billing, Register, Throughput},
};

use super::{super::settings::ThroughputInput, indexes::IndexUpdate, parameter};

/// A change of the billing mode, of the table's capacity, or of both.
#[derive(Debug)]
pub(super) struct BillingChange {
    /// On-demand or provisioned, if the request says so.
    on_demand: Option<bool>,
    throughput: Option<Throughput>,
    /// The indexes for which the request has new capacity.
    updated: BTreeSet<String>,
}

/// How the service ends a refusal of capacity.
const LIMITS_HINT: &str =
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.";

/// Capacity that is what it was.
pub(super) fn unchanged(what: &str, place: &str, units: Throughput) -> Error {
    let Throughput { read, write } = units;
    Error::Validation(format!(
        "The provisioned throughput for the {what} will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for {place}: {read}. Requested ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for {place}: {write}. Requested WriteCapacityUnits: {write}. {LIMITS_HINT}"
    ))
}

const NO_CAPACITY: &str =
    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST";

impl BillingChange {
    pub(super) fn read(
        mode: Option<&str>,
        throughput: Option<&ThroughputInput>,
        updates: &[IndexUpdate],
    ) -> Result<BillingChange, Error> {
        let on_demand = mode.map(|mode| mode == "PAY_PER_REQUEST");
        match (on_demand, throughput) {
            (Some(true), Some(_)) => return parameter(NO_CAPACITY),
            (Some(false), None) => {
                return parameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
            }
            _ => {}
        }
        let updated = updates.iter().filter_map(IndexUpdate::updated).map(str::to_owned).collect();
        Ok(BillingChange { on_demand, throughput: throughput.map(ThroughputInput::units), updated })
    }

    pub(super) fn apply(&self, table: &mut Table, version: &Version) -> Result<(), Error> {
        let current = table.settings.billing.value;
        match (self.on_demand.unwrap_or(current.on_demand), self.throughput) {
            (true, Some(_)) => parameter(NO_CAPACITY),
            (true, None) if current.on_demand => Ok(()),
            (true, None) => {
                let billing = Billing { on_demand: true, throughput: Throughput::default() };
                table.settings.billing = Register::new(version.clone(), billing);
                clear_indexes(table, version);
                Ok(())
            }
            (false, None) => Ok(()),
            (false, Some(throughput)) => {
                if current.on_demand {
                    self.check_provisioned(table)?;
                } else if current.throughput == throughput {
                    return Err(unchanged("table", "the table", throughput));
                }
                let billing = Billing { on_demand: false, throughput };
                table.settings.billing = Register::new(version.clone(), billing);
                Ok(())
            }
        }
    }

    /// Whether an on-demand table can become provisioned with this request.
    fn check_provisioned(&self, table: &Table) -> Result<(), Error> {
        if table.is_global() {
            // Replicas must share a write capacity that grows with what any of them gets; nothing here does that.
            return Err(Error::Validation(
                "Table write capacity should either be Pay-Per-Request or AutoScaled.".to_owned(),
            ));
        }
        match table.global_indexes().find(|(name, _)| !self.updated.contains(name.as_str())) {
            Some((name, _)) => {
                parameter(format!("ProvisionedThroughput must be specified for index: {name}"))
            }
            None => Ok(()),
        }
    }
}

/// Indexes of an on-demand table have no capacity of their own.
fn clear_indexes(table: &mut Table, version: &Version) {
    let names: Vec<IndexName> = table.global_indexes().map(|(name, _)| name.clone()).collect();
    for name in names {
        if let Some(Register { value: Some(definition), .. }) = table.settings.indexes.get(&name) {
            let mut definition = definition.clone();
            definition.throughput = Throughput::default();
            table.settings.indexes.insert(name, Register::new(version.clone(), Some(definition)));
        }
    }
}
