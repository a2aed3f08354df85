//! A simulated network: connections between Regions, with latency, partitions in one or both directions, and breaks.
//!
//! A connection is what TCP makes of a network: frames arrive in order or the connection breaks, and its two ends learn of
//! that at different times. What was on its way may still arrive, after later frames of a new connection. Frames are never
//! changed; links have a code for that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use graticule_model::RegionName;
use graticule_replication::{Frame, LinkError, Replicator, Transport, Wire, frames};
use graticule_tables::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    executor::{Executor, WORLD},
    pump::Pump,
    random::Random,
};

/// One way between two Regions.
pub(crate) type Way = (RegionName, RegionName);

/// The longest and shortest time that a frame takes, in microseconds.
pub(crate) type Latency = (u64, u64);

const LATENCY: Latency = (100, 2_000);

/// What a gate held has arrived after this long.
const RELEASED: Duration = Duration::from_secs(5);

/// Tells which frames of which connections do not get through.
type Holds = Box<dyn Fn(u64, &Frame) -> bool + Send + Sync>;

/// Holds single frames of a way, and with them what follows them on their connection.
struct Gate {
    holds: Holds,
    /// What is held when its connection breaks is lost. Otherwise it arrives late, when the gate opens.
    loses: bool,
}

/// Called with every frame that reaches its other end, and the Region that it comes from.
type Tap = Box<dyn Fn(&RegionName, &Frame) + Send + Sync>;

/// The network of all Regions.
pub(crate) struct Network {
    pub(crate) executor: Arc<Executor>,
    tap: Tap,
    state: Mutex<State>,
    /// Counts changes of what is blocked or held.
    changed: watch::Sender<u64>,
}

struct State {
    nodes: BTreeMap<RegionName, Arc<Replicator>>,
    blocked: BTreeSet<Way>,
    gates: BTreeMap<Way, Gate>,
    latency: BTreeMap<Way, Latency>,
    connections: BTreeMap<u64, (Way, watch::Sender<bool>)>,
    next_connection: u64,
    random: Random,
}

impl Network {
    pub(crate) fn new(
        executor: &Arc<Executor>,
        seed: u64,
        tap: impl Fn(&RegionName, &Frame) + Send + Sync + 'static,
    ) -> Arc<Network> {
        let state = State {
            nodes: BTreeMap::new(),
            blocked: BTreeSet::new(),
            gates: BTreeMap::new(),
            latency: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_connection: 1,
            random: Random::new(seed, "network"),
        };
        Arc::new(Network {
            executor: Arc::clone(executor),
            tap: Box::new(tap),
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
        })
    }

    /// A Region is up.
    pub(crate) fn register(&self, name: RegionName, replicator: Arc<Replicator>) {
        self.state.lock().nodes.insert(name, replicator);
    }

    /// A Region is down. Its connections end with its tasks.
    pub(crate) fn forget(&self, name: &RegionName) {
        let replicator = self.state.lock().nodes.remove(name);
        drop(replicator);
    }

    /// Lets nothing through from one Region to another.
    pub(crate) fn block(&self, from: &RegionName, to: &RegionName) {
        self.state.lock().blocked.insert((from.clone(), to.clone()));
        self.changed.send_modify(|count| *count += 1);
    }

    /// Lets everything through from one Region to another.
    pub(crate) fn unblock(&self, from: &RegionName, to: &RegionName) {
        self.state.lock().blocked.remove(&(from.clone(), to.clone()));
        self.changed.send_modify(|count| *count += 1);
    }

    /// Holds frames on their way from one Region to another, until [`Network::open`]. What is held when its connection
    /// breaks arrives late, or never if the gate `loses` it.
    pub(crate) fn hold(
        &self,
        from: &RegionName,
        to: &RegionName,
        loses: bool,
        holds: impl Fn(u64, &Frame) -> bool + Send + Sync + 'static,
    ) {
        let gate = Gate { holds: Box::new(holds), loses };
        self.state.lock().gates.insert((from.clone(), to.clone()), gate);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Holds nothing any more on the way from one Region to another.
    pub(crate) fn open(&self, from: &RegionName, to: &RegionName) {
        let gate = self.state.lock().gates.remove(&(from.clone(), to.clone()));
        drop(gate);
        self.changed.send_modify(|count| *count += 1);
    }

    /// The number of the connection that is made next.
    pub(crate) fn next_connection(&self) -> u64 {
        self.state.lock().next_connection
    }

    /// Takes all partitions, gates and delays away.
    pub(crate) fn heal(&self) {
        let mut state = self.state.lock();
        state.blocked.clear();
        state.gates.clear();
        state.latency.clear();
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Sets how long frames take from one Region to another.
    pub(crate) fn set_latency(&self, from: &RegionName, to: &RegionName, latency: Latency) {
        self.state.lock().latency.insert((from.clone(), to.clone()), latency);
    }

    /// Breaks the connections between two Regions; they can connect anew.
    pub(crate) fn cut(&self, one: &RegionName, other: &RegionName) {
        let state = self.state.lock();
        for ((from, to), broken) in state.connections.values() {
            if (from == one && to == other) || (from == other && to == one) {
                broken.send_replace(true);
            }
        }
    }

    /// Draws from the network's randomness.
    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.state.lock().random)
    }

