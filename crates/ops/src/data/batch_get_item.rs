//! BatchGetItem.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use graticule_expr::Projection;
use graticule_model::{
    Error, Item, TableName,
    codec::item_to_json,
    limits::{BATCH_GET_BYTES_MAX, BATCH_GET_KEYS_MAX},
};
use graticule_tables::{StoredItem, Table, schema::PrimaryKey};
use serde::Deserialize;

use super::{
    capacity::{Consumed, Detail, Split, list_json, read_units},
    expressions::{Given, Names, placeholders, projection},
    legacy, stored_item,
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
    request_items: BTreeMap<String, TableRequest<'a>>,
    return_consumed_capacity: Option<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableRequest<'a> {
    #[serde(borrow)]
    keys: Vec<RawAttributes<'a>>,
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
    let request_items = &request.request_items;
    if request_items.is_empty() {
        return Err(no_tables());
    }
    let key_count: usize = request_items.values().map(|table| table.keys.len()).sum();
    if key_count > BATCH_GET_KEYS_MAX {
        return Err(Error::Validation("Too many items requested for the BatchGetItem call".to_owned()));
    }
    let mut seen = HashSet::new();
    let asked =
        request_items.iter().map(|(reference, request)| check(context, reference, request, &mut seen));
    let asked = asked.collect::<Result<Vec<Asked<'_>>, Error>>()?;
    let mut wanted = Vec::with_capacity(asked.len());
    for asked in asked {
        wanted.push(asked.find(context).await?);
    }
    read(context, &wanted, request.return_consumed_capacity.unwrap_or_default()).await
}

/// The service words this constraint of its model without the value.
fn no_tables() -> Error {
    let broken = "Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1";
    Error::Constraints(vec![broken.to_owned()])
}

/// What is asked of one table that has not been looked for.
struct Asked<'r> {
    reference: &'r str,
    request: &'r TableRequest<'r>,
    name: TableName,
    keys: Vec<Item>,
    projection: Option<Projection>,
}

/// Checks all that can be checked without the table.
fn check<'r>(
    context: &Context,
    reference: &'r str,
    request: &'r TableRequest<'r>,
    seen: &mut HashSet<(TableName, Vec<u8>)>,
) -> Result<Asked<'r>, Error> {
    let name = context.table_name(reference)?;
    let text = request.projection_expression.as_deref();
    let given = Given {
        legacy: &[("AttributesToGet", request.attributes_to_get.is_some())],
        expressions: &[("ProjectionExpression", text.is_some())],
        names: request.expression_attribute_names.is_some(),
        values: false,
    };
    given.check()?;
    let keys = request.keys.iter().map(|key| key.read()).collect::<Result<Vec<Item>, Error>>()?;
    if !keys.iter().all(|key| seen.insert((name.clone(), item_to_json(key)))) {
        return Err(Error::Validation("Provided list of item keys contains duplicates".to_owned()));
    }
    let attributes = legacy::projection(request.attributes_to_get.as_deref())?;
    let mut placeholders = placeholders(request.expression_attribute_names.clone(), None)?;
    let projection = projection(text, &mut placeholders)?.or(attributes);
    placeholders.finish()?;
    Ok(Asked { reference, request, name, keys, projection })
}

impl<'r> Asked<'r> {
    async fn find(self, context: &Context) -> Result<Wanted<'r>, Error> {
        let table = context.region.active_table(&self.name).await?;
        let keys = self.keys.iter().map(|key| table.key_from_request(key)).collect::<Result<_, Error>>()?;
        let Asked { reference, request, projection, .. } = self;
        Ok(Wanted { reference, request, table, keys, projection })
    }
}

/// Reads as much as fits into an answer; the rest is unprocessed.
async fn read(context: &Context, wanted: &[Wanted<'_>], detail: Detail) -> Result<Vec<u8>, Error> {
    let mut responses = Reply::new();
    let mut unprocessed = Reply::new();
    let mut consumed: BTreeMap<&str, Consumed> = BTreeMap::new();
    let mut size_bytes = 0;
    let mut full = false;
    let mut throttled = None;
    for table in wanted {
        let consistent = table.request.consistent_read.unwrap_or(false);
        let mut items = Vec::with_capacity(table.keys.len());
        let mut left = Vec::new();
        for (key, raw) in table.keys.iter().zip(&table.request.keys) {
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
            consumed.entry(table.reference).or_default().add(units);
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

fn shown(record: StoredItem, projection: Option<&Projection>) -> Result<Bytes, Error> {
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
