//! Whether two Regions hold the same items of a table: both are scanned, and the pages compared byte by byte.
//!
//! Pages of equal tables are equal, since a page ends by the sizes of its items.

use serde_json::{Value, json};

use super::pair::Pair;
use crate::{
    control::{REGION, REPLICA_REGION},
    http::{Connection, Endpoint, exchange_in_time},
    requests::Request,
};

/// An error if the Regions differ or do not hold `items` items; `None` for any number.
pub(super) async fn check(pair: &Pair, table: &str, items: Option<u64>) -> Result<(), String> {
    let mut here = Connection::open(pair.source()).await?;
    let mut there = Connection::open(pair.target()).await?;
    let mut start = None;
    let mut count = 0;
    loop {
        let page = scan(&mut here, pair.source(), REGION, table, start.as_ref()).await?;
        let other = scan(&mut there, pair.target(), REPLICA_REGION, table, start.as_ref()).await?;
        if page != other {
            return Err(format!("{table}: the Regions differ after item {count}"));
        }
        count += last_member(&page, "Count").and_then(|count| count.as_u64()).unwrap_or(0);
        start = last_member(&page, "LastEvaluatedKey");
        if start.is_none() {
            break;
        }
    }
    match items {
        Some(items) if items != count => {
            Err(format!("{table}: {items} items were written, {count} are there"))
        }
        _ => Ok(()),
    }
}

async fn scan(
    connection: &mut Connection,
    endpoint: &Endpoint,
    region: &str,
    table: &str,
    start: Option<&Value>,
) -> Result<Vec<u8>, String> {
    let mut input = json!({"TableName": table, "ConsistentRead": true});
    if let Some(start) = start {
        input["ExclusiveStartKey"] = start.clone();
    }
    let request = Request::new(endpoint, region, "Scan", &input.to_string());
    let answer = exchange_in_time(connection, request.bytes()).await?;
    if answer.status != 200 {
        return Err(format!("Scan in {region}: {}", answer.describe()));
    }
    Ok(answer.body.to_vec())
}

/// The value of a member of the outermost object, without reading the items before it.
fn last_member(page: &[u8], name: &str) -> Option<Value> {
    let quoted = format!("\"{name}\":");
    let at = page.windows(quoted.len()).rposition(|window| window == quoted.as_bytes())?;
    serde_json::Deserializer::from_slice(&page[at + quoted.len()..]).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_page_are_found_behind_its_items() {
        let page = br#"{"Items":[{"Count":{"S":"a \"Count\": 9"},"pk":{"S":"1"}}],"Count":25,"ScannedCount":26,"LastEvaluatedKey":{"pk":{"S":"1"}}}"#;
        assert_eq!(last_member(page, "Count"), Some(json!(25)));
        assert_eq!(last_member(page, "LastEvaluatedKey"), Some(json!({"pk": {"S": "1"}})));
        assert_eq!(last_member(br#"{"Items":[],"Count":0}"#, "LastEvaluatedKey"), None);
    }
}
