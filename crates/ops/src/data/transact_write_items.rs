//! TransactWriteItems: up to a hundred actions, all or none.

use std::{collections::BTreeMap, sync::Arc};

use graticule_expr::{ExpressionKind, Update};
use graticule_model::{
    CancellationReason, Error, Item, limits::TRANSACTION_BYTES_MAX, value::item_size_bytes,
};
use graticule_tables::{
    Action, ActionKind, ReadOutcome, RequestToken, Table, WriteOutcome, Written, schema::PrimaryKey,
};
use serde_json::Value;

use super::{
    capacity::{Consumed, Detail, Split, list_json, read_units},
    expressions::{Values, condition, placeholders, read_values},
    return_values::{Metrics, OnFailure, collection_metrics},
    transact_request::{Fingerprint, Given, Parameters, Verb, read_request},
};
use crate::{Context, parameters::parse, reply::Reply};

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let (given, Parameters { detail, metrics, token }) = read_request(context, parse(body)?)?;

    let references: Vec<String> = given.iter().map(|given| given.parameters.table_name.clone()).collect();
    let mut fingerprint = token.as_ref().map(|_| Fingerprint::default());
    let mut actions = Vec::with_capacity(given.len());
    for given in given {
        actions.push(read(given, fingerprint.as_mut())?);
    }
    let size_bytes: usize = actions.iter().map(|action| item_size_bytes(attributes(action))).sum();
    if size_bytes > TRANSACTION_BYTES_MAX {
        return Err(transaction_too_large());
    }
    let wants_metrics = metrics == Metrics::Size;
    let keys = actions.iter().map(|action| wants_metrics.then(|| attributes(action).clone())).collect();
    let replay_keys = match &token {
        Some(_) if detail != Detail::None => keys_of(context, &actions).await?,
        _ => Vec::new(),
    };
    let token = token
        .zip(fingerprint)
        .map(|(token, fingerprint)| RequestToken { token, fingerprint: fingerprint.finish() });
    match context.region.write(actions, token).await? {
        WriteOutcome::Done(written) => answer(&references, &written, keys, detail),
        WriteOutcome::Replayed => answer_again(context, &references, &replay_keys, detail).await,
        WriteOutcome::Refused(errors) => Err(cancelled(errors)),
    }
}

/// One action, from its expressions to its attributes.
fn read(given: Given<'_>, mut fingerprint: Option<&mut Fingerprint>) -> Result<Action, Error> {
    let Given { verb, table, raw, on_failure, parameters } = given;
    let attributes = raw.read()?;
    let values = read_values(parameters.expression_attribute_values)?;
    if let Some(fingerprint) = fingerprint.as_mut() {
        fingerprint.expressions(
            [parameters.update_expression.as_deref(), parameters.condition_expression.as_deref()],
            parameters.expression_attribute_names.as_ref(),
            values.as_ref().map(valid).as_ref(),
            on_failure == OnFailure::AllOld,
        );
    }
    let update_text = parameters.update_expression.as_deref().filter(|_| verb == Verb::Update);
    let condition_text = parameters.condition_expression.as_deref();
    // Names and values without an expression are not looked at, other than in requests for one item.
    let is_conditional = update_text.is_some() || condition_text.is_some();
    let names = parameters.expression_attribute_names.filter(|_| is_conditional);
    let mut placeholders = placeholders(names, values.filter(|_| is_conditional))?;
    let update = update_text.map(|text| Update::parse(text, &mut placeholders)).transpose()?;
    let condition = condition(ExpressionKind::Condition, condition_text, &mut placeholders)?;
    placeholders.finish()?;
    if let Some(fingerprint) = fingerprint {
        fingerprint.action(verb, &table, &attributes);
    }
    let kind = match verb {
        Verb::Put => ActionKind::Put(attributes),
        Verb::Update => ActionKind::Update(attributes, update),
        Verb::Delete => ActionKind::Delete(attributes),
        Verb::Check => ActionKind::Check(attributes),
    };
    let return_old_on_failure = on_failure == OnFailure::AllOld;
    Ok(Action { condition, return_old_on_failure, ..Action::new(table, kind) })
}

/// The values that are any. A request with others is refused, or never looks at them.
fn valid(values: &Values) -> Item {
    values.iter().filter_map(|(token, value)| Some((token.clone(), value.clone().ok()?))).collect()
}

