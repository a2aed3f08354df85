//! ReplicaUpdates, with other Regions that only say whether they have a table.

use std::sync::{Arc, atomic::Ordering};

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_model::{Error, RegionName, TableName, version::HybridTime};
use graticule_ops::Context;
use graticule_tables::{
    BoxFuture, PeerTable, Peers, Region, Table,
    schema::{Departed, Member, Register},
};
use serde_json::{Value, json};

use super::{describe, plain, shifted, with};
use crate::support::{Server, fails, invalid, s};

/// A Region whose replica may not be deleted, once it is a member.
const PROTECTED: &str = "sa-east-1";

/// Regions of which one has a table.
struct Others {
    known: Option<Vec<RegionName>>,
    occupied: RegionName,
}

impl Peers for Others {
    fn known(&self) -> Option<Vec<RegionName>> {
        self.known.clone()
    }

    fn table<'a>(
        &'a self,
        region: &'a RegionName,
        _: &'a TableName,
    ) -> BoxFuture<'a, Result<Option<PeerTable>, Error>> {
        let protected = region.as_str() == PROTECTED;
        let found = *region == self.occupied || protected;
        Box::pin(async move { Ok(found.then_some(PeerTable { deletion_protection: protected })) })
    }

    fn join_percent(&self, _: &Table, region: &RegionName) -> Option<u8> {
        (region.as_str() == "us-east-1").then_some(42)
    }
}

pub(super) fn region(name: &str) -> RegionName {
    name.parse().unwrap()
}

pub(super) async fn start(known: Option<Vec<RegionName>>) -> Server {
    let server = Server::start().await;
    server.context.region.set_peers(Arc::new(Others { known, occupied: region("ap-south-1") }));
    server.ok("CreateTable", plain("plain")).await;
    server
}

pub(super) fn update(updates: Value) -> Value {
    json!({"TableName": "plain", "ReplicaUpdates": updates})
}

pub(super) fn create(region: &str) -> Value {
    json!({"Create": {"RegionName": region}})
}

fn delete(region: &str) -> Value {
    json!({"Delete": {"RegionName": region}})
}

fn override_reads(region: &str) -> Value {
    json!({"Update": {"RegionName": region, "OnDemandThroughputOverride": {"MaxReadRequestUnits": 5}}})
}

/// What replication does once the newcomer is filled.
pub(super) async fn finish_joining(server: &Server, newcomer: &str) {
    let here = &server.context.region;
    let name = "plain".parse().unwrap();
    let settle = here.update_settings(&name, |table| {
        let version = here.clock().version(HybridTime::ZERO);
        table.settings.members.insert(region(newcomer), Register::new(version, Member::Active));
        Ok(())
    });
    settle.await.unwrap();
}

pub(super) const IN_USE: &str = "The resource which you are attempting to change is in use.";

