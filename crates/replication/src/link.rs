//! Keeping a link to one Region: connect, tell settings, ship tables; when it breaks, wait a little and start over.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use graticule_model::{Error, RegionName, version::HybridTime};
use graticule_tables::{
    Table,
    schema::{Member, Register},
};
use parking_lot::Mutex;

use crate::{
    message::{Reply, Request},
    replicator::{Acknowledged, Replicator, TICK},
    session::Session,
    transport::LinkError,
};

const BACK_OFF_MS_MIN: u64 = 50;
const BACK_OFF_MS_MAX: u64 = 5_000;
/// A link that has been open for this long has worked.
const STABLE_AFTER: Duration = Duration::from_secs(10);

impl Replicator {
    /// Keeps the link to `peer` for as long as the process lives.
    pub(crate) async fn keep_link(self: Arc<Replicator>, peer: RegionName) {
        let mut failures: u32 = 0;
        loop {
            let started = self.env().monotonic();
            let error = match self.transport.connect(self.region.name(), &peer).await {
                Ok(wire) => {
                    self.update(|state| _ = state.links.insert(peer.clone(), "connected".to_owned()));
                    tracing::info!(region = %self.region.name(), %peer, "link connected");
                    self.run_session(&peer, &Session::start(self.env(), wire)).await
                }
                Err(error) => error,
            };
            self.update(|state| _ = state.links.insert(peer.clone(), format!("down: {error}")));
            // A link that breaks as soon as it is open is no better than one that does not open.
            if self.env().monotonic() >= started + STABLE_AFTER {
                failures = 0;
            }
            if failures == 0 {
                tracing::warn!(region = %self.region.name(), %peer, %error, "link down, trying again");
            }
            failures = failures.saturating_add(1);
            let bound = (BACK_OFF_MS_MIN << failures.min(10)).min(BACK_OFF_MS_MAX);
            // Jitter keeps Regions that lost each other at one moment from coming back at one moment.
            let wait_ms = bound / 2 + self.env().random_u64() % (bound / 2 + 1);
            self.env().sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    /// Works until the session breaks, and says why it did.
    async fn run_session(self: &Arc<Replicator>, peer: &RegionName, session: &Arc<Session>) -> LinkError {
        let mut catalogue = self.region.watch_catalogue();
        let shipping = Arc::new(Mutex::new(HashSet::new()));
        let broken = loop {
            catalogue.mark_unchanged();
            match self.tell_settings(peer, session, &shipping).await {
                Ok(()) => {}
                Err(error) => break error,
            }
            tokio::select! {
                biased;
                () = session.ended() => break LinkError::Broken("the connection was closed".to_owned()),
                _ = self.env().timeout(TICK, catalogue.changed()) => {}
            }
        };
        session.close();
        broken
    }

    /// Tells the peer what it does not know of the tables it shares, and starts shipping tables that it now has.
    async fn tell_settings(
        self: &Arc<Replicator>,
        peer: &RegionName,
        session: &Arc<Session>,
        shipping: &Arc<Mutex<HashSet<String>>>,
    ) -> Result<(), LinkError> {
        let tables = self.region.tables().await.map_err(|error| LinkError::Broken(error.to_string()))?;
        for table in tables {
            if !table.settings.members.contains_key(peer) {
                continue;
            }
            let Some(shared) = table.shared() else { continue };
            let key = (table.uuid.clone(), peer.clone());
            let known = self
                .state
                .lock()
                .acknowledged
                .get(&key)
                .is_some_and(|known| known.settings == table.settings);
            if !known {
                let json =
                    serde_json::to_vec(&shared).map_err(|error| LinkError::Broken(error.to_string()))?;
                match session.call(Request::Settings { shared: Bytes::from(json) }).await? {
                    Reply::SettingsMerged { known_since } => {
                        let known_since = HybridTime::from_bits(known_since);
                        let settings = table.settings.clone();
                        self.update(|state| {
                            state.acknowledged.insert(key, Acknowledged { settings, known_since });
                        });
                    }
                    Reply::Foreign => {
                        self.give_up(&table, peer).await;
                        continue;
                    }
                    Reply::Failed(reason) => {
                        tracing::warn!(region = %self.region.name(), table = %table.name, %peer, reason,
                            "the other Region did not take the settings of a table; they are told again");
                        continue;
                    }
                    other => return Err(LinkError::Broken(format!("settings were answered by {other:?}"))),
                }
            }
            if table.ships_to(peer) && shipping.lock().insert(table.uuid.clone()) {
                let (replicator, peer, session) = (Arc::clone(self), peer.clone(), Arc::clone(session));
                let shipping = Arc::clone(shipping);
                self.env().spawn("shipping", async move {
                    if let Err(error) = replicator.ship(&table, &peer, &session).await {
                        tracing::debug!(table = %table.name, %peer, %error, "shipping ended");
                        session.close();
                    }
                    // A member that was removed may become one again while this session lasts.
                    shipping.lock().remove(&table.uuid);
                });
            }
        }
        Ok(())
    }

    /// A Region that has a table of its own by that name cannot become a member.
    async fn give_up(&self, table: &Table, peer: &RegionName) {
        tracing::error!(region = %self.region.name(), table = %table.name, %peer,
            "the other Region has a table of this name that is not part of the global table; it is taken out");
        let version = self.region.clock().register_version(table.settings.version().time);
        let removed = self.region.update_settings(&table.name, |table| {
            table.settings.members.insert(peer.clone(), Register::new(version.clone(), Member::Removed));
            Ok(())
        });
        if let Err(error) = removed.await
            && error != Error::ResourceNotFound
        {
            tracing::error!(region = %self.region.name(), table = %table.name, %error, "taking a member out failed");
        }
    }
}
