//! What CreateTable refuses, and in which words.

use serde_json::{Value, json};

use super::{plain, with};
use crate::support::Server;

/// Members that CreateTable refuses, with its words; `P` stands for how the service likes to begin.
async fn refuses(rows: Vec<(Value, &str)>) {
    let server = Server::start().await;
    for (members, message) in rows {
        let message = message.replacen("P: ", "One or more parameter values were invalid: ", 1);
        server.refuses("CreateTable", vec![(with(plain("abc"), members), &message)]).await;
    }
}

fn index(name: &str, hash: &str, range: Option<&str>) -> Value {
    let mut key = vec![json!({"AttributeName": hash, "KeyType": "HASH"})];
    key.extend(range.map(|range| json!({"AttributeName": range, "KeyType": "RANGE"})));
    json!({"IndexName": name, "KeySchema": key, "Projection": {"ProjectionType": "ALL"}})
}

fn definitions(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"})).collect()
}

#[tokio::test]
async fn constraints_are_collected() {
    let null = |member: &str| {
        format!("Value null at '{member}' failed to satisfy constraint: Member must not be null")
    };
    let server = Server::start().await;
    let nothing = format!(
        "3 validation errors detected: {}; {}; {}",
        null("tableName"),
        null("attributeDefinitions"),
        null("keySchema")
    );
    let one = |text: &str| format!("1 validation error detected: {text}");
    let rows: Vec<(Value, String)> = vec![
        (json!({}), nothing),
        (
            with(plain("a"), json!({})),
            one(
                "Value 'a' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
            ),
        ),
        (
            with(plain("abc"), json!({"BillingMode": "FREE"})),
            one(
                "Value 'FREE' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
            ),
        ),
        (
            with(
                plain("abc"),
                json!({"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "BOOL"}]}),
            ),
            one(
                "Value 'BOOL' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]",
            ),
        ),
        (
            with(
                plain("abc"),
                json!({"KeySchema": [
                    {"AttributeName": "a", "KeyType": "HASH"},
                    {"AttributeName": "b", "KeyType": "RANGE"},
                    {"AttributeName": "c", "KeyType": "RANGE"},
                ]}),
            ),
            one(
                "Value '[KeySchemaElement(attributeName=a, keyType=HASH), KeySchemaElement(attributeName=b, keyType=RANGE), KeySchemaElement(attributeName=c, keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2",
            ),
        ),
        (
            with(
                plain("abc"),
                json!({"ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}}),
            ),
            one(
                "Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or equal to 1",
            ),
        ),
        (
            with(
                plain("abc"),
                json!({"GlobalSecondaryIndexes": [{"IndexName": "abc", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}]}),
            ),
            one(&null("globalSecondaryIndexes.1.member.projection")),
        ),
    ];
    for (request, message) in rows {
        server.refuses("CreateTable", vec![(request, &message)]).await;
    }
}

#[tokio::test]
async fn tables_that_contradict_themselves() {
    refuses(vec![
        (
            json!({"BillingMode": null}),
            "P: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            json!({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}),
            "P: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        (
            json!({"AttributeDefinitions": definitions(&["pk", "extra"])}),
            "P: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ),
        (
            json!({"AttributeDefinitions": definitions(&["extra"])}),
            "P: Some index key attributes are not defined in AttributeDefinitions. Keys: [pk], AttributeDefinitions: [extra]",
        ),
        (
            json!({"AttributeDefinitions": []}),
            "Invalid KeySchema: Some index key attribute have no definition",
        ),
        (
            json!({"AttributeDefinitions": definitions(&["pk", "pk"])}),
            "Attribute Name is duplicated: pk",
        ),
        (
            json!({"KeySchema": [{"AttributeName": "pk", "KeyType": "RANGE"}]}),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            json!({"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "HASH"}]}),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            json!({"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}]}),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
    ])
    .await;
}

#[tokio::test]
async fn global_indexes_that_contradict_themselves() {
    let many: Vec<Value> = (0..21).map(|i| index(&format!("index{i}"), "pk", None)).collect();
    refuses(vec![
        (json!({"GlobalSecondaryIndexes": []}), "P: List of GlobalSecondaryIndexes is empty"),
        (json!({"LocalSecondaryIndexes": []}), "P: List of LocalSecondaryIndexes is empty"),
        (
            json!({"AttributeDefinitions": definitions(&["pk", "extra"]), "GlobalSecondaryIndexes": [index("abc", "pk", None)]}),
            "P: Some AttributeDefinitions are not used. AttributeDefinitions: [pk, extra], keys used: [pk]",
        ),
        (
            json!({"GlobalSecondaryIndexes": [index("abc", "nope", None)]}),
            "P: Some index key attributes are not defined in AttributeDefinitions. Keys: [nope], AttributeDefinitions: [pk]",
        ),
        (
            json!({"GlobalSecondaryIndexes": [index("abc", "pk", None), index("abc", "pk", None)]}),
            "P: Duplicate index name: abc",
        ),
        (json!({"GlobalSecondaryIndexes": many}), "P: GlobalSecondaryIndex count exceeds the per-table limit of 20"),
        (
            json!({"GlobalSecondaryIndexes": [with(index("abc", "pk", None), json!({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}))]}),
            "P: ProvisionedThroughput should not be specified for index: abc when BillingMode is PAY_PER_REQUEST",
        ),
        (
            json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, "GlobalSecondaryIndexes": [index("abc", "pk", None)]}),
            "P: ProvisionedThroughput is not specified for index: abc",
        ),
    ])
    .await;
}

#[tokio::test]
async fn local_indexes_and_projections_that_contradict_themselves() {
    let sorted = |indexes: Value| {
        json!({
            "AttributeDefinitions": definitions(&["pk", "sk", "other"]),
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "LocalSecondaryIndexes": indexes,
        })
    };
    let projecting = |projection: Value| json!({"GlobalSecondaryIndexes": [with(index("abc", "pk", None), json!({"Projection": projection}))]});
    refuses(vec![
        (
            json!({"LocalSecondaryIndexes": [index("abc", "pk", None)]}),
            "P: Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ),
        (sorted(json!([index("abc", "pk", None), index("abd", "pk", Some("other"))])), "P: Index KeySchema does not have a range key for index: abc"),
        (
            sorted(json!([index("abc", "sk", Some("other"))])),
            "P: Index KeySchema does not have the same leading hash key as table KeySchema for index: abc. index hash key: sk, table hash key: pk",
        ),
        (
            sorted((0..6).map(|i| index(&format!("index{i}"), "pk", Some("other"))).collect()),
            "P: Number of LocalSecondaryIndexes exceeds per-table limit of 5",
        ),
        (projecting(json!({})), "P: Unknown ProjectionType: null"),
        (projecting(json!({"ProjectionType": "INCLUDE"})), "P: ProjectionType is INCLUDE, but NonKeyAttributes is not specified"),
        (projecting(json!({"ProjectionType": "ALL", "NonKeyAttributes": ["a"]})), "P: ProjectionType is ALL, but NonKeyAttributes is specified"),
        (projecting(json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "a"]})), "P: Duplicate element in NonKeyAttributes: a"),
    ])
    .await;
}

