//! TransactWriteItems and TransactGetItems.

use std::sync::Arc;

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_ops::Context;
use graticule_tables::Region;
use serde_json::{Value, json};

use super::tables;
use crate::support::{Server, answers, fails, invalid, n, s};

fn put(pk: &str, v: i64) -> Value {
    json!({"Put": {"TableName": "simple", "Item": {"pk": s(pk), "v": n(v)}}})
}

fn check(pk: &str, condition: &str) -> Value {
    json!({"ConditionCheck": {"TableName": "simple", "Key": {"pk": s(pk)}, "ConditionExpression": condition}})
}

fn write(items: &[Value]) -> Value {
    json!({"TransactItems": items})
}

fn gets(keys: &[&str]) -> Value {
    let get = |pk: &&str| json!({"Get": {"TableName": "simple", "Key": {"pk": s(pk)}}});
    json!({"TransactItems": keys.iter().map(get).collect::<Vec<Value>>()})
}

#[tokio::test]
async fn all_or_nothing() {
    let server = Server::with(tables()).await;
    let mut increment = json!({"Update": {
        "TableName": "simple", "Key": {"pk": s("a")}, "UpdateExpression": "ADD v :one",
        "ExpressionAttributeValues": {":one": n(1)},
    }});
    let ranged = json!({"Put": {"TableName": "ranged", "Item": {"pk": s("a"), "sk": n(1)}}});
    server.ok("TransactWriteItems", write(&[put("a", 1), put("b", 1), ranged])).await;
    let delete = json!({"Delete": {"TableName": "simple", "Key": {"pk": s("b")}}});
    server
        .ok(
            "TransactWriteItems",
            write(&[increment.clone(), delete.clone(), check("c", "attribute_not_exists(pk)")]),
        )
        .await;
    let state = answers(json!({"Responses": [{"Item": {"pk": s("a"), "v": n(2)}}, {}, {}]}));
    server.check(vec![("TransactGetItems", gets(&["a", "b", "c"]), state)]).await;

    increment["Update"]["ConditionExpression"] = json!("v > :one");
    increment["Update"]["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    increment["Update"]["ExpressionAttributeValues"] = json!({":one": n(2)});
    let request = write(&[put("d", 1), increment, delete, check("c", "attribute_exists(pk)")]);
    let body = server.call_raw("TransactWriteItems", &request.to_string()).await;
    let failed = json!({"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"});
    let mut shown = failed.clone();
    shown["Item"] = json!({"pk": s("a"), "v": n(2)});
    assert_eq!(
        body,
        Err(json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None, ConditionalCheckFailed]",
            "CancellationReasons": [{"Code": "None"}, shown, {"Code": "None"}, failed],
        }))
    );
    let state = answers(json!({"Responses": [{"Item": {"pk": s("a"), "v": n(2)}}, {}]}));
    server.check(vec![("TransactGetItems", gets(&["a", "d"]), state)]).await;
}

#[tokio::test]
async fn items_that_do_not_fit_cancel() {
    let server = Server::with(tables()).await;
    server.ok("TransactWriteItems", write(&[put("a", 1)])).await;
    let update = |pk: Value, expression: &str| json!({"Update": {"TableName": "simple", "Key": {"pk": pk}, "UpdateExpression": expression}});
    let cancelled = |reason: &str| {
        fails(
            "TransactionCanceledException",
            &format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [None, {reason}]"
            ),
        )
    };
    let empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk";
    let wrong = json!({"Put": {"TableName": "simple", "Item": {"pk": n(1)}}});
    server
        .check(vec![
            (
                "TransactWriteItems",
                write(&[put("b", 1), update(s("a"), "SET v = absent")]),
                cancelled("ValidationError"),
            ),
            (
                "TransactWriteItems",
                write(&[put("b", 1), update(n(1), "REMOVE v")]),
                cancelled("ValidationError"),
            ),
            (
                "TransactWriteItems",
                write(&[put("b", 1), update(s("a"), "REMOVE pk")]),
                cancelled("ValidationError"),
            ),
            ("TransactWriteItems", write(&[put("b", 1), wrong]), cancelled("ValidationError")),
            ("TransactWriteItems", write(&[put("b", 1), put("", 1)]), invalid(empty)),
            ("TransactWriteItems", write(&[put("b", 1), update(s(""), "REMOVE v")]), invalid(empty)),
            (
                "TransactGetItems",
                json!({"TransactItems": [
                    {"Get": {"TableName": "simple", "Key": {"pk": s("a")}}},
                    {"Get": {"TableName": "simple", "Key": {"pk": n(1)}}},
                ]}),
                cancelled("ValidationError"),
            ),
            (
                "Scan",
                json!({"TableName": "simple", "Select": "COUNT"}),
                answers(json!({"Count": 1, "ScannedCount": 1})),
            ),
        ])
        .await;
    let request = write(&[update(s("a"), "SET v = absent")]).to_string();
    let body = server.call_raw("TransactWriteItems", &request).await.expect_err("the attribute is missing");
    assert_eq!(
        body["CancellationReasons"],
        json!([{"Code": "ValidationError", "Message": "The provided expression refers to an attribute that does not exist in the item"}])
    );
}

