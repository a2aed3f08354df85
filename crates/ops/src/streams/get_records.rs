//! GetRecords: the records of a shard from an iterator on.
//!
//! Images are stored as the wire has them and are copied.

use graticule_model::{
    Error, RegionName, codec::stored_item_from_json, limits::STREAM_RECORDS_PAGE_MAX, value::item_size_bytes,
};
use graticule_tables::{
    Change, FoundStream, StreamPage, StreamShard, Table,
    schema::{Stream, StreamView},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    find_stream,
    iterator::{self, ShardIterator},
    sequence_number,
};
use crate::{Context, control::settings::stream_view_name, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    shard_iterator: String,
    limit: Option<usize>,
}

/// Answers the request.
///
/// # Errors
/// [`Error::ExpiredIterator`], [`Error::TrimmedDataAccess`], or if the stream is gone.
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let iterator = ShardIterator::read(&request.shard_iterator)?;
    let now_ms = context.region.env().unix_ms();
    iterator.check_age(now_ms)?;

    let limit = request.limit.unwrap_or(STREAM_RECORDS_PAGE_MAX);
    let (found, page) = read(context, &iterator, limit).await?;
    let source = Source { here: context.region.name(), table: &found.table, stream: &found.stream };
    let records = page.changes.iter().map(|(position, change)| source.record(*position, change));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    let next = page.next.map(|position| ShardIterator { position, created_ms: now_ms, ..iterator.clone() });

    let mut reply = Reply::with_capacity(records.iter().map(Vec::len).sum());
    reply.json_list("Records", records.iter().map(Vec::as_slice));
    reply.optional("NextShardIterator", next.map(|next| next.token()).as_ref());
    Ok(reply.finish())
}

/// How often a page is read again because its shard has changed.
const ATTEMPTS_MAX: usize = 1000;

async fn read(
    context: &Context,
    iterator: &ShardIterator,
    limit: usize,
) -> Result<(FoundStream, StreamPage), Error> {
    for _ in 0..ATTEMPTS_MAX {
        let found = find_stream(context, &iterator.stream_arn).await?;
        let shards = context.region.shards(&found).await?;
        let can_be = |newest: &StreamShard| {
            iterator.shard_ms <= newest.opened_ms && iterator.position <= newest.log_next
        };
        if !shards.last().is_some_and(can_be) {
            return Err(iterator::invalid());
        }
        // The shard was there when the iterator was made.
        let shard = shards.iter().find(|shard| shard.opened_ms == iterator.shard_ms);
        let shard = shard.ok_or(Error::TrimmedDataAccess)?;
        if let Some(page) = context.region.shard_page(&found, shard, iterator.position, limit).await? {
            return Ok((found, page));
        }
    }
    Err(Error::Internal("The table of a stream was changing for too long".to_owned()))
}

/// Where records come from.
struct Source<'a> {
    here: &'a RegionName,
    table: &'a Table,
    stream: &'a Stream,
}

impl Source<'_> {
    fn record(&self, position: u64, change: &Change) -> Result<Vec<u8>, Error> {
        let name = match (&change.old, &change.new) {
            (None, Some(_)) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (_, None) => "REMOVE",
        };
        let mut record = Reply::new();
        record
            .value("eventID", &self.event_id(position))
            .value("eventName", &name)
            .value("eventVersion", &"1.1")
            .value("eventSource", &"aws:dynamodb")
            .value("awsRegion", &self.here.as_str())
            .json("dynamodb", &self.body(position, change)?);
        // Only the Region whose clock let the item expire says so; elsewhere it is an ordinary delete.
        if change.expired && *change.version.region == *self.here.as_str() {
            record
                .value("userIdentity", &json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}));
        }
        Ok(record.finish())
    }

    fn body(&self, position: u64, change: &Change) -> Result<Vec<u8>, Error> {
        let (shows_new, shows_old) = match self.stream.view {
            StreamView::KeysOnly => (false, false),
            StreamView::NewImage => (true, false),
            StreamView::OldImage => (false, true),
            StreamView::NewAndOldImages => (true, true),
        };
        let new = change.new.as_deref().filter(|_| shows_new);
        let old = change.old.as_deref().filter(|_| shows_old);
        let mut size_bytes = image_size(&change.key)?;
        let mut body = Reply::with_capacity(
            change.key.len() + new.map_or(0, <[u8]>::len) + old.map_or(0, <[u8]>::len) + 128,
        );
        body.value("ApproximateCreationDateTime", &(change.written_ms / 1000)).json("Keys", &change.key);
        for (member, image) in [("NewImage", new), ("OldImage", old)] {
            if let Some(image) = image {
                size_bytes += image_size(image)?;
                body.json(member, image);
            }
        }
        body.value("SequenceNumber", &sequence_number(position))
            .value("SizeBytes", &size_bytes)
            .value("StreamViewType", &stream_view_name(self.stream.view));
        Ok(body.finish())
    }

    /// Unique among all records of all tables and Regions, and the same whenever the record is read.
    fn event_id(&self, position: u64) -> String {
        let digits: String = self.table.uuid.chars().filter(char::is_ascii_hexdigit).collect();
        let table = u128::from_str_radix(&digits, 16).unwrap_or_default();
        // An odd factor maps positions one to one, and spreads neighbours.
        let spread = u128::from(position).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        format!("{:032x}", table.wrapping_add(spread))
    }
}

fn image_size(json: &[u8]) -> Result<usize, Error> {
    let damaged = |_| Error::Internal("A stream record cannot be read".to_owned());
    let text = std::str::from_utf8(json).map_err(damaged)?;
    Ok(item_size_bytes(&stored_item_from_json(text)?))
}
