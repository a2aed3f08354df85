//! Which items an index covers while it is being filled.
//!
//! An index covers the items up to its progress: writes of those maintain its entries. Items beyond are left to the job
//! that fills it, and for the moment in which the job adds the next few of them, their writes wait.

use std::time::Duration;

use graticule_kv::Value;

use crate::{
    layout::{KeyBuilder, Space},
    schema::{IndexState, Table},
};

/// How long to wait for items that an index is being filled with.
pub(crate) const FROZEN_WAIT: Duration = Duration::from_millis(1);

/// How far an index that is being filled covers its table's items, by their stored keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Items up to here are covered: writes maintain their entries.
    pub(crate) covered: Vec<u8>,
    /// Items after `covered` up to here are being added just now: writes wait.
    pub(crate) frozen: Vec<u8>,
}

impl Progress {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = (self.covered.len() as u32).to_be_bytes().to_vec();
        out.extend_from_slice(&self.covered);
        out.extend_from_slice(&self.frozen);
        out
    }

    /// Reads a stored row; nothing is covered before the first one.
    pub(crate) fn decode(stored: Option<&Value>) -> Progress {
        let read = || {
            let (length, rest) = stored?.split_at_checked(4)?;
            let (covered, frozen) =
                rest.split_at_checked(u32::from_be_bytes(length.try_into().ok()?) as usize)?;
            Some(Progress { covered: covered.to_vec(), frozen: frozen.to_vec() })
        };
        read().unwrap_or_default()
    }
}

/// Which items the indexes of one table cover: all of them, but for indexes that are being filled.
#[derive(Debug, Default)]
pub(crate) struct Coverage(Vec<(u32, Progress)>);

impl Coverage {
    /// The rows to read with a write of `table`.
    pub(crate) fn keys(table: &Table) -> Vec<Vec<u8>> {
        Coverage::filling(table).map(|id| progress_key(table.id, id)).collect()
    }

    fn filling(table: &Table) -> impl Iterator<Item = u32> {
        table.indexes.values().filter(|index| index.state == IndexState::Backfilling).map(|index| index.id)
    }

    /// Takes the values of [`Coverage::keys`].
    pub(crate) fn read(table: &Table, values: &mut std::slice::Iter<'_, Option<Value>>) -> Coverage {
        let mut progress = || Progress::decode(values.next().and_then(Option::as_ref));
        Coverage(Coverage::filling(table).map(|id| (id, progress())).collect())
    }

    /// Whether a write of the item has to wait.
    pub(crate) fn is_frozen(&self, item_key: &[u8]) -> bool {
        self.0
            .iter()
            .any(|(_, progress)| item_key > &progress.covered[..] && item_key <= &progress.frozen[..])
    }

    pub(crate) fn covers(&self, index_id: u32, item_key: &[u8]) -> bool {
        self.0
            .iter()
            .find(|(id, _)| *id == index_id)
            .is_none_or(|(_, progress)| item_key <= &progress.covered[..])
    }
}

/// Where an item lies and which indexes cover it.
pub(crate) struct Cover<'a> {
    pub(crate) item_key: &'a [u8],
    pub(crate) coverage: &'a Coverage,
}

pub(crate) fn progress_key(table_id: u64, index_id: u32) -> Vec<u8> {
    KeyBuilder::table(Space::Progress, table_id).small(index_id).build()
}
