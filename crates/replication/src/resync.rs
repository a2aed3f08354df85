//! Bringing a member up to date that needs more than the log: it was away for longer than the log is kept, or may have
//! missed what a member that is gone told others.
//!
//! First the log is kept for it again, so that nothing is missed from there on. Then this replica's tombstones go over,
//! and of every stretch of the key space whose digest differs, the items written here that the member lacks or has older.
//! What others wrote is theirs to tell, but for members that are expelled. The target leaves out what it has seen before
//! and forgotten the delete of. The other direction is the member's own business. Interrupted at any point, it starts over.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesOrdered};
use graticule_model::{Error, RegionName, Version};
use graticule_tables::{Change, Table, schema::TableStatus};

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
        let acknowledged = {
            let state = self.state.lock();
            let known = state.acknowledged.get(&(table.uuid.clone(), peer.clone()));
            known.is_some_and(|known| known.settings == table.settings)
        };
        if !acknowledged {
            return Err(failed("the member does not know the settings yet"));
        }
        let Some(mark) = table.membership.resync.get(peer) else { return Ok(0) };
        // A replica on its way out hears of nothing any more.
        let leaving = table.status == TableStatus::Deleting || table.has_left(self.region.name());
        let mut sent = 0;
        if mark.missing {
            self.region.keep_log_again(table, peer).await.map_err(failed)?;
            sent += self.send_tombstones(table, &session.0, &to).await?;
            // What others wrote is theirs to tell: here it may have been deleted since, without this Region's having heard.
            // But who is gone has told a replica that is on its way out for the last time.
            let ours = |version: &Version| {
                *version.region == *self.region.name().as_str() || (leaving && table.is_orphan(version))
            };
            sent += self.send_differing(table, &session.0, &to, ours).await?;
            self.region.mark_complete(table, peer).await.map_err(failed)?;
        }
        // Whoever hears of nothing any more cannot know what has become of them.
        if mark.orphans && !leaving {
            // Nobody else tells what was written by a Region that is no member: so what has become of it must be known.
            let now = self.region.clock().closed();
            if !self.wait_settled(table, now).await {
                return Err(failed("this Region still waits for what others wrote"));
            }
            sent += self.send_tombstones(table, &session.0, &to).await?;
            let orphan = |version: &Version| table.is_orphan(version);
            sent += self.send_differing(table, &session.0, &to, orphan).await?;
        }
        if mark.orphans {
            self.region.mark_without_orphans(table, peer).await.map_err(failed)?;
        }
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
            let changes = changes_for(table, to, changes, WireRoad::Resync, None);
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
        let changes = changes_for(table, to, changes, road, None);
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
