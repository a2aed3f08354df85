//! What replicas have of their own, and how it is stored.

use std::sync::{Arc, atomic::Ordering};

use graticule_model::RegionName;
use graticule_tables::Table;
use serde_json::json;

use super::{
    super::{describe, plain, shifted},
    Others, create, delete, finish_joining, finish_leaving, region, start, update,
};
use crate::support::fails;

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
