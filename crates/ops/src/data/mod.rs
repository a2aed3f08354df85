//! The operations on items.
//!
//! Each is one function that checks in the service's order: the combination of the request's parameters, the values of
//! its key or item, parameters from before there were expressions, expressions with their names and values, then the
//! table and its key. The shape of the request has been checked before.

pub(crate) mod batch_get_item;
pub(crate) mod batch_write_item;
mod capacity;
pub(crate) mod delete_item;
mod expressions;
pub(crate) mod get_item;
mod legacy;
mod page;
pub(crate) mod partiql;
pub(crate) mod plain;
pub(crate) mod put_item;
pub(crate) mod query;
mod return_values;
pub(crate) mod scan;
pub(crate) mod transact_get_items;
mod transact_request;
pub(crate) mod transact_write_items;
pub(crate) mod update_item;

use graticule_model::{Error, Item, error::LegacyError};
use graticule_tables::StoredItem;

/// The attributes of a stored item, for those who have to look at them.
fn stored_item(record: &StoredItem) -> Result<Item, Error> {
    record.item().map_err(|error| Error::Internal(format!("Internal server error: {error}")))
}

/// How PutItem, UpdateItem and DeleteItem report what is wrong with the request itself: in the words for constraints of
/// the service model. What is wrong with the item, its key, its size or its numbers stands alone, as everywhere else.
pub(crate) fn request_fault(error: Error) -> Error {
    let of_the_item = matches!(error, Error::Legacy(LegacyError::UpdateTypesDiffer));
    match error {
        // Such a value is reported as if it stood in an item.
        Error::PlaceholderValueInvalid { cause, .. } if is_malformed(&cause) => request_fault(*cause),
        Error::Validation(_)
        | Error::Expression(..)
        | Error::Legacy(_)
        | Error::PlaceholderValueInvalid { .. }
        | Error::AttributeNameEmpty
            if !of_the_item =>
        {
            Error::Constraints(vec![error.to_string()])
        }
        error if is_malformed(&error) => Error::Constraints(vec![error.to_string()]),
        error => error,
    }
}

/// Whether a value has a form that none can have.
fn is_malformed(error: &Error) -> bool {
    matches!(
        error,
        Error::SetEmpty(_)
            | Error::StringSetDuplicates(_)
            | Error::BinarySetDuplicates(_)
            | Error::NumberSetDuplicates
            | Error::NullNotTrue
    )
}
