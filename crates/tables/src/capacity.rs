//! What a replica remembers of changes to its capacity: when it last grew and shrank, and how often lately.
//!
//! Derived from the settings before and after each change, whoever made it; the rules that limit changes read it.

use std::collections::BTreeMap;

use graticule_model::{
    IndexName,
    limits::{
        CAPACITY_DECREASES_BANKED_MAX, CAPACITY_DECREASES_PER_DAY_MAX, ON_DEMAND_SWITCHES_PER_DAY_MAX,
        ON_DEMAND_WARM_UNITS,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    schema::{IndexDefinition, Throughput},
    settings::{Billing, Settings},
};

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

impl Throughput {
    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Throughput) -> Throughput {
        Throughput { read: self.read.max(other.read), write: self.write.max(other.write) }
    }
}

/// What is served at once: what comes with the billing, or what was asked for, or was there before.
fn warm_units(on_demand: bool, throughput: Throughput, set: Option<Throughput>) -> Throughput {
    let (read, write) = ON_DEMAND_WARM_UNITS;
    let usual = if on_demand { Throughput { read, write } } else { throughput };
    set.map_or(usual, |set| set.max(usual))
}

impl Billing {
    /// What the table serves at once.
    pub fn warm_units(&self) -> Throughput {
        warm_units(self.on_demand, self.throughput, self.warm)
    }
}

impl IndexDefinition {
    /// What the global secondary index of a table that is `on_demand` or not serves at once.
    pub fn warm_units(&self, on_demand: bool) -> Throughput {
        warm_units(on_demand, self.throughput, self.warm)
    }
}

/// The past of one provisioned throughput, in milliseconds since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThroughputHistory {
    /// When reads or writes were last given more.
    pub increased_ms: Option<u64>,
    /// When reads or writes were last given less.
    pub decreased_ms: Option<u64>,
    /// The day, counted in UTC since the epoch, on which `decreases` took place.
    day: u64,
    /// Decreases on that day.
    decreases: u32,
}

impl ThroughputHistory {
    /// Takes note of a change; one by the billing mode shows as a decrease but does not count.
    fn note(&mut self, before: Throughput, after: Throughput, counts: bool, now_ms: u64) {
        if after.read > before.read || after.write > before.write {
            self.increased_ms = Some(now_ms);
        }
        if after.read < before.read || after.write < before.write {
            if counts {
                self.decreases = self.decreases_today(now_ms) + 1;
                self.day = now_ms / DAY_MS;
            }
            self.decreased_ms = Some(now_ms);
        }
    }

    /// Decreases since midnight, UTC.
    pub fn decreases_today(&self, now_ms: u64) -> u32 {
        if self.day == now_ms / DAY_MS { self.decreases } else { 0 }
    }

    /// Until when the next decrease has to wait, in milliseconds since the epoch; `None` if it need not. Four may follow
    /// each other as they like, after that each waits for an hour without any.
    pub fn next_decrease_ms(&self, now_ms: u64) -> Option<u64> {
        let today = self.decreases_today(now_ms);
        let midnight_ms = (now_ms / DAY_MS + 1) * DAY_MS;
        if today >= CAPACITY_DECREASES_PER_DAY_MAX {
            return Some(midnight_ms);
        }
        let next_ms = self.decreased_ms.map_or(0, |last_ms| last_ms + HOUR_MS).min(midnight_ms);
        (today >= CAPACITY_DECREASES_BANKED_MAX && next_ms > now_ms).then_some(next_ms)
    }
}

/// The past of a table's capacity and its indexes'.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityHistory {
    /// Of the table itself.
    pub table: ThroughputHistory,
    /// Of its global secondary indexes.
    pub indexes: BTreeMap<IndexName, ThroughputHistory>,
    /// When billing became on-demand within the last day, in milliseconds since the epoch.
    on_demand_switches_ms: Vec<u64>,
}

impl CapacityHistory {
    /// Takes note of a change of settings.
    pub(crate) fn note(&mut self, before: &Settings, after: &Settings, now_ms: u64) {
        let (old, new) = (before.billing.value, after.billing.value);
        let counts = old.on_demand == new.on_demand;
        self.table.note(old.throughput, new.throughput, counts, now_ms);
        for (name, register) in &after.indexes {
            let old = before.indexes.get(name).and_then(|register| register.value.as_ref());
            match (old, &register.value) {
                (Some(old), Some(new)) if old.throughput != new.throughput => {
                    let history = self.indexes.entry(name.clone()).or_default();
                    history.note(old.throughput, new.throughput, counts, now_ms);
                }
                (_, None) => {
                    self.indexes.remove(name);
                }
                _ => {}
            }
        }
        if new.on_demand && !old.on_demand {
            self.on_demand_switches_ms.retain(|at_ms| at_ms + DAY_MS > now_ms);
            self.on_demand_switches_ms.push(now_ms);
        }
    }

    /// Until when the next change to on-demand billing has to wait, in milliseconds since the epoch.
    pub fn next_on_demand_ms(&self, now_ms: u64) -> Option<u64> {
        let recent =
            || self.on_demand_switches_ms.iter().map(|at_ms| at_ms + DAY_MS).filter(|end| *end > now_ms);
        if recent().count() < ON_DEMAND_SWITCHES_PER_DAY_MAX { None } else { recent().min() }
    }
}