    /// How long the next frame takes.
    pub(crate) fn latency(&self, way: &Way) -> Duration {
        let mut state = self.state.lock();
        let (low, high) = state.latency.get(way).copied().unwrap_or(LATENCY);
        state.random.micros(low, high)
    }

    fn is_blocked(&self, way: &Way) -> bool {
        self.state.lock().blocked.contains(way)
    }

    /// Waits until a way is open, but not longer than `limit`; tells whether it is.
    pub(crate) async fn wait_open(&self, way: &Way, limit: Duration) -> bool {
        let mut changed = self.changed.subscribe();
        let deadline = self.executor.sleep(limit);
        let mut deadline = std::pin::pin!(deadline);
        loop {
            changed.mark_unchanged();
            if !self.is_blocked(way) {
                return true;
            }
            tokio::select! {
                biased;
                _ = changed.changed() => {}
                () = &mut deadline => return false,
            }
        }
    }

    /// Whether a frame does not get through for now.
    pub(crate) fn is_held(&self, way: &Way, connection: u64, frame: &Frame) -> bool {
        self.state.lock().gates.get(way).is_some_and(|gate| (gate.holds)(connection, frame))
    }

    /// Whether a frame is lost now that its connection has broken.
    pub(crate) fn is_lost(&self, way: &Way, connection: u64, frame: &Frame) -> bool {
        let state = self.state.lock();
        state.gates.get(way).is_some_and(|gate| gate.loses && (gate.holds)(connection, frame))
    }

    /// Waits until nothing holds a frame.
    pub(crate) async fn wait_released(&self, way: &Way, connection: u64, frame: &Frame) {
        let mut changed = self.changed.subscribe();
        while self.is_held(way, connection, frame) {
            let _ = changed.changed().await;
        }
    }

    /// Waits until no gate is on a way, and what it held has had the time to arrive.
    pub(crate) async fn wait_ungated(&self, way: &Way) {
        let mut changed = self.changed.subscribe();
        while self.state.lock().gates.contains_key(way) {
            let _ = changed.changed().await;
            self.executor.sleep(RELEASED).await;
        }
    }

    /// A frame reaches its other end.
    pub(crate) fn arrived(&self, way: &Way, frame: &Frame) {
        (self.tap)(&way.0, frame);
    }

    /// A connection has ended.
    pub(crate) fn ended(&self, connection: u64) {
        let gone = self.state.lock().connections.remove(&connection);
        drop(gone);
    }

    async fn connect(self: &Arc<Network>, from: &RegionName, to: &RegionName) -> Result<Wire, LinkError> {
        let (out, back) = ((from.clone(), to.clone()), (to.clone(), from.clone()));
        let limit = self.draw(|random| random.millis(500, 4_000));
        if !self.wait_open(&out, limit).await {
            return Err(LinkError::Broken("no answer".to_owned()));
        }
        self.executor.sleep(self.latency(&out)).await;
        let Some(target) = self.state.lock().nodes.get(to).cloned() else {
            return Err(LinkError::Broken("connection refused".to_owned()));
        };
        if !self.wait_open(&back, limit).await {
            return Err(LinkError::Broken("no answer".to_owned()));
        }
        self.executor.sleep(self.latency(&back)).await;
        let broken = watch::Sender::new(false);
        let connection = {
            let mut state = self.state.lock();
            let connection = state.next_connection;
            state.next_connection += 1;
            state.connections.insert(connection, (out.clone(), broken.clone()));
            connection
        };
        let lane = |way: Way, answers: bool| {
            let (sender, near) = frames();
            let (far, receiver) = frames();
            let broken = broken.clone();
            let pump = Pump { network: Arc::clone(self), connection, way, answers, far, broken };
            self.executor.spawn(WORLD, "pump", Box::pin(pump.run(near)));
            (sender, receiver)
        };
        let (request_sender, request_receiver) = lane(out, false);
        let (reply_sender, reply_receiver) = lane(back, true);
        let there = Wire { sender: reply_sender, receiver: request_receiver };
        let env = target.region().env().clone();
        env.spawn("link in", target.serve(from.clone(), there));
        Ok(Wire { sender: request_sender, receiver: reply_receiver })
    }
}

/// What Regions are given of the network.
pub(crate) struct Net(pub(crate) Arc<Network>);

impl Transport for Net {
    fn known(&self) -> Option<Vec<RegionName>> {
        None
    }

    fn connect<'a>(
        &'a self,
        from: &'a RegionName,
        to: &'a RegionName,
    ) -> BoxFuture<'a, Result<Wire, LinkError>> {
        Box::pin(self.0.connect(from, to))
    }
}
