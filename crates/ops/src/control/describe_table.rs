//! DescribeTable: what there is to know of a table, exact at the moment of the answer.

use graticule_model::Error;
use serde::Deserialize;

use super::{
    description::{Stage, describe},
    find_table,
};
use crate::{Context, constraints::Constraints, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: Option<String>,
}

/// Answers the request.
///
/// # Errors
/// [`Error::TableNotFound`].
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let mut constraints = Constraints::default();
    let name = constraints.table_name(context, request.table_name.as_deref())?;
    let name = constraints.checked(name)?;
    let table = find_table(context, &name).await?;
    let description = describe(context, &table, Stage::Now).await?;
    let mut reply = Reply::new();
    reply.value("Table", &description);
    Ok(reply.finish())
}
