//! Query.

use graticule_expr::{
    Condition, ExpressionKind, KeyCondition, KeySchemaRef, match_key_terms, parse_key_terms,
};
use graticule_model::{
    Error, Item,
    error::{ExpressionError, LegacyError},
};
use graticule_tables::{Direction, Span, schema::KeySchema};
use serde::Deserialize;

use super::{
    capacity::Detail,
    expressions::{Given, Names, RawValues, condition, placeholders, projection, read_values},
    legacy::{self, Conditions},
    page::{PageParameters, Reading, Select, Source, start_key},
};
use crate::{
    Context,
    parameters::{RawAttributes, parse},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    table_name: String,
    index_name: Option<String>,
    key_condition_expression: Option<String>,
    filter_expression: Option<String>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Names>,
    #[serde(borrow)]
    expression_attribute_values: Option<RawValues<'a>>,
    select: Option<Select>,
    limit: Option<usize>,
    consistent_read: Option<bool>,
    scan_index_forward: Option<bool>,
    #[serde(borrow)]
    exclusive_start_key: Option<RawAttributes<'a>>,
    return_consumed_capacity: Option<Detail>,
    attributes_to_get: Option<Vec<String>>,
    #[serde(borrow)]
    key_conditions: Option<Conditions<'a>>,
    #[serde(borrow)]
    query_filter: Option<Conditions<'a>>,
    conditional_operator: Option<String>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let table_name = context.table_name(&request.table_name)?;
    let parameters = PageParameters {
        index: request.index_name,
        select: request.select,
        limit: request.limit,
        consistent: request.consistent_read.unwrap_or(false),
        detail: request.return_consumed_capacity.unwrap_or_default(),
    };
    let key_text = request.key_condition_expression.as_deref();
    let projection_text = request.projection_expression.as_deref();
    let filter_text = request.filter_expression.as_deref();
    let given = Given {
        legacy: &[
            ("AttributesToGet", request.attributes_to_get.is_some()),
            ("QueryFilter", request.query_filter.is_some()),
            ("ConditionalOperator", request.conditional_operator.is_some()),
            ("KeyConditions", request.key_conditions.is_some()),
        ],
        expressions: &[
            ("ProjectionExpression", projection_text.is_some()),
            ("FilterExpression", filter_text.is_some()),
            ("KeyConditionExpression", key_text.is_some()),
        ],
        names: request.expression_attribute_names.is_some(),
        values: request.expression_attribute_values.is_some(),
    };
    given.check()?;
    let is_legacy_filter = request.query_filter.is_some();
    let legacy_filter = legacy::filter(request.query_filter, request.conditional_operator.as_deref())?;
    let after = start_key(request.exclusive_start_key)?;
    let attributes = legacy::projection(request.attributes_to_get.as_deref())?;
    let values = read_values(request.expression_attribute_values)?;
    let mut placeholders = placeholders(request.expression_attribute_names, values)?;
    let filter = condition(ExpressionKind::Filter, filter_text, &mut placeholders)?.or(legacy_filter);
    let projection = projection(projection_text, &mut placeholders)?.or(attributes);
    // What the condition means for the key is known only when the key is.
    let terms = match (key_text, request.key_conditions) {
        (Some(text), _) => parse_key_terms(text, &mut placeholders)?,
        (None, Some(conditions)) => legacy::key_terms(conditions)?,
        (None, None) => return Err(key_condition_missing()),
    };
    placeholders.finish()?;
    parameters.check_select(given.projection()).map_err(constraint)?;

    let table = context.region.active_table(&table_name).await?;
    let source = Source::find(&table, parameters.index.as_deref())?;
    let reading =
        Reading { context, table: &table, source, parameters: &parameters, projection, filter, after };
    let whole_items = reading.check_index()?;
    let key = match_key_terms(terms, schema_ref(source.key()))?;
    if let Some(filter) = &reading.filter {
        refuse_key_attributes(filter, source.key(), is_legacy_filter)?;
    }
    if let Some(after) = &reading.after {
        source.check_start_key(after, Error::StartKeyInvalid)?;
        refuse_other_partition(after, &key)?;
    }
    let span = Span::Partition {
        partition: key.partition.into_iter().map(|(_, value)| value).collect(),
        sort: key.sort.into_iter().map(|(_, test)| test).collect(),
    };
    let forward = request.scan_index_forward.unwrap_or(true);
    let direction = if forward { Direction::Forward } else { Direction::Backward };
    reading.answer(&request.table_name, span, direction, whole_items, start_key_outside).await
}

/// A page of this query cannot have ended in another partition.
fn refuse_other_partition(after: &Item, key: &KeyCondition) -> Result<(), Error> {
    if key.partition.iter().all(|(name, value)| after.get(name) == Some(value)) {
        return Ok(());
    }
    let message = "The provided starting key is outside query boundaries based on provided conditions";
    Err(Error::Validation(message.to_owned()))
}

/// Items that a query finds differ in no attribute of the partition key, and are found by those of the sort key.
fn refuse_key_attributes(filter: &Condition, key: &KeySchema, is_legacy: bool) -> Result<(), Error> {
    let checked = filter.refuse_key_attributes(key.attributes().map(|attribute| &attribute.name[..]));
    checked.map_err(|error| match error {
        Error::Expression(_, ExpressionError::KeyInFilter(name)) if is_legacy => {
            Error::Legacy(LegacyError::KeyInFilter(name))
        }
        error => error,
    })
}

/// A Query, unlike a Scan, reports a `Select` that does not go with its projection among broken constraints.
fn constraint(error: Error) -> Error {
    match error {
        Error::SelectWithProjection { .. } => Error::Constraints(vec![error.to_string()]),
        error => error,
    }
}

fn key_condition_missing() -> Error {
    let message =
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.";
    Error::Validation(message.to_owned())
}

fn start_key_outside() -> Error {
    Error::Validation("The provided starting key does not match the range key predicate".to_owned())
}

fn schema_ref(key: &KeySchema) -> KeySchemaRef<'_> {
    KeySchemaRef { partition: &key.partition, sort: &key.sort }
}
