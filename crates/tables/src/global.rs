//! A table replica's side of a global table: what it ships, what it takes in, what it remembers of its peers.
//!
//! Applying a change is idempotent and commutative: it takes effect if and only if its version is greater than that of
//! what is stored, item or tombstone. How changes travel is decided above.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use graticule_kv::{Batch, Decision, Declared, Direction, LogBounds, PageLimit, ReadError, Value, transact};
use graticule_model::{
    Error, IndexName, Item, RegionName, TableName, codec::item_to_json, version::HybridTime,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    catalogue::{commit_error, fence_key, fence_value},
    derive::{BASE, COUNT_CONFLICTS, counter_key},
    layout::{KeyBuilder, Space, prefix_range},
    record::{Change, Record, parse_stored},
    region::{Region, internal},
    schema::{IndexDefinition, KeySchema, Member, PrimaryKey, Settings, Table, TableStatus},
    write::{Cover, Coverage, NewChange, record_change},
};

/// Most changes applied in one commit.
const APPLY_CHANGES_MAX: usize = 128;
/// Most bytes of changes applied in one commit, give or take one change.
const APPLY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What replicas of a table tell each other of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedTable {
    /// The table's name.
    pub name: TableName,
    /// Names the global table; a table of the same name that is none of its replicas has another.
    pub group: String,
    /// The primary key.
    pub key: KeySchema,
    /// The local secondary indexes.
    pub local_indexes: BTreeMap<IndexName, IndexDefinition>,
    /// The shared settings.
    pub settings: Settings,
}

/// What came of merging another replica's settings.
#[derive(Debug, Clone, PartialEq)]
pub enum Merged {
    /// They are merged, or change nothing here. Carries the time before which this Region's writes did not know them.
    Done(HybridTime),
    /// Here is a table of the same name that is not part of the global table.
    Foreign,
    /// This Region is to become a member again, but its former replica has not left yet. To be repeated.
    Leaving,
}

/// Changes to ship.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// Changes that clients made in this Region, in the order of the log.
    pub changes: Vec<Change>,
    /// Log position to go on at.
    pub next: u64,
}

/// Where shipped changes came from.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    /// The Region that ships them.
    pub region: &'a RegionName,
    /// The TableId of its replica: names its log.
    pub log: &'a str,
    /// The log position that is reached with these changes; `None` for items of a snapshot.
    pub position: Option<u64>,
}

/// A replicated change that lost against a later local write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Conflict {
    /// The item's key, as JSON.
    pub key: String,
    /// The version that stands.
    pub winner: String,
    /// The version that was discarded.
    pub loser: String,
    /// The item that was discarded, as JSON; absent if it was a delete.
    pub discarded: Option<String>,
    /// When it was discarded, in milliseconds since the epoch.
    pub at_ms: u64,
}

#[derive(Clone, Copy)]
enum CursorKind {
    /// What a peer has acknowledged of our log.
    Sent = 0,
    /// What we have applied of a peer's log.
    Received = 1,
}

fn cursor_key(table: &Table, kind: CursorKind, peer: &RegionName) -> Vec<u8> {
    KeyBuilder::table(Space::Cursors, table.id).bytes(&[kind as u8]).bytes(peer.as_str().as_bytes()).build()
}

/// A cursor is a position in a certain log: of a replica that was dropped and made anew, nothing is known.
fn encode_cursor(position: u64, log: &str) -> Vec<u8> {
    [&position.to_be_bytes(), log.as_bytes()].concat()
}

fn decode_cursor(value: &[u8], log: &str) -> Option<u64> {
    let (position, stored_log) = value.split_at_checked(8)?;
    (stored_log == log.as_bytes()).then_some(u64::from_be_bytes(position.try_into().ok()?))
}

fn conflict_key(table: &Table, change: &Change, key: &PrimaryKey) -> Vec<u8> {
    let builder = KeyBuilder::table(Space::Conflicts, table.id)
        .number(change.version.time.to_bits())
        .bytes(change.version.region.as_bytes());
    // Writes of one transaction have one version.
    table.primary_key(builder, key).build()
}

