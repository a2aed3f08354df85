//! DescribeStream: a stream and its shards, the oldest first, in pages.

use graticule_model::{Error, names::stream_arn};
use graticule_tables::{StreamShard, Table};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PAGE_MAX, find_shard, find_stream, sequence_number, shard_id};
use crate::{
    Context,
    control::{
        description::{epoch_seconds, key_schema},
        settings::stream_view_name,
    },
    parameters::parse,
    reply::Reply,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    stream_arn: String,
    limit: Option<usize>,
    exclusive_start_shard_id: Option<String>,
    shard_filter: Option<ShardFilter>,
}

/// Asks for the children of a shard.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter {
    #[serde(rename = "Type")]
    kind: Option<String>,
    shard_id: Option<String>,
}

impl ShardFilter {
    /// The shard whose children are asked for.
    fn parent(&self) -> Result<&str, Error> {
        let missing = |member: &str| {
            Error::Validation(format!("ShardFilter.{member} must be specified when ShardFilter is specified"))
        };
        self.kind.as_ref().ok_or_else(|| missing("Type"))?;
        self.shard_id.as_deref().ok_or_else(|| missing("ShardId"))
    }
}

/// Answers the request.
///
/// # Errors
/// If there is no such stream, or no such shard to filter by.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let parent = request.shard_filter.as_ref().map(ShardFilter::parent).transpose()?;
    let found = find_stream(context, &request.stream_arn).await?;
    let (table, stream) = (&found.table, &found.stream);

    let mut shards = context.region.shards(&found).await?;
    if let Some(parent) = parent {
        let parent = find_shard(table, &shards, parent)?;
        shards.retain(|shard| shard.parent_ms == Some(parent.opened_ms));
    }
    if let Some(start) = &request.exclusive_start_shard_id {
        shards.retain(|shard| shard_id(table, shard.opened_ms) > *start);
    }
    let limit = request.limit.unwrap_or(PAGE_MAX);
    let last = shards.get(limit).map(|_| shard_id(table, shards[limit - 1].opened_ms));
    shards.truncate(limit);
    let shards: Vec<Value> = shards.iter().map(|shard| describe(table, shard)).collect();
    let mut description = json!({
        "StreamArn": stream_arn(context.region.name(), &table.name, &stream.label),
        "StreamLabel": stream.label,
        "StreamStatus": if stream.closed.is_some() { "DISABLED" } else { "ENABLED" },
        "StreamViewType": stream_view_name(stream.view),
        "CreationRequestDateTime": epoch_seconds(stream.enabled_ms),
        "TableName": table.name,
        "KeySchema": key_schema(&table.key),
        "Shards": shards,
    });
    if let Some(last) = last {
        description["LastEvaluatedShardId"] = last.into();
    }
    let mut reply = Reply::new();
    reply.value("StreamDescription", &description);
    Ok(reply.finish())
}

fn describe(table: &Table, shard: &StreamShard) -> Value {
    let mut range = json!({"StartingSequenceNumber": sequence_number(shard.first)});
    if shard.closed {
        // Of a shard without records, both ends are the same.
        let last = shard.next.saturating_sub(1).max(shard.first);
        range["EndingSequenceNumber"] = sequence_number(last).into();
    }
    let mut description = json!({"ShardId": shard_id(table, shard.opened_ms), "SequenceNumberRange": range});
    if let Some(parent_ms) = shard.parent_ms {
        description["ParentShardId"] = shard_id(table, parent_ms).into();
    }
    description
}
