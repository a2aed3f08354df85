//! Bringing a member up to date that needs more than the log: it was away for longer than the log is kept, may have missed
//! what a member that is gone told others, or became a member while nobody waited for what is here.
//!
//! First the log is kept for it again, so that nothing is missed from there on. Then this replica's tombstones go over,
//! and of every stretch of the key space whose digest differs, the items that the member lacks or has older: first those
//! written here, then what others wrote and have not brought themselves meanwhile. It may have overtaken here what the
//! member was to get, and whoever wrote it may never come to tell. The member leaves out what it has had before and
//! forgotten the delete of. The other direction is its own business. Interrupted at any point, it starts over.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesOrdered};
use graticule_model::{Error, RegionName, Version};
use graticule_tables::{Change, Table};

use crate::{
    compare::{Comparison, Found},
    message::{Address, Reply, Request, WireRoad},
    replicator::Replicator,
    session::Session,
    ship::{BATCH, WINDOW, changes_for, failed},
    transport::LinkError,
};

const RETRY: Duration = Duration::from_millis(500);

impl Replicator {
    /// Brings `peer` up to date until it is, or is a member no more.
    pub(crate) async fn resync(&self, table: &Arc<Table>, peer: &RegionName) {
        loop {
            let current = match self.region.table(&table.name).await {
                Ok(current) if current.uuid == table.uuid => current,
                _ => return,
            };
            if !current.membership.resync.contains_key(peer) {
                return;
            }
            match self.try_resync(&current, peer).await {
                Ok(sent) => {
                    tracing::info!(region = %self.region.name(), table = %table.name, %peer, sent,
                        "a member was compared and has everything again");
                }
                Err(error) => {
                    tracing::debug!(region = %self.region.name(), table = %table.name, %peer, %error,
                        "a member cannot be compared yet");
                    self.env().sleep(RETRY).await;
                }
            }
        }
    }

    async fn try_resync(&self, table: &Table, peer: &RegionName) -> Result<u64, LinkError> {
        let (session, to) = self.session_with(table, peer).await?;
        if self.state.lock().knowing(table, peer).is_none() {
            return Err(failed("the member does not know the settings yet"));
        }
        let Some(mark) = table.membership.resync.get(peer) else { return Ok(0) };
        self.region.keep_log_again(table, peer).await.map_err(failed)?;
        let mut sent = self.send_tombstones(table, &session.0, &to).await?;
        let ours = |version: &Version| *version.region == *self.region.name().as_str();
        sent += self.send_differing(table, &session.0, &to, ours).await?;
        sent += self.send_differing(table, &session.0, &to, |_| true).await?;
        self.region.mark_complete(table, peer, mark).await.map_err(failed)?;
        Ok(sent)
    }

    /// Compares, and sends the items that the member lacks or has older, of those whose version `wanted` tells.
    async fn send_differing(
        &self,
        table: &Table,
        session: &Session,
        to: &Address,
        wanted: impl Fn(&Version) -> bool,
    ) -> Result<u64, LinkError> {
        let mut sent = 0;
        let mut comparison = Comparison::new(table, session, to);
        while let Some(found) = comparison.next(self).await? {
            let keys: Vec<Vec<u8>> = found
                .iter()
                .filter(|found| found.is_ours() && found.version().is_some_and(&wanted))
                .map(Found::key)
                .collect();
            let mut keys = &keys[..];
            while !keys.is_empty() {
                let found = self.region.changes_of_keys(table, keys, BATCH).await;
                let (changes, answered) = found.map_err(failed)?;
                keys = &keys[answered..];
                // Since the comparison others may have written them.
                let changes: Vec<Change> = changes
                    .into_iter()
                    .filter(|change| change.new.is_none() || wanted(&change.version))
                    .collect();
                sent += changes.len() as u64;
                self.push(table, session, to, changes, WireRoad::Resync).await?;
            }
        }
        Ok(sent)
    }

    /// Sends every tombstone that is kept here: items that the member has not seen yet may still come to it.
    async fn send_tombstones(
        &self,
        table: &Table,
        session: &Session,
        to: &Address,
    ) -> Result<u64, LinkError> {
        let (mut after, mut sent) = (None, 0);
        let mut on_their_way = FuturesOrdered::new();
        loop {
            let page = self.region.tombstone_changes(table, after.as_deref()).await;
            let (changes, last) = page.map_err(failed)?;
            let Some(last) = last else { break };
            after = Some(last);
            sent += changes.len() as u64;
            let changes = changes_for(table, to, changes, WireRoad::Resync);
            on_their_way.push_back(session.send(Request::Changes(changes)).await?);
            if on_their_way.len() >= WINDOW
                && let Some(reply) = on_their_way.next().await
            {
                check_applied(reply?)?;
            }
        }
        while let Some(reply) = on_their_way.next().await {
            check_applied(reply?)?;
        }
        Ok(sent)
    }

    /// Sends items and tombstones outside of the log.
    pub(crate) async fn push(
        &self,
        table: &Table,
        session: &Session,
        to: &Address,
        changes: Vec<Change>,
        road: WireRoad,
    ) -> Result<(), LinkError> {
        let changes = changes_for(table, to, changes, road);
        check_applied(session.call(Request::Changes(changes)).await?)
    }
}

/// Fails unless changes were applied.
pub(crate) fn check_applied(reply: Reply) -> Result<(), LinkError> {
    match reply {
        Reply::Applied => Ok(()),
        other => Err(failed(format!("changes were answered by {other:?}"))),
    }
}

/// What a caller outside is told of a link that does not work.
pub(crate) fn unreachable_member(peer: &RegionName, error: &LinkError) -> Error {
    Error::Validation(format!("{peer} cannot be compared just now: {error}"))
}