/// The item or key that an action carries.
pub(crate) fn attributes(action: &Action) -> &Item {
    match &action.kind {
        ActionKind::Put(item) | ActionKind::Update(item, _) => item,
        ActionKind::Delete(item) | ActionKind::Check(item) => item,
    }
}

/// The items that the actions are about. What does not fit its table is left to the write to refuse.
async fn keys_of(context: &Context, actions: &[Action]) -> Result<Vec<(Arc<Table>, PrimaryKey)>, Error> {
    let mut keys = Vec::with_capacity(actions.len());
    for action in actions {
        let table = context.region.active_table(&action.table).await?;
        if let Ok(key) = action.primary_key(&table) {
            keys.push((table, key));
        }
    }
    Ok(keys)
}

fn answer(
    references: &[String],
    written: &[Written],
    keys: Vec<Option<Item>>,
    detail: Detail,
) -> Result<Vec<u8>, Error> {
    let mut consumed: BTreeMap<&str, Consumed> = BTreeMap::new();
    let mut metrics: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for ((reference, written), key) in references.iter().zip(written).zip(keys) {
        if detail != Detail::None {
            let units = written.consumed()?.in_transaction();
            consumed.entry(reference).or_default().add(units);
        }
        if let Some(shown) = key.and_then(|key| collection_metrics(written, &key)) {
            metrics.entry(written.table.name.as_str()).or_default().push(shown);
        }
    }
    let mut reply = Reply::new();
    reply.optional("ItemCollectionMetrics", (!metrics.is_empty()).then_some(&metrics));
    reply.optional("ConsumedCapacity", list_json(&consumed, detail, Split::Write).as_ref());
    Ok(reply.finish())
}

/// A transaction that was done before costs what reading its items costs.
async fn answer_again(
    context: &Context,
    references: &[String],
    keys: &[(Arc<Table>, PrimaryKey)],
    detail: Detail,
) -> Result<Vec<u8>, Error> {
    let mut consumed: BTreeMap<&str, Consumed> = BTreeMap::new();
    if detail != Detail::None {
        let records = match context.region.get_together(keys).await? {
            ReadOutcome::Done(records) => records,
            // It has been done, whatever stands in the way of looking at it now.
            ReadOutcome::Refused(errors) => vec![None; errors.len()],
        };
        for (reference, record) in references.iter().zip(records) {
            let size_bytes = record.map_or(0, |record| record.size_bytes as usize);
            let units = Consumed::table(read_units(size_bytes, true)).in_transaction();
            consumed.entry(reference).or_default().add(units);
        }
    }
    let mut reply = Reply::new();
    reply.optional("ConsumedCapacity", list_json(&consumed, detail, Split::Read).as_ref());
    Ok(reply.finish())
}

/// The error for a transaction whose actions met with `errors`, by their positions.
pub(crate) fn cancelled(errors: Vec<Option<Error>>) -> Error {
    // An empty key value and an item that is too large are found before the transaction begins; a fault of the server
    // is no fault of an action.
    let of_the_request = |error: &&Error| {
        matches!(
            error,
            Error::KeyEmpty { .. }
                | Error::IndexKeyEmpty { .. }
                | Error::IndexKeyUpdatedEmpty(_)
                | Error::ItemTooLarge
                | Error::Internal(_)
        )
    };
    if let Some(error) = errors.iter().flatten().find(of_the_request) {
        return error.clone();
    }
    let reason = |error: Option<Error>| match error {
        None => CancellationReason::None,
        Some(Error::ConditionalCheckFailed(item)) => CancellationReason::ConditionalCheckFailed(item),
        Some(Error::Throttled(throttling)) => CancellationReason::Throttled(throttling),
        Some(Error::TransactionConflict) => CancellationReason::TransactionConflict,
        Some(Error::CollectionTooLarge) => CancellationReason::CollectionTooLarge,
        Some(error) => CancellationReason::Validation(error.to_string()),
    };
    Error::TransactionCanceled(errors.into_iter().map(reason).collect())
}

/// Two actions on one item.
pub(crate) fn multiple_operations() -> Error {
    Error::Validation("Transaction request cannot include multiple operations on one item".to_owned())
}

/// More bytes than a transaction may touch.
pub(crate) fn transaction_too_large() -> Error {
    Error::Validation("The aggregate size of the items in the transaction cannot exceed 4 MB".to_owned())
}
