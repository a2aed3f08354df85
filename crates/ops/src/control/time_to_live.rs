//! UpdateTimeToLive and DescribeTimeToLive: which attribute says when an item expires. Replicas share the setting.
//!
//! As on DynamoDB, the setting of a table changes once in half an hour.

use graticule_model::{Error, limits::TTL_CHANGE_MS_MIN};
use graticule_tables::{
    Table,
    schema::{EXPIRY_INDEX, IndexState, Register, TableStatus},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{find_table, in_use, not_found};
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateRequest {
    table_name: String,
    time_to_live_specification: Specification,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Specification {
    enabled: bool,
    attribute_name: String,
}

/// Answers UpdateTimeToLive.
///
/// # Errors
/// If the setting would not change, or not from what it is.
pub(crate) async fn update(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: UpdateRequest = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    let Specification { enabled, attribute_name: attribute } = request.time_to_live_specification;

    let region = &context.region;
    let change = region.update_settings(&name, |table| {
        match table.status {
            TableStatus::Creating => return Err(Error::ResourceNotFound),
            TableStatus::Deleting => {
                return Err(in_use(table, &format!("Table {} is being deleted", table.name)));
            }
            TableStatus::Active => {}
        }
        let setting = changed(table.ttl_attribute(), enabled, &attribute)?;
        check_interval(table, region.env().unix_ms())?;
        let version = region.clock().register_version(table.settings.version().time);
        table.settings.ttl = Register::new(version, setting);
        Ok(())
    });
    change.await.map_err(|error| not_found(&name, error))?;
    let mut reply = Reply::new();
    reply.value("TimeToLiveSpecification", &json!({"Enabled": enabled, "AttributeName": attribute}));
    Ok(reply.finish())
}

/// The setting after a change.
fn changed(current: Option<&str>, enabled: bool, attribute: &str) -> Result<Option<String>, Error> {
    match (current, enabled) {
        (None, true) => Ok(Some(attribute.to_owned())),
        (None, false) => Err(Error::Validation("TimeToLive is already disabled".to_owned())),
        (Some(current), _) if current != attribute => Err(Error::Validation(format!(
            "TimeToLive is active on a different AttributeName: current AttributeName is {current}"
        ))),
        (Some(_), true) => Err(Error::Validation("TimeToLive is already enabled".to_owned())),
        (Some(_), false) => Ok(None),
    }
}

/// Refuses a change soon after another one.
fn check_interval(table: &Table, now_ms: u64) -> Result<(), Error> {
    let settings = &table.settings;
    let changed = settings.ttl.version.time;
    // The settings of a new table have one version.
    let others = [&settings.billing.version, &settings.stream.version, &settings.infrequent_access.version];
    let was_changed = others.iter().any(|version| version.time < changed);
    if was_changed && now_ms < changed.unix_ms().saturating_add(TTL_CHANGE_MS_MIN) {
        let message = "Time to live has been modified multiple times within a fixed interval";
        return Err(Error::Validation(message.to_owned()));
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeRequest {
    table_name: String,
}

/// Answers DescribeTimeToLive.
///
/// # Errors
/// [`Error::TableNotFound`].
pub(crate) async fn describe(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: DescribeRequest = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    let table = find_table(context, &name).await?;
    let status = match table.status {
        TableStatus::Creating => Some("CREATING"),
        TableStatus::Deleting => Some("DELETING"),
        TableStatus::Active => None,
    };
    if let Some(status) = status {
        return Err(Error::Validation(format!(
            "Cannot describe time to live while table is in {status} state: Current table state is {status}"
        )));
    }
    let mut reply = Reply::new();
    reply.value("TimeToLiveDescription", &description(&table));
    Ok(reply.finish())
}

fn description(table: &Table) -> Value {
    let Some(attribute) = table.ttl_attribute() else { return json!({"TimeToLiveStatus": "DISABLED"}) };
    // Until all older items are in the expiry index, only newer ones expire.
    let complete = table.indexes.get(EXPIRY_INDEX).is_some_and(|index| index.state == IndexState::Active);
    let status = if complete { "ENABLED" } else { "ENABLING" };
    json!({"TimeToLiveStatus": status, "AttributeName": attribute})
}
