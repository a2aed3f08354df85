//! DescribeKinesisStreamingDestination: no table sends its changes to Kinesis. DynamoDB Streams are there instead.

use graticule_model::Error;
use serde::Deserialize;
use serde_json::Value;

use super::find_usable_table;
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: String,
}

/// Answers the request.
///
/// # Errors
/// [`Error::TableNotFound`].
pub(super) async fn describe(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    find_usable_table(context, &name).await?;
    let none: [Value; 0] = [];
    let mut reply = Reply::new();
    reply.value("TableName", &name).value("KinesisDataStreamDestinations", &none);
    Ok(reply.finish())
}
