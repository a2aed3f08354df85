//! Proving two replicas equal while they run, or naming the keys in which they differ.
//!
//! A difference counts only if neither side can still be about to hear of it: for every key that is not in the same state
//! on both sides, both wait until they have everything that any member wrote before the versions seen, and look again. What
//! then differs with no later write on either side differs for good.

use std::sync::Arc;

use graticule_model::{Error, RegionName, TableName, Version, version::HybridTime};
use graticule_tables::{KeyState, Origin, Road, Table, schema::Member};
use serde::{Deserialize, Serialize};

use crate::{
    compare::{Comparison, Found},
    message::{Address, Reply, Request, WireRoad},
    replicator::{Replicator, TICK},
    resync::unreachable_member,
    session::Session,
    ship::{BATCH, failed},
    transport::LinkError,
};

/// How often a key is looked at again that is written all the time.
const LOOKS_MAX: usize = 10;
/// Keys that differ are named up to this many.
const NAMED_MAX: usize = 1000;
/// Keys that are looked at once more together.
const AGAIN_MAX: usize = 4096;
/// In the background, a comparison rests for this many times as long as it works.
const REST: u32 = 9;

/// What a comparison of two replicas has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Verified {
    /// When it ended, in milliseconds since the epoch.
    pub at_ms: u64,
    /// How long it took.
    pub took_ms: u64,
    /// Live items of this Region that were compared.
    pub items: u64,
    /// Keys that differ for good.
    pub differing: u64,
    /// Of these, the ones that were brought in line.
    pub repaired: u64,
    /// Keys that were written whenever they were looked at.
    pub unsettled: u64,
    /// The keys that differ, up to a thousand.
    pub differences: Vec<Difference>,
}

/// A key in which two replicas differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Difference {
    /// The primary key as JSON.
    pub key: String,
    /// The version of the item in this Region; `None` if it has none.
    pub here: Option<String>,
    /// The version of the item in the other Region.
    pub there: Option<String>,
}

impl Verified {
    /// Keys that differ for good and were not brought in line.
    pub fn left(&self) -> u64 {
        self.differing.saturating_sub(self.repaired)
    }

    /// Whether the replicas are proven equal.
    pub fn is_equal(&self) -> bool {
        self.left() == 0 && self.unsettled == 0
    }
}

/// How a comparison goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// As fast as it can.
    Full,
    /// Out of the way of everything else.
    Gentle,
}

impl Replicator {
    /// Compares the replica of a table here with the one in `peer`. With `repair`, what one side lacks or has older is
    /// brought over from the other.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if there is no such table; [`Error::Validation`] if `peer` has no complete replica of
    /// it, or cannot be compared just now, with the reason.
    pub async fn verify(&self, name: &TableName, peer: &RegionName, repair: bool) -> Result<Verified, Error> {
        let table = self.region.table(name).await?;
        let member = table.peers(self.region.name()).find(|(region, _)| *region == peer);
        if member.is_none_or(|(_, member)| *member != Member::Active) {
            return Err(Error::Validation(format!("{peer} has no complete replica of the table {name}")));
        }
        let verified = self.compare(&table, peer, repair, Pace::Full).await;
        verified.map_err(|error| unreachable_member(peer, &error))
    }

    /// Whether the replica in `peer` is to be compared now: one of the two does it, every so often.
    pub(crate) fn is_verification_due(&self, table: &Table, peer: &RegionName) -> bool {
        let Some(every) = self.policy.verify_every else { return false };
        let active =
            table.settings.members.get(peer).is_some_and(|register| register.value == Member::Active);
        if !active || self.region.name() > peer || table.membership.resync.contains_key(peer) {
            return false;
        }
        let state = self.state.lock();
        let last = state.verified.get(&(table.uuid.clone(), peer.clone())).map(|verified| verified.at_ms);
        let since = last.unwrap_or(state.started_ms);
        self.env().unix_ms().saturating_sub(since) >= u64::try_from(every.as_millis()).unwrap_or(u64::MAX)
    }

    /// Compares replicas out of the way of everything else, and raises the alarm if they differ.
    pub(crate) async fn verify_in_background(&self, table: &Arc<Table>, peer: &RegionName) {
        match self.compare(table, peer, false, Pace::Gentle).await {
            Ok(verified) if verified.differing > 0 => {
                tracing::error!(region = %self.region.name(), table = %table.name, %peer,
                    differing = verified.differing, items = verified.items,
                    "replicas differ; `graticule verify --repair` names the keys and brings them in line");
            }
            Ok(verified) => {
                tracing::info!(region = %self.region.name(), table = %table.name, %peer, items = verified.items,
                    "replicas are equal");
            }
            Err(error) => {
                tracing::info!(region = %self.region.name(), table = %table.name, %peer, %error,
                    "replicas cannot be compared just now");
                self.env().sleep(TICK).await;
            }
        }
    }

