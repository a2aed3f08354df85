//! Query and Scan: what they show and what they refuse.

use serde_json::{Value, json};

use super::tables;
use crate::support::{Server, answers, fails, invalid, n, s};

async fn filled() -> Server {
    let server = Server::with(tables()).await;
    for sk in 1..=4 {
        let item = json!({"pk": s("a"), "sk": n(sk), "lsk": s(&format!("l{}", 9 - sk)), "gpk": s("g"), "gsk": n(sk % 2), "v": n(sk)});
        server.ok("PutItem", json!({"TableName": "ranged", "Item": item})).await;
    }
    server
}

fn with(mut request: Value, more: Value) -> Value {
    for (name, value) in more.as_object().expect("parameters") {
        request[name] = value.clone();
    }
    request
}

fn query(more: Value) -> Value {
    let request = json!({
        "TableName": "ranged", "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": s("a")},
    });
    with(request, more)
}

fn global(index: &str, more: Value) -> Value {
    let request = json!({
        "TableName": "ranged", "IndexName": index, "KeyConditionExpression": "gpk = :pk",
        "ExpressionAttributeValues": {":pk": s("g")},
    });
    with(request, more)
}

/// The sort keys that a request gives, in order.
async fn sort_keys(server: &Server, operation: &str, request: Value) -> Vec<i64> {
    let answer = server.ok(operation, request).await;
    let items = answer["Items"].as_array().expect("items").iter();
    items.map(|item| item["sk"]["N"].as_str().expect("a number").parse().expect("a number")).collect()
}

#[tokio::test]
async fn order_and_key_conditions() {
    let server = filled().await;
    let values = json!({":pk": s("a"), ":x": n(2), ":y": n(3)});
    let rows = [
        ("pk = :pk AND sk = :x", vec![2]),
        ("pk = :pk AND sk < :x", vec![1]),
        ("sk <= :x AND pk = :pk", vec![1, 2]),
        ("pk = :pk AND sk > :x", vec![3, 4]),
        ("pk = :pk AND sk >= :x", vec![2, 3, 4]),
        ("pk = :pk AND sk BETWEEN :x AND :y", vec![2, 3]),
    ];
    for (condition, expected) in rows {
        let mut values = values.clone();
        if !condition.contains(":y") {
            values.as_object_mut().expect("values").remove(":y");
        }
        for forward in [true, false] {
            let request = query(json!({
                "KeyConditionExpression": condition, "ExpressionAttributeValues": values, "ScanIndexForward": forward,
            }));
            let mut expected = expected.clone();
            if !forward {
                expected.reverse();
            }
            assert_eq!(sort_keys(&server, "Query", request).await, expected, "{condition}");
        }
    }
    let local = query(json!({"IndexName": "local-keys"}));
    assert_eq!(sort_keys(&server, "Query", local).await, [4, 3, 2, 1]);
    let prefix = query(json!({
        "IndexName": "local-keys", "KeyConditionExpression": "pk = :pk AND begins_with(lsk, :l)",
        "ExpressionAttributeValues": {":pk": s("a"), ":l": s("l7")},
    }));
    assert_eq!(sort_keys(&server, "Query", prefix).await, [2]);
    let mut even = sort_keys(
        &server,
        "Query",
        global(
            "global-all",
            json!({
                "KeyConditionExpression": "gpk = :pk AND gsk = :zero",
                "ExpressionAttributeValues": {":pk": s("g"), ":zero": n(0)},
            }),
        ),
    )
    .await;
    even.sort_unstable();
    assert_eq!(even, [2, 4]);
}