/// Keys of the conflicts of a table discarded versions before `time` left.
pub(crate) fn conflicts_before(table: &Table, time: HybridTime) -> (Vec<u8>, Vec<u8>) {
    let prefix = KeyBuilder::table(Space::Conflicts, table.id);
    (prefix.clone().build(), prefix.number(time.to_bits()).build())
}

impl Table {
    /// What the other replicas are told of this one.
    pub fn shared(&self) -> Option<SharedTable> {
        Some(SharedTable {
            name: self.name.clone(),
            group: self.group.clone()?,
            key: self.key.clone(),
            local_indexes: self.local_indexes.clone(),
            settings: self.settings.clone(),
        })
    }

    /// Brings everything that follows from the settings in line with them, after a change of settings in Region
    /// `here`. `log_next` is a log position not after the change.
    pub fn settle_settings(
        &mut self,
        here: &RegionName,
        before: &Settings,
        log_next: u64,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        self.reconcile_indexes(false);
        match (self.settings.stream.value, self.stream().map(|stream| stream.view)) {
            (wanted, open) if wanted == open => {}
            (None, _) => self.close_stream(log_next, now_ms),
            (Some(view), open) => {
                if open.is_some() {
                    self.close_stream(log_next, now_ms);
                }
                self.open_stream(view, log_next, now_ms);
            }
        }
        let gone = |member: Option<&Member>| member.is_none_or(|member| *member == Member::Removed);
        for (region, register) in &self.settings.members {
            let was = before.members.get(region).map(|register| &register.value);
            if region != here && gone(was) && !gone(Some(&register.value)) {
                // The new member gets everything that is logged from here on; what is older comes with its snapshot.
                batch.put(cursor_key(self, CursorKind::Sent, region), encode_cursor(log_next, &self.uuid));
            }
        }
        let me = self.settings.members.get(here).map(|register| &register.value);
        if self.has_left(here) {
            self.status = TableStatus::Deleting;
        } else if me == Some(&Member::Active) && self.status == TableStatus::Creating {
            self.status = TableStatus::Active;
        }
        if self.settings.billing.value.on_demand && !before.billing.value.on_demand {
            self.on_demand_since_ms = Some(now_ms);
        }
    }
}

impl Region {
    /// Changes settings that replicas share, with everything that follows.
    ///
    /// # Errors
    /// As [`Region::update_table`].
    pub async fn update_settings<T: Send>(
        &self,
        name: &TableName,
        mut change: impl FnMut(&mut Table) -> Result<T, Error> + Send,
    ) -> Result<(Arc<Table>, T), Error> {
        loop {
            let seen = self.table(name).await?;
            let log_next = self.log_bounds(&seen).await?.next;
            let (table, answer) = self
                .update_table(name, |table, batch| {
                    // Made anew meanwhile: the position is one of another log.
                    if table.id != seen.id {
                        return Ok(None);
                    }
                    let before = table.settings.clone();
                    let streamed = table.stream().is_some();
                    let answer = change(table)?;
                    table.settle_settings(&self.name, &before, log_next, self.env.unix_ms(), batch);
                    Ok(Some((answer, streamed)))
                })
                .await?;
            let Some((answer, streamed)) = answer else { continue };
            let closed_now = streamed && table.stream().is_none();
            let table = if closed_now { self.extend_closed_stream(table).await? } else { table };
            return Ok((table, answer));
        }
    }

    /// Gives a stream that was just closed the records of writes that were under way when it was. The log of a table
    /// without stream and replicas grows no more.
    async fn extend_closed_stream(&self, table: Arc<Table>) -> Result<Arc<Table>, Error> {
        let end = self.log_bounds(&table).await?.next;
        if table.is_logged() || table.streams.last().is_none_or(|stream| stream.closed.is_none()) {
            return Ok(table);
        }
        let extended = self.update_table(&table.name, |current, _| {
            if current.id == table.id
                && !current.is_logged()
                && current.streams.len() == table.streams.len()
                && let Some(closed) = current.streams.last_mut().and_then(|stream| stream.closed.as_mut())
            {
                closed.0 = closed.0.max(end);
            }
            Ok(())
        });
        Ok(extended.await?.0)
    }

