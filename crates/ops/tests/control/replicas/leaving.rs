//! Replicas go, or become tables of their own; what keeps them.

use std::sync::{Arc, atomic::Ordering};

use graticule_tables::schema::{Member, Register};
use serde_json::json;

use super::{
    super::{describe, plain, shifted},
    IN_USE, Others, PROTECTED, create, delete, finish_joining, finish_leaving, region, start, update,
};
use crate::support::{fails, invalid, s};

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
async fn a_replica_protected_in_its_own_region_stays() {
    let server = start(None).await;
    server.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    finish_joining(&server, "us-east-1").await;
    finish_joining(&server, PROTECTED).await;
    let text = "Cannot delete table plain in region sa-east-1 because it has deletion protection enabled. Disable deletion protection first.";
    server.check(vec![("UpdateTable", update(json!([delete(PROTECTED)])), invalid(text))]).await;
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
