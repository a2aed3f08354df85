//! What is known of a run from outside: every write that became durable, every answer that a client got.
//!
//! It listens to the disks, so it knows which writes of unknown outcome took effect, and it holds every commit against the
//! rules that hold at each moment: an item's version only grows, also over the time that it was deleted; no Region writes
//! anything older than it has promised; what a replica writes after it has become a table of its own stays there. Of what
//! Regions say to each other it hears promises alone, and who has everything from before a time: that must be so.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use graticule_kv::{Batch, Committed, Effect};
use graticule_model::{Version, codec::item_from_json, version::HybridTime};
use graticule_replication::{Body, Frame, Request};
use graticule_tables::{
    Change, Record, Table,
    schema::{Detaching, Member, TableStatus},
};

use crate::{layout, replicas::Row};

/// A write of a client, or of an item's time to live.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// The item after, as canonical JSON; `None` for a delete.
    pub(crate) new: Option<Bytes>,
    /// It changed something where it was made, so that the stream there shows it.
    pub(crate) shown: bool,
    /// It was made in a table that is, or was about to become, none of the global table's replicas any more.
    pub(crate) apart: bool,
}

/// A replica: a table of one Region from its creation to its drop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replica {
    /// Its public id.
    pub(crate) uuid: String,
    /// It began as a new member of a global table.
    pub(crate) joined: bool,
    /// The log's next position when it became active.
    pub(crate) active_from: Option<u64>,
    /// It is gone.
    pub(crate) dropped: bool,
    /// The log position from which on it is a table of its own.
    pub(crate) cut: Option<u64>,
    /// Others took it out before it left.
    taken_out: bool,
    /// It has nothing to do with others any more.
    pub(crate) apart: bool,
    /// The other Regions that it knows to be members.
    peers: BTreeSet<String>,
    /// The latest version of each item by name.
    latest: BTreeMap<String, Version>,
    /// The latest version that each item had.
    versions: BTreeMap<Vec<u8>, Version>,
    /// Items whose tombstone was forgotten. A comparison may bring it back.
    forgotten: BTreeSet<Vec<u8>>,
    /// What each item is.
    images: BTreeMap<Vec<u8>, Bytes>,
    /// Next position of its log.
    log_next: u64,
    /// What was logged, by position.
    pub(crate) log: BTreeMap<u64, Change>,
}

/// What a client was told.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) region: String,
    pub(crate) key: String,
    /// The item that the client was told it wrote; `None` for a delete.
    pub(crate) new: Option<Bytes>,
    /// Its version, if the client knows it.
    pub(crate) version: Option<Version>,
    /// The delete found nothing to delete.
    pub(crate) idle: bool,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Every write by item, with the Region that took it.
    pub(crate) writes: BTreeMap<String, BTreeMap<Version, Write>>,
    /// Replicas by Region and table id.
    pub(crate) replicas: BTreeMap<(String, u64), Replica>,
    /// Regions that were taken out and not waited for.
    pub(crate) expelled: BTreeSet<String>,
    /// What Regions have promised: they write nothing older.
    promised: BTreeMap<String, HybridTime>,
    /// Acknowledged writes.
    pub(crate) answers: Vec<Answer>,
    /// Outcomes of requests by kind.
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    /// Rules that were broken.
    pub(crate) broken: Vec<String>,
}

/// The partition key of an item or key in JSON.
pub(crate) fn key_of(json: &[u8]) -> String {
    let item = std::str::from_utf8(json).ok().and_then(|text| item_from_json(text).ok());
    let value = item.and_then(|item| item.get(layout::PARTITION_KEY).cloned());
    match value {
        Some(graticule_model::AttributeValue::S(text)) => text,
        other => format!("{other:?}"),
    }
}

