//! What replication of one Region is doing, for people and their metrics: links, and per table and peer what was sent,
//! acknowledged and promised, how long it took, and what keeps log and tombstones alive.
//!
//! Reads what the [`Replicator`] knows and changes nothing. Costs a few point reads and one small sample of the log per
//! table and peer, so it is for now and then. How it is shown is decided above.

use graticule_model::{Error, RegionName, version::HybridTime};
use graticule_tables::{
    Table,
    schema::{Member, TableStatus},
};
use serde::{Deserialize, Serialize};

use crate::{
    latency::{LatencyHistogram, RecentLatency},
    replicator::Replicator,
    verify::Verified,
};

/// A member whose promises are no older than this keeps no tombstones: they stay that long anyway.
const WATERMARK_AGE_MS_FINE: u64 = 10_000;

/// What a link is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// It has not been open yet.
    Connecting,
    /// It is open.
    Connected,
    /// It is not, for this reason; it is tried again.
    Down(String),
}

/// What the Replicator remembers of a link.
#[derive(Debug)]
pub(crate) struct Link {
    state: LinkState,
    since_ms: u64,
    connects: u64,
}

impl Link {
    /// A link that has still to be opened.
    pub(crate) fn new(now_ms: u64) -> Link {
        Link { state: LinkState::Connecting, since_ms: now_ms, connects: 0 }
    }

    fn change(&mut self, state: LinkState, now_ms: u64) {
        // Down for another reason is still down since then.
        if std::mem::discriminant(&self.state) != std::mem::discriminant(&state) {
            self.since_ms = now_ms;
        }
        self.connects += u64::from(state == LinkState::Connected);
        self.state = state;
    }
}

/// Replication of one Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RegionStatus {
    /// The Region.
    pub region: String,
    /// Its links to other Regions, by name.
    pub links: Vec<LinkStatus>,
    /// Its replicas of global tables, by name.
    pub tables: Vec<ReplicaStatus>,
}

/// One link to another Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LinkStatus {
    /// The other Region.
    pub region: String,
    /// `CONNECTING`, `CONNECTED` or `DOWN`.
    pub state: String,
    /// Why it is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the other Region is reached; absent within one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the transport says of the way there: certificate, traffic; absent within one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<serde_json::Value>,
    /// Since when it is in this state, in milliseconds since the epoch.
    pub since_ms: u64,
    /// How often it was opened since the process began.
    pub connects: u64,
}

/// One replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicaStatus {
    /// The table's name.
    pub table_name: String,
    /// The TableId of the replica in this Region.
    pub table_id: String,
    /// Its status, as DescribeTable has it.
    pub status: String,
    /// How many changes from elsewhere have lost against a later write of this Region, ever.
    pub conflicts_counted: u64,
    /// How many of those the journal had no room for any more.
    pub conflicts_forgotten: u64,
    /// Marks of deletes that are kept; counted up to a bound.
    pub tombstones_held: u64,
    /// The member whose watermark keeps them; absent if only their age does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstones_kept_for: Option<String>,
    /// Position of the oldest entry of the log.
    pub log_first: u64,
    /// Position that the next change gets.
    pub log_next: u64,
    /// What keeps the oldest entry: a Region that has not acknowledged it, or `STREAM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_kept_for: Option<String>,
    /// The other members, by name.
    pub peers: Vec<PeerStatus>,
}

/// One other member of a global table, as this replica sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PeerStatus {
    /// The member's Region.
    pub region: String,
    /// `ACTIVE`, `CREATING`, or `DELETING` for one that was taken out and may still have writes that nobody else has.
    pub member_status: String,
    /// How far filling it from here has come, in percent; absent if it is not filled from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_percent: Option<u8>,
    /// Since when it needs to be compared, because it was away for longer than the log is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resync_since_ms: Option<u64>,
    /// Log positions between what the peer has acknowledged and the head of this replica's log. Those of changes that
    /// came from elsewhere count, until they are skipped.
    pub pending_changes: u64,
    /// About how many bytes of log those are.
    pub pending_bytes: u64,
    /// Up to here the log was sent to the peer, in this life of the process.
    pub sent_position: u64,
    /// Up to here the peer has acknowledged it.
    pub acknowledged_position: u64,
    /// How long ago the peer promised to send nothing older; absent if it has not since the process began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark_age_ms: Option<u64>,
    /// Keys in which the replicas differed for good when they were last compared, and were not brought in line; absent
    /// while they have not been compared from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differing_keys: Option<u64>,
    /// When that was, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_ms: Option<u64>,
    /// `ReplicationLatency` towards the peer over the last minute; absent if nothing moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_latency: Option<RecentLatency>,
    /// The same since the process began.
    #[serde(skip)]
    pub latencies: LatencyHistogram,
}

fn member_status(member: &Member) -> &'static str {
    match member {
        Member::Active => "ACTIVE",
        Member::Joining { .. } => "CREATING",
        Member::Removed | Member::Expelled => "DELETING",
    }
}

fn table_status(status: TableStatus) -> &'static str {
    match status {
        TableStatus::Creating => "CREATING",
        TableStatus::Active => "ACTIVE",
        TableStatus::Deleting => "DELETING",
    }
}

impl Replicator {
    /// Notes what a link is doing and tells those who wait for it.
    pub(crate) fn link_changed(&self, peer: &RegionName, to: LinkState) {
        let now_ms = self.env().unix_ms();
        self.update(|state| {
            state.links.entry(peer.clone()).or_insert_with(|| Link::new(now_ms)).change(to, now_ms);
        });
    }

