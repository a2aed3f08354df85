//! CreateTable, DescribeTable and DeleteTable of ordinary tables.

use graticule_model::limits::TABLES_MAX;
use serde_json::{Value, json};

use super::{describe, normalised, plain, stream_ok};
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
    // Little is left to say of a table that is going.
    let gone = json!({
        "TableName": "plain",
        "TableStatus": "DELETING",
        "TableArn": arn,
        "TableId": deleted["TableId"],
        "ItemCount": 1,
        "TableSizeBytes": 3,
        "ProvisionedThroughput": active["ProvisionedThroughput"],
        "BillingModeSummary": deleted["BillingModeSummary"],
        "DeletionProtectionEnabled": false,
    });
    assert_eq!(deleted, gone);
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

// limit: TABLES_MAX
#[tokio::test]
async fn tables_are_counted() {
    let server = Server::start().await;
    for number in 0..TABLES_MAX {
        server.ok("CreateTable", plain(&format!("table-{number}"))).await;
    }
    let full = "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber";
    server.check(vec![("CreateTable", plain("another"), fails("LimitExceededException", full))]).await;
    server.ok("DeleteTable", json!({"TableName": "table-7"})).await;
    server.ok("CreateTable", plain("another")).await;
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
