//! `GET /_graticule/conflicts?region=&table=&since=&until=&limit=&after=`: the conflict journal, oldest first. Times are
//! milliseconds since the epoch.

use graticule_model::{Error, TableName};
use graticule_tables::{Conflict, ConflictQuery};
use serde_json::{Value, json};

use super::query::Query;
use crate::node::Node;

/// Entries in one answer, unless it is asked for fewer.
const LIMIT: usize = 1000;

/// One page of the journal of a table in a Region.
pub(super) async fn page(node: &Node, query: &str) -> Result<Value, Error> {
    let query = Query::parse(query, &["region", "table", "since", "until", "limit", "after"])?;
    let (Some(region), Some(table)) = (query.text("region"), query.text("table")) else {
        return Err(Error::Validation("conflicts are listed by ?region=REGION&table=TABLE".to_owned()));
    };
    let replicator =
        node.find(region).ok_or_else(|| Error::OtherNotFound(format!("Region {region} is not open here")))?;
    let table = table.parse::<TableName>()?;
    let found = replicator.region().table(&table).await;
    let table = found.map_err(|error| match error {
        Error::ResourceNotFound => Error::TableNotFound(table.to_string()),
        error => error,
    })?;
    let asked = ConflictQuery {
        since_ms: query.number("since")?,
        until_ms: query.number("until")?,
        limit: query.number("limit")?.unwrap_or(LIMIT),
        after: query.text("after"),
    };
    let page = replicator.region().conflicts(&table, &asked).await?;
    let (counted, forgotten) = replicator.region().conflict_counts(&table).await?;
    let conflicts = page.conflicts.iter().map(shown).collect::<Result<Vec<Value>, _>>()?;
    Ok(json!({
        "ConflictsCounted": counted, "ConflictsForgotten": forgotten, "Conflicts": conflicts, "Next": page.next,
    }))
}

/// An entry as it is shown: key and image as what they are.
fn shown(conflict: &Conflict) -> Result<Value, Error> {
    let damaged = |error: serde_json::Error| Error::Internal(format!("an entry of the journal: {error}"));
    let parsed = |json: &String| serde_json::from_str::<Value>(json).map_err(damaged);
    let mut shown = json!({
        "AtMs": conflict.at_ms,
        "Key": parsed(&conflict.key)?,
        "Winner": side(&conflict.winner, &conflict.winner_region, conflict.winner_deletes),
        "Loser": side(&conflict.loser, &conflict.loser_region, conflict.loser_deletes),
    });
    if let Some(discarded) = &conflict.discarded {
        shown["Discarded"] = parsed(discarded)?;
    }
    Ok(shown)
}

/// A version, its Region and what it did. Versions begin with their time.
fn side(version: &str, region: &str, deletes: bool) -> Value {
    let written_ms = version.split('.').next().and_then(|time| time.parse::<u64>().ok());
    let operation = if deletes { "DELETE" } else { "PUT" };
    json!({"Version": version, "Region": region, "WrittenMs": written_ms, "Operation": operation})
}
