//! GetResourcePolicy and DeleteResourcePolicy: no table and no stream has a policy, since access is not checked.

use graticule_model::{Absent, Error, RegionName, TableName};
use graticule_tables::{Region, schema::TableStatus};
use serde::Deserialize;

use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    resource_arn: String,
    expected_revision_id: Option<String>,
}

/// Answers GetResourcePolicy.
///
/// # Errors
/// [`Absent::Policy`], or [`Error::OtherNotFound`] if there is nothing that could have a policy.
pub(super) async fn get(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    check_resource(&context.region, &request.resource_arn).await?;
    Err(Error::Absent(Absent::Policy(request.resource_arn)))
}

/// Answers DeleteResourcePolicy: what is not there can be deleted, unless the request names what it expects.
///
/// # Errors
/// [`Absent::Policy`], or [`Error::OtherNotFound`] if there is nothing that could have a policy.
pub(super) async fn delete(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    check_resource(&context.region, &request.resource_arn).await?;
    if request.expected_revision_id.is_some() {
        return Err(Error::Absent(Absent::Policy(request.resource_arn)));
    }
    // The revision of the policy that was deleted.
    let mut reply = Reply::new();
    reply.value("RevisionId", &"");
    Ok(reply.finish())
}

/// Checks that an ARN names a table or a stream of this Region.
async fn check_resource(region: &Region, arn: &str) -> Result<(), Error> {
    let (table, stream) = read(region.name(), arn)?;
    let missing =
        || Error::OtherNotFound(format!("Requested resource not found: ResourceArn: {arn} not found"));
    let found = match stream {
        Some(label) => region.find_stream(&table, label).await.map(|_| TableStatus::Active),
        None => region.table(&table).await.map(|table| table.status),
    };
    match found {
        Ok(TableStatus::Active | TableStatus::Deleting) => Ok(()),
        Ok(TableStatus::Creating) | Err(Error::ResourceNotFound) => Err(missing()),
        Err(error) => Err(error),
    }
}

/// The table that an ARN names, and the label of its stream if it names that.
fn read<'a>(here: &RegionName, arn: &'a str) -> Result<(TableName, Option<&'a str>), Error> {
    let invalid = || Error::Validation(format!("Invalid ResourceArn provided as input {arn}"));
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "dynamodb", region, _, resource] = parts[..] else { return Err(invalid()) };
    let resource = resource.strip_prefix("table/").filter(|_| region == here.as_str()).ok_or_else(invalid)?;
    let (table, stream) = match resource.split_once("/stream/") {
        Some((table, label)) => (table, Some(label)),
        None => (resource, None),
    };
    Ok((table.parse().map_err(|_| invalid())?, stream))
}
