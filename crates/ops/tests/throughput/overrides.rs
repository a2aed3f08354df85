//! What a replica has of its own is what its Region enforces, and no other.

use graticule_tables::schema::Overrides;
use serde_json::{Value, json};

use super::{Clocked, get, provisioned, put, table};
use crate::support::s;

const HERE: &str = "eu-west-1";

/// Gives the replica in `region` something of its own, as an UpdateTable in another Region does.
async fn own(
    region: &Clocked,
    of: &str,
    mut set: impl FnMut(&mut Overrides, &graticule_model::Version) + Send,
) {
    let here = &region.server.context.region;
    let name = "tab".parse().unwrap();
    let change = here.update_settings(&name, |table| {
        let version = here.clock().register_version(table.settings.version().time);
        set(table.settings.overrides.entry(of.parse().unwrap()).or_default(), &version);
        Ok(())
    });
    change.await.unwrap();
}

/// Calls until it is refused; how many times it was not, `most` at most.
async fn until_refused(region: &Clocked, operation: &str, request: &Value, most: u64) -> u64 {
    for answered in 0..most {
        if region.server.call(operation, request).await.is_err() {
            return answered;
        }
    }
    most
}

fn query_index() -> Value {
    json!({
        "TableName": "tab", "IndexName": "by-g",
        "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": s("none")},
    })
}

#[tokio::test]
async fn reads_have_the_maximum_of_their_own_replica() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", json!({"BillingMode": "PAY_PER_REQUEST"}), Some(json!({})))).await;
    region.ok("PutItem", put("tab", 10)).await;
    own(&region, "us-east-1", |own, version| own.capacity.read_max.set(version, Some(1))).await;
    assert_eq!(until_refused(&region, "GetItem", &get("tab"), 700).await, 700, "it is another replica's");
    own(&region, HERE, |own, version| own.capacity.read_max.set(version, Some(2))).await;
    assert_eq!(until_refused(&region, "GetItem", &get("tab"), 700).await, 600);
    // An index is read at half the price, as it is read eventually consistently.
    assert_eq!(until_refused(&region, "Query", &query_index(), 700).await, 700);
    own(&region, HERE, |own, version| own.index(&"by-g".parse().unwrap()).read_max.set(version, Some(1)))
        .await;
    assert_eq!(until_refused(&region, "Query", &query_index(), 700).await, 600);
    // Writes are as before.
    region.ok("PutItem", put("tab", 10)).await;
    own(&region, HERE, |own, version| own.capacity.read_max.set(version, None)).await;
    assert_eq!(until_refused(&region, "GetItem", &get("tab"), 700).await, 700);
}

#[tokio::test]
async fn reads_have_the_provisioned_capacity_of_their_own_replica() {
    let region = Clocked::start().await;
    region.ok("CreateTable", table("tab", provisioned(1, 1000), None)).await;
    region.ok("PutItem", put("tab", 10)).await;
    assert_eq!(until_refused(&region, "GetItem", &get("tab"), 700).await, 300);
    own(&region, HERE, |own, version| own.capacity.read.set(version, Some(10))).await;
    region.advance_seconds(3);
    assert_eq!(until_refused(&region, "GetItem", &get("tab"), 700).await, 30);
    // What all share counts again from now on.
    own(&region, HERE, |own, version| own.capacity.read.set(version, None)).await;
    region.advance_seconds(3);
    assert_eq!(until_refused(&region, "GetItem", &get("tab"), 700).await, 3);
}