    async fn compare(
        &self,
        table: &Table,
        peer: &RegionName,
        repair: bool,
        pace: Pace,
    ) -> Result<Verified, LinkError> {
        let started = self.env().monotonic();
        let (session, to) = self.session_with(table, peer).await?;
        let mut verified = Verified {
            at_ms: 0,
            took_ms: 0,
            items: 0,
            differing: 0,
            repaired: 0,
            unsettled: 0,
            differences: Vec::new(),
        };
        let mut comparison = Comparison::new(table, &session.0, &to);
        loop {
            let step = self.env().monotonic();
            let Some(found) = comparison.next(self).await? else { break };
            for found in found.chunks(AGAIN_MAX) {
                let differing =
                    self.settle(&comparison, table, &session.0, &to, found, &mut verified).await?;
                for differing in differing {
                    self.note(&comparison, table, peer, (&session.0, &to), differing, repair, &mut verified)
                        .await?;
                }
            }
            if pace == Pace::Gentle {
                self.env().sleep((self.env().monotonic() - step) * REST).await;
            }
        }
        verified.items = comparison.items;
        verified.at_ms = self.env().unix_ms();
        let took = self.env().monotonic() - started;
        verified.took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.update(|state| {
            state.verified.insert((table.uuid.clone(), peer.clone()), verified.clone());
        });
        Ok(verified)
    }

    /// Of keys that were found to differ, those that differ when nothing is on its way any more: when both replicas have
    /// everything that was written before the time that is given with each.
    async fn settle(
        &self,
        comparison: &Comparison<'_>,
        table: &Table,
        session: &Session,
        to: &Address,
        found: &[Found],
        verified: &mut Verified,
    ) -> Result<Vec<(Found, HybridTime)>, LinkError> {
        let mut open = found.to_vec();
        let mut differing = Vec::new();
        for _ in 0..LOOKS_MAX {
            let Some(latest) = open.iter().filter_map(Found::version).map(|version| version.time).max()
            else {
                return Ok(differing);
            };
            // Nobody forgets deletes from after what has been heard here: what is brought in line by then is not refused.
            let until = latest.next().max(self.heard_time(&self.state.lock(), table));
            if !self.wait_settled(table, until).await {
                return Err(failed("this Region still waits for what others wrote"));
            }
            let question = Request::Settled { to: to.clone(), time: until.to_bits() };
            match session.call(question).await? {
                Reply::Settled(true) => {}
                Reply::Settled(false) => return Err(failed("it still waits for what others wrote")),
                other => return Err(failed(format!("a question was answered by {other:?}"))),
            }
            let keys: Vec<Vec<u8>> = open.iter().map(Found::key).collect();
            let again = comparison.look_again(self, &keys).await?;
            let (done, busy): (Vec<Found>, Vec<Found>) = again
                .into_iter()
                .partition(|found| found.version().is_none_or(|version| version.time < until));
            differing.extend(done.into_iter().map(|found| (found, until)));
            open = busy;
        }
        verified.unsettled += open.len() as u64;
        Ok(differing)
    }

    /// Takes note of a key that differs, and brings it in line if that is wanted.
    #[allow(clippy::too_many_arguments)] // one key, both sides, what is known
    async fn note(
        &self,
        comparison: &Comparison<'_>,
        table: &Table,
        peer: &RegionName,
        (session, to): (&Session, &Address),
        (found, compared): (Found, HybridTime),
        repair: bool,
        verified: &mut Verified,
    ) -> Result<(), LinkError> {
        let key = found.key();
        let theirs = comparison.fetch(&key).await?;
        let ours = self.region.changes_of_keys(table, std::slice::from_ref(&key), BATCH).await;
        let (ours, _) = ours.map_err(failed)?;
        verified.differing += 1;
        if verified.differences.len() < NAMED_MAX {
            let json = ours.first().or(theirs.as_ref()).map(|change| change.key.clone()).unwrap_or_default();
            let version = |state: &Option<KeyState>| state.as_ref().map(|state| state.version.to_string());
            verified.differences.push(Difference {
                key: String::from_utf8_lossy(&json).into_owned(),
                here: version(&found.ours),
                there: version(&found.theirs),
            });
        }
        if repair {
            // Each side takes what is later there; a tombstone is later than what it stands for.
            self.push(table, session, to, ours, WireRoad::Repair(compared.to_bits())).await?;
            let origin = Origin {
                region: peer,
                log: "",
                position: None,
                road: Road::Repair(compared),
                born: Some(&repairing()),
            };
            self.region.apply(table, &origin, theirs.into_iter().collect()).await.map_err(failed)?;
            verified.repaired += u64::from(comparison.look_again(self, &[key]).await?.is_empty());
        }
        Ok(())
    }
}

/// The replica that is compared answers for itself, whenever it was made.
fn repairing() -> Version {
    Version { time: HybridTime::from_bits(u64::MAX), region: Arc::from("") }
}
