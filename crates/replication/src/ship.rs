//! Shipping one table to one Region: what clients wrote here, in batches, several on their way at once.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesOrdered};
use graticule_model::{Error, RegionName, version::HybridTime};
use graticule_tables::{
    Change, PageLimit, Table,
    schema::{Detaching, TableStatus},
};

use tokio::sync::watch;

use crate::{
    flow::Flow,
    message::{Address, Changes, Reply, Request, WireChange, WireRoad},
    replicator::{Replicator, Shared},
    session::Session,
    transport::LinkError,
};

/// Batches of a snapshot or a comparison on their way at once.
pub(crate) const WINDOW: usize = 4;
/// What one batch may hold.
pub(crate) const BATCH: PageLimit = PageLimit { entries: 1024, bytes: 1024 * 1024 };
/// How often a watermark goes out when nothing else does.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// How often the peer's progress is saved. It saves shipping again after a restart, and lets the log be trimmed.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// What became of a batch.
enum Outcome {
    Taken,
    Foreign,
    Failed(String),
}

/// A batch on its way.
struct Sent {
    /// The log position that it reaches.
    position: u64,
    /// When its changes were written.
    written_ms: Vec<u64>,
    /// Of its keys and items.
    bytes: usize,
    /// There is more in the log.
    backlog: bool,
    /// The log position from which on nothing is shipped.
    end: u64,
}

/// What comes next for a table on a link.
enum Next {
    Batch(Box<Changes>, Sent),
    /// The log no longer has what the peer lacks.
    Cut,
    /// The peer is to get nothing more.
    Unwanted,
}

pub(crate) fn failed(error: impl std::fmt::Display) -> LinkError {
    LinkError::Broken(error.to_string())
}

impl Replicator {
    /// Ships `table` to `peer` until the session breaks or there is no reason to ship any more.
    pub(crate) async fn ship(
        &self,
        table: &Arc<Table>,
        peer: &RegionName,
        session: &Session,
    ) -> Result<(), LinkError> {
        let shared = (table.uuid.clone(), peer.clone());
        let (to, applied) = match self.find_replica(table, &table.uuid, session).await {
            Err(LinkError::NoReplica) => {
                self.tell_again(&shared);
                return Ok(());
            }
            found => found?,
        };
        let saved = self.region.sent_cursor(table, peer).await.map_err(failed)?;
        // The peer's own word may be newer than what was saved here.
        let mut next = saved.position_of(&to.replica).max(applied.unwrap_or(0));
        self.update(|state| _ = state.shipped.insert(shared.clone(), next));
        let mut end = u64::MAX;
        let mut saved_at = None;
        let mut log = self.region.watch_log(table);
        let mut on_their_way = FuturesOrdered::new();
        let mut flow = Flow::new();
        loop {
            tokio::select! {
                biased;
                Some(applied) = on_their_way.next(), if !on_their_way.is_empty() => {
                    let applied: Result<(Sent, Outcome), LinkError> = applied;
                    let (sent, outcome) = applied?;
                    flow.acknowledged(self.env().monotonic());
                    match outcome {
                        Outcome::Taken => {
                            let (now_ms, now) = (self.env().unix_ms(), self.env().monotonic());
                            self.telemetry.acknowledged(&shared, &sent.written_ms, now_ms, now);
                        }
                        Outcome::Foreign => {
                            // There is no replica, or not yet, or it is on its way out: tell the settings once more, by
                            // which both know who stays, and start over. What nobody took is never handed over.
                            self.tell_again(&shared);
                            return Ok(());
                        }
                        Outcome::Failed(reason) => {
                            tracing::warn!(region = %self.region.name(), table = %table.name, %peer, reason,
                                "the other Region could not apply changes; they are shipped again");
                            return Ok(());
                        }
                    }
                    self.note_taken(table, peer, &to, &sent, &mut saved_at).await?;
                }
                () = session.ended() => return Err(failed("the connection was closed")),
                () = self.wait_for_growth(&mut log, (next, end), &flow), if flow.has_room() => {
                    let (changes, sent) = match self.next_batch(table, peer, &to, next).await? {
                        Next::Batch(changes, sent) => (changes, sent),
                        Next::Unwanted => return Ok(()),
                        Next::Cut => {
                            tracing::warn!(region = %self.region.name(), table = %table.name, %peer,
                                "the log no longer has what the other Region lacks; the replicas are compared");
                            self.region.mark_behind(table, peer).await.map_err(failed)?;
                            return Ok(());
                        }
                    };
                    (next, end) = (sent.position, sent.end);
                    // What came from elsewhere is not told by itself: a heartbeat takes the position along.
                    if changes.changes.is_empty() && !flow.has_paused(self.env().monotonic(), HEARTBEAT) {
                        continue;
                    }
                    let reply = session.send(Request::Changes(*changes)).await?;
                    self.telemetry.sent(&shared, next);
                    flow.sent(self.env().monotonic(), sent.bytes, sent.backlog);
                    on_their_way.push_back(async move {
                        match reply.await? {
                            Reply::Applied => Ok((sent, Outcome::Taken)),
                            Reply::Foreign => Ok((sent, Outcome::Foreign)),
                            Reply::Failed(reason) => Ok((sent, Outcome::Failed(reason))),
                            other => Err(failed(format!("changes were answered by {other:?}"))),
                        }
                    });
                }
            }
        }
    }

