//! CreateGlobalTable: refused. Replicas are added by UpdateTable.

use graticule_model::Error;
use serde::Deserialize;

use super::{no_new_replica, nothing_named};
use crate::parameters::parse;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    replication_group: Vec<Replica>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replica {
    region_name: Option<String>,
}

/// Refuses the request.
///
/// # Errors
/// Always.
pub(crate) fn call(body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    if request.replication_group.is_empty() {
        return Err(nothing_named());
    }
    Err(no_new_replica(request.replication_group.iter().filter_map(|replica| replica.region_name.as_deref())))
}
