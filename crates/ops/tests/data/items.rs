//! GetItem, PutItem, UpdateItem and DeleteItem: what they do and what they return.

use serde_json::json;

use super::tables;
use crate::support::{Server, answers, fails, invalid, n, s};

#[tokio::test]
async fn put_and_get() {
    let server = Server::with(tables()).await;
    let item =
        json!({"pk": s("a"), "n": {"N": "1.50"}, "set": {"SS": ["b", "a"]}, "list": {"L": [{"NULL": true}]}});
    let stored =
        json!({"pk": s("a"), "n": {"N": "1.5"}, "set": {"SS": ["a", "b"]}, "list": {"L": [{"NULL": true}]}});
    let key = json!({"TableName": "simple", "Key": {"pk": s("a")}});
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/simple";
    server
        .check(vec![
            ("GetItem", key.clone(), answers(json!({}))),
            ("PutItem", json!({"TableName": "simple", "Item": item, "ReturnValues": "ALL_OLD"}), answers(json!({}))),
            ("GetItem", key, answers(json!({"Item": stored}))),
            ("GetItem", json!({"TableName": arn, "Key": {"pk": s("a")}}), answers(json!({"Item": stored}))),
            (
                "GetItem",
                json!({
                    "TableName": "simple", "Key": {"pk": s("a")}, "ConsistentRead": true, "Unknown": [1],
                    "ProjectionExpression": "#n, list[0]", "ExpressionAttributeNames": {"#n": "n"},
                }),
                // `list` is a reserved word
                invalid("Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: list"),
            ),
            (
                "GetItem",
                json!({
                    "TableName": "simple", "Key": {"pk": s("a")},
                    "ProjectionExpression": "#n, #l[0], absent",
                    "ExpressionAttributeNames": {"#n": "n", "#l": "list"},
                }),
                answers(json!({"Item": {"n": {"N": "1.5"}, "list": {"L": [{"NULL": true}]}}})),
            ),
            (
                "GetItem",
                json!({"TableName": "simple", "Key": {"pk": s("a")}, "ProjectionExpression": "absent"}),
                answers(json!({"Item": {}})),
            ),
            (
                "PutItem",
                json!({"TableName": "simple", "Item": {"pk": s("a")}, "ReturnValues": "ALL_OLD"}),
                answers(json!({"Attributes": stored})),
            ),
            (
                "DeleteItem",
                json!({"TableName": "simple", "Key": {"pk": s("a")}, "ReturnValues": "ALL_OLD"}),
                answers(json!({"Attributes": {"pk": s("a")}})),
            ),
            (
                "DeleteItem",
                json!({"TableName": "simple", "Key": {"pk": s("a")}, "ReturnValues": "ALL_OLD"}),
                answers(json!({})),
            ),
        ])
        .await;
}

#[tokio::test]
async fn update_return_values() {
    let server = Server::with(tables()).await;
    let request = |values: &str, expression: &str| {
        json!({
            "TableName": "simple", "Key": {"pk": s("a")}, "UpdateExpression": expression,
            "ExpressionAttributeValues": {":one": n(1)}, "ReturnValues": values,
        })
    };
    let attributes = |attributes| answers(json!({"Attributes": attributes}));
    server
        .check(vec![
            ("UpdateItem", request("ALL_OLD", "SET a = :one"), answers(json!({}))),
            ("UpdateItem", request("UPDATED_OLD", "SET b = :one"), answers(json!({}))),
            ("UpdateItem", request("NONE", "SET m.x = :one"), invalid("The document path provided in the update expression is invalid for update")),
            ("UpdateItem", request("ALL_OLD", "ADD a :one"), attributes(json!({"pk": s("a"), "a": n(1), "b": n(1)}))),
            ("UpdateItem", request("UPDATED_OLD", "ADD a :one"), attributes(json!({"a": n(2)}))),
            ("UpdateItem", request("UPDATED_NEW", "ADD a :one"), attributes(json!({"a": n(4)}))),
            ("UpdateItem", request("UPDATED_NEW", "SET c = :one REMOVE b"), attributes(json!({"c": n(1)}))),
            ("UpdateItem", request("ALL_NEW", "SET a = a - :one"), attributes(json!({"pk": s("a"), "a": n(3), "c": n(1)}))),
            ("UpdateItem", request("NONE", "SET a = :one"), answers(json!({}))),
            (
                "UpdateItem",
                json!({"TableName": "simple", "Key": {"pk": s("a")}, "UpdateExpression": "REMOVE a, c", "ReturnValues": "UPDATED_NEW"}),
                answers(json!({})),
            ),
            (
                "UpdateItem",
                json!({"TableName": "simple", "Key": {"pk": s("fresh")}, "ReturnValues": "ALL_NEW"}),
                attributes(json!({"pk": s("fresh")})),
            ),
            (
                "UpdateItem",
                json!({"TableName": "simple", "Key": {"pk": s("fresh")}, "ReturnValues": "UPDATED_NEW"}),
                answers(json!({})),
            ),
        ])
        .await;
}

