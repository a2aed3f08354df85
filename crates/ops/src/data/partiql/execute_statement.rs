//! ExecuteStatement: one statement.

use bytes::Bytes;
use graticule_expr::partiql::{Select, Statement};
use graticule_model::{Error, TableName, codec::item_to_value, limits::PARTIQL_NEXT_TOKEN_LENGTH_MAX};
use serde::Deserialize;

use super::{
    next_token::{Position, fingerprint},
    read::{ItemRead, page},
    request::{Given, StatementRequest, table_name},
    write::Write,
};
use crate::{
    Context,
    data::{
        capacity::{Consumed, Detail, Split, consumed_json, read_units},
        page::PageParameters,
        shape::Shape,
    },
    parameters::parse,
    reply::Reply,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    next_token: Option<String>,
    limit: Option<i64>,
    return_consumed_capacity: Option<String>,
}

/// What concerns the answer of a read.
struct Paging {
    next_token: Option<String>,
    limit: Option<usize>,
    detail: Detail,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let statement: StatementRequest<'_> = parse(body)?;
    let request: Request = parse(body)?;
    let mut shape = Shape::default();
    let given = statement.check(&mut shape);
    shape.text("nextToken", request.next_token.as_deref(), 1..=PARTIQL_NEXT_TOKEN_LENGTH_MAX);
    shape.number("limit", request.limit, 1, i64::from(i32::MAX));
    let detail = shape.choice("returnConsumedCapacity", request.return_consumed_capacity.as_deref());
    let given = shape.finish(given)?;
    let paging = Paging {
        next_token: request.next_token,
        limit: request.limit.and_then(|limit| usize::try_from(limit).ok()),
        detail: detail.unwrap_or_default(),
    };

    let statement = Statement::parse(&given.text, &given.parameters()?)?;
    let name = table_name(context, &statement)?;
    match statement {
        Statement::Select(select) => read(context, &name, select, &given, paging).await,
        statement => write(context, &name, statement, &given, paging.detail).await,
    }
}

async fn write(
    context: &Context,
    name: &TableName,
    statement: Statement,
    given: &Given<'_>,
    detail: Detail,
) -> Result<Vec<u8>, Error> {
    let write = Write::prepare(context, statement, given.on_failure, false).await?;
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
    paging: Paging,
) -> Result<Vec<u8>, Error> {
    let Paging { next_token, limit, detail } = paging;
    let fingerprint = fingerprint(given);
    let position = next_token.map(|token| Position::read(&token, fingerprint)).transpose()?;
    let table = context.region.active_table(name).await?;
    // One item needs no page, and has nothing to go on with.
    let by_key = match (&select.index, &position) {
        (None, None) if !select.is_ordered() => ItemRead::find(&table, &select)?,
        _ => None,
    };
    if let Some(item) = by_key {
        let record = context.region.get(&table, &item.key, given.consistent).await?;
        let size_bytes = record.as_ref().map_or(0, |record| record.size_bytes as usize);
        let consumed = Consumed::table(read_units(size_bytes, given.consistent));
        let items: Vec<Bytes> = item.shown(record.as_ref())?.into_iter().collect();
        return Ok(answer(name, &items, &consumed, detail).finish());
    }
    let mut parameters = PageParameters {
        index: select.index.clone(),
        select: None,
        limit,
        consistent: given.consistent,
        detail,
    };
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
