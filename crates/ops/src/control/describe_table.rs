//! DescribeTable: what there is to know of a table, exact at the moment of the answer.

use graticule_model::Error;
use serde::Deserialize;

use super::{
    description::{Stage, describe},
    find_table,
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
/// [`Error::TableNotFound`].
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = context.table_name(&request.table_name)?;
    let table = find_table(context, &name).await?;
    let description = describe(context, &table, Stage::Now).await?;
    let mut reply = Reply::new();
    reply.value("Table", &description);
    Ok(reply.finish())
}
