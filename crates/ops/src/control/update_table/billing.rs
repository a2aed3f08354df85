//! Billing mode and the capacity of the table: provisioned, its maxima, what is warm. Capacity of indexes goes with the
//! indexes.

use std::collections::BTreeSet;

use graticule_model::{
    Error, IndexName, RegionName, Version,
    limits::{CAPACITY_DECREASES_BANKED_MAX, ON_DEMAND_SWITCHES_PER_DAY_MAX},
};
use graticule_tables::{
    Table,
    schema::{Billing, IndexDefinition, Maximum, Register, Throughput, ThroughputHistory},
};

use super::{
    super::{
        capacity_input::{OnDemandInput, WarmInput},
        settings::ThroughputInput,
    },
    indexes::IndexUpdate,
    parameter,
};

/// A change of the billing mode, of the table's capacity, or of both.
#[derive(Debug)]
pub(super) struct BillingChange {
    /// On-demand or provisioned, if the request says so.
    on_demand: Option<bool>,
    throughput: Option<Throughput>,
    maximum: Option<OnDemandInput>,
    warm: Option<WarmInput>,
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
        let throughput = throughput.map(ThroughputInput::units);
        Ok(BillingChange { on_demand, throughput, maximum: None, warm: None, updated })
    }

    /// With other limits of what is served.
    pub(super) fn with(self, maximum: Option<OnDemandInput>, warm: Option<WarmInput>) -> BillingChange {
        BillingChange { maximum, warm, ..self }
    }

    /// Changes the settings that all replicas share, seen from the one in `here`.
    pub(super) fn apply(
        &self,
        table: &mut Table,
        here: &RegionName,
        version: &Version,
        now_ms: u64,
    ) -> Result<(), Error> {
        let current = table.settings.billing.value;
        let on_demand = self.on_demand.unwrap_or(current.on_demand);
        let mut billing = match (on_demand, self.throughput) {
            (true, Some(_)) => return parameter(NO_CAPACITY),
            (true, None) if !current.on_demand => {
                check_on_demand_switch(table, now_ms)?;
                Billing { on_demand, throughput: Throughput::default(), ..current }
            }
            (_, None) => current,
            (false, Some(throughput)) if current.on_demand => {
                self.check_provisioned(table)?;
                Billing { on_demand, throughput, maximum: Maximum::default(), ..current }
            }
            (false, Some(throughput)) => {
                if table.billing_in(here).throughput == throughput {
                    return Err(unchanged("table", "the table", throughput));
                }
                check_decrease(&table.capacity.table, current.throughput, throughput, now_ms)?;
                Billing { throughput, ..current }
            }
        };
        if billing != current {
            billing.warm = Some(current.warm_units());
        }
        if let Some(input) = &self.maximum {
            billing.maximum = input.apply("table", on_demand, billing.maximum)?;
        }
        if let Some(input) = &self.warm {
            billing.warm = Some(input.apply("table", billing.warm_units())?);
        }
        if billing != current {
            table.settings.billing = Register::new(version.clone(), billing);
        }
        let switched = on_demand != current.on_demand;
        if switched || self.throughput.is_some() {
            table.settings.reset_overrides(|own| own.capacity.read.set(version, None));
        }
        if switched || self.maximum.is_some_and(|input| input.sets_reads()) {
            table.settings.reset_overrides(|own| own.capacity.read_max.set(version, None));
        }
        if switched {
            switch_indexes(table, current.on_demand, version);
        }
        Ok(())
    }

    /// Whether an on-demand table can become provisioned with this request.
    fn check_provisioned(&self, table: &Table) -> Result<(), Error> {
        let names = table.global_indexes().map(|(name, _)| name.as_str());
        let missing: Vec<&str> = names.filter(|name| !self.updated.contains(*name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        parameter(format!("ProvisionedThroughput must be specified for index: {}", missing.join(",")))
    }
}

/// Gives every index the limits of the other billing mode: none. Provisioned throughput comes with the request.
fn switch_indexes(table: &mut Table, was_on_demand: bool, version: &Version) {
    let names: Vec<IndexName> = table.global_indexes().map(|(name, _)| name.clone()).collect();
    for name in names {
        if let Some(Register { value: Some(definition), .. }) = table.settings.indexes.get(&name) {
            let definition = IndexDefinition {
                throughput: Throughput::default(),
                maximum: Maximum::default(),
                warm: Some(definition.warm_units(was_on_demand)),
                ..definition.clone()
            };
            table.settings.reset_overrides(|own| own.index(&name).reset(version));
            table.settings.indexes.insert(name, Register::new(version.clone(), Some(definition)));
        }
    }
}

/// Refuses to switch to on-demand billing more often than four times in a day.
fn check_on_demand_switch(table: &Table, now_ms: u64) -> Result<(), Error> {
    let Some(next_ms) = table.capacity.next_on_demand_ms(now_ms) else { return Ok(()) };
    let last = table.on_demand_since_ms.map(date).unwrap_or_default();
    Err(Error::LimitExceeded(format!(
        "Subscriber limit exceeded: Update to PayPerRequest mode are limited to {ON_DEMAND_SWITCHES_PER_DAY_MAX} times in 1 day(s). Last update at {last}. Next update can be made at {}",
        date(next_ms)
    )))
}

/// Refuses to lower capacity more often than the service allows.
///
/// # Errors
/// [`Error::LimitExceeded`].
pub(super) fn check_decrease(
    history: &ThroughputHistory,
    current: Throughput,
    wanted: Throughput,
    now_ms: u64,
) -> Result<(), Error> {
    if wanted.read >= current.read && wanted.write >= current.write {
        return Ok(());
    }
    let Some(next_ms) = history.next_decrease_ms(now_ms) else { return Ok(()) };
    Err(Error::LimitExceeded(format!(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first {CAPACITY_DECREASES_BANKED_MAX} decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number of decreases today: {}. Last decrease at {}. Next decrease can be made at {}",
        history.decreases_today(now_ms),
        history.decreased_ms.map(date).unwrap_or_default(),
        date(next_ms)
    )))
}

/// A moment as these errors show it: `Thu Dec 13 15:49:42 UTC 2018`.
fn date(unix_ms: u64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = unix_ms / 1000;
    let days = seconds / 86_400;
    // Counted from March on in years of a 400-year cycle, so that leap days come last.
    let shifted = days + 719_468;
    let (cycle, of_cycle) = (shifted / 146_097, shifted % 146_097);
    let year_of_cycle = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = cycle * 400 + year_of_cycle + u64::from(month < 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!(
        "{} {} {day:02} {hour:02}:{minute:02}:{second:02} UTC {year}",
        WEEKDAYS[(days % 7) as usize],
        MONTHS[month as usize]
    )
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates() {
        assert_eq!(date(0), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(date(1_544_716_182_000), "Thu Dec 13 15:49:42 UTC 2018");
        assert_eq!(date(951_782_400_000), "Tue Feb 29 00:00:00 UTC 2000");
        assert_eq!(date(1_772_323_199_999), "Sat Feb 28 23:59:59 UTC 2026");
        assert_eq!(date(1_772_323_200_000), "Sun Mar 01 00:00:00 UTC 2026");
    }
}
