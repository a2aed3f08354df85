//! CreateTable, DescribeTable and DeleteTable of ordinary tables.

use serde_json::{Value, json};

use super::{describe, normalised, plain, stream_ok, with};
use crate::support::{Server, fails, invalid, s};

fn rich() -> Value {
    json!({
        "TableName": "Music",
        "AttributeDefinitions": [
            {"AttributeName": "artist", "AttributeType": "S"},
            {"AttributeName": "song", "AttributeType": "S"},
            {"AttributeName": "year", "AttributeType": "N"},
            {"AttributeName": "label", "AttributeType": "B"},
        ],
        "KeySchema": [
            {"AttributeName": "artist", "KeyType": "HASH"},
            {"AttributeName": "song", "KeyType": "RANGE"},
        ],
        "LocalSecondaryIndexes": [{
            "IndexName": "by-year",
            "KeySchema": [
                {"AttributeName": "artist", "KeyType": "HASH"},
                {"AttributeName": "year", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["genre"]},
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-label",
            "KeySchema": [{"AttributeName": "label", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
        }],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        "SSESpecification": {"Enabled": false},
        "Tags": [{"Key": "team", "Value": "a"}],
        "TableClass": "STANDARD_INFREQUENT_ACCESS",
        "DeletionProtectionEnabled": true,
    })
}

#[tokio::test]
async fn a_plain_table_is_described() {
    let server = Server::start().await;
    let created = server.ok("CreateTable", plain("plain")).await["TableDescription"].clone();
    let expected = json!({
        "TableName": "plain",
        "TableStatus": "CREATING",
        "TableArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/plain",
        "TableId": "id",
        "CreationDateTime": "time",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "ItemCount": 0,
        "TableSizeBytes": 0,
        "ProvisionedThroughput":
            {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "WarmThroughput":
            {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "UPDATING"},
        "DeletionProtectionEnabled": false,
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    });
    assert_eq!(normalised(created), expected);

    server.ok("PutItem", json!({"TableName": "plain", "Item": {"pk": s("a")}})).await;
    let mut active = expected;
    active["TableStatus"] = json!("ACTIVE");
    active["WarmThroughput"]["Status"] = json!("ACTIVE");
    active["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = json!("time");
    active["ItemCount"] = json!(1);
    active["TableSizeBytes"] = json!(3);
    assert_eq!(normalised(describe(&server, "plain").await), active);
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/plain";
    assert_eq!(normalised(describe(&server, arn).await), active);

    let deleted = server.ok("DeleteTable", json!({"TableName": arn})).await["TableDescription"].clone();
    active["TableStatus"] = json!("DELETING");
    assert_eq!(normalised(deleted), active);
    let missing = "Requested resource not found: Table: plain not found";
    for operation in ["DescribeTable", "DeleteTable", "DescribeTimeToLive"] {
        let request = json!({"TableName": "plain"});
        let expected = fails("ResourceNotFoundException", missing);
        server.check(vec![(operation, request, expected)]).await;
    }
}

#[tokio::test]
async fn everything_that_was_asked_for_is_described() {
    let server = Server::start().await;
    server.ok("CreateTable", rich()).await;
    let table = describe(&server, "Music").await;
    let stream_arn = table["LatestStreamArn"].as_str().unwrap().to_owned();
    let label = table["LatestStreamLabel"].as_str().unwrap();
    assert_eq!(stream_arn, format!("{}/stream/{label}", table["TableArn"].as_str().unwrap()));
    stream_ok(&server, "DescribeStream", json!({"StreamArn": stream_arn})).await;
    let units = |read, write| json!({"NumberOfDecreasesToday": 0, "ReadCapacityUnits": read, "WriteCapacityUnits": write});
    let warm =
        |read, write| json!({"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write, "Status": "ACTIVE"});
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/Music";
    let expected = json!({
        "TableName": "Music",
        "TableStatus": "ACTIVE",
        "TableArn": arn,
        "TableId": "id",
        "CreationDateTime": "time",
        "AttributeDefinitions": [
            {"AttributeName": "artist", "AttributeType": "S"},
            {"AttributeName": "label", "AttributeType": "B"},
            {"AttributeName": "song", "AttributeType": "S"},
            {"AttributeName": "year", "AttributeType": "N"},
        ],
        "KeySchema": [
            {"AttributeName": "artist", "KeyType": "HASH"},
            {"AttributeName": "song", "KeyType": "RANGE"},
        ],
        "ItemCount": 0,
        "TableSizeBytes": 0,
        "ProvisionedThroughput": units(5, 6),
        "WarmThroughput": warm(5, 6),
        "DeletionProtectionEnabled": true,
        "TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        "LocalSecondaryIndexes": [{
            "IndexName": "by-year",
            "IndexArn": format!("{arn}/index/by-year"),
            "KeySchema": [
                {"AttributeName": "artist", "KeyType": "HASH"},
                {"AttributeName": "year", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["genre"]},
            "ItemCount": 0,
            "IndexSizeBytes": 0,
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-label",
            "IndexArn": format!("{arn}/index/by-label"),
            "IndexStatus": "ACTIVE",
            "KeySchema": [{"AttributeName": "label", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "ItemCount": 0,
            "IndexSizeBytes": 0,
            "ProvisionedThroughput": units(3, 4),
            "WarmThroughput": warm(3, 4),
        }],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        "LatestStreamArn": "arn",
        "LatestStreamLabel": "label",
    });
    assert_eq!(normalised(table), expected);
    let taken = fails("ResourceInUseException", "Table already exists: Music");
    let protected = invalid(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
    );
    server
        .check(vec![
            ("CreateTable", rich(), taken),
            ("DeleteTable", json!({"TableName": "Music"}), protected),
        ])
        .await;
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
async fn what_contradicts_itself_is_refused() {
    let server = Server::start().await;
    let p = "One or more parameter values were invalid: ";
    let many: Vec<Value> = (0..21).map(|i| index(&format!("index{i}"), "pk", None)).collect();
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
    let rows: Vec<(Value, String)> = vec![
        (
            json!({"BillingMode": null}),
            format!("{p}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
        ),
        (
            json!({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}),
            format!("{p}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"),
        ),
        (
            json!({"AttributeDefinitions": definitions(&["pk", "extra"])}),
            format!("{p}Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"),
        ),
        (
            json!({"AttributeDefinitions": definitions(&["extra"])}),
            format!("{p}Some index key attributes are not defined in AttributeDefinitions. Keys: [pk], AttributeDefinitions: [extra]"),
        ),
        (
            json!({"AttributeDefinitions": []}),
            "Invalid KeySchema: Some index key attribute have no definition".to_owned(),
        ),
        (
            json!({"AttributeDefinitions": definitions(&["pk", "pk"])}),
            "Attribute Name is duplicated: pk".to_owned(),
        ),
        (
            json!({"KeySchema": [{"AttributeName": "pk", "KeyType": "RANGE"}]}),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
        ),
        (
            json!({"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "HASH"}]}),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type".to_owned(),
        ),
        (
            json!({"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}]}),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name".to_owned(),
        ),
        (json!({"GlobalSecondaryIndexes": []}), format!("{p}List of GlobalSecondaryIndexes is empty")),
        (json!({"LocalSecondaryIndexes": []}), format!("{p}List of LocalSecondaryIndexes is empty")),
        (
            json!({"AttributeDefinitions": definitions(&["pk", "extra"]), "GlobalSecondaryIndexes": [index("abc", "pk", None)]}),
            format!("{p}Some AttributeDefinitions are not used. AttributeDefinitions: [pk, extra], keys used: [pk]"),
        ),
        (
            json!({"GlobalSecondaryIndexes": [index("abc", "nope", None)]}),
            format!("{p}Some index key attributes are not defined in AttributeDefinitions. Keys: [nope], AttributeDefinitions: [pk]"),
        ),
        (
            json!({"GlobalSecondaryIndexes": [index("abc", "pk", None), index("abc", "pk", None)]}),
            format!("{p}Duplicate index name: abc"),
        ),
        (json!({"GlobalSecondaryIndexes": many}), format!("{p}GlobalSecondaryIndex count exceeds the per-table limit of 20")),
        (
            json!({"GlobalSecondaryIndexes": [with(index("abc", "pk", None), json!({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}))]}),
            format!("{p}ProvisionedThroughput should not be specified for index: abc when BillingMode is PAY_PER_REQUEST"),
        ),
        (
            json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, "GlobalSecondaryIndexes": [index("abc", "pk", None)]}),
            format!("{p}ProvisionedThroughput is not specified for index: abc"),
        ),
        (
            json!({"AttributeDefinitions": definitions(&["pk", "a"]), "GlobalSecondaryIndexes": [{"IndexName": "abc", "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "a", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]}),
            "A global secondary index with more than one HASH and one RANGE key attribute is not supported yet".to_owned(),
        ),
        (
            json!({"LocalSecondaryIndexes": [index("abc", "pk", None)]}),
            format!("{p}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"),
        ),
        (sorted(json!([index("abc", "pk", None), index("abd", "pk", Some("other"))])), format!("{p}Index KeySchema does not have a range key for index: abc")),
        (
            sorted(json!([index("abc", "sk", Some("other"))])),
            format!("{p}Index KeySchema does not have the same leading hash key as table KeySchema for index: abc. index hash key: sk, table hash key: pk"),
        ),
        (
            sorted((0..6).map(|i| index(&format!("index{i}"), "pk", Some("other"))).collect()),
            format!("{p}Number of LocalSecondaryIndexes exceeds per-table limit of 5"),
        ),
        (projecting(json!({})), format!("{p}Unknown ProjectionType: null")),
        (projecting(json!({"ProjectionType": "INCLUDE"})), format!("{p}ProjectionType is INCLUDE, but NonKeyAttributes is not specified")),
        (projecting(json!({"ProjectionType": "ALL", "NonKeyAttributes": ["a"]})), format!("{p}ProjectionType is ALL, but NonKeyAttributes is specified")),
        (projecting(json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "a"]})), format!("{p}Duplicate element in NonKeyAttributes: a")),
        (json!({"StreamSpecification": {"StreamEnabled": true}}), format!("{p}Table is being created with a stream enabled, UpdateViewType is required")),
        (
            json!({"StreamSpecification": {"StreamEnabled": false, "StreamViewType": "KEYS_ONLY"}}),
            format!("{p}Table is being created with a stream disabled, UpdateViewType should not be specified"),
        ),
        (
            json!({"TableClass": "GLACIER"}),
            "Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].".to_owned(),
        ),
        (json!({"SSESpecification": {"Enabled": true}}), "SSESpecification with Enabled true is not supported yet".to_owned()),
        (json!({"SSESpecification": {"Enabled": false, "SSEType": "KMS"}}), format!("{p}SSEType can not be specified if Enabled is false")),
        (json!({"ResourcePolicy": "{}"}), "ResourcePolicy is not supported yet".to_owned()),
        (json!({"VectorIndexes": [{}]}), "VectorIndexes is not supported yet".to_owned()),
        (json!({"OnDemandThroughput": {"MaxReadRequestUnits": 5}}), "OnDemandThroughput is not supported yet".to_owned()),
        (json!({"WarmThroughput": {"ReadUnitsPerSecond": 50000}}), "WarmThroughput is not supported yet".to_owned()),
        (json!({"Tags": [{"Key": "aws:x", "Value": ""}]}), "Tag Key cannot be prefixed with aws:, Key: aws:x".to_owned()),
    ];
    for (members, message) in rows {
        server.refuses("CreateTable", vec![(with(plain("abc"), members), &message)]).await;
    }
    let harmless = json!({
        "WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000},
        "OnDemandThroughput": {"MaxReadRequestUnits": -1},
        "Tags": [],
        "VectorIndexes": [],
    });
    server.ok("CreateTable", with(plain("abc"), harmless)).await;
}

#[tokio::test]
async fn any_bytes_get_an_answer() {
    let server = Server::start().await;
    server.ok("CreateTable", plain("plain")).await;
    let operations = graticule_ops::DYNAMODB_OPERATIONS.iter().chain(graticule_ops::STREAMS_OPERATIONS);
    let bodies = [
        "",
        "null",
        "[]",
        "{",
        "\u{0}",
        r#"{"TableName":1}"#,
        r#"{"TableName":"plain","Limit":-9223372036854775808}"#,
        r#"{"TableName":"plain","ReplicaUpdates":[{}],"GlobalSecondaryIndexUpdates":[{}]}"#,
        r#"{"ResourceArn":"","Tags":[{}],"TagKeys":[""]}"#,
        r#"{"StreamArn":"arn:aws:dynamodb:eu-west-1:000000000000:table/plain/stream/","ShardIterator":"||"}"#,
        r#"{"ShardIterator":"arn:aws:dynamodb:eu-west-1:000000000000:table/plain/stream/x|1|ffffffffffffffffffffffffffffffff"}"#,
    ];
    for operation in operations {
        for body in bodies {
            let _ = server.call_raw(operation, body).await;
            let context = &server.context;
            let service = graticule_ops::Service::Streams;
            let _ = graticule_ops::dispatch(context, service, operation, body.as_bytes()).await;
        }
    }
}
