//! GetShardIterator: where in a shard to start reading.

use graticule_model::Error;
use graticule_tables::{FoundStream, StreamShard};
use serde::Deserialize;

use super::{find_shard, find_stream, iterator::ShardIterator, log_position};
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    stream_arn: String,
    shard_id: String,
    shard_iterator_type: String,
    sequence_number: Option<String>,
    timestamp: Option<f64>,
}

/// Answers the request.
///
/// # Errors
/// If there is no such stream or shard, or its records there are gone.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let created_ms = context.region.env().unix_ms();
    let start = request.start(created_ms)?;

    let found = find_stream(context, &request.stream_arn).await?;
    let shards = context.region.shards(&found).await?;
    let shard = find_shard(&found.table, &shards, &request.shard_id)?;
    let position = start.position(context, &found, &shard).await?;
    let stream_arn = request.stream_arn.clone();
    let iterator = ShardIterator { stream_arn, shard_ms: shard.opened_ms, position, created_ms };
    let mut reply = Reply::new();
    reply.value("ShardIterator", &iterator.token());
    Ok(reply.finish())
}

/// What a request asks for.
enum Start<'a> {
    TrimHorizon,
    Latest,
    At { kind: &'a str, number: &'a str, after: bool },
    Timestamp(u64),
}

impl Request {
    /// Takes the type together with the members that go with it.
    fn start(&self, now_ms: u64) -> Result<Start<'_>, Error> {
        let kind = self.shard_iterator_type.as_str();
        let number = self.sequence_number.as_deref();
        let numbered = matches!(kind, "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER");
        if number.is_some() && !numbered {
            return Err(unwanted("SequenceNumber", kind));
        }
        if self.timestamp.is_some() && kind != "AT_TIMESTAMP" {
            return Err(unwanted("Timestamp", kind));
        }
        match kind {
            "TRIM_HORIZON" => Ok(Start::TrimHorizon),
            "LATEST" => Ok(Start::Latest),
            "AT_TIMESTAMP" => {
                let timestamp = self.timestamp.ok_or_else(|| missing("Timestamp", kind))?;
                // The cast keeps to the bounds of the type.
                let unix_ms = (timestamp * 1000.0).round() as u64;
                if unix_ms > now_ms {
                    return Err(Error::Validation("Timestamp must not be in the future".to_owned()));
                }
                Ok(Start::Timestamp(unix_ms))
            }
            _ => {
                let number = number.ok_or_else(|| missing("SequenceNumber", kind))?;
                Ok(Start::At { kind, number, after: kind == "AFTER_SEQUENCE_NUMBER" })
            }
        }
    }
}

impl Start<'_> {
    async fn position(
        &self,
        context: &Context,
        found: &FoundStream,
        shard: &StreamShard,
    ) -> Result<u64, Error> {
        match *self {
            Start::TrimHorizon => Ok(shard.oldest),
            Start::Latest => Ok(shard.next),
            Start::Timestamp(unix_ms) => context.region.shard_position_at(found, shard, unix_ms).await,
            Start::At { kind, number, after } => {
                let end = if shard.closed { shard.next } else { shard.log_next };
                // The number that a shard starts with need not be that of a record.
                let of_shard =
                    |position: &u64| *position == shard.first || (shard.first..end).contains(position);
                let position = log_position(number).filter(of_shard).ok_or_else(|| {
                    Error::Validation(format!(
                        "Invalid SequenceNumber for ShardIteratorType {kind}: {number}"
                    ))
                })?;
                let position = position.saturating_add(u64::from(after)).min(end);
                if position < shard.oldest {
                    return Err(Error::TrimmedDataAccess);
                }
                Ok(position)
            }
        }
    }
}

fn missing(member: &str, kind: &str) -> Error {
    Error::Validation(format!("{member} must be specified when ShardIteratorType is {kind}"))
}

fn unwanted(member: &str, kind: &str) -> Error {
    Error::Validation(format!("{member} must not be specified when ShardIteratorType is {kind}"))
}
