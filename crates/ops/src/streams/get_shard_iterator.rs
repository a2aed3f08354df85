//! GetShardIterator: where in a shard to start reading.

use graticule_model::Error;
use serde::Deserialize;

use super::{
    Found, SHARD_ID_LENGTHS, constrain_arn, find_stream, iterator::ShardIterator, log_position, shard_id,
};
use crate::{Context, constraints::Constraints, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    stream_arn: Option<String>,
    shard_id: Option<String>,
    shard_iterator_type: Option<String>,
    sequence_number: Option<String>,
    timestamp: Option<f64>,
}

const KINDS: &[&str] =
    &["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"];

/// Answers the request.
///
/// # Errors
/// If there is no such stream or shard, or its records there are gone.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let mut constraints = Constraints::default();
    let arn = constrain_arn(request.stream_arn.as_deref(), &mut constraints);
    if let Some(id) = constraints.required(request.shard_id.as_deref(), "shardId") {
        constraints.text(id, "shardId", SHARD_ID_LENGTHS);
    }
    let kind = constraints.required(request.shard_iterator_type.as_deref(), "shardIteratorType");
    constraints.one_of(kind, "shardIteratorType", KINDS);
    if let Some(number) = &request.sequence_number {
        constraints.text(number, "sequenceNumber", 21..=40);
    }
    let arn = constraints.checked(arn)?;

    let found = find_stream(context, arn).await?;
    if request.shard_id.as_deref() != Some(shard_id(&found.table, &found.stream).as_str()) {
        return Err(Error::OtherNotFound("Requested resource not found: Shard does not exist".to_owned()));
    }
    let created_ms = context.region.env().unix_ms();
    let position = request.position(context, &found, created_ms).await?;
    let iterator = ShardIterator { stream_arn: arn.to_owned(), position, created_ms };
    let mut reply = Reply::new();
    reply.value("ShardIterator", &iterator.token());
    Ok(reply.finish())
}

impl Request {
    async fn position(&self, context: &Context, found: &Found, now_ms: u64) -> Result<u64, Error> {
        let Found { table, stream } = found;
        let bounds = context.region.stream_bounds(table, stream).await?;
        let kind = self.shard_iterator_type.as_deref().unwrap_or_default();
        match kind {
            "TRIM_HORIZON" => Ok(bounds.first),
            "LATEST" => Ok(bounds.next),
            "AT_TIMESTAMP" => {
                let unix_ms = self.unix_ms(now_ms)?;
                context.region.stream_position_at(table, stream, unix_ms).await
            }
            _ => {
                let number =
                    self.sequence_number.as_deref().ok_or_else(|| missing("SequenceNumber", kind))?;
                let position = log_position(number).filter(|position| *position <= bounds.next);
                let position = position.ok_or_else(|| {
                    Error::Validation(format!(
                        "Invalid SequenceNumber for ShardIteratorType {kind}: {number}"
                    ))
                })?;
                let position = position.saturating_add(u64::from(kind == "AFTER_SEQUENCE_NUMBER"));
                if position < bounds.first {
                    return Err(Error::TrimmedDataAccess);
                }
                Ok(position.min(bounds.next))
            }
        }
    }

    /// The moment of AT_TIMESTAMP.
    fn unix_ms(&self, now_ms: u64) -> Result<u64, Error> {
        let timestamp = self.timestamp.ok_or_else(|| missing("Timestamp", "AT_TIMESTAMP"))?;
        // The cast keeps to the bounds of the type.
        let unix_ms = (timestamp * 1000.0).round() as u64;
        if unix_ms > now_ms {
            return Err(Error::Validation("Timestamp must not be in the future".to_owned()));
        }
        Ok(unix_ms)
    }
}

fn missing(member: &str, kind: &str) -> Error {
    Error::Validation(format!("{member} must be specified when ShardIteratorType is {kind}"))
}
