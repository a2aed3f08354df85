//! Everything about replication of one Region: its links, what peers have acknowledged and promised, members that come
//! and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use graticule_env::Env;
use graticule_model::{Error, RegionName, TableName, version::HybridTime};
use graticule_tables::{
    BoxFuture, PeerTable, Peers, Region, Table,
    schema::{Member, Settings, TableStatus},
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    dials::{DialedTransport, LinkDials},
    latency::Telemetry,
    message::{Address, Reply, Request, WireTable},
    session::{Ending, Session},
    ship::failed,
    status::Link,
    transport::{LinkError, Transport},
    verify::Verified,
};

/// How often the Replicator looks around when nothing tells it to.
pub(crate) const TICK: Duration = Duration::from_secs(1);
/// How long a question to another Region may take while a client waits for the answer.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// What an operator may set.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How far ahead of our clock a replicated change may be; beyond that it is held back.
    pub clock_ahead_ms_max: u64,
    /// How links misbehave.
    pub dials: LinkDials,
    /// How long a member that was taken out is waited for. What it still has to say after that is refused.
    pub departure_ms_max: u64,
    /// How often replicas are compared in the background; `None` for never.
    pub verify_every: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            clock_ahead_ms_max: 500,
            dials: LinkDials::default(),
            departure_ms_max: 20 * 60 * 60 * 1000,
            verify_every: Some(Duration::from_secs(24 * 60 * 60)),
        }
    }
}

/// Names a table replica of this Region and a Region that shares it.
pub(crate) type Shared = (String, RegionName);

/// What a peer is known to know.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    /// The settings it has merged.
    pub(crate) settings: Settings,
    /// Its writes before this time did not know them.
    pub(crate) known_since: HybridTime,
    /// It has no replica, and is to have none.
    pub(crate) absent: bool,
    /// It had this log before this position when it was told.
    pub(crate) shipped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Peers that a link is kept to, with what it is doing.
    pub(crate) links: BTreeMap<RegionName, Link>,
    pub(crate) acknowledged: BTreeMap<Shared, Acknowledged>,
    /// How far peers have applied our logs.
    pub(crate) shipped: BTreeMap<Shared, u64>,
    /// Connections so far, and for each log that comes from a peer the one that asked last how far it is applied.
    pub(crate) connections: u64,
    pub(crate) lanes: BTreeMap<Shared, u64>,
    /// Times below which nothing more comes from peers.
    pub(crate) watermarks: BTreeMap<Shared, HybridTime>,
    /// Times below which peers have everything that any member wrote, as they have said.
    pub(crate) settled: BTreeMap<Shared, HybridTime>,
    /// Joins, comparisons and detachments under way, so that none is started twice.
    pub(crate) under_way: BTreeSet<(Work, Shared)>,
    /// How far joins have come, in percent.
    pub(crate) join_percent: BTreeMap<Shared, u8>,
    /// What the last comparison with a peer has found.
    pub(crate) verified: BTreeMap<Shared, Verified>,
    /// When this Replicator was started, in milliseconds since the epoch.
    pub(crate) started_ms: u64,
}

impl State {
    /// What a peer knows, if it knows the settings as this replica has them.
    pub(crate) fn knowing(&self, table: &Table, peer: &RegionName) -> Option<&Acknowledged> {
        let known = self.acknowledged.get(&(table.uuid.clone(), peer.clone()));
        known.filter(|known| known.settings == table.settings)
    }
}

/// Work that goes on beside the links, one of a kind for a table and a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// Filling a new replica.
    Join,
    /// Bringing a member up to date that needs more than the log.
    Resync,
    /// Comparing replicas.
    Verify,
    /// Becoming a table of its own.
    Detach,
}

/// Replication of one Region.
pub struct Replicator {
    pub(crate) region: Arc<Region>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) policy: Policy,
    pub(crate) state: Mutex<State>,
    /// Counts changes of the state, for those who wait for one.
    pub(crate) changed: watch::Sender<u64>,
    /// How far and how quickly tables are shipped.
    pub(crate) telemetry: Telemetry,
}

impl std::fmt::Debug for Replicator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replicator").field("region", self.region.name()).finish_non_exhaustive()
    }
}

