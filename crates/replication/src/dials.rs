//! Links that misbehave as they are told to, for applications that want to see what global tables do then.
//!
//! Dials of an ordered pair of Regions A, B: `delay` and `jitter` hold up every frame that travels from A to B, be it
//! changes or the acknowledgement of those of B, in order and without making later ones wait for earlier ones; `cut` and
//! `pause` are about the link from A to B, so changes of A that do not get there, while B's go on to A. A link that is cut
//! breaks and is refused; one that is paused stays open and says nothing.
//!
//! Each process delays what it sends, and cuts and pauses what it sends and receives. While no dial is set the price is one
//! relaxed load and one more queue per frame. Nothing here knows what frames say.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use graticule_env::Env;
use graticule_model::RegionName;
use graticule_tables::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    frames::{FrameReceiver, FrameSender, Passing, frames},
    message::Frame,
    transport::{LinkError, Transport, Wire},
};

/// Frames of one wire that may be under way in a delay; more wait at the sender.
const UNDER_WAY_MAX: usize = 128;

/// How the way from one Region to another misbehaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkDial {
    /// How long every frame is held up, in milliseconds.
    pub delay_ms: u64,
    /// By how much longer at most, at random, in milliseconds. Frames stay in order.
    pub jitter_ms: u64,
    /// Changes are held for as long as this is set.
    pub paused: bool,
    /// The link breaks, and cannot be opened.
    pub cut: bool,
}

/// A Region and one that it sends to.
pub type OrderedPair = (RegionName, RegionName);

/// The dials of all links of a process. Clones share them.
#[derive(Clone, Default)]
pub struct LinkDials(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Whether any dial is set.
    on: AtomicBool,
    dials: Mutex<BTreeMap<OrderedPair, LinkDial>>,
    /// Counts changes.
    changed: watch::Sender<u64>,
}

impl std::fmt::Debug for LinkDials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkDials").field("on", &self.is_on()).finish_non_exhaustive()
    }
}

impl LinkDials {
    /// Whether any dial is set.
    pub fn is_on(&self) -> bool {
        self.0.on.load(Ordering::Relaxed)
    }

    /// All that are set.
    pub fn all(&self) -> BTreeMap<OrderedPair, LinkDial> {
        self.0.dials.lock().clone()
    }

    /// Changes dials, at once for wires that are open, too. Those that are as they were made take no room.
    pub fn change(&self, change: impl FnOnce(&mut BTreeMap<OrderedPair, LinkDial>)) {
        let mut dials = self.0.dials.lock();
        change(&mut dials);
        dials.retain(|_, dial| *dial != LinkDial::default());
        self.0.on.store(!dials.is_empty(), Ordering::Relaxed);
        drop(dials);
        self.0.changed.send_modify(|count| *count += 1);
    }

    /// The dial of one ordered pair.
    pub fn of(&self, from: &RegionName, to: &RegionName) -> LinkDial {
        if !self.is_on() {
            return LinkDial::default();
        }
        self.0.dials.lock().get(&(from.clone(), to.clone())).copied().unwrap_or_default()
    }

    /// The source's end of a wire: changes go out delayed, paused or cut.
    fn at_source(&self, env: &Env, source: &RegionName, target: &RegionName, wire: Wire) -> Wire {
        let link = (source.clone(), target.clone());
        let Wire { sender, receiver } = wire;
        Wire { sender: self.outward(env, link.clone(), Some(link), sender), receiver }
    }

    /// The target's end of a wire, and the gate through which changes come in. Replies go out delayed.
    pub(crate) fn at_target(
        &self,
        env: &Env,
        source: &RegionName,
        target: &RegionName,
        wire: Wire,
    ) -> (FrameSender, Gate) {
        let back = (target.clone(), source.clone());
        let Wire { sender, receiver } = wire;
        let gate = Gate {
            receiver,
            link: (source.clone(), target.clone()),
            changed: self.0.changed.subscribe(),
            dials: self.clone(),
        };
        (self.outward(env, back, None, sender), gate)
    }