#[tokio::test]
async fn select_and_projection() {
    let server = filled().await;
    let first = json!({"pk": s("a"), "sk": n(1), "lsk": s("l8"), "gpk": s("g"), "gsk": n(1), "v": n(1)});
    let one = json!({":pk": s("a"), ":one": n(1)});
    let base = json!({"KeyConditionExpression": "pk = :pk AND sk = :one", "ExpressionAttributeValues": one});
    let items = |item: Value| answers(json!({"Items": [item], "Count": 1, "ScannedCount": 1}));
    let keys = json!({"pk": s("a"), "sk": n(1), "lsk": s("l8")});
    let local = |more: Value| {
        let condition = json!({
            "IndexName": "local-keys", "KeyConditionExpression": "pk = :pk AND lsk = :l",
            "ExpressionAttributeValues": {":pk": s("a"), ":l": s("l8")},
        });
        query(with(condition, more))
    };
    server
        .check(vec![
            ("Query", query(base.clone()), items(first.clone())),
            ("Query", query(with(base.clone(), json!({"Select": "ALL_ATTRIBUTES"}))), items(first.clone())),
            ("Query", query(with(base.clone(), json!({"ProjectionExpression": "v, nothing"}))), items(json!({"v": n(1)}))),
            ("Query", query(with(base.clone(), json!({"ProjectionExpression": "v", "Select": "SPECIFIC_ATTRIBUTES"}))), items(json!({"v": n(1)}))),
            ("Query", query(with(base, json!({"Select": "COUNT"}))), answers(json!({"Count": 1, "ScannedCount": 1}))),
            ("Query", local(json!({})), items(keys.clone())),
            ("Query", local(json!({"Select": "ALL_PROJECTED_ATTRIBUTES"})), items(keys)),
            ("Query", local(json!({"Select": "ALL_ATTRIBUTES"})), items(first.clone())),
            ("Query", local(json!({"ProjectionExpression": "v"})), items(json!({"v": n(1)}))),
            ("Query", query(json!({"FilterExpression": "v > :v", "ExpressionAttributeValues": {":pk": s("a"), ":v": n(4)}})), answers(json!({"Items": [], "Count": 0, "ScannedCount": 4}))),
            ("Query", query(json!({"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": s("none")}})), answers(json!({"Items": [], "Count": 0, "ScannedCount": 0}))),
            ("Scan", json!({"TableName": "ranged", "Select": "COUNT", "FilterExpression": "v <= :v", "ExpressionAttributeValues": {":v": n(3)}}), answers(json!({"Count": 3, "ScannedCount": 4}))),
            ("Scan", json!({"TableName": "ranged", "IndexName": "global-keys", "Select": "COUNT"}), answers(json!({"Count": 4, "ScannedCount": 4}))),
            ("Scan", json!({"TableName": "simple"}), answers(json!({"Items": [], "Count": 0, "ScannedCount": 0}))),
            // A filter on an index cannot ask for what the index does not hold.
            ("Scan", json!({"TableName": "ranged", "IndexName": "global-keys", "Select": "COUNT", "FilterExpression": "attribute_exists(v)"}), invalid("One or more parameter values were invalid: Secondary index global-keys does not project one or more filter attributes: [v]")),
        ])
        .await;
}