#[tokio::test]
async fn settings_that_contradict_themselves() {
    refuses(vec![
        (json!({"StreamSpecification": {"StreamEnabled": true}}), "P: Table is being created with a stream enabled, UpdateViewType is required"),
        (
            json!({"StreamSpecification": {"StreamEnabled": false, "StreamViewType": "KEYS_ONLY"}}),
            "P: Table is being created with a stream disabled, UpdateViewType should not be specified",
        ),
        (
            json!({"TableClass": "GLACIER"}),
            "Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_not_supported() {
    refuses(vec![
        (
            json!({"SSESpecification": {"Enabled": true}}),
            "SSESpecification with Enabled true is not supported yet",
        ),
        (
            json!({"SSESpecification": {"Enabled": false, "SSEType": "KMS"}}),
            "P: SSEType can not be specified if Enabled is false",
        ),
        (json!({"ResourcePolicy": "{}"}), "ResourcePolicy is not supported yet"),
        (
            json!({"VectorIndexes": [{
                "IndexName": "abc", "VectorAttribute": {"AttributeName": "v"}, "Projection": {"ProjectionType": "ALL"},
                "Dimensions": 2, "DistanceFunction": "COSINE"
            }]}),
            "VectorIndexes is not supported yet",
        ),
        (
            json!({"Tags": [{"Key": "aws:x", "Value": ""}]}),
            "Tag Key cannot be prefixed with aws:, Key: aws:x",
        ),
    ])
    .await;
    let harmless = json!({
        "WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000},
        "OnDemandThroughput": {"MaxReadRequestUnits": -1},
        "Tags": [],
        "VectorIndexes": [],
    });
    Server::start().await.ok("CreateTable", with(plain("abc"), harmless)).await;
}
