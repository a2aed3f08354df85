//! Taking in what other replicas ship.
//!
//! Applying a change is idempotent and commutative: it takes effect if and only if its version is greater than that of
//! what is stored, item or tombstone. What loses against a write of this Region is kept for people to look at.

use std::collections::HashMap;

use bytes::Bytes;
use graticule_kv::{Batch, Decision, Declared, ReadError, Value, transact};
use graticule_model::{Error, RegionName, Version, version::HybridTime};

use crate::{
    catalogue::{commit_error, fence_key, fence_value},
    coverage::{Cover, Coverage, FROZEN_WAIT},
    global::{
        conflicts,
        cursor::{
            CursorKind, cursor_key, decode_cursor, decode_forgotten, encode_cursor, encode_forgotten,
            forgotten_key,
        },
    },
    record::{Change, Record, parse_stored},
    region::{Region, internal},
    schema::{PrimaryKey, Table},
    write::{NewChange, record_change},
};

/// Most changes applied in one commit. Each commit waits for the disk, so few changes in each would make a slow disk the
/// bound of all; many keep their items from other writers for longer.
const APPLY_CHANGES_MAX: usize = 512;
/// Most bytes of changes applied in one commit, give or take one change.
const APPLY_BYTES_MAX: usize = 1024 * 1024;

/// Where shipped changes came from.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    /// The Region that ships them.
    pub region: &'a RegionName,
    /// The TableId of its replica: names its log.
    pub log: &'a str,
    /// The log position that is reached with these changes; `None` if they do not come from the log.
    pub position: Option<u64>,
    /// How they came.
    pub road: Road,
    /// The membership that the replica was made for that ships them.
    pub born: Option<&'a Version>,
}

/// How changes come to a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// From the other replica's log.
    Log,
    /// As part of the snapshot that fills a new replica: streams do not show them. Whatever was written before this time, and
    /// is not in it, was deleted.
    Snapshot(HybridTime),
    /// Because a comparison found that they are missing here, while others may still be about to tell of deletes.
    Resync,
    /// Because they are missing here, as a comparison found when both replicas had heard everything from before this time.
    Repair(HybridTime),
}

/// How a change came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// With the log of its Region.
    Shipped,
    /// Once more, so that what stands there now may have seen it: everything up to its position was applied before, or
    /// a comparison found it missing.
    Again,
    /// With a snapshot for a new replica.
    Snapshot,
}

impl Road {
    /// Whether a change for which there is nothing in `table` was there and is deleted. What was written before the time
    /// `forgotten` was there, and what is no more was deleted; only a member that lost everything may not have told all. A
    /// member tells its log once, but what becomes a table of its own tells all of it to a replica that was filled without
    /// it. What was missing while both had heard everything was deleted only if a later delete can be forgotten.
    fn is_past(self, table: &Table, from: &RegionName, change: &Change, forgotten: HybridTime) -> bool {
        let old = change.version.time < forgotten;
        match self {
            Road::Log => old && table.is_out(from),
            Road::Snapshot(_) => false,
            Road::Resync => old && !table.has_lost_all(&change.version.region),
            Road::Repair(compared) => compared < forgotten,
        }
    }
}

impl Region {
    /// Applies changes from elsewhere to the replica `table` and remembers the position reached, durably.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if that replica is not there any more or on its way out, or does not listen to
    /// the other one; otherwise if the engine fails.
    pub async fn apply(&self, table: &Table, origin: &Origin<'_>, changes: Vec<Change>) -> Result<(), Error> {
        let latest = changes.iter().map(|change| change.version.time).max();
        self.clock.observe(latest.unwrap_or_default());
        let mut chunks: Vec<Vec<Change>> = vec![Vec::new()];
        let mut bytes = 0;
        for change in changes {
            let chunk = chunks.last_mut().expect("there is always one chunk");
            if chunk.len() >= APPLY_CHANGES_MAX || bytes >= APPLY_BYTES_MAX {
                chunks.push(Vec::new());
                bytes = 0;
            }
            bytes += change.new.as_ref().map_or(0, Bytes::len);
            chunks.last_mut().expect("there is always one chunk").push(change);
        }
        let last = chunks.len() - 1;
        for (index, chunk) in chunks.into_iter().enumerate() {
            let position = origin.position.filter(|_| index == last);
            self.apply_chunk(table, &Origin { position, ..origin.clone() }, &chunk, origin.position).await?;
        }
        Ok(())
    }

