//! BatchExecuteStatement: up to 25 statements, each answered by itself.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::join_all;
use graticule_expr::partiql::Statement;
use graticule_model::{Error, TableName, codec::item_to_value, error::PartiqlError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    read::ItemRead,
    request::{Given, table_name},
    write::Write,
};
use crate::{
    Context,
    data::capacity::{Consumed, Detail, Split, list_json, read_units},
    parameters::parse,
    reply::Reply,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    statements: Vec<Given<'a>>,
    return_consumed_capacity: Option<Detail>,
}

/// How one statement ended.
struct Ended {
    /// The table, once it is known to be the one that answered.
    table: Option<TableName>,
    result: Result<Done, Error>,
}

/// What a statement that was done answers with.
struct Done {
    item: Option<Bytes>,
    consumed: Consumed,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let given = request.statements;
    let parsed: Vec<Result<Statement, Error>> = given
        .iter()
        .map(|given| given.parameters().and_then(|parameters| Statement::parse(&given.text, &parameters)))
        .collect();
    let reads = parsed.iter().flatten().filter(|statement| statement.is_read()).count();
    if reads > 0 && reads < parsed.iter().flatten().count() {
        return Err(PartiqlError::ReadsAndWrites("batch").into());
    }
    let ended = given.iter().zip(parsed).map(|(given, parsed)| execute(context, given, parsed));
    Ok(answer(&join_all(ended).await, request.return_consumed_capacity.unwrap_or_default()))
}

async fn execute(context: &Context, given: &Given<'_>, parsed: Result<Statement, Error>) -> Ended {
    let prepared = parsed.and_then(|parsed| table_name(context, &parsed).map(|table| (table, parsed)));
    let (table, statement) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Ended { table: None, result: Err(error) },
    };
    let result = match statement {
        Statement::Select(select) => {
            match ItemRead::prepare(context, &table, select, "BatchExecuteStatement").await {
                Ok(item) => read(context, given, &item).await,
                Err(error) => Err(error),
            }
        }
        statement => match Write::prepare(context, statement, given.on_failure(), false).await {
            Ok(prepared) => write(context, prepared).await,
            Err(error) => Err(error),
        },
    };
    let is_of_table = |error: &Error| {
        let met_the_item = matches!(code(error), "ConditionalCheckFailed" | "DuplicateItem");
        met_the_item || matches!(error, Error::Throttled(_) | Error::TransactionConflict)
    };
    let table = Some(table).filter(|_| result.as_ref().err().is_none_or(is_of_table));
    Ended { table, result }
}

async fn read(context: &Context, given: &Given<'_>, item: &ItemRead) -> Result<Done, Error> {
    let record = context.region.get(&item.table, &item.key, given.is_consistent()).await?;
    let size_bytes = record.as_ref().map_or(0, |record| record.size_bytes as usize);
    let consumed = Consumed::table(read_units(size_bytes, given.is_consistent()));
    Ok(Done { item: item.shown(record.as_ref())?, consumed })
}

async fn write(context: &Context, write: Write) -> Result<Done, Error> {
    let (action, answering) = write.split();
    let written = context.region.write_one(action).await;
    let written = written.map_err(|error| Write::error(answering.is_insert, error))?;
    Ok(Done { item: answering.item(&written)?, consumed: written.consumed()? })
}

fn answer(ended: &[Ended], detail: Detail) -> Vec<u8> {
    let mut consumed: BTreeMap<TableName, Consumed> = BTreeMap::new();
    let mut responses = Vec::with_capacity(ended.len());
    for Ended { table, result } in ended {
        let mut response = Reply::new();
        match result {
            Ok(done) => {
                if let Some(item) = &done.item {
                    response.json("Item", item);
                }
                if let Some(table) = table {
                    consumed.entry(table.clone()).or_default().add(done.consumed.clone());
                }
            }
            Err(error) => {
                response.value("Error", &error_json(error));
            }
        }
        response.optional("TableName", table.as_ref());
        responses.push(response.finish());
    }
    let mut reply = Reply::with_capacity(responses.iter().map(Vec::len).sum());
    reply.json_list("Responses", responses.iter().map(|response| &response[..]));
    reply.optional("ConsumedCapacity", list_json(&consumed, detail, Split::None).as_ref());
    reply.finish()
}

fn error_json(error: &Error) -> Value {
    let mut shown = json!({"Code": code(error), "Message": error.to_string()});
    if let Error::ConditionalCheckFailed(Some(item)) = error {
        shown["Item"] = item_to_value(item);
    }
    shown
}

/// A statement's error by the name that batches have for it.
fn code(error: &Error) -> &'static str {
    match error.envelope().name {
        "ConditionalCheckFailedException" => "ConditionalCheckFailed",
        "DuplicateItemException" => "DuplicateItem",
        "ResourceNotFoundException" => "ResourceNotFound",
        "ItemCollectionSizeLimitExceededException" => "ItemCollectionSizeLimitExceeded",
        "ProvisionedThroughputExceededException" => "ProvisionedThroughputExceeded",
        "RequestLimitExceeded" => "RequestLimitExceeded",
        "ThrottlingException" => "ThrottlingError",
        "TransactionConflictException" => "TransactionConflict",
        "AccessDeniedException" => "AccessDenied",
        "InternalServerError" => "InternalServerError",
        _ => "ValidationError",
    }
}
