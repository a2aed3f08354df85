//! Capacity that is enforced: a token bucket for reads and one for writes of each table and global secondary index that
//! has a limit, be it provisioned or a maximum set for on-demand billing.
//!
//! A request is let in while the bucket is not empty and pays afterwards, so a bucket may go into debt; unused capacity is
//! saved up for five minutes. The buckets are soft state of this process: they begin anew with it, each with some credit.
//! Memory is bounded by the number of tables and indexes that have limits. A table without limits costs one look at its
//! settings. What replication and expiry write passes no bucket and pays nothing.

use std::{collections::HashMap, time::Duration};

use graticule_model::{
    CapacityKind, CapacityLimit, Error, RegionName, Throttling, limits::BURST_SECONDS_MAX, names,
};
use parking_lot::Mutex;

use crate::{
    consumed::{Consumed, HalfUnits},
    derive::BASE,
    region::Region,
    schema::{Billing, Derivation, IndexDefinition, LocalIndex, Maximum, Table, Throughput},
};

/// The buckets of a Region.
#[derive(Debug, Default)]
pub(crate) struct Meters(Mutex<HashMap<MeterKey, Bucket>>);

/// Names a bucket: table, index (or the table itself), reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct MeterKey {
    table: u64,
    index: u32,
    write: bool,
}

/// A limit that is in force.
#[derive(Debug, Clone, Copy)]
struct Limit {
    units_per_second: u64,
    cause: CapacityLimit,
}

impl Limit {
    fn tokens_per_second(self) -> f64 {
        self.units_per_second as f64 * 2.0
    }
}

/// Tokens are half units.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    tokens_per_second: f64,
    at: Duration,
}

impl Bucket {
    fn new(tokens_per_second: f64, at: Duration) -> Bucket {
        Bucket { tokens: tokens_per_second * BURST_SECONDS_MAX as f64, tokens_per_second, at }
    }

    /// Brings the bucket up to now; a changed limit counts from now on.
    fn refill(&mut self, tokens_per_second: f64, now: Duration) {
        let elapsed = now.saturating_sub(self.at).as_secs_f64();
        let most = tokens_per_second * BURST_SECONDS_MAX as f64;
        self.tokens = (self.tokens + elapsed * self.tokens_per_second).clamp(-most, most);
        self.tokens_per_second = tokens_per_second;
        self.at = self.at.max(now);
    }
}

impl Meters {
    /// Works on a bucket that is up to date.
    fn with<T>(
        &self,
        table: &Table,
        key: MeterKey,
        limit: Limit,
        now: Duration,
        work: impl FnOnce(&mut Bucket) -> T,
    ) -> T {
        let tokens_per_second = limit.tokens_per_second();
        let mut buckets = self.0.lock();
        if !buckets.contains_key(&key) {
            let kept = |index: u32| index == BASE || table.indexes.values().any(|other| other.id == index);
            buckets.retain(|other, _| other.table != table.id || kept(other.index));
        }
        let bucket = buckets.entry(key).or_insert_with(|| Bucket::new(tokens_per_second, now));
        bucket.refill(tokens_per_second, now);
        work(bucket)
    }

    /// Gives the buckets of a table that has changed their new limits, which count from now on.
    pub(crate) fn settle(&self, table: &Table, here: &RegionName, now: Duration) {
        for (key, bucket) in self.0.lock().iter_mut().filter(|(key, _)| key.table == table.id) {
            let kind = if key.write { CapacityKind::Write } else { CapacityKind::Read };
            let limit = match table.indexes.iter().find(|(_, index)| index.id == key.index) {
                Some((name, index)) => table.index_limit(here, name, index, kind),
                None => table.own_limit(here, kind),
            };
            bucket.refill(limit.map_or(bucket.tokens_per_second, Limit::tokens_per_second), now);
        }
    }

    /// Forgets the buckets of a table.
    pub(crate) fn forget(&self, table_id: u64) {
        self.0.lock().retain(|key, _| key.table != table_id);
    }
}

fn limit(on_demand: bool, throughput: Throughput, maximum: Maximum, kind: CapacityKind) -> Option<Limit> {
    let (units, cause) = match (on_demand, kind) {
        (false, CapacityKind::Read) => (Some(throughput.read), CapacityLimit::Provisioned),
        (false, CapacityKind::Write) => (Some(throughput.write), CapacityLimit::Provisioned),
        (true, CapacityKind::Read) => (maximum.read, CapacityLimit::OnDemandMaximum),
        (true, CapacityKind::Write) => (maximum.write, CapacityLimit::OnDemandMaximum),
    };
    let units_per_second = units.filter(|units| *units > 0)?;
    Some(Limit { units_per_second, cause })
}