#[tokio::test]
async fn tokens() {
    let server = Server::with(tables()).await;
    let add = |amount: i64, names: bool| {
        let mut update = json!({
            "TableName": "simple", "Key": {"pk": s("a")}, "UpdateExpression": "ADD v :amount",
            "ExpressionAttributeValues": {":amount": n(amount)},
        });
        if names {
            update["UpdateExpression"] = json!("ADD #v :amount");
            update["ExpressionAttributeNames"] = json!({"#v": "v"});
        }
        json!({"TransactItems": [{"Update": update}], "ClientRequestToken": "t"})
    };
    let mismatch = || {
        fails(
            "IdempotentParameterMismatchException",
            "An error occurred (IdempotentParameterMismatchException): The request uses the same client token as a previous, but non-identical request.",
        )
    };
    let mut with_capacity = add(1, false);
    with_capacity["ReturnItemCollectionMetrics"] = json!("SIZE");
    let mut other_token = add(1, false);
    other_token["ClientRequestToken"] = json!("u");
    let state = |v: i64| answers(json!({"Item": {"pk": s("a"), "v": n(v)}}));
    let get = || json!({"TableName": "simple", "Key": {"pk": s("a")}});
    server
        .check(vec![
            ("TransactWriteItems", add(1, false), answers(json!({}))),
            ("TransactWriteItems", add(1, false), answers(json!({}))),
            ("TransactWriteItems", with_capacity, answers(json!({}))),
            ("GetItem", get(), state(1)),
            ("TransactWriteItems", add(2, false), mismatch()),
            ("TransactWriteItems", add(1, true), mismatch()),
            ("TransactWriteItems", other_token, answers(json!({}))),
            ("GetItem", get(), state(2)),
        ])
        .await;
    // How the JSON is written does not matter.
    let body = r#"{"ClientRequestToken":"w","TransactItems":[{"Put":{"Item":{"pk":{"S":"x"},"m":{"M":{"a":{"N":"1"},"b":{"N":"2"}}}},"TableName":"simple"}}]}"#;
    let same = r#"{"TransactItems": [{"Put": {"TableName": "simple", "Item": {"m": {"M": {"b": {"N": "2.0"}, "a": {"N": "1"}}}, "pk": {"S": "\u0078"}}}}], "ClientRequestToken": "w"}"#;
    assert_eq!(server.call_raw("TransactWriteItems", body).await, Ok(json!({})));
    assert_eq!(server.call_raw("TransactWriteItems", same).await, Ok(json!({})));
}

/// A client that saw the server go away asks again with its token.
// limit: CLIENT_REQUEST_TOKEN_MS
#[tokio::test]
async fn tokens_outlast_a_restart() {
    let engine = Arc::new(MemoryEngine::new());
    let open = || async {
        let name = "eu-west-1".parse().expect("the name of a Region");
        let region = Region::open(name, Arc::clone(&engine) as Arc<_>, Env::real()).await;
        let region = region.expect("the engine can be opened");
        Server { context: Context { region, endpoint: "localhost:8000".into() } }
    };
    let server = open().await;
    let key = json!([{"AttributeName": "pk", "KeyType": "HASH"}]);
    let types = json!([{"AttributeName": "pk", "AttributeType": "S"}]);
    let table = json!({"TableName": "simple", "KeySchema": key, "AttributeDefinitions": types, "BillingMode": "PAY_PER_REQUEST"});
    server.ok("CreateTable", table).await;
    let get = || json!({"TableName": "simple", "Key": {"pk": s("a")}});
    while server.call("GetItem", &get()).await.is_err() {
        server.context.region.env().sleep(std::time::Duration::from_millis(1)).await;
    }
    let add = |amount: i64| {
        json!({"ClientRequestToken": "t", "TransactItems": [{"Update": {
            "TableName": "simple", "Key": {"pk": s("a")}, "UpdateExpression": "ADD v :amount",
            "ExpressionAttributeValues": {":amount": n(amount)},
        }}]})
    };
    server.ok("TransactWriteItems", add(1)).await;
    let server = open().await;
    server.ok("TransactWriteItems", add(1)).await;
    assert_eq!(server.ok("GetItem", get()).await["Item"]["v"], n(1));
    let (code, _) = server.call("TransactWriteItems", &add(2)).await.expect_err("the request is another");
    assert_eq!(code, "IdempotentParameterMismatchException");
}

