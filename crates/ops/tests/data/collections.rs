//! Item collections that may not grow any more: every operation says so, and what shrinks them goes on.

use serde_json::{Value, json};

use super::tables;
use crate::support::{Server, answers, fails, n, s};

/// An item of `bytes` bytes that no local index holds.
fn item(pk: &str, sk: i64, bytes: usize) -> Value {
    // pk + 1, sk + 2, text.
    json!({"pk": s(pk), "sk": n(sk), "text": s(&"x".repeat(bytes - 11))})
}

fn put(item: &Value) -> Value {
    json!({"TableName": "ranged", "Item": item})
}

const NAME: &str = "ItemCollectionSizeLimitExceededException";
const MESSAGE: &str = "Collection size exceeded.";

async fn full() -> Server {
    let server = Server::with(tables()).await;
    server.context.region.set_collection_bytes_max(300);
    for sk in 1..=3 {
        server.ok("PutItem", put(&item("p", sk, 100))).await;
    }
    server
}

// limit: COLLECTION_BYTES_MAX
#[tokio::test]
async fn single_writes() {
    let server = full().await;
    let update = |text: &str| {
        json!({
            "TableName": "ranged", "Key": {"pk": s("p"), "sk": n(1)}, "UpdateExpression": "SET #t = :t",
            "ExpressionAttributeNames": {"#t": "text"}, "ExpressionAttributeValues": {":t": s(text)},
        })
    };
    let indexed = json!({"pk": s("p"), "sk": n(1), "lsk": s("l"), "text": s(&"x".repeat(80))});
    let new_name = "INSERT INTO ranged VALUE {'pk': 'p', 'sk': 9}";
    let too_large = || fails(NAME, MESSAGE);
    let key = json!({"pk": s("p"), "sk": n(3)});
    server
        .check(vec![
            ("PutItem", put(&item("p", 4, 20)), too_large()),
            ("PutItem", put(&item("p", 1, 101)), too_large()),
            ("PutItem", put(&indexed), too_large()),
            ("UpdateItem", update(&"x".repeat(90)), too_large()),
            ("ExecuteStatement", json!({"Statement": new_name}), too_large()),
            ("PutItem", put(&item("q", 1, 300)), answers(json!({}))),
            ("PutItem", put(&item("p", 1, 100)), answers(json!({}))),
            ("UpdateItem", update("short"), answers(json!({}))),
            ("DeleteItem", json!({"TableName": "ranged", "Key": key}), answers(json!({}))),
            ("PutItem", put(&item("p", 4, 100)), answers(json!({}))),
        ])
        .await;
    // A condition that does not hold is found first.
    let mut conditional = put(&item("p", 1, 290));
    conditional["ConditionExpression"] = json!("attribute_not_exists(pk)");
    let failed = fails("ConditionalCheckFailedException", "The conditional request failed");
    server.check(vec![("PutItem", conditional, failed)]).await;
}

#[tokio::test]
async fn batches_and_transactions() {
    let server = full().await;
    let batch = json!({"RequestItems": {"ranged": [{"PutRequest": {"Item": item("p", 4, 20)}}]}});
    let transaction = |items: [Value; 2]| {
        let put = |item: Value| json!({"Put": {"TableName": "ranged", "Item": item}});
        json!({"TransactItems": items.map(put)})
    };
    let cancelled = "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ItemCollectionSizeLimitExceeded]";
    let swapped = json!({"TransactItems": [
        {"Delete": {"TableName": "ranged", "Key": {"pk": s("p"), "sk": n(3)}}},
        {"Put": {"TableName": "ranged", "Item": item("p", 4, 100)}},
    ], "ReturnItemCollectionMetrics": "SIZE"});
    let collection = json!({"ItemCollectionKey": {"pk": s("p")}, "SizeEstimateRangeGB": [0.0, 1.0]});
    server
        .check(vec![
            ("BatchWriteItem", batch, fails(NAME, MESSAGE)),
            (
                "TransactWriteItems",
                transaction([item("q", 1, 100), item("p", 4, 20)]),
                fails("TransactionCanceledException", cancelled),
            ),
            ("TransactWriteItems", transaction([item("q", 1, 100), item("p", 3, 90)]), answers(json!({}))),
            (
                "TransactWriteItems",
                swapped,
                answers(json!({"ItemCollectionMetrics": {"ranged": [collection, collection]}})),
            ),
        ])
        .await;
    let request = transaction([item("q", 1, 100), item("p", 5, 20)]).to_string();
    let error = server.call_raw("TransactWriteItems", &request).await.expect_err("the collection is full");
    let reason = json!({"Code": "ItemCollectionSizeLimitExceeded", "Message": MESSAGE});
    assert_eq!(error["CancellationReasons"], json!([{"Code": "None"}, reason]));
}
