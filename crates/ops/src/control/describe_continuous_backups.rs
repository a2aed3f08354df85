//! DescribeContinuousBackups: there are none, and the answer says so. DynamoDB always says ENABLED in one of the two
//! places; here that would be a promise that nobody keeps.

use graticule_model::Error;
use graticule_tables::schema::TableStatus;
use serde::Deserialize;
use serde_json::json;

use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: String,
}

/// Answers the request.
///
/// # Errors
/// [`Error::BackupTableNotFound`].
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    match context.region.table(&name).await {
        Ok(table) if table.status != TableStatus::Creating => {}
        Ok(_) | Err(Error::ResourceNotFound) => return Err(Error::BackupTableNotFound(name.to_string())),
        Err(error) => return Err(error),
    }
    let disabled = json!({
        "ContinuousBackupsStatus": "DISABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    });
    let mut reply = Reply::new();
    reply.value("ContinuousBackupsDescription", &disabled);
    Ok(reply.finish())
}
