//! Transactions that meet each other.

#![allow(clippy::disallowed_methods)] // they meet on real threads

use graticule_model::{Error, TableName};
use graticule_tables::{Action, ActionKind, WriteOutcome};
use serde_json::json;

use super::{Clocked, table};
use crate::support::s;

/// A client that does one thing after the other never meets itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lone_client_meets_no_conflict() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", json!({"BillingMode": "PAY_PER_REQUEST"}), None)).await;
    let put = json!({"TableName": "tab", "Item": {"pk": s("a")}});
    let key = json!({"TableName": "tab", "Key": {"pk": s("a")}});
    for _ in 0..200 {
        region.ok("TransactWriteItems", json!({"TransactItems": [{"Put": put}]})).await;
        region.ok("PutItem", put.clone()).await;
        region.ok("TransactGetItems", json!({"TransactItems": [{"Get": key}]})).await;
        region.ok("DeleteItem", key.clone()).await;
    }
}

/// Whatever clients do at once, each request is done or told of a conflict, and nothing is done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_are_done_or_told_of_a_conflict() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", json!({"BillingMode": "PAY_PER_REQUEST"}), None)).await;
    let add = |pk: &str| {
        json!({
            "TableName": "tab", "Key": {"pk": s(pk)}, "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        })
    };
    let context = region.server.context.clone();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let server = crate::support::Server { context: context.clone() };
            let (single, both) =
                (add("a"), json!({"TransactItems": [{"Update": add("a")}, {"Update": add("b")}]}));
            tokio::spawn(async move {
                let mut done = 0;
                for n in 0..100 {
                    let (operation, request) = if (task + n) % 2 == 0 {
                        ("UpdateItem", &single)
                    } else {
                        ("TransactWriteItems", &both)
                    };
                    match server.call(operation, request).await {
                        Ok(_) => done += 1,
                        Err((code, message)) if operation == "UpdateItem" => {
                            assert_eq!(code, "TransactionConflictException");
                            assert_eq!(message, "Transaction is ongoing for the item");
                        }
                        Err((code, message)) => {
                            assert_eq!(code, "TransactionCanceledException");
                            assert!(
                                message.ends_with("[TransactionConflict, TransactionConflict]"),
                                "{message}"
                            );
                        }
                    }
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    let read = json!({"TableName": "tab", "Key": {"pk": s("a")}, "ConsistentRead": true});
    assert_eq!(region.ok("GetItem", read).await["Item"]["n"], json!({"N": done.to_string()}));
}

/// Of many requests with one token, one does it; the others are told so, or that it is under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_is_used_once_at_a_time() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", json!({"BillingMode": "PAY_PER_REQUEST"}), None)).await;
    let name: TableName = "tab".parse().unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (region, name) = (region.server.context.region.clone(), name.clone());
            tokio::spawn(async move {
                let key = [("pk".to_owned(), graticule_model::AttributeValue::S("a".to_owned()))].into();
                let token = graticule_tables::RequestToken { token: "once".to_owned(), fingerprint: 1 };
                match region.write(vec![Action::new(name, ActionKind::Put(key))], Some(token)).await {
                    Ok(WriteOutcome::Done(_)) => 1,
                    Ok(WriteOutcome::Replayed) | Err(Error::TransactionInProgress) => 0,
                    other => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    assert_eq!(done, 1);
}
