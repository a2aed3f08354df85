//! The shape of requests, checked against the service model before an operation sees them.
//!
//! `model` is generated from the service's public API model, `departures` is the list of the places where the service
//! does something else. One quick pass (`scan`) tells almost every request to be sound; what is not is looked at again
//! to report all that is wrong with it (`report`). An operation can rely on what the table says of its members.

mod departures;
mod model;
mod patterns;
mod report;
mod rules;
mod scan;
mod table;
mod words;

use graticule_model::Error;

use self::{scan::Scan, table::Kind};
use crate::Service;

/// Checks a request for a known operation.
///
/// # Errors
/// [`Error::Serialization`] for the first JSON of a wrong kind, [`Error::Constraints`] for all broken constraints.
pub(crate) fn check(service: Service, operation: &str, text: &str) -> Result<(), Error> {
    let Some(shape) = model::input(service, operation) else { return Ok(()) };
    // Structures can be read from lists too, but no request is one.
    if text.trim_ascii_start().starts_with('[') {
        return Err(Error::Serialization("Start of list found where not expected".to_owned()));
    }
    if Scan::run(shape, text).map_err(Error::Serialization)? {
        return Ok(());
    }
    let request = serde_json::from_str(text).map_err(|_| Error::Serialization(String::new()))?;
    let broken = report::broken(shape, &request);
    // Of a member that comes twice the report sees the last, which may be sound.
    if broken.is_empty() { Ok(()) } else { Err(Error::Constraints(broken)) }
}

/// The members of an operation's request, as the service's API model has them; empty for an unknown operation.
pub fn input_members(service: Service, operation: &str) -> Vec<&'static str> {
    match model::input(service, operation).map(|shape| &shape.kind) {
        Some(Kind::Structure(structure)) => structure.members.iter().map(|member| member.name).collect(),
        _ => Vec::new(),
    }
}