fn global_definition(index: &LocalIndex) -> Option<&IndexDefinition> {
    match &index.derivation {
        Derivation::Secondary(definition) if !index.local => Some(definition),
        _ => None,
    }
}

impl Table {
    /// Whether the capacity of this table or of one of its indexes is limited.
    pub(crate) fn is_metered(&self) -> bool {
        let Billing { on_demand, maximum, .. } = self.settings.billing.value;
        !on_demand
            || maximum != Maximum::default()
            || self.global_indexes().any(|(_, definition)| definition.maximum != Maximum::default())
            || self.has_own_maximum()
    }

    /// The limit of the table's own capacity in Region `here`, which its local indexes share.
    fn own_limit(&self, here: &RegionName, kind: CapacityKind) -> Option<Limit> {
        let Billing { on_demand, throughput, maximum, .. } = self.billing_in(here);
        limit(on_demand, throughput, maximum, kind)
    }

    fn index_limit(
        &self,
        here: &RegionName,
        name: &str,
        index: &LocalIndex,
        kind: CapacityKind,
    ) -> Option<Limit> {
        let (throughput, maximum) = self.index_capacity_in(here, name, global_definition(index)?);
        limit(self.settings.billing.value.on_demand, throughput, maximum, kind)
    }

    fn meter_key(&self, index: Option<&LocalIndex>, kind: CapacityKind) -> MeterKey {
        let index = index.map_or(BASE, |index| index.id);
        MeterKey { table: self.id, index, write: kind == CapacityKind::Write }
    }
}

impl Region {
    /// Whether a request may go on that needs capacity of a table, or of one of its indexes.
    ///
    /// # Errors
    /// [`Error::Throttled`] if nothing is left.
    pub(crate) fn admit(
        &self,
        table: &Table,
        index: Option<(&str, &LocalIndex)>,
        kind: CapacityKind,
    ) -> Result<(), Error> {
        // A local index has no capacity of its own.
        let index = index.filter(|(_, index)| !index.local);
        let limit = match index {
            Some((name, index)) => table.index_limit(&self.name, name, index, kind),
            None => table.own_limit(&self.name, kind),
        };
        let Some(limit) = limit else { return Ok(()) };
        let key = table.meter_key(index.map(|(_, index)| index), kind);
        if self.meters.with(table, key, limit, self.env.monotonic(), |bucket| bucket.tokens > 0.0) {
            return Ok(());
        }
        let resource = match index {
            Some((name, _)) => names::index_arn(&self.name, &table.name, &name.parse()?),
            None => table.arn(&self.name),
        };
        Err(Error::Throttled(Throttling { kind, limit: limit.cause, index: index.is_some(), resource }))
    }

    /// Whether a write may go on that needs capacity of these global secondary indexes.
    ///
    /// # Errors
    /// [`Error::Throttled`] if one of them has nothing left.
    pub(crate) fn admit_index_writes(&self, table: &Table, consumed: &Consumed) -> Result<(), Error> {
        consumed.global.keys().try_for_each(|name| match table.indexes.get(name) {
            Some(index) => self.admit(table, Some((name, index)), CapacityKind::Write),
            None => Ok(()),
        })
    }

    /// Takes what was consumed out of the buckets.
    pub(crate) fn charge(&self, table: &Table, consumed: &Consumed, kind: CapacityKind) {
        let now = self.env.monotonic();
        let pay = |index: Option<&LocalIndex>, limit: Option<Limit>, units: HalfUnits| {
            if let Some(limit) = limit.filter(|_| units > 0) {
                let key = table.meter_key(index, kind);
                self.meters.with(table, key, limit, now, |bucket| bucket.tokens -= units as f64);
            }
        };
        let own = consumed.table + consumed.local.values().sum::<HalfUnits>();
        pay(None, table.own_limit(&self.name, kind), own);
        for (name, units) in &consumed.global {
            if let Some(index) = table.indexes.get(name) {
                pay(Some(index), table.index_limit(&self.name, name, index, kind), *units);
            }
        }
    }
}
