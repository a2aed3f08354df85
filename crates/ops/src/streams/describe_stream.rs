//! DescribeStream: a stream and its only shard.

use graticule_model::{Error, names::stream_arn};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Found, PAGE_MAX, SHARD_ID_LENGTHS, constrain_arn, find_stream, sequence_number, shard_id};
use crate::{
    Context,
    constraints::Constraints,
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
    stream_arn: Option<String>,
    limit: Option<i64>,
    exclusive_start_shard_id: Option<String>,
    shard_filter: Option<ShardFilter>,
}

/// Asks for the children of a shard. No shard has any.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter {
    #[serde(rename = "Type")]
    kind: Option<String>,
    shard_id: Option<String>,
}

/// Answers the request.
///
/// # Errors
/// If there is no such stream.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let mut constraints = Constraints::default();
    let arn = constrain_arn(request.stream_arn.as_deref(), &mut constraints);
    constraints.range(request.limit, "limit", 1, PAGE_MAX);
    if let Some(start) = &request.exclusive_start_shard_id {
        constraints.text(start, "exclusiveStartShardId", SHARD_ID_LENGTHS);
    }
    if let Some(filter) = &request.shard_filter {
        constraints.one_of(filter.kind.as_deref(), "shardFilter.type", &["CHILD_SHARDS"]);
        if let Some(id) = &filter.shard_id {
            constraints.text(id, "shardFilter.shardId", SHARD_ID_LENGTHS);
        }
    }
    let arn = constraints.checked(arn)?;
    let Found { table, stream } = find_stream(context, arn).await?;

    let id = shard_id(&table, &stream);
    let wanted = request.exclusive_start_shard_id.as_ref().is_none_or(|start| id > *start)
        && request.shard_filter.is_none();
    let shards: Vec<Value> = if wanted {
        let mut range = json!({"StartingSequenceNumber": sequence_number(stream.first)});
        if let Some((next, _)) = stream.closed {
            let last = next.saturating_sub(1).max(stream.first);
            range["EndingSequenceNumber"] = sequence_number(last).into();
        }
        vec![json!({"ShardId": id, "SequenceNumberRange": range})]
    } else {
        Vec::new()
    };
    let description = json!({
        "StreamArn": stream_arn(context.region.name(), &table.name, &stream.label),
        "StreamLabel": stream.label,
        "StreamStatus": if stream.closed.is_some() { "DISABLED" } else { "ENABLED" },
        "StreamViewType": stream_view_name(stream.view),
        "CreationRequestDateTime": epoch_seconds(stream.enabled_ms),
        "TableName": table.name,
        "KeySchema": key_schema(&table.key),
        "Shards": shards,
    });
    let mut reply = Reply::new();
    reply.value("StreamDescription", &description);
    Ok(reply.finish())
}
