//! Rows that are kept in memory beside the disk: few, small, read with almost every request.
//!
//! The rows below one prefix, all of them. Only the commit thread writes the store, and it changes these rows after a
//! group is durable and before the group is answered, so a read that starts after the acknowledgement of a commit finds
//! what the disk has. Transactions read them under locks that the writer of a row holds until then.

use std::collections::BTreeMap;
use std::ops::Bound;

use parking_lot::RwLock;

use crate::contract::{Effect, Key, ReadError, Value};

/// The rows.
#[derive(Default)]
pub(super) struct Resident {
    /// What their keys start with; `None` if there are to be none.
    prefix: Option<Vec<u8>>,
    rows: RwLock<BTreeMap<Key, Value>>,
}

/// What a group changes about them, in order.
#[derive(Default)]
pub(super) struct Changes(Vec<Effect>);

impl Changes {
    /// Takes note of an effect.
    pub(super) fn note(&mut self, resident: &Resident, effect: &Effect) {
        let Some(prefix) = &resident.prefix else { return };
        let touches = match effect {
            Effect::Put(key, _) | Effect::Delete(key) => key.starts_with(prefix),
            // The range covers a key with the prefix only if the prefix lies in it, or its start has the prefix.
            Effect::DeleteRange(start, end) => start.starts_with(prefix) || (start <= prefix && prefix < end),
            Effect::Add(..) | Effect::Append(..) | Effect::TrimLog(..) => false,
        };
        if touches {
            self.0.push(effect.clone());
        }
    }
}

impl Resident {
    /// The rows of a store that was just opened. `read` gives those whose keys start with `prefix`.
    pub(super) fn load(
        prefix: Option<Vec<u8>>,
        read: impl FnOnce(&[u8]) -> Result<Vec<(Key, Value)>, ReadError>,
    ) -> Result<Resident, ReadError> {
        let rows = prefix.as_deref().map_or(Ok(Vec::new()), read)?;
        Ok(Resident { prefix, rows: RwLock::new(rows.into_iter().collect()) })
    }

    /// The value of a row; `None` if rows with such keys are not kept here.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Value>> {
        let prefix = self.prefix.as_deref()?;
        key.starts_with(prefix).then(|| self.rows.read().get(key).cloned())
    }

    /// Takes in what a group has changed on disk.
    pub(super) fn apply(&self, changes: Changes) {
        if changes.0.is_empty() {
            return;
        }
        let mut rows = self.rows.write();
        for effect in changes.0 {
            match effect {
                Effect::Put(key, value) => drop(rows.insert(key, Value::from(value))),
                Effect::Delete(key) => drop(rows.remove(&key)),
                Effect::DeleteRange(start, end) if start < end => {
                    let range = (Bound::Included(start), Bound::Excluded(end));
                    let gone: Vec<Key> = rows.range(range).map(|(key, _)| key.clone()).collect();
                    gone.iter().for_each(|key| drop(rows.remove(key)));
                }
                Effect::DeleteRange(..) | Effect::Add(..) | Effect::Append(..) | Effect::TrimLog(..) => {}
            }
        }
    }
}
