//! How far replicas have come with each other's logs: rows that outlive a restart.

use graticule_kv::{Batch, Decision, Declared, Value, transact};
use graticule_model::{Error, RegionName};

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

impl Region {
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
}