/// The last of the writes of an item that count, if a replica whose version of the item is `has` ought to have it or a later
/// one, and does not. A delete from before `before` may have been forgotten before the replica was made, also one by a Region
/// that was expelled.
fn missing(
    writes: &BTreeMap<Version, Write>,
    has: Option<&Version>,
    before: HybridTime,
    counts: impl Fn(&Version) -> bool,
) -> Option<Version> {
    let (last, _) = writes.iter().rfind(|(version, write)| counts(version) && !write.apart)?;
    let mut onwards = writes.range(last.clone()..);
    let deleted = onwards.any(|(version, write)| version.time < before && write.new.is_none());
    let lacks = has.is_none_or(|version| version < last);
    (lacks && !deleted).then(|| last.clone())
}

impl Model {
    /// A rule was broken.
    pub(crate) fn fail(&mut self, what: String) {
        if self.broken.len() < 40 {
            self.broken.push(what);
        }
    }

    /// Counts the outcome of a request.
    pub(crate) fn count(&mut self, outcome: &'static str) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// Takes note of a frame that has arrived from `region`.
    pub(crate) fn arrived(&mut self, region: &str, frame: &Frame) {
        let Body::Request(Request::Changes(changes)) = &frame.body else { return };
        let Some(watermark) = changes.watermark else { return };
        let promised = self.promised.entry(region.to_owned()).or_default();
        *promised = HybridTime::from_bits(watermark).max(*promised);
        if let Some(settled) = changes.settled {
            self.check_settled(region, &changes.log, HybridTime::from_bits(settled));
        }
    }

    /// A replica that says it has everything from before a time has it, but for what was given up with expelled Regions.
    fn check_settled(&mut self, region: &str, uuid: &str, settled: HybridTime) {
        let of = |((name, _), replica): &(&(String, u64), &Replica)| name == region && replica.uuid == uuid;
        let Some((_, replica)) = self.replicas.iter().find(of) else { return };
        let lacks = self.writes.iter().find_map(|(key, writes)| {
            let counts = |version: &Version| version.time < settled && !self.is_given_up(key, version);
            let last = missing(writes, replica.latest.get(key), settled, counts)?;
            Some(format!("{region}: has everything from before {settled:?}, but not {key} at {last}"))
        });
        lacks.into_iter().for_each(|what| self.fail(what));
    }

    /// Takes note of a commit that has become durable in `region`.
    pub(crate) fn committed(&mut self, region: &str, batch: &Batch, committed: &Committed) {
        let mut positions = committed.positions.iter();
        for effect in &batch.effects {
            match effect {
                Effect::Put(key, value) => match layout::space(key) {
                    layout::CATALOGUE => self.table_changed(region, value),
                    layout::ITEMS => self.item_changed(region, key, value),
                    _ => {}
                },
                Effect::Delete(key) if layout::space(key) == layout::CATALOGUE => {
                    let last = self.replicas.iter_mut().rfind(|((of, _), _)| of == region);
                    if let Some((_, replica)) = last {
                        replica.dropped = true;
                    }
                }
                Effect::Delete(key) if layout::space(key) == layout::ITEMS => {
                    let (table, item_key) = layout::split_table(key);
                    if let Some(replica) = self.replicas.get_mut(&(region.to_owned(), table)) {
                        replica.forgotten.insert(item_key.to_vec());
                        replica.images.remove(item_key);
                    }
                }
                Effect::Append(shard, entry) => {
                    let position = positions.next().copied().unwrap_or(u64::MAX);
                    self.logged(region, shard.0, position, entry);
                }
                _ => {}
            }
        }
    }

    fn table_changed(&mut self, region: &str, value: &[u8]) {
        let Ok(table) = serde_json::from_slice::<Table>(value) else {
            return self.fail(format!("{region}: a table's record cannot be read"));
        };
        let expelled =
            table.settings.members.iter().filter(|(_, register)| register.value == Member::Expelled);
        self.expelled.extend(expelled.map(|(region, _)| region.to_string()));
        let replica = self.replicas.entry((region.to_owned(), table.id)).or_default();
        if replica.uuid.is_empty() {
            replica.uuid = table.uuid.clone();
            replica.joined = table.status == TableStatus::Creating;
        }
        if table.status == TableStatus::Active && replica.active_from.is_none() {
            replica.active_from = Some(replica.log_next);
        }
        replica.apart |= replica.cut.is_some() && table.group.is_none();
        if let Ok(here) = region.parse() {
            let waits = table.detaching.is_none_or(|detaching| detaching.cut.is_none());
            replica.taken_out |= waits && table.has_left(&here);
            replica.peers = table.peers(&here).map(|(peer, _)| peer.to_string()).collect();
        }
        if let Some(Detaching { requested_ms, cut: Some(cut), unsettled: false }) = table.detaching
            && replica.cut.is_none()
        {
            replica.cut = Some(cut);
            for change in replica.log.range(cut..).map(|(_, change)| change) {
                let writes = self.writes.get_mut(&key_of(&change.key));
                if let Some(write) = writes.and_then(|writes| writes.get_mut(&change.version)) {
                    write.apart |= *change.version.region == *region;
                }
            }
            if replica.taken_out {
                return;
            }
            let latest = replica.latest.clone();
            let peers: BTreeSet<&str> = table.settings.members.keys().map(|peer| peer.as_str()).collect();
            self.check_detached(region, HybridTime::from_unix_ms(requested_ms), &peers, &latest);
        }
    }

    /// A replica that becomes a table of its own has what its peers wrote before that was asked for.
    fn check_detached(
        &mut self,
        region: &str,
        requested: HybridTime,
        peers: &BTreeSet<&str>,
        latest: &BTreeMap<String, Version>,
    ) {
        let counts = |version: &Version| {
            let by = &*version.region;
            version.time < requested && by != region && peers.contains(by) && !self.expelled.contains(by)
        };
        let mut broken = Vec::new();
        for (key, writes) in &self.writes {
            if let Some(last) = missing(writes, latest.get(key), requested, counts) {
                broken.push(format!("{region}: left its global table without {key} at {last}"));
            }
        }
        broken.into_iter().for_each(|what| self.fail(what));
    }

    /// A Region has lost an item, through no fault of its own.
    pub(crate) fn lost(&mut self, region: &str, table: u64, key: &[u8]) {
        let (_, item_key) = layout::split_table(key);
        if let Some(replica) = self.replicas.get_mut(&(region.to_owned(), table)) {
            replica.versions.remove(item_key);
            replica.images.remove(item_key);
        }
    }

    fn item_changed(&mut self, region: &str, key: &[u8], value: &[u8]) {
        let Ok(record) = Record::decode(Bytes::copy_from_slice(value)) else {
            return self.fail(format!("{region}: an item's record cannot be read"));
        };
        let (table, item_key) = layout::split_table(key);
        let name = key_of(&record.json);
        let replica = self.replicas.entry((region.to_owned(), table)).or_default();
        let before = replica.versions.insert(item_key.to_vec(), record.version.clone());
        replica.latest.insert(name.clone(), record.version.clone());
        let apart = replica.apart;
        let new = (!record.tombstone).then_some(record.json);
        let old = match &new {
            Some(json) => replica.images.insert(item_key.to_vec(), json.clone()),
            None => replica.images.remove(item_key),
        };
        let again = replica.forgotten.remove(item_key) && new.is_none();
        let goes_back = |before: &Version| *before > record.version || (*before == record.version && !again);
        if let Some(before) = before.filter(goes_back) {
            let now = &record.version;
            self.fail(format!("{region}: item {name} had version {before} and then {now} (table {table})"));
        }
        let shown = old != new;
        let foreign = *record.version.region != *region;
        let known = self.writes.get(&name).and_then(|writes| writes.get(&record.version)).cloned();
        if foreign && (apart || known.as_ref().is_some_and(|known| known.apart)) {
            self.fail(format!("{region}: item {name} at {} came from a table apart", record.version));
        }
        match known {
            Some(known) if known.new == new => return,
            Some(known) => {
                let (version, known) = (&record.version, known.new);
                self.fail(format!("{region}: item {name} at {version}: {new:?} and {known:?}"));
            }
            None if foreign => {
                self.fail(format!("{region}: item {name} at {} was never written", record.version));
            }
            None => {
                let promised = self.promised.get(region).copied().unwrap_or_default();
                if record.version.time < promised {
                    let version = &record.version;
                    self.fail(format!("{region}: {name} is written at {version}, promised was {promised:?}"));
                }
            }
        }
        self.writes.entry(name).or_default().insert(record.version, Write { new, shown, apart: false });
    }

    fn logged(&mut self, region: &str, log: u64, position: u64, entry: &[u8]) {
        let Ok(change) = Change::decode(Bytes::copy_from_slice(entry)) else {
            return self.fail(format!("{region}: a log record cannot be read"));
        };
        let replica = self.replicas.entry((region.to_owned(), log)).or_default();
        replica.log_next = position + 1;
        let apart = replica.cut.is_some_and(|cut| position >= cut);
        // A table that is no replica keeps no marks of deletes: its log alone tells of them.
        if (apart || change.new.is_none()) && *change.version.region == *region {
            let writes = self.writes.entry(key_of(&change.key)).or_default();
            let write = Write { new: change.new.clone(), shown: true, apart };
            writes.entry(change.version.clone()).or_insert(write).apart |= apart;
        }
        replica.log.insert(position, change);
    }

    /// The replicas that a Region ever had, one after the other.
    fn replicas_of(&self, region: &str) -> impl Iterator<Item = &Replica> {
        let of_region = self.replicas.iter().filter(move |((of, _), _)| of == region);
        of_region.map(|(_, replica)| replica)
    }

    /// Whether a write went with Regions that were not waited for: one of them made it, or its author is gone, which had
    /// handed it over to all that it knew to stay, and those were all expelled.
    fn is_given_up(&self, key: &str, version: &Version) -> bool {
        let author = &*version.region;
        let had = |replica: &Replica| replica.latest.get(key).is_some_and(|latest| latest >= version);
        let handed_over = |author: &Replica| {
            let took = |peer: &String| self.expelled.contains(peer) && self.replicas_of(peer).any(had);
            author.dropped && had(author) && !author.peers.is_empty() && author.peers.iter().all(took)
        };
        self.expelled.contains(author) || self.replicas_of(author).any(handed_over)
    }

    /// Whether an item is what should stand in the end: the latest write of it. What was given up with Regions that were
    /// not waited for may stand, or not.
    pub(crate) fn check_item(&self, key: &str, row: Option<&Row>) -> Option<String> {
        let writes = self.writes.get(key)?;
        let mut writes = writes.iter().filter(|(_, write)| !write.apart);
        let latest = writes.clone().rfind(|(version, _)| !self.is_given_up(key, version));
        let mut candidates =
            writes.by_ref().filter(|(version, _)| latest.is_none_or(|(latest, _)| *version >= latest));
        let stored = row.and_then(|(version, new)| Some((version, new.as_ref()?)));
        let stands = candidates.any(|(version, write)| match (&write.new, stored) {
            (None, None) => true,
            (Some(new), Some((stored, json))) => version == stored && new == json,
            _ => false,
        });
        // Nothing at all is right if nothing had to be handed over.
        if stands || (latest.is_none() && stored.is_none()) {
            return None;
        }
        Some(format!("item {key} is {row:?}, but the latest write is {latest:?}"))
    }

    /// Whether every acknowledged write is among those that became durable, and in its Region's log.
    pub(crate) fn check_answers(&mut self) {
        let mut broken = Vec::new();
        for answer in &self.answers {
            // A delete of what is not there need not leave a trace.
            if answer.idle {
                continue;
            }
            let found = self.writes.get(&answer.key).is_some_and(|writes| {
                writes.iter().any(|(version, write)| {
                    *version.region == *answer.region
                        && write.new == answer.new
                        && answer.version.as_ref().is_none_or(|told| told == version)
                })
            });
            if !found {
                broken.push(format!(
                    "{}: the client was told of {:?} ({:?}), which never became durable",
                    answer.region, answer.new, answer.version
                ));
            }
        }
        broken.into_iter().for_each(|what| self.fail(what));
    }
}
