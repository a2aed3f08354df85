//! BatchGetItem and BatchWriteItem.

use serde_json::{Value, json};

use super::tables;
use crate::support::{Server, answers, fails, n, s};

fn puts(count: usize) -> Value {
    (0..count).map(|index| json!({"PutRequest": {"Item": {"pk": s(&index.to_string())}}})).collect()
}

fn keys(count: usize) -> Value {
    (0..count).map(|index| json!({"pk": s(&index.to_string())})).collect()
}

#[tokio::test]
async fn write_then_get() {
    let server = Server::with(tables()).await;
    let written = server
        .ok(
            "BatchWriteItem",
            json!({
                "RequestItems": {
                    "simple": puts(24),
                    "ranged": [{"PutRequest": {"Item": {"pk": s("a"), "sk": n(1), "v": n(1)}}}],
                },
                "ReturnItemCollectionMetrics": "SIZE",
            }),
        )
        .await;
    assert_eq!(
        written,
        json!({
            "UnprocessedItems": {},
            "ItemCollectionMetrics": {"ranged": [
                {"ItemCollectionKey": {"pk": s("a")}, "SizeEstimateRangeGB": [0.0, 1.0]},
            ]},
        })
    );
    let got = server
        .ok(
            "BatchGetItem",
            json!({"RequestItems": {
                "simple": {"Keys": [{"pk": s("7")}, {"pk": s("missing")}, {"pk": s("3")}]},
                "ranged": {
                    "Keys": [{"pk": s("a"), "sk": n(1)}], "ProjectionExpression": "#v",
                    "ExpressionAttributeNames": {"#v": "v"},
                },
            }}),
        )
        .await;
    assert_eq!(
        got,
        json!({
            "Responses": {"simple": [{"pk": s("7")}, {"pk": s("3")}], "ranged": [{"v": n(1)}]},
            "UnprocessedKeys": {},
        })
    );
}

// limit: BATCH_GET_BYTES_MAX
#[tokio::test]
async fn an_answer_has_sixteen_megabytes() {
    let server = Server::with(tables()).await;
    let value = s(&"x".repeat(400 * 1024 - 20));
    for index in 0..50 {
        let item = json!({"pk": s(&index.to_string()), "v": value});
        server.ok("PutItem", json!({"TableName": "simple", "Item": item})).await;
    }
    let request = json!({
        "Keys": keys(50), "ConsistentRead": true, "ProjectionExpression": "#p", "ExpressionAttributeNames": {"#p": "pk"},
    });
    let mut left = json!({"simple": request});
    let mut found = Vec::new();
    let mut calls = 0;
    while left != json!({}) {
        assert_eq!(left["simple"]["ConsistentRead"], true);
        assert_eq!(left["simple"]["ExpressionAttributeNames"], json!({"#p": "pk"}));
        let answer = server.ok("BatchGetItem", json!({"RequestItems": left})).await;
        found.extend(answer["Responses"]["simple"].as_array().expect("items").clone());
        left = answer["UnprocessedKeys"].clone();
        calls += 1;
    }
    assert_eq!(Value::from(found), keys(50));
    assert_eq!(calls, 2);
}

const NULL: &str = "failed to satisfy constraint: Member must not be null";
const MISMATCH: &str = "The provided key element does not match the schema";
const DUPLICATES: &str = "Provided list of item keys contains duplicates";

fn items(items: Value) -> Value {
    json!({"RequestItems": items})
}

#[tokio::test]
async fn refused_reads() {
    let server = Server::with(tables()).await;
    server
        .refuses(
            "BatchGetItem",
            vec![
                (json!({}), &format!("1 validation error detected: Value null at 'requestItems' {NULL}")),
                (items(json!({})), "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"),
                (items(json!({"simple": {}})), &format!("1 validation error detected: Value null at 'requestItems.simple.member.keys' {NULL}")),
                (
                    items(json!({"simple": {"Keys": []}})),
                    "1 validation error detected: Value '[]' at 'requestItems.simple.member.keys' failed to satisfy constraint: Member must have length greater than or equal to 1",
                ),
                (items(json!({"simple": {"Keys": keys(60)}, "other": {"Keys": keys(60)}})), "Too many items requested for the BatchGetItem call"),
                (items(json!({"simple": {"Keys": [{"pk": s("a")}, {"pk": s("a")}]}})), DUPLICATES),
                (items(json!({"ranged": {"Keys": [{"pk": s("a"), "sk": {"N": "1"}}, {"pk": s("a"), "sk": {"N": "1.0"}}]}})), DUPLICATES),
                (items(json!({"simple": {"Keys": [{"pk": n(1)}]}})), MISMATCH),
            ],
        )
        .await;
}

#[tokio::test]
async fn refused_writes() {
    let server = Server::with(tables()).await;
    let one = || json!({"PutRequest": {"Item": {"pk": s("0")}}});
    server
        .refuses(
            "BatchWriteItem",
            vec![
                (json!({}), &format!("1 validation error detected: Value null at 'requestItems' {NULL}")),
                (items(json!({})), "The requestItems parameter is required for BatchWriteItem"),
                (
                    items(json!({"simple": [{"PutRequest": {}}, {"DeleteRequest": {}}]})),
                    &format!("2 validation errors detected: Value null at 'requestItems.simple.member.1.member.putRequest.item' {NULL}; Value null at 'requestItems.simple.member.2.member.deleteRequest.key' {NULL}"),
                ),
                (items(json!({"simple": puts(13), "ranged": puts(13)})), "Too many items requested for the BatchWriteItem call"),
                (items(json!({"simple": [one(), {"DeleteRequest": {"Key": {"pk": s("0")}}}]})), DUPLICATES),
                (items(json!({"simple": [one(), {"PutRequest": {"Item": {"v": n(1)}}}]})), MISMATCH),
                (items(json!({"simple": [one(), {"PutRequest": {"Item": {"pk": n(1)}}}]})), MISMATCH),
                (items(json!({"simple": [one(), {"PutRequest": {"Item": {"pk": s("b"), "v": s(&"x".repeat(409_600))}}}]})), "Item size has exceeded the maximum allowed size"),
                (
                    items(json!({"ranged": []})),
                    "1 validation error detected: Value '{ranged=[]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]",
                ),
                (items(json!({"simple": [one(), {}]})), "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
            ],
        )
        .await;
    let missing = || fails("ResourceNotFoundException", "Requested resource not found");
    server
        .check(vec![
            (
                "BatchGetItem",
                items(json!({"simple": {"Keys": keys(1)}, "missing": {"Keys": keys(1)}})),
                missing(),
            ),
            ("BatchWriteItem", items(json!({"simple": [one()], "missing": [one()]})), missing()),
            // None of the refused batches has written anything.
            (
                "Scan",
                json!({"TableName": "simple", "Select": "COUNT"}),
                answers(json!({"Count": 0, "ScannedCount": 0})),
            ),
        ])
        .await;
}
