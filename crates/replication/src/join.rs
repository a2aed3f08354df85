//! Filling a new replica, in the Region that was asked to add it.
//!
//! By now every change that is logged anywhere after its Region knew of the new member is on its way there. What is older
//! is here, once every other member has sent its watermark past the moment when it knew; then a snapshot of this replica
//! completes the new one. Interrupted at any point, the join starts over: nothing of it is harmful twice.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesOrdered};
use graticule_model::{RegionName, TableName};
use graticule_tables::{
    Table,
    schema::{Member, Register},
};

use crate::{
    message::{Address, Request, WireRoad},
    replicator::{Replicator, Shared, TICK},
    resync::check_applied,
    session::Session,
    ship::{BATCH, WINDOW, changes_for, failed},
    transport::LinkError,
};

const RETRY: Duration = Duration::from_millis(500);

impl Replicator {
    /// Fills the new member until it is active, or is a member no more.
    pub(crate) async fn join(&self, name: &TableName, shared: &Shared) {
        let (_, peer) = shared;
        while let Some((table, joining)) = self.joining(name, shared).await {
            tokio::select! {
                biased;
                outcome = self.try_join(&table, peer, &joining) => match outcome {
                    Ok(items) => {
                        tracing::info!(region = %self.region.name(), table = %name, %peer, items, "a replica is complete");
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(region = %self.region.name(), table = %name, %peer, %error,
                            "filling a replica was interrupted and starts over");
                        self.env().sleep(RETRY).await;
                    }
                },
                // Taken out, and perhaps added once more: what was waited for will never come.
                () = self.no_longer(name, shared, &joining) => {}
            }
        }
    }

    /// The table and the membership to fill, if that is still wanted.
    async fn joining(
        &self,
        name: &TableName,
        (uuid, peer): &Shared,
    ) -> Option<(Arc<Table>, Register<Member>)> {
        let table = self.region.table(name).await.ok().filter(|table| table.uuid == *uuid)?;
        let source = Member::Joining { source: self.region.name().clone() };
        let register = table.settings.members.get(peer).filter(|register| register.value == source)?.clone();
        Some((table, register))
    }

    async fn no_longer(&self, name: &TableName, shared: &Shared, joining: &Register<Member>) {
        let mut catalogue = self.region.watch_catalogue();
        loop {
            catalogue.mark_unchanged();
            if self.joining(name, shared).await.is_none_or(|(_, register)| register != *joining) {
                return;
            }
            let _ = self.env().timeout(TICK, catalogue.changed()).await;
        }
    }

    async fn try_join(
        &self,
        table: &Table,
        peer: &RegionName,
        joining: &Register<Member>,
    ) -> Result<u64, LinkError> {
        self.wait_for_members(table, peer, joining).await?;
        // A session of its own: the snapshot must not stand in the way of fresh changes.
        let (session, to) = self.session_with(table, peer).await?;
        let items = self.send_snapshot(table, peer, &session.0, &to).await?;
        drop(session);
        let head = self.region.log_bounds(table).await.map_err(failed)?.next;
        let shared = (table.uuid.clone(), peer.clone());
        self.wait_until(|state| state.shipped.get(&shared).is_some_and(|position| *position >= head)).await;
        let activate = |table: &mut Table| {
            // Somebody may have taken it out meanwhile.
            if let Some(register) = table.settings.members.get_mut(peer)
                && *register == *joining
            {
                *register = joining.completed();
            }
            Ok(())
        };
        self.region.update_settings(&table.name, activate).await.map_err(failed)?;
        Ok(items)
    }

    /// Waits until the new member and all others know of the membership, and everything that others wrote without
    /// knowing is here.
    async fn wait_for_members(
        &self,
        table: &Table,
        peer: &RegionName,
        joining: &Register<Member>,
    ) -> Result<(), LinkError> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            // Members may come while this waits, and may write without knowing of the new one.
            let table = self.region.table(&table.name).await.map_err(failed)?;
            let ready = {
                let state = self.state.lock();
                table.peers(self.region.name()).all(|(member, _)| {
                    let key = (table.uuid.clone(), member.clone());
                    let Some(known) = state.acknowledged.get(&key) else { return false };
                    known.settings.members.get(peer) == Some(joining)
                        && (member == peer
                            || state.watermarks.get(&key).is_some_and(|time| *time > known.known_since))
                })
            };
            if ready {
                return Ok(());
            }
            let _ = self.env().timeout(TICK, changed.changed()).await;
        }
    }

    async fn send_snapshot(
        &self,
        table: &Table,
        peer: &RegionName,
        session: &Session,
        to: &Address,
    ) -> Result<u64, LinkError> {
        // Nothing more is forgotten while the new member is being filled.
        let forgotten = self.region.forgotten_time(table).await.map_err(failed)?;
        let road = WireRoad::Snapshot(forgotten.to_bits());
        // There may be no item at all.
        self.push(table, session, to, Vec::new(), road).await?;
        let mut after: Option<Vec<u8>> = None;
        let mut items = 0;
        let (total, _) = self.region.counts(table, None).await.map_err(failed)?;
        let mut on_their_way = FuturesOrdered::new();
        loop {
            let page = self.region.snapshot_changes(table, after.as_deref(), BATCH).await.map_err(failed)?;
            let (changes, last) = page;
            let Some(last) = last else { break };
            items += changes.len() as u64;
            after = Some(last);
            let changes = changes_for(table, to, changes, road);
            on_their_way.push_back(session.send(Request::Changes(changes)).await?);
            // The last percent is the log that has grown meanwhile.
            let percent = (items * 100 / total.max(items).max(1)).min(99) as u8;
            let shared = (table.uuid.clone(), peer.clone());
            self.update(|state| _ = state.join_percent.insert(shared, percent));
            if on_their_way.len() >= WINDOW
                && let Some(reply) = on_their_way.next().await
            {
                check_applied(reply?)?;
            }
        }
        while let Some(reply) = on_their_way.next().await {
            check_applied(reply?)?;
        }
        Ok(items)
    }
}
