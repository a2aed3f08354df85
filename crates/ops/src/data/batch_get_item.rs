//! BatchGetItem.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use graticule_expr::Projection;
use graticule_model::{
    Error, TableName,
    codec::item_to_json,
    limits::{BATCH_GET_BYTES_MAX, BATCH_GET_KEYS_MAX},
};
use graticule_tables::{Record, Table, schema::PrimaryKey};
use serde::Deserialize;

use super::{
    capacity::{Consumed, Detail, Split, list_json, read_units},
    expressions::{Given, Names, placeholders, projection},
    legacy,
    shape::Shape,
    stored_item,
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
    request_items: Option<BTreeMap<String, TableRequest<'a>>>,
    return_consumed_capacity: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableRequest<'a> {
    #[serde(borrow)]
    keys: Option<Vec<RawAttributes<'a>>>,
    consistent_read: Option<bool>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Names>,
    attributes_to_get: Option<Vec<String>>,
}

/// What is asked of one table, ready to be read.
struct Wanted<'r> {
    /// The table as the request calls it.
    reference: &'r str,
    request: &'r TableRequest<'r>,
    table: Arc<Table>,
    keys: Vec<PrimaryKey>,
    projection: Option<Projection>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let (names, detail) = check_shape(context, &request)?;
    let request_items = request.request_items.unwrap_or_default();
    if request_items.is_empty() {
        let message = "The requestItems parameter is required for BatchGetItem";
        return Err(Error::Validation(message.to_owned()));
    }
    let key_count: usize = request_items.values().flat_map(|request| &request.keys).map(Vec::len).sum();
    if key_count > BATCH_GET_KEYS_MAX {
        return Err(Error::Validation("Too many items requested for the BatchGetItem call".to_owned()));
    }
    let wanted = prepare(context, &request_items, names).await?;
    read(context, &wanted, detail).await
}

/// The tables' names, in the order of the request's, and the detail of consumed capacity.
fn check_shape(context: &Context, request: &Request<'_>) -> Result<(Vec<TableName>, Detail), Error> {
    let mut shape = Shape::default();
    let detail: Option<Detail> =
        shape.choice("returnConsumedCapacity", request.return_consumed_capacity.as_deref());
    let request_items = shape.required("requestItems", request.request_items.as_ref());
    let mut names = Some(Vec::new());
    for (reference, table) in request_items.into_iter().flatten() {
        let name = shape.table_name(context, Some(reference));
        names = names.zip(name).map(|(mut names, name)| {
            names.push(name);
            names
        });
        shape.enter(format!("requestItems.{reference}.member."));
        if let Some(keys) = shape.required("keys", table.keys.as_ref()) {
            shape.list("keys", keys.len(), 1..=BATCH_GET_KEYS_MAX);
        }
        shape.enter(String::new());
    }
    Ok((shape.finish(names)?, detail.unwrap_or_default()))
}

/// Checks all of the request before anything is read.
async fn prepare<'r>(
    context: &Context,
    request_items: &'r BTreeMap<String, TableRequest<'r>>,
    names: Vec<TableName>,
) -> Result<Vec<Wanted<'r>>, Error> {
    let mut parsed = Vec::with_capacity(names.len());
    for (reference, request) in request_items {
        let text = request.projection_expression.as_deref();
        let given = Given {
            legacy: &[("AttributesToGet", request.attributes_to_get.is_some())],
            expressions: &[("ProjectionExpression", text.is_some())],
            names: request.expression_attribute_names.is_some(),
            values: false,
        };
        given.check()?;
        let keys: Result<Vec<_>, Error> = request.keys.iter().flatten().map(|key| key.read()).collect();
        let keys = keys?;
        let attributes = legacy::projection(request.attributes_to_get.as_deref())?;
        let mut placeholders = placeholders(request.expression_attribute_names.clone(), None)?;
        let projection = projection(text, &mut placeholders)?.or(attributes);
        placeholders.finish()?;
        parsed.push((reference, request, projection, keys));
    }
    let mut wanted = Vec::with_capacity(parsed.len());
    let mut seen = HashSet::new();
    for ((reference, request, projection, keys), name) in parsed.into_iter().zip(names) {
        let table = context.region.active_table(&name).await?;
        let keys: Result<Vec<_>, Error> = keys.iter().map(|key| table.key_from_request(key)).collect();
        let keys = keys?;
        if !keys.iter().all(|key| seen.insert(table.item_key(key))) {
            return Err(Error::Validation("Provided list of item keys contains duplicates".to_owned()));
        }
        wanted.push(Wanted { reference, request, table, keys, projection });
    }
    Ok(wanted)
}

/// Reads as much as fits into an answer; the rest is unprocessed.
async fn read(context: &Context, wanted: &[Wanted<'_>], detail: Detail) -> Result<Vec<u8>, Error> {
    let mut responses = Reply::new();
    let mut unprocessed = Reply::new();
    let mut consumed: BTreeMap<TableName, Consumed> = BTreeMap::new();
    let mut size_bytes = 0;
    let mut full = false;
    let mut throttled = None;
    for table in wanted {
        let consistent = table.request.consistent_read.unwrap_or(false);
        let mut items = Vec::with_capacity(table.keys.len());
        let mut left = Vec::new();
        for (key, raw) in table.keys.iter().zip(table.request.keys.iter().flatten()) {
            let record =
                if full { Ok(None) } else { context.region.get(&table.table, key, consistent).await };
            let record = match record {
                Err(error @ Error::Throttled(_)) => {
                    throttled.get_or_insert(error);
                    left.push(raw.as_str().as_bytes());
                    continue;
                }
                record => record?,
            };
            let record_bytes = record.as_ref().map_or(0, |record| record.size_bytes as usize);
            full |= size_bytes + record_bytes > BATCH_GET_BYTES_MAX;
            if full {
                left.push(raw.as_str().as_bytes());
                continue;
            }
            size_bytes += record_bytes;
            let units = Consumed::table(read_units(record_bytes, consistent));
            consumed.entry(table.table.name.clone()).or_default().add(units);
            if let Some(record) = record {
                items.push(shown(record, table.projection.as_ref())?);
            }
        }
        responses.json_list(table.reference, items.iter().map(|item| &item[..]));
        if !left.is_empty() {
            unprocessed.json(table.reference, &table.unprocessed(&left));
        }
    }
    if let Some(error) = throttled.filter(|_| consumed.is_empty()) {
        return Err(error);
    }
    let mut reply = Reply::with_capacity(size_bytes);
    reply.json("Responses", &responses.finish());
    reply.json("UnprocessedKeys", &unprocessed.finish());
    reply.optional("ConsumedCapacity", list_json(&consumed, detail, Split::None).as_ref());
    Ok(reply.finish())
}

fn shown(record: Record, projection: Option<&Projection>) -> Result<Bytes, Error> {
    match projection {
        None => Ok(record.json),
        Some(projection) => Ok(item_to_json(&projection.apply(&stored_item(&record)?)).into()),
    }
}

impl Wanted<'_> {
    /// The same request for the keys that are left.
    fn unprocessed(&self, keys: &[&[u8]]) -> Vec<u8> {
        let mut again = Reply::new();
        again.json_list("Keys", keys.iter().copied());
        again.optional("ConsistentRead", self.request.consistent_read.as_ref());
        again.optional("AttributesToGet", self.request.attributes_to_get.as_ref());
        again.optional("ProjectionExpression", self.request.projection_expression.as_ref());
        again.optional("ExpressionAttributeNames", self.request.expression_attribute_names.as_ref());
        again.finish()
    }
}
