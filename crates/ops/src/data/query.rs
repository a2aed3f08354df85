//! Query.

use graticule_expr::{Condition, ExpressionKind, KeySchemaRef, parse_key_condition};
use graticule_model::{Error, limits::PARTITION_KEY_BYTES_MAX};
use graticule_tables::{Direction, Span, schema::KeySchema};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    expressions::{Names, RawValues, condition, placeholders, projection, read_values, refuse_legacy},
    page::{PageParameters, Reading, Source},
    shape::Shape,
};
use crate::{
    Context,
    parameters::{RawAttributes, parse},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    table_name: Option<String>,
    index_name: Option<String>,
    key_condition_expression: Option<String>,
    filter_expression: Option<String>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Names>,
    #[serde(borrow)]
    expression_attribute_values: Option<RawValues<'a>>,
    select: Option<String>,
    limit: Option<i64>,
    consistent_read: Option<bool>,
    scan_index_forward: Option<bool>,
    #[serde(borrow)]
    exclusive_start_key: Option<RawAttributes<'a>>,
    return_consumed_capacity: Option<String>,
    attributes_to_get: Option<IgnoredAny>,
    key_conditions: Option<IgnoredAny>,
    query_filter: Option<IgnoredAny>,
    conditional_operator: Option<IgnoredAny>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let mut shape = Shape::default();
    let table_name = shape.table_name(context, request.table_name.as_deref());
    let parameters = PageParameters::read(
        &mut shape,
        request.index_name,
        [&request.select, &request.return_consumed_capacity],
        request.limit,
        request.consistent_read,
    );
    let table_name = shape.finish(table_name)?;

    refuse_legacy(&[
        ("AttributesToGet", request.attributes_to_get.is_some(), "ProjectionExpression"),
        ("KeyConditions", request.key_conditions.is_some(), "KeyConditionExpression"),
        ("QueryFilter", request.query_filter.is_some(), "FilterExpression"),
        ("ConditionalOperator", request.conditional_operator.is_some(), "FilterExpression"),
    ])?;
    let key_text = request.key_condition_expression.as_deref().ok_or_else(key_condition_missing)?;
    let projection_text = request.projection_expression.as_deref();
    let filter_text = request.filter_expression.as_deref();
    parameters.check_select(projection_text.is_some())?;
    let values = read_values(request.expression_attribute_values)?;
    let conditions = [("FilterExpression", filter_text.is_some()), ("KeyConditionExpression", true)];
    let names = request.expression_attribute_names;
    let mut placeholders = placeholders(names, values, projection_text.is_some(), &conditions)?;
    let filter = condition(ExpressionKind::Filter, filter_text, &mut placeholders)?;
    let projection = projection(projection_text, &mut placeholders)?;
    // Its grammar comes now, what it means for the key only when the key is known.
    Condition::parse(ExpressionKind::KeyCondition, key_text, &mut placeholders)?;
    placeholders.finish()?;
    let after = request.exclusive_start_key.map(RawAttributes::read).transpose()?;

    let table = context.region.active_table(&table_name).await?;
    let source = Source::find(&table, parameters.index.as_deref())?;
    let reading =
        Reading { context, table: &table, source, parameters: &parameters, projection, filter, after };
    let whole_items = reading.check_index()?;
    let key = parse_key_condition(key_text, schema_ref(source.key()), &mut placeholders)?;
    if let Some(filter) = &reading.filter {
        filter.refuse_key_attributes(source.key().attributes().map(|attribute| &attribute.name[..]))?;
    }
    if key.partition.iter().map(|(_, value)| value.size_bytes()).sum::<usize>() > PARTITION_KEY_BYTES_MAX {
        return Err(Error::PartitionKeyTooLong);
    }
    if let Some(after) = &reading.after {
        if !source.is_start_key(after) {
            return Err(Error::StartKeyInvalid);
        }
        if key.partition.iter().any(|(name, value)| after.get(name) != Some(value)) {
            let message =
                "The provided starting key is outside query boundaries based on provided conditions";
            return Err(Error::Validation(message.to_owned()));
        }
    }
    let span = Span::Partition {
        partition: key.partition.into_iter().map(|(_, value)| value).collect(),
        sort: key.sort.into_iter().map(|(_, test)| test).collect(),
    };
    let forward = request.scan_index_forward.unwrap_or(true);
    let direction = if forward { Direction::Forward } else { Direction::Backward };
    reading.answer(span, direction, whole_items, start_key_outside).await
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
