//! Replicas come, and requests that are wrong.

use std::sync::Arc;

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_ops::Context;
use graticule_tables::Region;
use serde_json::{Value, json};

use super::{
    super::{describe, plain, with},
    IN_USE, create, delete, finish_joining, finish_leaving, override_reads, region, start, update,
};
use crate::support::{Server, fails, invalid, s};

#[tokio::test]
async fn a_replica_comes_and_goes() {
    let server = start(None).await;
    server.ok("PutItem", json!({"TableName": "plain", "Item": {"pk": s("old")}})).await;
    // Twice the same is once.
    let created = server.ok("UpdateTable", update(json!([create("us-east-1"), create("us-east-1")]))).await;
    let created = &created["TableDescription"];
    assert_eq!(created["TableStatus"], "UPDATING");
    assert_eq!(created["GlobalTableVersion"], "2019.11.21");
    let table = describe(&server, "plain").await;
    let replica = json!({
        "RegionName": "us-east-1",
        "ReplicaStatus": "CREATING",
        "WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"},
        "GlobalTableSettingsReplicationMode": "ENABLED_WITH_OVERRIDES",
        "ReplicaStatusPercentProgress": "42",
    });
    assert_eq!(created["Replicas"], json!([]), "the answer is from before");
    assert_eq!(table["TableStatus"], "ACTIVE");
    assert_eq!(table["Replicas"], json!([replica]));
    assert_eq!(table["GlobalTableSettingsReplicationMode"], "ENABLED_WITH_OVERRIDES");
    assert_eq!(
        table["StreamSpecification"],
        json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    );

    let protect = json!({"TableName": "plain", "DeletionProtectionEnabled": true});
    let in_use = || fails("ResourceInUseException", IN_USE);
    server
        .check(vec![
            ("UpdateTable", protect, in_use()),
            (
                "UpdateTable",
                json!({"TableName": "plain", "DisassociationProtectionEnabled": false}),
                in_use(),
            ),
            (
                "UpdateTable",
                json!({"TableName": "plain", "GlobalTableSettingsReplicationMode": "ENABLED"}),
                in_use(),
            ),
            ("UpdateTable", update(json!([override_reads("us-east-1")])), in_use()),
            ("UpdateTable", update(json!([create("eu-north-1")])), in_use()),
            ("UpdateTable", update(json!([create("us-east-1")])), in_use()),
            ("DeleteTable", json!({"TableName": "plain"}), in_use()),
        ])
        .await;
    // What is wrong with the request itself comes before.
    let two = update(json!([create("eu-north-1"), create("eu-south-1")]));
    let text = "Update table operation with more than one create or delete replica actions not allowed";
    server.check(vec![("UpdateTable", two, invalid(text))]).await;
    // Tags and time to live change meanwhile.
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/plain";
    server.ok("TagResource", json!({"ResourceArn": arn, "Tags": [{"Key": "k", "Value": "v"}]})).await;
    let ttl = json!({"Enabled": true, "AttributeName": "expires"});
    server.ok("UpdateTimeToLive", json!({"TableName": "plain", "TimeToLiveSpecification": ttl})).await;
    finish_joining(&server, "us-east-1").await;
    let replica = &describe(&server, "plain").await["Replicas"][0];
    assert_eq!(
        (&replica["ReplicaStatus"], &replica["ReplicaStatusPercentProgress"]),
        (&json!("ACTIVE"), &json!(null))
    );

    let off = json!({"TableName": "plain", "StreamSpecification": {"StreamEnabled": false}});
    let foreign = "Failed to create a the new replica of table with name: ‘plain’ because one or more replicas already existed as tables.";
    server
        .check(vec![
            (
                "UpdateTable",
                off,
                invalid("One or more parameter values were invalid: Disabling Stream is not allowed for a Global Table replica."),
            ),
            ("UpdateTable", update(json!([create("us-east-1")])), invalid(foreign)),
            ("UpdateTable", update(json!([create("ap-south-1")])), invalid(foreign)),
        ])
        .await;
    let deleted = server.ok("UpdateTable", update(json!([delete("us-east-1")]))).await;
    assert_eq!(
        deleted["TableDescription"]["Replicas"][0]["ReplicaStatus"], "ACTIVE",
        "the answer is from before"
    );
    let table = describe(&server, "plain").await;
    assert_eq!(table["Replicas"][0]["ReplicaStatus"], "DELETING");
    assert_eq!(table["GlobalTableVersion"], "2019.11.21");
    server
        .check(vec![
            ("UpdateTable", json!({"TableName": "plain", "TableClass": "STANDARD"}), in_use()),
            ("UpdateTable", update(json!([create("us-east-1")])), in_use()),
            ("UpdateTable", update(json!([delete("us-east-1")])), in_use()),
        ])
        .await;
    finish_leaving(&server, "us-east-1").await;
    let table = describe(&server, "plain").await;
    assert_eq!((&table["Replicas"], &table["GlobalTableVersion"]), (&json!(null), &json!(null)));
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    // One that never answers can be let go.
    server.ok("UpdateTable", update(json!([delete("us-east-1")]))).await;
    server.ok("DeleteTable", json!({"TableName": "plain"})).await;
    let missing = fails("ResourceNotFoundException", "Requested resource not found: Table: plain not found");
    server.check(vec![("DescribeTable", json!({"TableName": "plain"}), missing)]).await;
}