    /// What replication is doing.
    ///
    /// # Errors
    /// If the tables cannot be read.
    pub async fn status(&self) -> Result<RegionStatus, Error> {
        let mut tables = Vec::new();
        for table in self.region.tables().await? {
            let here = self.region.name();
            if table.peers(here).next().is_some() || table.awaited(here).next().is_some() {
                tables.push(self.replica_status(&table).await?);
            }
        }
        tables.sort_by(|a, b| a.table_name.cmp(&b.table_name));
        Ok(RegionStatus { region: self.region.name().to_string(), links: self.link_statuses(), tables })
    }

    fn link_statuses(&self) -> Vec<LinkStatus> {
        let state = self.state.lock();
        let status = |(peer, link): (&RegionName, &Link)| {
            let (word, reason) = match &link.state {
                LinkState::Connecting => ("CONNECTING", None),
                LinkState::Connected => ("CONNECTED", None),
                LinkState::Down(reason) => ("DOWN", Some(reason.clone())),
            };
            LinkStatus {
                region: peer.to_string(),
                state: word.to_owned(),
                reason,
                address: self.transport.address(peer),
                connection: self.transport.status(self.region.name(), peer),
                since_ms: link.since_ms,
                connects: link.connects,
            }
        };
        state.links.iter().map(status).collect()
    }

    async fn replica_status(&self, table: &Table) -> Result<ReplicaStatus, Error> {
        let log = self.region.log_bounds(table).await?;
        let stream_from = self.region.stream_retention(table).await?;
        let mut log_kept = (stream_from < log.next).then(|| (stream_from, "STREAM".to_owned()));
        let mut watermarks = Vec::new();
        let mut peers = Vec::new();
        for (peer, member) in table.peers(self.region.name()) {
            let shared = (table.uuid.clone(), peer.clone());
            let joining = matches!(member, Member::Joining { .. });
            let saved = self.region.sent_cursor(table, peer).await?.floor(joining);
            let (shipped, watermark, settled, join_percent) = {
                let state = self.state.lock();
                let join_percent = state.join_percent.get(&shared).copied();
                let (watermark, settled) = (state.watermarks.get(&shared), state.settled.get(&shared));
                (state.shipped.get(&shared).copied(), watermark.copied(), settled.copied(), join_percent)
            };
            let resync = table.membership.resync.get(peer);
            // Trimming goes by what is saved.
            let kept_for_it = saved < log.next && resync.is_none_or(|resync| !resync.log_cut);
            if kept_for_it && log_kept.as_ref().is_none_or(|(position, _)| saved < *position) {
                log_kept = Some((saved, peer.to_string()));
            }
            let promised = watermark.min(settled).unwrap_or_default();
            watermarks.push((promised, peer));
            let acknowledged = shipped.unwrap_or(saved);
            let pending = self.region.pending(table, acknowledged).await?;
            let verified = self.state.lock().verified.get(&shared).cloned();
            let (sent, latencies, recent) = self.telemetry.of(&shared, self.env().monotonic());
            peers.push(PeerStatus {
                region: peer.to_string(),
                member_status: member_status(member).to_owned(),
                join_percent,
                resync_since_ms: resync.map(|resync| resync.since_ms),
                pending_changes: pending.changes,
                pending_bytes: pending.bytes,
                sent_position: sent.unwrap_or(acknowledged).max(acknowledged),
                acknowledged_position: acknowledged,
                watermark_age_ms: watermark.map(|time| self.env().unix_ms().saturating_sub(time.unix_ms())),
                differing_keys: verified.as_ref().map(Verified::left),
                verified_ms: verified.map(|verified| verified.at_ms),
                replication_latency: recent,
                latencies,
            });
        }
        for (member, _) in table.awaited(self.region.name()) {
            let shared = (table.uuid.clone(), member.clone());
            let watermark = self.state.lock().watermarks.get(&shared).copied();
            watermarks.push((watermark.unwrap_or(HybridTime::ZERO), member));
            peers.push(self.awaited_status(member, watermark));
        }
        let tombstones_held = self.region.tombstones_held(table).await?;
        let aged = HybridTime::from_unix_ms(self.env().unix_ms().saturating_sub(WATERMARK_AGE_MS_FINE));
        let keeper = watermarks.into_iter().min().filter(|(time, _)| tombstones_held > 0 && *time < aged);
        let (conflicts_counted, conflicts_forgotten) = self.region.conflict_counts(table).await?;
        Ok(ReplicaStatus {
            table_name: table.name.to_string(),
            table_id: table.uuid.clone(),
            status: table_status(table.status).to_owned(),
            conflicts_counted,
            conflicts_forgotten,
            tombstones_held,
            tombstones_kept_for: keeper.map(|(_, peer)| peer.to_string()),
            log_first: log.first,
            log_next: log.next,
            log_kept_for: log_kept.map(|(_, keeper)| keeper),
            peers,
        })
    }

    /// A member that was taken out and is waited for: nothing is sent to it.
    fn awaited_status(&self, member: &RegionName, watermark: Option<HybridTime>) -> PeerStatus {
        PeerStatus {
            region: member.to_string(),
            member_status: member_status(&Member::Removed).to_owned(),
            join_percent: None,
            resync_since_ms: None,
            pending_changes: 0,
            pending_bytes: 0,
            sent_position: 0,
            acknowledged_position: 0,
            watermark_age_ms: watermark.map(|time| self.env().unix_ms().saturating_sub(time.unix_ms())),
            differing_keys: None,
            verified_ms: None,
            replication_latency: None,
            latencies: LatencyHistogram::default(),
        }
    }
}
