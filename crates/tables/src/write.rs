//! The one write path: declared keys, a pure decision, one atomic commit of items, index entries, log and counters.
//!
//! Clients' actions enter through [`Region::write`]; replicated changes join at [`record_change`], where everything that
//! follows from a change is derived.

use std::sync::{Arc, atomic::Ordering};

use bytes::Bytes;
use graticule_kv::{Batch, CommitError, Decision, ReadError, Value, transact_contending};
use graticule_model::{
    CapacityKind, Error, Item, RegionName, Version, codec::item_to_json, limits::CLIENT_REQUEST_TOKEN_MS,
    value::item_size_bytes, version::HybridTime,
};

use crate::{
    action::{Action, DecideError, Effect},
    catalogue::{commit_error, fence_value},
    collections::{CollectionSizes, known_collection},
    consumed::Consumed,
    coverage::{Cover, Coverage, FROZEN_WAIT},
    derive::{BASE, COUNT_BYTES, COUNT_ITEMS, Image, counter_key, index_effect, looked_at},
    layout::{KeyBuilder, Space},
    ready::{Bill, Prepared, Ready},
    record::{Change, Record, StoredItem},
    region::{Region, internal},
    schema::{IndexState, PrimaryKey, Table},
};

/// How often a write starts again because its table's record has changed, or an index is being filled with its item.
const ATTEMPTS_MAX: usize = 5000;

/// What one action did.
#[derive(Debug, Clone)]
pub struct Written {
    /// The table as it was when the action was done.
    pub table: Arc<Table>,
    /// The version of the whole write.
    pub version: Version,
    /// The item before.
    pub old: Option<StoredItem>,
    /// The item after.
    pub new: Option<StoredItem>,
    /// The size of its item collection after the whole write; `None` if it is not known.
    pub collection_bytes: Option<u64>,
}

impl Written {
    /// What it has consumed, with the indexes that had to follow.
    ///
    /// # Errors
    /// If a stored item is damaged.
    pub fn consumed(&self) -> Result<Consumed, Error> {
        Consumed::of_change(&self.table, self.old.as_ref(), self.new.as_ref()).map_err(internal)
    }
}

/// Makes a transaction happen once.
#[derive(Debug, Clone)]
pub struct RequestToken {
    /// The client's token.
    pub token: String,
    /// Tells the request from another one with the same token.
    pub fingerprint: u64,
}

/// How a write ended.
#[derive(Debug)]
pub enum WriteOutcome {
    /// Done; one entry per action.
    Done(Vec<Written>),
    /// Refused; says for each action what stood in its way, if anything.
    Refused(Vec<Option<Error>>),
    /// The same request was done before.
    Replayed,
}

enum Attempt {
    /// Decided, and committed if there was anything to commit; the answer is in [`Pending`].
    Done,
    Ended(WriteOutcome),
    /// A fence has moved.
    Outdated,
    /// An index is being filled with the item just now.
    Frozen,
    TokenMismatch,
    Failed(ReadError),
}

/// How a write finds its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lookup {
    /// In the cache, without a look at their fences.
    Cached,
    /// As they are just now.
    Checked,
}

/// What a decision has come to, kept beside the commit so that an unknown outcome can be settled.
struct Pending {
    version: Version,
    written: Vec<Written>,
}

pub(crate) fn tombstone_key(table: &Table, key: &PrimaryKey, time: HybridTime) -> Vec<u8> {
    let builder = KeyBuilder::table(Space::Tombstones, table.id).number(time.to_bits());
    table.primary_key(builder, key).build()
}

/// One change of one item, about to be recorded.
pub(crate) struct NewChange<'a> {
    pub(crate) table: &'a Table,
    pub(crate) key: &'a PrimaryKey,
    pub(crate) old: Option<&'a Record>,
    /// The item after, with its canonical JSON.
    pub(crate) new: Option<(&'a Item, Bytes)>,
    pub(crate) version: &'a Version,
    pub(crate) expired: bool,
    /// Whether streams show it, if it changes anything.
    pub(crate) shown: bool,
    /// The Region that records it.
    pub(crate) here: &'a RegionName,
    pub(crate) now_ms: u64,
}

