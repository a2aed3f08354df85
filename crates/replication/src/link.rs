//! Keeping a link to one Region: connect, tell settings, ship tables; when it breaks, wait a little and start over.

use std::{collections::HashSet, sync::Arc, time::Duration};

use graticule_model::{Error, RegionName, version::HybridTime};
use graticule_tables::Table;
use parking_lot::Mutex;

use crate::{
    message::{Reply, Request, settings_from_json, settings_to_json},
    replicator::{Acknowledged, Replicator, Shared, TICK},
    session::Session,
    ship::failed,
    status::LinkState,
    transport::LinkError,
};

const BACK_OFF_MS_MIN: u64 = 50;
const BACK_OFF_MS_MAX: u64 = 5_000;
/// A link that has been open for this long has worked.
const STABLE_AFTER: Duration = Duration::from_secs(10);

impl Replicator {
    /// Keeps the link to `peer` for as long as a table has something to say to it.
    pub(crate) async fn keep_link(self: Arc<Replicator>, peer: RegionName) {
        let mut failures: u32 = 0;
        while self.is_link_wanted(&peer).await {
            let started = self.env().monotonic();
            let error = match self.transport.connect(self.region.name(), &peer).await {
                Ok(wire) => {
                    self.link_changed(&peer, LinkState::Connected);
                    tracing::info!(region = %self.region.name(), %peer, "link connected");
                    self.run_session(&peer, &Session::start(self.env(), wire)).await
                }
                Err(error) => error,
            };
            self.link_changed(&peer, LinkState::Down(error.to_string()));
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
            let _ = self.env().timeout(Duration::from_millis(wait_ms), self.transport.worth_retrying()).await;
        }
        self.update(|state| _ = state.links.remove(&peer));
    }

    /// Whether a table has something to say to `peer`, as far as is known.
    async fn is_link_wanted(&self, peer: &RegionName) -> bool {
        self.region.tables().await.is_ok_and(|tables| tables.iter().any(|table| table.concerns(peer)))
    }

    /// Works until the session breaks, and says why it did.
    async fn run_session(self: &Arc<Replicator>, peer: &RegionName, session: &Arc<Session>) -> LinkError {
        let mut catalogue = self.region.watch_catalogue();
        let shipping = Arc::new(Mutex::new(HashSet::new()));
        let broken = loop {
            catalogue.mark_unchanged();
            if !self.is_link_wanted(peer).await {
                break LinkError::Broken("no table is shared any more".to_owned());
            }
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
            if !table.concerns(peer) || !self.tell(&table, peer, session).await? {
                continue;
            }
            if table.ships_to(self.region.name(), peer) && shipping.lock().insert(table.uuid.clone()) {
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

    /// Tells the peer the settings of one table, if it does not know them. Gives whether it has a replica that does.
    async fn tell(&self, table: &Table, peer: &RegionName, session: &Session) -> Result<bool, LinkError> {
        let Some(shared) = table.shared() else { return Ok(false) };
        let key = (table.uuid.clone(), peer.clone());
        self.forget_former_replica(table, &key);
        let (known, shipped) = {
            let state = self.state.lock();
            let shipped = state.shipped.get(&key).copied().unwrap_or_default();
            let known = state.knowing(table, peer).is_some_and(|known| {
                // One that is on its way out is asked until it is gone. If this one is, everybody is asked once more after all
                // is handed over: whom else there is to tell.
                (known.absent || !table.has_left(peer)) && (!table.is_leaving() || known.shipped >= shipped)
            });
            (known, shipped)
        };
        if known {
            return Ok(true);
        }
        let settings = table.settings.clone();
        let absent = || Acknowledged {
            settings: settings.clone(),
            known_since: HybridTime::ZERO,
            absent: true,
            shipped: 0,
        };
        let shared = settings_to_json(&shared).map_err(failed)?;
        match session.call(Request::Settings { shared }).await? {
            Reply::SettingsMerged { known_since, more: None } => {
                let known_since = HybridTime::from_bits(known_since);
                let known = Acknowledged { settings, known_since, absent: false, shipped };
                self.note_acknowledged(key, known);
                return Ok(true);
            }
            Reply::SettingsMerged { more: Some(more), .. } => {
                // Whoever waits for the peer to know what is known here has to hear of this first. Then it is told again.
                let more = settings_from_json(&more).map_err(failed)?;
                self.region.merge_settings(&more).await.map_err(failed)?;
            }
            Reply::Absent => self.note_acknowledged(key, absent()),
            // It left to be a table of its own, or another has its name by now.
            Reply::Foreign if table.is_out(peer) => self.note_acknowledged(key, absent()),
            Reply::Foreign => self.give_up(table, peer).await,
            Reply::Failed(reason) => {
                tracing::warn!(region = %self.region.name(), table = %table.name, %peer, reason,
                    "the other Region did not take the settings of a table; they are told again");
            }
            other => return Err(failed(format!("settings were answered by {other:?}"))),
        }
        Ok(false)
    }

    /// What a former replica of the peer had says nothing of the one that takes its place.
    fn forget_former_replica(&self, table: &Table, key: &Shared) {
        let (_, peer) = key;
        let mut state = self.state.lock();
        let was = state.acknowledged.get(key).and_then(|known| known.settings.members.get(peer));
        let is = table.settings.members.get(peer).filter(|is| !is.value.is_out());
        if was.zip(is).is_some_and(|(was, is)| !is.goes_on_from(was)) {
            state.shipped.remove(key);
        }
    }

    fn note_acknowledged(&self, key: Shared, mut known: Acknowledged) {
        self.update(|state| {
            // Asked once more, it knew before.
            if let Some(before) =
                state.acknowledged.get(&key).filter(|before| before.settings == known.settings)
            {
                known.known_since = before.known_since;
            }
            state.acknowledged.insert(key, known);
        });
    }

    /// A Region that has a table of its own by that name cannot become a member.
    async fn give_up(&self, table: &Table, peer: &RegionName) {
        tracing::error!(region = %self.region.name(), table = %table.name, %peer,
            "the other Region has a table of this name that is not part of the global table; it is taken out");
        if let Err(error) = self.region.give_up(table, peer).await
            && error != Error::ResourceNotFound
        {
            tracing::error!(region = %self.region.name(), table = %table.name, %error, "taking a member out failed");
        }
    }
}
