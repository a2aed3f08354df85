//! Lag under load: while puts come in at a steady rate, every so often one more is followed into the other Region.
//!
//! A probe writes an item nobody has written before, then reads it in the other Region until it is there. Its lag counts
//! from the acknowledgement to the answer that has the item; nothing is subtracted. Probes start at their times, however
//! long others take, so that a stall is seen by all that it concerns.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    pair::Pair,
    syncs,
    writers::{Pace, Puts},
};
use crate::{
    accounting::{CpuReading, CpuUsed},
    control::{REGION, REPLICA_REGION, join_before},
    http::Connection,
    report::{Measurement, Recorder},
    requests::{KEY_SLOT, PayloadPool, Random, Request},
};

/// An item that is not there after this long is an error.
const SEEN_WAIT: Duration = Duration::from_secs(30);
/// Probes under way at once; one that would be more waits.
const PROBES_MAX: usize = 256;
const PROBES_PER_SECOND: u32 = 100;
/// A probe asks back to back for this long; then it pauses, since asking burns CPU that the servers need.
const BACK_TO_BACK: Duration = Duration::from_millis(5);
const PAUSE: Duration = Duration::from_millis(1);
/// Keys of probes start here, above all that the load writes.
const PROBE_KEYS: u64 = 5_000_000_000;

/// What to put and for how long.
#[derive(Clone, Debug)]
pub(super) struct LagPlan {
    pub(super) puts: Puts,
    pub(super) puts_per_second: u32,
    pub(super) keys: u64,
    pub(super) warm_up: Duration,
    pub(super) duration: Duration,
    /// The delay that is set on each way.
    pub(super) one_way: Duration,
    /// The first key of this run's probes is this times a million above the first of all.
    pub(super) run: u64,
}

/// The names of the rows that come out.
#[derive(Clone, Copy, Debug)]
pub(super) struct LagNames {
    pub(super) lag: &'static str,
    pub(super) puts: &'static str,
}

struct Probes {
    recorder: RefCell<Recorder>,
    /// Not in use just now.
    idle: RefCell<Vec<Probe>>,
    under_way: Cell<usize>,
}

/// Runs the load and the probes; the lag, the latency of the load's puts, and that of the disk.
pub(super) async fn run(pair: &Pair, plan: &LagPlan, names: LagNames) -> Result<[Measurement; 3], String> {
    let started = Instant::now();
    let measured_from = started + plan.warm_up;
    let end = measured_from + plan.duration;
    let probes = Rc::new(Probes {
        recorder: RefCell::new(Recorder::new()),
        idle: RefCell::default(),
        under_way: Cell::new(0),
    });
    let load = {
        let (puts, per_second) = (plan.puts.clone(), plan.puts_per_second.saturating_sub(PROBES_PER_SECOND));
        let pace = Pace::Rate { per_second: per_second.max(1), keys: plan.keys, measured_from, end };
        tokio::task::spawn_local(async move { puts.run(pace).await })
    };
    let cpu = {
        let pids = pair.pids();
        tokio::task::spawn_local(async move {
            tokio::time::sleep_until(measured_from.into()).await;
            CpuReading::take(&pids)
        })
    };
    let disk = {
        let directory = pair.directory().to_owned();
        tokio::task::spawn_blocking(move || syncs::measure(&directory, measured_from, end))
    };

    let mut followed = JoinSet::new();
    let interval = Duration::from_secs(1) / PROBES_PER_SECOND;
    let mut due = started;
    let mut key = PROBE_KEYS + plan.run * 1_000_000;
    while due < end {
        tokio::time::sleep_until(due.into()).await;
        while probes.under_way.get() >= PROBES_MAX {
            tokio::time::sleep(PAUSE).await;
        }
        let idle = probes.idle.borrow_mut().pop();
        let mut probe = match idle {
            Some(probe) => probe,
            None => Probe::new(pair, &plan.puts, key).await?,
        };
        let probes = Rc::clone(&probes);
        probes.under_way.set(probes.under_way.get() + 1);
        let measured = due >= measured_from;
        let one_way = plan.one_way;
        followed.spawn_local(async move {
            let outcome = probe.follow(&probes, key, one_way).await;
            probes.under_way.set(probes.under_way.get() - 1);
            match outcome {
                Ok(lag) if measured => probes.recorder.borrow_mut().success(lag),
                Ok(_) => {}
                Err(error) => probes.recorder.borrow_mut().failure(error),
            }
            probes.idle.borrow_mut().push(probe);
        });
        key += 1;
        due += interval;
    }
    join_before(followed, Instant::now() + SEEN_WAIT * 2).await?;
    let elapsed = measured_from.elapsed();
    let joined = |error| format!("a worker of the benchmark failed: {error}");
    let (puts, took) = load.await.map_err(joined)??;
    let used = CpuReading::take(&pair.pids()).since(&cpu.await.map_err(joined)?);
    let disk =
        disk.await.map_err(joined)?.map_err(|error| format!("cannot write beside the load: {error}"))?;
    let lag = Rc::into_inner(probes).expect("the probes that shared it have ended").recorder.into_inner();
    let requests = lag.requests();
    // All CPU time is in the row of the puts, per put: it is mostly theirs.
    Ok([
        lag.finish(names.lag, elapsed, Some(requests), CpuUsed::UNKNOWN),
        puts.finish(names.puts, took.saturating_sub(plan.warm_up), None, used),
        disk,
    ])
}

