//! ExecuteStatement: one statement.

use bytes::Bytes;
use graticule_expr::partiql::{Select, Statement};
use graticule_model::{Error, TableName, codec::item_to_value, error::PartiqlError};
use serde::Deserialize;

use super::{
    next_token::{Position, fingerprint},
    read::{ItemRead, page},
    request::{Given, table_name},
    write::Write,
};
use crate::{
    Context,
    data::{
        capacity::{Consumed, Detail, Split, consumed_json, read_units},
        page::PageParameters,
    },
    parameters::parse,
    reply::Reply,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    next_token: Option<String>,
    limit: Option<usize>,
    return_consumed_capacity: Option<Detail>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let given: Given<'_> = parse(body)?;
    let request: Request = parse(body)?;
    let statement = Statement::parse(&given.text, &given.parameters()?)?;
    let name = table_name(context, &statement)?;
    let detail = request.return_consumed_capacity.unwrap_or_default();
    match statement {
        Statement::Select(select) => read(context, &name, select, &given, request).await,
        // A write has no pages to go on with.
        _ if request.next_token.is_some() => Err(PartiqlError::NextTokenInvalid.into()),
        statement => write(context, &name, statement, &given, detail).await,
    }
}

async fn write(
    context: &Context,
    name: &TableName,
    statement: Statement,
    given: &Given<'_>,
    detail: Detail,
) -> Result<Vec<u8>, Error> {
    let write = Write::prepare(context, statement, given.on_failure(), false).await?;
    let (action, answering) = write.split();
    let written = context.region.write_one(action).await;
    let written = written.map_err(|error| Write::error(answering.is_insert, error))?;
    let mut reply = Reply::new();
    reply.json_list("Items", answering.item(&written)?.iter().map(|item| &item[..]));
    if detail != Detail::None {
        reply.value("ConsumedCapacity", &consumed_json(&written.consumed()?, name, detail, Split::None));
    }
    Ok(reply.finish())
}

async fn read(
    context: &Context,
    name: &TableName,
    select: Select,
    given: &Given<'_>,
    request: Request,
) -> Result<Vec<u8>, Error> {
    let Request { next_token, limit, return_consumed_capacity } = request;
    let detail = return_consumed_capacity.unwrap_or_default();
    let consistent = given.is_consistent();
    let fingerprint = fingerprint(given)?;
    let position = next_token.map(|token| Position::read(&token, fingerprint)).transpose()?;
    let table = context.region.active_table(name).await?;
    // One item needs no page, and has nothing to go on with.
    let by_key = match (&select.index, &position) {
        (None, None) if !select.is_ordered() => ItemRead::find(&table, &select)?,
        _ => None,
    };
    if let Some(item) = by_key {
        let record = context.region.get(&table, &item.key, consistent).await?;
        let size_bytes = record.as_ref().map_or(0, |record| record.size_bytes as usize);
        let consumed = Consumed::table(read_units(size_bytes, consistent));
        let items: Vec<Bytes> = item.shown(record.as_ref())?.into_iter().collect();
        return Ok(answer(name, &items, &consumed, detail).finish());
    }
    let mut parameters =
        PageParameters { index: select.index.clone(), select: None, limit, consistent, detail };
    let found = page(context, &table, select, &mut parameters, position.unwrap_or_default()).await?;
    let mut reply = answer(name, &found.items, &found.consumed, detail);
    reply.optional("NextToken", found.next.map(|next| next.token(fingerprint)).as_ref());
    reply.optional("LastEvaluatedKey", found.last_key.as_ref().map(item_to_value).as_ref());
    Ok(reply.finish())
}

fn answer(name: &TableName, items: &[Bytes], consumed: &Consumed, detail: Detail) -> Reply {
    let mut reply = Reply::with_capacity(items.iter().map(|item| item.len() + 1).sum());
    reply.json_list("Items", items.iter().map(|item| &item[..]));
    if detail != Detail::None {
        reply.value("ConsumedCapacity", &consumed_json(consumed, name, detail, Split::None));
    }
    reply
}