impl Replicator {
    /// Starts replicating a Region.
    pub fn start(region: Arc<Region>, transport: Arc<dyn Transport>, policy: Policy) -> Arc<Replicator> {
        let transport = DialedTransport::over(transport, &policy.dials, region.env());
        let started_ms = region.env().unix_ms();
        let replicator = Arc::new(Replicator {
            region,
            transport,
            policy,
            state: Mutex::new(State { started_ms, ..State::default() }),
            changed: watch::Sender::new(0),
            telemetry: Telemetry::default(),
        });
        replicator.region.set_peers(Arc::new(PeersOf(Arc::clone(&replicator))));
        let supervisor = Arc::clone(&replicator);
        replicator.env().supervise("replication", move || Arc::clone(&supervisor).supervise());
        replicator
    }

    async fn supervise(self: Arc<Replicator>) {
        let mut catalogue = self.region.watch_catalogue();
        loop {
            catalogue.mark_unchanged();
            if let Err(error) = self.look_around().await {
                tracing::error!(region = %self.region.name(), %error, "replication cannot read its tables");
            }
            let _ = self.env().timeout(TICK, catalogue.changed()).await;
        }
    }

    /// The Region that this replicates.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    pub(crate) fn env(&self) -> &Env {
        self.region.env()
    }

    /// Changes the state and tells those who wait.
    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.send_modify(|count| *count += 1);
    }

    /// Waits until `done` holds, looking again at every change and now and then.
    pub(crate) async fn wait_until(&self, done: impl Fn(&State) -> bool) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if done(&self.state.lock()) {
                return;
            }
            let _ = self.env().timeout(TICK, changed.changed()).await;
        }
    }

    /// Starts whatever work the catalogue asks for, finishes departures, tells tables what they may forget.
    async fn look_around(self: &Arc<Replicator>) -> Result<(), Error> {
        let tables = self.region.tables().await?;
        self.forget_dropped(&tables);
        for table in tables {
            if table.group.is_none() {
                continue;
            }
            self.look_at(&table).await?;
        }
        Ok(())
    }

    async fn look_at(self: &Arc<Replicator>, table: &Arc<Table>) -> Result<(), Error> {
        let here = self.region.name();
        for (peer, register) in &table.settings.members {
            if peer == here {
                continue;
            }
            if table.concerns(peer) {
                self.ensure_link(peer);
            }
            if register.value == (Member::Joining { source: here.clone() }) {
                self.ensure(Work::Join, table, peer);
            }
            if table.membership.resync.contains_key(peer) {
                self.ensure(Work::Resync, table, peer);
            }
            if self.is_verification_due(table, peer) {
                self.ensure(Work::Verify, table, peer);
            }
        }
        if table.detaching.is_some() {
            self.ensure(Work::Detach, table, here);
        }
        if table.status == TableStatus::Deleting {
            self.finish_departure(table).await?;
        }
        self.see_off(table).await?;
        self.settle_tombstones(table);
        Ok(())
    }

    /// Lets go of what is known of replicas and members that are no more. Which connection counts is remembered for as long
    /// as the replica is there: what a member that is gone sent over an older one may still arrive.
    fn forget_dropped(&self, tables: &[Arc<Table>]) {
        let shared = tables.iter().filter(|table| table.group.is_some());
        let there: BTreeMap<&str, &Table> =
            shared.map(|table| (table.uuid.as_str(), table.as_ref())).collect();
        let is_there = |(uuid, _): &Shared| there.contains_key(uuid.as_str());
        let concerns =
            |(uuid, peer): &Shared| there.get(uuid.as_str()).is_some_and(|table| table.concerns(peer));
        let mut state = self.state.lock();
        state.lanes.retain(|shared, _| is_there(shared));
        state.acknowledged.retain(|shared, _| concerns(shared));
        state.shipped.retain(|shared, _| concerns(shared));
        state.watermarks.retain(|shared, _| concerns(shared));
        state.settled.retain(|shared, _| concerns(shared));
        state.verified.retain(|shared, _| concerns(shared));
        self.telemetry.retain(concerns);
    }

    fn ensure_link(self: &Arc<Replicator>, peer: &RegionName) {
        let mut state = self.state.lock();
        if state.links.contains_key(peer) {
            return;
        }
        state.links.insert(peer.clone(), Link::new(self.env().unix_ms()));
        let (replicator, peer) = (Arc::clone(self), peer.clone());
        self.env().supervise("link", move || Arc::clone(&replicator).keep_link(peer.clone()));
    }

    /// Starts work about a table and a Region, unless it is under way.
    fn ensure(self: &Arc<Replicator>, work: Work, table: &Arc<Table>, region: &RegionName) {
        let shared = (table.uuid.clone(), region.clone());
        if !self.state.lock().under_way.insert((work, shared.clone())) {
            return;
        }
        let (replicator, table) = (Arc::clone(self), Arc::clone(table));
        self.env().spawn("replication work", async move {
            let under_way = UnderWay { replicator: &replicator, work: (work, shared) };
            let (_, shared) = &under_way.work;
            match work {
                Work::Join => replicator.join(&table.name, shared).await,
                Work::Resync => replicator.resync(&table, &shared.1).await,
                Work::Verify => replicator.verify_in_background(&table, &shared.1).await,
                Work::Detach => replicator.detach(&table).await,
            }
        });
    }

    /// A session of its own with the replica of `table` in `peer`, and how to address that replica.
    pub(crate) async fn session_with(
        &self,
        table: &Table,
        peer: &RegionName,
    ) -> Result<(Ending, Address), LinkError> {
        let wire = self.transport.connect(self.region.name(), peer).await?;
        let session = Ending(Session::start(self.env(), wire));
        // It ships no log, so it asks for none: whoever asks for a position takes the log over.
        let (to, _) = self.find_replica(table, "", &session.0).await?;
        Ok((session, to))
    }

    /// The replica of `table` at the other end of a session, and the position of `log` that it has applied.
    pub(crate) async fn find_replica(
        &self,
        table: &Table,
        log: &str,
        session: &Session,
    ) -> Result<(Address, Option<u64>), LinkError> {
        let question = Request::Position { table: table.name.to_string(), log: log.to_owned() };
        let (replica, applied) = match session.call(question).await? {
            Reply::Position { replica: Some(replica), applied } => (replica, applied),
            Reply::Position { replica: None, .. } => return Err(LinkError::NoReplica),
            other => return Err(failed(format!("a position was answered by {other:?}"))),
        };
        let group = table.group.clone().unwrap_or_default();
        Ok((Address { table: table.name.to_string(), group, replica }, applied))
    }
}

