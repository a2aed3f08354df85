//! A simulated Region: the machine with its disk and clock, which last, and what runs on it, which can crash.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use graticule_env::Env;
use graticule_model::RegionName;
use graticule_replication::{Policy, Replicator};
use graticule_tables::{LogLimits, Region};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{
    clock::{Machine, MachineClock},
    disk::{Disk, DiskEngine},
    executor::{Executor, Owner},
    network::{Net, Network},
    plan::Plan,
    random::Random,
    trace::Event,
};

/// How long a shard of a stream takes records, so that a run sees several.
const SHARD_MS: u64 = 7_000;

/// One Region of a run.
pub(crate) struct Node {
    pub(crate) name: RegionName,
    pub(crate) disk: Arc<Disk>,
    pub(crate) clock: Arc<MachineClock>,
    number: u64,
    seed: u64,
    plan: Plan,
    incarnations: AtomicU64,
    running: Mutex<Option<Running>>,
    executor: Arc<Executor>,
    network: Arc<Network>,
}

/// What runs on a machine that is up.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) owner: Owner,
    pub(crate) env: Env,
    pub(crate) region: Arc<Region>,
    pub(crate) replicator: Arc<Replicator>,
    alive: Arc<AtomicBool>,
}

impl Node {
    /// A machine that is down.
    pub(crate) fn new(
        number: u64,
        name: RegionName,
        disk: Arc<Disk>,
        seed: u64,
        plan: &Plan,
        executor: &Arc<Executor>,
        network: &Arc<Network>,
    ) -> Arc<Node> {
        Arc::new(Node {
            name,
            disk,
            clock: Arc::default(),
            number,
            seed,
            plan: plan.clone(),
            incarnations: AtomicU64::new(0),
            running: Mutex::new(None),
            executor: Arc::clone(executor),
            network: Arc::clone(network),
        })
    }

    /// What runs there, if it is up.
    pub(crate) fn running(&self) -> Option<Running> {
        self.running.lock().clone()
    }

    /// Starts the machine, on what its disk has.
    pub(crate) async fn start(&self) {
        if self.running.lock().is_some() {
            return;
        }
        let incarnation = self.incarnations.fetch_add(1, Ordering::Relaxed);
        let owner = Owner(self.number * 1_000_000 + incarnation + 1);
        let alive = Arc::new(AtomicBool::new(true));
        let env = Env::new(Machine {
            executor: Arc::downgrade(&self.executor),
            owner,
            clock: Arc::clone(&self.clock),
            random: Mutex::new(Random::new(self.seed, &format!("{} {incarnation}", self.name))),
            alive: Arc::clone(&alive),
        });
        let engine = DiskEngine::open(&self.disk, env.clone());
        let Ok(region) = Region::open(self.name.clone(), engine, env.clone()).await else {
            self.executor.kill(owner);
            return;
        };
        region.set_shard_ms(SHARD_MS);
        region.start_jobs();
        let transport = Arc::new(Net(Arc::clone(&self.network)));
        let mut policy = Policy { verify_every: self.plan.verify_every, ..Policy::default() };
        if let Some(departure_ms_max) = self.plan.departure_ms_max {
            policy.departure_ms_max = departure_ms_max;
        }
        if let Some(changes) = self.plan.log_changes_max {
            region.set_log_limits(LogLimits { changes, ..LogLimits::default() });
        }
        let replicator = Replicator::start(Arc::clone(&region), transport, policy);
        self.network.register(self.name.clone(), Arc::clone(&replicator));
        *self.running.lock() = Some(Running { owner, env, region, replicator, alive });
        self.executor.tell(Event::Fault, self.name.as_str().as_bytes(), || format!("{} is up", self.name));
    }

    /// Stops everything where it is; the disk keeps what it keeps.
    pub(crate) fn crash(&self) {
        let Some(running) = self.running.lock().take() else { return };
        self.executor.tell(Event::Fault, self.name.as_str().as_bytes(), || format!("{} crashes", self.name));
        running.alive.store(false, Ordering::Relaxed);
        self.network.forget(&self.name);
        self.executor.kill(running.owner);
        self.disk.crash();
    }

    /// Lets the machine do nothing for some time, clocks aside.
    pub(crate) fn stall(&self, duration: Duration) {
        if let Some(running) = self.running() {
            self.executor.stall(running.owner, duration);
        }
    }

    /// Runs a request of a client; `None` if the machine is down, or crashes before it has answered.
    pub(crate) async fn call<T, F>(&self, request: impl FnOnce(Arc<Region>) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let running = self.running()?;
        let (reply, answer) = oneshot::channel();
        let request = request(running.region);
        running.env.spawn("request", async move {
            let _ = reply.send(request.await);
        });
        answer.await.ok()
    }
}
