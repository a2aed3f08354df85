//! UpdateTable: billing, stream, protection, class, and what cannot come together.

use serde_json::{Value, json};

use super::{describe, plain, with};
use crate::support::{Server, fails};

const P: &str = "One or more parameter values were invalid: ";

fn update(members: Value) -> Value {
    with(json!({"TableName": "plain"}), members)
}

fn units(read: u64, write: u64) -> Value {
    json!({"ReadCapacityUnits": read, "WriteCapacityUnits": write})
}

/// A provisioned table with an index.
fn provisioned() -> Value {
    with(
        plain("plain"),
        json!({
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": units(5, 6),
            "GlobalSecondaryIndexes": [{
                "IndexName": "abc",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": units(1, 2),
            }],
        }),
    )
}

#[tokio::test]
async fn capacity_changes() {
    let server = Server::start().await;
    server.ok("CreateTable", provisioned()).await;
    let capacity =
        |index: &str, units: Value| json!([{"Update": {"IndexName": index, "ProvisionedThroughput": units}}]);
    let hint =
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.";
    let rows: Vec<(Value, String)> = vec![
        (
            json!({"ProvisionedThroughput": units(5, 6)}),
            format!(
                "The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for the table: 6. Requested WriteCapacityUnits: 6. {hint}"
            ),
        ),
        (
            json!({"GlobalSecondaryIndexUpdates": capacity("abc", units(1, 2))}),
            format!(
                "The provisioned throughput for the index abc will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for index abc: 1. Requested ReadCapacityUnits: 1. Current WriteCapacityUnits provisioned for index abc: 2. Requested WriteCapacityUnits: 2. {hint}"
            ),
        ),
        (
            json!({"BillingMode": "PROVISIONED"}),
            format!("{P}ProvisionedThroughput must be specified when BillingMode is PROVISIONED"),
        ),
        (
            json!({"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": units(1, 1)}),
            format!(
                "{P}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            ),
        ),
    ];
    for (members, message) in rows {
        server.refuses("UpdateTable", vec![(update(members), &message)]).await;
    }
    let both = json!({
        "ProvisionedThroughput": units(7, 8),
        "GlobalSecondaryIndexUpdates": capacity("abc", units(3, 4)),
    });
    let changed = server.ok("UpdateTable", update(both)).await["TableDescription"].clone();
    assert_eq!(changed["TableStatus"], "UPDATING");
    assert_eq!(changed["ProvisionedThroughput"]["ReadCapacityUnits"], 7);
    let table = describe(&server, "plain").await;
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(table["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
    assert_eq!(table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"], 4);

    server.ok("UpdateTable", update(json!({"BillingMode": "PAY_PER_REQUEST"}))).await;
    server.ok("UpdateTable", update(json!({"BillingMode": "PAY_PER_REQUEST"}))).await;
    let table = describe(&server, "plain").await;
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert!(table["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"].is_f64());
    assert_eq!(table["ProvisionedThroughput"]["ReadCapacityUnits"], 0);
    assert_eq!(table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"], 0);
    let provisioned = json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": units(1, 1)});
    let rows: Vec<(Value, String)> = vec![
        (provisioned.clone(), format!("{P}ProvisionedThroughput must be specified for index: abc")),
        (
            json!({"ProvisionedThroughput": units(1, 1)}),
            format!(
                "{P}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            ),
        ),
        (
            json!({"GlobalSecondaryIndexUpdates": capacity("abc", units(1, 1))}),
            format!(
                "{P}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: abc when BillingMode is PAY_PER_REQUEST"
            ),
        ),
    ];
    for (members, message) in rows {
        server.refuses("UpdateTable", vec![(update(members), &message)]).await;
    }
    let back = with(provisioned, json!({"GlobalSecondaryIndexUpdates": capacity("abc", units(1, 1))}));
    server.ok("UpdateTable", update(back)).await;
    let table = describe(&server, "plain").await;
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PROVISIONED");
    assert_eq!(table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"], 1);
}

#[tokio::test]
async fn streams_protection_and_class_change() {
    let server = Server::start().await;
    server.ok("CreateTable", plain("plain")).await;
    let stream = |specification: Value| update(json!({"StreamSpecification": specification}));
    let on = || stream(json!({"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}));
    let off = || stream(json!({"StreamEnabled": false}));
    let rows: Vec<(Value, String)> = vec![
        (off(), "Table has no stream to disable: TableName: plain".to_owned()),
        (
            stream(json!({"StreamEnabled": true})),
            format!("{P}If stream is being enabled then UpdateViewType is required"),
        ),
        (
            stream(json!({"StreamEnabled": false, "StreamViewType": "KEYS_ONLY"})),
            format!("{P}If stream is being disabled, then UpdateViewType must not be specified"),
        ),
    ];
    for (request, message) in rows {
        server.refuses("UpdateTable", vec![(request, &message)]).await;
    }
    let first = server.ok("UpdateTable", on()).await["TableDescription"]["LatestStreamArn"].clone();
    server
        .refuses("UpdateTable", vec![(on(), "Table already has an enabled stream: TableName: plain")])
        .await;
    server.ok("UpdateTable", off()).await;
    let table = describe(&server, "plain").await;
    assert_eq!(table["StreamSpecification"], json!(null));
    assert_eq!(table["LatestStreamArn"], first);
    server.ok("UpdateTable", on()).await;
    assert_ne!(describe(&server, "plain").await["LatestStreamArn"], first);

    server.ok("UpdateTable", update(json!({"DeletionProtectionEnabled": true}))).await;
    assert_eq!(describe(&server, "plain").await["DeletionProtectionEnabled"], true);
    server.ok("UpdateTable", update(json!({"DeletionProtectionEnabled": false}))).await;
    server.ok("UpdateTable", update(json!({"TableClass": "STANDARD"}))).await;
    assert_eq!(describe(&server, "plain").await["TableClassSummary"], json!({"TableClass": "STANDARD"}));
    server.ok("DeleteTable", json!({"TableName": "plain"})).await;
}

#[tokio::test]
async fn one_kind_of_change_at_a_time() {
    let server = Server::start().await;
    server.ok("CreateTable", plain("plain")).await;
    let required = "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required";
    let alone = |what: &str| format!("{P}{what} must be the only operation in the request");
    let replica = json!([{"Create": {"RegionName": "us-east-1"}}]);
    let stream = json!({"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"});
    let delete = json!([{"Delete": {"IndexName": "abc"}}]);
    let rows: Vec<(Value, String)> = vec![
        (json!({}), required.to_owned()),
        (json!({"AttributeDefinitions": []}), required.to_owned()),
        (json!({"GlobalSecondaryIndexUpdates": []}), required.to_owned()),
        (
            json!({"GlobalSecondaryIndexUpdates": [], "BillingMode": "PAY_PER_REQUEST"}),
            format!("{P}List of GlobalSecondaryIndexUpdates is empty"),
        ),
        (json!({"ReplicaUpdates": replica, "BillingMode": "PAY_PER_REQUEST"}), alone("Replica modification")),
        (
            json!({"DeletionProtectionEnabled": true, "TableClass": "STANDARD"}),
            alone("TableClass modification"),
        ),
        (
            json!({"DeletionProtectionEnabled": true, "BillingMode": "PAY_PER_REQUEST"}),
            alone("DeletionProtection modification"),
        ),
        (
            json!({"SSESpecification": {"Enabled": true}, "GlobalSecondaryIndexUpdates": delete}),
            alone("Server-Side Encryption modification"),
        ),
        (
            json!({"ProvisionedThroughput": units(1, 1), "StreamSpecification": stream}),
            format!("{P}You cannot modify stream status while updating table IOPS"),
        ),
        (
            json!({"ProvisionedThroughput": units(1, 1), "GlobalSecondaryIndexUpdates": delete}),
            format!("{P}You cannot create or delete index while updating table IOPS"),
        ),
        (
            json!({"StreamSpecification": stream, "GlobalSecondaryIndexUpdates": delete}),
            format!("{P}You cannot create or delete index while changing stream status"),
        ),
        (json!({"SSESpecification": {}}), format!("{P}Table is already encrypted by default")),
        (
            json!({"ReplicaUpdates": replica, "MultiRegionConsistency": "STRONG"}),
            "Unsupported replica count for global tables with MultiRegionConsistency set to STRONG."
                .to_owned(),
        ),
        (
            json!({"GlobalTableWitnessUpdates": [{}]}),
            "GlobalTableWitnessUpdates is not supported yet".to_owned(),
        ),
        (json!({"VectorIndexUpdates": [{}]}), "VectorIndexUpdates is not supported yet".to_owned()),
    ];
    for (members, message) in rows {
        server.refuses("UpdateTable", vec![(update(members), &message)]).await;
    }
    let missing = with(json!({"TableName": "other"}), json!({"TableClass": "STANDARD"}));
    let message = "Requested resource not found: Table: other not found";
    server.check(vec![("UpdateTable", missing, fails("ResourceNotFoundException", message))]).await;
}
