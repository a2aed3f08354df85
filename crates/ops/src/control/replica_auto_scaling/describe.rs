//! DescribeTableReplicaAutoScaling: every member of the global table, this one included, in the order of their names.

use graticule_model::{Error, IndexName, RegionName, names::ACCOUNT_ID};
use graticule_tables::{
    Table,
    auto_scaling::{AutoScaling, Dimension, ScalingPolicy},
    schema::{IndexState, ReplicaStatus},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        description::{Stage, table_status},
        replica_description::status_name,
    },
    check_global, not_found,
};
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: String,
}

/// Answers the request.
///
/// # Errors
/// [`Error::OtherNotFound`] if there is no such global table.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    let table = context.region.table(&name).await.map_err(|error| not_found(&name, error))?;
    check_global(context, &table)?;
    Ok(answer(&description(&table, context.region.name())))
}

/// What both operations answer.
pub(super) fn answer(description: &Value) -> Vec<u8> {
    let mut reply = Reply::new();
    reply.value("TableAutoScalingDescription", description);
    reply.finish()
}

/// `TableAutoScalingDescription`, as the Region `here` tells it.
pub(super) fn description(table: &Table, here: &RegionName) -> Value {
    let members = table.settings.members.keys();
    let replicas: Value = members
        .filter_map(|region| Some(replica(table, region, table.replica_status(region)?, region == here)))
        .collect();
    json!({"TableName": table.name, "TableStatus": table_status(table, Stage::Now), "Replicas": replicas})
}

fn replica(table: &Table, region: &RegionName, status: ReplicaStatus, is_here: bool) -> Value {
    let mut shown = json!({
        "RegionName": region,
        "ReplicaStatus": status_name(status),
        "ReplicaProvisionedReadCapacityAutoScalingSettings":
            settings(table, &Dimension::Reads(region.clone(), None)),
        "ReplicaProvisionedWriteCapacityAutoScalingSettings": settings(table, &Dimension::Writes(None)),
    });
    let indexes: Vec<Value> =
        table.global_indexes().map(|(name, _)| index(table, region, name, is_here)).collect();
    if !indexes.is_empty() {
        shown["GlobalSecondaryIndexes"] = indexes.into();
    }
    shown
}

fn index(table: &Table, region: &RegionName, name: &IndexName, is_here: bool) -> Value {
    let mut shown = json!({
        "IndexName": name,
        "ProvisionedReadCapacityAutoScalingSettings":
            settings(table, &Dimension::Reads(region.clone(), Some(name.clone()))),
        "ProvisionedWriteCapacityAutoScalingSettings":
            settings(table, &Dimension::Writes(Some(name.clone()))),
    });
    // How far another Region has come with an index, only that Region knows.
    if is_here {
        let kept = table.indexes.get(name.as_str());
        let complete = kept.is_some_and(|index| index.state == IndexState::Active);
        shown["IndexStatus"] = if complete { "ACTIVE" } else { "CREATING" }.into();
    }
    shown
}

/// The role that the service itself scales with: the only one there can be.
pub(super) const ROLE: &str = "role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable";

fn settings(table: &Table, dimension: &Dimension) -> Value {
    match table.settings.auto_scaling(dimension) {
        None => json!({"AutoScalingDisabled": true, "ScalingPolicies": []}),
        Some(AutoScaling { minimum_units, maximum_units, policy }) => json!({
            "MinimumUnits": minimum_units,
            "MaximumUnits": maximum_units,
            "AutoScalingDisabled": false,
            "AutoScalingRoleArn": format!("arn:aws:iam::{}:{ROLE}", ACCOUNT_ID),
            "ScalingPolicies": policy.iter().map(scaling_policy).collect::<Value>(),
        }),
    }
}

fn scaling_policy(policy: &ScalingPolicy) -> Value {
    let mut target = json!({"TargetValue": policy.target.percent()});
    if let Some(disabled) = policy.disable_scale_in {
        target["DisableScaleIn"] = disabled.into();
    }
    let cooldowns =
        [("ScaleInCooldown", policy.scale_in_cooldown_s), ("ScaleOutCooldown", policy.scale_out_cooldown_s)];
    for (member, seconds) in cooldowns {
        if let Some(seconds) = seconds {
            target[member] = seconds.into();
        }
    }
    json!({"PolicyName": policy.name, "TargetTrackingScalingPolicyConfiguration": target})
}
