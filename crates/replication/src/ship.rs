//! Shipping one table to one Region: what clients wrote here, in batches, several on their way at once.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesOrdered};
use graticule_model::{Error, RegionName};
use graticule_tables::{PageLimit, Table, schema::TableStatus};

use tokio::sync::watch;

use crate::{
    message::{Reply, Request, WireChange},
    replicator::Replicator,
    session::Session,
    transport::LinkError,
};

/// Batches of one table on their way at once.
pub(crate) const WINDOW: usize = 4;
/// What one batch may hold.
const BATCH: PageLimit = PageLimit { entries: 1024, bytes: 1024 * 1024 };
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
        // The peer's own word may be newer than what was saved here; then it is saved with the next answer.
        let mut saved = self.region.sent_cursor(table, peer).await.map_err(failed)?;
        let mut next = self.start_position(table, session).await?.max(saved);
        self.update(|state| _ = state.shipped.insert(shared.clone(), next));
        let mut saved_at = self.env().monotonic();
        let mut log = self.region.watch_log(table);
        let mut on_their_way = FuturesOrdered::new();
        loop {
            let room = on_their_way.len() < WINDOW;
            tokio::select! {
                biased;
                Some(applied) = on_their_way.next(), if !on_their_way.is_empty() => {
                    let applied: Result<(u64, Outcome), LinkError> = applied;
                    let (acknowledged, outcome) = applied?;
                    match outcome {
                        Outcome::Taken => {}
                        // A replica that has left need not wait for others that have left as well.
                        Outcome::Foreign if self.is_leaving(table).await? => {}
                        Outcome::Foreign => {
                            // There is no replica, or not yet: tell the settings once more and start over.
                            self.update(|state| _ = state.acknowledged.remove(&shared));
                            return Ok(());
                        }
                        Outcome::Failed(reason) => {
                            tracing::warn!(region = %self.region.name(), table = %table.name, %peer, reason,
                                "the other Region could not apply changes; they are shipped again");
                            return Ok(());
                        }
                    }
                    self.update(|state| _ = state.shipped.insert(shared.clone(), acknowledged));
                    if acknowledged > saved && self.env().monotonic() >= saved_at + SAVE_EVERY {
                        self.region.save_sent_cursor(table, peer, acknowledged).await.map_err(failed)?;
                        (saved, saved_at) = (acknowledged, self.env().monotonic());
                    }
                }
                () = session.ended() => return Err(failed("the connection was closed")),
                () = self.wait_for_growth(&mut log, next), if room => {
                    if !self.still_wanted(table, peer).await? {
                        return Ok(());
                    }
                    let request = self.batch(table, next).await?;
                    let Request::Changes { position: Some(position), .. } = request else {
                        unreachable!("batches of the log carry a position")
                    };
                    next = position;
                    let reply = session.send(request).await?;
                    on_their_way.push_back(async move {
                        match reply.await? {
                            Reply::Applied => Ok((position, Outcome::Taken)),
                            Reply::Foreign => Ok((position, Outcome::Foreign)),
                            Reply::Failed(reason) => Ok((position, Outcome::Failed(reason))),
                            other => Err(failed(format!("changes were answered by {other:?}"))),
                        }
                    });
                }
            }
        }
    }

    /// Waits until there is something to ship, or it is time for a watermark.
    async fn wait_for_growth(&self, log: &mut watch::Receiver<u64>, next: u64) {
        let grown = async { drop(log.wait_for(|head| *head > next).await) };
        self.env().timeout(HEARTBEAT, grown).await;
    }

    /// How far the peer has applied the log.
    async fn start_position(&self, table: &Table, session: &Session) -> Result<u64, LinkError> {
        let question = Request::Position { table: table.name.to_string(), log: table.uuid.clone() };
        match session.call(question).await? {
            Reply::Position(applied) => Ok(applied.unwrap_or(0)),
            other => Err(failed(format!("a position was answered by {other:?}"))),
        }
    }

    /// Whether the peer is still to get this table's changes.
    async fn still_wanted(&self, table: &Table, peer: &RegionName) -> Result<bool, LinkError> {
        match self.region.table(&table.name).await {
            Ok(current) => {
                let member = current.settings.members.get(peer).map(|register| &register.value);
                let gone = current.uuid != table.uuid || member.is_none() || !current.ships_to(peer);
                if gone && current.status != TableStatus::Deleting {
                    self.update(|state| {
                        state.shipped.remove(&(table.uuid.clone(), peer.clone()));
                    });
                }
                Ok(!gone)
            }
            Err(Error::ResourceNotFound) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether this replica is on its way out: it need not wait for others that have left as well.
    async fn is_leaving(&self, table: &Table) -> Result<bool, LinkError> {
        match self.region.table(&table.name).await {
            Ok(current) => Ok(current.uuid == table.uuid && current.status == TableStatus::Deleting),
            Err(Error::ResourceNotFound) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// The next batch, with a watermark if it reaches the end of the log.
    async fn batch(&self, table: &Table, from: u64) -> Result<Request, LinkError> {
        // First the promise, then the head: every write with an older version is in the log by now, below the head.
        let closed = self.region.clock().closed();
        let head = self.region.log_bounds(table).await.map_err(failed)?.next;
        let outgoing = self.region.outgoing(table, from, BATCH).await.map_err(failed)?;
        Ok(Request::Changes {
            table: table.name.to_string(),
            group: table.group.clone().unwrap_or_default(),
            log: table.uuid.clone(),
            changes: outgoing.changes.into_iter().map(WireChange::from).collect(),
            position: Some(outgoing.next),
            watermark: (outgoing.next >= head).then_some(closed.to_bits()),
        })
    }
}