    /// Forgets what a peer has acknowledged, so that it is told the settings once more.
    fn tell_again(&self, shared: &Shared) {
        self.update(|state| _ = state.acknowledged.remove(shared));
    }

    /// Takes note of a batch that the peer has made durable. Saves the position now and then.
    async fn note_taken(
        &self,
        table: &Table,
        peer: &RegionName,
        to: &Address,
        sent: &Sent,
        saved_at: &mut Option<Duration>,
    ) -> Result<(), LinkError> {
        let shared = (table.uuid.clone(), peer.clone());
        self.update(|state| _ = state.shipped.insert(shared, sent.position));
        let now = self.env().monotonic();
        if saved_at.is_none_or(|saved_at| now >= saved_at + SAVE_EVERY) {
            self.region.save_sent_cursor(table, peer, &to.replica, sent.position).await.map_err(failed)?;
            *saved_at = Some(now);
        }
        Ok(())
    }

    /// Waits until there is something to ship from log position `next` on and before `end`, or it is time for a watermark.
    async fn wait_for_growth(&self, log: &mut watch::Receiver<u64>, (next, end): (u64, u64), flow: &Flow) {
        let grown = async { drop(log.wait_for(|head| *head > next && next < end).await) };
        self.env().timeout(HEARTBEAT, grown).await;
        let gather = flow.wait(self.env().monotonic());
        if !gather.is_zero() {
            self.env().sleep(gather).await;
        }
    }

    /// The next batch, with a watermark if it reaches the end of the log.
    async fn next_batch(
        &self,
        table: &Arc<Table>,
        peer: &RegionName,
        to: &Address,
        from: u64,
    ) -> Result<Next, LinkError> {
        // The promise comes first. What the table says then is not older, so nothing is promised in ignorance; and every write
        // with an older version is in the log by then, below the head.
        let closed = self.region.clock().closed();
        let current = match self.region.table(&table.name).await {
            Ok(current) if current.uuid == table.uuid => current,
            Ok(_) | Err(Error::ResourceNotFound) => return Ok(Next::Unwanted),
            Err(error) => return Err(failed(error)),
        };
        if !current.settings.members.contains_key(peer) || !current.ships_to(self.region.name(), peer) {
            if current.status != TableStatus::Deleting {
                self.update(|state| _ = state.shipped.remove(&(table.uuid.clone(), peer.clone())));
            }
            return Ok(Next::Unwanted);
        }
        let mark = current.membership.resync.get(peer);
        if mark.is_some_and(|mark| mark.log_cut) {
            return Ok(Next::Unwanted);
        }
        let head = self.region.log_bounds(table).await.map_err(failed)?.next;
        let end = current.shipping_end();
        let head = head.min(end);
        let outgoing = self.region.outgoing(&current, from, BATCH).await.map_err(failed)?;
        if outgoing.cut {
            return Ok(Next::Cut);
        }
        // What is still to be compared was written before, and has not been sent; nor has what lies behind an unsettled cut.
        // One that was taken out before it could make its cut is written to as before, and nobody must take it for departed.
        let cut_off = current.has_left(self.region.name());
        let goes_on = |detaching: Detaching| detaching.unsettled || (cut_off && detaching.cut.is_none());
        let complete = mark.is_none() && !current.detaching.is_some_and(goes_on);
        let watermark = Some(closed).filter(|_| complete && outgoing.next >= head);
        let settled = watermark.and_then(|_| self.settled_time(&current));
        let written_ms = outgoing.changes.iter().map(|change| change.written_ms).collect();
        let bytes = outgoing
            .changes
            .iter()
            .map(|change| change.key.len() + change.new.as_ref().map_or(0, Bytes::len));
        let (bytes, backlog) = (bytes.sum(), outgoing.next < head);
        let sent = Sent { position: outgoing.next, written_ms, bytes, backlog, end };
        let changes = changes_for(&current, to, outgoing.changes, WireRoad::Log(outgoing.next));
        let (watermark, settled) = (watermark.map(HybridTime::to_bits), settled.map(HybridTime::to_bits));
        Ok(Next::Batch(Box::new(Changes { watermark, settled, ..changes }), sent))
    }
}

/// Changes of `table` as they travel to the replica at `to`, with nothing said of others.
pub(crate) fn changes_for(table: &Table, to: &Address, changes: Vec<Change>, road: WireRoad) -> Changes {
    Changes {
        to: to.clone(),
        log: table.uuid.clone(),
        born: table.membership.born.as_ref().map(Into::into),
        changes: changes.into_iter().map(WireChange::from).collect(),
        road,
        watermark: None,
        settled: None,
    }
}
