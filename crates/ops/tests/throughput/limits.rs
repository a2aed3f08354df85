//! What is refused when a bucket is empty, in which words, and when it goes on.

use serde_json::{Value, json};

use super::{Clocked, START_SECONDS, get, merge, provisioned, put, table};
use crate::support::s;

const TABLE_MESSAGE: &str = "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.";
const INDEX_MESSAGE: &str = "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider provisioning your under-provisioned global secondary indexes with the UpdateTable API.";
const TABLE_ARN: &str = "arn:aws:dynamodb:eu-west-1:000000000000:table/tab";

fn exceeded(message: &str, reason: &str, resource: &str) -> Value {
    json!({
        "__type": "ProvisionedThroughputExceededException",
        "message": message,
        "ThrottlingReasons": [{"reason": reason, "resource": resource}],
    })
}

// limit: BURST_SECONDS_MAX
#[tokio::test]
async fn writes_end_with_the_burst_and_go_on_at_the_provisioned_rate() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(1, 2), None)).await;
    assert_eq!(region.writes_until_refused("tab").await, 2 * START_SECONDS);
    let refused = exceeded(TABLE_MESSAGE, "TableWriteProvisionedThroughputExceeded", TABLE_ARN);
    for (operation, request) in [
        ("PutItem", put("tab", 10)),
        ("DeleteItem", json!({"TableName": "tab", "Key": {"pk": s("b")}})),
        ("UpdateItem", json!({"TableName": "tab", "Key": {"pk": s("b")}})),
        ("BatchWriteItem", json!({"RequestItems": {"tab": [{"PutRequest": {"Item": {"pk": s("b")}}}]}})),
    ] {
        assert_eq!(region.fails(operation, request).await, refused, "{operation}");
    }
    // Reads have a bucket of their own.
    region.ok("GetItem", get("tab")).await;
    region.advance_seconds(5);
    assert_eq!(region.writes_until_refused("tab").await, 10);
    // Five minutes of capacity are saved up, no more.
    region.advance_seconds(3600);
    assert_eq!(region.writes_until_refused("tab").await, 600);
}

#[tokio::test]
async fn a_large_request_is_paid_for_afterwards() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(1, 2), None)).await;
    region.ok("PutItem", put("tab", 400 * 1024)).await;
    // 600 units to begin with, 400 gone; the next write takes another 400.
    region.ok("PutItem", put("tab", 10)).await;
    region.fails("PutItem", put("tab", 10)).await;
    region.advance_seconds(99);
    region.fails("PutItem", put("tab", 10)).await;
    region.advance_seconds(2);
    region.ok("PutItem", put("tab", 10)).await;
}

#[tokio::test]
async fn reads_of_every_kind_are_counted() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(2, 1000), None)).await;
    region.ok("PutItem", put("tab", 40 * 1024)).await;
    let key = json!({"pk": s("a")});
    let query = json!({
        "TableName": "tab", "KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": s("a")},
    });
    let transact = json!({"TransactItems": [{"Get": {"TableName": "tab", "Key": key}}]});
    let batch = json!({"RequestItems": {"tab": {"Keys": [key]}}});
    // They cost 10, 5, 5, 5 and 20 units each, which makes the 600 to begin with.
    for (operation, request, times) in [
        ("GetItem", get("tab"), 20),
        ("Query", query.clone(), 20),
        ("Scan", json!({"TableName": "tab"}), 20),
        ("BatchGetItem", batch.clone(), 20),
        ("TransactGetItems", transact.clone(), 5),
    ] {
        for _ in 0..times {
            region.ok(operation, request.clone()).await;
        }
    }
    let refused = exceeded(TABLE_MESSAGE, "TableReadProvisionedThroughputExceeded", TABLE_ARN);
    for (operation, request) in [
        ("GetItem", get("tab")),
        ("Query", query),
        ("Scan", json!({"TableName": "tab"})),
        ("BatchGetItem", batch),
    ] {
        assert_eq!(region.fails(operation, request).await, refused, "{operation}");
    }
    let cancelled = json!({
        "__type": "TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [ProvisionedThroughputExceeded]",
        "CancellationReasons": [{"Code": "ProvisionedThroughputExceeded", "Message": TABLE_MESSAGE}],
    });
    assert_eq!(region.fails("TransactGetItems", transact).await, cancelled);
    // A second later there is room for one.
    region.advance_seconds(1);
    region.ok("GetItem", get("tab")).await;
}

#[tokio::test]
async fn a_global_index_without_capacity_holds_back_the_writes_that_concern_it() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(100, 100), Some(provisioned(1, 1)))).await;
    let indexed = |n: u64| json!({"TableName": "tab", "Item": {"pk": s("a"), "g": s(&n.to_string())}});
    // The entry moves each time, which costs two units: the first one only enters.
    let mut written = 0;
    while region.server.call("PutItem", &indexed(written)).await.is_ok() {
        written += 1;
    }
    assert_eq!(written, 151);
    let index_arn = format!("{TABLE_ARN}/index/by-g");
    let refused = exceeded(INDEX_MESSAGE, "IndexWriteProvisionedThroughputExceeded", &index_arn);
    assert_eq!(region.fails("PutItem", indexed(99)).await, refused);
    let cancelled = region
        .fails(
            "TransactWriteItems",
            json!({"TransactItems": [
                {"Put": {"TableName": "tab", "Item": {"pk": s("b")}}},
                {"Put": indexed(99)},
            ]}),
        )
        .await;
    assert_eq!(
        cancelled["CancellationReasons"],
        json!([{"Code": "None"}, {"Code": "ProvisionedThroughputExceeded", "Message": INDEX_MESSAGE}])
    );
    // What the index does not hold goes on.
    region.ok("PutItem", json!({"TableName": "tab", "Item": {"pk": s("b")}})).await;
    // Its reads are its own too.
    let scan = json!({"TableName": "tab", "IndexName": "by-g"});
    for _ in 0..2 * START_SECONDS {
        region.ok("Scan", scan.clone()).await;
    }
    let refused = exceeded(INDEX_MESSAGE, "IndexReadProvisionedThroughputExceeded", &index_arn);
    assert_eq!(region.fails("Scan", scan).await, refused);
    region.ok("Scan", json!({"TableName": "tab"})).await;
}