#[tokio::test]
async fn a_new_replica_is_described_and_nothing_else() {
    let source = start(None).await;
    source.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    let table = source.context.region.table(&"plain".parse().unwrap()).await.unwrap();
    let newcomer =
        Region::open(region("us-east-1"), Arc::new(MemoryEngine::new()), Env::real()).await.unwrap();
    newcomer.merge_settings(&table.shared().unwrap()).await.unwrap();
    let newcomer = Server { context: Context { region: newcomer, endpoint: "localhost:8000".into() } };

    let table = describe(&newcomer, "plain").await;
    assert_eq!(table["TableStatus"], "CREATING");
    assert_eq!(table["TableArn"], "arn:aws:dynamodb:us-east-1:000000000000:table/plain");
    assert_eq!(table["Replicas"][0]["RegionName"], "eu-west-1");
    assert_eq!(table["Replicas"][0]["ReplicaStatus"], "ACTIVE");
    let name = || json!({"TableName": "plain"});
    let in_use = || fails("ResourceInUseException", IN_USE);
    let arn = &table["TableArn"];
    let untagged = format!("Requested resource not found: ResourceArn: {} not found", arn.as_str().unwrap());
    let joining = "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: ‘plain’ in region: ‘us-east-1’.";
    newcomer
        .check(vec![
            ("DeleteTable", name(), in_use()),
            ("UpdateTable", json!({"TableName": "plain", "DeletionProtectionEnabled": true}), in_use()),
            ("UpdateTable", update(json!([create("eu-north-1")])), invalid(joining)),
            ("UpdateTable", update(json!([override_reads("eu-west-1")])), invalid(joining)),
            ("UpdateTable", update(json!([delete("eu-west-1")])), invalid(joining)),
            (
                "GetItem",
                json!({"TableName": "plain", "Key": {"pk": s("a")}}),
                fails("ResourceNotFoundException", "Requested resource not found"),
            ),
            (
                "DescribeTimeToLive",
                name(),
                invalid("Cannot describe time to live while table is in CREATING state: Current table state is CREATING"),
            ),
            ("DescribeContinuousBackups", name(), fails("TableNotFoundException", "Table not found: plain")),
            (
                "ListTagsOfResource",
                json!({"ResourceArn": arn}),
                fails("ResourceNotFoundException", &untagged),
            ),
        ])
        .await;
}

#[tokio::test]
async fn wrong_replica_updates_are_refused() {
    let server = start(Some(vec![region("us-east-1"), region("us-west-2")])).await;
    let unknown = |name: &str| {
        format!(
            "Region {name} is not supported. The latest version of global tables are only supported in the following regions: [us-east-1, us-west-2]"
        )
    };
    let not_member = "Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [us-east-1].";
    let local = "Cannot add or delete the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.";
    let nothing = "There are no actions specified in the Replica Update Action of the request.";
    let with_member = |name: &str, value: Value| json!([{"Create": with(json!({"RegionName": "us-east-1"}), json!({name: value}))}]);
    let rows: Vec<(Value, String)> = vec![
        (
            json!([create("us-east-1"), create("us-west-2")]),
            "Update table operation with more than one create or delete replica actions not allowed".to_owned(),
        ),
        (
            json!([create("us-east-1"), delete("us-west-2")]),
            "Update table operation with more than one type of replica actions not allowed.".to_owned(),
        ),
        (json!([{}]), nothing.to_owned()),
        (json!([{"Update": {"RegionName": "us-east-1"}}]), not_member.to_owned()),
        (json!([delete("us-east-1")]), not_member.to_owned()),
        (json!([create("eu-west-1")]), local.to_owned()),
        (json!([delete("eu-west-1")]), local.to_owned()),
        (json!([create("eu-north-1")]), unknown("eu-north-1")),
        (json!([create("US-EAST-1")]), unknown("US-EAST-1")),
        (
            with_member("KMSMasterKeyId", json!("key")),
            "One or more parameter values were invalid: KMSMasterKeyId must be specified for each replica.".to_owned(),
        ),
        (
            json!([]),
            "1 validation error detected: Value '[]' at 'replicaUpdates' failed to satisfy constraint: Member must have length greater than or equal to 1".to_owned(),
        ),
    ];
    for (updates, message) in rows {
        server.refuses("UpdateTable", vec![(update(updates), &message)]).await;
    }
    let provisioned = json!({
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    });
    server.ok("CreateTable", with(plain("dear"), provisioned)).await;
    let request = with(update(json!([create("us-east-1")])), json!({"TableName": "dear"}));
    let message = "Table write capacity should either be Pay-Per-Request or AutoScaled.";
    server.refuses("UpdateTable", vec![(request, message)]).await;
    let missing = with(update(json!([create("us-east-1")])), json!({"TableName": "missing"}));
    let not_found =
        fails("ResourceNotFoundException", "Requested resource not found: Table: missing not found");
    server.check(vec![("UpdateTable", missing, not_found)]).await;

    let alone = Server::start().await;
    alone.ok("CreateTable", plain("plain")).await;
    let message = "This server has no connection to other Regions, so that a table cannot have replicas";
    alone.refuses("UpdateTable", vec![(update(json!([create("us-east-1")])), message)]).await;
}

// Where any Region may be named, a name that none can have was answered with an empty list of those that may.
#[tokio::test]
async fn a_name_that_no_region_has_is_refused() {
    let server = start(None).await;
    let update = json!({"TableName": "plain", "ReplicaUpdates": [{"Create": {"RegionName": "EU WEST"}}]});
    let message = "Region EU WEST is not supported. The name of a Region looks like us-east-1";
    server.refuses("UpdateTable", vec![(update, message)]).await;
}
