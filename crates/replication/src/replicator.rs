//! Everything about replication of one Region: its links, what peers have acknowledged and promised, members that come
//! and go.

use std::{
    collections::{HashMap, HashSet},
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
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    message::{Reply, Request, WireTable},
    session::{Ending, Session},
    transport::Transport,
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
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { clock_ahead_ms_max: 500 }
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
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Peers that a link is kept to, with what it is doing.
    pub(crate) links: HashMap<RegionName, String>,
    pub(crate) acknowledged: HashMap<Shared, Acknowledged>,
    /// How far peers have applied our logs.
    pub(crate) shipped: HashMap<Shared, u64>,
    /// Times below which nothing more comes from peers.
    pub(crate) watermarks: HashMap<Shared, HybridTime>,
    /// Joins under way, so that none is started twice.
    joining: HashSet<Shared>,
}

/// Replication of one Region.
pub struct Replicator {
    pub(crate) region: Arc<Region>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) policy: Policy,
    pub(crate) state: Mutex<State>,
    /// Counts changes of the state, for those who wait for one.
    pub(crate) changed: watch::Sender<u64>,
}

impl std::fmt::Debug for Replicator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replicator").field("region", self.region.name()).finish_non_exhaustive()
    }
}

impl Replicator {
    /// Starts replicating a Region.
    pub fn start(region: Arc<Region>, transport: Arc<dyn Transport>, policy: Policy) -> Arc<Replicator> {
        let replicator = Arc::new(Replicator {
            region,
            transport,
            policy,
            state: Mutex::default(),
            changed: watch::Sender::new(0),
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

    /// Starts links and joins that the catalogue asks for, finishes departures, tells tables what they may forget.
    async fn look_around(self: &Arc<Replicator>) -> Result<(), Error> {
        let tables = self.region.tables().await?;
        self.forget_dropped(&tables);
        for table in tables {
            if table.group.is_none() {
                continue;
            }
            for (peer, register) in &table.settings.members {
                if peer == self.region.name() {
                    continue;
                }
                self.ensure_link(peer);
                if register.value == (Member::Joining { source: self.region.name().clone() }) {
                    self.ensure_join(&table, peer);
                }
            }
            if table.status == TableStatus::Deleting {
                self.finish_departure(&table).await?;
            }
            self.settle_tombstones(&table);
        }
        Ok(())
    }

    /// Lets go of what is known of replicas that are no more.
    fn forget_dropped(&self, tables: &[Arc<Table>]) {
        let there: HashSet<&str> = tables.iter().map(|table| table.uuid.as_str()).collect();
        let mut state = self.state.lock();
        state.acknowledged.retain(|(uuid, _), _| there.contains(uuid.as_str()));
        state.shipped.retain(|(uuid, _), _| there.contains(uuid.as_str()));
        state.watermarks.retain(|(uuid, _), _| there.contains(uuid.as_str()));
    }

    fn ensure_link(self: &Arc<Replicator>, peer: &RegionName) {
        let mut state = self.state.lock();
        if state.links.contains_key(peer) {
            return;
        }
        state.links.insert(peer.clone(), "connecting".to_owned());
        let (replicator, peer) = (Arc::clone(self), peer.clone());
        self.env().supervise("link", move || Arc::clone(&replicator).keep_link(peer.clone()));
    }

    fn ensure_join(self: &Arc<Replicator>, table: &Arc<Table>, peer: &RegionName) {
        let shared = (table.uuid.clone(), peer.clone());
        if !self.state.lock().joining.insert(shared.clone()) {
            return;
        }
        let (replicator, name) = (Arc::clone(self), table.name.clone());
        self.env().spawn("join", async move {
            let under_way = JoinUnderWay { replicator: &replicator, shared: &shared };
            replicator.join(&name, under_way.shared).await;
        });
    }

    /// Drops a replica that has left, once every remaining member knows and has everything that was written here.
    async fn finish_departure(&self, table: &Arc<Table>) -> Result<(), Error> {
        if table.is_source(self.region.name()) {
            return Ok(()); // nobody else fills the new replica
        }
        let head = self.region.log_bounds(table).await?.next;
        let ready = {
            let state = self.state.lock();
            table.peers(self.region.name()).all(|(peer, _)| {
                let shared = (table.uuid.clone(), peer.clone());
                state.acknowledged.get(&shared).is_some_and(|known| known.settings == table.settings)
                    && state.shipped.get(&shared).is_some_and(|position| *position >= head)
            })
        };
        if ready {
            let still_leaving = |current: &Table| {
                let leaving = current.uuid == table.uuid && current.status == TableStatus::Deleting;
                if leaving { Ok(()) } else { Err(Error::ResourceNotFound) }
            };
            match self.region.drop_table(&table.name, still_leaving).await {
                Ok(_) => {}
                Err(Error::ResourceNotFound) => return Ok(()),
                Err(error) => return Err(error),
            }
            tracing::info!(region = %self.region.name(), table = %table.name, "the replica has left its global table");
        }
        Ok(())
    }

    /// A tombstone can go when no member can send anything older. A replica that is still being filled keeps them all:
    /// its snapshot is not covered by watermarks.
    pub(crate) fn settle_tombstones(&self, table: &Table) {
        if table.status != TableStatus::Active {
            return;
        }
        let state = self.state.lock();
        let promised = table.peers(self.region.name()).map(|(peer, _)| {
            state.watermarks.get(&(table.uuid.clone(), peer.clone())).copied().unwrap_or(HybridTime::ZERO)
        });
        if let Some(floor) = promised.min() {
            self.region.set_tombstone_floor(table, floor);
        }
    }

    /// What replication is doing, for people: links, and per table and peer what is shipped and promised.
    ///
    /// # Errors
    /// If the tables cannot be read.
    pub async fn status(&self) -> Result<Value, Error> {
        let now_ms = self.env().unix_ms();
        let mut tables = Vec::new();
        for table in self.region.tables().await? {
            let head = self.region.log_bounds(&table).await?.next;
            let (_, conflicts) = self.region.conflicts(&table, 1).await?;
            let state = self.state.lock();
            let peers = table.peers(self.region.name()).map(|(peer, member)| {
                let shared = (table.uuid.clone(), peer.clone());
                let watermark = state.watermarks.get(&shared);
                json!({
                    "Region": peer.as_str(),
                    "Member": format!("{member:?}"),
                    "LogPositionsToShip": head.saturating_sub(state.shipped.get(&shared).copied().unwrap_or(0)),
                    "WatermarkAgeMs": watermark.map(|time| now_ms.saturating_sub(time.unix_ms())),
                })
            });
            let peers: Vec<Value> = peers.collect();
            if !peers.is_empty() {
                tables.push(
                    json!({"TableName": table.name.as_str(), "Peers": peers, "ConflictsWonHere": conflicts}),
                );
            }
        }
        let mut links: Vec<Value> = {
            let state = self.state.lock();
            let link = |(peer, what): (&RegionName, &String)| {
                let connection = self.transport.status(self.region.name(), peer);
                json!({"Region": peer.as_str(), "State": what, "Connection": connection})
            };
            state.links.iter().map(link).collect()
        };
        links.sort_by_key(|link| link["Region"].as_str().map(str::to_owned));
        Ok(json!({"Region": self.region.name().as_str(), "Links": links, "Tables": tables}))
    }
}

/// Held while a join is under way, so that another one can start however it ends.
struct JoinUnderWay<'a> {
    replicator: &'a Replicator,
    shared: &'a Shared,
}

impl Drop for JoinUnderWay<'_> {
    fn drop(&mut self) {
        self.replicator.state.lock().joining.remove(self.shared);
    }
}

/// What a Region may ask of others, answered over short sessions.
struct PeersOf(Arc<Replicator>);

impl Peers for PeersOf {
    fn known(&self) -> Option<Vec<RegionName>> {
        self.0.transport.known()
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
