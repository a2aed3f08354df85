//! ListStreams: the streams of one table or of all, by table name and age, in pages.

use graticule_model::{
    Error,
    names::{parse_stream_arn, stream_arn},
};
use graticule_tables::schema::TableStatus;
use serde::Deserialize;
use serde_json::json;

use super::{ARN_LENGTHS, PAGE_MAX};
use crate::{Context, constraints::Constraints, control::find_table, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: Option<String>,
    limit: Option<i64>,
    exclusive_start_stream_arn: Option<String>,
}

/// Answers the request.
///
/// # Errors
/// [`Error::TableNotFound`], or if a parameter is out of bounds.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let mut constraints = Constraints::default();
    let name = match request.table_name.as_deref() {
        Some(reference) => constraints.table_name(context, Some(reference))?,
        None => None,
    };
    constraints.range(request.limit, "limit", 1, PAGE_MAX);
    let start = request.exclusive_start_stream_arn.as_deref();
    if let Some(start) = start {
        constraints.text(start, "exclusiveStartStreamArn", ARN_LENGTHS);
    }
    constraints.check()?;
    let start = start.map(parse_stream_arn).transpose()?;

    let tables = match &name {
        Some(name) => vec![find_table(context, name).await?],
        None => context.region.tables().await?,
    };
    let after_start = |table: &str, label: &str| {
        start.as_ref().is_none_or(|(start_table, start_label)| {
            (table, label) > (start_table.as_str(), start_label.as_str())
        })
    };
    let here = context.region.name();
    let limit = request.limit.unwrap_or(PAGE_MAX) as usize;
    let mut streams = Vec::new();
    let mut last = None;
    let mut more = false;
    for table in tables.iter().filter(|table| table.status != TableStatus::Creating) {
        for stream in &table.streams {
            if !after_start(table.name.as_str(), &stream.label) {
                continue;
            }
            more = streams.len() == limit;
            if more {
                break;
            }
            let arn = stream_arn(here, &table.name, &stream.label);
            streams.push(json!({"StreamArn": arn, "StreamLabel": stream.label, "TableName": table.name}));
            last = Some(arn);
        }
        if more {
            break;
        }
    }
    let mut reply = Reply::new();
    reply.value("Streams", &streams);
    reply.optional("LastEvaluatedStreamArn", last.filter(|_| more).as_ref());
    Ok(reply.finish())
}
