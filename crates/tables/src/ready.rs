//! A write with everything at hand that its decision needs: the keys it names, how it stands to transactions that want
//! the same items, and what it pays where capacity is limited.
//!
//! It knows neither what the actions do nor how they are committed.

use std::sync::Arc;

use graticule_kv::{Contention, Declared, ReadError, Value};
use graticule_model::{CapacityKind, Error};

use crate::{
    action::Action,
    catalogue::fence_key,
    collections::CollectionSizes,
    consumed::{Consumed, write_units},
    coverage::Coverage,
    record::Record,
    region::Region,
    schema::{PrimaryKey, Table},
    write::{RequestToken, WriteOutcome, Written, token_key},
};

/// One action with its table and key resolved.
pub(crate) struct Prepared {
    pub(crate) table: Arc<Table>,
    pub(crate) key: PrimaryKey,
    pub(crate) item_key: Vec<u8>,
    /// The counter of its item collection, if that has one.
    pub(crate) collection: Option<Vec<u8>>,
}

/// A write that is ready to be decided.
pub(crate) struct Ready<'a> {
    pub(crate) actions: &'a [Action],
    pub(crate) prepared: &'a [Prepared],
    /// The tables of the actions, each once.
    pub(crate) tables: &'a [&'a Arc<Table>],
    pub(crate) token: Option<&'a RequestToken>,
    /// The item collections as they were just before.
    pub(crate) collections: &'a CollectionSizes,
    /// It pays for preparing and committing.
    pub(crate) transaction: bool,
}

/// What a write is to pay, as far as tables with limited capacity are concerned.
pub(crate) type Bill = Vec<(Arc<Table>, Consumed)>;

impl Ready<'_> {
    /// Clients are told of transactions that have an item; expiry waits for them.
    pub(crate) fn contention(&self) -> Contention {
        match (self.transaction, self.actions.iter().any(|action| action.expiry)) {
            (true, _) => Contention::Claim,
            (false, false) => Contention::Yield,
            (false, true) => Contention::Wait,
        }
    }

    /// How the write ends if other transactions have these of its keys, as [`Ready::declare`] has them.
    pub(crate) fn conflicts(&self, taken: &[usize]) -> Result<WriteOutcome, Error> {
        let keys_before = usize::from(self.token.is_some());
        let mut errors = vec![None; self.actions.len()];
        for position in taken {
            match position.checked_sub(keys_before) {
                None => return Err(Error::TransactionInProgress),
                Some(action) => errors[action] = Some(Error::TransactionConflict),
            }
        }
        Ok(WriteOutcome::Refused(errors))
    }

    /// The keys of the write: fences and progress of indexes to read, the token and the items to change.
    pub(crate) fn declare(&self) -> Declared {
        let mut reads: Vec<Vec<u8>> = self.tables.iter().map(|table| fence_key(&table.name)).collect();
        reads.extend(self.tables.iter().flat_map(|table| Coverage::keys(table)));
        let mut writes: Vec<Vec<u8>> = self.token.into_iter().map(token_key).collect();
        writes.extend(self.prepared.iter().map(|prepared| prepared.item_key.clone()));
        Declared { reads, writes }
    }

    /// A write whose condition does not hold costs what it has looked at.
    pub(crate) fn bill_refused(&self, values: std::slice::Iter<'_, Option<Value>>, bill: &mut Bill) {
        for ((action, prepared), value) in self.actions.iter().zip(self.prepared).zip(values) {
            if action.expiry || !prepared.table.is_metered() {
                continue;
            }
            let stored = value.clone().and_then(|value| Record::decode(value).ok());
            let units = write_units(stored.map_or(0, |record| record.size_bytes as usize));
            bill.push((Arc::clone(&prepared.table), self.price(Consumed::table(units))));
        }
    }

    fn price(&self, consumed: Consumed) -> Consumed {
        if self.transaction { consumed.in_transaction() } else { consumed }
    }
}

impl Region {
    /// What stands in the way of the actions whose tables have no capacity left, if any. Expiry needs none.
    pub(crate) fn admit_writes(&self, ready: &Ready<'_>) -> Option<Vec<Option<Error>>> {
        let pairs = ready.actions.iter().zip(ready.prepared);
        let errors: Vec<Option<Error>> = pairs
            .map(|(action, prepared)| {
                if action.expiry {
                    None
                } else {
                    self.admit(&prepared.table, None, CapacityKind::Write).err()
                }
            })
            .collect();
        errors.iter().any(Option::is_some).then_some(errors)
    }

    /// Makes out the bill for what is about to be committed; or says which actions have to wait for the capacity of a
    /// global secondary index that follows them.
    pub(crate) fn bill_written(
        &self,
        ready: &Ready<'_>,
        written: &[Written],
        bill: &mut Bill,
    ) -> Result<Option<Vec<Option<Error>>>, ReadError> {
        let mut errors = vec![None; written.len()];
        for ((action, written), error) in ready.actions.iter().zip(written).zip(&mut errors) {
            if action.expiry || !written.table.is_metered() {
                continue;
            }
            let consumed = Consumed::of_change(&written.table, written.old.as_ref(), written.new.as_ref())?;
            *error = self.admit_index_writes(&written.table, &consumed).err();
            bill.push((Arc::clone(&written.table), ready.price(consumed)));
        }
        if errors.iter().all(Option::is_none) {
            return Ok(None);
        }
        bill.clear();
        Ok(Some(errors))
    }
}
