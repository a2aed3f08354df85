//! DescribeContributorInsights, ListContributorInsights and UpdateContributorInsights: nobody counts which keys are asked
//! for, of no table and of no index.

use graticule_model::{Error, TableName};
use serde::Deserialize;
use serde_json::Value;

use super::{check_token, find_usable_table, no_such_feature};
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeRequest {
    table_name: String,
    index_name: Option<String>,
}

/// Answers DescribeContributorInsights.
///
/// # Errors
/// If there is no such table or index.
pub(super) async fn describe(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: DescribeRequest = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    check_there(context, &name, request.index_name.as_deref()).await?;
    Ok(disabled(&name, request.index_name.as_deref()))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateRequest {
    table_name: String,
    index_name: Option<String>,
    contributor_insights_action: String,
}

/// Answers UpdateContributorInsights: what is off can be switched off. The mode only matters to what is on.
///
/// # Errors
/// If there is no such table or index; or if insights are to be enabled.
pub(super) async fn update(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: UpdateRequest = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    check_there(context, &name, request.index_name.as_deref()).await?;
    if request.contributor_insights_action != "DISABLE" {
        return Err(no_such_feature("Contributor Insights"));
    }
    Ok(disabled(&name, request.index_name.as_deref()))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    table_name: Option<String>,
    next_token: Option<String>,
}

/// Answers ListContributorInsights: what was never enabled is not listed.
///
/// # Errors
/// If there is no such table.
pub(super) async fn list(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: ListRequest = parse(body)?;
    check_token(request.next_token.as_deref())?;
    if let Some(reference) = &request.table_name {
        find_usable_table(context, &context.table_name(reference)?).await?;
    }
    let none: [Value; 0] = [];
    let mut reply = Reply::new();
    reply.value("ContributorInsightsSummaries", &none);
    Ok(reply.finish())
}

async fn check_there(context: &Context, name: &TableName, index: Option<&str>) -> Result<(), Error> {
    let table = find_usable_table(context, name).await?;
    match index.filter(|index| table.secondary(index).is_none()) {
        Some(index) => Err(Error::OtherNotFound(format!(
            "Requested resource not found: Index: {index} for table: {name} not found"
        ))),
        None => Ok(()),
    }
}

fn disabled(name: &TableName, index: Option<&str>) -> Vec<u8> {
    let mut reply = Reply::new();
    reply.value("TableName", name);
    reply.optional("IndexName", index.as_ref());
    reply.value("ContributorInsightsStatus", &"DISABLED");
    reply.finish()
}
