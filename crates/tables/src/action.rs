//! What a client asks to be done to one item, and what comes of it: pure, given the stored item.

use std::borrow::Cow;

use bytes::Bytes;
use graticule_expr::{Condition, Update};
use graticule_kv::ReadError;
use graticule_model::{
    Error, Item, TableName,
    limits::{ITEM_SIZE_BYTES_MAX, NESTING_DEPTH_MAX},
    value::{check_item_size, item_size_bytes},
};

use crate::{
    derive::{
        check_given_index_keys, check_index_keys, check_updated_index_keys, is_indexed, projected_bytes,
    },
    record::{Record, parse_stored},
    schema::{PrimaryKey, Table},
};

/// What to do.
#[derive(Debug, Clone)]
pub enum ActionKind {
    /// Replace the whole item.
    Put(Item),
    /// Change or create the item with this key; without an update, create it if it is not there. An update that only
    /// removes does not create it.
    Update(Item, Option<Update>),
    /// Delete the item with this key.
    Delete(Item),
    /// Look at the item with this key only.
    Check(Item),
}

/// One action on one item.
#[derive(Debug, Clone)]
pub struct Action {
    /// The table.
    pub table: TableName,
    /// What to do.
    pub kind: ActionKind,
    /// Only if this holds for the stored item.
    pub condition: Option<Condition>,
    /// A failed condition carries the stored item.
    pub return_old_on_failure: bool,
    /// The item's time to live asks for this, not a client.
    pub expiry: bool,
}

impl Action {
    /// An unconditional action.
    pub fn new(table: TableName, kind: ActionKind) -> Action {
        Action { table, kind, condition: None, return_old_on_failure: false, expiry: false }
    }

    /// The key of the item that this is about.
    ///
    /// # Errors
    /// If the request's key or item does not fit the table.
    pub fn primary_key(&self, table: &Table) -> Result<PrimaryKey, Error> {
        match &self.kind {
            ActionKind::Put(item) => {
                let key = table.key_of(item)?;
                check_index_keys(table, item)?;
                check_item_size(item)?;
                if is_too_large_for_local_index(table, item) {
                    return Err(Error::ItemTooLarge);
                }
                Ok(key)
            }
            ActionKind::Update(key, update) => {
                let key = table.key_from_request(key)?;
                if let Some(update) = update
                    && let Some(name) = update.top_level_names().find(|name| table.key.contains(name))
                {
                    return Err(Error::KeyUpdated(name.to_owned()));
                }
                if let Some(update) = update {
                    check_given_index_keys(table, update)?;
                }
                Ok(key)
            }
            ActionKind::Delete(key) | ActionKind::Check(key) => table.key_from_request(key),
        }
    }

    /// Decides, given the stored item.
    ///
    /// # Errors
    /// Why the action cannot be done.
    pub(crate) fn decide<'a>(
        &'a self,
        table: &Table,
        key: &PrimaryKey,
        stored: Option<&Record>,
    ) -> Result<Effect<'a>, DecideError> {
        let old = LazyItem::of_record(stored);
        if let Some(condition) = &self.condition {
            let empty = Item::new();
            if !condition.matches(old.get()?.unwrap_or(&empty)) {
                let shown = if self.return_old_on_failure { old.get()?.cloned() } else { None };
                return Err(DecideError::Refused(Error::ConditionalCheckFailed(shown)));
            }
        }
        Ok(match &self.kind {
            ActionKind::Put(item) => Effect::Put(Cow::Borrowed(item)),
            ActionKind::Update(_, update) => {
                let stored = old.get()?;
                let creates = stored.is_none();
                let before = stored.map_or_else(|| Cow::Owned(table.key_item(key)), Cow::Borrowed);
                let after = match update {
                    Some(update) => update.apply(&before).map_err(DecideError::Refused)?,
                    None => before.into_owned(),
                };
                check_updated(table, &after).map_err(DecideError::Refused)?;
                if creates && update.as_ref().is_some_and(Update::only_removes) {
                    Effect::Nothing
                } else {
                    Effect::Put(Cow::Owned(after))
                }
            }
            ActionKind::Delete(_) => Effect::Delete,
            ActionKind::Check(_) => Effect::Nothing,
        })
    }
}

/// What becomes of the item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect<'a> {
    Put(Cow<'a, Item>),
    Delete,
    Nothing,
}

/// Why a decision was not reached.
#[derive(Debug)]
pub(crate) enum DecideError {
    /// The action does not fit the stored item.
    Refused(Error),
    /// The stored item cannot be read.
    Read(ReadError),
}

impl From<ReadError> for DecideError {
    fn from(error: ReadError) -> DecideError {
        DecideError::Read(error)
    }
}

/// A stored item that is parsed when somebody looks.
pub(crate) struct LazyItem<'a> {
    json: Option<&'a Bytes>,
    parsed: std::cell::OnceCell<Option<Item>>,
}

impl<'a> LazyItem<'a> {
    /// The item that a record holds, if it holds one.
    pub(crate) fn of_record(record: Option<&'a Record>) -> LazyItem<'a> {
        LazyItem::new(record.filter(|record| !record.tombstone).map(|record| &record.json))
    }

    /// The item with this JSON.
    pub(crate) fn new(json: Option<&'a Bytes>) -> LazyItem<'a> {
        LazyItem { json, parsed: std::cell::OnceCell::new() }
    }

    pub(crate) fn get(&self) -> Result<Option<&Item>, ReadError> {
        if self.parsed.get().is_none() {
            let item = self.json.map(|json| parse_stored(json)).transpose()?;
            let _ = self.parsed.set(item);
        }
        Ok(self.parsed.get().and_then(Option::as_ref))
    }
}

fn check_updated(table: &Table, item: &Item) -> Result<(), Error> {
    if item_size_bytes(item) > ITEM_SIZE_BYTES_MAX {
        return Err(Error::UpdatedItemTooLarge);
    }
    if item.values().any(|value| value.levels() > NESTING_DEPTH_MAX) {
        return Err(Error::NestingTooDeep);
    }
    check_updated_index_keys(table, item)?;
    if is_too_large_for_local_index(table, item) { Err(Error::UpdatedItemTooLarge) } else { Ok(()) }
}

/// Whether an item and its entry in a local index exceed the item limit together.
fn is_too_large_for_local_index(table: &Table, item: &Item) -> bool {
    if !table.has_collections() {
        return false;
    }
    let size_bytes = item_size_bytes(item);
    if size_bytes * 2 <= ITEM_SIZE_BYTES_MAX {
        return false;
    }
    let indexed = table.local_indexes.values().filter(|definition| is_indexed(definition, item));
    let largest = indexed.map(|definition| projected_bytes(table, definition, item)).max();
    size_bytes + largest.unwrap_or(0) > ITEM_SIZE_BYTES_MAX
}