/// Adds to `batch` a change of one item and everything that follows from it. Gives the item's new record, or the
/// tombstone in its place.
///
/// # Errors
/// If the stored item cannot be read.
pub(crate) fn record_change(
    change: NewChange<'_>,
    &Cover { item_key, coverage }: &Cover<'_>,
    batch: &mut Batch,
) -> Result<Option<Record>, ReadError> {
    let NewChange { table, key, version, .. } = change;
    let old_live = change.old.filter(|record| !record.tombstone);
    let new_json = change.new.as_ref().map(|(_, json)| json);
    let silent = old_live.map(|record| &record.json) == new_json;
    let new_item = change.new.as_ref().map(|(item, _)| *item);
    let new_record = change.new.as_ref().map(|(item, json)| {
        let size_bytes = item_size_bytes(item) as u32;
        Record { version: version.clone(), tombstone: false, size_bytes, json: json.clone() }
    });
    // Where nobody compares versions, writing what is there already changes nothing.
    if silent && !table.compares_versions() {
        return Ok(new_record);
    }
    let key_json = || Bytes::from(item_to_json(&table.key_item(key)));
    let tombstone = (new_record.is_none() && table.compares_versions()).then(|| {
        batch.put(tombstone_key(table, key, version.time), Vec::new());
        Record { version: version.clone(), tombstone: true, size_bytes: 0, json: key_json() }
    });
    match new_record.as_ref().or(tombstone.as_ref()) {
        Some(record) => batch.put(item_key, record.encode()),
        None => batch.delete(item_key),
    }
    if !silent {
        count_items(table, old_live, new_record.as_ref(), batch);
        if !table.indexes.is_empty() {
            let old_item = old_live.map(|record| looked_at(table, &record.json)).transpose()?;
            let old = old_item.as_ref().zip(old_live).map(|(item, record)| Image::new(item, record));
            let new = new_item.zip(new_record.as_ref()).map(|(item, record)| Image::new(item, record));
            let covering = table
                .indexes
                .values()
                .filter(|index| index.state != IndexState::Deleting && coverage.covers(index.id, item_key));
            for index in covering {
                index_effect(table, index, key, (old, new), version, batch);
            }
        }
    }
    // What a snapshot brings back to the Region that once wrote it has been shipped before.
    let ours = change.shown && *version.region == *change.here.as_str();
    let shipped = ours && table.peers(change.here).next().is_some();
    // A stream that is opened later shows nothing of now, so the image before is kept only for one that is there.
    let streamed = table.stream().is_some() && change.shown && !silent;
    if shipped || streamed {
        let entry = Change {
            version: version.clone(),
            key: key_json(),
            old: old_live.filter(|_| streamed).map(|record| record.json.clone()),
            new: new_json.cloned(),
            written_ms: change.now_ms,
            expired: change.expired,
            silent: !streamed,
        };
        batch.append(table.log(), entry.encode());
    }
    Ok(new_record.or(tombstone))
}

fn count_items(table: &Table, old: Option<&Record>, new: Option<&Record>, batch: &mut Batch) {
    let items = i64::from(new.is_some()) - i64::from(old.is_some());
    let size = |record: Option<&Record>| record.map_or(0, |record| i64::from(record.size_bytes));
    let bytes = size(new) - size(old);
    if items != 0 {
        batch.add(counter_key(table.id, BASE, COUNT_ITEMS), items);
    }
    if bytes != 0 {
        batch.add(counter_key(table.id, BASE, COUNT_BYTES), bytes);
    }
}

pub(crate) fn token_key(token: &RequestToken) -> Vec<u8> {
    KeyBuilder::new(Space::Tokens).bytes(token.token.as_bytes()).build()
}

/// What a token's row holds: whose it is and until when.
pub(crate) fn decode_token(value: &[u8]) -> Option<(u64, u64)> {
    let (fingerprint, expires_ms) = value.split_at_checked(8)?;
    Some((u64::from_be_bytes(fingerprint.try_into().ok()?), u64::from_be_bytes(expires_ms.try_into().ok()?)))
}

/// How a request ends whose token was used before, by what is stored of the token.
fn used_before(token: &RequestToken, stored: Option<&Value>, now_ms: u64) -> Option<Attempt> {
    let (fingerprint, expires_ms) = decode_token(stored?)?;
    if expires_ms <= now_ms {
        return None;
    }
    Some(if fingerprint == token.fingerprint {
        Attempt::Ended(WriteOutcome::Replayed)
    } else {
        Attempt::TokenMismatch
    })
}

