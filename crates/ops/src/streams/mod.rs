//! The operations of DynamoDB Streams: which streams there are, and their records.
//!
//! A stream has one shard, from its enabling to its disabling. Sequence numbers are positions in the table's log.

use std::sync::Arc;

use graticule_model::{
    Error,
    names::{parse_stream_arn, stream_arn},
};
use graticule_tables::{
    Table,
    schema::{Stream, TableStatus},
};

use crate::{Context, constraints::Constraints};

pub(crate) mod describe_stream;
pub(crate) mod get_records;
pub(crate) mod get_shard_iterator;
mod iterator;
pub(crate) mod list_streams;

/// Lengths of a `StreamArn`.
const ARN_LENGTHS: std::ops::RangeInclusive<usize> = 37..=1024;
/// Lengths of a `ShardId`.
const SHARD_ID_LENGTHS: std::ops::RangeInclusive<usize> = 28..=65;
/// Most streams, or shards, in one answer.
const PAGE_MAX: i64 = 100;

/// A table and one of its streams.
struct Found {
    table: Arc<Table>,
    stream: Stream,
}

/// Finds the stream that an ARN names.
///
/// # Errors
/// If there is none.
async fn find_stream(context: &Context, arn: &str) -> Result<Found, Error> {
    let (name, label) = parse_stream_arn(arn)?;
    let missing = || Error::OtherNotFound(format!("Requested resource not found: Stream: {arn} not found"));
    let table = match context.region.table(&name).await {
        Ok(table) if table.status != TableStatus::Creating => table,
        Ok(_) | Err(Error::ResourceNotFound) => return Err(missing()),
        Err(error) => return Err(error),
    };
    let stream = table.stream_by_label(&label).cloned().ok_or_else(missing)?;
    // The ARN of this stream in another Region names another stream.
    if stream_arn(context.region.name(), &name, &label) != arn {
        return Err(missing());
    }
    Ok(Found { table, stream })
}

/// Checks a required `StreamArn`.
fn constrain_arn<'a>(arn: Option<&'a str>, constraints: &mut Constraints) -> Option<&'a str> {
    let arn = constraints.required(arn, "streamArn")?;
    constraints.text(arn, "streamArn", ARN_LENGTHS);
    Some(arn)
}

/// The id of a stream's only shard: when it began, and part of the table's id.
fn shard_id(table: &Table, stream: &Stream) -> String {
    let tail: String = table.uuid.chars().filter(char::is_ascii_hexdigit).take(8).collect();
    format!("shardId-{:020}-{tail}", stream.enabled_ms)
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
