//! ListTables: the names of this Region's tables, in pages.

use graticule_model::{Error, limits::LIST_TABLES_PAGE_MAX};
use serde::Deserialize;

use crate::{Context, constraints::Constraints, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    exclusive_start_table_name: Option<String>,
    limit: Option<i64>,
}

/// Answers the request.
///
/// # Errors
/// If a parameter is out of bounds.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let mut constraints = Constraints::default();
    if let Some(name) = &request.exclusive_start_table_name {
        constraints.name(name, "exclusiveStartTableName");
    }
    constraints.range(request.limit, "limit", 1, LIST_TABLES_PAGE_MAX as i64);
    constraints.check()?;

    let limit = request.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LIST_TABLES_PAGE_MAX);
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