    /// Takes what is later in another replica's settings. Creates the table if this Region is to become a member.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn merge_settings(&self, shared: &SharedTable) -> Result<Merged, Error> {
        let merged = self.update_settings(&shared.name, |table| {
            if table.group.as_ref() != Some(&shared.group) {
                return Ok(Merged::Foreign);
            }
            let register = |settings: &Settings| settings.members.get(&self.name).cloned();
            let (ours, theirs) = (register(&table.settings), register(&shared.settings));
            table.settings.merge(&shared.settings);
            let joining =
                theirs.as_ref().is_some_and(|theirs| matches!(theirs.value, Member::Joining { .. }));
            if joining && ours.is_some_and(|ours| Some(ours.version) < theirs.map(|theirs| theirs.version)) {
                // Taken out and added again, whether we heard of the first or not: what is here has missed what
                // happened between, deletes too, and goes. A new replica follows.
                table.status = TableStatus::Deleting;
            }
            Ok(if joining && table.status == TableStatus::Deleting {
                Merged::Leaving
            } else {
                Merged::Done(HybridTime::ZERO)
            })
        });
        match merged.await {
            Ok((_, other @ (Merged::Foreign | Merged::Leaving))) => Ok(other),
            Ok((_, Merged::Done(_))) => Ok(Merged::Done(self.clock.last())),
            Err(Error::ResourceNotFound) => {
                let me = shared.settings.members.get(&self.name).map(|register| &register.value);
                if matches!(me, Some(Member::Joining { .. })) {
                    match self.create_table(self.new_replica(shared)).await {
                        // Created meanwhile: merge with that one on the next occasion.
                        Ok(_) | Err(Error::TableExists(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(Merged::Done(self.clock.last()))
            }
            Err(error) => Err(error),
        }
    }

    fn new_replica(&self, shared: &SharedTable) -> Table {
        let now_ms = self.env.unix_ms();
        let mut table = Table {
            format: crate::schema::TABLE_FORMAT,
            id: 0,
            uuid: self.env.random_uuid(),
            name: shared.name.clone(),
            revision: 0,
            created_ms: now_ms,
            status: TableStatus::Creating,
            key: shared.key.clone(),
            local_indexes: shared.local_indexes.clone(),
            settings: shared.settings.clone(),
            group: Some(shared.group.clone()),
            indexes: BTreeMap::new(),
            next_index_id: 1,
            streams: Vec::new(),
            deletion_protection: false,
            tags: BTreeMap::new(),
            on_demand_since_ms: shared.settings.billing.value.on_demand.then_some(now_ms),
        };
        table.reconcile_indexes(true);
        if let Some(view) = table.settings.stream.value {
            table.open_stream(view, 0, now_ms);
        }
        table
    }

    /// The extent of a table's log.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn log_bounds(&self, table: &Table) -> Result<LogBounds, Error> {
        self.engine.log_bounds(table.log()).await.map_err(internal)
    }

    /// Tells when a table's log has grown.
    pub fn watch_log(&self, table: &Table) -> watch::Receiver<u64> {
        self.engine.watch_log(table.log())
    }

    /// The changes to ship from log position `from` on: those that clients made here. Every one of them, since each is
    /// a record in the streams of the Regions where it wins.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn outgoing(&self, table: &Table, from: u64, limit: PageLimit) -> Result<Outgoing, Error> {
        let page = self.engine.read_log(table.log(), from, limit).await.map_err(internal)?;
        let mut changes = Vec::with_capacity(page.entries.len());
        for (_, entry) in page.entries {
            let change = Change::decode(entry).map_err(internal)?;
            if *change.version.region == *self.name.as_str() {
                changes.push(change.for_shipping());
            }
        }
        Ok(Outgoing { changes, next: page.next.max(from) })
    }

    /// Part of a table as changes, for a new replica: after the stored key `after`, with tombstones. Also gives the
    /// stored key to go on after, until there is nothing left.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn snapshot_changes(
        &self,
        table: &Table,
        after: Option<&[u8]>,
        limit: PageLimit,
    ) -> Result<(Vec<Change>, Option<Vec<u8>>), Error> {
        let (mut start, end) = prefix_range(KeyBuilder::table(Space::Items, table.id).build());
        if let Some(after) = after {
            start = [after, &[0]].concat();
        }
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let rows = snapshot.scan(&start, &end, Direction::Forward, limit).await.map_err(internal)?;
        let last = rows.last().map(|(key, _)| key.clone());
        let to_change = |stored: Value| -> Result<Change, Error> {
            let record = Record::decode(stored).map_err(internal)?;
            let (key, new) = if record.tombstone {
                (record.json.clone(), None)
            } else {
                let key = table.key_of(&record.item().map_err(internal)?)?;
                (item_to_json(&table.key_item(&key)).into(), Some(record.json))
            };
            Ok(Change {
                version: record.version,
                key,
                old: None,
                new,
                written_ms: 0,
                expired: false,
                silent: true,
            })
        };
        let changes = rows.into_iter().map(|(_, stored)| to_change(stored)).collect::<Result<_, _>>()?;
        Ok((changes, last))
    }

