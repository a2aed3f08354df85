//! `TableDescription`: what clients are shown of a table.

use graticule_model::{Error, IndexName, RegionName, names};
use graticule_tables::{
    Table,
    schema::{
        Derivation, IndexDefinition, IndexState, KeySchema, LocalIndex, Maximum, Projection, TableStatus,
        Throughput, ThroughputHistory,
    },
};
use serde_json::{Map, Value, json};

use super::{
    replica_description::{REPLICATION_MODE, replicas, table_class, warm_throughput},
    settings::stream_view_name,
};
use crate::Context;

/// At which moment of an operation a table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// In the answer that creates it: it and its indexes say CREATING.
    Creating,
    /// In the answer that changes it: it says UPDATING.
    Updating,
    /// In the answer that deletes it: it says DELETING.
    Deleting,
    /// As it is.
    Now,
}

/// Milliseconds since the epoch as the wire has times: seconds, with a fraction.
pub(crate) fn epoch_seconds(unix_ms: u64) -> f64 {
    unix_ms as f64 / 1000.0
}

/// A key as the wire has it.
pub(crate) fn key_schema(key: &KeySchema) -> Value {
    let element = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let partition = key.partition.iter().map(|attribute| element(&attribute.name, "HASH"));
    partition.chain(key.sort.iter().map(|attribute| element(&attribute.name, "RANGE"))).collect()
}

fn projection(projection: &Projection) -> Value {
    match projection {
        Projection::All => json!({"ProjectionType": "ALL"}),
        Projection::KeysOnly => json!({"ProjectionType": "KEYS_ONLY"}),
        Projection::Include(names) => json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names}),
    }
}

fn throughput(throughput: Throughput, history: Option<&ThroughputHistory>, now_ms: u64) -> Value {
    let mut shown = json!({
        "NumberOfDecreasesToday": history.map_or(0, |history| history.decreases_today(now_ms)),
        "ReadCapacityUnits": throughput.read,
        "WriteCapacityUnits": throughput.write,
    });
    let changes = history.map(|history| {
        [("LastIncreaseDateTime", history.increased_ms), ("LastDecreaseDateTime", history.decreased_ms)]
    });
    for (member, at_ms) in changes.into_iter().flatten() {
        if let Some(at_ms) = at_ms {
            shown[member] = epoch_seconds(at_ms).into();
        }
    }
    shown
}

/// `OnDemandThroughput`, if there is a maximum.
fn on_demand_throughput(maximum: Maximum) -> Option<Value> {
    let members = [("MaxReadRequestUnits", maximum.read), ("MaxWriteRequestUnits", maximum.write)];
    let given = members.into_iter().filter_map(|(member, units)| Some((member.to_owned(), units?.into())));
    let shown: Map<String, Value> = given.collect();
    (!shown.is_empty()).then(|| shown.into())
}

/// Whether a global secondary index is on its way: being filled or removed. The expiry index is nobody's business.
pub(super) fn is_on_its_way(index: &LocalIndex) -> bool {
    !index.local && index.state != IndexState::Active && matches!(index.derivation, Derivation::Secondary(_))
}

/// `TableStatus`.
pub(super) fn table_status(table: &Table, stage: Stage) -> &'static str {
    match (stage, table.status) {
        (Stage::Creating, _) | (Stage::Now | Stage::Updating, TableStatus::Creating) => "CREATING",
        (Stage::Deleting, _) | (Stage::Now | Stage::Updating, TableStatus::Deleting) => "DELETING",
        (Stage::Updating, _) => "UPDATING",
        (Stage::Now, TableStatus::Active) if table.indexes.values().any(is_on_its_way) => "UPDATING",
        (Stage::Now, TableStatus::Active) if table.detaching.is_some() => "UPDATING",
        (Stage::Now, TableStatus::Active) => "ACTIVE",
    }
}

/// Describes a table.
///
/// # Errors
/// If the engine fails.
pub(super) async fn describe(context: &Context, table: &Table, stage: Stage) -> Result<Value, Error> {
    let here = context.region.name();
    let (items, bytes) = context.region.counts(table, None).await?;
    let billing = table.billing_in(here);
    let is_member = table.replicas(here).next().is_some();
    let now_ms = context.region.env().unix_ms();
    let warm_status = if stage == Stage::Creating { "UPDATING" } else { "ACTIVE" };
    let attributes = table.attribute_definitions();
    let attributes = attributes
        .iter()
        .map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind.name()}))
        .collect::<Value>();
    let mut shown = json!({
        "TableName": table.name,
        "TableStatus": table_status(table, stage),
        "TableArn": table.arn(here),
        "TableId": table.uuid,
        "CreationDateTime": epoch_seconds(table.created_ms),
        "AttributeDefinitions": attributes,
        "KeySchema": key_schema(&table.key),
        "ItemCount": items,
        "TableSizeBytes": bytes,
        "ProvisionedThroughput": throughput(billing.throughput, Some(&table.capacity.table), now_ms),
        "WarmThroughput": warm_throughput(table.settings.billing.value.warm_units(), warm_status),
        "DeletionProtectionEnabled": table.deletion_protection,
    });
    if let Some(maximum) = on_demand_throughput(billing.maximum) {
        shown["OnDemandThroughput"] = maximum;
    }
    // A provisioned global table has none, even if it was billed per request before.
    if billing.on_demand || (table.on_demand_since_ms.is_some() && !is_member) {
        let mode = if billing.on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" };
        shown["BillingModeSummary"] = json!({"BillingMode": mode});
        if let Some(since_ms) = table.on_demand_since_ms.filter(|_| stage != Stage::Creating) {
            shown["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = epoch_seconds(since_ms).into();
        }
    }
    if let Some(infrequent_access) = table.infrequent_access_in(here) {
        shown["TableClassSummary"] = table_class(infrequent_access);
    }
    let local = local_indexes(context, table).await?;
    if !local.is_empty() {
        shown["LocalSecondaryIndexes"] = local.into();
    }
    let global = global_indexes(context, table, stage).await?;
    if !global.is_empty() {
        shown["GlobalSecondaryIndexes"] = global.into();
    }
    add_stream(table, here, &mut shown);
    if is_member {
        shown["GlobalTableVersion"] = "2019.11.21".into();
        shown["GlobalTableSettingsReplicationMode"] = REPLICATION_MODE.into();
        shown["DisassociationProtectionEnabled"] = table.replica.is_protected().into();
        shown["Replicas"] = replicas(context, table);
    }
    if stage == Stage::Deleting
        && let Some(members) = shown.as_object_mut()
    {
        members.retain(|member, _| SHOWN_OF_DELETED.contains(&member.as_str()));
    }
    Ok(shown)
}

