//! The target's end of a link: what arrives is applied, table by table, in order.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use graticule_model::{Error, RegionName, Version, version::HybridTime};
use graticule_tables::{Change, Merged, Origin, Road, Table, schema::TableStatus};
use tokio::sync::mpsc;

use crate::{
    flow::BATCHES_MAX,
    frames::FrameSender,
    message::{
        Address, Body, Changes, Frame, Reply, Request, WireChange, WireDigest, WireKey, WireRoad, WireTable,
        settings_from_json, settings_to_json,
    },
    replicator::{Replicator, State, TICK},
    ship::BATCH,
    transport::Wire,
};

/// Requests that wait for one table of a link: as many as a source has on their way, so that a table that is held back
/// stands in nobody else's way.
const TABLE_QUEUE: usize = BATCHES_MAX;
/// Live items told of in one answer.
const KEYS_MAX: usize = 4096;

/// What has an order of its own on a connection.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// Everything about the catalogue. Rare.
    Catalogue,
    /// The changes of a table.
    Table(String),
    /// Questions about what a table holds. They may take long.
    Questions(String),
}

impl Lane {
    fn of(request: &Request) -> Lane {
        match request {
            Request::Table { .. } | Request::Settings { .. } => Lane::Catalogue,
            Request::Position { table, .. } => Lane::Table(table.clone()),
            Request::Changes(changes) => Lane::Table(changes.to.table.clone()),
            Request::Digests { to, .. }
            | Request::Keys { to, .. }
            | Request::Items { to, .. }
            | Request::Settled { to, .. } => Lane::Questions(to.table.clone()),
        }
    }

    /// The lane of the wire on which replies go.
    fn name(&self) -> String {
        match self {
            Lane::Catalogue => String::new(),
            Lane::Table(table) => table.clone(),
            Lane::Questions(table) => format!("{table}?"),
        }
    }
}

/// Adds a request to the changes before it, if it is what follows them in the same log on the way to the same replica.
/// The position and the watermark that are reached are then its own: they hold once all is applied. Gives back what does
/// not join.
fn join(changes: &mut Changes, next: Request) -> Option<Request> {
    let both_from_log =
        |next: &Changes| matches!((changes.road, next.road), (WireRoad::Log(_), WireRoad::Log(_)));
    match next {
        Request::Changes(next)
            if both_from_log(&next)
                && (&changes.to, &changes.log, &changes.born) == (&next.to, &next.log, &next.born) =>
        {
            changes.changes.extend(next.changes);
            changes.road = next.road;
            changes.watermark = changes.watermark.max(next.watermark);
            changes.settled = changes.settled.max(next.settled);
            None
        }
        other => Some(other),
    }
}

impl Replicator {
    /// Serves one connection of the Region `peer` until it ends.
    pub async fn serve(self: Arc<Replicator>, peer: RegionName, wire: Wire) {
        let (replies, mut requests) =
            self.policy.dials.at_target(self.env(), &peer, self.region.name(), wire);
        let connection = {
            let mut state = self.state.lock();
            state.connections += 1;
            state.connections
        };
        let mut workers: BTreeMap<Lane, mpsc::Sender<(u64, Request)>> = BTreeMap::new();
        while let Some(frame) = requests.recv().await {
            let Frame { id, body: Body::Request(request) } = frame else { return };
            let worker = workers.entry(Lane::of(&request)).or_insert_with_key(|lane| {
                self.start_worker(&peer, connection, replies.for_lane(&lane.name()))
            });
            if worker.send((id, request)).await.is_err() {
                return;
            }
        }
    }