    /// How far `peer` has acknowledged this table's log.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn sent_cursor(&self, table: &Table, peer: &RegionName) -> Result<u64, Error> {
        let stored = self.engine.get(&cursor_key(table, CursorKind::Sent, peer)).await.map_err(internal)?;
        Ok(stored.and_then(|value| decode_cursor(&value, &table.uuid)).unwrap_or(0))
    }

    /// Remembers how far `peer` has acknowledged this table's log. Never moves back, so that a late save does no harm.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn save_sent_cursor(
        &self,
        table: &Table,
        peer: &RegionName,
        position: u64,
    ) -> Result<(), Error> {
        let key = cursor_key(table, CursorKind::Sent, peer);
        let declared = Declared { reads: vec![fence_key(&table.name)], writes: vec![key.clone()] };
        let decide = |values: &[Option<Value>]| {
            // The fence's id, not its revision: settings may change meanwhile, the log does not.
            let same_table = values[0].as_ref().is_some_and(|fence| fence[..8] == table.id.to_be_bytes());
            let stored = values[1].as_ref().and_then(|value| decode_cursor(value, &table.uuid));
            if !same_table || stored.is_some_and(|stored| stored >= position) {
                return Decision::Abort(());
            }
            let mut batch = Batch::new();
            batch.put(key.clone(), encode_cursor(position, &table.uuid));
            Decision::Commit(batch, ())
        };
        transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        Ok(())
    }

    /// How far this table has applied the log `log` of the replica in `peer`.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn received_cursor(
        &self,
        table: &Table,
        peer: &RegionName,
        log: &str,
    ) -> Result<Option<u64>, Error> {
        let stored =
            self.engine.get(&cursor_key(table, CursorKind::Received, peer)).await.map_err(internal)?;
        Ok(stored.and_then(|value| decode_cursor(&value, log)))
    }

    /// Applies changes from elsewhere and remembers the position reached, durably.
    ///
    /// # Errors
    /// [`Error::ResourceNotFound`] if the table is not there; otherwise if the engine fails.
    pub async fn apply(
        &self,
        name: &TableName,
        origin: &Origin<'_>,
        changes: Vec<Change>,
    ) -> Result<(), Error> {
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
            self.apply_chunk(name, &Origin { position, ..origin.clone() }, &chunk, origin.position.is_none())
                .await?;
        }
        Ok(())
    }

    async fn apply_chunk(
        &self,
        name: &TableName,
        origin: &Origin<'_>,
        changes: &[Change],
        snapshot: bool,
    ) -> Result<(), Error> {
        loop {
            let table = self.table(name).await?;
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
            let mut reads = vec![fence_key(name)];
            reads.extend(Coverage::keys(&table));
            let cursor = cursor_key(&table, CursorKind::Received, origin.region);
            let mut writes = vec![cursor.clone()];
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
                let reached = values.next().and_then(Option::as_ref);
                let reached = reached.and_then(|value| decode_cursor(value, origin.log));
                let mut batch = Batch::new();
                let apply_all = || {
                    let stored = values.map(|value| value.clone().map(Record::decode).transpose());
                    let mut stored: Vec<Option<Record>> = stored.collect::<Result<_, _>>()?;
                    for (change, place) in changes.iter().zip(&places) {
                        let (item_key, key) = &keys[*place];
                        let cover = Cover { item_key, coverage: &coverage };
                        let before = stored[*place].as_ref();
                        if let Some(now) =
                            self.apply_one(&table, change, key, &cover, before, snapshot, &mut batch)?
                        {
                            stored[*place] = Some(now);
                        }
                    }
                    Ok::<(), ReadError>(())
                };
                if let Err(error) = apply_all() {
                    return Decision::Abort(Err(internal(error)));
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
            self.env.sleep(crate::write::FROZEN_WAIT).await;
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
        snapshot: bool,
        batch: &mut Batch,
    ) -> Result<Option<Record>, ReadError> {
        if let Some(stored) = stored
            && stored.version >= change.version
        {
            // Only a write of this Region that is later shows a conflict: others saw what they overtook, or tell
            // of it themselves.
            if stored.version > change.version && *stored.version.region == *self.name.as_str() && !snapshot {
                let conflict = Conflict {
                    key: String::from_utf8_lossy(&change.key).into_owned(),
                    winner: stored.version.to_string(),
                    loser: change.version.to_string(),
                    discarded: change.new.as_ref().map(|json| String::from_utf8_lossy(json).into_owned()),
                    at_ms: self.env.unix_ms(),
                };
                batch
                    .put(conflict_key(table, change, key), serde_json::to_vec(&conflict).unwrap_or_default());
                batch.add(counter_key(table.id, BASE, COUNT_CONFLICTS), 1);
            }
            return Ok(None);
        }
        let new = change.new.as_ref().map(|json| Ok((parse_stored(json)?, json.clone()))).transpose()?;
        let record = NewChange {
            table,
            key,
            old: stored,
            new,
            version: &change.version,
            expired: change.expired,
            shown: !snapshot,
            here: &self.name,
            now_ms: self.env.unix_ms(),
        };
        record_change(record, cover, batch)
    }

    /// Says below which time tombstones of a table are needed no longer.
    pub fn set_tombstone_floor(&self, table: &Table, floor: HybridTime) {
        self.tombstone_floor.lock().insert(table.id, floor);
    }

    /// Conflicts that local writes have won, oldest first, and how many there were ever.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn conflicts(&self, table: &Table, limit: usize) -> Result<(Vec<Conflict>, i64), Error> {
        let (start, end) = prefix_range(KeyBuilder::table(Space::Conflicts, table.id).build());
        let snapshot = self.engine.snapshot().await.map_err(internal)?;
        let page = PageLimit { entries: limit, bytes: 16 * 1024 * 1024 };
        let rows = snapshot.scan(&start, &end, Direction::Forward, page).await.map_err(internal)?;
        let conflicts = rows.iter().map(|(_, value)| serde_json::from_slice(value).map_err(internal));
        let counter = self.engine.counter(&counter_key(table.id, BASE, COUNT_CONFLICTS)).await;
        Ok((conflicts.collect::<Result<_, _>>()?, counter.map_err(internal)?))
    }
}

/// Reads the key of a change.
///
/// # Errors
/// If it is damaged.
pub fn change_key(change: &Change) -> Result<Item, Error> {
    parse_stored(&change.key).map_err(internal)
}