struct Probe {
    here: Connection,
    there: Connection,
    put: Request,
    get: Request,
    pool: Rc<PayloadPool>,
    random: Random,
}

impl Probe {
    async fn new(pair: &Pair, puts: &Puts, seed: u64) -> Result<Self, String> {
        let get = format!(r#"{{"TableName":"{}","Key":{{"pk":{{"S":"{KEY_SLOT}"}}}}}}"#, puts.table);
        Ok(Self {
            here: Connection::open(pair.source()).await?,
            there: Connection::open(pair.target()).await?,
            put: puts.request(),
            get: Request::new(pair.target(), REPLICA_REGION, "GetItem", &get),
            pool: Rc::clone(&puts.pool),
            random: Random::new(seed),
        })
    }

    /// Writes an item and returns how long after its acknowledgement the other Region had it.
    async fn follow(&mut self, probes: &Probes, key: u64, one_way: Duration) -> Result<Duration, String> {
        self.put.set_keys(key, 0);
        self.put.set_payloads(&self.pool, &mut self.random);
        self.get.set_keys(key, 0);
        let sent = Instant::now();
        probes.recorder.borrow_mut().add_requests(1);
        let answer = self.here.exchange(self.put.bytes()).await?;
        if answer.status != 200 {
            return Err(format!("PutItem in {REGION}: {}", answer.describe()));
        }
        let acknowledged = Instant::now();
        let arrives = sent + one_way;
        loop {
            probes.recorder.borrow_mut().add_requests(1);
            let answer = self.there.exchange(self.get.bytes()).await?;
            if answer.status != 200 {
                return Err(format!("GetItem in {REPLICA_REGION}: {}", answer.describe()));
            }
            let seen = Instant::now();
            if answer.body.starts_with(br#"{"Item":"#) {
                if seen - sent < one_way {
                    return Err(format!("an item was there {:?} after it was sent: no delay", seen - sent));
                }
                return Ok(seen - acknowledged);
            }
            if seen - acknowledged > SEEN_WAIT {
                let waited = SEEN_WAIT.as_secs();
                return Err(format!(
                    "an item was not in {REPLICA_REGION} {waited} s after its acknowledgement"
                ));
            }
            // Once before it can be there, to see that it is not; then not before it can be.
            if seen < arrives {
                tokio::time::sleep_until(arrives.into()).await;
            } else if !one_way.is_zero() || seen - acknowledged > BACK_TO_BACK {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
