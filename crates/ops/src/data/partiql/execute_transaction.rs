//! ExecuteTransaction: up to a hundred statements, all or none.

use std::collections::{BTreeMap, HashSet};

use graticule_expr::partiql::Statement;
use graticule_model::{
    CancellationReason, Error, TableName, error::PartiqlError, limits::TRANSACTION_BYTES_MAX,
    value::item_size_bytes,
};
use graticule_tables::{ReadOutcome, RequestToken, WriteOutcome, Written};
use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3;

use super::{
    next_token::fingerprint,
    read::ItemRead,
    request::{Given, table_name},
    write::Write,
};
use crate::{
    Context,
    data::{
        capacity::{Consumed, Detail, Split, list_json, read_units},
        return_values::OnFailure,
        transact_write_items::{attributes, cancelled, multiple_operations, transaction_too_large},
    },
    parameters::parse,
    reply::Reply,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    transact_statements: Vec<Given<'a>>,
    client_request_token: Option<String>,
    return_consumed_capacity: Option<Detail>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let detail = request.return_consumed_capacity.unwrap_or_default();
    let given = request.transact_statements;
    let parse = |given: &Given<'_>| Statement::parse(&given.text, &given.parameters()?);
    let statements = given.iter().map(parse).collect::<Result<Vec<Statement>, Error>>()?;
    let reads = statements.iter().filter(|statement| statement.is_read()).count();
    if reads == statements.len() {
        return read(context, statements, detail).await;
    }
    if reads > 0 {
        return Err(PartiqlError::ReadsAndWrites("transaction").into());
    }
    let token = request.client_request_token.map(|token| token_of(token, &given)).transpose()?;
    write(context, statements, &given, token, detail).await
}

/// The token with a hash of all that the transaction does. It is stored, so the hash never changes.
fn token_of(token: String, given: &[Given<'_>]) -> Result<RequestToken, Error> {
    let mut hash = Xxh3::new();
    hash.update(b"PartiQL");
    for given in given {
        hash.update(&fingerprint(given)?.to_be_bytes());
        hash.update(&[u8::from(given.on_failure() == OnFailure::AllOld)]);
    }
    Ok(RequestToken { token, fingerprint: hash.digest() })
}

async fn read(context: &Context, statements: Vec<Statement>, detail: Detail) -> Result<Vec<u8>, Error> {
    let mut items = Vec::with_capacity(statements.len());
    for statement in statements {
        let name = table_name(context, &statement)?;
        if let Statement::Select(select) = statement {
            items.push(ItemRead::prepare(context, &name, select, "ExecuteTransaction").await?);
        }
    }
    let mut seen = HashSet::new();
    if !items.iter().all(|item| seen.insert(item.table.item_key(&item.key))) {
        return Err(multiple_operations());
    }
    let keys: Vec<_> = items.iter().map(|item| (item.table.clone(), item.key.clone())).collect();
    let records = match context.region.get_together(&keys).await? {
        ReadOutcome::Done(records) => records,
        ReadOutcome::Refused(errors) => return Err(cancelled(errors)),
    };
    let sizes = records.iter().flatten().map(|record| record.size_bytes as usize);
    if sizes.sum::<usize>() > TRANSACTION_BYTES_MAX {
        return Err(transaction_too_large());
    }
    let mut consumed: BTreeMap<TableName, Consumed> = BTreeMap::new();
    let mut responses = Vec::with_capacity(items.len());
    for (item, record) in items.iter().zip(&records) {
        let size_bytes = record.as_ref().map_or(0, |record| record.size_bytes as usize);
        let units = Consumed::table(read_units(size_bytes, true)).in_transaction();
        consumed.entry(item.table.name.clone()).or_default().add(units);
        let mut response = Reply::with_capacity(size_bytes);
        if let Some(shown) = item.shown(record.as_ref())? {
            response.json("Item", &shown);
        }
        responses.push(response.finish());
    }
    let mut reply = Reply::with_capacity(responses.iter().map(Vec::len).sum());
    reply.json_list("Responses", responses.iter().map(|response| &response[..]));
    reply.optional("ConsumedCapacity", list_json(&consumed, detail, Split::Read).as_ref());
    Ok(reply.finish())
}

async fn write(
    context: &Context,
    statements: Vec<Statement>,
    given: &[Given<'_>],
    token: Option<RequestToken>,
    detail: Detail,
) -> Result<Vec<u8>, Error> {
    let mut actions = Vec::with_capacity(statements.len());
    let mut inserts = Vec::with_capacity(statements.len());
    for (statement, given) in statements.into_iter().zip(given) {
        let write = Write::prepare(context, statement, given.on_failure(), true).await?;
        inserts.push(write.is_insert());
        actions.push(write.action);
    }
    let size_bytes: usize = actions.iter().map(|action| item_size_bytes(attributes(action))).sum();
    if size_bytes > TRANSACTION_BYTES_MAX {
        return Err(transaction_too_large());
    }
    let mut keys = Vec::new();
    if token.is_some() && detail != Detail::None {
        for action in &actions {
            let table = context.region.active_table(&action.table).await?;
            // What does not fit its table is left to the write to refuse.
            if let Ok(key) = action.primary_key(&table) {
                keys.push((table, key));
            }
        }
    }
    let mut consumed: BTreeMap<TableName, Consumed> = BTreeMap::new();
    let split = match context.region.write(actions, token).await? {
        WriteOutcome::Done(written) => {
            add_written(&written, &mut consumed)?;
            Split::Write
        }
        WriteOutcome::Replayed => {
            // A transaction that was done before costs what reading its items costs.
            let records = match context.region.get_together(&keys).await? {
                ReadOutcome::Done(records) => records,
                ReadOutcome::Refused(errors) => return Err(cancelled(errors)),
            };
            for ((table, _), record) in keys.iter().zip(records) {
                let size_bytes = record.map_or(0, |record| record.size_bytes as usize);
                let units = Consumed::table(read_units(size_bytes, true)).in_transaction();
                consumed.entry(table.name.clone()).or_default().add(units);
            }
            Split::Read
        }
        WriteOutcome::Refused(errors) => return Err(refused(errors, &inserts)),
    };
    let mut reply = Reply::new();
    reply.optional("ConsumedCapacity", list_json(&consumed, detail, split).as_ref());
    Ok(reply.finish())
}

fn add_written(written: &[Written], consumed: &mut BTreeMap<TableName, Consumed>) -> Result<(), Error> {
    for written in written {
        let units = written.consumed()?.in_transaction();
        consumed.entry(written.table.name.clone()).or_default().add(units);
    }
    Ok(())
}

/// The error for a transaction whose statements met with `errors`: an INSERT meets with an item, not a condition.
fn refused(errors: Vec<Option<Error>>, inserts: &[bool]) -> Error {
    let mut error = cancelled(errors);
    if let Error::TransactionCanceled(reasons) = &mut error {
        for (reason, is_insert) in reasons.iter_mut().zip(inserts) {
            if let (CancellationReason::ConditionalCheckFailed(item), true) = (&mut *reason, is_insert) {
                *reason = CancellationReason::DuplicateItem(item.take());
            }
        }
    }
    error
}
