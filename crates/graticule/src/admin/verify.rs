//! `POST /_graticule/verify?region=&table=&peer=&repair=`: compares a replica here with the one in another Region. Answers
//! when that is done; whoever hangs up stops it.
//!
//! `POST /_graticule/expel?region=&table=&member=`: stops waiting for a member that was taken out of a global table.

use std::sync::Arc;

use graticule_model::{Error, RegionName, TableName};
use graticule_replication::Replicator;
use serde_json::{Value, json};

use super::query::Query;
use crate::node::Node;

/// Compares two replicas.
pub(super) async fn verify(node: &Node, query: &str) -> Result<Value, Error> {
    let query = Query::parse(query, &["region", "table", "peer", "repair"])?;
    let (replicator, table, peer) = subject(node, &query, "peer")?;
    let repair = match query.text("repair") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(Error::Validation(format!("repair is true or false, not {other}"))),
    };
    let verified = replicator.verify(&table, &peer, repair).await.map_err(|error| named(error, &table))?;
    let shown = serde_json::to_value(&verified).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(json!({"Region": replicator.region().name().as_str(), "Peer": peer.as_str(), "Result": shown}))
}

/// Stops waiting for a member.
pub(super) async fn expel(node: &Node, query: &str) -> Result<Value, Error> {
    let query = Query::parse(query, &["region", "table", "member"])?;
    let (replicator, name, member) = subject(node, &query, "member")?;
    let table = replicator.region().table(&name).await.map_err(|error| named(error, &name))?;
    replicator.expel(&table, &member).await?;
    Ok(json!({"Region": replicator.region().name().as_str(), "Expelled": member.as_str()}))
}

/// The Region here, the table and the other Region that a request is about.
fn subject(
    node: &Node,
    query: &Query,
    other: &str,
) -> Result<(Arc<Replicator>, TableName, RegionName), Error> {
    let (Some(region), Some(table), Some(peer)) =
        (query.text("region"), query.text("table"), query.text(other))
    else {
        return Err(Error::Validation(format!("this is asked by ?region=REGION&table=TABLE&{other}=REGION")));
    };
    let replicator =
        node.find(region).ok_or_else(|| Error::OtherNotFound(format!("Region {region} is not open here")))?;
    let peer = peer.parse().map_err(|_| Error::Validation(format!("{peer} is no name of a Region")))?;
    Ok((replicator, table.parse()?, peer))
}

fn named(error: Error, table: &TableName) -> Error {
    match error {
        Error::ResourceNotFound => Error::TableNotFound(table.to_string()),
        error => error,
    }
}