    fn start_worker(
        self: &Arc<Replicator>,
        peer: &RegionName,
        connection: u64,
        replies: FrameSender,
    ) -> mpsc::Sender<(u64, Request)> {
        let (queue, mut requests) = mpsc::channel::<(u64, Request)>(TABLE_QUEUE);
        let (replicator, peer) = (Arc::clone(self), peer.clone());
        self.env().spawn("apply", async move {
            // After a batch that was not applied, none may be that was sent behind it: the cursor would pass what is
            // missing. The source starts over by asking for the position.
            let mut refused = false;
            let mut left_over = None;
            loop {
                let next = match left_over.take() {
                    Some(next) => Some(next),
                    None => requests.recv().await,
                };
                let Some((id, mut request)) = next else { return };
                let mut ids = vec![id];
                // What has come meanwhile is applied with it: one wait for the disk for all of them.
                while let Request::Changes(changes) = &mut request
                    && changes.changes.len() < BATCH.entries
                    && let Ok((id, next)) = requests.try_recv()
                {
                    match join(changes, next) {
                        None => ids.push(id),
                        Some(next) => {
                            left_over = Some((id, next));
                            break;
                        }
                    }
                }
                let changes = matches!(request, Request::Changes(_));
                refused &= changes;
                let reply = if refused {
                    Reply::Foreign
                } else {
                    let answer = replicator.answer(&peer, connection, request);
                    tokio::select! {
                        biased;
                        // Nobody waits for it any more; what is held back would be for as long as clocks differ.
                        () = replies.closed() => return,
                        answer = answer => answer.unwrap_or_else(|error| Reply::Failed(error.to_string())),
                    }
                };
                refused = changes && reply != Reply::Applied;
                for id in ids {
                    if replies.send(Frame { id, body: Body::Reply(reply.clone()) }).await.is_err() {
                        return;
                    }
                }
            }
        });
        queue
    }

    async fn answer(&self, peer: &RegionName, connection: u64, request: Request) -> Result<Reply, Error> {
        match request {
            Request::Table { table } => match self.region.table(&table.parse()?).await {
                Ok(table) => {
                    Ok(Reply::Table(Some(WireTable { deletion_protection: table.deletion_protection })))
                }
                Err(Error::ResourceNotFound) => Ok(Reply::Table(None)),
                Err(error) => Err(error),
            },
            Request::Settings { shared } => {
                Ok(match self.region.merge_settings(&settings_from_json(&shared)?).await? {
                    Merged::Done { known_since, more } => Reply::SettingsMerged {
                        known_since: known_since.to_bits(),
                        more: more.as_deref().map(settings_to_json).transpose()?,
                    },
                    Merged::Absent => Reply::Absent,
                    Merged::Foreign => Reply::Foreign,
                    Merged::Leaving => Reply::Failed("the former replica is still leaving".to_owned()),
                })
            }
            Request::Position { table, log } => match self.region.table(&table.parse()?).await {
                Ok(table) => {
                    // Before the look: what an older connection still brings would come once more over this one, perhaps
                    // after the marks of deletes that keep it from undoing them are gone.
                    let shared = (table.uuid.clone(), peer.clone());
                    if !log.is_empty() {
                        let mut state = self.state.lock();
                        let current = state.lanes.entry(shared).or_default();
                        if connection < *current {
                            // Brought late, it takes nothing over. Whoever still waits for the answer connects anew.
                            return Ok(Reply::Failed("a later connection has taken over".to_owned()));
                        }
                        *current = connection;
                    }
                    let applied = self.region.received_cursor(&table, peer, &log).await?;
                    Ok(Reply::Position { replica: Some(table.uuid.clone()), applied })
                }
                Err(Error::ResourceNotFound) => Ok(Reply::Position { replica: None, applied: None }),
                Err(error) => Err(error),
            },
            Request::Changes(changes) => self.take(peer, connection, changes).await,
            Request::Digests { to, stretches } => {
                let Some(table) = self.addressee(&to).await? else { return Ok(Reply::Foreign) };
                let mut digests = Vec::with_capacity(stretches.len());
                for stretch in stretches {
                    let digest = self.region.digest(&table, &stretch.into()).await?;
                    digests.push(WireDigest { items: digest.items, hash: digest.hash });
                }
                Ok(Reply::Digests(digests))
            }
            Request::Keys { to, stretch } => {
                let Some(table) = self.addressee(&to).await? else { return Ok(Reply::Foreign) };
                let (keys, left) = self.region.key_states(&table, &stretch.into(), KEYS_MAX).await?;
                let keys = keys.into_iter().map(WireKey::from).collect();
                Ok(Reply::Keys { keys, left: left.as_ref().map(Into::into) })
            }
            Request::Items { to, keys } => {
                let Some(table) = self.addressee(&to).await? else { return Ok(Reply::Foreign) };
                let keys: Vec<Vec<u8>> = keys.into_iter().map(|key| key.to_vec()).collect();
                let (items, answered) = self.region.changes_of_keys(&table, &keys, BATCH).await?;
                let items = items.into_iter().map(WireChange::from).collect();
                Ok(Reply::Items { items, keys: answered })
            }
            Request::Settled { to, time } => {
                let Some(table) = self.addressee(&to).await? else { return Ok(Reply::Foreign) };
                Ok(Reply::Settled(self.wait_settled(&table, HybridTime::from_bits(time)).await))
            }
        }
    }