    /// A sender whose frames travel on `way`; with the `link` whose changes they are, if they are changes.
    fn outward(
        &self,
        env: &Env,
        way: OrderedPair,
        link: Option<OrderedPair>,
        outgoing: FrameSender,
    ) -> FrameSender {
        let (sender, incoming) = frames();
        let changed = self.0.changed.subscribe();
        let lane =
            Lane { dials: self.clone(), env: env.clone(), way, link, changed, last_due: Duration::ZERO };
        env.spawn("link dial", lane.run(incoming, outgoing));
        sender
    }
}

/// One direction of one wire.
struct Lane {
    dials: LinkDials,
    env: Env,
    way: OrderedPair,
    link: Option<OrderedPair>,
    changed: watch::Receiver<u64>,
    /// When the last frame that was held up may go on: none overtakes it.
    last_due: Duration,
}

impl Lane {
    /// Carries frames until either end is gone or the link is cut.
    async fn run(mut self, mut incoming: FrameReceiver, outgoing: FrameSender) {
        let mut under_way: VecDeque<(Duration, Passing)> = VecDeque::new();
        loop {
            self.changed.mark_unchanged();
            let link = self.link.as_ref().map_or_else(LinkDial::default, |(a, b)| self.dials.of(a, b));
            if link.cut {
                return;
            }
            let wait = under_way.front().map(|(due, _)| due.saturating_sub(self.env.monotonic()));
            if wait.is_some_and(|wait| wait.is_zero()) && !link.paused {
                // There is no need to wait for room: until it is sent, the frame takes room where it came in.
                let passed = under_way.pop_front().map(|(_, frame)| outgoing.pass(frame));
                if !matches!(passed, Some(Ok(()))) {
                    return;
                }
                continue;
            }
            let due = async {
                match wait {
                    Some(wait) if !link.paused => self.env.sleep(wait).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                frame = incoming.recv_passing(), if under_way.len() < UNDER_WAY_MAX => match frame {
                    // What is still under way when its sender hangs up is lost, as on a network.
                    None => return,
                    Some(frame) => under_way.push_back((self.due(), frame)),
                },
                () = due => {}
                () = outgoing.closed() => return,
                _ = self.changed.changed() => {}
            }
        }
    }

    /// When a frame that is sent now may arrive.
    fn due(&mut self) -> Duration {
        let dial = self.dials.of(&self.way.0, &self.way.1);
        if dial.delay_ms == 0 && dial.jitter_ms == 0 {
            return self.last_due;
        }
        let jitter_ms = match dial.jitter_ms {
            0 => 0,
            most => self.env.random_u64() % (most.saturating_add(1)),
        };
        let held = Duration::from_millis(dial.delay_ms.saturating_add(jitter_ms));
        self.last_due = self.env.monotonic().saturating_add(held).max(self.last_due);
        self.last_due
    }
}

/// Where the changes of one wire come in at its target.
pub(crate) struct Gate {
    receiver: FrameReceiver,
    link: OrderedPair,
    changed: watch::Receiver<u64>,
    dials: LinkDials,
}

impl Gate {
    /// The next frame that is let in; `None` once the wire has broken or the link is cut.
    pub(crate) async fn recv(&mut self) -> Option<Frame> {
        loop {
            self.changed.mark_unchanged();
            let dial = self.dials.of(&self.link.0, &self.link.1);
            if dial.cut {
                return None;
            }
            tokio::select! {
                biased;
                frame = self.receiver.recv(), if !dial.paused => return frame,
                _ = self.changed.changed() => {}
            }
        }
    }
}

/// A transport whose wires obey the dials.
pub(crate) struct DialedTransport {
    inner: Arc<dyn Transport>,
    dials: LinkDials,
    env: Env,
}

impl DialedTransport {
    /// Wires of `inner` under `dials`.
    pub(crate) fn over(inner: Arc<dyn Transport>, dials: &LinkDials, env: &Env) -> Arc<dyn Transport> {
        Arc::new(DialedTransport { inner, dials: dials.clone(), env: env.clone() })
    }
}

impl Transport for DialedTransport {
    fn known(&self) -> Option<Vec<RegionName>> {
        self.inner.known()
    }

    fn address(&self, to: &RegionName) -> Option<String> {
        self.inner.address(to)
    }