/// What replication does once the replica that was taken out has handed over everything.
async fn finish_leaving(server: &Server, member: &str) {
    let here = &server.context.region;
    let table = here.table(&"plain".parse().unwrap()).await.unwrap();
    let removed = table.settings.members[member].version.clone();
    let departed = Departed { removed, absent: true };
    here.mark_departed(&table, &region(member), &departed).await.unwrap();
}

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
async fn a_member_leaves_before_it_goes() {
    let server = start(None).await;
    for newcomer in ["us-east-1", "eu-north-1"] {
        server.ok("UpdateTable", update(json!([create(newcomer)]))).await;
        finish_joining(&server, newcomer).await;
    }
    let table = describe(&server, "plain").await;
    let shown = |place: usize| table["Replicas"][place]["RegionName"].as_str().unwrap();
    assert_eq!([shown(0), shown(1)], ["us-east-1", "eu-north-1"], "in the order in which they came");
    let deleted = server.ok("DeleteTable", json!({"TableName": "plain"})).await;
    assert_eq!(deleted["TableDescription"]["TableStatus"], "DELETING");
    assert_eq!(describe(&server, "plain").await["TableStatus"], "DELETING");
    let in_use = || fails("ResourceInUseException", IN_USE);
    server
        .check(vec![
            ("DeleteTable", json!({"TableName": "plain"}), in_use()),
            ("UpdateTable", update(json!([delete("us-east-1")])), in_use()),
            (
                "GetItem",
                json!({"TableName": "plain", "Key": {"pk": s("a")}}),
                fails("ResourceNotFoundException", "Requested resource not found"),
            ),
        ])
        .await;
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
async fn one_of_two_members_ships_before_it_goes() {
    let server = start(None).await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    finish_joining(&server, "us-east-1").await;
    server.ok("DeleteTable", json!({"TableName": "plain"})).await;
    let message = "Attempt to change a resource which is still in use: Table is being deleted: plain";
    let again = fails("ResourceInUseException", message);
    server.check(vec![("DeleteTable", json!({"TableName": "plain"}), again)]).await;
    assert_eq!(describe(&server, "plain").await["TableStatus"], "DELETING");
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

#[tokio::test]
async fn a_replica_protected_in_its_own_region_stays() {
    let server = start(None).await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    finish_joining(&server, "us-east-1").await;
    finish_joining(&server, PROTECTED).await;
    let text = "Cannot delete table plain in region sa-east-1 because it has deletion protection enabled. Disable deletion protection first.";
    server.check(vec![("UpdateTable", update(json!([delete(PROTECTED)])), invalid(text))]).await;
}

// Where any Region may be named, a name that none can have was answered with an empty list of those that may.
#[tokio::test]
async fn a_name_that_no_region_has_is_refused() {
    let server = start(None).await;
    let update = json!({"TableName": "plain", "ReplicaUpdates": [{"Create": {"RegionName": "EU WEST"}}]});
    let message = "Region EU WEST is not supported. The name of a Region looks like us-east-1";
    server.refuses("UpdateTable", vec![(update, message)]).await;
}

// limit: REPLICA_LEAVING_BLOCKS_MS
/// What was taken out and is not heard of again stands in nobody's way for long.
#[tokio::test]
async fn a_replica_that_is_gone_for_good_blocks_nothing() {
    let (server, ahead_ms) = shifted().await;
    server.context.region.set_peers(Arc::new(Others { known: None, occupied: region("ap-south-1") }));
    server.ok("CreateTable", plain("plain")).await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    server.ok("UpdateTable", update(json!([delete("us-east-1")]))).await;
    let class = || json!({"TableName": "plain", "TableClass": "STANDARD"});
    server.check(vec![("UpdateTable", class(), fails("ResourceInUseException", IN_USE))]).await;
    ahead_ms.fetch_add(61_000, Ordering::SeqCst);
    assert_eq!(describe(&server, "plain").await["Replicas"][0]["ReplicaStatus"], "DELETING");
    server.ok("UpdateTable", class()).await;
    let foreign = "Failed to create a the new replica of table with name: ‘plain’ because one or more replicas already existed as tables.";
    server.refuses("UpdateTable", vec![(update(json!([create("us-east-1")])), foreign)]).await;
    let again = update(json!([delete("us-east-1")]));
    server.check(vec![("UpdateTable", again, fails("ResourceInUseException", IN_USE))]).await;
}

// limit: SOURCE_REGION_HOLD_MS
/// Where the rule is on, a replica stays for a day after another one was added from its Region.
#[tokio::test]
async fn a_source_region_stays_for_a_day_where_that_rule_is_on() {
    let (server, ahead_ms) = shifted().await;
    let here = &server.context.region;
    here.set_peers(Arc::new(Others { known: None, occupied: region("ap-south-1") }));
    server.ok("CreateTable", plain("plain")).await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    finish_joining(&server, "us-east-1").await;
    // Added from us-east-1, as this Region hears.
    let name = "plain".parse().unwrap();
    let add = here.update_settings(&name, |table| {
        let version = here.clock().register_version(table.settings.version().time);
        let member = Register::new(version.clone(), Member::Active);
        table.settings.members.insert(region("eu-north-1"), member);
        table.settings.sources.insert(region("eu-north-1"), Register::new(version, region("us-east-1")));
        Ok(())
    });
    add.await.unwrap();
    here.set_source_region_rule(true);
    let text = "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the table in the last 24 hours.";
    let refused = || invalid(text);
    let delete_here = || json!({"TableName": "plain"});
    server
        .check(vec![
            ("DeleteTable", delete_here(), refused()),
            ("UpdateTable", update(json!([delete("us-east-1")])), refused()),
        ])
        .await;
    // Leaf first: then its source may go at once.
    server.ok("UpdateTable", update(json!([delete("eu-north-1")]))).await;
    finish_leaving(&server, "eu-north-1").await;
    server.ok("UpdateTable", update(json!([delete("us-east-1")]))).await;
    finish_leaving(&server, "us-east-1").await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    finish_joining(&server, "us-east-1").await;
    ahead_ms.fetch_add(24 * 60 * 60 * 1000 - 60_000, Ordering::SeqCst);
    server.check(vec![("DeleteTable", delete_here(), refused())]).await;
    ahead_ms.fetch_add(61_000, Ordering::SeqCst);
    server.ok("DeleteTable", delete_here()).await;
}

#[tokio::test]
async fn a_replica_that_becomes_a_table_of_its_own_takes_writes_and_nothing_else() {
    let server = start(None).await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    finish_joining(&server, "us-east-1").await;
    let disassociate = || {
        let mode = "WAIT_FOR_REPLICATION";
        update(json!([{"Disassociate": {"RegionName": "eu-west-1", "DisassociationMode": mode}}]))
    };
    let protected = "Cannot disassociate table plain in region eu-west-1 because it has disassociation protection enabled. Disable disassociation protection first.";
    server.refuses("UpdateTable", vec![(disassociate(), protected)]).await;
    let protect = |on: bool| json!({"TableName": "plain", "DisassociationProtectionEnabled": on});
    server.ok("UpdateTable", protect(false)).await;
    assert_eq!(describe(&server, "plain").await["DisassociationProtectionEnabled"], false);
    let answer = server.ok("UpdateTable", disassociate()).await;
    assert_eq!(answer["TableDescription"]["TableStatus"], "UPDATING");
    let table = describe(&server, "plain").await;
    assert_eq!(
        (&table["TableStatus"], &table["Replicas"][0]["ReplicaStatus"]),
        (&json!("UPDATING"), &json!("ACTIVE"))
    );
    server.ok("PutItem", json!({"TableName": "plain", "Item": {"pk": s("a")}})).await;
    server.ok("GetItem", json!({"TableName": "plain", "Key": {"pk": s("a")}})).await;
    let in_use = || fails("ResourceInUseException", IN_USE);
    server
        .check(vec![
            ("UpdateTable", disassociate(), in_use()),
            ("UpdateTable", protect(true), in_use()),
            ("UpdateTable", update(json!([create("eu-north-1")])), in_use()),
            ("UpdateTable", update(json!([delete("us-east-1")])), in_use()),
            ("DeleteTable", json!({"TableName": "plain"}), in_use()),
        ])
        .await;
    let stored = server.context.region.table(&"plain".parse().unwrap()).await.unwrap();
    assert_eq!(stored.detaching.map(|detaching| detaching.cut), Some(None));
}

/// Records from before replicas had settings of their own are read as they are.
#[tokio::test]
async fn older_records_are_read() {
    let server = start(None).await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    finish_joining(&server, "us-east-1").await;
    let table = server.context.region.table(&"plain".parse().unwrap()).await.unwrap();
    let mut record = serde_json::to_value(&*table).unwrap();
    let members = record.as_object_mut().unwrap();
    assert!(members.remove("replica").is_some() && members.remove("detaching").is_some());
    let settings = record["settings"].as_object_mut().unwrap();
    assert!(settings.remove("overrides").is_some() && settings.remove("sources").is_some());
    let older: Table = serde_json::from_value(record).unwrap();
    let shown: Vec<&RegionName> =
        older.replicas(server.context.region.name()).map(|(name, _)| name).collect();
    assert_eq!(shown, [&region("us-east-1")]);
    assert!(older.replica.is_protected());
}

#[tokio::test]
async fn what_a_replica_had_of_its_own_goes_with_it() {
    let server = start(None).await;
    let mut own = create("us-east-1");
    own["Create"]["OnDemandThroughputOverride"] = json!({"MaxReadRequestUnits": 5});
    own["Create"]["TableClassOverride"] = json!("STANDARD_INFREQUENT_ACCESS");
    server.ok("UpdateTable", update(json!([own]))).await;
    finish_joining(&server, "us-east-1").await;
    let replica = &describe(&server, "plain").await["Replicas"][0];
    assert_eq!(replica["OnDemandThroughputOverride"], json!({"MaxReadRequestUnits": 5}));
    assert_eq!(replica["ReplicaTableClassSummary"], json!({"TableClass": "STANDARD_INFREQUENT_ACCESS"}));
    server.ok("UpdateTable", update(json!([delete("us-east-1")]))).await;
    finish_leaving(&server, "us-east-1").await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    let replica = &describe(&server, "plain").await["Replicas"][0];
    assert_eq!(
        (&replica["OnDemandThroughputOverride"], &replica["ReplicaTableClassSummary"]),
        (&json!(null), &json!(null))
    );
}

// limit: TABLE_CLASS_CHANGES_MAX
// limit: TABLE_CLASS_WINDOW_MS
#[tokio::test]
async fn the_class_of_a_replica_changes_twice_in_thirty_days() {
    let (server, ahead_ms) = shifted().await;
    server.context.region.set_peers(Arc::new(Others { known: None, occupied: region("ap-south-1") }));
    server.ok("CreateTable", plain("plain")).await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    finish_joining(&server, "us-east-1").await;
    let own = |infrequent_access: bool| {
        let class = if infrequent_access { "STANDARD_INFREQUENT_ACCESS" } else { "STANDARD" };
        update(json!([{"Update": {"RegionName": "us-east-1", "TableClassOverride": class}}]))
    };
    let exhausted = |region: &str| {
        let text = format!(
            "Limit exceeded for replica in {region}. Updates to TableClass are limited to 2 times in 30 day(s)"
        );
        fails("LimitExceededException", &text)
    };
    server.ok("UpdateTable", own(true)).await;
    server.ok("UpdateTable", own(false)).await;
    // The same once more is no change.
    server.ok("UpdateTable", own(false)).await;
    server.check(vec![("UpdateTable", own(true), exhausted("us-east-1"))]).await;
    // What all get counts for each of them.
    let all = |class: &str| json!({"TableName": "plain", "TableClass": class});
    let infrequent = || all("STANDARD_INFREQUENT_ACCESS");
    server.check(vec![("UpdateTable", infrequent(), exhausted("us-east-1"))]).await;
    ahead_ms.fetch_add(30 * 24 * 60 * 60 * 1000 - 60_000, Ordering::SeqCst);
    server.check(vec![("UpdateTable", infrequent(), exhausted("us-east-1"))]).await;
    ahead_ms.fetch_add(61_000, Ordering::SeqCst);
    server.ok("UpdateTable", infrequent()).await;
    server.ok("UpdateTable", all("STANDARD")).await;
    server.check(vec![("UpdateTable", infrequent(), exhausted("eu-west-1"))]).await;
}