impl Region {
    /// Does one action.
    ///
    /// # Errors
    /// What stands in its way.
    pub async fn write_one(self: &Arc<Region>, action: Action) -> Result<Written, Error> {
        match self.write_completely(vec![action], None, false).await? {
            WriteOutcome::Done(mut written) => Ok(written.pop().expect("one action was done")),
            WriteOutcome::Refused(errors) => {
                Err(errors.into_iter().flatten().next().expect("the one action was refused"))
            }
            WriteOutcome::Replayed => unreachable!("without a token nothing is replayed"),
        }
    }

    /// A transaction: does all of the actions, atomically, or none. Goes on to the end even if the caller stops waiting.
    ///
    /// # Errors
    /// If the request as a whole cannot be done. What a single action objects to is in [`WriteOutcome::Refused`].
    pub async fn write(
        self: &Arc<Region>,
        actions: Vec<Action>,
        token: Option<RequestToken>,
    ) -> Result<WriteOutcome, Error> {
        self.write_completely(actions, token, true).await
    }

    async fn write_completely(
        self: &Arc<Region>,
        actions: Vec<Action>,
        token: Option<RequestToken>,
        transaction: bool,
    ) -> Result<WriteOutcome, Error> {
        let region = Arc::clone(self);
        // A write that is abandoned halfway would let watermarks pass its version before it is committed.
        let work = async move { region.write_to_the_end(&actions, token.as_ref(), transaction).await };
        self.env.to_the_end("write", work).await
    }

    async fn write_to_the_end(
        &self,
        actions: &[Action],
        token: Option<&RequestToken>,
        transaction: bool,
    ) -> Result<WriteOutcome, Error> {
        // The fences are read with the items, so a record from the cache will do, unless it finds fault with the request.
        let mut lookup = Lookup::Cached;
        for _ in 0..ATTEMPTS_MAX {
            let prepared = match self.prepare(actions, lookup).await {
                Ok(Ok(prepared)) => prepared,
                _ if lookup == Lookup::Cached => {
                    lookup = Lookup::Checked;
                    continue;
                }
                Ok(Err(refused)) => return Ok(WriteOutcome::Refused(refused)),
                Err(error) => return Err(error),
            };
            let ticket = self.clock.begin_write();
            let (mut pending, mut bill) = (None, Bill::new());
            let mut tables: Vec<&Arc<Table>> = prepared.iter().map(|prepared| &prepared.table).collect();
            tables.sort_by_key(|table| table.id);
            tables.dedup_by_key(|table| table.id);
            let counters = prepared.iter().filter_map(|prepared| prepared.collection.as_ref());
            let collections = &CollectionSizes::read(&*self.engine, counters).await?;
            let ready =
                Ready { actions, prepared: &prepared, tables: &tables, token, collections, transaction };
            let declared = ready.declare();
            let decide = |values: &[Option<Value>]| {
                bill.clear();
                self.decide(&ready, values, &mut pending, &mut bill)
            };
            let contention = ready.contention();
            let attempt = match transact_contending(&*self.engine, &declared, contention, decide).await {
                Ok((attempt, _)) => attempt,
                Err(CommitError::Contended(taken)) => match self.done_before(token).await? {
                    Some(attempt) => attempt,
                    None => return ready.conflicts(&taken),
                },
                Err(CommitError::Unknown(reason)) => {
                    self.settle(&prepared, pending.as_ref(), &reason).await?
                }
                Err(error) => return Err(commit_error(error)),
            };
            drop(ticket);
            for (table, consumed) in &bill {
                self.charge(table, consumed, CapacityKind::Write);
            }
            match attempt {
                Attempt::Done => {
                    let pending = pending.expect("a decision that is done has left its answer");
                    return Ok(WriteOutcome::Done(pending.written));
                }
                Attempt::Ended(outcome) => return Ok(outcome),
                Attempt::Outdated => lookup = Lookup::Checked,
                Attempt::Frozen => self.env.sleep(FROZEN_WAIT).await,
                Attempt::TokenMismatch => return Err(Error::IdempotentParameterMismatch),
                Attempt::Failed(error) => return Err(internal(error)),
            }
        }
        Err(internal("a write found its table changing for too long"))
    }

