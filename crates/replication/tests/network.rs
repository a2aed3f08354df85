//! A network between the Regions of a test: wires can be cut, pairs of Regions kept apart, frames delayed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use graticule_model::RegionName;
use graticule_replication::{FrameReceiver, FrameSender, LinkError, Replicator, Transport, Wire, frames};
use graticule_tables::BoxFuture;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

/// An unordered pair of Regions.
type Pair = (RegionName, RegionName);

fn pair(a: &RegionName, b: &RegionName) -> Pair {
    if a < b { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) }
}

/// The network. Shared by all Regions of a test.
#[derive(Default)]
pub(crate) struct Network {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    nodes: HashMap<RegionName, Arc<Replicator>>,
    apart: HashSet<Pair>,
    delay_ms: u64,
    pumps: Vec<(Pair, AbortHandle)>,
}

impl Network {
    pub(crate) fn register(&self, name: RegionName, replicator: Arc<Replicator>) {
        self.state.lock().nodes.insert(name, replicator);
    }

    /// Takes a Region off the network, with all its wires.
    pub(crate) fn forget(&self, name: &RegionName) {
        let mut state = self.state.lock();
        state.nodes.remove(name);
        state.cut(|(a, b)| a == name || b == name);
    }

    /// Breaks the wires between two Regions; they can connect anew.
    pub(crate) fn cut(&self, a: &RegionName, b: &RegionName) {
        let both = pair(a, b);
        self.state.lock().cut(|wire| *wire == both);
    }

    /// Breaks the wires between two Regions and lets none be made until [`Network::heal`].
    pub(crate) fn part(&self, a: &RegionName, b: &RegionName) {
        self.state.lock().apart.insert(pair(a, b));
        self.cut(a, b);
    }

    /// Brings two Regions together.
    pub(crate) fn heal_pair(&self, a: &RegionName, b: &RegionName) {
        self.state.lock().apart.remove(&pair(a, b));
    }

    /// Brings all Regions together.
    pub(crate) fn heal(&self) {
        self.state.lock().apart.clear();
    }

    /// Delays every frame on wires made from now on.
    pub(crate) fn delay(&self, delay_ms: u64) {
        self.state.lock().delay_ms = delay_ms;
    }
}

impl State {
    fn cut(&mut self, which: impl Fn(&Pair) -> bool) {
        self.pumps.retain(|(wire, pump)| {
            if which(wire) {
                pump.abort();
            }
            !which(wire) && !pump.is_finished()
        });
    }
}

async fn pump(mut from: FrameReceiver, to: FrameSender, delay_ms: u64) {
    while let Some(frame) = from.recv().await {
        if delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        }
        if to.send(frame).await.is_err() {
            return;
        }
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
        Box::pin(async move {
            let mut state = self.0.state.lock();
            let both = pair(from, to);
            if state.apart.contains(&both) {
                return Err(LinkError::Broken("kept apart by the test".to_owned()));
            }
            let target = state.nodes.get(to).cloned().ok_or_else(|| LinkError::Unknown(to.clone()))?;
            let delay_ms = state.delay_ms;
            let mut wire = || {
                let (sender, near) = frames();
                let (far, receiver) = frames();
                let pump = tokio::spawn(pump(near, far, delay_ms));
                state.pumps.push((both.clone(), pump.abort_handle()));
                (sender, receiver)
            };
            let (request_sender, request_receiver) = wire();
            let (reply_sender, reply_receiver) = wire();
            drop(state);
            let there = Wire { sender: reply_sender, receiver: request_receiver };
            let env = target.region().env().clone();
            env.spawn("link in", target.serve(from.clone(), there));
            Ok(Wire { sender: request_sender, receiver: reply_receiver })
        })
    }
}
