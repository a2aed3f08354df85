//! Features that are not there, asked for in a Region whose replica is being filled: only its description can be had.

use std::sync::Arc;

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_ops::Context;
use graticule_tables::Region;
use serde_json::json;

use super::replicas::{create, region, start, update};
use crate::support::{Server, fails};

#[tokio::test]
async fn a_replica_that_is_being_filled_has_nothing_to_tell() {
    let source = start(None).await;
    source.ok("UpdateTable", update(json!([create("us-east-1")]))).await;
    let table = source.context.region.table(&"plain".parse().unwrap()).await.unwrap();
    let newcomer =
        Region::open(region("us-east-1"), Arc::new(MemoryEngine::new()), Env::real()).await.unwrap();
    newcomer.merge_settings(&table.shared().unwrap()).await.unwrap();
    let newcomer = Server { context: Context { region: newcomer, endpoint: "localhost:8000".into() } };

    let name = || json!({"TableName": "plain"});
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/plain";
    let missing =
        || fails("ResourceNotFoundException", "Requested resource not found: Table: plain not found");
    let no_arn = format!("Requested resource not found: ResourceArn: {arn} not found");
    let off = json!({"PointInTimeRecoveryEnabled": false});
    newcomer
        .check(vec![
            ("DescribeContributorInsights", name(), missing()),
            ("ListContributorInsights", name(), missing()),
            (
                "UpdateContributorInsights",
                json!({"TableName": "plain", "ContributorInsightsAction": "DISABLE"}),
                missing(),
            ),
            ("DescribeKinesisStreamingDestination", name(), missing()),
            (
                "UpdateContinuousBackups",
                json!({"TableName": "plain", "PointInTimeRecoverySpecification": off}),
                fails("TableNotFoundException", "Table not found: plain"),
            ),
            ("GetResourcePolicy", json!({"ResourceArn": arn}), fails("ResourceNotFoundException", &no_arn)),
            (
                "DescribeTableReplicaAutoScaling",
                name(),
                fails("ResourceNotFoundException", "Global table with name: 'plain' does not exist."),
            ),
        ])
        .await;
}