    /// Finds tables and keys, or what is wrong with the actions.
    async fn prepare(
        &self,
        actions: &[Action],
        lookup: Lookup,
    ) -> Result<Result<Vec<Prepared>, Vec<Option<Error>>>, Error> {
        let mut prepared: Vec<Prepared> = Vec::with_capacity(actions.len());
        let mut errors = vec![None; actions.len()];
        for (action, error) in actions.iter().zip(&mut errors) {
            let cached = self.cached_table(&action.table).filter(|_| lookup == Lookup::Cached);
            let table = match cached {
                Some(table) => table,
                None => self.active_table(&action.table).await?,
            };
            match action.primary_key(&table) {
                Ok(key) => prepared.push(Prepared {
                    item_key: table.item_key(&key),
                    collection: known_collection(&table, &key),
                    table,
                    key,
                }),
                Err(reason) => *error = Some(reason),
            }
        }
        let mut keys: Vec<&[u8]> = prepared.iter().map(|prepared| &prepared.item_key[..]).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            let message = "Transaction request cannot include multiple operations on one item";
            return Err(Error::Validation(message.to_owned()));
        }
        Ok(if errors.iter().any(Option::is_some) { Err(errors) } else { Ok(prepared) })
    }

    fn decide(
        &self,
        ready: &Ready<'_>,
        values: &[Option<Value>],
        pending: &mut Option<Pending>,
        bill: &mut Bill,
    ) -> Decision<Attempt> {
        let &Ready { actions, prepared, tables, token, .. } = ready;
        let now_ms = self.env.unix_ms();
        let mut values = values.iter();
        let mut coverage = Vec::with_capacity(tables.len());
        for table in tables {
            let fence = values.next().and_then(Option::as_ref);
            if fence.is_none_or(|fence| fence[..] != fence_value(table)) {
                return Decision::Abort(Attempt::Outdated);
            }
        }
        for table in tables {
            coverage.push((table.id, Coverage::read(table, &mut values)));
        }
        if prepared.iter().any(|prepared| find(&coverage, &prepared.table).is_frozen(&prepared.item_key)) {
            return Decision::Abort(Attempt::Frozen);
        }
        if let Some(token) = token
            && let Some(attempt) = used_before(token, values.next().and_then(Option::as_ref), now_ms)
        {
            return Decision::Abort(attempt);
        }
        let metered = tables.iter().any(|table| table.is_metered());
        if metered && let Some(refused) = self.admit_writes(ready) {
            return Decision::Abort(Attempt::Ended(WriteOutcome::Refused(refused)));
        }
        let decided = match decide_all(actions, prepared, values.clone()) {
            Ok(Ok(decided)) => decided,
            Ok(Err(refused)) => {
                if metered {
                    ready.bill_refused(values, bill);
                }
                return Decision::Abort(Attempt::Ended(WriteOutcome::Refused(refused)));
            }
            Err(error) => return Decision::Abort(Attempt::Failed(error)),
        };
        let seen = decided.iter().filter_map(|(old, _)| old.as_ref()).map(|record| record.version.time).max();
        let version = self.clock.version(seen.unwrap_or_default());
        let mut batch = Batch::new();
        let mut collections = ready.collections.clone();
        let collection_bytes_max = self.collection_bytes_max.load(Ordering::Relaxed);
        let mut too_large: Option<Vec<Option<Error>>> = None;
        let mut written = Vec::with_capacity(actions.len());
        for ((old, effect), (prepared, action)) in decided.into_iter().zip(prepared.iter().zip(actions)) {
            let table = &prepared.table;
            let effects_before = batch.effects.len();
            let live = |record: &Option<Record>| record.as_ref().and_then(Record::live);
            let new = match effect {
                Effect::Nothing => live(&old),
                Effect::Put(_) | Effect::Delete => {
                    let new = if let Effect::Put(item) = &effect { Some(with_json(item)) } else { None };
                    let change = NewChange {
                        table,
                        key: &prepared.key,
                        old: old.as_ref(),
                        new,
                        version: &version,
                        expired: action.expiry,
                        shown: true,
                        here: &self.name,
                        now_ms,
                    };
                    let cover = Cover { item_key: &prepared.item_key, coverage: find(&coverage, table) };
                    match record_change(change, &cover, &mut batch) {
                        Ok(record) => live(&record),
                        Err(error) => return Decision::Abort(Attempt::Failed(error)),
                    }
                }
            };
            if let Err(error) = collections.take(&batch.effects[effects_before..], collection_bytes_max) {
                too_large.get_or_insert_with(|| vec![None; actions.len()])[written.len()] = Some(error);
            }
            let table = Arc::clone(table);
            let version = version.clone();
            written.push(Written { table, version, old: live(&old), new, collection_bytes: None });
        }
        if let Some(refused) = too_large {
            return Decision::Abort(Attempt::Ended(WriteOutcome::Refused(refused)));
        }
        for (written, prepared) in written.iter_mut().zip(prepared) {
            written.collection_bytes =
                prepared.collection.as_ref().and_then(|counter| collections.bytes(counter));
        }
        if metered {
            match self.bill_written(ready, &written, bill) {
                Ok(None) => {}
                Ok(Some(refused)) => return Decision::Abort(Attempt::Ended(WriteOutcome::Refused(refused))),
                Err(error) => return Decision::Abort(Attempt::Failed(error)),
            }
        }
        if let Some(token) = token {
            let mut value = token.fingerprint.to_be_bytes().to_vec();
            value.extend_from_slice(&(now_ms + CLIENT_REQUEST_TOKEN_MS).to_be_bytes());
            batch.put(token_key(token), value);
        }
        *pending = Some(Pending { version, written });
        if batch.is_empty() { Decision::Abort(Attempt::Done) } else { Decision::Commit(batch, Attempt::Done) }
    }

    /// Whether the token of a transaction that others stand in the way of was used before: then it need not wait.
    async fn done_before(&self, token: Option<&RequestToken>) -> Result<Option<Attempt>, Error> {
        let Some(token) = token else { return Ok(None) };
        let stored = self.engine.get(&token_key(token)).await.map_err(internal)?;
        Ok(used_before(token, stored.as_ref(), self.env.unix_ms()))
    }

    /// Finds out what became of a commit whose outcome is unknown: its version is unique.
    async fn settle(
        &self,
        prepared: &[Prepared],
        pending: Option<&Pending>,
        reason: &str,
    ) -> Result<Attempt, Error> {
        for Prepared { item_key, .. } in prepared {
            let stored = self.engine.get(item_key).await.map_err(internal)?;
            let record = stored.map(Record::decode).transpose().map_err(internal)?;
            if record.zip(pending).is_some_and(|(record, pending)| record.version == pending.version) {
                return Ok(Attempt::Done);
            }
        }
        Err(internal(reason))
    }
}

