//! `OnDemandThroughput` and `WarmThroughput` of tables and global secondary indexes: read, checked against what is set.
//!
//! Both may name reads, writes or both; what they do not name stays as it is.

use graticule_model::Error;
use graticule_tables::schema::{Maximum, Throughput};
use serde::Deserialize;

/// `OnDemandThroughput`: the most that is served per second when billed per request.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OnDemandInput {
    max_read_request_units: Option<i64>,
    max_write_request_units: Option<i64>,
}

/// Takes a maximum away.
const NO_MAXIMUM: i64 = -1;

impl OnDemandInput {
    /// Whether it is about reads.
    pub(super) fn sets_reads(&self) -> bool {
        self.max_read_request_units.is_some()
    }

    /// The maxima of `owner` (`table`, or `index: name`) after a request for these, if it had `current`.
    ///
    /// # Errors
    /// If it is not billed per request, or a maximum can be none.
    pub(super) fn apply(&self, owner: &str, on_demand: bool, current: Maximum) -> Result<Maximum, Error> {
        let members = [
            ("MaxReadRequestUnits", self.max_read_request_units),
            ("MaxWriteRequestUnits", self.max_write_request_units),
        ];
        if !on_demand && members.iter().any(|(_, units)| units.is_some()) {
            let text = "Neither MaxReadRequestUnits nor MaxWriteRequestUnits can be specified when BillingMode is PROVISIONED";
            return Err(Error::Parameter(text.to_owned()));
        }
        let next = |(member, units): (&str, Option<i64>), current: Option<u64>| match units {
            None => Ok(current),
            Some(NO_MAXIMUM) => Ok(None),
            Some(units) => match u64::try_from(units) {
                Ok(units) if units > 0 => Ok(Some(units)),
                _ => Err(Error::Parameter(format!(
                    "Requested {member} for OnDemandThroughput for {owner} is outside of valid range"
                ))),
            },
        };
        let [reads, writes] = members;
        Ok(Maximum { read: next(reads, current.read)?, write: next(writes, current.write)? })
    }
}

/// `WarmThroughput`: what is served at once. Graticule serves it anyway; the setting can grow, as the service's can.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WarmInput {
    read_units_per_second: Option<i64>,
    write_units_per_second: Option<i64>,
}

impl WarmInput {
    /// The warm throughput of `owner` (`table`, or `index: name`) after a request for this, if it had `current`.
    ///
    /// # Errors
    /// If it asks for less.
    pub(super) fn apply(&self, owner: &str, current: Throughput) -> Result<Throughput, Error> {
        let next = |member: &str, units: Option<i64>, current: u64| match units.map(u64::try_from) {
            None => Ok(current),
            Some(Ok(units)) if units >= current => Ok(units),
            Some(_) => Err(Error::Parameter(format!(
                "Requested {member} for WarmThroughput for {owner} is lower than current WarmThroughput, decreasing WarmThroughput is not supported"
            ))),
        };
        Ok(Throughput {
            read: next("ReadUnitsPerSecond", self.read_units_per_second, current.read)?,
            write: next("WriteUnitsPerSecond", self.write_units_per_second, current.write)?,
        })
    }
}