    /// The replica that is meant, if it is here.
    async fn addressee(&self, to: &Address) -> Result<Option<Arc<Table>>, Error> {
        match self.region.table(&to.table.parse()?).await {
            Ok(table) => {
                // Version 1 of the protocol does not name the replica.
                let named = to.replica.is_empty() || table.uuid == to.replica;
                let meant = named && table.group.as_deref() == Some(&to.group);
                Ok(Some(table).filter(|_| meant))
            }
            Err(Error::ResourceNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn take(&self, peer: &RegionName, connection: u64, message: Changes) -> Result<Reply, Error> {
        let Some(table) = self.addressee(&message.to).await? else { return Ok(Reply::Foreign) };
        let born: Option<Version> = message.born.map(Version::from);
        if !table.takes_changes() || !table.listens_to(peer, born.as_ref()) {
            return Ok(Reply::Foreign);
        }
        let (road, position) = match message.road {
            WireRoad::Log(position) => (Road::Log, Some(position)),
            WireRoad::Snapshot(forgotten) => (Road::Snapshot(HybridTime::from_bits(forgotten)), None),
            WireRoad::Resync => (Road::Resync, None),
            WireRoad::Repair(compared) => (Road::Repair(HybridTime::from_bits(compared)), None),
        };
        let shared = (table.uuid.clone(), peer.clone());
        let superseded = |state: &State| {
            road == Road::Log && state.lanes.get(&shared).is_some_and(|current| *current != connection)
        };
        let snapshot = matches!(road, Road::Snapshot(_));
        self.hold_back(&table, peer, &message.changes).await;
        if !snapshot {
            self.wait_until_filled(&table, peer).await;
        }
        // A heartbeat too: its source would wait for ever for the promise to count.
        if superseded(&self.state.lock()) {
            return Ok(Reply::Failed("another connection has taken over".to_owned()));
        }
        if snapshot || !message.changes.is_empty() {
            // Once a replica is filled, marks of deletes may go that a late part of a snapshot would have to meet.
            if snapshot && !self.is_being_filled(&table).await? {
                return Ok(Reply::Foreign);
            }
            let origin = Origin { region: peer, log: &message.log, position, road, born: born.as_ref() };
            let changes = message.changes.into_iter().map(Change::from).collect();
            match self.region.apply(&table, &origin, changes).await {
                Ok(()) => {}
                Err(Error::ResourceNotFound) => return Ok(Reply::Foreign),
                Err(error) => return Err(error),
            }
        }
        if let Some(watermark) = message.watermark {
            let watermark = HybridTime::from_bits(watermark);
            let settled = HybridTime::from_bits(message.settled.unwrap_or_default());
            self.update(|state| {
                // The connection that took over sends what is applied here just now once more.
                if !superseded(state) {
                    let known = state.watermarks.entry(shared.clone()).or_default();
                    *known = watermark.max(*known);
                    let known = state.settled.entry(shared.clone()).or_default();
                    *known = settled.max(*known);
                }
            });
            self.settle_tombstones(&table);
        }
        Ok(Reply::Applied)
    }

    async fn is_being_filled(&self, table: &Table) -> Result<bool, Error> {
        let current = self.region.table(&table.name).await?;
        Ok(current.uuid == table.uuid && current.status == TableStatus::Creating)
    }

    /// A member that was taken out may tell of what all others have deleted, and have forgotten the delete of. What it tells
    /// waits until this replica is filled, and knows how far those have forgotten that filled it. The one that fills it is
    /// heard: it may be out, and stay as the last one.
    async fn wait_until_filled(&self, table: &Table, peer: &RegionName) {
        let mut catalogue = self.region.watch_catalogue();
        loop {
            catalogue.mark_unchanged();
            let current = self.region.table(&table.name).await;
            let waits = |current: &Table| {
                current.uuid == table.uuid
                    && current.status == TableStatus::Creating
                    && current.is_out(peer)
                    && current.source_of(self.region.name()) != Some(peer)
            };
            if !current.is_ok_and(|current| waits(&current)) {
                return;
            }
            let _ = self.env().timeout(TICK, catalogue.changed()).await;
        }
    }

    /// Waits while a change is further in the future than clocks can differ, and raises the alarm.
    async fn hold_back(&self, table: &Table, peer: &RegionName, changes: &[WireChange]) {
        let latest =
            changes.iter().map(|change| HybridTime::from_bits(change.time).unix_ms()).max().unwrap_or(0);
        let mut alarmed = false;
        loop {
            let ahead_ms = latest.saturating_sub(self.env().unix_ms());
            if ahead_ms <= self.policy.clock_ahead_ms_max {
                return;
            }
            if !alarmed {
                tracing::error!(region = %self.region.name(), table = %table.name, %peer, ahead_ms,
                    "changes from a clock that is too far ahead are held back; check the clocks of both Regions");
                alarmed = true;
            }
            self.env()
                .sleep(Duration::from_millis((ahead_ms - self.policy.clock_ahead_ms_max).min(1000)))
                .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn changes(first: u64, road: WireRoad, watermark: Option<u64>) -> Changes {
        let to = Address { table: "t".to_owned(), group: "g".to_owned(), replica: "r".to_owned() };
        let change = |time| WireChange {
            time,
            region: "a".to_owned(),
            key: Bytes::from_static(b"{}"),
            new: None,
            expired: false,
        };
        let changes = vec![change(first), change(first + 1)];
        Changes { to, log: "log".to_owned(), born: None, changes, road, watermark, settled: None }
    }

    #[test]
    fn what_follows_in_the_log_joins_in_order() {
        let mut joined = changes(1, WireRoad::Log(2), Some(7));
        assert_eq!(join(&mut joined, Request::Changes(changes(3, WireRoad::Log(4), None))), None);
        assert_eq!(join(&mut joined, Request::Changes(changes(5, WireRoad::Log(9), Some(8)))), None);
        let times: Vec<u64> = joined.changes.iter().map(|change| change.time).collect();
        assert_eq!(times, [1, 2, 3, 4, 5, 6]);
        assert_eq!((joined.road, joined.watermark), (WireRoad::Log(9), Some(8)));
    }

    #[test]
    fn nothing_else_joins() {
        let first = changes(1, WireRoad::Log(2), None);
        let other = |change: fn(&mut Changes)| {
            let mut other = changes(3, WireRoad::Log(4), None);
            change(&mut other);
            Request::Changes(other)
        };
        for next in [
            other(|other| other.road = WireRoad::Snapshot(0)),
            other(|other| other.to.replica = "made anew".to_owned()),
            other(|other| other.log = "made anew".to_owned()),
            other(|other| other.born = Some(crate::message::WireVersion { time: 1, region: "a".to_owned() })),
            Request::Position { table: "t".to_owned(), log: "log".to_owned() },
        ] {
            let mut joined = first.clone();
            assert_eq!(join(&mut joined, next.clone()), Some(next));
            assert_eq!(joined, first);
        }
        let mut snapshot = changes(1, WireRoad::Snapshot(0), None);
        let next = other(|_| {});
        assert_eq!(join(&mut snapshot, next.clone()), Some(next));
    }
}