#[tokio::test]
async fn refused_transactions() {
    let server = Server::with(tables()).await;
    let twice = "Transaction request cannot include multiple operations on one item";
    let at = |path: &str, rest: &str| {
        format!(
            "1 validation error detected: Value {rest} at '{path}' failed to satisfy constraint: Member must"
        )
    };
    let mut token = write(&[put("a", 1)]);
    token["ClientRequestToken"] = json!("x".repeat(37));
    let mut both = put("a", 1);
    both["Delete"] = json!({"TableName": "simple", "Key": {"pk": s("a")}});
    let large = s(&"x".repeat(400 * 1024 - 20));
    let large: Vec<Value> = (0..11)
        .map(|index| json!({"Put": {"TableName": "simple", "Item": {"pk": s(&index.to_string()), "v": large}}}))
        .collect();
    server
        .refuses(
            "TransactWriteItems",
            vec![
                (json!({}), &format!("{} not be null", at("transactItems", "null"))),
                (
                    write(&[]),
                    &format!("{} have length greater than or equal to 1", at("transactItems", "'[]'")),
                ),
                (
                    token,
                    &format!(
                        "{} have length less than or equal to 36",
                        at("clientRequestToken", &format!("'{}'", "x".repeat(37)))
                    ),
                ),
                (
                    write(&[put("a", 1), json!({"Update": {"TableName": "simple", "Key": {"pk": s("a")}}})]),
                    &format!("{} not be null", at("transactItems.2.member.update.updateExpression", "null")),
                ),
                (write(&[json!({})]), "TransactItems can only contain one of Check, Put, Update or Delete"),
                (write(&[both]), "TransactItems can only contain one of Check, Put, Update or Delete"),
                (write(&[put("a", 1), check("a", "attribute_exists(pk)")]), twice),
                (
                    write(&[put("a", 1), check("b", "nonsense(pk)")]),
                    "Invalid ConditionExpression: Invalid function name; function: nonsense",
                ),
                (write(&large), "The aggregate size of the items in the transaction cannot exceed 4 MB"),
            ],
        )
        .await;
    server
        .refuses(
            "TransactGetItems",
            vec![
                (gets(&["a", "b", "a"]), twice),
                (
                    gets(&[]),
                    &format!("{} have length greater than or equal to 1", at("transactItems", "'[]'")),
                ),
                (
                    json!({"TransactItems": [{}]}),
                    &format!("{} not be null", at("transactItems.1.member.get", "null")),
                ),
            ],
        )
        .await;
    let missing = || fails("ResourceNotFoundException", "Requested resource not found");
    let other = json!({"Put": {"TableName": "missing", "Item": {"pk": s("a")}}});
    server
        .check(vec![
            ("TransactWriteItems", write(&[put("a", 1), other]), missing()),
            (
                "TransactGetItems",
                json!({"TransactItems": [{"Get": {"TableName": "missing", "Key": {"pk": s("a")}}}]}),
                missing(),
            ),
            (
                "Scan",
                json!({"TableName": "simple", "Select": "COUNT"}),
                answers(json!({"Count": 0, "ScannedCount": 0})),
            ),
        ])
        .await;
}

/// Money moves between accounts; whoever looks at all of them at once always sees the same sum.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transfers_keep_the_sum() {
    const ACCOUNTS: usize = 4;
    let server = Server::with(tables()).await;
    let names: Vec<String> = (0..ACCOUNTS).map(|index| index.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    server
        .ok("TransactWriteItems", write(&names.iter().map(|name| put(name, 100)).collect::<Vec<_>>()))
        .await;
    let transfer = |from: &str, to: &str| {
        let update = |pk: &str, expression: &str| {
            json!({"Update": {
                "TableName": "simple", "Key": {"pk": s(pk)}, "UpdateExpression": expression,
                "ExpressionAttributeValues": {":x": n(7)}, "ConditionExpression": "v >= :x",
            }})
        };
        write(&[update(from, "SET v = v - :x"), update(to, "SET v = v + :x")])
    };
    let sum = |answer: &Value| -> i64 {
        let responses = answer["Responses"].as_array().expect("responses").iter();
        responses
            .map(|response| {
                response["Item"]["v"]["N"].as_str().expect("a number").parse::<i64>().expect("a number")
            })
            .sum()
    };
    let movers = futures_util::future::join_all((0..ACCOUNTS).map(|from| {
        let request = transfer(names[from], names[(from + 1) % ACCOUNTS]);
        let server = &server;
        async move {
            for _ in 0..50 {
                match server.call("TransactWriteItems", &request).await {
                    Ok(_) => {}
                    Err((code, _)) => assert_eq!(code, "TransactionCanceledException"),
                }
            }
        }
    }));
    let looker = async {
        for _ in 0..100 {
            // A look at items that are being written is refused; the next one may be luckier.
            match server.call("TransactGetItems", &gets(&names)).await {
                Ok(answer) => assert_eq!(sum(&answer), 100 * ACCOUNTS as i64),
                Err((code, _)) => assert_eq!(code, "TransactionCanceledException"),
            }
        }
    };
    futures_util::future::join(movers, looker).await;
    assert_eq!(sum(&server.ok("TransactGetItems", gets(&names)).await), 100 * ACCOUNTS as i64);
}