fn find<'a>(coverage: &'a [(u64, Coverage)], table: &Table) -> &'a Coverage {
    let found = coverage.iter().find(|(id, _)| *id == table.id);
    found.map(|(_, coverage)| coverage).expect("the coverage of every table of the write was read")
}

fn with_json(item: &Item) -> (&Item, Bytes) {
    let json = item_to_json(item).into();
    (item, json)
}

type Decided<'a> = Vec<(Option<Record>, Effect<'a>)>;

fn decide_all<'a>(
    actions: &'a [Action],
    prepared: &[Prepared],
    values: std::slice::Iter<'_, Option<Value>>,
) -> Result<Result<Decided<'a>, Vec<Option<Error>>>, ReadError> {
    let mut decided = Vec::with_capacity(actions.len());
    let mut refused: Option<Vec<Option<Error>>> = None;
    for (index, ((action, prepared), value)) in actions.iter().zip(prepared).zip(values).enumerate() {
        let record = value.clone().map(Record::decode).transpose()?;
        match action.decide(&prepared.table, &prepared.key, record.as_ref()) {
            Ok(effect) => decided.push((record, effect)),
            Err(DecideError::Refused(error)) => {
                refused.get_or_insert_with(|| vec![None; actions.len()])[index] = Some(error);
            }
            Err(DecideError::Read(error)) => return Err(error),
        }
    }
    Ok(match refused {
        Some(errors) => Err(errors),
        None => Ok(decided),
    })
}
