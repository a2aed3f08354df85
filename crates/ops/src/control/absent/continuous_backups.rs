//! DescribeContinuousBackups and UpdateContinuousBackups: there are none, and the answers say so. DynamoDB always says
//! ENABLED in one of the two places; here that would be a promise that nobody keeps.

use graticule_model::Error;
use graticule_tables::schema::TableStatus;
use serde::Deserialize;
use serde_json::json;

use super::no_such_feature;
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeRequest {
    table_name: String,
}

/// Answers DescribeContinuousBackups.
///
/// # Errors
/// [`Error::BackupTableNotFound`].
pub(super) async fn describe(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: DescribeRequest = parse(body)?;
    check_table(context, &request.table_name).await?;
    Ok(disabled())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateRequest {
    table_name: String,
    point_in_time_recovery_specification: Specification,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Specification {
    point_in_time_recovery_enabled: bool,
    recovery_period_in_days: Option<u32>,
}

/// Answers UpdateContinuousBackups: what is off can be switched off.
///
/// # Errors
/// [`Error::BackupTableNotFound`]; or if point-in-time recovery is to be enabled.
pub(super) async fn update(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: UpdateRequest = parse(body)?;
    check_table(context, &request.table_name).await?;
    let wanted = request.point_in_time_recovery_specification;
    if wanted.point_in_time_recovery_enabled {
        return Err(no_such_feature("Point-in-time recovery"));
    }
    if wanted.recovery_period_in_days.is_some() {
        return Err(Error::Parameter(
            "RecoveryPeriodInDays cannot be specified when PointInTimeRecoveryEnabled is false".to_owned(),
        ));
    }
    Ok(disabled())
}

async fn check_table(context: &Context, reference: &str) -> Result<(), Error> {
    let name = context.table_name(reference)?;
    match context.region.table(&name).await {
        Ok(table) if table.status != TableStatus::Creating => Ok(()),
        Ok(_) | Err(Error::ResourceNotFound) => Err(Error::BackupTableNotFound(name.to_string())),
        Err(error) => Err(error),
    }
}

fn disabled() -> Vec<u8> {
    let description = json!({
        "ContinuousBackupsStatus": "DISABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    });
    let mut reply = Reply::new();
    reply.value("ContinuousBackupsDescription", &description);
    reply.finish()
}
