//! ListTables: the names of this Region's tables, in pages.

use graticule_model::{Error, limits::LIST_TABLES_PAGE_MAX};
use serde::Deserialize;

use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    exclusive_start_table_name: Option<String>,
    limit: Option<usize>,
}

/// Answers the request.
///
/// # Errors
/// If the engine fails.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let limit = request.limit.unwrap_or(LIST_TABLES_PAGE_MAX);
    // One more than asked for tells whether there are more.
    let mut names =
        context.region.table_names(request.exclusive_start_table_name.as_deref(), limit + 1).await?;
    let more = names.len() > limit;
    names.truncate(limit);
    let mut reply = Reply::new();
    reply.value("TableNames", &names);
    if more {
        reply.optional("LastEvaluatedTableName", names.last());
    }
    Ok(reply.finish())
}
