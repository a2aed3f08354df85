//! UpdateGlobalTable: no replica can be added any more, and there is no global table to take one from.

use graticule_model::{Absent, Error};
use serde::Deserialize;

use super::{no_new_replica, nothing_named};
use crate::parameters::parse;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    global_table_name: String,
    replica_updates: Vec<ReplicaUpdate>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaUpdate {
    create: Option<Replica>,
    delete: Option<Replica>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replica {
    region_name: String,
}

/// Refuses the request.
///
/// # Errors
/// Always.
pub(crate) fn call(body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let updates = &request.replica_updates;
    if updates.iter().all(|update| update.create.is_none() && update.delete.is_none()) {
        return Err(nothing_named());
    }
    let mut created = updates.iter().filter_map(|update| update.create.as_ref()).peekable();
    if created.peek().is_some() {
        return Err(no_new_replica(created.map(|replica| replica.region_name.as_str())));
    }
    Err(Error::Absent(Absent::GlobalTable(request.global_table_name)))
}
