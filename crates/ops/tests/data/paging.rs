//! Pages: their limits in items and bytes.

use graticule_model::KeyType;
use graticule_tables::schema::Projection;
use serde_json::{Value, json};

use super::tables;
use crate::support::{Server, TableSpec, answers, n, s};

#[tokio::test]
async fn a_limit_counts_evaluated_items() {
    let server = Server::with(tables()).await;
    for sk in 1..=3 {
        server
            .ok("PutItem", json!({"TableName": "ranged", "Item": {"pk": s("a"), "sk": n(sk), "lsk": s("l")}}))
            .await;
    }
    let query = |more: Value| {
        let mut request = json!({
            "TableName": "ranged", "KeyConditionExpression": "pk = :pk", "Limit": 2, "Select": "COUNT",
            "FilterExpression": "attribute_not_exists(lsk)", "ExpressionAttributeValues": {":pk": s("a")},
        });
        for (name, value) in more.as_object().expect("parameters") {
            request[name] = value.clone();
        }
        request
    };
    let second = json!({"pk": s("a"), "sk": n(2)});
    server
        .check(vec![
            ("Query", query(json!({})), answers(json!({"Count": 0, "ScannedCount": 2, "LastEvaluatedKey": second}))),
            ("Query", query(json!({"ExclusiveStartKey": second})), answers(json!({"Count": 0, "ScannedCount": 1}))),
            // A page that is exactly full does not know that nothing follows.
            ("Query", query(json!({"Limit": 3})), answers(json!({"Count": 0, "ScannedCount": 3, "LastEvaluatedKey": {"pk": s("a"), "sk": n(3)}}))),
            (
                "Query",
                query(json!({"IndexName": "local-all", "FilterExpression": "attribute_not_exists(sk)", "ScanIndexForward": false})),
                answers(json!({"Count": 0, "ScannedCount": 2, "LastEvaluatedKey": {"pk": s("a"), "sk": n(2), "lsk": s("l")}})),
            ),
        ])
        .await;
}

// limit: PAGE_BYTES_MAX
#[tokio::test]
async fn a_page_ends_at_a_megabyte() {
    let server = Server::with(tables()).await;
    let value = s(&"x".repeat(300 * 1024));
    for sk in 1..=5 {
        server
            .ok("PutItem", json!({"TableName": "ranged", "Item": {"pk": s("a"), "sk": n(sk), "v": value}}))
            .await;
    }
    let first = server.ok("Scan", json!({"TableName": "ranged", "Select": "COUNT"})).await;
    assert_eq!(first, json!({"Count": 4, "ScannedCount": 4, "LastEvaluatedKey": {"pk": s("a"), "sk": n(4)}}));
    let request =
        json!({"TableName": "ranged", "Select": "COUNT", "ExclusiveStartKey": first["LastEvaluatedKey"]});
    assert_eq!(server.ok("Scan", request).await, json!({"Count": 1, "ScannedCount": 1}));
}

/// Entries of a few bytes may stand for items of hundreds of kilobytes.
#[tokio::test]
async fn a_page_of_fetched_items_is_bounded_too() {
    let table = TableSpec::new("fetched", ("pk", KeyType::S)).sort("sk", KeyType::N);
    let server = Server::with([table.local("keys", ("lsk", KeyType::S), Projection::KeysOnly)]).await;
    let value = s(&"x".repeat(300 * 1024));
    for sk in 1..=5 {
        let item = json!({"pk": s("a"), "sk": n(sk), "lsk": s("l"), "v": value});
        server.ok("PutItem", json!({"TableName": "fetched", "Item": item})).await;
    }
    let request = json!({
        "TableName": "fetched", "IndexName": "keys", "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": s("a")}, "ProjectionExpression": "sk, v",
    });
    let answer = server.ok("Query", request).await;
    assert_eq!(answer["ScannedCount"], 4);
    assert_eq!(answer["LastEvaluatedKey"], json!({"pk": s("a"), "sk": n(4), "lsk": s("l")}));
}
