//! The operations of DynamoDB Streams: which streams there are, and their records.
//!
//! A stream is a chain of shards, one of them open. Sequence numbers are positions in the table's log, so they grow along
//! the chain.

use graticule_model::{
    Error,
    names::{parse_stream_arn, stream_arn},
};
use graticule_tables::{FoundStream, StreamShard, Table};

use crate::Context;

pub(crate) mod describe_stream;
pub(crate) mod get_records;
pub(crate) mod get_shard_iterator;
mod iterator;
pub(crate) mod list_streams;

/// Most streams, or shards, in one answer.
const PAGE_MAX: usize = 100;

/// Finds the stream that an ARN names.
///
/// # Errors
/// If there is none.
async fn find_stream(context: &Context, arn: &str) -> Result<FoundStream, Error> {
    let (name, label) = parse_stream_arn(arn)?;
    let missing = || Error::OtherNotFound(format!("Requested resource not found: Stream: {arn} not found"));
    // The ARN of this stream in another Region names another stream.
    if stream_arn(context.region.name(), &name, &label) != arn {
        return Err(missing());
    }
    match context.region.find_stream(&name, &label).await {
        Err(Error::ResourceNotFound) => Err(missing()),
        found => found,
    }
}

/// The id of a shard of a table: when it was opened, and part of the table's id.
fn shard_id(table: &Table, opened_ms: u64) -> String {
    let tail: String = table.uuid.chars().filter(char::is_ascii_hexdigit).take(8).collect();
    format!("shardId-{opened_ms:020}-{tail}")
}

/// The shard with this id.
///
/// # Errors
/// If the stream has none, or no longer.
fn find_shard(table: &Table, shards: &[StreamShard], id: &str) -> Result<StreamShard, Error> {
    let missing = || Error::OtherNotFound("Requested resource not found: Shard does not exist".to_owned());
    shards.iter().find(|shard| shard_id(table, shard.opened_ms) == id).copied().ok_or_else(missing)
}

/// Added to log positions, so that all sequence numbers have the same length, also for clients that turn them into
/// numbers and back.
const SEQUENCE_BASE: u128 = 100_000_000_000_000_000_000;

/// The sequence number of the record at a log position.
fn sequence_number(position: u64) -> String {
    (SEQUENCE_BASE + u128::from(position)).to_string()
}

/// The log position of the record with a sequence number.
fn log_position(sequence_number: &str) -> Option<u64> {
    let number: u128 = sequence_number.parse().ok()?;
    u64::try_from(number.checked_sub(SEQUENCE_BASE)?).ok()
}