    fn status(&self, from: &RegionName, to: &RegionName) -> Option<serde_json::Value> {
        self.inner.status(from, to)
    }

    fn connect<'a>(
        &'a self,
        from: &'a RegionName,
        to: &'a RegionName,
    ) -> BoxFuture<'a, Result<Wire, LinkError>> {
        Box::pin(async move {
            let cut = || LinkError::Broken("the link is cut by a dial".to_owned());
            if self.dials.of(from, to).cut {
                return Err(cut());
            }
            let wire = self.inner.connect(from, to).await?;
            Ok(self.dials.at_source(&self.env, from, to, wire))
        })
    }

    fn worth_retrying(&self) -> BoxFuture<'_, ()> {
        let mut changed = self.dials.0.changed.subscribe();
        Box::pin(async move {
            tokio::select! {
                _ = changed.changed() => {}
                () = self.inner.worth_retrying() => {}
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Body, Reply};

    const PATIENCE: Duration = Duration::from_secs(20);

    fn pair() -> OrderedPair {
        ("a".parse().unwrap(), "b".parse().unwrap())
    }

    fn frame(id: u64) -> Frame {
        Frame { id, body: Body::Reply(Reply::Applied) }
    }

    /// The ends of a lane from a to b.
    fn lane(env: &Env, dials: &LinkDials) -> (FrameSender, FrameReceiver) {
        let (outgoing, arriving) = frames();
        (dials.outward(env, pair(), Some(pair()), outgoing), arriving)
    }

    /// A hundred frames that waited for each other would take twenty seconds.
    #[tokio::test]
    async fn delays_overlap_and_keep_the_order() {
        let (env, dials) = (Env::real(), LinkDials::default());
        let dial = LinkDial { delay_ms: 100, jitter_ms: 200, ..LinkDial::default() };
        dials.change(|all| _ = all.insert(pair(), dial));
        let (sender, mut arriving) = lane(&env, &dials);
        let started = env.monotonic();
        env.spawn("sender", async move {
            for id in 0..100 {
                let _ = sender.send(frame(id)).await;
            }
            std::future::pending::<()>().await;
        });
        for id in 0..100 {
            let arrived = env.timeout(PATIENCE, arriving.recv()).await.expect("no frame").unwrap();
            assert_eq!(arrived.id, id);
        }
        let took = env.monotonic() - started;
        assert!((Duration::from_millis(100)..Duration::from_secs(8)).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn what_is_under_way_is_bounded() {
        const FRAME_BYTES: usize = 16 * 1024;
        let (env, dials) = (Env::real(), LinkDials::default());
        dials.change(|all| _ = all.insert(pair(), LinkDial { paused: true, ..LinkDial::default() }));
        let (sender, mut arriving) = lane(&env, &dials);
        let long = |id| Frame { id, body: Body::Reply(Reply::Failed("x".repeat(FRAME_BYTES))) };
        let mut sent = 0;
        while env.timeout(Duration::from_millis(200), sender.send(long(sent))).await.is_some() {
            sent += 1;
            assert!(sent < 10_000, "a paused lane takes frames without end");
        }
        assert!(sent >= 2);
        dials.change(BTreeMap::clear);
        for id in 0..sent {
            assert_eq!(env.timeout(PATIENCE, arriving.recv()).await.expect("no frame").unwrap().id, id);
        }
    }

    /// A lane whose other end takes nothing must not keep a link from being cut.
    #[tokio::test]
    async fn a_cut_ends_a_lane_that_waits_for_room() {
        let (env, dials) = (Env::real(), LinkDials::default());
        let (sender, mut arriving) = lane(&env, &dials);
        for id in 0..3 {
            env.timeout(PATIENCE, sender.send(frame(id))).await.expect("no room").unwrap();
        }
        dials.change(|all| _ = all.insert(pair(), LinkDial { cut: true, ..LinkDial::default() }));
        env.timeout(PATIENCE, sender.closed()).await.expect("the lane goes on");
        while env.timeout(PATIENCE, arriving.recv()).await.expect("the lane goes on").is_some() {}
    }
}
