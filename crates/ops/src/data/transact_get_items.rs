//! TransactGetItems: several items as of one moment.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use graticule_expr::Projection;
use graticule_model::{Error, Item, TableName, codec::item_to_json, limits::TRANSACTION_BYTES_MAX};
use graticule_tables::{ReadOutcome, StoredItem, Table, schema::PrimaryKey};
use serde::Deserialize;

use super::{
    capacity::{Consumed, Detail, Split, list_json, read_units},
    expressions::{Names, placeholders, projection},
    stored_item,
    transact_write_items::{cancelled, multiple_operations, transaction_too_large},
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
    transact_items: Vec<TransactItem<'a>>,
    return_consumed_capacity: Option<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactItem<'a> {
    #[serde(borrow)]
    get: Get<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get<'a> {
    table_name: String,
    #[serde(borrow)]
    key: RawAttributes<'a>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Names>,
}

/// One item to read.
struct Wanted {
    /// The table as the request calls it.
    reference: String,
    table: TableName,
    key: Item,
    projection: Option<Projection>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let gets = request.transact_items.into_iter().map(|item| read(context, item.get));
    let wanted = gets.collect::<Result<Vec<Wanted>, Error>>()?;
    let keys = find(context, &wanted).await?;
    let records = match context.region.get_together(&keys).await? {
        ReadOutcome::Done(records) => records,
        ReadOutcome::Refused(errors) => return Err(cancelled(errors)),
    };
    let sizes = records.iter().flatten().map(|record| record.size_bytes as usize);
    if sizes.sum::<usize>() > TRANSACTION_BYTES_MAX {
        return Err(transaction_too_large());
    }
    answer(&wanted, &records, request.return_consumed_capacity.unwrap_or_default())
}

fn read(context: &Context, get: Get<'_>) -> Result<Wanted, Error> {
    let table = context.table_name(&get.table_name)?;
    let key = get.key.read()?;
    let text = get.projection_expression.as_deref();
    // Names without an expression are not looked at, other than in requests for one item.
    let names = get.expression_attribute_names.filter(|_| text.is_some());
    let mut placeholders = placeholders(names, None)?;
    let projection = projection(text, &mut placeholders)?;
    placeholders.finish()?;
    Ok(Wanted { reference: get.table_name, table, key, projection })
}

/// The tables and keys. Keys that do not fit cancel the transaction.
async fn find(context: &Context, wanted: &[Wanted]) -> Result<Vec<(Arc<Table>, PrimaryKey)>, Error> {
    let mut keys = Vec::with_capacity(wanted.len());
    let mut errors: Vec<Option<Error>> = vec![None; wanted.len()];
    for (wanted, error) in wanted.iter().zip(&mut errors) {
        let table = context.region.active_table(&wanted.table).await?;
        match table.key_from_request(&wanted.key) {
            Ok(key) => keys.push((table, key)),
            Err(reason) => *error = Some(reason),
        }
    }
    // Two reads of one item are a fault of the request, a key that does not fit is one of its action.
    let mut seen = HashSet::new();
    if !keys.iter().all(|(table, key)| seen.insert(table.item_key(key))) {
        return Err(multiple_operations());
    }
    if errors.iter().any(Option::is_some) { Err(cancelled(errors)) } else { Ok(keys) }
}

fn answer(wanted: &[Wanted], records: &[Option<StoredItem>], detail: Detail) -> Result<Vec<u8>, Error> {
    let mut consumed: BTreeMap<&str, Consumed> = BTreeMap::new();
    let mut responses = Vec::with_capacity(wanted.len());
    for (wanted, record) in wanted.iter().zip(records) {
        let size_bytes = record.as_ref().map_or(0, |record| record.size_bytes as usize);
        let units = Consumed::table(read_units(size_bytes, true)).in_transaction();
        consumed.entry(&wanted.reference).or_default().add(units);
        let mut response = Reply::with_capacity(size_bytes);
        match (record, &wanted.projection) {
            (Some(record), None) => {
                response.json("Item", &record.json);
            }
            (Some(record), Some(projection)) => {
                response.json("Item", &item_to_json(&projection.apply(&stored_item(record)?)));
            }
            (None, _) => {}
        }
        responses.push(response.finish());
    }
    let mut reply = Reply::with_capacity(responses.iter().map(Vec::len).sum());
    reply.json_list("Responses", responses.iter().map(|response| &response[..]));
    reply.optional("ConsumedCapacity", list_json(&consumed, detail, Split::Read).as_ref());
    Ok(reply.finish())
}
