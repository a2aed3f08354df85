//! BatchWriteItem: single writes side by side, after all of them have been checked.

use std::collections::{BTreeMap, HashSet};

use futures_util::future::join_all;
use graticule_model::{Error, Item, TableName, limits::BATCH_WRITE_REQUESTS_MAX, value::check_item_size};
use graticule_tables::{Action, ActionKind, Written};
use serde::Deserialize;
use serde_json::Value;

use super::{
    capacity::{Consumed, Detail, Split, list_json},
    return_values::{Metrics, collection_metrics},
};
use crate::{
    Context,
    parameters::{RawAttributes, parse},
    reply::Reply,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    request_items: BTreeMap<String, Vec<WriteRequest<'a>>>,
    return_consumed_capacity: Option<Detail>,
    return_item_collection_metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WriteRequest<'a> {
    #[serde(borrow)]
    put_request: Option<PutRequest<'a>>,
    #[serde(borrow)]
    delete_request: Option<DeleteRequest<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRequest<'a> {
    #[serde(borrow)]
    item: RawAttributes<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteRequest<'a> {
    #[serde(borrow)]
    key: RawAttributes<'a>,
}

/// One write as the request gives it.
struct Given<'a> {
    /// The table as the request calls it.
    reference: String,
    table: TableName,
    raw: RawAttributes<'a>,
    put: bool,
}

impl Given<'_> {
    fn read(&self) -> Result<Action, Error> {
        let attributes = self.raw.read()?;
        let kind = if self.put {
            check_item_size(&attributes)?;
            ActionKind::Put(attributes)
        } else {
            ActionKind::Delete(attributes)
        };
        Ok(Action::new(self.table.clone(), kind))
    }

    /// The same request again.
    fn unprocessed(&self) -> Vec<u8> {
        let (request, member) = if self.put { ("PutRequest", "Item") } else { ("DeleteRequest", "Key") };
        let mut inner = Reply::new();
        inner.json(member, self.raw.as_str().as_bytes());
        let mut outer = Reply::new();
        outer.json(request, &inner.finish());
        outer.finish()
    }
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    if request.request_items.is_empty() {
        let message = "The requestItems parameter is required for BatchWriteItem";
        return Err(Error::Validation(message.to_owned()));
    }
    if request.request_items.values().map(Vec::len).sum::<usize>() > BATCH_WRITE_REQUESTS_MAX {
        return Err(Error::Validation("Too many items requested for the BatchWriteItem call".to_owned()));
    }
    let given = writes(context, request.request_items)?;
    let actions = given.iter().map(Given::read).collect::<Result<Vec<Action>, Error>>()?;
    let mut seen = HashSet::new();
    for action in &actions {
        let table = context.region.active_table(&action.table).await?;
        let key = action.primary_key(&table).map_err(key_error)?;
        if !seen.insert(table.item_key(&key)) {
            return Err(Error::Validation("Provided list of item keys contains duplicates".to_owned()));
        }
    }
    let wants_metrics = request.return_item_collection_metrics == Some(Metrics::Size);
    let keys: Vec<Option<Item>> = actions.iter().map(|action| metrics_key(action, wants_metrics)).collect();
    let results = join_all(actions.into_iter().map(|action| context.region.write_one(action))).await;
    answer(&given, keys, results, request.return_consumed_capacity.unwrap_or_default())
}

/// The writes one after the other.
fn writes<'a>(
    context: &Context,
    request_items: BTreeMap<String, Vec<WriteRequest<'a>>>,
) -> Result<Vec<Given<'a>>, Error> {
    let mut given = Vec::new();
    for (reference, writes) in request_items {
        let table = context.table_name(&reference)?;
        for write in writes {
            let (put, raw) = match (write.put_request, write.delete_request) {
                (Some(put), None) => (true, put.item),
                (None, Some(delete)) => (false, delete.key),
                // The service has no other words for neither, nor for both.
                (None, None) | (Some(_), Some(_)) => return Err(Error::ValueAmbiguous),
            };
            given.push(Given { reference: reference.clone(), table: table.clone(), raw, put });
        }
    }
    Ok(given)
}

/// A batch does not say how an item misses the key schema.
fn key_error(error: Error) -> Error {
    match error {
        Error::KeyMissing(_) | Error::KeyTypeMismatch { .. } => Error::KeySchemaMismatch,
        error => error,
    }
}

fn metrics_key(action: &Action, wanted: bool) -> Option<Item> {
    match &action.kind {
        ActionKind::Put(item) | ActionKind::Delete(item) if wanted => Some(item.clone()),
        _ => None,
    }
}

fn answer(
    given: &[Given<'_>],
    keys: Vec<Option<Item>>,
    results: Vec<Result<Written, Error>>,
    detail: Detail,
) -> Result<Vec<u8>, Error> {
    let mut consumed: BTreeMap<&str, Consumed> = BTreeMap::new();
    let mut metrics: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut unprocessed: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    let all_failed = results.iter().all(Result::is_err);
    for ((given, key), result) in given.iter().zip(keys).zip(results) {
        match result {
            Ok(written) => {
                if detail != Detail::None {
                    let units = written.consumed()?;
                    consumed.entry(&given.reference).or_default().add(units);
                }
                if let Some(shown) = key.and_then(|key| collection_metrics(&written, &key)) {
                    metrics.entry(&given.reference).or_default().push(shown);
                }
            }
            // What others have written cannot be taken back, so the client is told what to send again.
            Err(Error::Internal(_) | Error::Throttled(_) | Error::TransactionConflict) if !all_failed => {
                unprocessed.entry(&given.reference).or_default().push(given.unprocessed());
            }
            Err(error) => return Err(error),
        }
    }
    let mut left = Reply::new();
    for (reference, writes) in &unprocessed {
        left.json_list(reference, writes.iter().map(|write| &write[..]));
    }
    let mut reply = Reply::new();
    reply.json("UnprocessedItems", &left.finish());
    reply.optional("ItemCollectionMetrics", (!metrics.is_empty()).then_some(&metrics));
    reply.optional("ConsumedCapacity", list_json(&consumed, detail, Split::None).as_ref());
    Ok(reply.finish())
}