#[tokio::test]
async fn conditions() {
    let server = Server::with(tables()).await;
    let failed = || fails("ConditionalCheckFailedException", "The conditional request failed");
    let put = |condition: &str| json!({"TableName": "simple", "Item": {"pk": s("a"), "v": n(1)}, "ConditionExpression": condition});
    server
        .check(vec![
            ("PutItem", put("attribute_exists(pk)"), failed()),
            ("PutItem", put("attribute_not_exists(pk)"), answers(json!({}))),
            ("PutItem", put("attribute_not_exists(pk)"), failed()),
            (
                "UpdateItem",
                json!({"TableName": "simple", "Key": {"pk": s("b")}, "ConditionExpression": "attribute_exists(pk)"}),
                failed(),
            ),
            (
                "DeleteItem",
                json!({
                    "TableName": "simple", "Key": {"pk": s("a")}, "ConditionExpression": "v > :v",
                    "ExpressionAttributeValues": {":v": n(1)},
                }),
                failed(),
            ),
        ])
        .await;
    let mut request = put("attribute_not_exists(pk)");
    request["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let body = server.call_raw("PutItem", &request.to_string()).await;
    assert_eq!(
        body,
        Err(json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "message": "The conditional request failed",
            "Item": {"pk": s("a"), "v": n(1)},
        }))
    );
    // There is nothing to show of an item that is not there.
    let request = json!({
        "TableName": "simple", "Key": {"pk": s("b")}, "ConditionExpression": "attribute_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    let body = server.call_raw("DeleteItem", &request.to_string()).await;
    assert!(body.is_err_and(|body| body.get("Item").is_none()));
}

#[tokio::test]
async fn item_collection_metrics() {
    let server = Server::with(tables()).await;
    let metrics = json!({"ItemCollectionMetrics": {"ItemCollectionKey": {"pk": s("a")}, "SizeEstimateRangeGB": [0.0, 1.0]}});
    let key = json!({"pk": s("a"), "sk": n(1)});
    let size = "SIZE";
    server
        .check(vec![
            (
                "PutItem",
                json!({"TableName": "simple", "Item": {"pk": s("a")}, "ReturnItemCollectionMetrics": size}),
                answers(json!({})),
            ),
            (
                "PutItem",
                json!({"TableName": "ranged", "Item": key, "ReturnItemCollectionMetrics": size}),
                answers(metrics.clone()),
            ),
            (
                "PutItem",
                json!({"TableName": "ranged", "Item": key, "ReturnItemCollectionMetrics": "NONE"}),
                answers(json!({})),
            ),
            (
                "UpdateItem",
                json!({"TableName": "ranged", "Key": key, "ReturnItemCollectionMetrics": size}),
                answers(metrics.clone()),
            ),
            (
                "DeleteItem",
                json!({"TableName": "ranged", "Key": key, "ReturnItemCollectionMetrics": size}),
                answers(metrics.clone()),
            ),
            (
                "DeleteItem",
                json!({"TableName": "ranged", "Key": key, "ReturnItemCollectionMetrics": size}),
                answers(metrics),
            ),
        ])
        .await;
}

// `REMOVE` and `DELETE` on an item that was not there left an item of nothing but its key; DynamoDB makes one only for an
// update that gives something, or for no expression at all.
#[tokio::test]
async fn an_update_that_only_removes_creates_no_item() {
    let server = Server::with(tables()).await;
    let update = |text: &str| {
        let mut request = json!({"TableName": "simple", "Key": {"pk": s("a")}, "UpdateExpression": text, "ReturnValues": "ALL_NEW"});
        if text.contains(":v") {
            request["ExpressionAttributeValues"] = json!({":v": {"SS": ["x"]}});
        }
        request
    };
    let get = json!({"TableName": "simple", "Key": {"pk": s("a")}});
    let transaction = json!({"TransactItems": [{"Update": {"TableName": "simple", "Key": {"pk": s("a")}, "UpdateExpression": "REMOVE b"}}]});
    let invalid_path = "The document path provided in the update expression is invalid for update";
    let made = json!({"pk": s("a"), "c": {"SS": ["x"]}});
    server
        .check(vec![
            ("UpdateItem", update("REMOVE b"), answers(json!({}))),
            ("UpdateItem", update("DELETE b :v REMOVE c"), answers(json!({}))),
            ("UpdateItem", update("REMOVE b.c"), invalid(invalid_path)),
            ("TransactWriteItems", transaction, answers(json!({}))),
            ("GetItem", get, answers(json!({}))),
            ("UpdateItem", update("ADD c :v REMOVE b"), answers(json!({"Attributes": made}))),
            ("UpdateItem", update("DELETE c :v"), answers(json!({"Attributes": {"pk": s("a")}}))),
        ])
        .await;
}
