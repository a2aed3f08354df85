//! `GET /_graticule/replication?region=&table=`: links, and what each replica knows of the others.

use graticule_model::Error;
use serde_json::{Value, json};

use super::query::Query;
use crate::node::Node;

/// The state of every Region here, or of the one that is asked for.
pub(super) async fn status(node: &Node, query: &str) -> Result<Value, Error> {
    let query = Query::parse(query, &["region", "table"])?;
    let mut regions = Vec::new();
    for replicator in node.all() {
        if query.text("region").is_some_and(|wanted| wanted != replicator.region().name().as_str()) {
            continue;
        }
        let mut status = replicator.status().await?;
        if let Some(wanted) = query.text("table") {
            status.tables.retain(|table| table.table_name == wanted);
        }
        regions.push(status);
    }
    if let Some(wanted) = query.text("region").filter(|_| regions.is_empty()) {
        return Err(Error::OtherNotFound(format!("Region {wanted} is not open here")));
    }
    Ok(json!({ "Regions": regions }))
}
