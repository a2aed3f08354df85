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
pub(crate) mod put_item;
pub(crate) mod query;
mod return_values;
pub(crate) mod scan;
pub(crate) mod transact_get_items;
mod transact_request;
pub(crate) mod transact_write_items;
pub(crate) mod update_item;

use graticule_model::{Error, Item};
use graticule_tables::Record;

/// The attributes of a stored item, for those who have to look at them.
fn stored_item(record: &Record) -> Result<Item, Error> {
    record.item().map_err(|error| Error::Internal(format!("Internal server error: {error}")))
}
