//! Consumed capacity: the numbers and their breakdown.

use serde_json::{Value, json};

use super::tables;
use crate::support::{Server, n, s};

/// An item of `simple` with exactly this size.
fn sized(pk: &str, size_bytes: usize) -> Value {
    json!({"pk": s(pk), "v": s(&"x".repeat(size_bytes - pk.len() - 3))})
}

fn total(table: &str, units: f64) -> Value {
    json!({"TableName": table, "CapacityUnits": units})
}

async fn consumed(server: &Server, operation: &str, request: Value, detail: &str) -> Value {
    let mut request = request;
    request["ReturnConsumedCapacity"] = json!(detail);
    server.ok(operation, request).await["ConsumedCapacity"].clone()
}

#[tokio::test]
async fn single_items() {
    let server = Server::with(tables()).await;
    let put = |size| json!({"TableName": "simple", "Item": sized("a", size)});
    let key = || json!({"TableName": "simple", "Key": {"pk": s("a")}});
    let get = |consistent: bool| json!({"TableName": "simple", "Key": {"pk": s("a")}, "ConsistentRead": consistent});
    let steps: Vec<(&str, Value, f64)> = vec![
        ("GetItem", get(true), 1.0),
        ("GetItem", get(false), 0.5),
        ("DeleteItem", key(), 1.0),
        ("PutItem", put(1024), 1.0),
        ("PutItem", put(1025), 2.0),
        ("PutItem", put(4097), 5.0),
        ("GetItem", get(true), 2.0),
        ("GetItem", get(false), 1.0),
        // The larger of the images counts.
        ("PutItem", put(10), 5.0),
        ("PutItem", put(4096), 4.0),
        ("GetItem", get(true), 1.0),
        ("UpdateItem", key(), 4.0),
        ("DeleteItem", key(), 4.0),
    ];
    for (operation, request, units) in steps {
        let shown = consumed(&server, operation, request.clone(), "TOTAL").await;
        assert_eq!(shown, total("simple", units), "{operation} {request}");
    }
    assert_eq!(consumed(&server, "GetItem", get(false), "NONE").await, Value::Null);
    assert_eq!(
        consumed(&server, "GetItem", get(false), "INDEXES").await,
        json!({"TableName": "simple", "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}})
    );
}

fn ranged(extra: Value) -> Value {
    let mut item = json!({"pk": s("a"), "sk": n(1)});
    for (name, value) in extra.as_object().expect("attributes") {
        item[name] = value.clone();
    }
    json!({"TableName": "ranged", "Item": item})
}

#[tokio::test]
async fn index_writes() {
    let server = Server::with(tables()).await;
    let units = |units: f64| json!({"CapacityUnits": units});
    let big = s(&"x".repeat(2000));
    let keys = json!({"gpk": s("g"), "gsk": n(1)});
    let with = |extra: Value| {
        let mut all = keys.clone();
        for (name, value) in extra.as_object().expect("attributes") {
            all[name] = value.clone();
        }
        all
    };
    // What is put, units of the table, of local indexes, of global indexes.
    let steps = vec![
        (json!({}), 1.0, json!(null), json!(null)),
        (
            json!({"lsk": s("l")}),
            1.0,
            json!({"local-all": units(1.0), "local-keys": units(1.0)}),
            json!(null),
        ),
        (json!({}), 1.0, json!({"local-all": units(1.0), "local-keys": units(1.0)}), json!(null)),
        (json!({"gpk": s("g")}), 1.0, json!(null), json!({"global-include": units(1.0)})),
        (keys.clone(), 1.0, json!(null), json!({"global-all": units(1.0), "global-keys": units(1.0)})),
        (with(json!({"other": n(1)})), 1.0, json!(null), json!({"global-all": units(1.0)})),
        (
            with(json!({"other": n(1), "extra": n(1)})),
            1.0,
            json!(null),
            json!({"global-all": units(1.0), "global-include": units(1.0)}),
        ),
        (with(json!({"other": n(1), "extra": n(1)})), 1.0, json!(null), json!(null)),
        (
            with(json!({"extra": big})),
            2.0,
            json!(null),
            json!({"global-all": units(2.0), "global-include": units(2.0)}),
        ),
        (
            json!({"gpk": s("h"), "gsk": n(1), "extra": big}),
            2.0,
            json!(null),
            json!({"global-all": units(4.0), "global-include": units(4.0), "global-keys": units(2.0)}),
        ),
    ];
    for (extra, table, local, global) in steps {
        let shown = consumed(&server, "PutItem", ranged(extra.clone()), "INDEXES").await;
        let sum = |indexes: &Value| -> f64 {
            let indexes = indexes.as_object().into_iter().flat_map(|indexes| indexes.values());
            indexes.filter_map(|index| index["CapacityUnits"].as_f64()).sum()
        };
        assert_eq!(shown["Table"], units(table), "{extra}");
        assert_eq!(shown["LocalSecondaryIndexes"], local, "{extra}");
        assert_eq!(shown["GlobalSecondaryIndexes"], global, "{extra}");
        assert_eq!(shown["CapacityUnits"], json!(table + sum(&local) + sum(&global)), "{extra}");
    }
}

#[tokio::test]
async fn pages() {
    let server = Server::with(tables()).await;
    for sk in 1..=3 {
        let item = json!({
            "pk": s("a"), "sk": n(sk), "lsk": s("l"), "gpk": s("g"), "gsk": n(sk), "v": s(&"x".repeat(3000)),
        });
        server.ok("PutItem", json!({"TableName": "ranged", "Item": item})).await;
    }
    let query = |index: &str, more: Value| {
        let mut request = json!({
            "TableName": "ranged", "IndexName": index, "KeyConditionExpression": "gpk = :k",
            "ExpressionAttributeValues": {":k": s("g")},
        });
        if index.starts_with("local") {
            request["KeyConditionExpression"] = json!("pk = :k");
            request["ExpressionAttributeValues"] = json!({":k": s("a")});
        }
        for (name, value) in more.as_object().expect("parameters") {
            request[name] = value.clone();
        }
        request
    };
    let shown = |table: f64, member: &str, index: &str, units: f64| {
        json!({
            "TableName": "ranged", "CapacityUnits": table + units, "Table": {"CapacityUnits": table},
            member: {index: {"CapacityUnits": units}},
        })
    };
    let local = "LocalSecondaryIndexes";
    let global = "GlobalSecondaryIndexes";
    // Some 9 KB are three read units, rounded once for the page.
    let scan = json!({"TableName": "ranged"});
    assert_eq!(consumed(&server, "Scan", scan, "TOTAL").await, total("ranged", 1.5));
    let filtered = json!({"TableName": "ranged", "ConsistentRead": true, "FilterExpression": "attribute_not_exists(pk)"});
    assert_eq!(consumed(&server, "Scan", filtered, "TOTAL").await, total("ranged", 3.0));
    let rows = vec![
        (query("global-all", json!({})), shown(0.0, global, "global-all", 1.5)),
        (query("global-keys", json!({})), shown(0.0, global, "global-keys", 0.5)),
        (query("global-all", json!({"Limit": 1})), shown(0.0, global, "global-all", 0.5)),
        (query("local-keys", json!({"ConsistentRead": true})), shown(0.0, local, "local-keys", 1.0)),
        (query("local-keys", json!({"Select": "ALL_ATTRIBUTES"})), shown(1.5, local, "local-keys", 0.5)),
        (query("local-keys", json!({"ProjectionExpression": "v"})), shown(1.5, local, "local-keys", 0.5)),
        (query("local-keys", json!({"ProjectionExpression": "lsk"})), shown(0.0, local, "local-keys", 0.5)),
    ];
    for (request, expected) in rows {
        assert_eq!(consumed(&server, "Query", request.clone(), "INDEXES").await, expected, "{request}");
    }
}

#[tokio::test]
async fn batches_and_transactions() {
    let server = Server::with(tables()).await;
    let writes = json!({"RequestItems": {
        "simple": [
            {"PutRequest": {"Item": sized("a", 1025)}},
            {"PutRequest": {"Item": sized("b", 100)}},
            {"DeleteRequest": {"Key": {"pk": s("c")}}},
        ],
        "ranged": [{"DeleteRequest": {"Key": {"pk": s("c"), "sk": n(1)}}}],
    }});
    assert_eq!(
        consumed(&server, "BatchWriteItem", writes, "TOTAL").await,
        json!([total("ranged", 1.0), total("simple", 4.0)])
    );
    let keys = json!([{"pk": s("a")}, {"pk": s("b")}, {"pk": s("missing")}]);
    let batch =
        |consistent: bool| json!({"RequestItems": {"simple": {"Keys": keys, "ConsistentRead": consistent}}});
    assert_eq!(consumed(&server, "BatchGetItem", batch(false), "TOTAL").await, json!([total("simple", 1.5)]));
    assert_eq!(consumed(&server, "BatchGetItem", batch(true), "TOTAL").await, json!([total("simple", 3.0)]));

    let gets = json!({"TransactItems": [
        {"Get": {"TableName": "simple", "Key": {"pk": s("a")}}},
        {"Get": {"TableName": "simple", "Key": {"pk": s("missing")}}},
    ]});
    assert_eq!(
        consumed(&server, "TransactGetItems", gets, "INDEXES").await,
        json!([{
            "TableName": "simple", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0,
            "Table": {"CapacityUnits": 4.0, "ReadCapacityUnits": 4.0},
        }])
    );
    let write = json!({
        "ClientRequestToken": "token",
        "TransactItems": [
            {"Put": {"TableName": "simple", "Item": sized("a", 1500)}},
            {"ConditionCheck": {"TableName": "simple", "Key": {"pk": s("b")}, "ConditionExpression": "attribute_exists(pk)"}},
        ],
    });
    assert_eq!(
        consumed(&server, "TransactWriteItems", write.clone(), "TOTAL").await,
        json!([{"TableName": "simple", "CapacityUnits": 6.0, "WriteCapacityUnits": 6.0}])
    );
    // The second time nothing is written, but the items are read.
    assert_eq!(
        consumed(&server, "TransactWriteItems", write, "TOTAL").await,
        json!([{"TableName": "simple", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}])
    );
}
