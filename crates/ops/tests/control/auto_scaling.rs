//! How replicas are to be scaled: what of it is kept, and what every member tells.

use std::sync::Arc;

use graticule_env::Env;
use graticule_kv::memory::MemoryEngine;
use graticule_ops::Context;
use graticule_tables::{
    Region,
    schema::{Billing, Member, Register, Throughput},
};
use serde_json::{Value, json};

use super::replicas::{IN_USE, create, finish_joining, region, start, update};
use crate::support::{Server, fails, invalid};

/// A provisioned global table of three members with an index, asked about in the second of them by name.
async fn provisioned() -> Server {
    let server = start(None).await;
    let index = json!({
        "IndexName": "global",
        "KeySchema": [{"AttributeName": "gk", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    });
    let request = json!({
        "TableName": "plain",
        "AttributeDefinitions": [{"AttributeName": "gk", "AttributeType": "S"}],
        "GlobalSecondaryIndexUpdates": [{"Create": index}],
    });
    server.ok("UpdateTable", request).await;
    for newcomer in ["us-east-1", "ap-northeast-1"] {
        server.ok("UpdateTable", update(json!([create(newcomer)]))).await;
        finish_joining(&server, newcomer).await;
    }
    set_billing(&server, false).await;
    server
}

async fn set_billing(server: &Server, on_demand: bool) {
    let here = &server.context.region;
    let name = "plain".parse().unwrap();
    let change = here.update_settings(&name, |table| {
        let version = here.clock().register_version(table.settings.version().time);
        let throughput = Throughput { read: 5, write: 5 };
        table.settings.billing =
            Register::new(version, Billing { on_demand, throughput, ..Billing::default() });
        Ok(())
    });
    change.await.unwrap();
}

fn scaling(members: Value) -> Value {
    let mut request = members;
    request["TableName"] = json!("plain");
    request
}

async fn described(server: &Server) -> Value {
    let answer = server.ok("DescribeTableReplicaAutoScaling", json!({"TableName": "plain"})).await;
    answer["TableAutoScalingDescription"].clone()
}

fn off() -> Value {
    json!({"AutoScalingDisabled": true, "ScalingPolicies": []})
}

fn on(minimum: u64, maximum: u64, policies: Value) -> Value {
    json!({
        "MinimumUnits": minimum,
        "MaximumUnits": maximum,
        "AutoScalingDisabled": false,
        "AutoScalingRoleArn": "arn:aws:iam::000000000000:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
        "ScalingPolicies": policies,
    })
}

/// A member as it is told, with these settings of the table and of its index.
fn member(name: &str, index_status: Option<&str>, read: Value, write: Value, index: (Value, Value)) -> Value {
    let (index_read, index_write) = index;
    let mut shown = json!({
        "IndexName": "global",
        "ProvisionedReadCapacityAutoScalingSettings": index_read,
        "ProvisionedWriteCapacityAutoScalingSettings": index_write,
    });
    if let Some(status) = index_status {
        shown["IndexStatus"] = json!(status);
    }
    json!({
        "RegionName": name,
        "ReplicaStatus": "ACTIVE",
        "ReplicaProvisionedReadCapacityAutoScalingSettings": read,
        "ReplicaProvisionedWriteCapacityAutoScalingSettings": write,
        "GlobalSecondaryIndexes": [shown],
    })
}

const INDEX_HERE: Option<&str> = Some("CREATING"); // no job fills it in this test

#[tokio::test]
async fn members_are_told_in_the_order_of_their_names_with_nothing_configured() {
    let server = provisioned().await;
    let plain = |name, status| member(name, status, off(), off(), (off(), off()));
    let wanted = json!({
        "TableName": "plain",
        "TableStatus": "UPDATING",
        "Replicas": [plain("ap-northeast-1", None), plain("eu-west-1", INDEX_HERE), plain("us-east-1", None)],
    });
    assert_eq!(described(&server).await, wanted);
    set_billing(&server, true).await;
    assert_eq!(described(&server).await, wanted, "billed per request");
}

#[tokio::test]
async fn an_update_answers_with_what_was_and_every_member_tells_what_is() {
    let server = provisioned().await;
    let before = described(&server).await;
    let target = |value: f64| json!({"TargetTrackingScalingPolicyConfiguration": {"TargetValue": value}});
    let answer = server
        .ok(
            "UpdateTableReplicaAutoScaling",
            scaling(json!({
                "ProvisionedWriteCapacityAutoScalingUpdate":
                    {"MinimumUnits": 5, "MaximumUnits": 50, "ScalingPolicyUpdate": target(70.0)},
                "GlobalSecondaryIndexUpdates": [{
                    "IndexName": "global",
                    "ProvisionedWriteCapacityAutoScalingUpdate": {"MinimumUnits": 1, "MaximumUnits": 1},
                }],
                "ReplicaUpdates": [{
                    "RegionName": "us-east-1",
                    "ReplicaProvisionedReadCapacityAutoScalingUpdate": {
                        "MinimumUnits": 7,
                        "MaximumUnits": 70,
                        "ScalingPolicyUpdate": {
                            "PolicyName": "mine",
                            "TargetTrackingScalingPolicyConfiguration": {
                                "TargetValue": 45.5,
                                "DisableScaleIn": true,
                                "ScaleInCooldown": 0,
                                "ScaleOutCooldown": 60,
                            },
                        },
                    },
                    "ReplicaGlobalSecondaryIndexUpdates": [{
                        "IndexName": "global",
                        "ProvisionedReadCapacityAutoScalingUpdate":
                            {"MinimumUnits": 2, "MaximumUnits": 20, "ScalingPolicyUpdate": target(20.0)},
                    }],
                }],
            })),
        )
        .await;
    assert_eq!(answer["TableAutoScalingDescription"], before);

    let policy = |name: &str, target: Value| json!([{"PolicyName": name, "TargetTrackingScalingPolicyConfiguration": target}]);
    let write =
        || on(5, 50, policy("DynamoDBWriteCapacityUtilization:table/plain", json!({"TargetValue": 70.0})));
    let index_write = || on(1, 1, json!([]));
    let mine =
        json!({"TargetValue": 45.5, "DisableScaleIn": true, "ScaleInCooldown": 0, "ScaleOutCooldown": 60});
    let read = on(7, 70, policy("mine", mine));
    let index_name = "DynamoDBReadCapacityUtilization:table/plain/index/global";
    let index_read = on(2, 20, policy(index_name, json!({"TargetValue": 20.0})));
    let replicas = json!([
        member("ap-northeast-1", None, off(), write(), (off(), index_write())),
        member("eu-west-1", INDEX_HERE, off(), write(), (off(), index_write())),
        member("us-east-1", None, read.clone(), write(), (index_read.clone(), index_write())),
    ]);
    assert_eq!(described(&server).await["Replicas"], replicas);

    // The settings travel with the others that replicas share.
    let table = server.context.region.table(&"plain".parse().unwrap()).await.unwrap();
    let mut shared = table.shared().unwrap();
    let version = server.context.region.clock().register_version(shared.settings.version().time);
    let joining = Member::Joining { source: region("eu-west-1") };
    shared.settings.members.insert(region("us-east-1"), Register::new(version, joining));
    let peer = Region::open(region("us-east-1"), Arc::new(MemoryEngine::new()), Env::real()).await.unwrap();
    peer.merge_settings(&shared).await.unwrap();
    let peer = Server { context: Context { region: peer, endpoint: "localhost:8000".into() } };
    finish_joining(&peer, "us-east-1").await;
    let replicas = json!([
        member("ap-northeast-1", None, off(), write(), (off(), index_write())),
        member("eu-west-1", None, off(), write(), (off(), index_write())),
        member("us-east-1", Some("ACTIVE"), read, write(), (index_read, index_write())),
    ]);
    assert_eq!(described(&peer).await["Replicas"], replicas);

    // Capacity stays as it was configured.
    let table = super::describe(&server, "plain").await;
    assert_eq!(table["ProvisionedThroughput"]["WriteCapacityUnits"], 5);
}

#[tokio::test]
async fn what_a_request_does_not_name_stays() {
    let server = provisioned().await;
    let writes = |update: Value| scaling(json!({"ProvisionedWriteCapacityAutoScalingUpdate": update}));
    let policy = |name: &str, target: f64| {
        json!({
            "PolicyName": name,
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": target, "ScaleInCooldown": 9},
        })
    };
    let told = async |server: &Server| {
        described(server).await["Replicas"][0]["ReplicaProvisionedWriteCapacityAutoScalingSettings"].clone()
    };
    let rows = [
        (json!({"MinimumUnits": 2, "MaximumUnits": 9}), on(2, 9, json!([]))),
        (json!({"MaximumUnits": 12}), on(2, 12, json!([]))),
        (json!({"ScalingPolicyUpdate": policy("one", 30.0)}), on(2, 12, json!([policy("one", 30.0)]))),
        (json!({"AutoScalingDisabled": false, "MinimumUnits": 12}), on(12, 12, json!([policy("one", 30.0)]))),
        (
            json!({"ScalingPolicyUpdate": {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 40}}}),
            on(
                12,
                12,
                json!([{"PolicyName": "one", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 40.0}}]),
            ),
        ),
        (json!({"AutoScalingDisabled": true}), off()),
    ];
    for (update, wanted) in rows {
        let before = told(&server).await;
        let answer = server.ok("UpdateTableReplicaAutoScaling", writes(update.clone())).await;
        let shown = &answer["TableAutoScalingDescription"]["Replicas"][0];
        assert_eq!(shown["ReplicaProvisionedWriteCapacityAutoScalingSettings"], before, "{update}");
        assert_eq!(told(&server).await, wanted, "{update}");
    }
    // Switched off, it is forgotten.
    let message = "One or more parameter values were invalid: MinimumUnits and MaximumUnits must be specified to enable auto scaling";
    server
        .refuses("UpdateTableReplicaAutoScaling", vec![(writes(json!({"MaximumUnits": 9})), message)])
        .await;
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_as_a_whole() {
    let server = provisioned().await;
    let before = described(&server).await;
    let good = json!({"MinimumUnits": 2, "MaximumUnits": 9});
    let reads = |region: &str| {
        scaling(json!({
            "ProvisionedWriteCapacityAutoScalingUpdate": good,
            "ReplicaUpdates": [{
                "RegionName": region, "ReplicaProvisionedReadCapacityAutoScalingUpdate": good,
            }],
        }))
    };
    let not_member = "Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [us-west-2].";
    let index = scaling(json!({"GlobalSecondaryIndexUpdates": [
        {"IndexName": "missing", "ProvisionedWriteCapacityAutoScalingUpdate": good},
    ]}));
    let turned = json!({"MinimumUnits": 9, "MaximumUnits": 2});
    let turned = scaling(json!({"ProvisionedWriteCapacityAutoScalingUpdate": turned}));
    let update = "UpdateTableReplicaAutoScaling";
    let rows = vec![
        (reads("us-west-2"), not_member),
        (index, "The table does not have the specified index: missing"),
        (turned, "Maximum capacity cannot be less than minimum capacity"),
    ];
    server.refuses(update, rows).await;
    assert_eq!(described(&server).await, before, "nothing of a refused request is kept");

    set_billing(&server, true).await;
    let billed = "Failed to update global table with name ‘plain‘. Replicas [ap-northeast-1, eu-west-1, us-east-1] BillingMode is PayPerRequest. You must convert table's BillingMode to PROVISIONED to set parameters: [ProvisionedWriteCapacityAutoScalingUpdate, ReplicaUpdates].";
    server.check(vec![(update, reads("us-east-1"), invalid(billed))]).await;
    set_billing(&server, false).await;
    let here = &server.context.region;
    let name = "plain".parse().unwrap();
    let joining = here.update_settings(&name, |table| {
        let version = here.clock().register_version(table.settings.version().time);
        let joining = Member::Joining { source: region("eu-west-1") };
        table.settings.members.insert(region("sa-east-1"), Register::new(version, joining));
        Ok(())
    });
    joining.await.unwrap();
    server.check(vec![(update, reads("us-east-1"), fails("ResourceInUseException", IN_USE))]).await;
}
