//! GetItem.

use graticule_model::{Error, Item, TableName, codec::item_to_json};
use serde::Deserialize;

use super::{
    capacity::{Consumed, Detail, Split, consumed_json, read_units},
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
    table_name: String,
    #[serde(borrow)]
    key: RawAttributes<'a>,
    consistent_read: Option<bool>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Names>,
    return_consumed_capacity: Option<Detail>,
    attributes_to_get: Option<Vec<String>>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let table_name = context.table_name(&request.table_name)?;
    let detail = request.return_consumed_capacity.unwrap_or_default();
    let text = request.projection_expression.as_deref();
    let given = Given {
        legacy: &[("AttributesToGet", request.attributes_to_get.is_some())],
        expressions: &[("ProjectionExpression", text.is_some())],
        names: request.expression_attribute_names.is_some(),
        values: false,
    };
    given.check()?;
    let key = request.key.read()?;
    let attributes = legacy::projection(request.attributes_to_get.as_deref())?;
    let mut placeholders = placeholders(request.expression_attribute_names, None)?;
    let projection = projection(text, &mut placeholders)?.or(attributes);
    placeholders.finish()?;

    let table = context.region.active_table(&table_name).await?;
    let key = table.key_from_request(&key)?;
    let consistent = request.consistent_read.unwrap_or(false);
    let record = context.region.get(&table, &key, consistent).await?;

    let mut reply = Reply::with_capacity(record.as_ref().map_or(0, |record| record.json.len()));
    match (&record, &projection) {
        (Some(record), None) => {
            reply.json("Item", &record.json);
        }
        (Some(record), Some(projection)) => {
            reply.json("Item", &item_to_json(&projection.apply(&stored_item(record)?)));
        }
        (None, _) => {}
    }
    if detail != Detail::None {
        let size_bytes = record.map_or(0, |record| record.size_bytes as usize);
        let units = read_units(size_bytes, consistent);
        let consumed = consumed_json(&Consumed::table(units), &request.table_name, detail, Split::None);
        reply.value("ConsumedCapacity", &consumed);
    }
    Ok(reply.finish())
}

/// A read of a whole item that answers with nothing else.
pub(crate) async fn plain(
    context: &Context,
    table_name: &TableName,
    key: &Item,
    consistent: bool,
) -> Result<Vec<u8>, Error> {
    let table = context.region.active_table(table_name).await?;
    let key = table.key_from_request(key)?;
    let item = context.region.get(&table, &key, consistent).await?;
    let mut reply = Reply::with_capacity(item.as_ref().map_or(0, |item| item.json.len()));
    if let Some(item) = item {
        reply.json("Item", &item.json);
    }
    Ok(reply.finish())
}
