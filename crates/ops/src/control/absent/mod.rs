//! Operations on features that this server does not have: what they tell is that nothing is there, which is the truth.
//!
//! A request that asks for what is already so is answered; one that asks for the feature is refused, in words that say
//! where to read more. Nothing is stored.

mod backups;
mod continuous_backups;
mod contributor_insights;
mod kinesis_streaming;
mod resource_policy;
mod transfers;

use std::sync::Arc;

use graticule_model::{Error, TableName};
use graticule_tables::{Table, schema::TableStatus};

use super::find_table;
use crate::Context;

/// Answers an operation on a feature that is not there.
///
/// # Errors
/// [`Error::UnknownOperation`], or what the operation refuses.
pub(crate) async fn call(context: &Context, operation: &str, body: &[u8]) -> Result<Vec<u8>, Error> {
    match operation {
        "DescribeContinuousBackups" => continuous_backups::describe(context, body).await,
        "UpdateContinuousBackups" => continuous_backups::update(context, body).await,
        "DescribeContributorInsights" => contributor_insights::describe(context, body).await,
        "ListContributorInsights" => contributor_insights::list(context, body).await,
        "UpdateContributorInsights" => contributor_insights::update(context, body).await,
        "DescribeKinesisStreamingDestination" => kinesis_streaming::describe(context, body).await,
        "GetResourcePolicy" => resource_policy::get(context, body).await,
        "DeleteResourcePolicy" => resource_policy::delete(context, body).await,
        "ListBackups" => backups::list(),
        "DescribeBackup" => backups::describe(body),
        "ListExports" => transfers::list_exports(body),
        "DescribeExport" => transfers::describe_export(body),
        "ListImports" => transfers::list_imports(body),
        "DescribeImport" => transfers::describe_import(body),
        _ => Err(Error::UnknownOperation),
    }
}

/// Finds a table that can be asked for more than its description: a replica that is being filled cannot.
///
/// # Errors
/// [`Error::TableNotFound`].
async fn find_usable_table(context: &Context, name: &TableName) -> Result<Arc<Table>, Error> {
    let table = find_table(context, name).await?;
    match table.status {
        TableStatus::Creating => Err(Error::TableNotFound(name.to_string())),
        TableStatus::Active | TableStatus::Deleting => Ok(table),
    }
}

/// Refuses to switch something on.
fn no_such_feature(feature: &str) -> Error {
    Error::Validation(format!("{feature} cannot be enabled: this server has no such feature, see COMPAT.md"))
}

/// Refuses to go on with a list. Every list is complete, so no token was ever given out.
///
/// # Errors
/// If there is a token.
fn check_token(token: Option<&str>) -> Result<(), Error> {
    match token {
        Some(_) => Err(Error::Validation("Invalid NextToken provided as input".to_owned())),
        None => Ok(()),
    }
}
