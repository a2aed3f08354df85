//! `ReplicationLatency`: how long changes take from their write in this Region until another Region shows them.
//!
//! Measured at the source when the other Region has acknowledged a batch: the time then less the time of the write, both
//! on this Region's clock, so that clocks that disagree do no harm. It includes the way of the acknowledgement. Snapshots
//! for new members do not count; changes that are shipped again after a restart count again.
//!
//! Memory per table and peer is bounded: a histogram with fixed buckets for ever, and the last minute in slots of ten
//! seconds whose buckets are an eighth of a power of two wide. Knows nothing of how figures are shown.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use parking_lot::Mutex;

use crate::replicator::Shared;

/// Upper bounds of the histogram's buckets, in milliseconds; what is slower is in one more bucket.
pub const LATENCY_BOUNDS_MS: [u64; 18] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 180_000, 600_000,
    3_600_000,
];
const SLOT: Duration = Duration::from_secs(10);
/// The slot that is being filled and as many before it make up the last minute.
const SLOTS: usize = 6;
/// Below this every millisecond has a bucket of its own; above, every power of two is cut in so many.
const FINE: u64 = 8;

/// All latencies of one table and one receiving Region since the process began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LatencyHistogram {
    /// How many changes were within each of [`LATENCY_BOUNDS_MS`] and above the bound before it, then how many were slower.
    pub counts: [u64; LATENCY_BOUNDS_MS.len() + 1],
    /// The sum of all latencies, in milliseconds.
    pub sum_ms: u64,
}

impl LatencyHistogram {
    fn record(&mut self, latency_ms: u64) {
        let bucket = LATENCY_BOUNDS_MS.partition_point(|bound| *bound < latency_ms);
        self.counts[bucket] += 1;
        self.sum_ms = self.sum_ms.saturating_add(latency_ms);
    }
}

/// `ReplicationLatency` over the last minute, in milliseconds. Percentiles are up to an eighth too high.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RecentLatency {
    /// Changes that were acknowledged.
    pub changes: u64,
    /// Their mean.
    pub average_ms: f64,
    /// The quickest.
    pub min_ms: u64,
    /// The slowest.
    pub max_ms: u64,
    /// Half of them took no longer.
    pub p50_ms: u64,
    /// All but a hundredth of them took no longer.
    pub p99_ms: u64,
}

/// Ten seconds.
#[derive(Debug, Default)]
struct Slot {
    number: u64,
    count: u64,
    sum_ms: u64,
    min_ms: u64,
    max_ms: u64,
    /// Changes by [`fine_bucket`]; of at most a few hundred possible ones, those that there are.
    buckets: BTreeMap<u16, u64>,
}

fn fine_bucket(ms: u64) -> u16 {
    if ms < FINE {
        return ms as u16;
    }
    let power = ms.ilog2();
    let eighth = (ms >> (power - 3)) & (FINE - 1);
    (u64::from(power - 2) * FINE + eighth) as u16
}

/// The highest latency in a bucket.
fn fine_bound(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < FINE {
        return bucket;
    }
    let (power, eighth) = (bucket / FINE + 2, bucket % FINE);
    (((FINE + eighth + 1) as u128) << (power - 3)).saturating_sub(1).min(u128::from(u64::MAX)) as u64
}

impl Slot {
    fn record(&mut self, latency_ms: u64) {
        self.min_ms = if self.count == 0 { latency_ms } else { self.min_ms.min(latency_ms) };
        self.max_ms = self.max_ms.max(latency_ms);
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(latency_ms);
        *self.buckets.entry(fine_bucket(latency_ms)).or_default() += 1;
    }
}

/// What is known of one table and one peer.
#[derive(Debug, Default)]
struct Lane {
    sent: u64,
    histogram: LatencyHistogram,
    recent: VecDeque<Slot>,
}

impl Lane {
    fn record(&mut self, latencies_ms: impl Iterator<Item = u64>, now: Duration) {
        let number = now.as_secs() / SLOT.as_secs();
        if self.recent.back().is_none_or(|slot| slot.number != number) {
            self.recent.push_back(Slot { number, ..Slot::default() });
            if self.recent.len() > SLOTS + 1 {
                self.recent.pop_front();
            }
        }
        let slot = self.recent.back_mut().expect("a slot was just pushed, unless there was one");
        for latency_ms in latencies_ms {
            self.histogram.record(latency_ms);
            slot.record(latency_ms);
        }
    }

