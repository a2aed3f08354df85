//! Disassociate: this Region's replica becomes a table of its own, with all it has.
//!
//! Here it is only decided that it may; replication sees to it that nothing is lost on either side. Until then the
//! replica is UPDATING, takes reads and writes, and is not changed otherwise.

use std::sync::Arc;

use graticule_model::{Error, TableName};
use graticule_tables::{Table, schema::Detaching};

use super::{super::check_idle, super::not_found, invalid, replicas::not_member};
use crate::Context;

/// Begins to take the replica out of its global table.
///
/// # Errors
/// If it is none, is protected, or busy; or the request is for another Region.
pub(super) async fn disassociate(
    context: &Context,
    name: &TableName,
    wanted: &str,
) -> Result<Arc<Table>, Error> {
    let region = &context.region;
    let here = region.name();
    let detach = region.update_settings(name, |table| {
        if wanted != here.as_str() {
            return invalid(
                "Only the local region can be disassociated through ReplicaUpdates. Send the request to the Region of the replica.",
            );
        }
        if table.replicas(here).next().is_none() {
            return Err(not_member(wanted));
        }
        check_idle(context, table)?;
        if table.replica.is_protected() {
            return invalid(format!(
                "Cannot disassociate table {name} in region {here} because it has disassociation protection enabled. Disable disassociation protection first."
            ));
        }
        table.detaching = Some(Detaching { requested_ms: region.env().unix_ms(), cut: None, unsettled: false });
        Ok(())
    });
    detach.await.map(|(table, ())| table).map_err(|error| not_found(name, error))
}