#[tokio::test]
async fn refused_combinations() {
    let server = filled().await;
    let parameter = "One or more parameter values were invalid:";
    let both = [
        (
            json!({"Select": "SPECIFIC_ATTRIBUTES"}),
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            json!({"Select": "ALL_PROJECTED_ATTRIBUTES"}),
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (json!({"IndexName": "nothing"}), "The table does not have the specified index: nothing"),
        (json!({"FilterExpression": ""}), "Invalid FilterExpression: The expression can not be empty;"),
    ];
    for (more, message) in both {
        server.refuses("Query", vec![(query(more.clone()), message)]).await;
        server.refuses("Scan", vec![(with(json!({"TableName": "ranged"}), more), message)]).await;
    }
    let not_projected =
        format!("{parameter} Global secondary index global-include does not project [gsk, v]");
    let not_all = format!(
        "{parameter} Select type ALL_ATTRIBUTES is not supported for global secondary index global-include because its projection type is not ALL"
    );
    server
        .refuses(
            "Query",
            vec![
                (json!({"TableName": "ranged"}), "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
                (query(json!({"KeyConditionExpression": "sk = :pk"})), "Query condition missed key schema element: pk"),
                (query(json!({"ExpressionAttributeValues": {":pk": n(1)}})), "One or more parameter values were invalid: Condition parameter type does not match schema type"),
                (query(json!({"FilterExpression": "sk = :pk"})), "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"),
                (global("global-all", json!({"FilterExpression": "gsk = :pk"})), "Filter Expression can only contain non-primary key attributes: Primary key attribute: gsk"),
                (global("global-all", json!({"ConsistentRead": true})), "Consistent reads are not supported on global secondary indexes"),
                (global("global-include", json!({"ProjectionExpression": "extra, v, pk, gsk"})), &not_projected),
                (global("global-include", json!({"Select": "ALL_ATTRIBUTES"})), &not_all),
                (query(json!({"ExpressionAttributeValues": {":pk": s(&"x".repeat(2049))}})), "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"),
            ],
        )
        .await;
    let missing = || fails("ResourceNotFoundException", "Requested resource not found");
    server
        .check(vec![
            (
                "Query",
                query(json!({"TableName": "missing", "KeyConditionExpression": "pk = :pk AND"})),
                invalid("Invalid KeyConditionExpression: Syntax error; token: \"<EOF>\", near: \"AND\""),
            ),
            ("Query", query(json!({"TableName": "missing"})), missing()),
            ("Scan", json!({"TableName": "missing", "IndexName": "nothing"}), missing()),
        ])
        .await;
}

#[tokio::test]
async fn start_keys_and_segments() {
    let server = filled().await;
    let key = |sk: i64| json!({"pk": s("a"), "sk": n(sk)});
    let after = |key: Value| json!({"ExclusiveStartKey": key});
    let mismatch = "The provided starting key is invalid: The provided key element does not match the schema";
    server
        .refuses(
            "Query",
            vec![
                (query(after(json!({"pk": s("a")}))), "The provided starting key is invalid"),
                (query(after(json!({"pk": s("a"), "sk": s("x")}))), "The provided starting key is invalid"),
                (query(after(with(key(1), json!({"v": n(1)})))), "The provided starting key is invalid"),
                (query(with(after(key(1)), json!({"IndexName": "local-all"}))), "The provided starting key is invalid"),
                (query(after(json!({"pk": s("b"), "sk": n(1)}))), "The provided starting key is outside query boundaries based on provided conditions"),
                (
                    query(with(after(key(1)), json!({"KeyConditionExpression": "pk = :pk AND sk > :x", "ExpressionAttributeValues": {":pk": s("a"), ":x": n(2)}}))),
                    "The provided starting key does not match the range key predicate",
                ),
            ],
        )
        .await;
    let scan = |more: Value| with(json!({"TableName": "ranged"}), more);
    server
        .refuses(
            "Scan",
            vec![
                (scan(after(json!({"pk": s("a")}))), mismatch),
                (scan(json!({"Segment": 0})), "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"),
                (scan(json!({"TotalSegments": 2})), "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"),
                (scan(json!({"Segment": 4, "TotalSegments": 4})), "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 4 is not less than TotalSegments: 4"),
            ],
        )
        .await;
    // Of a million segments only one has the item.
    let mut refused = 0;
    for segment in 0..4 {
        let request = scan(json!({"Segment": segment, "TotalSegments": 4, "ExclusiveStartKey": key(1)}));
        match server.call("Scan", &request).await {
            Ok(answer) => assert_eq!(answer["Count"], 3),
            Err((code, message)) => {
                refused += 1;
                assert_eq!(code, "ValidationException");
                assert_eq!(
                    message,
                    format!(
                        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 4 Segment: {segment}"
                    )
                );
            }
        }
    }
    assert_eq!(refused, 3);
}