    fn recent(&self, now: Duration) -> Option<RecentLatency> {
        let oldest = (now.as_secs() / SLOT.as_secs()).saturating_sub(SLOTS as u64);
        let slots = || self.recent.iter().filter(|slot| slot.number >= oldest && slot.count > 0);
        let changes: u64 = slots().map(|slot| slot.count).sum();
        if changes == 0 {
            return None;
        }
        let mut buckets: BTreeMap<u16, u64> = BTreeMap::new();
        for (bucket, count) in slots().flat_map(|slot| &slot.buckets) {
            *buckets.entry(*bucket).or_default() += count;
        }
        let max_ms = slots().map(|slot| slot.max_ms).max().unwrap_or(0);
        let percentile = |percent: u64| {
            let wanted = (changes * percent).div_ceil(100);
            let mut passed = 0;
            let reached = buckets.iter().find(|(_, count)| {
                passed += **count;
                passed >= wanted
            });
            reached.map_or(max_ms, |(bucket, _)| fine_bound(*bucket).min(max_ms))
        };
        Some(RecentLatency {
            changes,
            average_ms: slots().map(|slot| slot.sum_ms).sum::<u64>() as f64 / changes as f64,
            min_ms: slots().map(|slot| slot.min_ms).min().unwrap_or(0),
            max_ms,
            p50_ms: percentile(50),
            p99_ms: percentile(99),
        })
    }
}

/// What shipping tells of itself: how far it has sent, how long it took.
#[derive(Debug, Default)]
pub(crate) struct Telemetry(Mutex<BTreeMap<Shared, Lane>>);

impl Telemetry {
    /// Shipping has sent the log up to `position`.
    pub(crate) fn sent(&self, shared: &Shared, position: u64) {
        let mut lanes = self.0.lock();
        match lanes.get_mut(shared) {
            Some(lane) => lane.sent = position,
            None => _ = lanes.entry(shared.clone()).or_insert(Lane { sent: position, ..Lane::default() }),
        }
    }

    /// The peer has made changes durable and visible that were written here at `written_ms`. `now_ms` is the clock of
    /// this Region, `now` its monotonic one.
    pub(crate) fn acknowledged(&self, shared: &Shared, written_ms: &[u64], now_ms: u64, now: Duration) {
        if !written_ms.is_empty() {
            let latencies = written_ms.iter().map(|written_ms| now_ms.saturating_sub(*written_ms));
            self.0.lock().entry(shared.clone()).or_default().record(latencies, now);
        }
    }

    /// Forgets what is of no replica that `keep` knows.
    pub(crate) fn retain(&self, keep: impl Fn(&Shared) -> bool) {
        self.0.lock().retain(|shared, _| keep(shared));
    }

    /// For how many replicas and peers there is something.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// How far the log was sent, all latencies, and those of the last minute.
    pub(crate) fn of(
        &self,
        shared: &Shared,
        now: Duration,
    ) -> (Option<u64>, LatencyHistogram, Option<RecentLatency>) {
        match self.0.lock().get(shared) {
            Some(lane) => (Some(lane.sent), lane.histogram.clone(), lane.recent(now)),
            None => (None, LatencyHistogram::default(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        ("table".to_owned(), "b".parse().unwrap())
    }

    #[test]
    fn fine_buckets_hold_what_falls_into_them_and_are_narrow() {
        for ms in (0..5000).chain((0..64).map(|power| 1_u64 << power)).chain([u64::MAX]) {
            let bound = fine_bound(fine_bucket(ms));
            assert!(ms <= bound && bound - ms <= ms / 8, "{ms}: {bound}");
        }
        assert!((0..5000).is_sorted_by_key(fine_bucket));
    }

    #[test]
    fn the_last_minute_is_summed_up_and_older_ones_are_not() {
        let telemetry = Telemetry::default();
        let shared = shared();
        let second = Duration::from_secs;
        assert_eq!(telemetry.of(&shared, second(0)).2, None);
        telemetry.acknowledged(&shared, &[0], 90_000, second(1));
        let written: Vec<u64> = (1..=100).map(|ms| 100_000 - ms).collect();
        telemetry.acknowledged(&shared, &written, 100_000, second(90));
        let (_, histogram, recent) = telemetry.of(&shared, second(95));
        let recent = recent.unwrap();
        assert_eq!((recent.changes, recent.min_ms, recent.max_ms), (100, 1, 100));
        assert_eq!(recent.average_ms, 50.5);
        assert!((50..=56).contains(&recent.p50_ms) && (99..=100).contains(&recent.p99_ms), "{recent:?}");
        // 1 ms is within the first bound, 2 within the second, 3 to 5 within the third.
        assert_eq!(histogram.counts[..3], [1, 1, 3]);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 101);
        assert_eq!(histogram.sum_ms, 90_000 + 5050);
        assert_eq!(telemetry.of(&shared, second(170)).2, None, "nothing was acknowledged in that minute");
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_latency() {
        let telemetry = Telemetry::default();
        telemetry.acknowledged(&shared(), &[5_000], 4_000, Duration::from_secs(1));
        assert_eq!(telemetry.of(&shared(), Duration::from_secs(1)).2.unwrap().max_ms, 0);
    }

    #[test]
    fn memory_does_not_grow_with_time() {
        let telemetry = Telemetry::default();
        for ten_seconds in 0..1000 {
            telemetry.acknowledged(&shared(), &[1], 2, SLOT * ten_seconds);
        }
        assert!(telemetry.0.lock()[&shared()].recent.len() <= SLOTS + 1);
        telemetry.sent(&shared(), 7);
        assert_eq!(telemetry.of(&shared(), SLOT).0, Some(7));
        telemetry.retain(|_| false);
        assert_eq!(telemetry.of(&shared(), SLOT).0, None);
    }
}
