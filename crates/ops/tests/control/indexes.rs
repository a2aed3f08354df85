//! A global secondary index from its creation to its end.

use serde_json::{Value, json};

use super::{describe, plain, wait_for, with};
use crate::support::{Server, fails, s};

fn update(updates: Value) -> Value {
    json!({
        "TableName": "plain",
        "AttributeDefinitions": [
            {"AttributeName": "city", "AttributeType": "S"},
            {"AttributeName": "pk", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexUpdates": updates,
    })
}

fn create(name: &str) -> Value {
    json!({"Create": {
        "IndexName": name,
        "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
    }})
}

fn delete(name: &str) -> Value {
    json!({"Delete": {"IndexName": name}})
}

#[tokio::test]
async fn an_index_is_filled_used_and_deleted() {
    let server = Server::start().await;
    server.ok("CreateTable", plain("plain")).await;
    for number in 0..300 {
        let city = if number % 3 == 0 { "Oslo" } else { "Bern" };
        let item = json!({"pk": s(&format!("key{number:03}")), "city": s(city)});
        server.ok("PutItem", json!({"TableName": "plain", "Item": item})).await;
    }
    let created = server.ok("UpdateTable", update(json!([create("by-city")]))).await;
    let created = &created["TableDescription"];
    assert_eq!(created["TableStatus"], "UPDATING");
    let table = describe(&server, "plain").await;
    assert_eq!(table["TableStatus"], "UPDATING");
    assert_eq!(created["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING");
    assert_eq!(created["GlobalSecondaryIndexes"][0]["Backfilling"], false);
    let index = &table["GlobalSecondaryIndexes"][0];
    assert_eq!((&index["IndexStatus"], &index["Backfilling"]), (&json!("CREATING"), &json!(true)));
    let attributes = json!([
        {"AttributeName": "city", "AttributeType": "S"},
        {"AttributeName": "pk", "AttributeType": "S"},
    ]);
    assert_eq!(table["AttributeDefinitions"], attributes);

    let busy = "Attempt to change a resource which is still in use: Cannot delete table while indexes are being created, updated, or deleted.";
    let one =
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
    server
        .check(vec![
            (
                "UpdateTable",
                update(json!([create("by-city")])),
                fails("ResourceInUseException", "Attempt to change a resource which is still in use: Index is being created.  Table: plain Index: by-city"),
            ),
            ("UpdateTable", update(json!([create("another")])), fails("LimitExceededException", one)),
            ("DeleteTable", json!({"TableName": "plain"}), fails("ResourceInUseException", busy)),
        ])
        .await;

    server.context.region.start_jobs();
    let table = wait_for(&server, "plain", |table| table["TableStatus"] == "ACTIVE").await;
    let index = &table["GlobalSecondaryIndexes"][0];
    assert_eq!(index["IndexStatus"], "ACTIVE");
    assert_eq!(index["Backfilling"], json!(null));
    assert_eq!(index["ItemCount"], 300);
    assert_eq!(index["IndexSizeBytes"], table["TableSizeBytes"]);
    let query = json!({
        "TableName": "plain",
        "IndexName": "by-city",
        "KeyConditionExpression": "city = :c",
        "ExpressionAttributeValues": {":c": s("Oslo")},
        "Select": "COUNT",
    });
    assert_eq!(server.ok("Query", query).await["Count"], 100);

    let deleted = server.ok("UpdateTable", update(json!([delete("by-city")]))).await;
    assert_eq!(deleted["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "DELETING");
    let table = wait_for(&server, "plain", |table| table["TableStatus"] == "ACTIVE").await;
    assert_eq!(table["GlobalSecondaryIndexes"], json!(null));
    assert_eq!(table["AttributeDefinitions"], json!([{"AttributeName": "pk", "AttributeType": "S"}]));
    server.ok("UpdateTable", update(json!([create("by-city")]))).await;
    wait_for(&server, "plain", |table| table["TableStatus"] == "ACTIVE").await;
    server.ok("DeleteTable", json!({"TableName": "plain"})).await;
}

/// A table with a local secondary index.
fn with_local_index() -> Value {
    let local = json!({
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "LocalSecondaryIndexes": [{
            "IndexName": "local",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    with(plain("plain"), local)
}

#[tokio::test]
async fn wrong_index_updates_are_refused() {
    let server = Server::start().await;
    server.ok("CreateTable", with_local_index()).await;
    let p = "One or more parameter values were invalid: ";
    let with_units = |entry: Value| {
        let mut entry = entry;
        entry["Create"]["ProvisionedThroughput"] = json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1});
        entry
    };
    let rows: Vec<(Value, String)> = vec![
        (
            update(json!([{}])),
            format!(
                "{p}One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"
            ),
        ),
        (
            update(json!([with(create("abc"), delete("abc"))])),
            format!(
                "{p}Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
            ),
        ),
        (
            update(json!([delete("abc"), create("abc")])),
            format!(
                "{p}Only one global secondary index update per index is allowed simultaneously. Index: abc"
            ),
        ),
        (
            with(update(json!([create("abc")])), json!({"AttributeDefinitions": []})),
            format!("{p}AttributeDefinitions is not specified for index: abc"),
        ),
        (
            with(
                update(json!([create("abc")])),
                json!({"AttributeDefinitions": [{"AttributeName": "city", "AttributeType": "S"}]}),
            ),
            "Invalid KeySchema: Some index key attribute have no definition".to_owned(),
        ),
        (
            with(
                update(json!([create("abc")])),
                json!({"AttributeDefinitions": [
                    {"AttributeName": "city", "AttributeType": "S"},
                    {"AttributeName": "x", "AttributeType": "S"},
                ]}),
            ),
            format!(
                "{p}Some index key attributes are not defined in AttributeDefinitions. Keys: [city, pk], AttributeDefinitions: [city, x]"
            ),
        ),
        (update(json!([create("local")])), "Attempting to create an index which already exists".to_owned()),
        (
            update(json!([delete("local")])),
            "Cannot delete an index that is not a GlobalSecondaryIndex: local".to_owned(),
        ),
        (
            update(json!([with_units(create("abc"))])),
            format!(
                "{p}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: abc when BillingMode is PAY_PER_REQUEST"
            ),
        ),
        (
            update(json!([{"Update": {"IndexName": "abc"}}])),
            format!("{p}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: abc"),
        ),
    ];
    for (request, message) in rows {
        server.refuses("UpdateTable", vec![(request, &message)]).await;
    }
    let ghost = "Requested resource not found: Index ghost for table plain";
    let one =
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
    server
        .check(vec![
            ("UpdateTable", update(json!([delete("ghost")])), fails("ResourceNotFoundException", ghost)),
            (
                "UpdateTable",
                update(json!([create("abc"), create("abd")])),
                fails("LimitExceededException", one),
            ),
        ])
        .await;
}

// An item of a table may be there before an index that cannot take it: the index goes without it, and goes on with it
// once it fits.
#[tokio::test]
async fn an_item_whose_index_key_is_too_long_is_left_out() {
    let server = Server::start().await;
    server.ok("CreateTable", plain("plain")).await;
    let put =
        |length: usize| json!({"TableName": "plain", "Item": {"pk": s("a"), "city": s(&"x".repeat(length))}});
    server.ok("PutItem", put(2049)).await;
    server.ok("UpdateTable", update(json!([create("by-city")]))).await;
    server.context.region.start_jobs();
    let table = wait_for(&server, "plain", |table| table["TableStatus"] == "ACTIVE").await;
    assert_eq!(table["GlobalSecondaryIndexes"][0]["ItemCount"], 0);
    server.ok("PutItem", put(2048)).await;
    assert_eq!(describe(&server, "plain").await["GlobalSecondaryIndexes"][0]["ItemCount"], 1);
}