/// Held while work is under way, so that it can start once more however it ends.
struct UnderWay<'a> {
    replicator: &'a Replicator,
    work: (Work, Shared),
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.replicator.state.lock();
        state.under_way.remove(&self.work);
        if self.work.0 == Work::Join {
            state.join_percent.remove(&self.work.1);
        }
    }
}

/// What a Region may ask of others, answered over short sessions.
struct PeersOf(Arc<Replicator>);

impl Peers for PeersOf {
    fn known(&self) -> Option<Vec<RegionName>> {
        self.0.transport.known()
    }

    fn join_percent(&self, table: &Table, region: &RegionName) -> Option<u8> {
        self.0.state.lock().join_percent.get(&(table.uuid.clone(), region.clone())).copied()
    }

    fn table<'a>(
        &'a self,
        region: &'a RegionName,
        table: &'a TableName,
    ) -> BoxFuture<'a, Result<Option<PeerTable>, Error>> {
        Box::pin(async move {
            let here = &self.0;
            let ask = async {
                let wire = here.transport.connect(here.region.name(), region).await?;
                let session = Ending(Session::start(here.env(), wire));
                session.0.call(Request::Table { table: table.to_string() }).await
            };
            match here.env().timeout(QUESTION_TIMEOUT, ask).await {
                Some(Ok(Reply::Table(table))) => {
                    Ok(table.map(|WireTable { deletion_protection }| PeerTable { deletion_protection }))
                }
                Some(Ok(other)) => Err(unreachable_region(region, &format!("unexpected reply {other:?}"))),
                Some(Err(error)) => Err(unreachable_region(region, &error.to_string())),
                None => Err(unreachable_region(region, "no answer in time")),
            }
        })
    }
}

fn unreachable_region(region: &RegionName, reason: &str) -> Error {
    Error::Validation(format!("Failed to access the region: '{region}'. {reason}"))
}