/// What the answer that deletes a table still says of it.
const SHOWN_OF_DELETED: &[&str] = &[
    "TableName",
    "TableStatus",
    "TableArn",
    "TableId",
    "ItemCount",
    "TableSizeBytes",
    "ProvisionedThroughput",
    "BillingModeSummary",
    "TableClassSummary",
    "DeletionProtectionEnabled",
];

fn add_stream(table: &Table, here: &RegionName, shown: &mut Value) {
    if let Some(stream) = table.stream() {
        shown["StreamSpecification"] =
            json!({"StreamEnabled": true, "StreamViewType": stream_view_name(stream.view)});
    }
    if let Some(latest) = table.streams.last() {
        shown["LatestStreamArn"] = names::stream_arn(here, &table.name, &latest.label).into();
        shown["LatestStreamLabel"] = latest.label.clone().into();
    }
}

/// What local and global indexes have in common.
async fn index(
    context: &Context,
    table: &Table,
    name: &IndexName,
    definition: &IndexDefinition,
    kept: Option<&LocalIndex>,
) -> Result<Map<String, Value>, Error> {
    let (items, bytes) = match kept {
        Some(_) => context.region.counts(table, kept).await?,
        None => (0, 0),
    };
    let mut shown = Map::new();
    shown.insert("IndexName".to_owned(), name.as_str().into());
    shown.insert("IndexArn".to_owned(), names::index_arn(context.region.name(), &table.name, name).into());
    shown.insert("KeySchema".to_owned(), key_schema(&definition.key));
    shown.insert("Projection".to_owned(), projection(&definition.projection));
    shown.insert("ItemCount".to_owned(), items.into());
    shown.insert("IndexSizeBytes".to_owned(), bytes.into());
    Ok(shown)
}

async fn local_indexes(context: &Context, table: &Table) -> Result<Vec<Value>, Error> {
    let mut indexes = Vec::new();
    for (name, definition) in &table.local_indexes {
        let kept = table.indexes.get(name.as_str());
        indexes.push(index(context, table, name, definition, kept).await?.into());
    }
    Ok(indexes)
}

async fn global_indexes(context: &Context, table: &Table, stage: Stage) -> Result<Vec<Value>, Error> {
    let on_demand = table.settings.billing.value.on_demand;
    let mut indexes = Vec::new();
    for (name, register) in &table.settings.indexes {
        let kept = table.indexes.get(name.as_str());
        let (definition, status, backfilling) = match (&register.value, kept.map(|kept| kept.state)) {
            (Some(definition), _) if stage == Stage::Creating => (definition, "CREATING", false),
            (Some(definition), Some(IndexState::Active)) => (definition, "ACTIVE", false),
            // Filling begins after the answer to the request for it.
            (Some(definition), Some(IndexState::Backfilling)) => {
                (definition, "CREATING", stage != Stage::Updating)
            }
            // It waits until what an index of the same name has left is gone.
            (Some(definition), _) => (definition, "CREATING", false),
            (None, Some(_)) => match kept.map(|kept| &kept.derivation) {
                Some(Derivation::Secondary(definition)) => (definition, "DELETING", false),
                _ => continue,
            },
            (None, None) => continue,
        };
        let mut shown = index(context, table, name, definition, kept).await?;
        shown.insert("IndexStatus".to_owned(), status.into());
        if status == "CREATING" && stage != Stage::Creating {
            shown.insert("Backfilling".to_owned(), backfilling.into());
        }
        let history = table.capacity.indexes.get(name);
        let (units, maximum) = table.index_capacity_in(context.region.name(), name.as_str(), definition);
        let provisioned = throughput(units, history, context.region.env().unix_ms());
        shown.insert("ProvisionedThroughput".to_owned(), provisioned);
        if let Some(maximum) = on_demand_throughput(maximum) {
            shown.insert("OnDemandThroughput".to_owned(), maximum);
        }
        let warm_status = if status == "CREATING" { "UPDATING" } else { "ACTIVE" };
        shown.insert(
            "WarmThroughput".to_owned(),
            warm_throughput(definition.warm_units(on_demand), warm_status),
        );
        indexes.push(shown.into());
    }
    Ok(indexes)
}
