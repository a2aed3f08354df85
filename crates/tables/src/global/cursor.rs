//! How far replicas have come with each other's logs: rows that outlive a restart.

use graticule_kv::{Batch, Decision, Declared, Value, transact};
use graticule_model::{Error, RegionName, version::HybridTime};
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::{commit_error, fence_key},
    layout::{KeyBuilder, Space},
    region::{Region, internal},
    schema::Table,
};

#[derive(Clone, Copy)]
pub(super) enum CursorKind {
    /// What a peer has acknowledged of our log.
    Sent = 0,
    /// What we have applied of a peer's log.
    Received = 1,
}

/// The row that says how far tombstones of a table are forgotten.
pub(crate) fn forgotten_key(table: &Table) -> Vec<u8> {
    KeyBuilder::table(Space::Cursors, table.id).bytes(&[FORGOTTEN]).build()
}

const FORGOTTEN: u8 = 2;

/// The row of [`forgotten_key`]: tombstones before this time may be gone.
pub(crate) fn encode_forgotten(before: HybridTime) -> [u8; 8] {
    before.to_bits().to_be_bytes()
}

/// What [`encode_forgotten`] gave; nothing is forgotten if there is no row.
pub(crate) fn decode_forgotten(value: Option<&Value>) -> HybridTime {
    let bits = value.and_then(|value| Some(u64::from_be_bytes(value.as_ref().try_into().ok()?)));
    bits.map_or(HybridTime::ZERO, HybridTime::from_bits)
}

pub(super) fn cursor_key(table: &Table, kind: CursorKind, peer: &RegionName) -> Vec<u8> {
    KeyBuilder::table(Space::Cursors, table.id).bytes(&[kind as u8]).bytes(peer.as_str().as_bytes()).build()
}

/// A cursor is a position in a certain log: of a replica that was dropped and made anew, nothing is known.
pub(super) fn encode_cursor(position: u64, log: &str) -> Vec<u8> {
    [&position.to_be_bytes(), log.as_bytes()].concat()
}

pub(super) fn decode_cursor(value: &[u8], log: &str) -> Option<u64> {
    let (position, stored_log) = value.split_at_checked(8)?;
    (stored_log == log.as_bytes()).then_some(u64::from_be_bytes(position.try_into().ok()?))
}

/// How far a member has come with a table's log. What one replica of a Region has acknowledged says nothing of the one
/// that follows it, so both have the position from which on a new one needs the log, until it is complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentCursor {
    /// Names the log.
    log: String,
    /// From here on the log is needed by a replica that has nothing of it yet.
    base: u64,
    /// The replica that acknowledged, by its TableId, and the position before which it has everything.
    acknowledged: Option<(String, u64)>,
}

impl SentCursor {
    /// A cursor of which nothing is acknowledged yet.
    pub(super) fn new(log: String, base: u64) -> SentCursor {
        SentCursor { log, base, acknowledged: None }
    }

    /// Where to go on with `replica`.
    pub fn position_of(&self, replica: &str) -> u64 {
        match &self.acknowledged {
            Some((acknowledged, position)) if acknowledged == replica => self.base.max(*position),
            _ => self.base,
        }
    }

    /// The log must be kept from here on. While the member is being filled, the replica may be made anew.
    pub fn floor(&self, joining: bool) -> u64 {
        match &self.acknowledged {
            Some((_, position)) if !joining => self.base.max(*position),
            _ => self.base,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn decode(value: &[u8], log: &str) -> Option<SentCursor> {
        let cursor: SentCursor = serde_json::from_slice(value).ok()?;
        (cursor.log == log).then_some(cursor)
    }
}

impl Region {
    /// How far `peer` has acknowledged this table's log.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn sent_cursor(&self, table: &Table, peer: &RegionName) -> Result<SentCursor, Error> {
        let stored = self.engine.get(&cursor_key(table, CursorKind::Sent, peer)).await.map_err(internal)?;
        let cursor = stored.and_then(|value| SentCursor::decode(&value, &table.uuid));
        Ok(cursor.unwrap_or_else(|| SentCursor::new(table.uuid.clone(), 0)))
    }

    /// Remembers that the replica `replica` in `peer` has acknowledged this table's log before `position`. Never moves
    /// back for one replica, so that a late save does no harm.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn save_sent_cursor(
        &self,
        table: &Table,
        peer: &RegionName,
        replica: &str,
        position: u64,
    ) -> Result<(), Error> {
        let key = cursor_key(table, CursorKind::Sent, peer);
        let declared = Declared { reads: vec![fence_key(&table.name)], writes: vec![key.clone()] };
        let decide = |values: &[Option<Value>]| {
            // The fence's id, not its revision: settings may change meanwhile, the log does not.
            let same_table = values[0].as_ref().is_some_and(|fence| fence[..8] == table.id.to_be_bytes());
            let stored = values[1].as_ref().and_then(|value| SentCursor::decode(value, &table.uuid));
            let mut cursor = stored.unwrap_or_else(|| SentCursor::new(table.uuid.clone(), 0));
            let known = cursor.acknowledged.as_ref().filter(|(acknowledged, _)| acknowledged == replica);
            if !same_table || known.is_some_and(|(_, known)| *known >= position) {
                return Decision::Abort(());
            }
            cursor.acknowledged = Some((replica.to_owned(), position));
            let mut batch = Batch::new();
            batch.put(key.clone(), cursor.encode());
            Decision::Commit(batch, ())
        };
        transact(&*self.engine, &declared, decide).await.map_err(commit_error)?;
        Ok(())
    }

    /// Tombstones of this table from before this time may be gone: what was written before it and is not there was deleted.
    ///
    /// # Errors
    /// If the engine fails.
    pub async fn forgotten_time(&self, table: &Table) -> Result<HybridTime, Error> {
        let stored = self.engine.get(&forgotten_key(table)).await.map_err(internal)?;
        Ok(decode_forgotten(stored.as_ref()))
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
}