#[tokio::test]
async fn batches_give_back_what_was_throttled() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(1, 1), None)).await;
    region.ok("CreateTable", table("free", json!({"BillingMode": "PAY_PER_REQUEST"}), None)).await;
    region.writes_until_refused("tab").await;
    let write = |pk: &str| json!([{"PutRequest": {"Item": {"pk": s(pk)}}}]);
    let answer =
        region.ok("BatchWriteItem", json!({"RequestItems": {"tab": write("b"), "free": write("b")}})).await;
    assert_eq!(answer, json!({"UnprocessedItems": {"tab": write("b")}}));
    while region.server.call("GetItem", &get("tab")).await.is_ok() {}
    let read = |pk: &str| json!({"Keys": [{"pk": s(pk)}], "ConsistentRead": true});
    let answer =
        region.ok("BatchGetItem", json!({"RequestItems": {"tab": read("a"), "free": read("b")}})).await;
    assert_eq!(
        answer,
        json!({
            "Responses": {"free": [{"pk": s("b")}], "tab": []},
            "UnprocessedKeys": {"tab": read("a")},
        })
    );
}

#[tokio::test]
async fn maxima_of_on_demand_tables_throttle_in_their_own_words() {
    let region = Clocked::start().await;
    let maximum = |read: u64, write: u64| json!({"OnDemandThroughput": {"MaxReadRequestUnits": read, "MaxWriteRequestUnits": write}});
    let mut members = json!({"BillingMode": "PAY_PER_REQUEST"});
    merge(&mut members, &maximum(1, 1));
    region.ok("CreateTable", table("tab", members, Some(maximum(1, 1)))).await;
    assert_eq!(region.writes_until_refused("tab").await, START_SECONDS);
    let message = "Throughput exceeds the maximum OnDemandThroughput configured on table or index";
    let refused = |reason: &str, resource: &str| {
        json!({
            "__type": "ThrottlingException",
            "message": message,
            "throttlingReasons": [{"reason": reason, "resource": resource}],
        })
    };
    let answer = region.fails("PutItem", put("tab", 10)).await;
    assert_eq!(answer, refused("TableWriteMaxOnDemandThroughputExceeded", TABLE_ARN));
    let cancelled =
        region.fails("TransactWriteItems", json!({"TransactItems": [{"Put": put("tab", 10)}]})).await;
    assert_eq!(cancelled["CancellationReasons"], json!([{"Code": "ThrottlingError", "Message": message}]));
    while region.server.call("GetItem", &get("tab")).await.is_ok() {}
    let answer = region.fails("GetItem", get("tab")).await;
    assert_eq!(answer, refused("TableReadMaxOnDemandThroughputExceeded", TABLE_ARN));
    let scan = json!({"TableName": "tab", "IndexName": "by-g"});
    while region.server.call("Scan", &scan).await.is_ok() {}
    let index_arn = format!("{TABLE_ARN}/index/by-g");
    assert_eq!(
        region.fails("Scan", scan).await,
        refused("IndexReadMaxOnDemandThroughputExceeded", &index_arn)
    );
    // Taken away, nothing holds anybody back.
    let unlimited = json!({"TableName": "tab", "OnDemandThroughput": {"MaxWriteRequestUnits": -1}});
    region.ok("UpdateTable", unlimited).await;
    for _ in 0..1000 {
        region.ok("PutItem", put("tab", 1024)).await;
    }
}

#[tokio::test]
async fn an_on_demand_table_is_not_throttled() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", json!({"BillingMode": "PAY_PER_REQUEST"}), Some(json!({})))).await;
    for _ in 0..100 {
        region.ok("PutItem", put("tab", 300 * 1024)).await;
        region.ok("Scan", json!({"TableName": "tab"})).await;
    }
}

#[tokio::test]
async fn failed_conditions_cost_what_they_have_looked_at() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(1, 1), None)).await;
    region.ok("PutItem", put("tab", 20 * 1024)).await;
    let mut refused = put("tab", 10);
    merge(&mut refused, &json!({"ConditionExpression": "attribute_not_exists(pk)"}));
    // Twenty of the 300 units to begin with are gone; each failure takes another twenty.
    for _ in 0..14 {
        assert_eq!(
            region.fails("PutItem", refused.clone()).await["__type"],
            "ConditionalCheckFailedException"
        );
    }
    let throttled = region.fails("PutItem", refused).await;
    assert_eq!(throttled["__type"], "ProvisionedThroughputExceededException");
}

#[tokio::test]
async fn more_capacity_helps_at_once() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(1, 1), None)).await;
    region.writes_until_refused("tab").await;
    let mut update = provisioned(1, 100);
    merge(&mut update, &json!({"TableName": "tab"}));
    region.ok("UpdateTable", update).await;
    region.advance_seconds(1);
    assert_eq!(region.writes_until_refused("tab").await, 100);
    region.ok("UpdateTable", json!({"TableName": "tab", "BillingMode": "PAY_PER_REQUEST"})).await;
    for _ in 0..1000 {
        region.ok("PutItem", put("tab", 1024)).await;
    }
}
