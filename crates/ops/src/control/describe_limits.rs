//! DescribeLimits: the quotas that an account starts with. Graticule enforces what is provisioned, not these.

use graticule_model::{
    Error,
    limits::{ACCOUNT_CAPACITY_UNITS_MAX, TABLE_CAPACITY_UNITS_MAX},
};
use serde::Deserialize;

use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
struct Request {}

/// Answers the request.
///
/// # Errors
/// If the body is not JSON.
pub(crate) async fn call(_context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let Request {} = parse(body)?;
    let mut reply = Reply::new();
    reply
        .value("AccountMaxReadCapacityUnits", &ACCOUNT_CAPACITY_UNITS_MAX)
        .value("AccountMaxWriteCapacityUnits", &ACCOUNT_CAPACITY_UNITS_MAX)
        .value("TableMaxReadCapacityUnits", &TABLE_CAPACITY_UNITS_MAX)
        .value("TableMaxWriteCapacityUnits", &TABLE_CAPACITY_UNITS_MAX);
    Ok(reply.finish())
}
