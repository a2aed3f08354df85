//! The operations: one file each (or per small group), from request to tables to answer.
//!
//! An operation checks its parameters in the service's order, decides, and lets `tables` do the work. This crate knows
//! JSON requests and answers but neither HTTP nor signatures.

mod context;
mod control;
mod data;
mod parameters;
mod reply;
mod shapes;
mod streams;

pub use context::Context;
pub use shapes::input_members;

use futures_util::{
    FutureExt, TryFutureExt,
    future::{BoxFuture, ready},
};
use graticule_model::Error;

use self::data::plain::Plain;

type Answering<'a> = BoxFuture<'a, Result<Vec<u8>, Error>>;

/// The two services that share an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `DynamoDB_20120810`
    DynamoDb,
    /// `DynamoDBStreams_20120810`
    Streams,
}

/// The operations of DynamoDB that are there, by name: the whole list, for dispatch and for COMPAT.md.
pub const DYNAMODB_OPERATIONS: &[&str] = &[
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "CreateGlobalTable",
    "CreateTable",
    "DeleteItem",
    "DeleteResourcePolicy",
    "DeleteTable",
    "DescribeBackup",
    "DescribeContinuousBackups",
    "DescribeContributorInsights",
    "DescribeEndpoints",
    "DescribeExport",
    "DescribeGlobalTable",
    "DescribeGlobalTableSettings",
    "DescribeImport",
    "DescribeKinesisStreamingDestination",
    "DescribeLimits",
    "DescribeTable",
    "DescribeTableReplicaAutoScaling",
    "DescribeTimeToLive",
    "ExecuteStatement",
    "ExecuteTransaction",
    "GetItem",
    "GetResourcePolicy",
    "ListBackups",
    "ListContributorInsights",
    "ListExports",
    "ListGlobalTables",
    "ListImports",
    "ListTables",
    "ListTagsOfResource",
    "PutItem",
    "Query",
    "Scan",
    "TagResource",
    "TransactGetItems",
    "TransactWriteItems",
    "UntagResource",
    "UpdateContinuousBackups",
    "UpdateContributorInsights",
    "UpdateGlobalTable",
    "UpdateGlobalTableSettings",
    "UpdateItem",
    "UpdateTable",
    "UpdateTableReplicaAutoScaling",
    "UpdateTimeToLive",
];

/// The operations of DynamoDB Streams.
pub const STREAMS_OPERATIONS: &[&str] = &["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"];

impl Service {
    /// The operations that are there, by name, in the order of their names.
    pub fn operations(self) -> &'static [&'static str] {
        match self {
            Service::DynamoDb => DYNAMODB_OPERATIONS,
            Service::Streams => STREAMS_OPERATIONS,
        }
    }
}

/// Answers one request. `body` is the JSON of the request; the answer is the JSON of the response.
///
/// # Errors
/// What the client is told.
pub async fn dispatch(
    context: &Context,
    service: Service,
    operation: &str,
    body: &[u8],
) -> Result<Vec<u8>, Error> {
    if service.operations().binary_search(&operation).is_err() {
        return Err(Error::UnknownOperation);
    }
    let text = std::str::from_utf8(body).map_err(|_| Error::Serialization(String::new()))?;
    if let Some(plain) = Plain::read(service, operation, text) {
        return plain.answer(context).boxed().await;
    }
    shapes::check(service, operation, text)?;
    call(context, service, operation, body).await
}

/// Each operation in a box of its own size: some are large, and none is to pay for another one.
fn call<'a>(context: &'a Context, service: Service, operation: &'a str, body: &'a [u8]) -> Answering<'a> {
    match (service, operation) {
        (Service::DynamoDb, "GetItem") => data::get_item::call(context, body).boxed(),
        (Service::DynamoDb, "PutItem") => {
            data::put_item::call(context, body).map_err(data::request_fault).boxed()
        }
        (Service::DynamoDb, "UpdateItem") => {
            data::update_item::call(context, body).map_err(data::request_fault).boxed()
        }
        (Service::DynamoDb, "DeleteItem") => {
            data::delete_item::call(context, body).map_err(data::request_fault).boxed()
        }
        (Service::DynamoDb, "Query") => data::query::call(context, body).boxed(),
        (Service::DynamoDb, "Scan") => data::scan::call(context, body).boxed(),
        (Service::DynamoDb, "BatchGetItem") => data::batch_get_item::call(context, body).boxed(),
        (Service::DynamoDb, "BatchWriteItem") => data::batch_write_item::call(context, body).boxed(),
        (Service::DynamoDb, "TransactGetItems") => data::transact_get_items::call(context, body).boxed(),
        (Service::DynamoDb, "TransactWriteItems") => data::transact_write_items::call(context, body).boxed(),
        (Service::DynamoDb, "ExecuteStatement") => {
            data::partiql::execute_statement::call(context, body).boxed()
        }
        (Service::DynamoDb, "BatchExecuteStatement") => {
            data::partiql::batch_execute_statement::call(context, body).boxed()
        }
        (Service::DynamoDb, "ExecuteTransaction") => {
            data::partiql::execute_transaction::call(context, body).boxed()
        }
        (Service::DynamoDb, operation) => control_call(context, operation, body).boxed(),
        (Service::Streams, "ListStreams") => streams::list_streams::call(context, body).boxed(),
        (Service::Streams, "DescribeStream") => streams::describe_stream::call(context, body).boxed(),
        (Service::Streams, "GetShardIterator") => streams::get_shard_iterator::call(context, body).boxed(),
        (Service::Streams, "GetRecords") => streams::get_records::call(context, body).boxed(),
        (Service::Streams, _) => ready(Err(Error::UnknownOperation)).boxed(),
    }
}

/// The operations of DynamoDB on tables rather than on their items.
async fn control_call(context: &Context, operation: &str, body: &[u8]) -> Result<Vec<u8>, Error> {
    match operation {
        "CreateTable" => control::create_table::call(context, body).await,
        "DescribeTable" => control::describe_table::call(context, body).await,
        "ListTables" => control::list_tables::call(context, body).await,
        "UpdateTable" => control::update_table::call(context, body).await,
        "DeleteTable" => control::delete_table::call(context, body).await,
        "DescribeLimits" => control::describe_limits::call(context, body).await,
        "DescribeEndpoints" => control::describe_endpoints::call(context, body).await,
        "TagResource" => control::tags::tag_resource(context, body).await,
        "UntagResource" => control::tags::untag_resource(context, body).await,
        "ListTagsOfResource" => control::tags::list_tags_of_resource(context, body).await,
        "UpdateTimeToLive" => control::time_to_live::update(context, body).await,
        "DescribeTimeToLive" => control::time_to_live::describe(context, body).await,
        "DescribeTableReplicaAutoScaling" => {
            control::replica_auto_scaling::describe::call(context, body).await
        }
        "UpdateTableReplicaAutoScaling" => control::replica_auto_scaling::update::call(context, body).await,
        "CreateGlobalTable" => control::legacy_global_tables::create::call(body),
        "UpdateGlobalTable" => control::legacy_global_tables::update::call(body),
        "DescribeGlobalTable" => control::legacy_global_tables::describe::call(body),
        "ListGlobalTables" => control::legacy_global_tables::list::call(),
        "DescribeGlobalTableSettings" | "UpdateGlobalTableSettings" => {
            control::legacy_global_tables::settings::call(body)
        }
        _ => control::absent::call(context, operation, body).await,
    }
}
