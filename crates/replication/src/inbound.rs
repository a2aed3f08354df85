//! The target's end of a link: what arrives is applied, table by table, in order.

use std::{collections::HashMap, sync::Arc, time::Duration};

use graticule_model::{Error, RegionName, TableName, version::HybridTime};
use graticule_tables::{Change, Merged, Origin, SharedTable};
use tokio::sync::mpsc;

use crate::{
    frames::FrameSender,
    message::{Body, Frame, Reply, Request, WireChange, WireTable},
    replicator::Replicator,
    ship::WINDOW,
    transport::Wire,
};

/// Requests that wait for one table of a link: as many as a source has on their way, so that a table that is held back
/// stands in nobody else's way.
const TABLE_QUEUE: usize = WINDOW;

impl Replicator {
    /// Serves one connection of the Region `peer` until it ends.
    pub async fn serve(self: Arc<Replicator>, peer: RegionName, mut wire: Wire) {
        let mut workers: HashMap<String, mpsc::Sender<(u64, Request)>> = HashMap::new();
        while let Some(frame) = wire.receiver.recv().await {
            let Frame { id, body: Body::Request(request) } = frame else { return };
            let lane = match &request {
                Request::Changes { table, .. } | Request::Position { table, .. } => table.clone(),
                // Everything else is about the catalogue and rare.
                _ => String::new(),
            };
            let worker = workers
                .entry(lane)
                .or_insert_with_key(|lane| self.start_worker(&peer, wire.sender.for_table(lane)));
            if worker.send((id, request)).await.is_err() {
                return;
            }
        }
    }

    fn start_worker(
        self: &Arc<Replicator>,
        peer: &RegionName,
        replies: FrameSender,
    ) -> mpsc::Sender<(u64, Request)> {
        let (queue, mut requests) = mpsc::channel::<(u64, Request)>(TABLE_QUEUE);
        let (replicator, peer) = (Arc::clone(self), peer.clone());
        self.env().spawn("apply", async move {
            // After a batch that was not applied, none may be that was sent behind it: the cursor would pass what is
            // missing. The source starts over by asking for the position.
            let mut refused = false;
            while let Some((id, request)) = requests.recv().await {
                let changes = matches!(request, Request::Changes { .. });
                refused &= changes;
                let reply = if refused {
                    Reply::Foreign
                } else {
                    replicator
                        .answer(&peer, request)
                        .await
                        .unwrap_or_else(|error| Reply::Failed(error.to_string()))
                };
                refused = changes && reply != Reply::Applied;
                if replies.send(Frame { id, body: Body::Reply(reply) }).await.is_err() {
                    return;
                }
            }
        });
        queue
    }

    async fn answer(&self, peer: &RegionName, request: Request) -> Result<Reply, Error> {
        match request {
            Request::Table { table } => match self.region.table(&table.parse()?).await {
                Ok(table) => {
                    Ok(Reply::Table(Some(WireTable { deletion_protection: table.deletion_protection })))
                }
                Err(Error::ResourceNotFound) => Ok(Reply::Table(None)),
                Err(error) => Err(error),
            },
            Request::Settings { shared } => {
                let shared: SharedTable = serde_json::from_slice(&shared)
                    .map_err(|error| Error::Internal(format!("unreadable settings: {error}")))?;
                Ok(match self.region.merge_settings(&shared).await? {
                    Merged::Done(known_since) => Reply::SettingsMerged { known_since: known_since.to_bits() },
                    Merged::Foreign => Reply::Foreign,
                    Merged::Leaving => Reply::Failed("the former replica is still leaving".to_owned()),
                })
            }
            Request::Position { table, log } => match self.region.table(&table.parse()?).await {
                Ok(table) => Ok(Reply::Position(self.region.received_cursor(&table, peer, &log).await?)),
                Err(Error::ResourceNotFound) => Ok(Reply::Position(None)),
                Err(error) => Err(error),
            },
            Request::Changes { table, group, log, changes, position, watermark } => {
                let origin = Origin { region: peer, log: &log, position };
                self.take(&table.parse()?, &group, &origin, changes, watermark).await
            }
        }
    }

    async fn take(
        &self,
        name: &TableName,
        group: &str,
        origin: &Origin<'_>,
        changes: Vec<WireChange>,
        watermark: Option<u64>,
    ) -> Result<Reply, Error> {
        let table = match self.region.table(name).await {
            Err(Error::ResourceNotFound) => return Ok(Reply::Foreign),
            table => table?,
        };
        if !table.takes_changes(self.region.name()) || table.group.as_deref() != Some(group) {
            return Ok(Reply::Foreign);
        }
        if !changes.is_empty() {
            self.hold_back(name, origin.region, &changes).await;
            match self.region.apply(&table, origin, changes.into_iter().map(Change::from).collect()).await {
                Ok(()) => {}
                Err(Error::ResourceNotFound) => return Ok(Reply::Foreign),
                Err(error) => return Err(error),
            }
        }
        if let Some(watermark) = watermark {
            let watermark = HybridTime::from_bits(watermark);
            self.update(|state| {
                let known = state.watermarks.entry((table.uuid.clone(), origin.region.clone())).or_default();
                *known = watermark.max(*known);
            });
            self.settle_tombstones(&table);
        }
        Ok(Reply::Applied)
    }

    /// Waits while a change is further in the future than clocks can differ, and raises the alarm.
    async fn hold_back(&self, name: &TableName, peer: &RegionName, changes: &[WireChange]) {
        let latest =
            changes.iter().map(|change| HybridTime::from_bits(change.time).unix_ms()).max().unwrap_or(0);
        let mut alarmed = false;
        loop {
            let ahead_ms = latest.saturating_sub(self.env().unix_ms());
            if ahead_ms <= self.policy.clock_ahead_ms_max {
                return;
            }
            if !alarmed {
                tracing::error!(region = %self.region.name(), table = %name, %peer, ahead_ms,
                    "changes from a clock that is too far ahead are held back; check the clocks of both Regions");
                alarmed = true;
            }
            self.env()
                .sleep(Duration::from_millis((ahead_ms - self.policy.clock_ahead_ms_max).min(1000)))
                .await;
        }
    }
}
