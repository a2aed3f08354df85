//! ListStreams: the streams of one table or of all, by table name and age, in pages. Those that were disabled, and those of
//! dropped tables, are listed for as long as they can be read.

use graticule_model::{
    Error,
    names::{parse_stream_arn, stream_arn},
};
use serde::Deserialize;
use serde_json::json;

use super::PAGE_MAX;
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: Option<String>,
    limit: Option<usize>,
    exclusive_start_stream_arn: Option<String>,
}

/// Answers the request.
///
/// # Errors
/// [`Error::TableNotFound`], or if a parameter is out of bounds.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = request.table_name.as_deref().map(|name| context.table_name(name)).transpose()?;
    let start = request.exclusive_start_stream_arn.as_deref().map(parse_stream_arn).transpose()?;

    let tables = context.region.streamed_tables(name.as_ref()).await?;
    if let Some(name) = name
        && tables.is_empty()
    {
        return Err(Error::TableNotFound(name.to_string()));
    }
    let now_ms = context.region.env().unix_ms();
    let mut streams: Vec<(&str, &str)> = Vec::new();
    for table in &tables {
        let kept = table.streams.iter().filter(|stream| stream.is_kept(now_ms));
        streams.extend(kept.map(|stream| (table.name.as_str(), stream.label.as_str())));
    }
    streams.sort_unstable();
    if let Some((table, label)) = &start {
        streams.retain(|stream| *stream > (table.as_str(), label.as_str()));
    }
    let limit = request.limit.unwrap_or(PAGE_MAX);
    let more = streams.len() > limit;
    streams.truncate(limit);
    let mut listed = Vec::with_capacity(streams.len());
    for (table, label) in streams {
        let arn = stream_arn(context.region.name(), &table.parse()?, label);
        listed.push(json!({"StreamArn": arn, "StreamLabel": label, "TableName": table}));
    }
    let last = listed.last().map(|stream| stream["StreamArn"].clone());
    let mut reply = Reply::new();
    reply.value("Streams", &listed);
    reply.optional("LastEvaluatedStreamArn", last.filter(|_| more).as_ref());
    Ok(reply.finish())
}