    async fn apply_chunk(
        &self,
        replica: &Table,
        origin: &Origin<'_>,
        changes: &[Change],
        batch_position: Option<u64>,
    ) -> Result<(), Error> {
        loop {
            let table = self.table(&replica.name).await?;
            // Nothing must count as applied that goes to another replica of that name, to one that has become a table of its
            // own, or with one that is leaving.
            if table.uuid != replica.uuid
                || table.group != replica.group
                || !table.takes_changes()
                || !table.listens_to(origin.region, origin.born)
            {
                return Err(Error::ResourceNotFound);
            }
            // Several changes may be about one item: each has the place of its item among the declared keys.
            let mut keys: Vec<(Vec<u8>, PrimaryKey)> = Vec::with_capacity(changes.len());
            let mut places: Vec<usize> = Vec::with_capacity(changes.len());
            let mut place_of: HashMap<&Bytes, usize> = HashMap::new();
            for change in changes {
                if let Some(place) = place_of.get(&change.key) {
                    places.push(*place);
                    continue;
                }
                let key = table.key_of(&parse_stored(&change.key).map_err(internal)?)?;
                place_of.insert(&change.key, keys.len());
                places.push(keys.len());
                keys.push((table.item_key(&key), key));
            }
            let mut reads = vec![fence_key(&table.name)];
            reads.extend(Coverage::keys(&table));
            let forgotten_key = forgotten_key(&table);
            let cursor = cursor_key(&table, CursorKind::Received, origin.region);
            let mut writes = vec![cursor.clone()];
            match origin.road {
                Road::Snapshot(_) => writes.insert(0, forgotten_key.clone()),
                Road::Log | Road::Resync | Road::Repair(_) => reads.push(forgotten_key.clone()),
            }
            writes.extend(keys.iter().map(|(item_key, _)| item_key.clone()));
            let declared = Declared { reads, writes };
            let decide = |values: &[Option<Value>]| {
                let mut values = values.iter();
                let fence = values.next().and_then(Option::as_ref);
                if fence.is_none_or(|fence| fence[..] != fence_value(&table)) {
                    return Decision::Abort(Ok(false));
                }
                let coverage = Coverage::read(&table, &mut values);
                if keys.iter().any(|(item_key, _)| coverage.is_frozen(item_key)) {
                    return Decision::Abort(Ok(false));
                }
                let forgotten = decode_forgotten(values.next().and_then(Option::as_ref));
                let reached = values.next().and_then(Option::as_ref);
                let reached = reached.and_then(|value| decode_cursor(value, origin.log));
                let before = |position| reached.is_some_and(|reached| reached >= position);
                let arrival = match origin.road {
                    Road::Snapshot(_) => Arrival::Snapshot,
                    Road::Log if !batch_position.is_some_and(before) => Arrival::Shipped,
                    Road::Log | Road::Resync | Road::Repair(_) => Arrival::Again,
                };
                let mut batch = Batch::new();
                let apply_all = || {
                    let stored = values.map(|value| value.clone().map(Record::decode).transpose());
                    let mut stored: Vec<Option<Record>> = stored.collect::<Result<_, _>>()?;
                    for (change, place) in changes.iter().zip(&places) {
                        let (item_key, key) = &keys[*place];
                        let cover = Cover { item_key, coverage: &coverage };
                        let before = stored[*place].as_ref();
                        if before.is_none() && origin.road.is_past(&table, origin.region, change, forgotten) {
                            continue;
                        }
                        if let Some(now) =
                            self.apply_one(&table, change, key, &cover, before, arrival, &mut batch)?
                        {
                            stored[*place] = Some(now);
                        }
                    }
                    Ok::<(), ReadError>(())
                };
                if let Err(error) = apply_all() {
                    return Decision::Abort(Err(internal(error)));
                }
                if let Road::Snapshot(source) = origin.road
                    && forgotten < source
                {
                    batch.put(forgotten_key.clone(), encode_forgotten(source));
                }
                // A batch of a connection that broke may come after later ones.
                if let Some(position) = origin.position
                    && reached.is_none_or(|reached| reached < position)
                {
                    batch.put(cursor.clone(), encode_cursor(position, origin.log));
                }
                if batch.is_empty() { Decision::Abort(Ok(true)) } else { Decision::Commit(batch, Ok(true)) }
            };
            let (applied, _) = transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
            if applied? {
                return Ok(());
            }
            self.env.sleep(FROZEN_WAIT).await;
        }
    }

    /// Applies one change if it wins; gives the item's new record if it does.
    #[allow(clippy::too_many_arguments)] // one change and where it goes
    fn apply_one(
        &self,
        table: &Table,
        change: &Change,
        key: &PrimaryKey,
        cover: &Cover<'_>,
        stored: Option<&Record>,
        arrival: Arrival,
        batch: &mut Batch,
    ) -> Result<Option<Record>, ReadError> {
        if let Some(stored) = stored
            && stored.version >= change.version
        {
            // Only a write of this Region that is later shows a conflict: others saw what they overtook, or tell
            // of it themselves.
            let ours = *stored.version.region == *self.name.as_str();
            if stored.version > change.version && ours && arrival == Arrival::Shipped {
                conflicts::note(table, key, stored, change, self.env.unix_ms(), batch);
            }
            return Ok(None);
        }
        let new = change.new.as_deref().map(parse_stored).transpose()?;
        // A delete of this Region that a comparison brings back after its mark was forgotten here: it was logged once.
        let remembered = arrival == Arrival::Again
            && *change.version.region == *self.name.as_str()
            && new.is_none()
            && stored.is_none();
        let record = NewChange {
            table,
            key,
            old: stored,
            new: new.as_ref().zip(change.new.clone()),
            version: &change.version,
            expired: change.expired,
            shown: arrival != Arrival::Snapshot && !remembered,
            here: &self.name,
            now_ms: self.env.unix_ms(),
        };
        record_change(record, cover, batch)
    }
}
